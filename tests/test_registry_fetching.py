"""Fetching from a server on this machine: whatever it does, there is a result or an error that says what to do.

No test asks anything outside. Pauses are noted, not slept.
"""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from loopback import Answer, Played, answer, playing

import herbtc
from herbtc import RegistryError, registry
from herbtc.registry import _ctgov
from herbtc.registry._progress import bar

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parent / "samples" / "ctgov"
WITHDRAWN = (SAMPLES / "NCT00973089.json").read_bytes()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def transport(pauses: list[float]) -> registry.Transport:
    return registry.Transport(timeout=1.0, limit=100_000, sleep=pauses.append)


def always(say: Answer) -> Callable[[Played, str], Answer]:
    return lambda _, __: say


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Played], None]:
    """Return what makes the registry's address that of a server."""
    return lambda played: monkeypatch.setattr(_ctgov, "ADDRESS", f"{played.address}/api/v2")


def stub(number: int) -> dict[str, Any]:
    return {"protocolSection": {"identificationModule": {"nctId": f"NCT{number:08}"}}, "hasResults": False}


# --- the transport ----------------------------------------------------------------------------------------------------


def test_bytes_come_as_they_are(transport: registry.Transport, pauses: list[float]) -> None:
    with playing(always(Answer(body=WITHDRAWN))) as played:
        assert transport(f"{played.address}/x") == WITHDRAWN
    assert played.asked == ["/x"]
    assert pauses == [1.0]


def test_it_says_who_asks(transport: registry.Transport) -> None:
    with playing(always(Answer(body=b"{}"))) as played:
        transport(played.address)
        registry.Transport(agent="me@example.org", pause=0)(played.address)
    assert played.agents[0] is not None
    assert played.agents[0].startswith(f"herbtc/{herbtc.__version__} ")
    assert played.agents[1] == "me@example.org"


def test_two_transports_together_ask_no_faster_than_one() -> None:
    with playing(always(Answer(body=b"{}"))) as played:
        start = time.perf_counter()
        for _ in range(3):
            registry.Transport(pause=0.1)(played.address)
        assert time.perf_counter() - start >= 0.3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_busy_servers_are_asked_a_few_times_with_longer_pauses(
    status: int, transport: registry.Transport, pauses: list[float]
) -> None:
    with playing(always(Answer(status=status))) as played, pytest.raises(RegistryError, match="try again") as caught:
        transport(played.address)
    assert caught.value.status == status
    assert "asked 4 times" in str(caught.value)
    assert len(played.asked) == 4
    assert pauses == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("status", [429, 503])
def test_servers_that_recover_are_forgiven(status: int, transport: registry.Transport, pauses: list[float]) -> None:
    def script(played: Played, _: str) -> Answer:
        return Answer(status=status) if len(played.asked) < 3 else Answer(body=b"{}")

    with playing(script) as played:
        assert transport(played.address) == b"{}"
    assert len(played.asked) == 3
    assert pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("status", "advice"),
    [(400, "check the words"), (404, "check its number"), (401, ""), (403, ""), (410, ""), (418, "")],
)
def test_other_refusals_are_final_and_quoted(status: int, advice: str, transport: registry.Transport) -> None:
    say = Answer(status=status, kind="text/plain; charset=utf-8", body="`filter.phase` is\n unknown – sorry".encode())
    with playing(always(say)) as played, pytest.raises(RegistryError) as caught:
        transport(f"{played.address}/studies")
    assert caught.value.status == status
    assert f"/studies: HTTP {status} (`filter.phase` is unknown – sorry)" in str(caught.value)
    assert advice in str(caught.value)
    assert len(played.asked) == 1


def test_what_a_page_says_about_an_error_is_not_quoted(transport: registry.Transport) -> None:
    say = Answer(status=404, kind="text/html", body=b"<html><script>alert(1)</script></html>")
    with playing(always(say)) as played, pytest.raises(RegistryError) as caught:
        transport(played.address)
    assert "script" not in str(caught.value)


@pytest.mark.parametrize("status", [202, 204, 206])
def test_half_an_answer_is_none(status: int, transport: registry.Transport) -> None:
    say = Answer(status=status, body=b"" if status == 204 else b"{}")
    with playing(always(say)) as played, pytest.raises(RegistryError, match="instead of an answer") as caught:
        transport(played.address)
    assert caught.value.status == status
    assert len(played.asked) == 1


