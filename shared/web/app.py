"""The application of a service, and how it runs.

What a service's composition root does with it:

    async def make(settings: Settings) -> web.Application:
        app = make_app("issuer", settings, storage=storage)     # clock= and entropy= in tests
        app.cleanup_ctx.append(...)                             # the service's own resources
        return app

    run(make, settings)                     # until SIGTERM; finishes what it began, at most ``GRACE`` seconds
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from ..clock import Clock, Entropy, monotonic, system_clock, system_entropy
from ..errors import ConfigError, UnsupportedMediaType
from ..flow import Fetch, Fetched
from ..storage import Storage
from .context import BODIES, CLOCK, ENTROPY, FETCHER, REQUEST_ID, SERVICE, SETTINGS, STORAGE
from .fetch import Fetcher
from .logs import start_logging
from .metrics import METRICS, Metrics, route_of, show
from .problem import PROBLEM, errors, speak
from .security import add_headers, check_host
from .settings import Common

GRACE = 10.0
"""Seconds that requests in flight get to finish after SIGTERM."""

SILENCE = 75.0
"""Seconds that a connection may stay open without a whole request head: each holds a file handle, and there are not many."""

_QUIET = ("/health", "/metrics", "/static/")
"""Asked so often that their lines are for debugging only."""

S = TypeVar("S", bound=Common)
Check = Callable[[], Awaitable[object]]
READY: web.AppKey[dict[str, Check]] = web.AppKey("READY")
"""Name -> check of something that the service needs; ``/health/ready`` answers 503 while one raises."""

log = logging.getLogger("muniment.access")


def make_app(
    service: str,
    settings: Common,
    *,
    storage: Storage | None = None,
    clock: Clock = system_clock,
    entropy: Entropy = system_entropy,
) -> web.Application:
    """An application with everything that is the same in all services; the service adds its routes and resources."""
    app = web.Application(middlewares=[observe, errors, bounds], client_max_size=settings.max_body)
    app[SERVICE], app[SETTINGS], app[CLOCK], app[ENTROPY] = service, settings, clock, entropy
    checks: dict[str, Check] = {}
    bodies: dict[str, int] = {}
    app[READY], app[BODIES] = checks, bodies
    app[METRICS] = Metrics(service)
    if storage is not None:
        app[STORAGE] = storage
        checks["storage"] = lambda: storage.read(lambda tx: tx.fetchrow("SELECT 1 AS one"))
    app.cleanup_ctx.append(_outbound)
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/health", _live)
    app.router.add_get("/health/ready", _ready)
    if not settings.metrics_port:
        app.router.add_get("/metrics", show)
    speak(app, PROBLEM, "/health", "/metrics")
    return app


def bound_body(app: web.Application, path: str, max_bytes: int) -> None:
    """Let the route with template ``path`` take bodies up to ``max_bytes`` instead of the setting ``max_body``."""
    app[BODIES][path] = max_bytes


async def _outbound(app: web.Application) -> AsyncIterator[None]:
    if FETCHER in app:  # the service brought its own
        yield
        return
    fetcher = Fetcher.of(app[SETTINGS])
    outbound: Callable[[Fetch], Awaitable[Fetched]] = fetcher
    app[FETCHER] = outbound
    yield
    await fetcher.close()


async def _live(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _ready(request: web.Request) -> web.Response:
    checks = request.config_dict[READY]
    told = await asyncio.gather(*(_check(name, check) for name, check in checks.items()))
    ok = all(state == "ok" for state in told)
    body = {"status": "ok" if ok else "unavailable", "checks": dict(zip(checks, told, strict=True))}
    return web.json_response(body, status=200 if ok else 503)


async def _check(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(2):
            await check()
    except Exception:
        logging.getLogger("muniment.web").exception("not ready: %s", name)
        return "failed"
    return "ok"


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Request id, one access line and the metrics. The line names the route's template, never the address: that may be a secret."""
    request_id = request.app[ENTROPY](8).hex()
    REQUEST_ID.set(request_id)
    metrics, start, status = request.app[METRICS], monotonic(), 500
    metrics.begin()
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as answer:
        status = answer.status
        answer.headers["X-Request-Id"] = request_id
        raise
    except asyncio.CancelledError:
        status = 499
        raise
    else:
        if not response.prepared:
            response.headers["X-Request-Id"] = request_id
        return response
    finally:
        seconds = monotonic() - start
        route = route_of(request)
        metrics.end(request.method, route, status, seconds)
        level = logging.DEBUG if route.startswith(_QUIET) else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, "request", extra={"method": request.method, "route": route, "status": status, "ms": round(seconds * 1000, 1)})


