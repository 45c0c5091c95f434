"""A server on this machine that plays a registry, well-behaved or not."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from attrs import define, field, frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@frozen(kw_only=True)
class Answer:
    """What the server says to one request.

    `length` is the length that it claims, `wait` how long it waits before the body, and `drip` how long before each
    byte of it, or of a header line where `drip_headers`.
    """

    body: bytes = b""
    status: int = 200
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None
    wait: float = 0.0
    drip: float = 0.0
    drip_headers: bool = False


@define
class Played:
    """A server that is running: its address, and the path and query of every request so far."""

    address: str
    asked: list[str] = field(factory=list)
    agents: list[str | None] = field(factory=list)

    def queries(self) -> list[dict[str, str]]:
        """Return the query of each request."""
        return [{name: values[0] for name, values in parse_qs(urlsplit(each).query).items()} for each in self.asked]


def answer(document: Any) -> Answer:
    """Return a document as a registry gives it out."""
    return Answer(body=json.dumps(document).encode())


class _Handler(BaseHTTPRequestHandler):
    played: Played
    script: Callable[[Played, str], Answer]
    over: threading.Event

    def do_GET(self) -> None:
        self.played.asked.append(self.path)
        self.played.agents.append(self.headers["User-Agent"])
        with suppress(OSError):  # who asked may have gone
            self._say(self.script(self.played, self.path))
        self.close_connection = True

    def _say(self, say: Answer) -> None:
        if say.drip_headers:
            self._drip(b"HTTP/1.0 200 OK\r\n" + b"X-Padding: x\r\n" * 1000, say.drip)
            return
        self.send_response(say.status)
        self.send_header("Content-Type", say.kind)
        self.send_header("Content-Length", str(len(say.body) if say.length is None else say.length))
        for name, value in say.headers:
            self.send_header(name, value)
        self.end_headers()
        self.over.wait(say.wait)
        if say.drip:
            self._drip(say.body, say.drip)
        else:
            self.wfile.write(say.body)

    def _drip(self, data: bytes, pause: float) -> None:
        for byte in data:
            if self.over.wait(pause):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (as the standard library calls it)
        pass


@contextmanager
def playing(script: Callable[[Played, str], Answer]) -> Iterator[Played]:
    """Run a server that answers by a script, which is given what was asked so far, this request the last."""
    over = threading.Event()
    handler = type("_Playing", (_Handler,), {"script": staticmethod(script), "over": over})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        played = Played(f"http://127.0.0.1:{server.server_port}")
        handler.played = played  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield played
        finally:
            over.set()
            server.shutdown()
            thread.join()
