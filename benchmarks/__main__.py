"""``make bench``: every row, or with BENCH=name one; the figures go to ``.bench/report.json``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks import browser, chains, cli, federation, haip, issuing, jws, mdoc, scan, sd_cwt, sd_jwt, square, status
from benchmarks.config import wanted
from benchmarks.measure import Row

ROWS: dict[str, Callable[[], Row]] = {
    "jws verify": jws.verify,
    "sd-jwt-vc issue": sd_jwt.issue,
    "sd-jwt-vc present": sd_jwt.present,
    "sd-jwt-vc choose and present": sd_jwt.choose_and_present,
    "sd-jwt-vc verify": sd_jwt.verify,
    "sd-cwt issue": sd_cwt.issue,
    "sd-cwt present": sd_cwt.present,
    "sd-cwt verify": sd_cwt.verify,
    "mdoc issue": mdoc.issue,
    "mdoc verify": mdoc.verify,
    "qr write": square.write,
    "qr read": square.read,
    "status publish": status.publish,
    "status size": status.size,
    "status check cold 1M": status.cold,
    "status check warm": status.warm,
    "status memory": status.memory,
    "chain resolve": chains.resolving,
    "federation policy": federation.policy,
    "federation register": federation.register,
    "federation pack load": federation.load,
    "federation pack size": federation.size,
    "browser verdict": browser.verdict,
    "issuing endpoint": issuing.endpoint,
    "haip issuance": haip.issuance,
    "haip presentation": haip.presentation,
    "cli check": cli.check,
    "scan": scan.scan,
}


def main() -> int:
    """Measure, print and report; 1 if a bar is missed, 64 if there is no such row."""
    only = wanted()
    if only and only not in ROWS:
        print(f"There is no row {only!r}. There are: {', '.join(ROWS)}", file=sys.stderr)
        return 64
    rows = []
    for name in [only] if only else ROWS:
        rows.append(ROWS[name]())
        print(line(rows[-1]), flush=True)
    folder = Path(".bench")
    folder.mkdir(exist_ok=True)
    report = [{key: value for key, value in asdict(row).items() if key != "bar"} for row in rows]
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if any(row.bar is not None and row.ratio < row.bar for row in rows) else 0


def line(row: Row) -> str:
    bar = "" if row.bar is None else f" (bar {row.bar}{'' if row.ratio >= row.bar else ', MISSED'})"
    peers = "".join(f"; {name} {value:g}" for name, value in row.peers.items())
    return f"{row.name:20s} ours {row.ours:g} {row.unit}, floor {row.floor:g}, ratio {row.ratio:.3f}{bar}{peers}"


if __name__ == "__main__":
    sys.exit(main())
