"""What an anchor says is in force: signed by the anchor itself, numbered, and good for a week at most (security rules S15-S18).

JWS, typ ``trust-snapshot+jwt``, ``kid`` the anchor key's thumbprint (RFC 9679, base64url); payload ``{iss, entity, seq, iat, next_update,
statements: [{media_type, sha256}], keys: [{role, entity, kid, thumbprint, state, from, until, reason}]}``. ``statements`` are all
certificates, lists of withdrawn ones and relying parties' certificates in force; ``keys`` every key ever certified, with its fate.

The newest snapshot seen decides. What is not in it is not in force, whoever brings it; an older one never returns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from ..clock import DAY
from ..codec import base64url, strict_json
from ..codec.reader import get_int, get_objects, get_str
from ..cose import thumbprint
from ..errors import BundleRolledBack, CertificateRevoked, Malformed, NotYetValid, SnapshotStale, Untrusted
from ..jose.jws import Jws, parse_jws, prepare_jws, verify_jws
from ..keys import KeyId, PublicKey, Role, Unsigned
from ..x509 import Crl, load_certificate
from .anchors import Anchor
from .artefact import MAX_ARTEFACTS, Artefact, name_of, render_list

TYP: Final = "trust-snapshot+jwt"
FEDERATION_TYP: Final = "federation-snapshot+jwt"
"""Of the same payload by a superior of a federation: what one kind of key signs is never taken for the other's (S1)."""
MAX_LIFE: Final = 7 * DAY  # S14: statements live at most so long
COPY_LIFE: Final = 31 * DAY  # no copy of any type lives longer; an issuer's key verifies so long after it stopped signing (S15)
ATTESTATION_LIFE: Final = DAY  # likewise of what the maker of a wallet says of it, and its key
AHEAD: Final = 300  # seconds that a snapshot's date may be ahead of the clock, and the most that it may push the clock (S18)
SUPERIOR_AHEAD: Final = 60  # likewise, of a superior and of the statements that it names: none comes into force late
MAX_KEYS: Final = 10_000
MAX_BYTES: Final = 4_000_000


class KeyState(StrEnum):
    """Where a key is in its life. It only ever goes on: from each state to a later one."""

    CREATED = "created"  # told ahead, so that everybody knows it before it signs
    ACTIVE = "active"
    VERIFY_ONLY = "verify-only"  # it stopped signing in good order: what it signed before stays good until that ends by itself
    ENDED = "ended"  # all that it signed has run out
    COMPROMISED = "compromised"  # somebody else may have it: it proves nothing, whatever date is written above

    @classmethod
    def _missing_(cls, value: object) -> KeyState | None:
        return cls.VERIFY_ONLY if value == _BEFORE else None

    @property
    def is_over(self) -> bool:
        """Whether a key in this state signs nothing any more."""
        return self in {KeyState.VERIFY_ONLY, KeyState.ENDED, KeyState.COMPROMISED}

    def goes_to(self, state: KeyState) -> bool:
        """Whether ``state`` is a step on from this one."""
        order = list(KeyState)
        return order.index(self) < order.index(state)


_COUNTS: Final[Mapping[Role, int]] = {Role.CREDENTIAL_ISSUER: COPY_LIFE, Role.WALLET_PROVIDER: ATTESTATION_LIFE}
"""Seconds for which the longest of what a key of that role signed counts on; of other roles nothing does that a next key does not sign anew."""
_BEFORE: Final = "retired"  # what verify-only is called in snapshots and rows by earlier versions


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHistory:
    """One key. ``thumbprint`` (RFC 9679) and ``kid`` (its first 8 bytes) are base64url.

    ``until`` is set once it is over: when it stopped signing, for a key that has ended when all that it signed had run out.
    """

    role: Role
    entity: str
    kid: str
    thumbprint: str
    state: KeyState
    since: int
    until: int | None = None
    reason: str = ""

    @classmethod
    def of(cls, public: PublicKey, *, role: Role, entity: str, since: int, state: KeyState = KeyState.ACTIVE) -> KeyHistory:
        """A key that is in use from now on, or told ahead."""
        whole = thumbprint(public)
        return cls(
            role=role,
            entity=entity,
            kid=base64url.encode(whole[:8]),
            thumbprint=base64url.encode(whole),
            state=state,
            since=since,
        )

    @property
    def ends_at(self) -> int | None:
        """From when on it verifies nothing, if that is settled: once all that it signed in good order has run out."""
        if self.until is None or self.state is not KeyState.VERIFY_ONLY:
            return self.until
        return self.until + _COUNTS.get(self.role, 0)

    def check(self, at: int) -> None:
        """``CertificateRevoked`` for a compromised key, ``Untrusted`` for one whose time is over (S15)."""
        if self.state is KeyState.COMPROMISED:
            raise CertificateRevoked("this key was reported as compromised")
        if self.state is KeyState.ENDED or (self.ends_at is not None and at >= self.ends_at):
            raise Untrusted("this key was retired, and everything that it signed has run out since")


