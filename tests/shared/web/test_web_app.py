from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support import ports
from support.trial_web import Build, Serve

from shared.clock import system_entropy
from shared.errors import ConfigError, Unavailable
from shared.storage import open_storage
from shared.web import app as running
from shared.web.app import READY, bound_body, free_port, make_app, tls_context
from shared.web.housekeeping import Chore, keep_house, then_clear
from shared.web.logs import JsonFormatter, start_logging
from shared.web.security import allow, client_address
from shared.web.settings import Common

ROOT = Path(__file__).resolve().parents[3]


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def test_every_answer_keeps_the_browser_honest(app_of: Build, serve: Serve) -> None:
    client = await serve(app_of())
    for path in ("/health", "/nowhere"):
        headers = (await client.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "trusted-types 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Permissions-Policy" in headers
        assert "Date" in headers
        assert "Server" not in headers
        assert "Strict-Transport-Security" not in headers


async def test_tls_adds_hsts(app_of: Build, serve: Serve) -> None:
    client = await serve(app_of(public_url="https://issuer.example"))
    assert (await client.get("/health")).headers["Strict-Transport-Security"].startswith("max-age=")


async def test_a_page_widens_its_own_policy_only(app_of: Build, serve: Serve) -> None:
    app = app_of()

    async def scan(_: web.Request) -> web.Response:
        response = web.Response(headers={"Cross-Origin-Resource-Policy": "cross-origin"})
        allow(response, script_src="'wasm-unsafe-eval'", media_src="blob:", form_action="https://there.example")
        allow(response, media_src="data:", trusted_types="worker")
        return response

    app.router.add_get("/scan", scan)
    client = await serve(app)
    answer = await client.get("/scan")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "media-src blob: data:" in policy
    assert "form-action 'self' https://there.example;" in policy
    assert policy.endswith("trusted-types worker; media-src blob: data:")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "wasm" not in (await client.get("/health")).headers["Content-Security-Policy"]


async def test_bodies_are_bounded_by_route(app_of: Build, serve: Serve) -> None:
    app = app_of(max_body=2_000)
    app.router.add_post("/small/{id}", echo)
    app.router.add_post("/large/{id}", echo)
    bound_body(app, "/large/{id}", 5_000)
    client = await serve(app)

    async def chunked(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 100):
            yield b"x" * 100

    assert (await client.post("/small/1", data=b"x" * 2_000)).status == 200
    assert (await client.post("/small/1", data=b"x" * 2_001)).status == 413
    assert (await client.post("/small/1", data=chunked(3_000))).status == 413
    assert (await client.post("/large/1", data=b"x" * 5_000)).status == 200
    assert (await client.post("/large/1", data=chunked(5_100))).status == 413


async def test_compressed_bodies_are_refused(app_of: Build, serve: Serve) -> None:
    app = app_of()
    app.router.add_post("/x", echo)
    client = await serve(app)
    assert (await client.post("/x", data=b"x", headers={"Content-Encoding": "gzip"})).status == 415


async def test_a_slow_handler_is_ended(app_of: Build, serve: Serve) -> None:
    app = app_of(request_seconds=0.05)

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    app.router.add_get("/slow", slow)
    assert (await (await serve(app)).get("/slow")).status == 503


async def test_a_foreign_name_is_misdirected(app_of: Build, serve: Serve) -> None:
    client = await serve(app_of(public_url="http://issuer.example:8101"))
    for host, status in (
        ("issuer.example:8101", 200),
        ("ISSUER.example:8101", 200),
        ("localhost:1", 200),
        ("127.0.0.1", 200),
        ("[::1]:80", 200),
        ("evil.example", 421),
        ("issuer.example.evil.example:8101", 421),
        ("localhost.evil.example", 421),
    ):
        assert (await client.get("/health", headers={"Host": host})).status == status, host
    proxied = await serve(app_of(trusted_proxies=("127.0.0.0/8",)))
    assert (await proxied.get("/health", headers={"Host": "inner-name"})).status == 200


@pytest.mark.parametrize(
    ("proxies", "header", "expected"),
    [
        ((), "203.0.113.9", "127.0.0.1"),
        (("127.0.0.0/8",), "203.0.113.9", "203.0.113.9"),
        (("127.0.0.0/8",), "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (("127.0.0.0/8", "203.0.113.0/24"), "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (("127.0.0.0/8",), "nonsense", "127.0.0.1"),
        (("127.0.0.0/8",), "", "127.0.0.1"),
    ],
)
async def test_the_caller_is_the_nearest_untrusted_hop(
    app_of: Build, serve: Serve, proxies: tuple[str, ...], header: str, expected: str
) -> None:
    app = app_of(trusted_proxies=proxies)

    async def who(request: web.Request) -> web.Response:
        return web.Response(text=client_address(request))

    app.router.add_get("/who", who)
    answer = await (await serve(app)).get("/who", headers={"X-Forwarded-For": header})
    assert await answer.text() == expected


async def test_logs_and_metrics_name_the_route_and_never_the_secret(app_of: Build, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    app = app_of()
    app.router.add_get("/offer/{token}", echo)
    client = await serve(app)
    with caplog.at_level(logging.INFO):
        await client.get("/offer/hunter2?code=hunter3")
        await client.request("PROPFIND", "/pot")
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "muniment.access"]
    assert lines[0] | {"time": "", "ms": 0, "request_id": ""} == {
        "time": "",
        "level": "info",
        "logger": "muniment.access",
        "request_id": "",
        "message": "request",
        "method": "GET",
        "route": "/offer/{token}",
        "status": 200,
        "ms": 0,
    }
    shown = await (await client.get("/metrics")).text()
    assert 'muniment_requests_total{method="GET",route="/offer/{token}",service="issuer",status="200"} 1.0' in shown
    assert 'method="other"' in shown
    assert "muniment_request_seconds_bucket" in shown
    assert "hunter" not in shown + json.dumps(lines)


async def test_metrics_are_for_this_machine_only(app_of: Build, serve: Serve) -> None:
    client = await serve(app_of())
    assert (await client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})).status == 404


