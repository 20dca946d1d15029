"""What a superior says of those below it: signed with its federation key every day and after every change, kept and published as one whole.

Statements (section 3), trust marks (7), the keys of its own that have ended (8.7), and over all of them a snapshot with the files that it
names (security rule S17). Of two processes that sign at once the first one's number counts, and both serve what it kept.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from issuer.federation import registered, registrar, successions
from issuer.federation.keys import read_keys
from issuer.federation.own import FETCH, entity_of
from issuer.federation.registered import Registry
from issuer.federation.terms import parse_terms
from issuer.office import Office
from issuer.records import askers, subordinates, superior
from issuer.records.subordinates import State, Subordinate
from issuer.records.superior import Mark, Publication, Statement
from shared.clock import DAY
from shared.codec import base64url, strict_json
from shared.errors import Conflict, VcError
from shared.jose.jws import parse_jws, prepare_jws
from shared.keys import Unsigned, sign
from shared.storage import Tx
from shared.trust.artefact import ENTITY_STATEMENT, TRUST_MARK, Artefact, distinct, name_of
from shared.trust.publication import render_publication
from shared.trust.snapshot import COPY_LIFE, FEDERATION_TYP, KeyHistory, KeyState, prepare_snapshot
from shared.trust.statements import prepare_subordinate_statement
from shared.trust.trust_marks import prepare_trust_mark
from shared.web.entity import FederationSigner
from shared.web.own_trust import OwnKey

log = logging.getLogger("muniment.trust")

EVERY: Final = DAY  # seconds after which the same is said again, with new dates
MARK_DAYS: Final = 14
HISTORICAL_TYP: Final = "jwk-set+jwt"


@dataclass(frozen=True, slots=True)
class _Known:
    """All that is read before anything is signed."""

    last: Publication | None
    everybody: Sequence[Subordinate]
    keys: Sequence[KeyHistory]
    statements: Mapping[str, Statement]
    marks: Sequence[Mark]
    own_keys: Sequence[OwnKey]
    registry: Registry
    successions: Sequence[Artefact]


async def publish(office: Office) -> Publication:
    """What is in force, signed anew if it changed or a day has passed."""
    own, at = entity_of(office), office.clock()
    configuration, signer = await own.configure(), await own.signer()
    known = await office.storage.read(lambda tx: _read(tx, at))
    about = [each for each in known.everybody if _is_spoken_of(each, at)]
    content = _content(office, configuration, signer, about, known)
    same = known.last is not None and known.last.content == content and not known.registry.is_due(at)
    if known.last is not None and same and at < known.last.issued_at + EVERY:
        return known.last
    seq, issued = (1, at) if known.last is None else (known.last.seq + 1, max(at, known.last.issued_at))
    said = [await _statement(office, each, signer, known.statements.get(each.entity), issued) for each in about]
    held = [mark for each in about for mark in await _marks(office, each, signer, known.marks, issued)]
    certificates = await registered.certify(office, known.registry, signer, issued)
    files = distinct([*_files(configuration, said, about, held), *registered.files(certificates), *known.successions])
    snapshot = prepare_snapshot(
        issuer=own.entity,
        entity=own.entity,
        seq=seq,
        at=issued,
        next_update=issued + office.settings.snapshot_days * DAY,
        statements=files,
        keys=[*(each.history for each in known.own_keys), *registered.with_askers(known.keys, known.registry)],
        key=signer.name,
        public=signer.key.public,
        typ=FEDERATION_TYP,
    )
    made = Publication(
        seq=seq,
        issued_at=issued,
        content=content,
        historical=await sign(_historical(own.entity, signer, known.own_keys, issued), office.custodian),
        document=render_publication(await sign(snapshot, office.custodian), files),
    )

    async def keep(tx: Tx) -> None:
        await superior.publish(tx, made, said, held, at=issued)
        await askers.keep_certificates(tx, certificates)

    try:
        await office.storage.write(keep, point="federation-publish")
    except Conflict:  # another process was faster: what it says is what is served
        return await office.storage.read(superior.newest)
    return made


async def tend(office: Office) -> None:
    """As ``publish``, on the timer, where this office is a superior; what was announced to be registered, or lapses, first."""
    if not office.settings.superior:
        return
    try:
        await registrar.settle(office)
        await publish(office)
    except VcError as error:
        log.warning("what this office says of those below it could not be signed: %s", error)


async def newest(office: Office) -> bytes | None:
    """What is served; ``None`` before the first."""
    found = await office.storage.read(superior.last)
    return None if found is None else found.document


async def _read(tx: Tx, at: int) -> _Known:
    said = {each.sub: each for each in await superior.statements(tx)}
    return _Known(
        await superior.last(tx),
        await subordinates.everybody(tx),
        await subordinates.keys(tx),
        said,
        await superior.marks(tx, at),
        await superior.own_keys(tx),
        await registered.read(tx, at),
        await successions.published(tx),
    )


def _is_spoken_of(each: Subordinate, at: int) -> bool:
    """What has ended stays for as long as any copy may live that was made before (S14)."""
    return bool(each.keys) and (each.state is State.ACTIVE or (each.ended_at is not None and at < each.ended_at + COPY_LIFE))


def _content(office: Office, configuration: str, signer: FederationSigner, about: Iterable[Subordinate], known: _Known) -> str:
    """A digest of all that is said, dates left out."""
    told = [office.settings.snapshot_days, configuration, signer.key.kid, [_said(each) for each in about]]
    told += [[each.configuration for each in about], [repr(each) for each in known.keys], [repr(each.history) for each in known.own_keys]]
    told += known.registry.content
    told.append([each.sha256 for each in known.successions])
    return base64url.encode(sha256(strict_json.dumps(told)).digest())


def _said(each: Subordinate) -> str:
    return base64url.encode(sha256(strict_json.dumps([each.entity, each.keys, each.terms, each.state.value])).digest())


async def _statement(office: Office, each: Subordinate, signer: FederationSigner, before: Statement | None, at: int) -> Statement:
    content = base64url.encode(sha256(f"{signer.key.kid} {_said(each)}".encode()).digest())
    if before is not None and before.content == content and at < before.issued_at + EVERY:
        return before
    terms = parse_terms(each.terms)
    unsigned = prepare_subordinate_statement(
        issuer=office.settings.public_url,
        subject=each.entity,
        keys=read_keys(each.keys),
        at=at,
        exp=at + office.settings.snapshot_days * DAY,
        metadata_policy=terms.policy,
        constraints=terms.limits,
        grants=terms.grants,
        source_endpoint=office.url(FETCH),
        key=signer.name,
        signer=signer.key,
    )
    return Statement(sub=each.entity, content=content, issued_at=at, token=await sign(unsigned, office.custodian))


async def _marks(office: Office, each: Subordinate, signer: FederationSigner, before: Sequence[Mark], at: int) -> list[Mark]:
    """One of each type that counts for at least another half of its life."""
    found = []
    for kind in parse_terms(each.terms).trust_marks if each.state is State.ACTIVE else ():
        good = [
            mark
            for mark in before
            if (mark.sub, mark.type) == (each.entity, kind)
            and mark.expires_at >= at + MARK_DAYS * DAY // 2
            and parse_jws(mark.token).header.get("kid") == signer.key.kid
        ]
        found.append(good[-1] if good else await _mark(office, each.entity, kind, signer, at))
    return found


async def _mark(office: Office, sub: str, kind: str, signer: FederationSigner, at: int) -> Mark:
    exp = at + MARK_DAYS * DAY
    unsigned = prepare_trust_mark(
        issuer=office.settings.public_url, subject=sub, trust_mark_type=kind, at=at, exp=exp, key=signer.name, signer=signer.key
    )
    token = await sign(unsigned, office.custodian)
    return Mark(digest=name_of(token.encode()), sub=sub, type=kind, issued_at=at, expires_at=exp, withdrawn_at=None, token=token)


def _files(configuration: str, said: Iterable[Statement], about: Iterable[Subordinate], held: Iterable[Mark]) -> list[Artefact]:
    statements = [configuration, *(each.token for each in said), *(each.configuration for each in about if each.configuration)]
    return [
        *(Artefact(media_type=ENTITY_STATEMENT, data=each.encode()) for each in statements),
        *(Artefact(media_type=TRUST_MARK, data=each.token.encode()) for each in held),
    ]


def _historical(entity: str, signer: FederationSigner, used: Iterable[OwnKey], at: int) -> Unsigned[str]:
    """Section 8.7.3: those that sign no more. Of the reasons in section 8.7.4 two are ours."""
    keys = [
        {
            **strict_json.load_object(each.jwk),
            "iat": each.history.since,
            "exp": each.history.until,
            "revoked": {
                "revoked_at": each.history.until,
                "reason": "compromised" if each.state is KeyState.COMPROMISED else "superseded",
            },
        }
        for each in used
        if each.state.is_over
    ]
    payload = strict_json.dumps({"iss": entity, "iat": at, "keys": keys})
    return prepare_jws(typ=HISTORICAL_TYP, payload=payload, key=signer.name, alg=signer.key.public.alg, header={"kid": signer.key.kid})
