"""Play the founding stories on loopback, on this machine only."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

import aiohttp

from demo import poa
from demo.config import Wish, read
from demo.script import Script, write_report
from demo.stage import FOLDER, Stage, StageError, clear, free_ports

Story = Callable[[Stage, Script], Awaitable[list[str]]]
STORIES: dict[str, Story] = {"poa": poa.play}


async def perform(wish: Wish) -> int:
    """Play what was wished for; 0 if every step went as it should."""
    if wish.story and wish.story not in STORIES:
        print(f"There is no story {wish.story!r}. There is: {', '.join(STORIES)}", file=sys.stderr)
        return 64
    scripts = []
    for name in [wish.story] if wish.story else list(STORIES):
        clear()
        script = Script(name)
        scripts.append(script)
        await play(STORIES[name], script, stay=wish.stay)
    write_report(FOLDER / "report.json", scripts)
    print(f"\n{'Every step went as it should.' if all(script.ok for script in scripts) else 'Something did NOT go as it should.'}")
    print(f"The report is in {FOLDER / 'report.json'}; what is needed to repeat the offline check, in {FOLDER / 'offline'}.")
    return 0 if all(script.ok for script in scripts) else 1


async def play(story: Story, script: Script, *, stay: bool) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        stage = Stage(http, free_ports())
        try:
            addresses = await story(stage, script)
            if stay:
                await wait_for_interrupt(addresses)
        except StageError as error:
            print(f"\n{error}", file=sys.stderr)
        finally:
            stage.stop()


async def wait_for_interrupt(addresses: list[str]) -> None:
    """Leave the services up so that a person can look around."""
    print("\nThe three services stay up until you press Ctrl-C:\n")
    for line in addresses:
        print(f"    {line}")
    sys.stdout.flush()
    done = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, done.set)
    await done.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(perform(read())))
