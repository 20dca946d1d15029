"""Whom this installation trusts, for what: the file ``trust.json``. Only its owner changes it; nothing that arrives ever does (S17).

``{"version": 1, "anchors": [{"certificate": b64 DER, "role": …, "name": …, "entity"?: URI, "vcts"?: [vct, …], "address"?: URL,
"without_snapshot"?: true, "profile"?: "iso-18013-5"}, …], "bundle_signers": [RFC 7638 thumbprint, …], "dids"?: [as in ``dids``, …],
"federation"?: [as in ``federation_anchor``, …]}``
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..codec import strict_json
from ..codec.reader import get_bool, get_int, get_objects, get_str, get_strings
from ..errors import Conflict, Malformed, Missing, NotEntitled
from ..keys import Role
from ..x509 import Cert, check_iaca, load_certificate
from .dids import DidPin, parse_pin, render_pin
from .federation_anchor import FederationAnchor, parse_federation_anchor, render_federation_anchor

VERSION = 1
MAX_BYTES = 4_000_000
ISO_18013_5 = "iso-18013-5"  # a profile: document signers of others below it, as ISO/IEC 18013-5 annex B has them
ROLES = (Role.CREDENTIAL_ISSUER, Role.RELYING_PARTY, Role.WALLET_PROVIDER)  # what an anchor's leaves may be
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One pinned certification authority. ``role`` is what the certificates below it may be used as.

    ``entity`` and ``vcts``, where given, narrow the pin: trusted only for that entity, only for those types. ``address`` is where the
    entity is reached if that differs from its identifier. ``without_snapshot``: this authority publishes none, and its owner bears that a
    checking pack cannot tell what it has withdrawn; who has once published one is never without again.

    An anchor with a ``profile`` is asked for mdocs of the doctypes in ``vcts`` and for their status lists, and never for anything else: the
    certificates below it name no issuer, so that ``entity`` is the name of whoever it certifies. It publishes nothing that is read here.
    """

    certificate: Cert
    role: Role
    name: str
    entity: str | None = None
    vcts: tuple[str, ...] | None = None
    address: str | None = None
    without_snapshot: bool = False
    profile: str | None = None

    @property
    def site(self) -> str | None:
        """Where what it publishes is fetched; ``None`` if its owner named no address."""
        return None if self.profile else self.address or self.entity

    @property
    def scope(self) -> str:
        """For lists that people read: its profile and for what, after a blank; empty for any other anchor."""
        return f" [{self.profile}: {', '.join(self.vcts or ())}]" if self.profile else ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER, lower-case hex, as people compare it over the telephone."""
        return hashlib.sha256(self.certificate.der).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustAnchors:
    """Everything pinned. ``bundle_signers`` are RFC 7638 thumbprints of keys whose checking packs are read here."""

    anchors: tuple[Anchor, ...] = ()
    bundle_signers: tuple[str, ...] = ()
    dids: tuple[DidPin, ...] = ()
    federation: tuple[FederationAnchor, ...] = ()

    def with_role(self, role: Role) -> tuple[Anchor, ...]:
        """The anchors whose certificates may act as ``role``. None of them has a profile."""
        return tuple(each for each in self.anchors if each.role is role and each.profile is None)

    @property
    def iacas(self) -> tuple[Anchor, ...]:
        """The authorities over document signers of others (``ISO_18013_5``)."""
        return tuple(each for each in self.anchors if each.profile is not None)

    def add(self, anchor: Anchor) -> TrustAnchors:
        """``Conflict`` if the same certificate is pinned for the same role already."""
        if any(each.role is anchor.role and each.certificate.der == anchor.certificate.der for each in self.anchors):
            raise Conflict("this anchor is trusted already")
        return replace(self, anchors=(*self.anchors, anchor))

    def remove(self, fingerprint: str) -> TrustAnchors:
        """``Missing`` if no anchor has that fingerprint."""
        kept = tuple(each for each in self.anchors if each.fingerprint != fingerprint.lower())
        if len(kept) == len(self.anchors):
            raise Missing("no anchor has that fingerprint")
        return replace(self, anchors=kept)

    def add_did(self, pin: DidPin) -> TrustAnchors:
        """``Conflict`` if the same DID is pinned already."""
        if any(each.did == pin.did for each in self.dids):
            raise Conflict("this DID is trusted already")
        return replace(self, dids=(*self.dids, pin))

    def add_federation(self, anchor: FederationAnchor) -> TrustAnchors:
        """``Conflict`` if the same entity is pinned already."""
        if any(each.entity == anchor.entity for each in self.federation):
            raise Conflict("this federation is trusted already")
        return replace(self, federation=(*self.federation, anchor))

    def remove_federation(self, entity: str) -> TrustAnchors:
        """``Missing`` if no federation is pinned under that identifier."""
        kept = tuple(each for each in self.federation if each.entity != entity)
        if len(kept) == len(self.federation):
            raise Missing("no federation has that identifier")
        return replace(self, federation=kept)

    def add_signer(self, thumbprint: str) -> TrustAnchors:
        """Pin the signer of checking packs; a second time changes nothing."""
        _check_thumbprint(thumbprint, "")
        return self if thumbprint in self.bundle_signers else replace(self, bundle_signers=(*self.bundle_signers, thumbprint))


def parse_anchor(
    data: bytes,
    *,
    role: Role,
    name: str = "",
    entity: str | None = None,
    vcts: Iterable[str] | None = None,
    address: str | None = None,
    without_snapshot: bool = False,
    profile: str | None = None,
) -> Anchor:
    """A PEM or DER file that the owner pins. ``Malformed`` unless it holds exactly one certificate, a CA's, for a usable role and profile."""
    certificate = load_certificate(data)
    _check_anchor(certificate, role)
    kept = None if vcts is None else tuple(vcts)
    anchor = Anchor(
        certificate=certificate,
        role=role,
        name=name or certificate.subject.removesuffix(" trust anchor"),
        entity=entity,
        vcts=kept,
        address=address,
        without_snapshot=without_snapshot,
        profile=profile,
    )
    return _profiled(anchor)


