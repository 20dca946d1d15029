"""Play the founding stories on loopback, on this machine only."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from demo import federation, foreign, joan, nora, poa, programs, tom
from demo.config import Wish, read
from demo.script import Script, write_report
from demo.stage import FOLDER, Stage, StageError, clear, free_ports

Story = Callable[[Stage, Script], Awaitable[list[str]]]


async def _airplane(stage: Stage, script: Script) -> list[str]:
    """Its browsers and its camera are brought by ``make demo STORY=airplane``; the other stories do without."""
    from demo import airplane  # noqa: PLC0415 - the other stories are played where its browsers are not

    return await airplane.play(stage, script)


STORIES: dict[str, Story] = {
    "airplane": _airplane,
    "federation": federation.play,
    "foreign": foreign.play,
    "joan": joan.play,
    "nora": nora.play,
    "tom": tom.play,
    "poa": poa.play,
}  # the services of the last one stay, to look around
LEFT = {"offline": "What is needed to repeat the offline check is", "airplane/pictures": "Pictures of every step in airplane mode are"}
STOPS = (signal.SIGINT, signal.SIGTERM)


async def perform(wish: Wish) -> int:
    """Play what was wished for; 0 if every step went as it should."""
    if wish.story and wish.story not in STORIES:
        print(f"There is no story {wish.story!r}. There is: {', '.join(STORIES)}", file=sys.stderr)
        return 64
    scripts: list[Script] = []
    names = [wish.story] if wish.story else [name for name in STORIES if not missing(name)]
    clear()
    ports = free_ports()
    for name in names:
        scripts.append(Script(name))
        await play(STORIES[name], scripts, ports, stay=wish.stay and name == names[-1])
    if not wish.story:
        tell_left_out()
    return 0 if all(script.ok for script in scripts) else 1


def folder(name: str) -> Path:
    """Where a story keeps what it makes; the first one that there was has the whole folder."""
    made = FOLDER if name == "poa" else FOLDER / name
    made.mkdir(exist_ok=True)
    return made


def missing(name: str) -> str:
    """What this machine lacks to play a story; empty if nothing."""
    if name == "foreign":
        return "" if programs.there() else "programs that others wrote"
    if name != "airplane":
        return ""
    if shutil.which("chromium") is None and shutil.which("google-chrome") is None:
        return "a browser"
    return "" if all(importlib.util.find_spec(each) for each in ("playwright", "numpy")) else "what drives a browser and makes a camera"


def tell_left_out() -> None:
    for name in STORIES:
        lack = missing(name)
        if lack:
            print(f"The story {name!r} was left out, for it needs {lack}: `make demo STORY={name}` brings that and plays it.")


async def play(story: Story, scripts: list[Script], ports: dict[str, int], *, stay: bool) -> None:
    """Play the story of the last script. The report is written before anybody waits: who looks around has it, and a kill loses nothing."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        stage = Stage(http, ports, folder(scripts[-1].story))
        addresses: list[str] = []
        try:
            addresses = await story(stage, scripts[-1])
        except StageError as error:
            scripts[-1].broken_off = True
            print(f"\n{error}", file=sys.stderr)
        finally:
            report(scripts)
            try:
                if stay and addresses:
                    await wait_for_interrupt(addresses)
            finally:
                stage.stop()


def report(scripts: list[Script]) -> None:
    write_report(FOLDER / "report.json", scripts)
    print(f"\n{'Every step went as it should.' if all(script.ok for script in scripts) else 'Something did NOT go as it should.'}")
    print(f"The report is in {FOLDER / 'report.json'}.")
    for place, what in LEFT.items():
        if (FOLDER / place).exists():
            print(f"{what} in {FOLDER / place}.")
    sys.stdout.flush()


async def wait_for_interrupt(addresses: list[str]) -> None:
    """Leave the services up so that a person can look around; whoever was told that it is over is heard as somebody who knows it."""
    done = asyncio.Event()
    for number in STOPS:
        asyncio.get_running_loop().add_signal_handler(number, done.set)
    print("\nThe three services stay up until you press Ctrl-C:\n")
    for line in addresses:
        print(f"    {line}")
    sys.stdout.flush()
    await done.wait()


async def main() -> int:
    """Whoever is told to stop in the middle of a story (SIGTERM, Ctrl-C) ends the services that it started before it goes."""
    playing = asyncio.ensure_future(perform(read()))
    for number in STOPS:
        asyncio.get_running_loop().add_signal_handler(number, playing.cancel)
    try:
        return await playing
    except asyncio.CancelledError:
        print("\nStopped in the middle of the story.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
