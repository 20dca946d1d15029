"""One more process of an issuer that others serve too, at a time that stands still:

``python -m support.second_issuer DIRECTORY STORAGE PORT AT`` says ``ready`` and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
from aiohttp import web
from support.ports import free_port
from support.registry import Registry

from issuer import app as composition
from issuer import config


async def serve(directory: Path, storage: str, port: int, at: int) -> None:
    settings = msgspec.structs.replace(config.read(directory), storage=storage)
    runner = web.AppRunner(composition.build(composition.open_office(directory, settings, clock=lambda: at)), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


@asynccontextmanager
async def another_process(registry: Registry, directory: Path) -> AsyncIterator[Registry]:
    """The same office, served by a process of its own from ``directory``, a copy of the folder of ``registry``, with its database."""
    port, storage = free_port(), registry.office.settings.storage
    command = (sys.executable, "-m", "support.second_issuer", str(directory), storage, str(port), str(registry.clock()))
    tests = Path(__file__).parents[1]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, cwd=tests, env={"PYTHONPATH": f"{tests.parent}:{tests}"}
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield replace(registry, directory=directory, base=f"http://localhost:{port}")
    finally:
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
