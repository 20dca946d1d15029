"""The issuer's credential endpoint, durable on SQLite, against what aiohttp does with a JSON echo in the same run.

Rates are per second of the *server's* CPU, so that client and waiting do not count. Proofs are signed beforehand; each measured request
verifies one of them, signs one document with a fresh key, salts and status index, and is on disk before it is answered.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.jws import raw
from benchmarks.measure import Row
from demo.poa import LPA_1
from demo.stage import free_ports
from shared.clock import monotonic, system_clock
from shared.keys import KeyId, PublicKey
from shared.openid4vci import prepare_key_proof

ECHO = """
import sys
from aiohttp import web
async def echo(request):
    return web.json_response(await request.json())
app = web.Application()
app.router.add_post('/', echo)
try:
    import uvloop
    loop = uvloop.new_event_loop()
except ImportError:
    loop = None
web.run_app(app, host='127.0.0.1', port=int(sys.argv[1]), print=None, access_log=None, loop=loop)
"""
DOCUMENTS, EACH, AT_ONCE, ROUNDS = 4, 90, 32, 3
TICK = 1e-9


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, all threads that it has now; to the nanosecond, for an echo takes fewer than clock ticks show."""
    spent = (thread.joinpath("schedstat").read_text(encoding="ascii").split()[0] for thread in Path(f"/proc/{pid}/task").iterdir())
    return sum(map(int, spent)) * TICK


def endpoint() -> Row:
    """Median of the rounds' ratios; ``ours`` and ``floor`` are rates, so the ratio is ours / floor."""
    return asyncio.run(_measure())


async def _measure() -> Row:
    ports = free_ports()
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as folder:
        url = f"http://localhost:{ports['issuer']}"
        made = _init(folder, url, ports["issuer"])
        running = _start(folder, ports["wallet"])
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as http:
                echo = f"http://localhost:{ports['wallet']}/"
                await asyncio.gather(_up(http, "GET", url + "/health"), _up(http, "GET", echo))
                return await _rounds(http, url, echo, made, running)
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()


def _init(folder: str, url: str, port: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "issuer", "init", "--json", "--dir", folder, "--public-url", url, "--port", str(port)]
    made: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return made


def _start(folder: str, echo_port: int) -> list[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    return [
        subprocess.Popen([sys.executable, "-m", "issuer", "serve", "--dir", folder], stdout=quiet, stderr=quiet),
        subprocess.Popen([sys.executable, "-c", ECHO, str(echo_port)]),
    ]


async def _up(http: aiohttp.ClientSession, method: str, url: str) -> None:
    until = monotonic() + 20
    while monotonic() < until:
        try:
            async with http.request(method, url) as answer:
                if answer.status < 500:
                    return
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.05)
    raise TimeoutError(url)


async def _rounds(
    http: aiohttp.ClientSession, url: str, echo: str, made: dict[str, Any], running: Sequence[subprocess.Popen[bytes]]
) -> Row:
    issued, echoed = [], []
    reply = {"credentials": [{"credential": "x" * 2_000}]}
    for number in range(-1, ROUNDS):  # the first warms both up and does not count
        ready = await _prepare(http, url, made["api_key"], number)
        issued.append(await _rate(running[0].pid, ready))
        echoed.append(await _rate(running[1].pid, [_post(http, echo, reply, {}) for _ in ready]))
    del issued[0], echoed[0]
    ratios = sorted(ours / ceiling for ours, ceiling in zip(issued, echoed, strict=True))
    middle = ROUNDS // 2
    return Row(
        name="issuing endpoint", unit="per core-second", ours=round(sorted(issued)[middle]), floor=round(sorted(echoed)[middle]),
        ratio=round(ratios[middle], 3),
    )  # fmt: skip


async def _prepare(http: aiohttp.ClientSession, url: str, key: str, number: int) -> list[Callable[[], Awaitable[None]]]:
    """Requests that only have to be sent: documents made, codes redeemed, nonces fetched, proofs signed."""
    ready = []
    for document in range(DOCUMENTS):
        token = await _redeem(http, url, key, f"bench-{number}-{document}")
        for _ in range(EACH):
            async with http.post(url + "/nonce") as answer:
                nonce = (await answer.json())["c_nonce"]
            body = {"credential_configuration_id": "representation-sd-jwt", "proofs": {"jwt": [_proof(url, nonce)]}}
            ready.append(_post(http, url + "/credential", body, {"Authorization": f"Bearer {token}"}))
    return ready


async def _redeem(http: aiohttp.ClientSession, url: str, key: str, reference: str) -> str:
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": reference}
    body = {"type": "representation", "claims": LPA_1, "reference": reference}
    async with http.post(url + "/api/credentials", json=body, headers=headers) as answer:
        made = await answer.json()
    grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
    form = {"grant_type": grant, "pre-authorized_code": made["offer"]["grants"][grant]["pre-authorized_code"], "tx_code": made["code"]}
    async with http.post(url + "/token", data=form) as answer:
        token: str = (await answer.json())["access_token"]
        return token


def _proof(url: str, nonce: str) -> str:
    private = ec.generate_private_key(ec.SECP256R1())
    unsigned = prepare_key_proof(
        key=KeyId("holder"), public=PublicKey.of(private.public_key()), audience=url, nonce=nonce, at=system_clock()
    )
    return unsigned.complete(raw(private, unsigned.signing_input))


def _post(http: aiohttp.ClientSession, url: str, body: object, headers: dict[str, str]) -> Callable[[], Awaitable[None]]:
    async def send() -> None:
        async with http.post(url, json=body, headers=headers) as answer:
            text = await answer.text()
            if answer.status != 200:
                raise RuntimeError(f"{answer.status}: {text[:300]}")

    return send


async def _rate(pid: int, ready: Sequence[Callable[[], Awaitable[None]]]) -> float:
    """Requests per second of the server's CPU."""
    queue = list(ready)
    before = cpu(pid)

    async def client() -> None:
        while queue:
            await queue.pop()()

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return len(ready) / max(cpu(pid) - before, TICK)
