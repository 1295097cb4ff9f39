"""HTTP session for yfinance: limits the rate, repeats transient failures, raises final ones.

yfinance ignores HTTP statuses, repeats each request with status 400 and up with another cookie,
and caches broken answers. So the session checks every answer before yfinance sees it.

Importing this module takes a second (curl): import it when the first request is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from threading import local
from typing import Any
from urllib.parse import urlsplit

from curl_cffi.requests import Response, Session
from curl_cffi.requests import exceptions as curl
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from loaders.market.rate_limiter import RateLimiter, RequestPolicy
from loaders.market.request_errors import (
    MalformedAnswerError,
    NoDataError,
    NotFoundError,
    RejectedError,
    RequestTimeoutError,
    ThrottledError,
    TransientError,
    UnreachableError,
)

HOSTS = ("query1.finance.yahoo.com", "query2.finance.yahoo.com")
CRUMB = "/v1/test/getcrumb"
DELAY = re.compile(r" after \d+ ms")
"""Of curl's messages: without it all requests of an outage fail for one reason."""
NO_DATA = "Data doesn't exist"
"""Start of Yahoo's reason for status 400 where the window ends before the listing."""


class LimitedSession(Session[Response]):
    """A session that looks like Chrome's; every request waits for the rate limiter."""

    def __init__(self, policy: RequestPolicy) -> None:
        # As curl does, it takes a proxy and its certificates from the environment.
        super().__init__(impersonate="chrome")
        self.limiter = RateLimiter(policy)
        self._policy = policy
        self._thread_state = local()

    @property
    def answer(self) -> Any:
        """The JSON that this thread was answered last: yfinance drops parts of it."""
        return getattr(self._thread_state, "answer", None)

    def request(self, method: Any, url: str, *args: Any, **options: Any) -> Response:
        """Send a request, and repeat it after transient failures as the policy says.

        Args:
            method: HTTP method.
            url: of Yahoo.
            args: passed to curl.
            options: passed to curl; the timeout is the policy's.

        Returns:
            An answer that is JSON; of requests for cookies and crumbs any answer.
        """
        options["timeout"] = self._policy.timeout
        send = partial(_send, super().request, method, url, *args, **options)
        parts = urlsplit(url)
        if parts.hostname in HOSTS and parts.path != CRUMB:
            return self._with_attempts(send)
        # A cookie or a crumb is not worth a retry: prices need none, and yfinance goes on without.
        self.limiter.wait()
        return send()

    def _with_attempts(self, send: Callable[[], Response]) -> Response:
        try:
            response = self._retrying()(self._send_once, send)
        except (UnreachableError, RequestTimeoutError) as error:
            self.limiter.unreachable(str(error))
            raise
        self.limiter.reached()
        return response

    def _retrying(self) -> Retrying:
        first = self._policy.backoff
        backoff = wait_exponential_jitter(multiplier=first, max=self._policy.longest, jitter=first)
        return Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=self._is_last_attempt,
            # The limiter makes the pause after a throttled request.
            wait=lambda state: 0.0 if _is_throttled(state) else backoff(state),
            reraise=True,
        )

    def _is_last_attempt(self, state: RetryCallState) -> bool:
        """Return whether to stop; throttled requests stop when the circuit breaker stays open."""
        return not _is_throttled(state) and state.attempt_number >= self._policy.attempts

    def _send_once(self, send: Callable[[], Response]) -> Response:
        with self.limiter.request():
            response = send()
            self._check(response)
        return response

    def _check(self, response: Response) -> None:
        status = response.status_code
        if status < 400:
            self._thread_state.refused = False
            self._thread_state.answer = _json(response)
        elif status == 429:
            raise ThrottledError(_seconds(response.headers.get("Retry-After")))
        elif status >= 500:
            raise UnreachableError(f"status {status}")
        elif status == 404:
            raise NotFoundError(_reason(response))
        elif status == 401 and not getattr(self._thread_state, "refused", False):
            # The crumb has expired: yfinance fetches another and repeats the request, once.
            self._thread_state.refused = True
        else:
            reason = _reason(response)
            if reason.startswith(NO_DATA):
                raise NoDataError(reason)
            raise RejectedError(f"status {status}: {reason}")


def _send(send: Callable[..., Response], *args: Any, **options: Any) -> Response:
    """Send one request; raise the typed error if no answer comes."""
    try:
        return send(*args, **options)
    except curl.Timeout as error:
        raise RequestTimeoutError(f"no answer within {options['timeout']:g} s") from error
    except curl.RequestException as error:
        # curl's message ends with a pointer to its manual.
        raise UnreachableError(DELAY.sub("", str(error).partition(" See ")[0])) from error


def _is_throttled(state: RetryCallState) -> bool:
    return state.outcome is not None and isinstance(state.outcome.exception(), ThrottledError)


def _json(response: Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError as error:
        raise MalformedAnswerError(f"an answer of {len(response.content)} bytes that is no JSON") from error


def _reason(response: Response) -> str:
    """Return Yahoo's reason, {"chart": {"error": {"description": ...}}}, else the status."""
    try:
        body = next(iter(json.loads(response.content).values()))
        return str(body["error"]["description"])
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration):
        return f"status {response.status_code}"


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
