"""Looking after an issuer from the command line: its keys and certificates, and whether everything is in place."""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from issuer import app, config, init
from issuer.config import Settings
from issuer.office import ISSUER, REFERENCES, STORAGE, Office
from issuer.publish import StatusLists
from shared.clock import DAY, Clock, Entropy
from shared.custody import open_custodian
from shared.errors import ConfigError, VcError
from shared.jose.jwk import thumbprint
from shared.keys import Role
from shared.private_file import read_secret
from shared.web.setup import read_certificate
from shared.x509 import Cert, verify_chain

RENEW_DAYS = 90  # a certificate with fewer days left is worth a warning: copies live a month


@dataclass(frozen=True, slots=True)
class Finding:
    ok: bool
    what: str
    detail: str = ""


def day(at: int) -> str:
    """``2027-01-15``."""
    return dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat()


async def list_keys(directory: Path, settings: Settings, *, entropy: Entropy) -> list[str]:
    """One line a key and a certificate; nothing in them is secret."""
    custodian = open_custodian(settings.keys, entropy=entropy, passphrase=read_secret(config.key_file(directory)))
    try:
        public = await custodian.public(ISSUER)
    finally:
        await custodian.close()
    leaf, anchor = read_certificate(directory / "issuer.pem"), read_certificate(directory / "anchor.pem")
    return [
        f"issuer      {Role.CREDENTIAL_ISSUER}  {public.alg}  thumbprint {thumbprint(public)}",
        f"references  {Role.MAC}",
        f"storage     {Role.SEAL}",
        f"certificate of issuer: {leaf.subject}, {', '.join(leaf.uris)}, {day(leaf.not_before)} to {day(leaf.not_after)}",
        f"anchor: {anchor.subject}, {day(anchor.not_before)} to {day(anchor.not_after)}, SHA-256 {anchor.sha256.hex()}",
    ]


async def renew(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> Cert:
    """A new certificate for the same key and the present address; needs the anchor's keys in ``anchor.keys``."""
    return await init.certifier(directory, settings, clock=clock, entropy=entropy).renew()


async def examine(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> list[Finding]:
    """What ``doctor`` says, in the order in which things depend on each other."""
    findings = [_nobody_shadows_us()]
    try:
        office = app.open_office(directory, settings, clock=clock, entropy=entropy)
    except VcError as error:
        return [*findings, Finding(ok=False, what="keys and certificates", detail=error.detail)]
    try:
        for what, check in _CHECKS.items():
            findings.append(await _try(what, check, office, directory))
    finally:
        await app.stop(office)
    return findings


def _nobody_shadows_us() -> Finding:
    """The import names ``shared`` and ``issuer`` are not ours alone in the world."""
    root = Path(__file__).resolve().parents[1]
    for name in ("shared", "issuer"):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or Path(spec.origin).resolve().parents[1] != root:
            return Finding(ok=False, what="our own modules", detail=f"{name} is somebody else's: use an environment of its own")
    return Finding(ok=True, what="our own modules")


async def _try(what: str, check: Callable[[Office, Path], Awaitable[str]], office: Office, directory: Path) -> Finding:
    try:
        return Finding(ok=True, what=what, detail=await check(office, directory))
    except VcError as error:
        return Finding(ok=False, what=what, detail=error.detail)


async def _keys(office: Office, _: Path) -> str:
    await office.custodian.public(ISSUER)
    await office.custodian.mac(REFERENCES, b"doctor")
    sealed = await office.custodian.seal(STORAGE, b"doctor", context=b"doctor")
    await office.custodian.unseal(STORAGE, sealed, context=b"doctor")
    return ""


async def _certificate(office: Office, directory: Path) -> str:
    await app.check_certificate(office)
    anchor = read_certificate(directory / "anchor.pem")
    leaf = verify_chain(office.x5c, [anchor], at=office.clock(), role=Role.CREDENTIAL_ISSUER)
    left = (leaf.not_after - office.clock()) // DAY
    if left < RENEW_DAYS:
        raise ConfigError(f"the certificate ends in {left} days: run `muniment-issuer keys renew`")
    return f"valid until {day(leaf.not_after)}"


async def _database(office: Office, _: Path) -> str:
    applied = await office.storage.migrate(init.migrations())
    return f"{len(applied)} migrations applied just now" if applied else "up to date"


async def _status(office: Office, _: Path) -> str:
    lists = StatusLists(office)
    await lists.begin()
    await lists.refresh()
    return f"{len(await lists.uris())} published"


_CHECKS: dict[str, Callable[[Office, Path], Awaitable[str]]] = {
    "keys": _keys,
    "certificate": _certificate,
    "database": _database,
    "status lists": _status,
}
