"""What setting up a service takes, whichever it is: settings as TOML, keys, serial numbers, anchors named on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..clock import Entropy
from ..errors import ConfigError, Conflict, VcError
from ..keys import Custodian, KeyId, Role
from ..trust.anchors import ROLES, Anchor, TrustAnchors, parse_anchor
from ..x509 import Cert, load_certificate


def toml_text(text: str) -> str:
    """``text`` as a TOML basic string; ``ConfigError`` for control characters."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in plain):
        raise ConfigError("a name or an address has no control characters")
    return f'"{plain}"'


async def create_keys(custodian: Custodian, roles: Mapping[KeyId, Role]) -> None:
    """Make each key that is not there yet: a set-up that was broken off may have left some."""
    for key, role in roles.items():
        with suppress(Conflict):
            await custodian.create(key, role)


def serial_number(entropy: Entropy) -> int:
    """Of a certificate: positive and at most 159 bits (RFC 5280 section 4.1.2.2)."""
    return int.from_bytes(entropy(20), "big") >> 1 | 1


def read_certificate(file: Path) -> Cert:
    """The one certificate in ``file``; ``ConfigError`` if it cannot be read."""
    try:
        return load_certificate(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", where=file.name) from error


def add_anchor(trust: TrustAnchors, option: str, *, name: str = "") -> TrustAnchors:
    """``trust`` with the anchor that ``FILE.pem:ROLE[:ENTITY_URL][@ADDRESS]`` names; a second time changes nothing.

    With an entity the anchor is trusted for that entity alone, and what it publishes is fetched from there, or from ``ADDRESS`` where its
    identifier is no such address. ``ConfigError`` for another form, or a file that cannot be read or is no anchor.
    """
    for role in ROLES:
        file, found, rest = option.rpartition(f":{role}")
        if found and (not rest or rest.startswith((":", "@"))):
            entity, _, address = rest.removeprefix(":").partition("@")
            with suppress(Conflict):
                return trust.add(read_anchor(Path(file), role, entity=entity or None, name=name, address=address or None))
            return trust
    raise ConfigError(f"write FILE.pem:{' or FILE.pem:'.join(ROLES)}, then perhaps :ENTITY_URL and @ADDRESS; not {option}", where="trust")


def read_anchor(
    file: Path,
    role: Role,
    *,
    entity: str | None = None,
    name: str = "",
    address: str | None = None,
    profile: str | None = None,
    vcts: Sequence[str] | None = None,
) -> Anchor:
    """The certificate in ``file`` as an anchor; ``ConfigError`` as above."""
    try:
        return parse_anchor(file.read_bytes(), role=role, name=name, entity=entity, address=address, profile=profile, vcts=vcts)
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", where="trust") from error
    except VcError as error:
        raise ConfigError(f"{file}: {error.detail}", where="trust") from error
