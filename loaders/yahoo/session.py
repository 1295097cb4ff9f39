"""The one HTTP session that yfinance is given: paced, patient, and honest about failures.

yfinance swallows statuses, retries each of 400 and up with another cookie, and remembers broken
answers. So the session looks at every answer first: what is worth repeating is repeated, and
what is final is raised as one of `loaders.yahoo.errors`.

Imported when something is to be fetched, never before: it takes a second.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from threading import local
from typing import Any
from urllib.parse import urlsplit

from curl_cffi.requests import Response, Session
from curl_cffi.requests import exceptions as curl
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from loaders.yahoo.errors import (
    GarbledError,
    NoDataError,
    NotFoundError,
    PassingError,
    RefusedError,
    SlowError,
    ThrottledError,
    UnreachableError,
)
from loaders.yahoo.gate import Gate, Patience

HOSTS = ("query1.finance.yahoo.com", "query2.finance.yahoo.com")
CRUMB = "/v1/test/getcrumb"
NO_DATA = "Data doesn't exist"
"""How Yahoo's reason begins where a window lies before the listing; the status is 400."""


class PatientSession(Session[Response]):
    """A session like Chrome's in which every request waits for its turn."""

    def __init__(self, patience: Patience) -> None:
        # A proxy and its certificates are taken from the environment, as curl does.
        super().__init__(impersonate="chrome")
        self.gate = Gate(patience)
        self._patience = patience
        self._thread_state = local()

    def request(self, method: Any, url: str, *args: Any, **options: Any) -> Response:
        """Send a request as often as it takes, within the patience.

        Raises:
            YahooError: see `loaders.yahoo.errors`.
        """
        options["timeout"] = self._patience.timeout
        send = partial(_sent, super().request, method, url, *args, **options)
        parts = urlsplit(url)
        if parts.hostname in HOSTS and parts.path != CRUMB:
            return self._retrying()(self._once, send)
        # A cookie or a crumb: yfinance goes on without it, and prices need none.
        self.gate.wait()
        return send()

    def _retrying(self) -> Retrying:
        first = self._patience.backoff
        return Retrying(
            retry=retry_if_exception_type(PassingError),
            stop=self._enough,
            wait=_pause(wait_exponential_jitter(multiplier=first, max=self._patience.longest, jitter=first)),
            reraise=True,
        )

    def _enough(self, state: RetryCallState) -> bool:
        """Of being throttled the gate decides when it is enough."""
        throttled = isinstance(_error(state), ThrottledError)
        return not throttled and state.attempt_number >= self._patience.attempts

    def _once(self, send: Callable[[], Response]) -> Response:
        with self.gate.turn():
            response = send()
            self._examine(response)
        return response

    def _examine(self, response: Response) -> None:
        status = response.status_code
        if status < 400:
            self._thread_state.refused = False
            _require_json(response)
        elif status == 429:
            raise ThrottledError(_seconds(response.headers.get("Retry-After")))
        elif status >= 500:
            raise UnreachableError(f"status {status}")
        elif status == 404:
            raise NotFoundError(_reason(response))
        elif status == 401 and not getattr(self._thread_state, "refused", False):
            # A crumb goes stale: yfinance fetches another, and asks once more.
            self._thread_state.refused = True
        else:
            reason = _reason(response)
            raise (
                NoDataError(reason)
                if reason.startswith(NO_DATA)
                else RefusedError(f"status {status}: {reason}")
            )


def _sent(send: Callable[..., Response], *args: Any, **options: Any) -> Response:
    """The answer to one request, or the reason why none came."""
    try:
        return send(*args, **options)
    except curl.Timeout as error:
        raise SlowError(f"no answer within {options['timeout']:g} s") from error
    except curl.RequestException as error:
        raise UnreachableError(_told(error)) from error


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _pause(growing: wait_exponential_jitter) -> Callable[[RetryCallState], float]:
    """Growing pauses; after being throttled none, for the gate makes its own."""
    return lambda state: 0.0 if isinstance(_error(state), ThrottledError) else growing(state)


def _require_json(response: Response) -> None:
    try:
        json.loads(response.content)
    except ValueError as error:
        raise GarbledError(f"an answer of {len(response.content)} bytes that is no JSON") from error


def _reason(response: Response) -> str:
    """What Yahoo says is wrong: {"chart": {"error": {"description": ...}}}, else the status."""
    try:
        body = next(iter(json.loads(response.content).values()))
        return str(body["error"]["description"])
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration):
        return f"status {response.status_code}"


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None


def _told(error: Exception) -> str:
    """curl's reason without its appeal to read its manual."""
    return str(error).partition(" See ")[0]
