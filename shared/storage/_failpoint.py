"""Dying on purpose: the only honest test of "all or nothing" is a process that is killed at the worst moment."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import ConfigError

_FORM = re.compile(r"([a-z0-9][a-z0-9_./-]*):(before|after)")


@dataclass(frozen=True, slots=True)
class Failpoint:
    """``name:before`` or ``name:after``; the empty text never fires."""

    name: str = ""
    moment: str = ""

    @classmethod
    def parse(cls, text: str) -> Failpoint:
        """``ConfigError`` unless ``text`` is empty or has the form above."""
        if not text:
            return cls()
        found = _FORM.fullmatch(text)
        if found is None:
            raise ConfigError("a failpoint is written name:before or name:after")
        return cls(found[1], found[2])

    def pass_by(self, moment: str, points: Iterable[str]) -> None:
        """Kill this process if it is set for ``moment`` and one of the units in this COMMIT has its name."""
        if self.name and self.moment == moment and self.name in points:
            os.kill(os.getpid(), signal.SIGKILL)