async def test_ready_tells_what_is_missing(app_of: Build, serve: Serve) -> None:
    app = app_of()
    client = await serve(app)
    assert await (await client.get("/health/ready")).json() == {"status": "ok", "checks": {"storage": "ok"}}

    async def broken() -> None:
        raise OSError("secret-host is down")

    app[READY]["registry"] = broken
    answer = await client.get("/health/ready")
    assert answer.status == 503
    assert await answer.json() == {"status": "unavailable", "checks": {"storage": "ok", "registry": "failed"}}
    assert (await client.get("/health")).status == 200


def test_broken_http_of_strangers_is_not_logged_with_its_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        start_logging("info")
        log = logging.getLogger("aiohttp.server")
        for error in (BadHttpMethod("BREW /hunter2"), ValueError("a bug")):
            log.error("Error handling request", exc_info=error)
    finally:
        root.handlers[:], root.level = before
    (line,) = capsys.readouterr().err.splitlines()
    assert "a bug" in json.loads(line)["exception"]


def test_free_port_gives_the_wanted_one_or_another() -> None:
    port = ports.free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert free_port(wanted=port) != port
    assert free_port(wanted=port) == port


def test_free_port_gives_none_that_somebody_keeps_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the asking and the listening of a test nobody else gets its port, of whichever process."""
    kept, thrown = ports.free_port(), []

    def dice(size: int) -> bytes:
        thrown.append(size)
        return (kept - 20_000).to_bytes(size, "big") if len(thrown) < 8 else system_entropy(size)

    for module in (running, ports):
        monkeypatch.setattr(module, "system_entropy", dice)
        thrown.clear()
        assert module.free_port() != kept


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    start = datetime.fromtimestamp(1_700_000_000, UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=9_000))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return cert, private


async def test_serve_over_tls_with_metrics_on_their_own_port(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    port, side = ports.free_port(), ports.free_port()
    settings = Common(
        public_url=f"https://localhost:{port}", host="127.0.0.1", port=port, metrics_port=side, tls_cert=str(cert), tls_key=str(key)
    )
    app, done = make_app("issuer", settings), asyncio.Event()
    told: asyncio.Queue[list[str]] = asyncio.Queue()
    task = asyncio.create_task(running.serve(app, settings, started=told.put_nowait, until=done.wait()))
    assert (await told.get())[0] == settings.public_url
    trust = ssl.create_default_context(cafile=str(cert))
    async with aiohttp.ClientSession() as session:
        async with session.get(f"https://localhost:{port}/health", ssl=trust) as answer:
            assert answer.status == 200
        async with session.get(f"https://localhost:{port}/metrics", ssl=trust) as answer:
            assert answer.status == 404
        async with session.get(f"http://127.0.0.1:{side}/metrics") as answer:
            assert "muniment_requests_total" in await answer.text()
    done.set()
    await task


async def test_a_taken_port_and_a_bad_certificate_are_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Common(port=int(taken.getsockname()[1]))
        with pytest.raises(ConfigError, match="cannot listen"):
            await running.serve(make_app("issuer", settings), settings)
    with pytest.raises(ConfigError, match="loaded as a pair"):
        tls_context(Common(tls_cert="/nowhere", tls_key="/nowhere"))


PROGRAM = """
import asyncio, sys
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMethod
from shared.web.app import make_app, run
from shared.web.settings import Common

