"""Who may ask, and which desk asks for them: two short certificates in COSE (security rules S5 and S10, docs/ovp.md section 5).

An anchor, or a registrar in a federation (``registrars.py``), certifies a relying party's key, its names and registered uses for a month
(rp-cert); that key certifies the key of one desk for a week (desk-cert). Wallets keep the first in advance, a challenge carries the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..clock import DAY
from ..codec import cbor
from ..codec.reader import pointer
from ..cose import (
    DESK_CERTIFICATE,
    REGISTRATION,
    RP_CERTIFICATE,
    Sign1,
    Typ,
    kid_of,
    parse_cose_key,
    parse_sign1,
    prepare_sign1,
    render_cose_key,
)
from ..cose.members import Members, array, as_map, load_map, octets, text, uint
from ..cose.sign1 import verify_sign1
from ..credentials import Text
from ..errors import Expired, Malformed, NotEntitled, NotYetValid, Untrusted, VcError, WrongTyp
from ..inbox import Inbox
from ..keys import KeyId, PublicKey, Role, Unsigned
from .anchors import Anchor, TrustAnchors
from .registered_use import (
    RegisteredUse,
    Registrar,
    Want,
    read_inbox,
    read_registrar,
    read_use,
    read_wants,
    read_words,
    render_inbox,
    render_registrar,
    render_use,
    render_wants,
    render_words,
)

MEDIA_TYPE: Final = "application/vnd.muniment.rp-cert+cwt"
MAX_RP_DAYS: Final = 31
MAX_DESK_DAYS: Final = 7
MAX_BYTES: Final = 65_536
AHEAD: Final = 60
"""Seconds that another machine's clock may be ahead of ours."""
_ALG, _KID, _TYP = 1, 4, 16
_ISS, _SUB, _EXP, _IAT, _CNF = 1, 2, 4, 6, 8
_NAMES, _USES, _REGISTRAR, _COUNTRY, _INBOX = -70_010, -70_011, -70_012, -70_013, -70_014
_MAX_USES = 64

__all__ = [
    "MAX_DESK_DAYS",
    "MAX_RP_DAYS",
    "MEDIA_TYPE",
    "DeskCertificate",
    "Register",
    "RegisteredUse",
    "Registrar",
    "RpCertificate",
    "Want",
    "check_country",
    "check_in_force",
    "desk_certificate_of",
    "parse_desk_certificate",
    "parse_rp_certificate",
    "prepare_desk_certificate",
    "prepare_rp_certificate",
    "read_wants",
    "render_use",
    "render_wants",
    "verify_desk_certificate",
    "verify_rp_certificate",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RpCertificate:
    """A parsed rp-cert. Nothing vouches for it before it is in a ``Register``. ``anchor`` is who signed it: an anchor's name, or the identifier
    of a registrar; ``country`` where the organisation is (two capital letters), which a registrar has to say.
    """

    anchor: str
    entity: str
    issued_at: int
    expires_at: int
    public: PublicKey
    name: Text
    uses: tuple[RegisteredUse, ...]
    kid: bytes
    sign1: Sign1 = field(repr=False)
    registrar: Registrar | None = None
    country: str | None = None
    inbox: Inbox | None = None

    def use(self, use_id: str) -> RegisteredUse | None:
        """The registered use of this name."""
        return next((use for use in self.uses if use.id == use_id), None)

    def inbox_for(self, use_id: str) -> Inbox | None:
        """Where copies for this use are posted: its own inbox, else that of the whole organisation. ``None`` also for a use that is not registered."""
        use = self.use(use_id)
        return None if use is None else use.inbox or self.inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskCertificate:
    """A parsed desk-cert. Nothing vouches for it yet."""

    entity: str
    name: str
    issued_at: int
    expires_at: int
    public: PublicKey
    kid: bytes
    sign1: Sign1 = field(repr=False)


@dataclass(frozen=True, slots=True)
class Register:
    """The relying parties that an anchor vouches for, by entity: what a wallet keeps in advance."""

    certificates: Mapping[str, RpCertificate] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Iterable[bytes], trust: TrustAnchors, *, at: int) -> Register:
        """Of each entity the newest certificate that ``trust`` vouches for. What nobody vouches for is left out, and nothing is fetched."""
        found: dict[str, RpCertificate] = {}
        for data in files:
            try:
                one = parse_rp_certificate(data)
                verify_rp_certificate(one, trust, at=at)
            except VcError:
                continue
            known = found.get(one.entity)
            if known is None or known.issued_at < one.issued_at:
                found[one.entity] = one
        return cls(found)

    def find(self, entity: str, *, at: int) -> RpCertificate:
        """Its certificate, if in force: ``Untrusted``, ``Expired``, ``NotYetValid``."""
        one = self.certificates.get(entity)
        if one is None:
            raise Untrusted("nobody whom this wallet trusts has registered this organisation")
        check_in_force(one.issued_at, one.expires_at, at=at)
        return one