def _profiled(anchor: Anchor, where: str = "") -> Anchor:
    """The anchor, if it may have its profile; ``Malformed`` with a pointer."""
    if anchor.profile is None:
        return anchor
    if anchor.profile != ISO_18013_5:
        raise Malformed(f"the profile of an anchor is {ISO_18013_5}, or none", where=f"{where}/profile")
    if anchor.role is not Role.CREDENTIAL_ISSUER:
        raise Malformed("document signers make documents and nothing else", where=f"{where}/role")
    if not anchor.entity:
        raise Malformed("no certificate below it says whom it is for, so the pin has to", where=f"{where}/entity")
    if not anchor.vcts:
        raise Malformed("it is trusted for the doctypes that are named here, and for none if none is", where=f"{where}/vcts")
    try:
        check_iaca(anchor.certificate)
    except NotEntitled as error:
        raise Malformed(error.detail, where=f"{where}/certificate") from error
    return anchor


def _check_anchor(certificate: Cert, role: str, where: str = "") -> None:
    if role not in ROLES:
        raise Malformed(f"the role of an anchor is {' or '.join(ROLES)}", where=f"{where}/role")
    if not certificate.is_ca:
        raise Malformed("only a certification authority can be an anchor", where=f"{where}/certificate")


def parse_trust(data: bytes) -> TrustAnchors:
    """``trust.json`` as read from disk; every fault is ``Malformed`` with a pointer."""
    obj = strict_json.load_object(data, max_bytes=MAX_BYTES)
    if get_int(obj, "version") != VERSION:
        raise Malformed(f"this program reads version {VERSION}", where="/version")
    anchors = get_objects(obj, "anchors")
    signers = get_strings(obj, "bundle_signers")
    for index, signer in enumerate(signers):
        _check_thumbprint(signer, f"/bundle_signers/{index}")
    return TrustAnchors(
        anchors=tuple(_parse_entry(each, f"/anchors/{index}") for index, each in enumerate(anchors)),
        bundle_signers=signers,
        dids=tuple(parse_pin(each, f"/dids/{index}") for index, each in enumerate(get_objects(obj, "dids", optional=True) or ())),
        federation=_parse_federation(obj),
    )


def _parse_federation(obj: Mapping[str, Any]) -> tuple[FederationAnchor, ...]:
    entries = get_objects(obj, "federation", optional=True) or ()
    found = tuple(parse_federation_anchor(each, f"/federation/{index}") for index, each in enumerate(entries))
    if len({each.entity for each in found}) != len(found):
        raise Malformed("one federation is pinned twice", where="/federation")
    return found


def _parse_entry(obj: Mapping[str, Any], where: str) -> Anchor:
    role = get_str(obj, "role", where)
    certificate = load_certificate(get_str(obj, "certificate", where, max_length=20_000), f"{where}/certificate")
    _check_anchor(certificate, role, where)
    anchor = Anchor(
        certificate=certificate,
        role=Role(role),
        name=get_str(obj, "name", where),
        entity=get_str(obj, "entity", where, optional=True),
        vcts=get_strings(obj, "vcts", where, optional=True),
        address=get_str(obj, "address", where, optional=True),
        without_snapshot=get_bool(obj, "without_snapshot", where, optional=True) or False,
        profile=get_str(obj, "profile", where, optional=True),
    )
    return _profiled(anchor, where)


def _check_thumbprint(text: str, where: str) -> None:
    if not _THUMBPRINT.fullmatch(text):
        raise Malformed("a thumbprint is 43 characters of base64url (RFC 7638, SHA-256)", where=where)


def render_trust(trust: TrustAnchors) -> bytes:
    """The bytes that ``parse_trust`` reads back to the same value."""
    return strict_json.dumps(
        {
            "version": VERSION,
            "anchors": [_render_entry(each) for each in trust.anchors],
            "bundle_signers": list(trust.bundle_signers),
            **({"dids": [render_pin(each) for each in trust.dids]} if trust.dids else {}),
            **({"federation": [render_federation_anchor(each) for each in trust.federation]} if trust.federation else {}),
        }
    )


def _render_entry(anchor: Anchor) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "certificate": base64.b64encode(anchor.certificate.der).decode("ascii"),
        "role": anchor.role.value,
        "name": anchor.name,
    }
    if anchor.entity is not None:
        entry["entity"] = anchor.entity
    if anchor.vcts is not None:
        entry["vcts"] = list(anchor.vcts)
    if anchor.address is not None:
        entry["address"] = anchor.address
    if anchor.without_snapshot:
        entry["without_snapshot"] = True
    if anchor.profile is not None:
        entry["profile"] = anchor.profile
    return entry