def test_long_refusals_are_cut(transport: registry.Transport) -> None:
    say = Answer(status=400, kind="text/plain", body=b"no " * 100_000)
    with playing(always(say)) as played, pytest.raises(RegistryError) as caught:
        transport(played.address)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "say",
    [
        Answer(body=WITHDRAWN, wait=30),
        Answer(body=WITHDRAWN, drip=0.05),
        Answer(drip=0.05, drip_headers=True),
        Answer(status=404, kind="text/plain", body=b"no" * 400, drip=0.05),
    ],
    ids=["silent", "drips its body", "drips its headers", "drips its refusal"],
)
def test_slow_servers_are_left_when_the_time_is_over(say: Answer, pauses: list[float]) -> None:
    transport = registry.Transport(timeout=0.4, sleep=pauses.append)
    with playing(always(say)) as played:
        start = time.perf_counter()
        with pytest.raises(RegistryError, match=r"no complete answer within 0.4 s; try again later"):
            transport(played.address)
        assert time.perf_counter() - start < 1.5
    assert len(played.asked) == 1


def test_no_thread_is_left_behind_for_long(pauses: list[float]) -> None:
    transport = registry.Transport(timeout=0.2, sleep=pauses.append)
    with playing(always(Answer(body=WITHDRAWN, drip=0.05))) as played, pytest.raises(RegistryError):
        transport(played.address)
    end = time.perf_counter() + 5
    while any(thread.name == "herbtc request" for thread in threading.enumerate()):
        assert time.perf_counter() < end
        time.sleep(0.01)


def test_truncated_answers_are_no_answers(transport: registry.Transport) -> None:
    say = Answer(body=WITHDRAWN[:1000], length=len(WITHDRAWN))
    with playing(always(say)) as played, pytest.raises(RegistryError, match=r"broke off.*; try again"):
        transport(played.address)
    assert len(played.asked) == 1


@pytest.mark.parametrize("length", [None, 10, 10**15])
def test_too_large_answers_are_not_read_to_their_end(length: int | None, transport: registry.Transport) -> None:
    say = Answer(body=b" " * 200_000, length=length)
    with playing(always(say)) as played:
        if length == 10:  # the rest is not read at all
            assert transport(played.address) == b" " * 10
        else:
            with pytest.raises(RegistryError, match="more than 100000 bytes; ask for less at a time"):
                transport(played.address)


def test_redirects_on_the_host_are_followed(transport: registry.Transport) -> None:
    def script(_: Played, path: str) -> Answer:
        return Answer(status=301, headers=(("Location", "/there"),)) if path == "/here" else Answer(body=b"{}")

    with playing(script) as played:
        assert transport(f"{played.address}/here") == b"{}"
    assert played.asked == ["/here", "/there"]


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "file"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_to_elsewhere_are_not(status: int, scheme: str, transport: registry.Transport) -> None:
    with playing(always(Answer(body=b"{}"))) as elsewhere:
        target = elsewhere.address.replace("http", scheme, 1) if scheme != "file" else "file:///etc/hostname"
        say = Answer(status=status, headers=(("Location", f"{target}/secret"),))
        with playing(always(say)) as played, pytest.raises(RegistryError, match=r"elsewhere|HTTP 30"):
            transport(played.address)
    assert elsewhere.asked == []
    assert len(played.asked) == 1


def test_redirects_in_a_circle_end(transport: registry.Transport) -> None:
    say = Answer(status=302, headers=(("Location", "/again"),))
    with playing(always(say)) as played, pytest.raises(RegistryError):
        transport(played.address)
    assert len(played.asked) <= 11


