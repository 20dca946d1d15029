"""What the surroundings ask of the demo: STORY, ONCE, KEEP, and whether somebody is watching."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    story: str  # "" = all that this machine can play
    stay: bool  # leave the three services running afterwards


def read() -> Wish:
    """ONCE=1 leaves after the story, KEEP=1 stays; without either it stays only on a terminal."""
    watching = sys.stdin.isatty() and sys.stdout.isatty()
    keep, once = os.environ.get("KEEP", "") not in ("", "0"), os.environ.get("ONCE", "") not in ("", "0")
    return Wish(story=os.environ.get("STORY", ""), stay=keep or (watching and not once))


def environment(extra: dict[str, str]) -> dict[str, str]:
    """For the processes that the demo starts: ours, without settings that a person made for their own services."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}
    return clean | extra