@web.middleware
async def bounds(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Our own name, no compressed bodies, the route's body size, and an end to everything."""
    settings = request.app[SETTINGS]
    check_host(request.headers.get("Host", ""), request.remote, settings)
    if "Content-Encoding" in request.headers:
        raise UnsupportedMediaType("compressed request bodies are not taken")
    limit = request.app[BODIES].get(route_of(request), settings.max_body)
    length, default = request.content_length, request.client_max_size
    if (length or 0) > limit:
        raise web.HTTPRequestEntityTooLarge(limit, length or 0)
    if limit != default and (length is None or length > default):  # else the length that was told keeps to the limit by itself
        request = request.clone(client_max_size=limit)
    async with asyncio.timeout(settings.request_seconds):
        return await handler(request)


def free_port(host: str = "127.0.0.1", wanted: int = 0) -> int:
    """``wanted`` if nobody listens there, else any free port of ``host``. For demonstrations: between asking and listening it may go.

    One below those that systems give to whoever asks for any, and to each connection that goes out, is looked for first: it stays free longer.
    """
    drawn = [20_000 + int.from_bytes(system_entropy(2), "big") % 12_000 for _ in range(8)]
    for port in (*([wanted] if wanted else []), *drawn, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            if port == wanted:  # also where a service has just ended; of the others one is taken that nobody so much as keeps
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ConfigError(f"no free port on {host}", where="port")


def tls_context(settings: Common) -> ssl.SSLContext | None:
    """TLS 1.2 or later with the certificate of the settings; ``None`` without one."""
    if not settings.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("tls_cert and tls_key cannot be loaded as a pair", where="tls_cert") from error
    return context


def run(make: Callable[[S], Awaitable[web.Application]], settings: S, *, started: Callable[[list[str]], None] | None = None) -> None:
    """Make the application and serve it until SIGTERM or SIGINT, on uvloop where it is installed.

    ``started`` is told the addresses once they answer.
    """
    start_logging(settings.log_level)

    async def main() -> None:
        await serve(await make(settings), settings, started=started)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main())


async def serve(
    app: web.Application,
    settings: Common,
    *,
    started: Callable[[list[str]], None] | None = None,
    until: Coroutine[Any, Any, object] | None = None,
) -> None:
    """As ``run`` within a running loop; ends after ``until`` instead of a signal, if given."""
    stop = _signals() if until is None else None  # before anybody is told that we are there
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE, keepalive_timeout=SILENCE, auto_decompress=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, ssl_context=tls_context(settings))
        try:
            await site.start()
        except OSError as error:
            raise ConfigError(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}", where="port") from error
        metrics = await _metrics_site(app, settings)
        if started is not None:
            started([settings.public_url, site.name])
        if until is not None:
            await until
        if stop is not None:
            await stop.wait()
        if metrics is not None:
            await metrics.cleanup()
    finally:
        await runner.cleanup()


async def _metrics_site(app: web.Application, settings: Common) -> web.AppRunner | None:
    if not settings.metrics_port:
        return None
    side = web.Application()
    side[SETTINGS], side[METRICS] = settings, app[METRICS]
    side.router.add_get("/metrics", show)
    runner = web.AppRunner(side, access_log=None, keepalive_timeout=SILENCE)
    await runner.setup()
    await web.TCPSite(runner, settings.host, settings.metrics_port).start()
    return runner


def _signals() -> asyncio.Event:
    """Set once SIGTERM or SIGINT comes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ModuleNotFoundError:
        return None
    return uvloop.new_event_loop
