"""Who takes over from whom: one body's records, and which of its purposes, duties and powers, pass to another (domain sheet C24).

``{"statement": JWS, "acceptance": JWS}``. The statement (typ ``successor-statement+jwt``, ``{iss, sub, successor, iat, from, vcts?,
purposes_carried, status_duty, may_cancel, private, note?, note#cy?}``) is the outgoing body's, ``iss`` = ``sub``, or that of its superior where
the body is gone or its key is. The acceptance (typ ``successor-acceptance+jwt``, ``{iss, sub, accepts, iat}``) is the successor's, over the
SHA-256 of the statement. Both are signed by federation keys, which stand in the header ``jwk`` and count for nothing there: only what
superiors publish of that body's keys does.

It counts where the superior of the outgoing body publishes it in its snapshot (security rule S17, ``successors``). Nothing else is inherited:
what the successor may say, it may by the word of its own superiors (S14).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..clock import DAY
from ..codec import base64url, strict_json
from ..codec.reader import get_bool, get_int, get_object, get_str, get_strings
from ..cose import thumbprint
from ..credentials import Text, all_types
from ..errors import CertificateRevoked, Malformed, PurposeNotCarried, Untrusted, VcError, WrongTyp
from ..jose.jwk import parse_public_jwk, render_jwk
from ..jose.jws import Jws, parse_jws, prepare_jws, verify_jws
from ..keys import KeyId, Role, Unsigned
from .artefact import name_of
from .federation_keys import FederationKey, get_entity
from .snapshot import COPY_LIFE, KeyHistory, KeyState
from .statements import check_dates

TYP: Final = "successor-statement+jwt"
ACCEPTANCE_TYP: Final = "successor-acceptance+jwt"
MAX_BYTES: Final = 65_536  # of each of the two
MAX_TYPES: Final = 256
MAX_PURPOSES: Final = 256
MAX_NOTE: Final = 1_000
AHEAD: Final = 366 * DAY  # that a succession may be announced before it begins

KnownKeys = Callable[[str, str], KeyHistory | None]
"""What superiors say of the key of an entity, by its thumbprint (RFC 9679, base64url)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """``successor`` keeps the records of ``outgoing`` from ``since`` on: of those types, or of all where ``vcts`` is ``None``.

    ``issuer`` is who said so. ``purposes_carried`` are the registered uses (``intendedUseIdentifier``) of the outgoing body for which what it
    received may go on being used. With ``status_duty`` the successor says what became of the outgoing body's documents, with ``may_cancel`` it
    may cancel them. ``private``: it is no public body, so each holder is asked again.
    """

    issuer: str
    outgoing: str
    successor: str
    iat: int
    accepted_at: int
    since: int
    vcts: tuple[str, ...] | None
    purposes_carried: tuple[str, ...]
    status_duty: bool
    may_cancel: bool
    private: bool
    note: Text
    statement: Jws = field(repr=False)
    acceptance: Jws = field(repr=False)

    @property
    def name(self) -> str:
        """SHA-256 (base64url) of the statement: what the acceptance is over."""
        return name_of(self.statement.token.encode())

    @property
    def wire(self) -> bytes:
        """The artefact."""
        return render_succession(self.statement.token, self.acceptance.token)

    def covers(self, vct: str) -> bool:
        """Whether documents of that type are among what is handed over, and of a kind that can pass to this successor (``successors``)."""
        rules = all_types().get(vct)
        return (self.vcts is None or vct in self.vcts) and (rules is None or rules.passes_to(private=self.private))

    @property
    def left_behind(self) -> tuple[str, ...]:
        """The types that are known here and cannot pass to this successor, whatever was said of them."""
        return tuple(vct for vct, rules in all_types().items() if not rules.passes_to(private=self.private))

    def carries(self, use: str) -> bool:
        """Whether what was received for that use of the outgoing body may go on being used for it."""
        return use in self.purposes_carried

    def check_use(self, use: str) -> None:
        """``PurposeNotCarried`` unless the successor may go on with that use of the outgoing body, and with no other."""
        if not self.carries(use):
            raise PurposeNotCarried("this purpose of the body that came before was not handed over")


