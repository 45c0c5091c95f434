"""What reading registry records costs beside reading their JSON, and that a scan grows with the registry and no faster.

`python -m pytest tests/benchmarks/test_registry_cost.py -s` prints the figures. What is compared is timed in one run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from herbtc import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLES = Path(__file__).parent.parent / "samples" / "ctgov"
FILES = sorted(SAMPLES.glob("NCT*.json"))
GIB = 1 << 30


def test_reading_a_thousand_studies_costs_less_than_five_times_their_json() -> None:
    # Each of the samples but the largest about a hundred times, and the largest, of 1.5 MB, ten times.
    small = [path.read_bytes() for path in FILES if path.stat().st_size < 1_000_000]
    large = [path.read_bytes() for path in FILES if path.stat().st_size >= 1_000_000]
    records = [small[place % len(small)] for place in range(990)] + large * 10
    assert len(records) == 1_000
    times: dict[str, list[float]] = {"json": [], "study": []}
    for _ in range(5):
        for name, read in (("json", json.loads), ("study", registry.study)):
            start = time.perf_counter()
            for record in records:
                read(record)
            times[name].append(time.perf_counter() - start)
    ours, theirs = min(times["study"]), min(times["json"])
    print(
        f"\n1,000 studies, {sum(map(len, records)) / 1e6:.0f} MB: {1000 * ours:.0f} ms, "
        f"{ours / theirs:.2f} x json.loads (limit 5)"
    )
    assert ours <= 5 * theirs


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_sample_costs_more_than_five_times_its_json(path: Path) -> None:
    data = path.read_bytes()
    least = {}
    for name, read in (("json", json.loads), ("study", registry.study)):
        times = []
        for _ in range(30):
            start = time.perf_counter()
            read(data)
            times.append(time.perf_counter() - start)
        least[name] = min(times)
    print(f"\n{path.stem}, {len(data)} bytes: {least['study'] / least['json']:.2f} x json.loads (limit 5)")
    assert least["study"] <= 5 * least["json"]


def generated(studies: int) -> Iterator[tuple[str, str]]:
    """Yield so many records: a twentieth with results, a hundredth of HER2 in biliary tract cancer."""
    plain = [json.loads(path.read_bytes()) for path in FILES if path.stat().st_size < 25_000]
    posted = json.loads((SAMPLES / "NCT00763412.json").read_bytes())
    for place in range(studies):
        number = f"NCT{place:08}"
        document: dict[str, Any] = posted if place % 20 == 0 else plain[place % len(plain)]
        document["protocolSection"]["identificationModule"]["nctId"] = number
        conditions = document["protocolSection"]["conditionsModule"]["conditions"]
        wanted = ["HER2-positive Cholangiocarcinoma"] if place % 100 == 50 else []
        document["protocolSection"]["conditionsModule"]["conditions"] = conditions + wanted
        yield number, json.dumps(document, indent=2, ensure_ascii=False)
        document["protocolSection"]["conditionsModule"]["conditions"] = conditions


def as_folder(target: Path, studies: int) -> Path:
    target.mkdir()
    for number, text in generated(studies):
        (target / f"{number}.json").write_text(text, "utf-8")
    return target


def as_zip(target: Path, studies: int) -> Path:
    target = target.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, text in generated(studies):
            archive.writestr(f"{number}.json", text)
    return target


def as_lines(target: Path, studies: int) -> Path:
    target = target.with_suffix(".jsonl")
    with target.open("w", encoding="utf-8") as file:
        for _, text in generated(studies):
            file.write(json.dumps(json.loads(text), ensure_ascii=False) + "\n")
    return target


def as_parquet(target: Path, studies: int) -> Path:
    lines = as_lines(target, studies)
    target = target.with_suffix(".parquet")
    with duckdb.connect(config={"memory_limit": "2GB"}) as connection:
        connection.execute(
            f"COPY (SELECT json::VARCHAR AS study FROM read_json_objects('{lines}', format = 'newline_delimited')) "  # noqa: S608
            f"TO '{target}' (ROW_GROUP_SIZE 10000)"
        )
    lines.unlink()
    return target


SCAN = """
import json, resource, sys, time
from herbtc import registry
start = time.perf_counter()
found = registry.scan(sys.argv[1])
spent, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss, which counts what the process was before it became this program.
peak = next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([len(found), spent, used.ru_utime + used.ru_stime, peak]))
"""


@pytest.mark.parametrize("kind", [as_folder, as_zip, as_lines, as_parquet], ids=lambda kind: kind.__name__)
def test_a_scan_takes_minutes_for_100_000_studies_in_proportion_to_them_and_less_than_a_gibibyte(
    kind: Callable[[Path, int], Path], tmp_path: Path
) -> None:
    # Minutes are those of the clock; proportion is of the time that was computed, as other jobs share disk and cores.
    seconds, computed, memory = {}, {}, {}
    for studies in (20_000, 100_000):
        path = kind(tmp_path / str(studies), studies)
        os.sync()  # what was just written is not still on its way to the disk meanwhile
        done = subprocess.run([sys.executable, "-c", SCAN, path], capture_output=True, text=True, check=True)  # noqa: S603
        found, seconds[studies], computed[studies], memory[studies] = json.loads(done.stdout)
        assert found == studies // 100
    for studies, clock in seconds.items():
        print(
            f"\n{kind.__name__}, {studies} studies: {clock:.1f} s, computing {computed[studies]:.1f} s, "
            f"{memory[studies] / GIB:.2f} GiB (limits 300 s, 1 GiB)"
        )
    print(f"five times the studies: {computed[100_000] / computed[20_000]:.1f} x the time computed (limit 6)")
    assert seconds[100_000] < 300
    assert computed[100_000] <= 6 * computed[20_000]
    assert memory[100_000] < GIB
