"""Who asks: a wallet that its maker vouches for, with a key that tokens are tied to (HAIP 1.0 section 4; RFC 9449).

Whoever sends a proof is judged by it, at every address; where one is needed, the use case says so. Each proof serves once, over all
processes, whatever becomes of its request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from issuer.nonces import Purpose, is_live
from issuer.office import Office, digest
from issuer.records import invitations, sweep
from shared.errors import (
    InvalidClient,
    InvalidClientAttestation,
    InvalidDpopProof,
    InvalidToken,
    Refused,
    SnapshotMissing,
    Untrusted,
    UseAttestationChallenge,
    UseDpopNonce,
)
from shared.oauth import (
    DPOP_WINDOW,
    CheckProvider,
    Client,
    DpopProof,
    attestation_headers,
    one_dpop_header,
    parse_authorization,
    verify_client_attestation,
    verify_dpop,
)
from shared.storage import Tx
from shared.trust.policy import Policy
from shared.x509 import Cert, leads_elsewhere

_POP_LIFE = 421  # seconds after which a wallet's proof is too old, whatever clock dated it
_DPOP_LIFE = 2 * DPOP_WINDOW + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What came with a request to prove who sent it: the values of the header fields, as often as they came."""

    authorization: str | None = None
    proofs: Sequence[str] = ()
    attestations: Sequence[str] = ()
    pops: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prover:
    """Who sent a request to the authorization server, as far as it proved that. ``jkt`` is the thumbprint of its DPoP key."""

    client: Client | None = None
    jkt: str | None = None

    @property
    def client_id(self) -> str | None:
        return None if self.client is None else self.client.client_id

    @property
    def instance(self) -> str | None:
        """The thumbprint of the key that its maker vouched for."""
        return None if self.client is None else self.client.jkt


ANONYMOUS = Prover()


@dataclass(frozen=True, slots=True)
class Access:
    """A token that was shown: its digest, and the key that was proved along with it; ``None`` for a bearer."""

    digest: bytes
    jkt: str | None = None

    def check(self, tied_to: str | None) -> None:
        """``InvalidToken`` unless it was shown as what it is: a tied one with its key, another without any (RFC 9449 section 7.2)."""
        if self.jkt != tied_to:
            raise no_access()


@dataclass(slots=True)
class _Marks:
    """Proofs of one request, each to be used up until its end, and how it is refused when it was."""

    ends: dict[bytes, tuple[int, type[Refused]]] = field(default_factory=dict)

    async def spend(self, tx: Tx) -> None:
        for mark, (end, refusal) in self.ends.items():
            if not await sweep.spend_nonce(tx, mark, end):
                raise refusal("this proof was used before", where="/jti")


async def prove(office: Office, letter: Letter, path: str, *, needs_nonce: bool = True, needs_client: bool = False) -> Prover:
    """Judge what came along with a POST to ``path`` of the authorization server.

    ``InvalidClient``, ``UseAttestationChallenge``, ``InvalidDpopProof``, ``UseDpopNonce``. ``needs_nonce``: a DPoP proof has to carry a
    nonce of ours; where it may lack one, a wrong one is refused all the same. ``needs_client``: strangers are refused before anything of
    theirs is written down.
    """
    at, marks = office.clock(), _Marks()
    client = await _client(office, letter, at, marks)
    if needs_client and client is None:
        raise no_client()
    proof = await _dpop(office, letter, path, at, marks, needs_nonce=needs_nonce)
    if marks.ends:
        await office.storage.write(marks.spend, point="prove")
    return Prover(client=client, jkt=None if proof is None else proof.jkt)


async def show(office: Office, letter: Letter, path: str) -> Access:
    """The access token of a POST to ``path`` of the issuer, with the key that was proved; ``InvalidToken`` and the errors of DPoP."""
    token, at, marks = parse_authorization(letter.authorization), office.clock(), _Marks()
    if not token.dpop:
        if letter.proofs:
            raise InvalidToken("a token that is tied to a key is shown as DPoP")
        return Access(digest("access", token.value))
    proof = await _dpop(office, letter, path, at, marks, access_token=token.value)
    if proof is None:
        raise InvalidDpopProof("a DPoP proof is needed")
    access = Access(digest("access", token.value), proof.jkt)

    async def unit(tx: Tx) -> None:
        if not await invitations.is_live(tx, access.digest, at):  # strangers leave nothing behind
            raise no_access()
        await marks.spend(tx)

    await office.storage.write(unit, point="prove")
    return access


def no_client() -> InvalidClient:
    """Whoever asks did not say who made it."""
    return InvalidClient("a wallet says here who made it: a client attestation is needed")


def no_access() -> InvalidToken:
    """A token of nobody, or one whose time is over."""
    return InvalidToken("this access token is not, or no longer, good")


async def _client(office: Office, letter: Letter, at: int, marks: _Marks) -> Client | None:
    """Wallets get one answer to whatever is wrong with an attestation: ``invalid_client`` (RFC 6749 section 5.2).

    A maker who is not known here vouches for nothing: where wallets may be anonymous, one that it made is as if it had said nothing. What
    leads to a known authority, or is no chain as one should be, is judged and refused like everywhere.
    """
    try:
        pair = attestation_headers(letter.attestations, letter.pops)
        if pair is None:
            return None
        client = verify_client_attestation(
            *pair,
            check_provider=_checking(office.makers.policy()),
            audience=office.settings.public_url,
            at=at,
            challenge_ok=lambda _: True,
        )
    except InvalidClientAttestation as error:
        if office.settings.anonymous_wallets and isinstance(error.__cause__, _StrangerError):
            return None
        raise InvalidClient(error.detail, where=error.where) from error
    needed = office.settings.attestation_challenges or client.challenge is not None
    if needed and not await is_live(office, client.challenge, at, Purpose.CHALLENGE):
        raise UseAttestationChallenge("this challenge is not, or no longer, ours", where="/challenge")
    marks.ends[digest("pop", f"{client.jkt}\0{client.jti}")] = at + _POP_LIFE, InvalidClient
    return client


class _StrangerError(Untrusted):
    """A maker of whom nothing is known here."""


def _checking(asked: Policy) -> CheckProvider:
    """``Policy.check_wallet_provider``, which also tells strangers from those who pretend."""

    def check(x5c: Sequence[bytes], at: int) -> Cert:
        try:
            return asked.check_wallet_provider(x5c, at)
        except (Untrusted, SnapshotMissing) as error:  # of a federation that was not heard yet nobody is known
            known = [anchor.certificate for anchor in asked.anchors.anchors]
            if leads_elsewhere(x5c, known):
                raise _StrangerError(error.detail) from error
            raise

    return check


async def _dpop(
    office: Office, letter: Letter, path: str, at: int, marks: _Marks, *, needs_nonce: bool = True, access_token: str | None = None
) -> DpopProof | None:
    header = one_dpop_header(letter.proofs)
    if header is None:
        return None
    url = office.url(path)
    proof = verify_dpop(header, method="POST", url=url, at=at, nonce_ok=lambda _: True, access_token=access_token)
    needed = needs_nonce or proof.nonce is not None
    if needed and not await is_live(office, proof.nonce, at, Purpose.DPOP):
        raise UseDpopNonce("this nonce is not, or no longer, ours", where="/nonce")
    marks.ends[digest("dpop", f"{proof.jkt}\0{proof.jti}")] = at + _DPOP_LIFE, InvalidDpopProof
    return proof