def test_a_server_that_is_not_there(transport: registry.Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(RegistryError, match=r"cannot be reached .*; check the network and the proxy"):
        transport(address)


def test_a_server_that_speaks_no_http(transport: registry.Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 smtp.example.org ready\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(RegistryError, match="broke off"):
            transport(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "clinicaltrials.gov", ""])
def test_only_web_addresses_are_asked(url: str, transport: registry.Transport, pauses: list[float]) -> None:
    with pytest.raises(RegistryError, match="begins with https"):
        transport(url)
    assert pauses == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:port/", "http://[::1/", "http://127.0.0.1/a b\r\nHost: x"])
def test_broken_addresses_are_errors_of_the_registry(url: str, transport: registry.Transport) -> None:
    with pytest.raises((RegistryError, ValueError)):
        transport(url)


@pytest.mark.parametrize(
    "wrong", [{"pause": -1.0}, {"timeout": 0.0}, {"limit": 0}, {"attempts": 0}, {"pause": float("nan")}]
)
def test_limits_are_limits(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        registry.Transport(**wrong)


# --- one study --------------------------------------------------------------------------------------------------------


def test_a_study_is_fetched(transport: registry.Transport, at: Callable[[Played], None]) -> None:
    with playing(always(Answer(body=WITHDRAWN))) as played:
        at(played)
        assert registry.fetch(" nct00973089 ", fetch=transport) == registry.study(WITHDRAWN)
    assert played.asked == ["/api/v2/studies/NCT00973089"]


def test_another_study_is_no_answer() -> None:
    with pytest.raises(RegistryError, match="answered with another study, NCT00973089"):
        registry.fetch("NCT00000001", fetch=lambda _: WITHDRAWN)


def test_a_study_under_its_old_number_is_an_answer() -> None:
    document = json.loads(WITHDRAWN)
    document["protocolSection"]["identificationModule"]["nctIdAliases"] = ["NCT00000001"]
    assert registry.fetch("NCT00000001", fetch=lambda _: json.dumps(document).encode()).nct_id == "NCT00973089"


@pytest.mark.parametrize(
    "number", ["", "NCT1", "NCT004668911", "EUCTR2020-000000-00", "NCT0046689/../x", "NCT0097308٩"]
)
def test_what_is_no_number_is_not_asked_for(number: str) -> None:
    with pytest.raises(RegistryError, match="NCT and eight digits"):
        registry.fetch(number, fetch=lambda _: pytest.fail("asked"))


@pytest.mark.parametrize(
    "body",
    [b"", b"<!DOCTYPE html>", WITHDRAWN[:4000], b"[]", b"{}", b'{"studies": []}', b"\xff", b"[" * 100_000],
    ids=["empty", "page", "truncated", "list", "table", "search", "binary", "nested"],
)
def test_wrong_content_is_an_error_of_the_registry(body: bytes) -> None:
    with pytest.raises(RegistryError, match=r"not what should be there[\s\S]*try again"):
        registry.fetch("NCT00973089", fetch=lambda _: body)


def test_the_version_of_the_data() -> None:
    body = b'{"apiVersion": "2.0.4", "dataTimestamp": "2026-08-11T09:00:05"}'
    assert registry.version(fetch=lambda _: body) == registry.Version(
        api_version="2.0.4", data_timestamp="2026-08-11T09:00:05"
    )
    with pytest.raises(RegistryError, match="apiVersion: expected a value"):
        registry.version(fetch=lambda _: b"{}")


# --- searches ---------------------------------------------------------------------------------------------------------


def paging(played: Played, _: str) -> Answer:
    """Three pages; totalCount on the first only, no token on the last."""
    query = played.queries()[-1]
    page = int(query.get("pageToken", "token-0").removeprefix("token-"))
    document: dict[str, Any] = {"studies": [stub(10 * page + each) for each in range(3 if page < 2 else 1)]}
    if page == 0 and query.get("countTotal") == "true":
        document["totalCount"] = 7
    if page < 2:
        document["nextPageToken"] = f"token-{page + 1}"
    return answer(document)


def test_all_pages_are_fetched(
    transport: registry.Transport, at: Callable[[Played], None], pauses: list[float]
) -> None:
    with playing(paging) as played:
        at(played)
        found = registry.search(
            "HER2 OR ERBB2",
            condition="biliary & bile",
            status=["RECRUITING", "COMPLETED"],
            advanced="AREA[Phase]PHASE3",
            fields=["NCTId"],
            fetch=transport,
        )
    assert [study.nct_id[-2:] for study in found] == ["00", "01", "02", "10", "11", "12", "20"]
    first, second, third = played.queries()
    shared = {
        "query.term": "HER2 OR ERBB2",
        "query.cond": "biliary & bile",
        "filter.overallStatus": "RECRUITING|COMPLETED",
        "filter.advanced": "AREA[Phase]PHASE3",
        "fields": "NCTId",
        "pageSize": "100",
    }
    assert first == shared | {"countTotal": "true"}
    assert second == shared | {"pageToken": "token-1"}
    assert third == shared | {"pageToken": "token-2"}
    assert pauses == [1.0, 1.0, 1.0]


def expiring(times: int) -> Callable[[Played, str], Answer]:
    """Return a script whose second page is refused so many times."""

    def script(played: Played, path: str) -> Answer:
        tokens = [query.get("pageToken") for query in played.queries()]
        if tokens[-1] == "token-1" and tokens.count("token-1") <= times:
            return Answer(status=400, kind="text/plain", body=b"Incorrect page token")
        return paging(played, path)

    return script


def test_a_search_whose_token_expired_begins_anew_once(
    transport: registry.Transport, at: Callable[[Played], None]
) -> None:
    with playing(expiring(1)) as played:
        at(played)
        assert len(registry.search("HER2", fetch=transport)) == 7
    assert [query.get("pageToken", "first") for query in played.queries()] == [
        *("first", "token-1"),
        *("first", "token-1", "token-2"),
    ]


def test_a_search_whose_token_expires_again_ends(transport: registry.Transport, at: Callable[[Played], None]) -> None:
    with playing(expiring(9)) as played:
        at(played)
        with pytest.raises(RegistryError, match=r"begun anew once.*try later") as caught:
            registry.search("HER2", fetch=transport)
    assert caught.value.status == 400
    assert "Incorrect page token" in str(caught.value)
    assert len(played.asked) == 4


def test_a_wrong_query_is_not_begun_anew(transport: registry.Transport, at: Callable[[Played], None]) -> None:
    say = Answer(status=400, kind="text/plain", body=b"Unknown field")
    with playing(always(say)) as played:
        at(played)
        with pytest.raises(RegistryError, match="Unknown field"):
            registry.search("HER2", fields=["Nonsense"], fetch=transport)
    assert len(played.asked) == 1


def test_a_server_that_fails_on_a_later_page_is_no_storm(
    transport: registry.Transport, at: Callable[[Played], None], pauses: list[float]
) -> None:
    def script(played: Played, path: str) -> Answer:
        return Answer(status=503) if "pageToken" in path else paging(played, path)

    with playing(script) as played:
        at(played)
        with pytest.raises(RegistryError, match="try again"):
            registry.search("HER2", fetch=transport)
    assert len(played.asked) == 5
    assert sum(pauses) == 16


def test_a_study_on_two_pages_is_found_once() -> None:
    def fetch(url: str) -> bytes:
        later = "pageToken" in url
        document = {"studies": [stub(1) | {"hasResults": later}, stub(2 + later)]}
        return json.dumps(document if later else document | {"nextPageToken": "x"}).encode()

    found = registry.search("HER2", fetch=fetch)
    assert [(study.nct_id[-1], study.has_results) for study in found] == [("1", True), ("2", False), ("3", False)]


def test_pages_in_a_circle_end() -> None:
    page = json.dumps({"studies": [stub(1)], "nextPageToken": "same"}).encode()
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return page

    with pytest.raises(RegistryError, match="was there before"):
        registry.search("HER2", fetch=fetch)
    assert len(asked) == 2


def test_empty_pages_are_passed() -> None:
    def fetch(url: str) -> bytes:
        return b'{"studies": []}' if "pageToken" in url else b'{"studies": [], "nextPageToken": "x"}'

    assert registry.search("nothing at all", fetch=fetch) == ()


def test_a_broken_study_on_a_page_is_named_and_nothing_is_returned() -> None:
    page = json.dumps({"studies": [stub(1), {"protocolSection": {"identificationModule": {"nctId": 2}}}]}).encode()
    with pytest.raises(RegistryError, match=r"studies\[1\].protocolSection.identificationModule.nctId: expected text"):
        registry.search("HER2", fetch=lambda _: page)


def test_a_page_with_a_fault_in_every_study_is_told_in_short() -> None:
    page = json.dumps({"studies": [{}] * 10_000}).encode()
    with pytest.raises(RegistryError, match=r"studies\[2\].*; and 9997 more") as caught:
        registry.search("HER2", fetch=lambda _: page)
    assert len(str(caught.value)) < 2_000


def test_the_whole_registry_is_not_searched_by_accident() -> None:
    with pytest.raises(RegistryError, match="expected words"):
        registry.search(fields=["NCTId"], fetch=lambda _: pytest.fail("asked"))


def test_what_a_callers_own_fetch_raises_is_theirs() -> None:
    def fetch(_: str) -> bytes:
        raise KeyError("not in my cache")

    with pytest.raises(KeyError, match="my cache"):
        registry.search("HER2", fetch=fetch)


# --- progress ---------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "silent"), [(io.StringIO, True), (Terminal, False)])
def test_progress_is_shown_on_terminals_only(
    stream: type[io.StringIO], *, silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = stream()
    monkeypatch.setattr("sys.stderr", shown)
    with bar(unit=" studies") as progress:
        progress(3, 7)
    assert ("3.00/7.00" in shown.getvalue()) is not silent
    assert bool(shown.getvalue()) is not silent


def test_progress_needs_no_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with bar(unit=" studies", total=7) as progress:
        progress(3)
        progress(4, 7)


def test_importing_asks_nothing_and_loads_nothing_optional() -> None:
    code = (
        "import sys; sockets = []\n"
        "sys.addaudithook(lambda event, _: sockets.append(event) if event.startswith('socket.') else None)\n"
        "import herbtc.registry\n"
        "print(sockets, [name for name in ('duckdb', 'tqdm', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "[] []\n"
