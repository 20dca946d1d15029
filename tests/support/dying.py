"""An issuing office of which one process dies of what it does: ``python -m support.MODULE FOLDER AT ACTION …``, killed at a failpoint."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from support import forking
from support.ports import free_port
from support.registry import NOON, Registry, Template
from support.trial_web import Watch

from issuer import config
from issuer.app import open_office, start, stop
from issuer.office import Office

ROOT = Path(__file__).parents[2]


def environment(failpoint: str) -> dict[str, str]:
    """Of the process that dies."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    return os.environ | {"MUNIMENT_ISSUER_FAILPOINT": failpoint, "PYTHONPATH": paths}  # noqa: TID251 - the child's environment


async def dies(module: str, failpoint: str, folder: Path, at: int, *action: str) -> None:
    await forking.dies(f"support.{module}", str(folder), str(at), *action, MUNIMENT_ISSUER_FAILPOINT=failpoint)


@asynccontextmanager
async def dying(registry: Registry, failpoint: str, *, port: int = 0) -> AsyncIterator[None]:
    """Whoever calls ``registry`` meets another process of that office, at a free ``port`` if none is named, which has to die of the block."""
    base, port = registry.base, port or free_port()
    command = ("support.dying_office", str(registry.directory), str(registry.clock()), "serve", str(port))
    settings = {"MUNIMENT_ISSUER_FAILPOINT": failpoint, "MUNIMENT_ISSUER_STORAGE": registry.office.settings.storage}
    try:
        async with forking.serving(*command, says=registry.directory / "says", **settings):
            registry.base = f"http://localhost:{port}"
            yield
    finally:
        registry.base = base


@asynccontextmanager
async def quiet(template: Template, folder: Path, settings: str = "") -> AsyncIterator[Office]:
    """A copy of the template's folder with more lines of settings, opened by nobody who does anything by the clock."""
    shutil.copytree(template.directory, folder)
    with config.toml(folder).open("a") as file:
        file.write(settings)
    office = open_office(folder, config.read(folder), clock=Watch(NOON))
    await start(office)
    yield office
    await stop(office)


async def once(act: Callable[..., Awaitable[object]]) -> None:
    """What the process that dies does: ``act`` on the office of its command line."""
    folder, at, *action = sys.argv[1:]
    directory, now = Path(folder), int(at)
    office = open_office(directory, config.read(directory), clock=lambda: now)
    await start(office)
    await act(office, *action)
    await stop(office)
