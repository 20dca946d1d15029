"""What a page does from the last frame of an answer to its verdict, in Node, beside the two bare signature checks of WebCrypto."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import Row, row

NODE = Path(sys.executable).parent / "node"
SCRIPT = Path(__file__).with_name("browser_verdict.mjs")


def verdict() -> Row:
    """Wall-clock time, for WebCrypto works on other threads. The pack is open and its list unfolded, as on a page that has just been used."""
    done = subprocess.run([NODE, SCRIPT], capture_output=True, text=True, check=True)
    return replace(row("browser verdict", json.loads(done.stdout), bar=0.08), unit="us")