# --- relying party -----------------------------------------------------------------------------------------------------------------------


def prepare_rp_certificate(
    *,
    anchor: str,
    anchor_public: PublicKey,
    key: KeyId,
    entity: str,
    public: PublicKey,
    name: Text,
    uses: Iterable[RegisteredUse],
    at: int,
    days: int = MAX_RP_DAYS,
    registrar: Registrar | None = None,
    country: str | None = None,
    inbox: Inbox | None = None,
    by_registrar: bool = False,
) -> Unsigned[bytes]:
    """An rp-cert for ``public``, lacking only the signature of the anchor's ``key``, or of a registrar's; ``anchor`` is its name or identifier."""
    if not 1 <= days <= MAX_RP_DAYS:
        raise Malformed(f"the certificate of a relying party lives 1 to {MAX_RP_DAYS} days", where="/days")
    payload = _dated(anchor, entity, at, days, public) | {_NAMES: render_words(name), _USES: [render_use(use) for use in uses]}
    if registrar is not None:
        payload[_REGISTRAR] = render_registrar(registrar)
    if country is not None:
        payload[_COUNTRY] = country
    if inbox is not None:
        payload[_INBOX] = render_inbox(inbox)
    return _prepare(REGISTRATION if by_registrar else RP_CERTIFICATE, payload, key, anchor_public)


def parse_rp_certificate(data: bytes, where: str = "") -> RpCertificate:
    """Structure and bounds, of one by an anchor or by a registrar. ``WrongTyp``, ``Malformed`` or ``TooLarge``, ``AlgorithmRefused`` for a key of another kind."""
    sign1 = parse_sign1(data, max_bytes=MAX_BYTES, where=where)
    typ = REGISTRATION if REGISTRATION.admits(sign1.typ) else RP_CERTIFICATE
    members = _open(sign1, typ, (_NAMES, _USES), MAX_RP_DAYS, where, optional=(_REGISTRAR, _COUNTRY, _INBOX))
    uses = array(members, _USES, where, max_items=_MAX_USES)
    one = RpCertificate(
        anchor=text(members, _ISS, where),
        entity=text(members, _SUB, where),
        issued_at=members[_IAT],
        expires_at=members[_EXP],
        public=_holder(members, where),
        name=read_words(members[_NAMES], pointer(where, _NAMES), 200),
        uses=tuple(read_use(each, f"{where}/{_USES}/{index}") for index, each in enumerate(uses)),
        kid=sign1.protected[_KID],
        sign1=sign1,
        registrar=read_registrar(members[_REGISTRAR], pointer(where, _REGISTRAR)) if _REGISTRAR in members else None,
        country=check_country(text(members, _COUNTRY, where), pointer(where, _COUNTRY)) if _COUNTRY in members else None,
        inbox=read_inbox(members[_INBOX], pointer(where, _INBOX)) if _INBOX in members else None,
    )
    if len({use.id for use in one.uses}) != len(one.uses):
        raise Malformed("two uses of one name", where=pointer(where, _USES))
    return one


def check_country(code: str, where: str = "") -> str:
    """Two capital letters, as in ISO 3166-1; ``Malformed`` otherwise."""
    if len(code) != 2 or not (code.isascii() and code.isalpha() and code.isupper()):
        raise Malformed("a country is two capital letters", where=where)
    return code


def verify_rp_certificate(one: RpCertificate, trust: TrustAnchors, *, at: int) -> Anchor:
    """The anchor that vouches for it now. ``Untrusted``, ``NotEntitled`` (pinned for another), ``BadSignature``, ``Expired``, ``NotYetValid``."""
    fault: VcError = Untrusted("no anchor that is trusted here vouches for this organisation")
    for anchor in trust.with_role(Role.RELYING_PARTY):
        if kid_of(anchor.certificate.public) != one.kid:
            continue
        try:
            _check_anchor(anchor, one, at)
        except VcError as error:
            fault = error
        else:
            return anchor
    raise fault


def _check_anchor(anchor: Anchor, one: RpCertificate, at: int) -> None:
    verify_sign1(one.sign1, anchor.certificate.public, typ=RP_CERTIFICATE)
    if anchor.entity is not None and anchor.entity != one.entity:
        raise NotEntitled("the anchor is trusted for another organisation")
    check_in_force(anchor.certificate.not_before, anchor.certificate.not_after + 1, at=at)
    check_in_force(one.issued_at, one.expires_at, at=at)


