"""``bundle trust``, ``bundle show`` and ``bundle verify``: whom a desk trusts, and what lies in a checking pack. No network."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path

from shared.did import check_did, is_did
from shared.errors import ConfigError, Conflict, Malformed, Rejected, Undecided, VcError
from shared.keys import Role
from shared.terminal import REFUSED, UNDECIDED
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.bundle import MAX_BYTES, Bundle, describe, parse_bundle
from shared.trust.dids import DidPin
from shared.web.trust_file import change
from verifier.offline import Memory, open_pack, parse_state, read_file, read_trust, trust_file
from verifier.words import age_text, moment_text


def pin(arguments: argparse.Namespace) -> str:
    """Trust the anchor or the signer that the owner names; says what is trusted from now on."""
    data = b"" if is_did(arguments.file) else read_file(Path(arguments.file), MAX_BYTES)
    told = ""

    def edit(before: TrustAnchors) -> TrustAnchors:
        nonlocal told
        if not data:
            after, told = _pin_did(before, arguments)
        elif data.lstrip().startswith(b"{"):
            after, told = _pin_signer(before, data, arguments.thumbprint)
        else:
            after, told = _pin_anchor(before, data, arguments)
        return after

    change(trust_file(arguments), edit)
    return told


def _pin_signer(trust: TrustAnchors, data: bytes, thumbprint: str | None) -> tuple[TrustAnchors, str]:
    """A pack says itself who signed it, so its maker has to have told the thumbprint by another way."""
    signer = parse_bundle(data).signer
    if thumbprint is None:
        raise ConfigError(f"ask the maker of this pack for its thumbprint, compare it with {signer}, and give it with --thumbprint")
    if thumbprint != signer:
        raise ConfigError(f"this pack was signed by another key: {signer}", where="thumbprint")
    return trust.add_signer(signer), f"Trusted from now on: checking packs signed by {signer}"


def _pin_did(trust: TrustAnchors, arguments: argparse.Namespace) -> tuple[TrustAnchors, str]:
    """A DID as an issuer, whole as it is spelled; nothing is looked up now."""
    try:
        check_did(arguments.file)
    except VcError as error:
        raise ConfigError(f"{arguments.file}: {error.detail}", where="file") from error
    pin = DidPin(did=arguments.file, name=arguments.name or arguments.file, without_snapshot=arguments.without_snapshot)
    with suppress(Conflict):  # trusted already: once more changes nothing
        trust = trust.add_did(pin)
    return trust, f"Trusted from now on as credential-issuer: {pin.name}, whoever holds the keys that {pin.did} names"


def _pin_anchor(trust: TrustAnchors, data: bytes, arguments: argparse.Namespace) -> tuple[TrustAnchors, str]:
    try:
        anchor = parse_anchor(
            data,
            role=Role(arguments.role),
            name=arguments.name,
            entity=arguments.entity,
            address=arguments.address,
            without_snapshot=arguments.without_snapshot,
            profile=arguments.profile,
            vcts=arguments.doctype or None,
        )
    except VcError as error:
        raise ConfigError(f"{arguments.file}: {error.detail}", where="file") from error
    with suppress(Conflict):  # trusted already: once more changes nothing
        trust = trust.add(anchor)
    for_whom = f", for {anchor.entity} alone" if anchor.entity else ""
    for_whom += f", document signers ({anchor.profile}) of {', '.join(anchor.vcts)}" if anchor.profile and anchor.vcts else ""
    return trust, f"Trusted from now on as {anchor.role}: {anchor.name}{for_whom}, SHA-256 {anchor.fingerprint}"


def show(arguments: argparse.Namespace, *, at: int) -> str:
    """What the pack says of itself; nothing of it is verified."""
    bundle = _read(Path(arguments.file))
    if arguments.json:
        told = {
            "issuer": bundle.iss, "signer": bundle.signer, "seq": bundle.seq, "prev": bundle.prev,
            "as_of": bundle.iat, "expires_at": bundle.exp, "artefacts": describe(bundle),
        }  # fmt: skip
        return json.dumps(told, ensure_ascii=False)
    lines = [
        f"Checking pack {bundle.seq} of {bundle.iss}",
        f"  dated      {moment_text(bundle.iat)}, {age_text(max(0, at - bundle.iat))} old",
        f"  good until {moment_text(bundle.exp)}{'' if at < bundle.exp else ' (too old to begin with)'}",
        f"  signed by  {bundle.signer} (not checked here: bundle verify)",
    ]
    lines += [f"  {each['media_type']:34s} {each['bytes']:>9,} bytes  {each['name']}" for each in describe(bundle)]
    return "\n".join(lines)


def verify(arguments: argparse.Namespace, *, at: int) -> int:
    """0 if a desk could check with this pack now, 1 if it must not, 2 if the pack is too old."""
    trust = read_trust(trust_file(arguments))
    memory = _memory(arguments.state)
    try:
        verified = open_pack(read_file(Path(arguments.file), MAX_BYTES), memory.packs, trust=trust, at=at)
    except (Rejected, Undecided) as error:
        sys.stdout.write(f"Not good to check with: {error.detail} [{error.code}]\n")
        return REFUSED if isinstance(error, Rejected) else UNDECIDED
    source = verified.source
    sys.stdout.write(
        f"Good to check with: pack {source.seq} of {source.iss}, dated {moment_text(source.iat)}, {age_text(max(0, at - source.iat))} old, "
        f"with {len(verified.status_lists)} list(s) of cancelled documents\n"
    )
    return 0


def _read(file: Path) -> Bundle:
    try:
        return parse_bundle(read_file(file, MAX_BYTES))
    except Malformed as error:
        raise ConfigError(f"{file} is no checking pack: {error.detail}", where="file") from error


def _memory(file: str | None) -> Memory:
    return Memory() if file is None or not Path(file).exists() else parse_state(Path(file).read_bytes())
