"""A desk without a network that asks wallets of the small world: registered by its party's own anchor, with a key and a seal of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from support.signing import Signer
from support.trial_verify import registry
from support.trusting import Publisher
from support.world import ISSUER, Party, World

from shared.clock import system_entropy
from shared.credentials import Text, by_id
from shared.formats import Binding, Claims, Parsed, formats
from shared.keys import KeyId, Role, Unsigned
from shared.ovp import seal
from shared.ovp.answer import OpenChallenge, code_binding, live_binding, open_answer, parse_answer
from shared.ovp.challenge import parse_challenge, prepare_challenge
from shared.ovp.envelope import CHALLENGE, render_text
from shared.trust.artefact import RP_CERTIFICATE, Artefact
from shared.trust.relying_party import RegisteredUse, Want, prepare_desk_certificate, prepare_rp_certificate

KIND = by_id("representation")
DONOR, POSTCODE, ATTORNEY, POWERS = 1, 3, 4, 5
COUNCIL_TAX = RegisteredUse(
    id="council-tax",
    title=Text("Council tax", "Treth gyngor"),
    purpose=Text("To talk to you about Margaret’s council tax", "I siarad â chi am dreth gyngor Margaret"),
    wants=(Want(vct=KIND.vct_int, required=(DONOR, ATTORNEY), optional=(POSTCODE, POWERS)),),
    retention_days=30,
    privacy_policy="https://council.example/privacy",
    contact="council-tax@council.example",
)


@dataclass
class Counter:
    """One desk of a party of the world. ``made`` are its open challenges with their private halves."""

    world: World
    party: Party
    uses: tuple[RegisteredUse, ...] = (COUNCIL_TAX,)
    name: str = "Counter 3"
    desk: Signer = field(default_factory=Signer.new)
    made: list[OpenChallenge] = field(default_factory=list)
    registered_at: int | None = None
    seq: int = 1

    def register(self) -> None:
        """The party's anchor publishes who it is and what it may ask."""
        data = registration(self)
        publisher = Publisher(
            by=self.party.by,
            entity=self.party.entity,
            role=Role.RELYING_PARTY,
            at=self.world.clock() - 60,
            seq=self.seq,
            more=(Artefact(media_type=RP_CERTIFICATE, data=data),),
        )
        self.party.publication = publisher.publication

    def certificate(self, **changes: Any) -> bytes:
        how: dict[str, Any] = {
            "entity": self.party.entity,
            "entity_public": self.party.by.signer.public,
            "key": KeyId("relying-party"),
            "name": self.name,
            "public": self.desk.public,
            "at": self.world.clock() - 60,
        }
        return self.party.by.signer.finish(prepare_desk_certificate(**how | changes))

    def ask(
        self, *, wants: Sequence[Want] | None = None, by: Signer | None = None, certificate: bytes | None = None, **changes: Any
    ) -> str:
        """The text of the square code that the desk shows."""
        private, public = seal.generate(system_entropy)
        how: dict[str, Any] = {
            "certificate": certificate or self.certificate(),
            "key": KeyId("desk"),
            "public": self.desk.public,
            "nonce": system_entropy(16),
            "at": self.world.clock(),
            "wants": self.uses[0].wants if wants is None else tuple(wants),
            "use": self.uses[0].id,
            "seal_key": public,
        }
        data = (by or self.desk).finish(prepare_challenge(**how | changes))
        self.made.append(OpenChallenge(parse_challenge(data), private))
        return render_text(CHALLENGE, data)

    def judge_live(self, sealed: bytes) -> Claims:
        """What a sealed answer says, once everything about it was verified."""
        opened, answer = open_answer(sealed, self.made)
        return self._verify(answer.format, answer.wire, live_binding(opened.challenge))

    def parse_live(self, sealed: bytes) -> Parsed:
        """A sealed answer taken apart, nothing verified."""
        _, answer = open_answer(sealed, self.made)
        return formats()[answer.format].parse(answer.wire)

    def judge_code(self, content: bytes, code: str) -> Claims:
        """The same of an answer to ten digits."""
        answer = parse_answer("OVP1:", content)
        use = self.uses[0].id
        return self._verify(
            answer.format, answer.wire, code_binding(code, entity=self.party.entity, use=use, public=self.party.by.signer.public)
        )

    def _verify(self, format_name: str, wire: str, binding: Binding) -> Claims:
        kind = formats()[format_name]
        parsed = kind.parse(wire)
        assert parsed.issuer == ISSUER
        return kind.verify(parsed, registry().signer.public, binding=binding, at=self.world.clock())


def registration(counter: Counter, **changes: Any) -> bytes:
    """What the party's anchor certifies (rp-cert)."""
    party = counter.party
    how = {"anchor": party.by.certificate.subject, "anchor_public": party.by.root.public, "key": KeyId("anchor")}
    return party.by.root.finish(unsigned_registration(counter, **how | changes))


def unsigned_registration(counter: Counter, **changes: Any) -> Unsigned[bytes]:
    """The same of anybody, lacking the signature."""
    party, world = counter.party, counter.world
    wish: dict[str, Any] = {
        "entity": party.entity,
        "public": party.by.signer.public,
        "name": Text(party.name, f"{party.name} (Cymraeg)"),
        "uses": counter.uses,
        "at": world.clock() - 60 if counter.registered_at is None else counter.registered_at,
    }
    return prepare_rp_certificate(**wish | changes)