# --- desk --------------------------------------------------------------------------------------------------------------------------------


def prepare_desk_certificate(
    *, entity: str, entity_public: PublicKey, key: KeyId, name: str, public: PublicKey, at: int, days: int = MAX_DESK_DAYS
) -> Unsigned[bytes]:
    """A desk-cert for ``public``, lacking only the signature of the relying party's ``key``."""
    if not 1 <= days <= MAX_DESK_DAYS:
        raise Malformed(f"the certificate of a desk lives 1 to {MAX_DESK_DAYS} days", where="/days")
    return _prepare(DESK_CERTIFICATE, _dated(entity, name, at, days, public), key, entity_public)


def parse_desk_certificate(data: bytes, where: str = "") -> DeskCertificate:
    """Structure and bounds; errors as ``parse_rp_certificate``."""
    return desk_certificate_of(parse_sign1(data, max_bytes=MAX_BYTES, where=where), where)


def desk_certificate_of(sign1: Sign1, where: str = "") -> DeskCertificate:
    """The same where it lies inside what a desk signed."""
    members = _open(sign1, DESK_CERTIFICATE, (), MAX_DESK_DAYS, where)
    return DeskCertificate(
        entity=text(members, _ISS, where),
        name=text(members, _SUB, where, max_length=40),
        issued_at=members[_IAT],
        expires_at=members[_EXP],
        public=_holder(members, where),
        kid=sign1.protected[_KID],
        sign1=sign1,
    )


def verify_desk_certificate(desk: DeskCertificate, register: Register, *, at: int, signed_at: int | None = None) -> RpCertificate:
    """The relying party that the desk asks for. ``Untrusted``, ``BadSignature``, ``Expired``, ``NotYetValid``.

    ``signed_at`` is when the desk signed what is read only ``at`` that later instant: its certificate lasts a week, paper lies about longer.
    """
    party = register.find(desk.entity, at=at)
    if desk.kid != kid_of(party.public):
        raise Untrusted("the desk names another key than the one that is registered")
    if desk.public == party.public:
        raise Untrusted("a desk has a key of its own")
    verify_sign1(desk.sign1, party.public, typ=DESK_CERTIFICATE)
    check_in_force(desk.issued_at, desk.expires_at, at=at if signed_at is None else signed_at)
    return party


# --- both --------------------------------------------------------------------------------------------------------------------------------


def check_in_force(begin: int, end: int, *, at: int) -> None:
    """From ``begin``, a clock that is a minute ahead forgiven, until before ``end``. ``NotYetValid``, ``Expired``."""
    if begin > at + AHEAD:
        raise NotYetValid("it is dated in the future")
    if at >= end:
        raise Expired("its time is over")


def _dated(issuer: str, subject: str, at: int, days: int, public: PublicKey) -> dict[int, Any]:
    return {_ISS: issuer, _SUB: subject, _EXP: at + days * DAY, _IAT: at, _CNF: {1: render_cose_key(public)}}


def _prepare(typ: Typ, payload: Mapping[int, Any], key: KeyId, signer: PublicKey) -> Unsigned[bytes]:
    data = cbor.dumps(payload, canonical=True)
    return prepare_sign1(typ=typ, payload=data, key=key, alg=signer.alg, protected={_KID: kid_of(signer)})


def _open(sign1: Sign1, typ: Typ, more: tuple[int, ...], days: int, where: str, *, optional: tuple[int, ...] = ()) -> Members:
    """Header and payload of either certificate. The ``typ`` is looked at before anything else (S1)."""
    if not typ.admits(sign1.typ):
        raise WrongTyp("this signed object is of another kind", where=where)
    octets(as_map(sign1.protected, where, needed=(_ALG, _KID, _TYP)), _KID, where, size=8)
    as_map(sign1.unprotected, where, needed=())
    members = load_map(sign1.payload, where, needed=(_ISS, _SUB, _EXP, _IAT, _CNF, *more), optional=optional)
    if not 0 < uint(members, _EXP, where) - uint(members, _IAT, where) <= days * DAY:
        raise Malformed(f"it lives at most {days} days", where=pointer(where, _EXP))
    return members


def _holder(members: Members, where: str) -> PublicKey:
    cnf = as_map(members[_CNF], pointer(where, _CNF), needed=(1,))
    return parse_cose_key(cnf[1], f"{where}/{_CNF}/1")
