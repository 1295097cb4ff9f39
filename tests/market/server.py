"""Yahoo on the loopback: a proxy that answers each tunnel itself, with its own certificates.

The real yfinance and curl reach it through the environment variables of proxies,
`YahooServer.environment`; no part of them or of the engine is replaced.
"""

from __future__ import annotations

import json
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import trustme

from tests.market.world import World, day_before, moment

HOSTS = ("query1.finance", "query2.finance", "finance", "fc", "guce", "consent")
CHART, SUMMARY = "/v8/finance/chart/", "/v10/finance/quoteSummary/"
QUOTE, SERIES = "/v7/finance/quote", "/ws/fundamentals-timeseries/v1/finance/timeseries/"
PEG = "/ws/fundamentals-timeseries/v1/finance/premium/timeseries/"
CRUMB = "/v1/test/getcrumb"
FaultKind = Literal[
    "404", "429", "500", "401", "empty", "partial", "slow", "truncated", "cut", "renamed", "html"
]


@dataclass
class Fault:
    """Fault of some requests.

    Attributes:
        kind: what goes wrong.
        symbol: of the requests; None for any.
        path: of the requests.
        times: how many requests fail.
        after: how many matching requests succeed before.
        value: seconds of delay, seconds of a throttled client's Retry-After, or the new symbol.
    """

    kind: FaultKind
    symbol: str | None = None
    path: str = CHART
    times: int = 1_000_000
    after: int = 0
    value: Any = None


@dataclass(frozen=True)
class Asked:
    """A request, when it came in (monotonic seconds), and the status of its answer."""

    path: str
    symbol: str
    parameters: dict[str, str]
    at: float
    status: int


@dataclass
class YahooServer:
    """The server's listings, its faults, and the requests so far."""

    world: World
    folder: Path
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    lock: Lock = field(default_factory=Lock)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that direct a process's requests here, and give it a cache of its own."""
        authority = str(self.folder / "authority.pem")
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{self.port}",
            "https_proxy": f"http://127.0.0.1:{self.port}",
            "NO_PROXY": "",
            "no_proxy": "",
            "CURL_CA_BUNDLE": authority,
            "REQUESTS_CA_BUNDLE": authority,
            "SSL_CERT_FILE": authority,
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    def fail(self, kind: FaultKind, symbol: str | None = None, **other: Any) -> Fault:
        """Add a fault; the newest that matches a request counts."""
        fault = Fault(kind, symbol, **other)
        with self.lock:
            self.faults.insert(0, fault)
        return fault

    def heal(self) -> None:
        """Remove all faults, and forget the requests so far."""
        with self.lock:
            self.faults.clear()
            self.asked.clear()

    def counted(self, path: str = CHART) -> Counter[str]:
        """Number of requests with a path, by symbol."""
        with self.lock:
            return Counter(one.symbol for one in self.asked if one.path == path)

    def fault(self, path: str, symbol: str) -> Fault | None:
        """Return the fault of a request, if it has one."""
        with self.lock:
            for fault in self.faults:
                if fault.path == path and fault.symbol in (None, symbol) and fault.times:
                    if fault.after:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None


