"""Taking in a checking pack that somebody else made: verified as a whole, then each thing in it lies beside what was fetched.

Of each thing the newest counts, whichever way it came; a pack never adds to whom this verifier trusts (security rule S17).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.errors import Conflict, Malformed, StatusUnknown, Unavailable, Untrusted, VcError
from shared.status.token_status_list import StatusToken, VerifiedStatusToken, parse_token
from shared.storage import Tx
from shared.trust.artefact import STATUS_LIST, STATUS_LIST_CWT
from shared.trust.bundle import Bundle, VerifiedBundle, parse_bundle, verify_bundle
from shared.trust.memory import BundleMemory
from shared.trust.policy import Policy
from shared.web import heard
from shared.x509 import load_certificate
from verifier.desk import Desk
from verifier.material import verify_list
from verifier.records import knowledge, packs
from verifier.records.packs import Applied

_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """``lists`` is how many status lists are used from now on; ``faults`` say, for an operator, which were not, and why."""

    applied: Applied
    lists: int
    faults: tuple[str, ...]


async def apply(desk: Desk, data: bytes, *, actor: str) -> Taken:
    """Verify a pack and answer from it from now on. The same pack again changes nothing.

    ``Untrusted`` for what is no pack, or is by nobody whose packs are read here; errors as ``verify_bundle``.
    """
    try:
        bundle = parse_bundle(data)
    except Malformed as error:
        raise Untrusted(f"this is no checking pack: {error.detail}", where=error.where) from error
    for _ in range(_TRIES):
        memory = await desk.storage.read(packs.memory)
        taking = _verify(desk, bundle, memory, actor)
        try:
            await desk.storage.write(taking.write, point="apply-pack")
        except Conflict:  # another pack was applied in between: judge by what is known now
            continue
        return taking.taken
    raise Unavailable("others are applying checking packs at this moment")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taking:
    """A verified pack on its way into the database."""

    verified: VerifiedBundle
    before: BundleMemory
    lists: Sequence[tuple[str, VerifiedStatusToken]]
    taken: Taken

    async def write(self, tx: Tx) -> None:
        """All of it or nothing; ``Conflict`` if what it was judged by has changed."""
        bundle, at = self.verified.bundle, self.taken.applied.applied_at
        if (await packs.memory(tx)).signers.get(bundle.signer) != self.before.signers.get(bundle.signer):
            raise Conflict("another checking pack was applied meanwhile")
        for fingerprint, snapshot in self.verified.snapshots.items():
            await heard.put(tx, fingerprint, snapshot, bundle.artefacts)
        for word in self.verified.federation.words:
            await heard.put(tx, word.name, word.snapshot, word.publication.artefacts, word.dates)
        for entity, token in self.lists:
            known = await knowledge.memory(tx)
            await knowledge.learn(tx, known.lessons(entity, token), at)
            await knowledge.keep_list(tx, entity, token, at, pack=bundle.digest)
        await packs.add(tx, self.taken.applied)


def _verify(desk: Desk, bundle: Bundle, memory: BundleMemory, actor: str) -> _Taking:
    at, trust = desk.clock(), desk.trust
    verified = verify_bundle(bundle, signers=trust.bundle_signers, at=at, memory=memory, anchors=trust.anchors, federation=trust.federation)
    policy = Policy.sealed(trust, verified.snapshots, verified.crls, seen=verified.memory.snapshots, federation=verified.federation)
    lists: list[tuple[str, VerifiedStatusToken]] = []
    faults: list[str] = []
    for token in _tokens(bundle):
        try:
            lists.append(_vouch(token, verified, policy, tuple(desk.types), at))
        except VcError as error:
            faults.append(f"the list {token.uri}: {error.detail}")
    applied = Applied(
        digest=bundle.digest,
        signer=bundle.signer,
        iss=bundle.iss,
        seq=bundle.seq,
        iat=bundle.iat,
        exp=bundle.exp,
        applied_at=at,
        actor=actor,
        contents=Counter(each.media_type for each in bundle.artefacts),
    )
    used = len({token.uri for _, token in lists})
    return _Taking(verified=verified, before=memory, lists=lists, taken=Taken(applied=applied, lists=used, faults=tuple(faults)))


def _tokens(bundle: Bundle) -> Iterable[StatusToken]:
    return [parse_token(data) for kind in (STATUS_LIST, STATUS_LIST_CWT) for data in bundle.of(kind)]


def _vouch(token: StatusToken, verified: VerifiedBundle, policy: Policy, vcts: Sequence[str], at: int) -> tuple[str, VerifiedStatusToken]:
    """Whose list it is: of an entity that its certificate names, or of one whose key it names, if that entity is trusted for it; or of one from
    whom such an entity took over.
    """
    chains = dict.fromkeys(load_certificate(token.x5c[0]).uris, token.x5c) if token.x5c else {}
    chains |= {} if chains else {entity: chain for (entity, kid), chain in verified.certificates.items() if kid == token.kid}
    chains |= {} if token.x5c else dict.fromkeys(verified.federation.named(token.kid), ())
    heirs = {each.outgoing: chain for entity, chain in chains.items() for each in policy.federation.successors.inherited(entity, at)}
    chains |= {entity: chain for entity, chain in heirs.items() if entity not in chains}
    fault: VcError = StatusUnknown("nobody who is trusted here signed it")
    for entity, chain in chains.items():
        try:
            return entity, verify_list(token, entity, vcts, policy, x5c=chain, at=at)
        except VcError as error:
            fault = error
    raise fault
