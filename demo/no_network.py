"""Run a program so that it has no network at all, by the strongest means that this machine allows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass

REFUSE_SOCKETS = (
    "import sys, runpy\n"
    "def hook(event, args):\n"
    "    if event.startswith('socket.'):\n"
    "        raise PermissionError('this process has no network')\n"
    "sys.addaudithook(hook)\n"
    "module, sys.argv = sys.argv[1], sys.argv[1:]\n"
    "runpy.run_module(module, run_name='__main__', alter_sys=True)\n"
)


@dataclass(frozen=True, slots=True)
class Isolation:
    """``prefix`` goes before the command; without one the interpreter itself refuses every socket."""

    how: str
    prefix: tuple[str, ...] | None

    def python(self, module: str, *arguments: str) -> list[str]:
        """The command line that runs ``module`` without a network."""
        if self.prefix is None:
            return [sys.executable, "-c", REFUSE_SOCKETS, module, *arguments]
        return [*self.prefix, sys.executable, "-m", module, *arguments]


def strongest() -> Isolation:
    """A network namespace of its own, as root or as anybody; else an audit hook inside the process."""
    unshare = shutil.which("unshare")
    for flag, words in (("-n", "its own empty network namespace"), ("-rn", "its own empty network namespace, without being root")):
        if unshare and subprocess.run([unshare, flag, "true"], capture_output=True, check=False).returncode == 0:
            return Isolation(f"{words} (unshare {flag})", (unshare, flag))
    return Isolation("an audit hook that refuses every socket", None)