# --- read --------------------------------------------------------------------------------------------------------------------------------


def render_succession(statement: str, acceptance: str) -> bytes:
    """The bytes that ``parse_succession`` reads."""
    return strict_json.dumps({"statement": statement, "acceptance": acceptance})


def parse_succession(data: bytes) -> Succession:
    """Structure, bounds, and that the two belong together. Nothing vouches for the keys yet.

    ``Malformed`` and ``TooLarge`` with a pointer; ``WrongTyp``; ``Untrusted`` for a successor that names itself, and an acceptance that is
    another body's or over another statement.
    """
    obj = strict_json.load_object(data, max_bytes=2 * MAX_BYTES + 1_000)
    statement, said = _open(get_str(obj, "statement", max_length=MAX_BYTES), TYP, "/statement")
    acceptance, accepted = _open(get_str(obj, "acceptance", max_length=MAX_BYTES), ACCEPTANCE_TYP, "/acceptance")
    succession = _read(statement, said, acceptance, get_int(accepted, "iat", "/acceptance"))
    parties = get_entity(accepted, "iss", "/acceptance"), get_entity(accepted, "sub", "/acceptance")
    if parties != (succession.successor, succession.outgoing):
        raise Untrusted("it is accepted by or for somebody else", where="/acceptance")
    if get_str(accepted, "accepts", "/acceptance") != succession.name:
        raise Untrusted("another statement was accepted", where="/acceptance/accepts")
    return succession


def peek_statement(token: str) -> Succession:
    """A statement that nobody has accepted yet, to be shown to whoever is to accept it; errors as ``parse_succession``."""
    jws, said = _open(token, TYP, "")
    return _read(jws, said, jws, 0, where="")


def _open(token: str, typ: str, where: str) -> tuple[Jws, Mapping[str, Any]]:
    jws = parse_jws(token, max_bytes=MAX_BYTES, where=where)
    if jws.typ != typ:
        raise WrongTyp("this signed object is of another kind", where=where)
    get_object(jws.header, "jwk", where)
    return jws, strict_json.load_object(jws.payload, where=where)


def _read(statement: Jws, said: Mapping[str, Any], acceptance: Jws, accepted_at: int, where: str = "/statement") -> Succession:
    issuer, outgoing, successor = (get_entity(said, name, where) for name in ("iss", "sub", "successor"))
    if successor in {issuer, outgoing}:
        raise Untrusted("nobody names itself the successor of another, or of itself", where=f"{where}/successor")
    iat, since = get_int(said, "iat", where), get_int(said, "from", where)
    if not iat - COPY_LIFE <= since <= iat + AHEAD:
        raise Malformed("a succession begins within a month before it is said, or a year after", where=f"{where}/from")
    note = get_str(said, "note", where, optional=True, max_length=MAX_NOTE) or ""
    return Succession(
        issuer=issuer,
        outgoing=outgoing,
        successor=successor,
        iat=iat,
        accepted_at=accepted_at,
        since=since,
        vcts=_names(said, "vcts", where, MAX_TYPES) if "vcts" in said else None,
        purposes_carried=_names(said, "purposes_carried", where, MAX_PURPOSES),
        status_duty=get_bool(said, "status_duty", where),
        may_cancel=get_bool(said, "may_cancel", where),
        private=get_bool(said, "private", where),
        note=Text(note, get_str(said, "note#cy", where, optional=True, max_length=MAX_NOTE) or note),
        statement=statement,
        acceptance=acceptance,
    )


def _names(said: Mapping[str, Any], name: str, where: str, most: int) -> tuple[str, ...]:
    found = get_strings(said, name, where, max_items=most)
    if len(set(found)) != len(found) or any(not 1 <= len(each) <= 1_000 for each in found):
        raise Malformed("each is there once, and has 1 to 1,000 characters", where=f"{where}/{name}")
    return found


