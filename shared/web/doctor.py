"""Whether everything of a service is in place, as the command ``doctor`` says."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..errors import VcError
from ..keys import Custodian, KeyId
from ..storage import Migration, Storage
from ..terminal import REFUSED

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    ok: bool
    what: str
    detail: str = ""


async def examine(
    service: str,
    opened: Callable[[], T],
    checks: Mapping[str, Callable[[T], Awaitable[str]]],
    closed: Callable[[T], Awaitable[None]],
) -> list[Finding]:
    """Findings of ``checks``, which stand in the order in which things depend on each other, on what ``opened`` gives."""
    findings = [_nobody_shadows_us(service)]
    try:
        office = opened()
    except VcError as error:
        return [*findings, Finding(ok=False, what="keys and certificates", detail=error.detail)]
    try:
        for what, check in checks.items():
            try:
                findings.append(Finding(ok=True, what=what, detail=await check(office)))
            except VcError as error:
                findings.append(Finding(ok=False, what=what, detail=error.detail))
    finally:
        await closed(office)
    return findings


async def uses_keys(custodian: Custodian, *, mac: KeyId, seal: KeyId) -> str:
    """That both secret keys can be used: what one sealed, it opens."""
    await custodian.mac(mac, b"doctor")
    sealed = await custodian.seal(seal, b"doctor", context=b"doctor")
    await custodian.unseal(seal, sealed, context=b"doctor")
    return ""


async def migrates(storage: Storage, migrations: Sequence[Migration]) -> str:
    """That the database answers, and is of this version from now on."""
    applied = await storage.migrate(migrations)
    return f"{len(applied)} migrations applied just now" if applied else "up to date"


def _nobody_shadows_us(service: str) -> Finding:
    """The import names ``shared`` and that of the service are not ours alone in the world."""
    root = Path(__file__).resolve().parents[2]
    for name in ("shared", service):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or Path(spec.origin).resolve().parents[1] != root:
            return Finding(ok=False, what="our own modules", detail=f"{name} is somebody else's: use an environment of its own")
    return Finding(ok=True, what="our own modules")


def tell(findings: Sequence[Finding]) -> int:
    """Print one line a finding; the exit code."""
    for finding in findings:
        sys.stdout.write(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what}{': ' if finding.detail else ''}{finding.detail}\n")
    return 0 if all(finding.ok for finding in findings) else REFUSED