def worst(told: Iterable[KeyHistory]) -> KeyHistory | None:
    """Of histories of one key the one that counts: a compromise, else its end, the earliest; ``None`` where it has not ended."""
    order = [KeyState.COMPROMISED, KeyState.ENDED, KeyState.VERIFY_ONLY]
    over = [(order.index(each.state), each.ends_at, each) for each in told if each.ends_at is not None]
    return min(over, key=lambda each: each[:2])[2] if over else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSnapshot:
    """The newest snapshot seen of one anchor. ``digest`` is that of its signing input, ``key`` the thumbprint of the key that signed it; empty
    where an earlier version did not keep that.
    """

    seq: int
    iat: int
    digest: str
    key: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A parsed snapshot; ``verify_snapshot`` says whether an anchor vouches for it. ``statements`` maps names (SHA-256) to media types."""

    iss: str
    entity: str
    seq: int
    iat: int
    next_update: int
    statements: Mapping[str, str]
    keys: Mapping[str, KeyHistory]
    jws: Jws = field(repr=False)

    @property
    def seen(self) -> SeenSnapshot:
        """What is remembered of it."""
        digest = base64url.encode(hashlib.sha256(self.jws.signing_input).digest())
        return SeenSnapshot(seq=self.seq, iat=self.iat, digest=digest, key=str(self.jws.header.get("kid", "")))

    def current(self, crls: Sequence[Crl]) -> tuple[Crl, ...]:
        """Those of ``crls`` whose silence counts: the ones that are in force now."""
        return tuple(each for each in crls if base64url.encode(each.sha256) in self.statements)

    def key(self, public: PublicKey) -> KeyHistory | None:
        """The history of a key, if its anchor ever certified it."""
        return self.keys.get(base64url.encode(thumbprint(public)))

    def history(self, der: bytes) -> KeyHistory | None:
        """The history of a certificate's key, as ``key``."""
        return self.keys.get(thumbprint_of(der))

    def check_chain(self, x5c: Sequence[bytes], role: Role, at: int) -> None:
        """A verified chain against the newest word of its anchor.

        ``CertificateRevoked`` or ``Untrusted`` for a key whose time is over or a chain outside the snapshot (S15, S17); then, and only
        then, ``SnapshotStale`` if the snapshot itself has run out.
        """
        history = self.history(x5c[0])
        if history is None or history.role is not role:
            raise Untrusted("the newest snapshot does not know this key")
        history.check(at)
        if any(_name_of(der) not in self.statements for der in x5c):
            raise Untrusted("the certificate is not among those that the newest snapshot names")
        self.check_current(at)

    def check_current(self, at: int) -> None:
        """``SnapshotStale`` once the next one is due: nobody can tell what was withdrawn since."""
        if at >= self.next_update:
            raise SnapshotStale("the newest snapshot known here has run out", where="/next_update")


@lru_cache(maxsize=256)
def thumbprint_of(der: bytes) -> str:
    """The name of a certificate's key in ``Snapshot.keys``."""
    return base64url.encode(thumbprint(load_certificate(der).public))


_name_of = lru_cache(maxsize=1_024)(name_of)


def prepare_snapshot(
    *,
    issuer: str,
    entity: str,
    seq: int,
    at: int,
    next_update: int,
    statements: Sequence[Artefact],
    keys: Sequence[KeyHistory],
    key: KeyId,
    public: PublicKey,
    typ: str = TYP,
) -> Unsigned[str]:
    """The snapshot number ``seq`` of the anchor whose key is ``public``; ``statements`` and ``keys`` are all that count from now on."""
    payload = {
        "iss": issuer,
        "entity": entity,
        "seq": seq,
        "iat": at,
        "next_update": next_update,
        "statements": render_list(statements),
        "keys": [_render_key(each) for each in keys],
    }
    return prepare_jws(
        typ=typ, payload=strict_json.dumps(payload), key=key, alg=public.alg, header={"kid": base64url.encode(thumbprint(public))}
    )


def _render_key(each: KeyHistory) -> dict[str, Any]:
    return {
        "role": each.role.value,
        "entity": each.entity,
        "kid": each.kid,
        "thumbprint": each.thumbprint,
        "state": each.state.value,
        "from": each.since,
        "until": each.until,
        "reason": each.reason,
    }


def parse_snapshot(token: str, where: str = "") -> Snapshot:
    """Structure and bounds; ``Malformed`` or ``TooLarge`` with a pointer. Nothing vouches for it yet."""
    jws = parse_jws(token, max_bytes=MAX_BYTES, where=where)
    obj = strict_json.load_object(jws.payload, where=where, max_bytes=MAX_BYTES)
    statements = {
        get_str(each, "sha256", f"{where}/statements/{index}"): get_str(each, "media_type", f"{where}/statements/{index}")
        for index, each in enumerate(get_objects(obj, "statements", where, max_items=MAX_ARTEFACTS))
    }
    found = [_parse_key(each, f"{where}/keys/{index}") for index, each in enumerate(get_objects(obj, "keys", where, max_items=MAX_KEYS))]
    keys = {each.thumbprint: each for each in found}
    if len(keys) != len(found):
        raise Malformed("one key has two histories", where=f"{where}/keys")
    snapshot = Snapshot(
        iss=get_str(obj, "iss", where),
        entity=get_str(obj, "entity", where),
        seq=get_int(obj, "seq", where, minimum=1),
        iat=get_int(obj, "iat", where),
        next_update=get_int(obj, "next_update", where),
        statements=statements,
        keys=keys,
        jws=jws,
    )
    if not snapshot.iat < snapshot.next_update <= snapshot.iat + MAX_LIFE:
        raise Malformed("a snapshot is good for seven days at most", where=f"{where}/next_update")
    return snapshot


