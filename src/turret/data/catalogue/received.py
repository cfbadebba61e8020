"""What a server sends for an original file, and no more of it than that.

It must answer in time, lead nowhere but to https (or on as it was asked for), and send about as much as there should be, neither for ever
nor a byte a minute.
"""

from __future__ import annotations

import http.client
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import nullcontext
from threading import Thread
from typing import Any
from urllib.parse import urljoin, urlsplit

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from turret.core.errors import InputError
from turret.data.catalogue.entry import Original
from turret.version import __version__

BLOCK = 1 << 18
TIMEOUT = 30.0
"""Seconds without a byte."""
ANSWERED = 120.0
"""Seconds until a server must have begun to send the file, wherever it leads."""
PATIENCE, SLOWEST = 60.0, 1_000.0
"""At least so many bytes a second must come, on the average of so many seconds."""
TOO_MUCH = 4
"""A download may be this many times as large, or as small, as it should be about (publishers do replace files), and no more."""
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 10


def received(original: Original, instead: str) -> Iterator[bytes]:
    """The blocks of a file, as they come.

    Args:
        original: the file.
        instead: what a person can do where the network fails.

    Raises:
        InputError: it does not send the file, or it sends too much, too little or too slowly.
    """
    url = str(original.url)
    try:
        with _in_time(lambda: _answer(url)) as answer:
            yield from _measured(original, answer)
    except urllib.error.HTTPError as error:
        raise InputError(f"{url} answers {error.code} {str(error.reason)[:80]}", hint=instead) from None
    except (OSError, http.client.HTTPException, futures.TimeoutError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error) or "it did not answer in time"
        raise InputError(f"{original.file} could not be downloaded from {url}: {reason}", hint=instead) from None


def _answer(url: str) -> http.client.HTTPResponse:
    """The answer to a request, from wherever it leads."""
    opener = urllib.request.build_opener(_Stays)
    for _ in range(MOST_REDIRECTS):
        request = urllib.request.Request(url, headers={"User-Agent": f"turret/{__version__}"})
        try:
            answer: http.client.HTTPResponse = opener.open(request, timeout=TIMEOUT)
            return answer
        except urllib.error.HTTPError as error:
            error.close()
            where = error.headers.get("Location")
            if error.code not in REDIRECTS or where is None:
                raise
        url = _followed(url, where)
    raise InputError(f"{url} leads from one place to the next without end")


class _Stays(urllib.request.HTTPRedirectHandler):
    """Follows nothing by itself: it would go from https to http, and read what a redirection says to its end."""

    def redirect_request(self, *_: Any) -> None:
        """None."""


def _followed(url: str, where: str) -> str:
    """Where `url` leads to: to https, or on as it was asked for, and never to files of this machine."""
    there = urljoin(url, where)
    if urlsplit(there).scheme not in ("https", urlsplit(url).scheme):
        raise InputError(f"{url} leads to {there!r}, which is not followed: it is not https")
    return there


def _in_time(call: Callable[[], Any]) -> Any:
    """What `call` gives within `ANSWERED` seconds: a timeout alone lets a server send its headers a byte at a time."""
    found: futures.Future[Any] = futures.Future()

    def work() -> None:
        try:
            found.set_result(call())
        except BaseException as error:
            found.set_exception(error)

    Thread(target=work, daemon=True).start()
    return found.result(ANSWERED)


def _measured(original: Original, answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The blocks of an answer, with a bar where somebody looks."""
    most, total, done = TOO_MUCH * original.size + BLOCK, answer.length, 0
    since, before = time.monotonic(), 0
    with _bar() if sys.stderr.isatty() else nullcontext() as bar:
        task = bar.add_task(original.file, total=total) if bar else None
        while (total or 0) <= most and (block := answer.read1(BLOCK)):
            done += len(block)
            if done > most:
                break
            if time.monotonic() - since > PATIENCE:
                if done - before < SLOWEST * PATIENCE:
                    raise InputError(f"{original.url} sends less than {SLOWEST:,.0f} bytes a second", hint="Try again.")
                since, before = time.monotonic(), done
            yield block
            if bar and task is not None:
                bar.update(task, completed=done)
    if max(done, total or 0) > most:
        raise InputError(f"{original.url} sends far more than the {original.size:,} bytes that {original.file} has")
    if total is not None and done != total:
        raise InputError(f"{original.file} came incomplete: {done:,} of {total:,} bytes", hint="Try again.")
    if done * TOO_MUCH < original.size:
        raise InputError(f"{original.url} sends {done:,} bytes, far less than the {original.size:,} that {original.file} has")


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
