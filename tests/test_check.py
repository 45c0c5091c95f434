"""`python -m herbtc check`, `schema` and `diff`: what they print, and the exit status that a CI reads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import herbtc
from herbtc import __main__, audit, schema

SHIPPED = Path(herbtc.__file__).parent / "data"

STUDY = """
key = "our-series"
name = 'Our series'
design = "retrospective"

[[sources]]
key = "records-2026"
kind = "unpublished"
title = 'Records of our hospital'

[[arms]]
key = "zanidatamab"
label = 'Zanidatamab'
n = 18
agents = ["zanidatamab"]
definition = "herizon-btc-01-cohort-1"
her2_selected = true
btc_only = true

[figures]
proportions = [
  { arm = "zanidatamab", endpoint = "orr", events = 7, n = 18, percent = 38.9, source = "records-2026", locator = 'Table' },
]
"""  # noqa: E501  (an inline table is one line)

CORRECTION = """
[[corrections]]
trial = "herizon-btc-01"
section = "proportions"
arm = "cohort-1"
source = "harding-2023"
endpoint = "orr"
field = "events"
printed = 33
corrected = 43
reason = 'Letter of the authors'
by = 'A. Curator'
on = 2026-01-10
"""


class Run:
    """Runs a command in this process; `status` and `lines` are those of the last one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> tuple[int, list[str]]:
        self.monkeypatch.setattr(sys, "argv", ["herbtc", *map(str, arguments)])
        status = __main__.main()
        return status, self.capsys.readouterr().out.splitlines()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(monkeypatch, capsys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own" / "trials").mkdir(parents=True)
    (tmp_path / "own" / "trials" / "our-series.toml").write_text(STUDY, "utf-8")
    return tmp_path / "own"


def rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / "trials" / "our-series.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


# --- check ------------------------------------------------------------------------------------------------------------


def test_a_sound_folder_is_clean(run: Run, folder: Path) -> None:
    beside = f"1 study beside the evidence of {herbtc.__version__}"
    assert run("check", folder) == (0, [f"{folder}: {beside}; 0 errors, 0 warnings"])
    assert run("check", folder, "--strict")[0] == 0


def test_findings_of_the_shipped_evidence_are_not_those_of_the_folder(run: Run, folder: Path) -> None:
    assert len(audit.check()) > 10
    assert len(run("check", folder)[1]) == 1


def test_every_fault_is_told_with_file_path_and_what_was_expected(run: Run, folder: Path) -> None:
    rewrite(folder, '["zanidatamab"]', '["zanidatmab"]')
    rewrite(folder, '"retrospective"', '"cohort"')
    (folder / "trials" / "bad.toml").write_text("key = ", "utf-8")
    status, lines = run("check", folder)
    assert status == 1
    assert [line.partition(": expected")[0] for line in lines[:3]] == [
        lines[0],
        "error: trials/our-series.toml: design",
        "error: trials/our-series.toml: arms[0].agents[0]",
    ]
    assert lines[0].startswith("error: trials/bad.toml: not TOML")
    assert lines[-1] == f"{folder}: 3 faults; the figures are audited when there is none"


def test_a_figure_that_cannot_be_right_is_an_error(run: Run, folder: Path) -> None:
    rewrite(folder, "percent = 38.9", "percent = 49.0")
    status, lines = run("check", folder)
    assert status == 1
    where = "trials/our-series.toml: arm zanidatamab, population all, endpoint orr, source records-2026"
    assert lines[0] == f"error: {where}: 7 of 18 is 38.89 %, not 49.0 % [percentage]"
    assert lines[1] == "    printed 49.0; expected 38.89 %"
    assert "declare a figure `suspect`" in lines[2]
    assert lines[-1].endswith("1 error, 0 warnings")


def test_a_warning_counts_only_when_asked_to(run: Run, folder: Path) -> None:
    rewrite(folder, 'definition = "herizon-btc-01-cohort-1"\n', "")
    status, lines = run("check", folder)
    assert status == 0
    assert lines[0].startswith("warning: trials/our-series.toml: arm zanidatamab: ")
    assert lines[-1].endswith("0 errors, 1 warning")
    assert run("check", folder, "--strict")[0] == 1


def test_a_correction_is_audited_with_what_it_corrects(run: Run, folder: Path) -> None:
    (folder / "corrections.toml").write_text(CORRECTION, "utf-8")
    status, lines = run("check", folder)
    assert status == 1
    assert lines[0].startswith("error: corrections of herizon-btc-01: arm cohort-1, ")
    assert "1 study, 1 correction beside the evidence" in lines[-1]


def test_a_folder_that_is_complete_is_checked_alone(run: Run, tmp_path: Path) -> None:
    copy = shutil.copytree(SHIPPED, tmp_path / "copy")
    status, lines = run("check", copy, "--alone")
    assert status == 0
    assert lines[-1].endswith(f"0 errors, {len(audit.check())} warnings")
    status, lines = run("check", copy)
    assert status == 1
    assert "expected a new key" in lines[0]


def test_a_folder_that_needs_the_shipped_evidence_is_not_sound_alone(run: Run, folder: Path) -> None:
    assert run("check", folder, "--alone")[0] == 1


def test_a_folder_that_is_not_there_is_a_fault(run: Run, tmp_path: Path) -> None:
    assert run("check", tmp_path / "nowhere")[1][0] == f"error: {tmp_path / 'nowhere'}: no such folder"


def test_without_scipy_it_says_that_the_audit_was_not_done(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(herbtc, "audit", raising=False)
    for name in [name for name in sys.modules if name.startswith("herbtc.audit")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    for name in [name for name in sys.modules if name.startswith("herbtc.synthesis")]:
        monkeypatch.delitem(sys.modules, name)
    status, [line] = run("check", folder)
    assert status == 2
    assert line.endswith("pip install 'herbtc[stats]'")


def test_the_exit_status_is_that_of_the_process(folder: Path) -> None:
    def status(*arguments: object) -> int:
        environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "ignore::DeprecationWarning"}
        command = [sys.executable, "-m", "herbtc", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, check=False, env=environment)  # noqa: S603
        assert done.stderr == b"" or done.returncode == 2
        return done.returncode

    assert status("check", folder) == 0
    rewrite(folder, "events = 7", "events = 19")
    assert status("check", folder) == 1
    assert status("check") == 2


@pytest.mark.parametrize("command", ["check", "schema", "diff"])
def test_every_command_explains_itself(run: Run, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run(command, "--help")
    assert left.value.code == 0
    assert f"usage: python -m herbtc {command}" in capsys.readouterr().out


# --- schema -----------------------------------------------------------------------------------------------------------


def test_a_schema_is_printed(run: Run) -> None:
    status, lines = run("schema", "study")
    assert status == 0
    assert json.loads("\n".join(lines)) == schema.of("study")


def test_all_schemas_are_written(run: Run, tmp_path: Path) -> None:
    status, lines = run("schema", "--write", tmp_path / "schema")
    assert status == 0
    assert lines == [str(tmp_path / "schema" / f"{kind}.schema.json") for kind in schema.KINDS]
    assert json.loads(Path(lines[0]).read_text("utf-8")) == schema.of("study")


def test_a_place_that_cannot_be_written_to_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    status, [line] = run("schema", "--write", tmp_path / "file")
    assert status == 2
    assert "cannot be written" in line


# --- diff -------------------------------------------------------------------------------------------------------------


def test_what_changed_since_a_folder_is_printed(run: Run, tmp_path: Path) -> None:
    earlier = shutil.copytree(SHIPPED, tmp_path / "earlier")
    assert run("diff", earlier) == (0, ["- No change."])
    (earlier / "trials" / "tapur.toml").write_text(
        (SHIPPED / "trials" / "tapur.toml").read_text("utf-8").replace("percent = 32", "percent = 33"), "utf-8"
    )
    status, lines = run("diff", earlier)
    assert status == 0
    assert lines[0] == "- `tapur`:"
    assert all("percent 33 → percent 32" in line for line in lines[1:])
    assert run("diff", SHIPPED, earlier)[1][1].count("percent 32 → percent 33") == 1


def test_a_folder_that_cannot_be_read_is_told(run: Run, tmp_path: Path) -> None:
    status, lines = run("diff", tmp_path / "nowhere")
    assert status == 1
    assert "no such folder" in lines[1]