def _parse_key(obj: Mapping[str, Any], where: str) -> KeyHistory:
    role, name = get_str(obj, "role", where), get_str(obj, "state", where)
    if role not in set(Role) or name not in {*KeyState, _BEFORE}:
        raise Malformed("a key has a role and a state that are known here", where=where)
    until, state = None if obj.get("until", 0) is None else get_int(obj, "until", where), KeyState(name)
    if (until is None) is state.is_over:
        raise Malformed("a key has an end once it is over, and not before", where=f"{where}/until")
    whole, kid = get_str(obj, "thumbprint", where), get_str(obj, "kid", where)
    raw = base64url.decode(whole, where=f"{where}/thumbprint")
    if len(raw) != 32 or base64url.encode(raw[:8]) != kid:
        raise Malformed("a kid is the beginning of its key's thumbprint", where=f"{where}/kid")
    return KeyHistory(
        role=Role(role),
        entity=get_str(obj, "entity", where),
        kid=kid,
        thumbprint=whole,
        state=state,
        since=get_int(obj, "from", where),
        until=until,
        reason=get_str(obj, "reason", where, min_length=0),
    )


def signer_of(snapshot: Snapshot, anchors: Sequence[Anchor]) -> tuple[Anchor, ...]:
    """Those of ``anchors`` that the snapshot claims to be by: none if it is by nobody who is pinned here. Nothing is verified."""
    kid = snapshot.jws.header.get("kid")
    return tuple(each for each in anchors if thumbprint_of(each.certificate.der) == kid)


def verify_snapshot(snapshot: Snapshot, anchor: Anchor, *, seen: SeenSnapshot | None, at: int) -> None:
    """Raise unless ``anchor`` signed it and it is no older than ``seen``. Whether it has run out is asked when it is used.

    ``at`` is the clock's own reading, or the floor could climb on itself. ``WrongTyp``, ``BadSignature``; ``Untrusted`` where the anchor is
    pinned for another entity or is not in force; ``NotYetValid`` when dated more than five minutes ahead; ``BundleRolledBack`` if older, or
    another one of the same number, was seen before (S17).
    """
    certificate = anchor.certificate
    verify_jws(snapshot.jws, certificate.public, typ=TYP)
    if anchor.entity is not None and anchor.entity != snapshot.entity:
        raise Untrusted("the snapshot is for another entity than its anchor is trusted for", where="/entity")
    if not certificate.not_before <= at <= certificate.not_after:
        raise Untrusted("the anchor's own certificate is not in force", where="/iss")
    if snapshot.iat > at + AHEAD:
        raise NotYetValid("the snapshot is dated in the future", where="/iat")
    check_order(snapshot, seen)


def verify_snapshot_of(snapshot: Snapshot, entity: str, keys: Iterable[PublicKey], *, seen: SeenSnapshot | None, at: int) -> None:
    """As ``verify_snapshot``, for a superior of a federation: one of ``keys``, which others say that ``entity`` has, signed it."""
    kid = snapshot.jws.header.get("kid")
    for key in keys:
        if base64url.encode(thumbprint(key)) == kid:
            verify_jws(snapshot.jws, key, typ=FEDERATION_TYP)
            break
    else:
        raise Untrusted("the snapshot is signed by a key that its superior is not known to have", where="/kid")
    if not snapshot.iss == snapshot.entity == entity:
        raise Untrusted("the snapshot is somebody else's", where="/entity")
    if snapshot.iat > at + SUPERIOR_AHEAD:
        raise NotYetValid("the snapshot is dated in the future", where="/iat")
    check_order(snapshot, seen)


def check_order(snapshot: Snapshot, seen: SeenSnapshot | None) -> None:
    """``BundleRolledBack`` unless the snapshot is the one that was seen, or a later one.

    Numbers are compared among those that one key signed, dates among all: whoever had a stolen key count to the end has stopped no other key.
    """
    new = snapshot.seen
    if seen is None or new == seen:
        return
    if seen.key not in {"", new.key}:
        if (new.iat, new.seq) < (seen.iat, seen.seq):
            raise BundleRolledBack("a newer snapshot, by another key, was seen before", where="/iat")
        return
    if snapshot.seq == seen.seq:
        raise BundleRolledBack("another snapshot with this number was seen before: it was rewritten", where="/seq")
    if snapshot.seq < seen.seq or snapshot.iat < seen.iat:
        raise BundleRolledBack("a newer snapshot of this anchor was seen before", where="/seq")
