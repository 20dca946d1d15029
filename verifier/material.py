"""What verification answers itself from: fetched in advance, kept in the database, handed out as one consistent picture.

Visits to issuers and anchors happen on a timer and when an operator asks, for all of them, and never because somebody showed something
(security rule S21). What checking packs brought lies beside what was fetched; of each thing the newest counts, whichever way it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared import did
from shared.clock import DAY
from shared.errors import Rejected, StatusUnknown, Unavailable, Undecided, VcError
from shared.flow import Fetch, Fetched, arun
from shared.keys import PublicKey, Role
from shared.status import bitstring
from shared.status.token_status_list import (
    CWT_MEDIA_TYPE,
    MAX_ADDRESS,
    MEDIA_TYPE,
    StatusToken,
    VerifiedStatusToken,
    body_of,
    verify_origin,
)
from shared.storage import Tx
from shared.trust.anchors import TrustAnchors
from shared.trust.artefact import CERTIFICATE, CRL
from shared.trust.bundle import Source
from shared.trust.certificates import Chains, chains_of
from shared.trust.document_signers import list_key
from shared.trust.federation import Federation
from shared.trust.policy import Policy
from shared.trust.superiors import Path
from shared.verify import Knowledge, Material, find_heir
from shared.web import heard
from shared.web.heard import Heard
from shared.x509 import Crl, parse_crls
from verifier import bitstrings, rounds
from verifier.desk import Desk
from verifier.records import knowledge, packs
from verifier.records.knowledge import Description, KeptList, Visit
from verifier.rounds import Fetching
from verifier.survey import Survey, survey

DID_AGE = 7 * DAY  # seconds that what a did:web said of its keys counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything that one verification needs, as of one moment."""

    material: Material
    lists: Mapping[str, str] = field(repr=False)
    documents: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # of pinned DIDs, by their addresses
    bitstrings: Mapping[str, str] = field(default_factory=dict, repr=False)

    def answer(self, fetch: Fetch) -> Fetched:
        """A driver of flows: what was fetched in advance, or ``Unavailable``. There is no way out of it to any network."""
        if fetch.headers.get("accept") == bitstring.MEDIA_TYPE and fetch.url in self.bitstrings:
            return Fetched(status=200, headers={"content-type": bitstring.MEDIA_TYPE}, body=self.bitstrings[fetch.url].encode())
        token = self.lists.get(fetch.url)
        if token is None and fetch.url in self.documents:
            return Fetched(status=200, headers={"content-type": "application/did+json"}, body=self.documents[fetch.url])
        if token is None or fetch.method != "GET":
            raise Unavailable("this list was not fetched in advance")
        return Fetched(status=200, headers={"content-type": MEDIA_TYPE if "." in token else CWT_MEDIA_TYPE}, body=body_of(token))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What pinned anchors say is in force. ``stamp`` differs as soon as they say something else."""

    stamp: object
    heard: Heard
    crls: tuple[Crl, ...]
    certificates: Chains


@dataclass(slots=True)
class Store:
    """The kept material of one desk. Tokens stay in memory until the database has a newer one."""

    desk: Desk
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)  # one picture at a time
    _visiting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tokens: dict[str, tuple[int, str]] = field(default_factory=dict)
    _anchors: _Known | None = None
    _makers: list[str] = field(default_factory=list)  # issuers whom federations let make documents that are known here

    async def picture(self) -> Picture:
        """The material as it is now."""
        trust = self.desk.trust

        async def unit(tx: Tx) -> Picture:
            lists = await knowledge.lists(tx)
            tokens = {each.uri: await self._token(tx, each) for each in lists}
            known = await knowledge.dids(tx, self.desk.clock() - DID_AGE) if trust.dids else {}
            documents = {did.address_of(name): known[name] for name in web_dids(self.desk) if name in known}
            bits = await knowledge.bitstrings(tx) if self.desk.settings.bitstring_lists else {}
            return Picture(material=await self._material(tx, trust, lists), lists=tokens, documents=documents, bitstrings=bits)

        return await self.desk.storage.read(unit)

    async def federation(self) -> Federation:
        """What pinned federations say, as it was last heard."""
        trust = self.desk.trust
        return (await self.desk.storage.read(lambda tx: self._known(tx, trust))).heard.federation

    async def _material(self, tx: Tx, trust: TrustAnchors, lists: Sequence[KeptList]) -> Material:
        known = await self._known(tx, trust)
        pack = await packs.in_use(tx)
        hours = self.desk.settings.max_status_hours
        return Material(
            policy=Policy(trust, known.heard.snapshots, known.crls, needs(trust, known.heard, lists), federation=known.heard.federation),
            types=self.desk.types,
            certificates=known.certificates,
            memory=await knowledge.memory(tx),
            max_status_age=hours * 3_600 or None,
            source=None if pack is None else Source(iss=pack.iss, signer=pack.signer, seq=pack.seq, iat=pack.iat, exp=pack.exp),
            floor=known.heard.floor,
        )

    async def _known(self, tx: Tx, trust: TrustAnchors) -> _Known:
        """What anchors say, read again only when one of them has said something new or others are pinned."""
        stamp = (trust.anchors, trust.federation, await heard.newest(tx))
        if self._anchors is None or self._anchors.stamp != stamp:
            found = await heard.heard(tx, trust)
            self._anchors = _Known(
                stamp=stamp,
                heard=found,
                crls=parse_crls(found.of(CRL)),
                certificates=chains_of(found.of(CERTIFICATE), trust.anchors),
            )
        return self._anchors

    async def _token(self, tx: Tx, kept: KeptList) -> str:
        known = self._tokens.get(kept.uri)
        if known is None or known[0] != kept.iat:
            known = self._tokens[kept.uri] = (kept.iat, await knowledge.token(tx, kept.uri))
        return known[1]

    async def refresh(self, fetch: Fetching) -> list[Visit]:
        """Visit every pinned anchor, all superiors in pinned federations, and every trusted issuer that has an address; keep what is genuine."""
        desk = self.desk
        async with self._visiting:
            await heard.listen(desk.storage, fetch, desk.trust, at=desk.clock, plain_http=desk.plain_http)
            makers = await self._find_makers()
            self._makers = [entity for branch in makers for entity in branch]
            await self._visit_issuers([*([each] for each in _visited(desk)), *makers], fetch)
            for name in web_dids(desk):
                await self._look_up(name, fetch)
            for uri in desk.settings.bitstring_lists:
                await self._fetch_list(uri, fetch)

        async def unit(tx: Tx) -> list[Visit]:
            await knowledge.forget_issuers(tx, self.issuers())
            await knowledge.forget_bitstrings(tx, desk.settings.bitstring_lists)
            return await knowledge.visits(tx)

        return await self.desk.storage.write(unit, point="refresh")

    async def _find_makers(self) -> list[list[str]]:
        """Of all bodies in pinned federations those that make documents of kinds known here, by branches; others get their turn in between.

        Who is carried on several ways has its turn in each branch: nobody keeps another from it by naming it.
        """
        found: dict[Path, list[str]] = {}
        federation, at, pinned = (await self.picture()).material.policy.federation, self.desk.clock(), set(_visited(self.desk))
        for entity in federation.makers(tuple(self.desk.types), at):
            if entity not in pinned and len(entity) <= MAX_ADDRESS:
                for branch in federation.branches(entity, at):
                    found.setdefault(branch, []).append(entity)
            await asyncio.sleep(0)
        return list(found.values())

    async def _visit_issuers(self, branches: Sequence[Sequence[str]], fetch: Fetching) -> None:
        tried = await self.desk.storage.read(knowledge.visits)
        room, done = rounds.Room(branches, await self.desk.storage.read(knowledge.sizes)), set[str]()

        async def one(entity: str, bounded: Fetching) -> None:
            if entity not in done:
                found = await arun(survey(entity, plain_http=self.desk.plain_http), bounded)
                await self._keep(found, room)
                done.update(() if found.faults else (entity,))

        await rounds.visit([rounds.Branch.of(branch, tried) for branch in branches], one, fetch)

    async def _keep(self, found: Survey, room: rounds.Room) -> None:
        at = self.desk.clock()
        policy = (await self.picture()).material.policy
        genuine = _genuine(found, policy, at)
        fitting = [each for each in genuine if room.take(found.entity, each.uri, len(each.text))]
        if len(fitting) < len(genuine):
            found.faults.append("it has more lists of cancelled documents than there is room for in its branch")

        async def unit(tx: Tx) -> None:
            known = await knowledge.memory(tx)
            await knowledge.learn(tx, known.lessons(found.entity, *fitting), at)
            for token in fitting:
                await knowledge.keep_list(tx, found.entity, token, at)
            for vct, data in found.descriptions.items():
                await knowledge.keep_description(tx, Description(entity=found.entity, vct=vct, data=data), at)
            await knowledge.note_visit(tx, found.entity, at, found.faults)

        await self.desk.storage.write(unit, point="keep-material")

    async def _look_up(self, name: str, fetch: Fetching) -> None:
        """What a pinned ``did:web`` says of its keys; what is not about exactly that DID is not kept."""
        at, faults = self.desk.clock(), []
        data = b""
        try:
            got = await fetch(did.want(name))
            if got.status != 200:
                raise Unavailable(f"it answered {got.status}")
            did.parse_document(got.body, name)
            data = got.body
        except VcError as error:
            faults.append(f"the keys of {name}: {error.detail}")

        async def unit(tx: Tx) -> None:
            if data:
                await knowledge.keep_did(tx, name, data, at)
            await knowledge.note_visit(tx, name, at, faults)

        await self.desk.storage.write(unit, point="keep-did")

    async def _fetch_list(self, uri: str, fetch: Fetching) -> None:
        """A list that the settings name; what its issuer did not sign for that address is not kept."""
        at, picture, faults, found = self.desk.clock(), await self.picture(), list[str](), None
        material = picture.material
        try:
            known = Knowledge(material=material, staples=(), at=max(at, material.floor))
            found = await bitstrings.fetch_list(self.desk, uri, fetch, known, picture.answer, kept=picture.bitstrings.get(uri, ""))
        except VcError as error:
            faults.append(f"the list {uri}: {error.detail}")

        async def unit(tx: Tx) -> None:
            if found is not None:
                await knowledge.learn(tx, material.memory.lessons(found.issuer, found), at)
                await knowledge.keep_bitstring(tx, found, at)
            await knowledge.note_visit(tx, uri, at, faults)

        await self.desk.storage.write(unit, point="keep-bitstring")

    async def is_due(self) -> bool:
        """Whether it is time to visit anchors again."""
        every = self.desk.settings.refresh_minutes * 60
        return await heard.due(self.desk.storage, self.desk.trust, every=every, at=self.desk.clock())

    def issuers(self) -> list[str]:
        """The issuers that are visited, by address or DID, and the lists that the settings name."""
        return [*sorted({*_visited(self.desk), *self._makers}), *web_dids(self.desk), *self.desk.settings.bitstring_lists]

    async def visits(self) -> list[Visit]:
        """How the last visits went."""
        return await self.desk.storage.read(knowledge.visits)


def issuers(desk: Desk) -> list[str]:
    """The addresses of trusted issuers. One that is trusted without an address can be checked only with what holders bring along."""
    return sorted({each.entity for each in desk.trust.with_role(Role.CREDENTIAL_ISSUER) if each.entity is not None})


def _visited(desk: Desk) -> list[str]:
    """The addresses of trusted issuers, those of mdocs by document signers of others among them."""
    return sorted({*issuers(desk), *(each.entity for each in desk.trust.iacas if each.entity is not None and "://" in each.entity)})


def web_dids(desk: Desk) -> list[str]:
    """The pinned DIDs whose keys have to be looked up."""
    return sorted(pin.did for pin in desk.trust.dids if pin.did.startswith("did:web:"))


def _genuine(found: Survey, policy: Policy, at: int) -> list[VerifiedStatusToken]:
    """The lists that the issuer itself signed: whoever serves an address cannot put another list in the place of a good one."""
    genuine = []
    for uri, token in (*found.lists.items(), *found.other_forms.items()):
        try:
            key = list_key(policy, found.entity, token, at)
            if key is None:
                genuine.append(verify_list(token, found.entity, found.vcts, policy, x5c=token.x5c, at=at))
            else:
                genuine.append(_read(verify_origin(token, uri=token.uri, key=key, at=at)))
        except VcError as error:
            found.faults.append(f"the list {uri}: {error.detail}")
    return genuine


def verify_list(
    token: StatusToken, entity: str, vcts: Sequence[str], policy: Policy, *, x5c: Sequence[bytes], at: int
) -> VerifiedStatusToken:
    """The list, if who signed it (``x5c``) is entitled to make any of the kinds of document ``vcts`` in the name of ``entity``, or has the duty to
    say what became of them since it took over from ``entity``.
    """
    fault: Rejected | Undecided = StatusUnknown("its issuer makes no document that is known here")
    for vct in vcts:
        try:
            verified = verify_origin(token, uri=token.uri, key=_list_signer(token, entity, vct, policy, x5c=x5c, at=at), at=at)
        except (Rejected, Undecided) as error:
            fault = error
        else:
            return _read(verified)
    raise fault


def _list_signer(token: StatusToken, entity: str, vct: str, policy: Policy, *, x5c: Sequence[bytes], at: int) -> PublicKey:
    try:
        return policy.check_issuer(x5c, entity, vct, at, kid=token.kid).public
    except (Rejected, Undecided):
        heir = find_heir(x5c, token.kid, entity, vct, policy, at=at, said_at=token.iat)
        if heir is None:
            raise
        return heir.public


def _read(verified: VerifiedStatusToken) -> VerifiedStatusToken:
    _ = verified.statuses  # one that cannot be unpacked says nothing, and teaches nothing
    return verified


def needs(trust: TrustAnchors, known: Heard, lists: Sequence[KeptList]) -> frozenset[str]:
    """The anchors that are not asked without a snapshot: those that have ever published one, and those whose lists came with a checking
    pack, unless their owner pinned them as without (security rule S17).
    """
    packed = {each.entity for each in lists if each.pack}
    return frozenset(known.seen) | {
        each.fingerprint
        for each in trust.anchors
        if not each.without_snapshot and (each.entity in packed or (packed and each.entity is None))
    }