@contextmanager
def yahoo_server(world: World, folder: Path) -> Iterator[YahooServer]:
    """Serve listings until the block ends; the folder takes certificates and caches."""
    server = YahooServer(world, folder)
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(f"{host}.yahoo.com" for host in HOSTS)).configure_cert(context)

    class Handler(_Handler):
        yahoo = server
        tls = context

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        http.block_on_close = False
        server.port = http.server_address[1]
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    yahoo: YahooServer
    tls: ssl.SSLContext

    def do_CONNECT(self) -> None:
        """End a tunnel to any of Yahoo's hosts here, and answer the requests that come through it."""
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        except OSError:
            self.close_connection = True
            return
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # the client closed the connection

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # the server would close only its own side of the tunnel

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        parameters = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        base = next((path for path in ROUTES if parts.path.startswith(path)), parts.path)
        symbol = parts.path.removeprefix(base) or parameters.get("symbols", "")
        fault = self.yahoo.fault(base, symbol)
        if base not in ROUTES:
            self._plain(404, "", base, symbol, parameters)  # fc.yahoo.com: its answer sets the cookie
        elif base == CRUMB:
            status = int(fault.kind) if fault and fault.kind.isdecimal() else 200
            self._plain(status, "Too Many Requests" if status == 429 else "crumb", base, symbol, parameters)
        else:
            self._data(base, symbol, parameters, fault)

    def _data(self, base: str, symbol: str, parameters: dict[str, str], fault: Fault | None) -> None:
        status, body = ROUTES[base](self.yahoo.world, symbol, parameters)
        if fault:
            status, body = _with_fault(fault, status, body)
        text = json.dumps(body)
        if fault and fault.kind == "truncated":
            text = text[: len(text) // 2]
        if fault and fault.kind == "html":
            text = "<html>Will be right back</html>"
        length = len(text) + 100 if fault and fault.kind == "cut" else len(text)
        pause = str(fault.value) if fault and fault.kind == "429" and fault.value else None
        late = fault.value if fault and fault.kind == "slow" else 0.0
        self._note(base, symbol, parameters, status)
        time.sleep(late)
        self._send(status, "application/json", text, length=length, pause=pause)

    def _plain(self, status: int, text: str, base: str, symbol: str, parameters: dict[str, str]) -> None:
        self._note(base, symbol, parameters, status)
        self._send(status, "text/plain", text, cookie=base == "/")

    def _note(self, base: str, symbol: str, parameters: dict[str, str], status: int) -> None:
        with self.yahoo.lock:
            self.yahoo.asked.append(Asked(base, symbol, parameters, time.monotonic(), status))

    def _send(
        self,
        status: int,
        kind: str,
        text: str,
        *,
        length: int | None = None,
        pause: str | None = None,
        cookie: bool = False,
    ) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if cookie:
            self.send_header("Set-Cookie", "A3=d=x; Max-Age=31557600; Domain=.yahoo.com; Path=/; Secure")
        if pause:
            self.send_header("Retry-After", pause)
        # Headers and body in one write: with two, each answer waits 40 ms for an acknowledgement.
        self._headers_buffer.append(b"\r\n" + body)  # type: ignore[attr-defined]
        self.flush_headers()
        if length is not None and length > len(body):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: tests read `YahooServer.asked`."""


def _error(root: str, code: str, description: str) -> dict[str, Any]:
    return {root: {"result": None, "error": {"code": code, "description": description}}}


def _with_fault(fault: Fault, status: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    root = next(iter(body))
    match fault.kind:
        case "404":
            return 404, _error(root, "Not Found", "No data found, symbol may be delisted")
        case "429":
            return 429, _error("finance", "Too Many Requests", "Too Many Requests")
        case "500":
            return 500, _error("finance", "Internal Server Error", "out of order")
        case "401":
            return 401, _error("finance", "Unauthorized", "Invalid Crumb")
        case "empty":
            return status, _emptied(root, body)
        case "partial":
            return status, _halved(body)
        case "renamed":
            body["chart"]["result"][0]["meta"]["symbol"] = fault.value
    return status, body


def _emptied(root: str, body: dict[str, Any]) -> dict[str, Any]:
    if root == "chart" and body["chart"]["result"]:
        result = body["chart"]["result"][0]
        return {"chart": {"result": [{"meta": result["meta"], "indicators": {"quote": [{}]}}], "error": None}}
    return {root: {"result": [], "error": None}}


def _halved(body: dict[str, Any]) -> dict[str, Any]:
    """Keep the older half of a chart's bars."""
    result = body["chart"]["result"][0]
    half = len(result.get("timestamp", [])) // 2
    result["timestamp"] = result["timestamp"][:half]
    quote, adjusted = result["indicators"]["quote"][0], result["indicators"]["adjclose"][0]
    result["indicators"] = {
        "quote": [{name: values[:half] for name, values in quote.items()}],
        "adjclose": [{"adjclose": adjusted["adjclose"][:half]}],
    }
    return body


def _chart(world: World, symbol: str, parameters: dict[str, str]) -> tuple[int, dict[str, Any]]:
    listing = world.listings.get(symbol)
    if listing is None:
        return 404, _error("chart", "Not Found", "No data found, symbol may be delisted")
    if "range" in parameters:
        start, end = day_before(world.today), moment(str(2**32))
    else:
        start, end = moment(parameters["period1"]), moment(parameters["period2"])
    if end.date() <= listing.days[0]:
        reason = (
            f"Data doesn't exist for startDate = {start.timestamp():.0f}, endDate = {end.timestamp():.0f}"
        )
        return 400, _error("chart", "Bad Request", reason)
    return 200, world.chart(listing, start, end)


def _summary(world: World, symbol: str, parameters: dict[str, str]) -> tuple[int, dict[str, Any]]:
    listing = world.listings.get(symbol)
    if listing is None or not listing.modules:
        return 404, _error("quoteSummary", "Not Found", f"Quote not found for symbol: {symbol}")
    wanted = parameters.get("modules", "").split(",")
    modules = {name: listing.modules[name] for name in wanted if name in listing.modules}
    return 200, {"quoteSummary": {"result": [modules], "error": None}}


def _quote(world: World, symbol: str, parameters: dict[str, str]) -> tuple[int, dict[str, Any]]:
    quotes = [world.listings[name].quote for name in symbol.split(",") if name in world.listings]
    return 200, {"quoteResponse": {"result": [quote for quote in quotes if quote], "error": None}}


def _series(world: World, symbol: str, parameters: dict[str, str]) -> tuple[int, dict[str, Any]]:
    listing = world.listings.get(symbol)
    series = listing.series if listing else {}
    result = []
    for kind in parameters.get("type", "").split(","):
        one: dict[str, Any] = {"meta": {"symbol": [symbol], "type": [kind]}}
        if series.get(kind):
            one["timestamp"] = [int(moment_of(day)) for day, _ in series[kind]]
            one[kind] = [
                {"asOfDate": day, "periodType": "3M", "currencyCode": "USD", "reportedValue": {"raw": value}}
                for day, value in series[kind]
            ]
        result.append(one)
    return 200, {"timeseries": {"result": result, "error": None}}


def moment_of(day: str) -> float:
    from datetime import UTC, datetime

    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def _crumb(world: World, symbol: str, parameters: dict[str, str]) -> tuple[int, dict[str, Any]]:
    raise AssertionError("a crumb is plain text")


ROUTES = {CHART: _chart, SUMMARY: _summary, QUOTE: _quote, PEG: _series, SERIES: _series, CRUMB: _crumb}
