"""Reading over HTTP: GET and nothing else, with time limits, bounded retries and a size limit.

A single refusal (401, 403) is no reason to call a person: platforms refuse a good token now and then. The call is
made once more after a pause, and what is refused again is refused.

Redirects are never followed (the token would travel along). The body must be complete JSON of the announced
length before anything looks at it.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import requests
import urllib3

from webapp.platforms.base import (
    AccessDenied,
    Asking,
    BadResponse,
    Call,
    ConnectorError,
    NotFound,
    Recorder,
    Sleep,
    Token,
    Unavailable,
    Watcher,
)
from webapp.platforms.patience import Patience

RETRY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
REFUSALS = frozenset({401, 403})
SHORTEST = 0.1  # seconds; a limit of none would be no limit
CHUNK = 1 << 20  # bytes read and, of a compressed answer, unpacked at once


@dataclass(frozen=True)
class Limits:
    """Times in seconds, sizes in bytes. ``tries`` counts the first one.

    ``read_timeout`` bounds one silence, ``stall_timeout`` the time in which nothing of use arrives, tries and waits
    included, and ``whole_timeout`` everything that one reader reads, however slowly a platform sends.
    """

    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    stall_timeout: float = 120.0
    whole_timeout: float = 1800.0
    refusal_pause: float = 3.0
    max_bytes: int = 512 * 1024 * 1024
    tries: int = 4
    wait_ceiling: float = 60.0


@dataclass(frozen=True)
class Answer:
    """A complete answer: status, headers (case-insensitive) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Query = Sequence[tuple[str, str]]
Denial = Callable[[Answer], AccessDenied]
WaitHint = Callable[[Answer, float], float | None]


class Reader:
    """GETs below one base address with one account's ``token``.

    ``denial`` words a 401 or 403; ``wait_hint(answer, now)`` says how many seconds an answer that is worth
    another try asks for, from the platform's own headers, or ``None``. ``record`` is told of every call, the
    failed ones too; ``watch`` of every call before it is made, and of every pause.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        token: Token,
        *,
        platform: str,
        denial: Denial,
        wait_hint: WaitHint,
        record: Recorder,
        limits: Limits,
        sleep: Sleep = time.sleep,
        now: Callable[[], float] = time.time,
        watch: Watcher | None = None,
    ) -> None:
        self._base = base_url
        self._headers = dict(headers)
        self._token = token
        self._platform = platform
        self._denial = denial
        self._wait_hint = wait_hint
        self._record = record
        self._limits = limits
        self._sleep = sleep
        self._now = now
        self._watch = watch or (lambda _asking: None)
        self._patience = Patience(limits.stall_timeout, limits.whole_timeout)
        self._pages: Counter[str] = Counter()
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc, no proxy from the environment

    def get_json(self, path: str, query: Query = ()) -> bytes:
        """The body of a 200 answer to ``GET path``: complete, and declared to be JSON.

        Raises :class:`AccessDenied`, :class:`Unavailable` or :class:`BadResponse`.
        """
        self._patience.begin()
        if self._patience.left() <= 0:
            raise self._too_slow()
        self._pages[path] += 1
        answer = self._answer(path, query)
        if answer.status in REFUSALS:
            self._wait(self._limits.refusal_pause, path)
            answer = self._answer(path, query, renew=False)
        if answer.status != 200:
            raise self._problem(answer)
        if "json" not in answer.headers.get("Content-Type", "").lower():
            raise BadResponse(f"{self._platform} answered with something that is not data.")
        return answer.body

    def _answer(self, path: str, query: Query, *, renew: bool = True) -> Answer:
        """An answer for which no further try is made, with a new token if the old one was refused."""
        sent = self._token.current()
        for attempt in range(1, self._limits.tries + 1):
            last = attempt == self._limits.tries
            try:
                answer = self._get(path, query, sent)
                if answer.status == 401 and renew and self._token.renewed(sent):
                    sent = self._token.current()
                    answer = self._get(path, query, sent)
            except Unavailable as unavailable:
                if last:
                    raise
                self._pause(None, attempt, path, unavailable)
                continue
            if last or answer.status not in RETRY_STATUSES:
                return answer
            self._pause(answer, attempt, path, self._problem(answer))
        raise AssertionError("the loop above returns or raises")

    def _problem(self, answer: Answer) -> ConnectorError:
        if answer.status in REFUSALS:
            return self._denial(answer)
        if answer.status == 429:
            return Unavailable(f"{self._platform} asked us to slow down and did not let us in again in time.")
        if answer.status in RETRY_STATUSES:
            return Unavailable(f"{self._platform} had a problem of its own and did not answer.")
        if answer.status == 404:
            return NotFound(f"{self._platform} has nothing at the address we asked (HTTP 404).")
        if 300 <= answer.status < 400:
            return BadResponse(f"{self._platform} pointed us to another address, which we never follow.")
        return BadResponse(f"{self._platform} answered in a way we do not understand (HTTP {answer.status}).")

    def _too_slow(self) -> Unavailable:
        return Unavailable(f"{self._platform} took too long to send its answer.")

    def _pause(self, answer: Answer | None, attempt: int, path: str, problem: ConnectorError) -> None:
        """Wait as long as asked, with jitter; a wait above the ceiling or past the end ends the tries."""
        hint = self._wait_hint(answer, self._now()) if answer is not None else None
        seconds = hint if hint is not None else min(2.0 ** (attempt - 1), 30.0)
        if seconds > self._limits.wait_ceiling or seconds > self._patience.left():
            raise problem
        self._wait(seconds, path)

    def _wait(self, seconds: float, path: str) -> None:
        self._watch(Asking(self._pages[path], pause=seconds))
        self._sleep(seconds + random.uniform(0, min(1.0, seconds / 4)))  # noqa: S311 - spreads load, hides nothing

    def _get(self, path: str, query: Query, token: str) -> Answer:
        self._watch(Asking(self._pages[path]))
        started = time.monotonic()
        at = datetime.now(UTC)
        status: int | None = None
        note: str | None = None
        try:
            with self._session.get(
                self._base + path,
                params=list(query),
                headers=self._headers | {"Authorization": f"Bearer {token}"},
                timeout=(
                    self._limits.connect_timeout,
                    min(self._limits.read_timeout, max(SHORTEST, self._patience.left())),
                ),
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
                body = self._read(response, path)
                return Answer(status, response.headers, body)
        except (requests.Timeout, urllib3.exceptions.ReadTimeoutError) as error:
            note = "no answer in time"
            raise Unavailable(f"{self._platform} did not answer in time.") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            note = "the answer broke off" if status is not None else "no connection"
            if status is not None:
                raise Unavailable(f"{self._platform} broke off in the middle of its answer.") from error
            raise Unavailable(f"{self._platform} could not be reached.") from error
        except ConnectorError as error:
            note = str(error)
            raise
        finally:
            self._record(
                Call(
                    at,
                    "GET",
                    path,
                    status,
                    round((time.monotonic() - started) * 1000),
                    note[:200] if note else None,
                )
            )

    def _read(self, response: requests.Response, path: str) -> bytes:
        """The whole body. urllib3 itself refuses one shorter than its Content-Length.

        Each step takes what is there already, so that an answer that drips is given up in time as well.
        """
        body = bytearray()
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            body += chunk
            if len(body) > self._limits.max_bytes:
                raise BadResponse(f"{self._platform} sent far more than a list of people can be.")
            if self._patience.arrived(len(chunk)):
                self._watch(Asking(self._pages[path]))
            if self._patience.left() <= 0:
                raise self._too_slow()
        return bytes(body)