# --- judged ------------------------------------------------------------------------------------------------------------------------------


def check_succession(succession: Succession, publisher: str, known: KnownKeys, *, at: int) -> None:
    """Raise unless the outgoing body, or else ``publisher``, its superior, said it, and the successor accepted it, each by a key in force then.

    ``NotYetValid``; ``Untrusted`` where somebody else said it, or by a key that superiors do not know, or that was over; ``CertificateRevoked``
    for one that is compromised, whatever date is written above (S15); ``BadSignature``, ``AlgorithmRefused``.
    """
    if succession.issuer not in {succession.outgoing, publisher}:
        raise Untrusted("neither the outgoing body nor the superior that publishes it has said this", where="/statement/iss")
    signed = (
        (succession.statement, TYP, succession.issuer, succession.iat, "/statement"),
        (succession.acceptance, ACCEPTANCE_TYP, succession.successor, succession.accepted_at, "/acceptance"),
    )
    for jws, typ, entity, iat, where in signed:
        try:
            check_dates(iat, None, at)
            check_signer(jws, typ, entity, iat, known)
        except VcError as error:
            raise error.within(where) from error.__cause__


def check_signer(jws: Jws, typ: str, entity: str, iat: int, known: KnownKeys) -> None:
    """Raise unless ``entity`` signed this with a federation key that was in force at ``iat``; errors as ``check_succession``."""
    public = parse_public_jwk(jws.header["jwk"], where="/jwk")
    history = known(entity, base64url.encode(thumbprint(public)))
    if history is None or (history.entity, history.role) != (entity, Role.FEDERATION):
        raise Untrusted("no superior knows this key as one with which that body speaks", where="/jwk")
    if history.state is KeyState.COMPROMISED:
        raise CertificateRevoked("it is signed by a key that was reported as compromised", where="/jwk")
    if iat < history.since or (history.until is not None and iat >= history.until):
        raise Untrusted("it is signed by a key that was not in force on that day", where="/jwk")
    verify_jws(jws, public, typ=typ)


# --- written -----------------------------------------------------------------------------------------------------------------------------


def prepare_statement(
    *,
    issuer: str,
    outgoing: str,
    successor: str,
    at: int,
    since: int,
    key: KeyId,
    signer: FederationKey,
    vcts: Sequence[str] | None = None,
    purposes_carried: Sequence[str] = (),
    status_duty: bool = False,
    may_cancel: bool = False,
    private: bool = False,
    note: Text | None = None,
) -> Unsigned[str]:
    """The statement, lacking only the signature of ``signer``, a federation key of ``issuer``. Errors as ``parse_succession``."""
    words = {} if note is None else {"note": note.en, "note#cy": note.cy}
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": outgoing,
        "successor": successor,
        "iat": at,
        "from": since,
        "purposes_carried": list(purposes_carried),
        "status_duty": status_duty,
        "may_cancel": may_cancel,
        "private": private,
        **({} if vcts is None else {"vcts": list(vcts)}),
        **words,
    }
    unsigned = _prepare(TYP, claims, key, signer)
    peek_statement(f"{unsigned.signing_input.decode()}.")
    return unsigned


def prepare_acceptance(statement: str, *, at: int, key: KeyId, signer: FederationKey) -> Unsigned[str]:
    """The successor's half, lacking only the signature of ``signer``, a federation key of the successor. Errors as ``peek_statement``."""
    found = peek_statement(statement)
    claims = {"iss": found.successor, "sub": found.outgoing, "accepts": found.name, "iat": at}
    return _prepare(ACCEPTANCE_TYP, claims, key, signer)


def _prepare(typ: str, claims: Mapping[str, Any], key: KeyId, signer: FederationKey) -> Unsigned[str]:
    header = {"kid": signer.kid, "jwk": render_jwk(signer.public)}
    return prepare_jws(typ=typ, payload=strict_json.dumps(claims), key=key, alg=signer.public.alg, header=header)