async def slow(request):
    print("begun", flush=True)
    await asyncio.sleep(0.5)
    return web.Response(text="finished")

async def make(settings):
    app = make_app("issuer", settings)
    app.router.add_get("/slow", slow)
    return app

run(make, Common(port=int(sys.argv[1])), started=lambda addresses: print("up", flush=True))
print("down", flush=True)
"""


async def test_sigterm_finishes_what_was_begun() -> None:
    port = ports.free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(port),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ},  # noqa: TID251 - a program of its own gets what this one has
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert await process.stdout.readline() == b"up\n"
    async with aiohttp.ClientSession() as session:
        answer = asyncio.create_task(session.get(f"http://127.0.0.1:{port}/slow"))
        assert await process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGTERM)
        assert await (await answer).text() == "finished"
        assert await process.stdout.readline() == b"down\n"
        assert await process.wait() == 0
    line = json.loads((await process.stderr.read()).splitlines()[-1])
    assert line["route"] == "/slow"
    assert len(line["request_id"]) == 16


async def ends(app: web.Application, chore: Chore, begun: asyncio.Event, *, every: float = 60) -> bool:
    """Whether it does with that chore once that has ``begun``, without being cancelled a second time."""
    keep_house(app, chore, every=every)
    runner = web.AppRunner(app)
    await runner.setup()
    await asyncio.wait_for(begun.wait(), 30)
    ending = asyncio.create_task(runner.cleanup())
    done, _ = await asyncio.wait({ending}, timeout=10)
    ending.cancel()
    return bool(done)


async def test_a_service_ends_though_its_database_went_away_first(app_of: Build) -> None:
    begun = asyncio.Event()

    async def chore(_: web.Application) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            raise Unavailable("the database does not answer")

    assert await ends(app_of(), chore, begun)


@pytest.mark.parametrize("fault", [None, Unavailable("out of order")])
async def test_a_service_ends_though_its_disk_cannot_be_cleared(app_of: Build, tmp_path: Path, fault: Unavailable | None) -> None:
    """And what went wrong in a round is what is told of it."""
    storage, begun = open_storage(f"sqlite://{tmp_path}/rows.db"), asyncio.Event()
    await storage.close()
    told: list[Exception] = []

    async def round_of(_: web.Application) -> None:
        try:
            async with then_clear(storage):
                if fault is not None and not told:
                    raise fault
                begun.set()
                await asyncio.sleep(60)
        except Unavailable as error:
            told.append(error)
            raise

    assert await ends(app_of(), round_of, begun, every=0.01)
    assert told == ([] if fault is None else [fault])
    with pytest.raises(Unavailable, match="closed"):
        async with then_clear(storage):
            pass
