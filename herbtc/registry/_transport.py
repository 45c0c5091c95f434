"""How bytes are fetched: one request at a time, slowly, with an end to everything.

All that asks a registry takes `fetch`, a callable from an address to the bytes of its answer. `Transport` is the one
that is used where the caller brings none; whoever sits behind a proxy of their own, or has the files on disk, brings
theirs, which raises `RegistryError` where there is no answer.
"""

from __future__ import annotations

import threading
import time
from http.client import HTTPException
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from attrs import field, frozen

from herbtc._version import __version__
from herbtc.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

    Fetch = Callable[[str], bytes]

OK = 200
BAD_REQUEST = 400
NOT_FOUND = 404
TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = range(500, 600)

_BLOCK = 1 << 16
_MOST_SAID = 200  # characters of what a server says about an error


@frozen(kw_only=True)
class Transport:
    """Fetch over HTTP with the standard library, proxies of the environment included.

    It pauses before every request, so that it needs no memory of the last one: however many transports take turns, one
    thread never asks faster than it may.

    Attributes
    ----------
    agent : str
        Who asks; add an address where you can be reached if you ask for much.
    pause : float
        Seconds before each request. No registry publishes its limit; one request a second has done no harm.
    timeout : float
        Seconds that one request may take from its beginning to the last byte, whatever the server does meanwhile.
    limit : int
        Bytes that one answer may have.
    attempts : int
        Requests in all, where the answers are 429 or 5xx; the pause doubles each time. Nothing else is asked twice.
    sleep : callable
        What waits so many seconds; `time.sleep`.

    Examples
    --------
    >>> from herbtc import registry
    >>> slow = registry.Transport(pause=5.0, agent="herbtc, for the review of Doe et al. (doe@example.org)")
    >>> slow.pause
    5.0
    """

    agent: str = f"herbtc/{__version__} (Python library; evidence on HER2 in biliary tract cancer)"
    pause: float = field(default=1.0)
    timeout: float = field(default=60.0)
    limit: int = field(default=1 << 28)
    attempts: int = field(default=4)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @pause.validator
    def _not_below_nothing(self, _: Any, value: float) -> None:
        if not value >= 0:
            raise ValueError(f"expected a pause of no or more seconds, got {value}")

    @timeout.validator
    @limit.validator
    @attempts.validator
    def _more_than_nothing(self, attribute: Any, value: float) -> None:
        if not value > 0:
            raise ValueError(f"expected {attribute.name} above 0, got {value}")

    def __call__(self, url: str) -> bytes:
        """Return the bytes at an address.

        Raises
        ------
        herbtc.RegistryError
            If they cannot be had: the server cannot be reached, is too slow, says no, sends too much, breaks off, or
            points to another host.
        """
        if urlsplit(url).scheme not in {"http", "https"}:
            raise RegistryError(f"{url}: expected an address that begins with https://")
        pause = self.pause
        for attempt in range(1, self.attempts + 1):
            self.sleep(pause)
            try:
                return self._answer(url)
            except RegistryError as error:
                if not (error.status == TOO_MANY_REQUESTS or error.status in _SERVER_ERRORS):
                    raise
                if attempt == self.attempts:
                    raise RegistryError(
                        f"{error}; asked {attempt} times, so leave it for some minutes and try again",
                        status=error.status,
                    ) from error
            pause = max(2 * pause, 1.0)
        raise AssertionError  # the last attempt has returned or raised

    def _answer(self, url: str) -> bytes:
        # A socket's timeout begins anew with every byte, so that a server which sends one now and then is never too
        # slow for it: only the clock of another thread bounds a whole request.
        answers: SimpleQueue[bytes | Exception] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._ask(url))
            except Exception as error:  # noqa: BLE001  (raised below, in the thread of the caller)
                answers.put(error)

        threading.Thread(target=ask, name="herbtc request", daemon=True).start()
        try:
            answer = answers.get(timeout=self.timeout)
        except Empty:
            answer = TimeoutError()
        match answer:
            case bytes():
                return answer
            case RegistryError():
                raise answer
            case TimeoutError() | URLError(reason=TimeoutError()):
                raise RegistryError(
                    f"{url}: no complete answer within {self.timeout:g} s; try again later, or with a longer timeout"
                ) from None
            case URLError(reason=reason):
                raise RegistryError(
                    f"{url}: cannot be reached ({reason}); check the network and the proxy, or bring your own `fetch`"
                ) from answer
            case HTTPException() | OSError():
                raise RegistryError(
                    f"{url}: the answer broke off ({answer or type(answer).__name__}); try again"
                ) from answer
            case _:
                raise RegistryError(f"{url}: cannot be asked for ({answer})") from answer

    def _ask(self, url: str) -> bytes:
        request = Request(url, headers={"User-Agent": self.agent, "Accept-Encoding": "identity"})  # noqa: S310  (checked)
        end = time.monotonic() + self.timeout
        try:
            response = build_opener(_SameHost).open(request, timeout=self.timeout)
        except HTTPError as error:
            with error:
                raise RegistryError(_refusal(url, error), status=error.code) from None
        with response:
            if response.status != OK:
                raise RegistryError(f"{url}: HTTP {response.status} instead of an answer", status=response.status)
            length = response.headers.get("Content-Length", "")
            blocks, size = [], 0
            while block := response.read1(_BLOCK):
                blocks.append(block)
                size += len(block)
                if size > self.limit:
                    raise RegistryError(
                        f"{url}: more than {self.limit} bytes; ask for less at a time, or raise the limit"
                    )
                if time.monotonic() > end:
                    raise TimeoutError
            if length.isdecimal() and size != int(length):
                raise RegistryError(f"{url}: the answer broke off after {size} of {length} bytes; try again")
            return b"".join(blocks)


class _SameHost(HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0917  (as the standard library calls it)
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            fp.close()
            raise RegistryError(
                f"{req.full_url}: sends elsewhere, to {newurl}, which is not followed; if the registry has moved, "
                "look for a newer herbtc"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refusal(url: str, error: HTTPError) -> str:
    # What a server says about a request that it refuses, where it says so in plain text.
    said = ""
    if error.headers.get_content_type() == "text/plain":
        try:
            said = " ".join(error.read(4 * _MOST_SAID).decode("utf-8", "replace").split())[:_MOST_SAID]
        except (OSError, HTTPException):
            said = "and broke off"
    advice = {
        BAD_REQUEST: "; check the words of the query",
        NOT_FOUND: "; there is no such record, check its number",
    }.get(error.code, "")
    return f"{url}: HTTP {error.code}{f' ({said})' if said else ''}{advice}"
