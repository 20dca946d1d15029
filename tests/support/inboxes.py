"""Organisations with inboxes, all registered, some of them down, slow or lying; and a wallet's world with them in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from support.airplane import Counter, registration
from support.trial_verify import Authority, Dice, registry
from support.trusting import Publisher
from support.world import Party, World

from shared import addressed
from shared.codec import base64url
from shared.credentials import Text, by_id
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.formats import Claims, formats
from shared.inbox import Inbox, Letter, open_letter
from shared.jose import jwe
from shared.keys import KeyId, PublicKey, Role
from shared.receipts import LogEntry, LogHead, Receipt, bind_presentation, commit, extend, prepare_receipt, presentation_bytes
from shared.trust.artefact import RP_CERTIFICATE, Artefact
from shared.trust.policy import Policy
from shared.trust.registered_use import RegisteredUse, Want

DEATH = by_id("life-event")
EVENT, NAME, BIRTHDATE, POSTCODE, DEATH_DATE = 1, 2, 3, 4, 5
TELL = RegisteredUse(
    id="tell-of-death",
    title=Text("A customer has died", "Mae cwsmer wedi marw"),
    purpose=Text("Close or change the account of the person who died", "Cau neu newid cyfrif y person a fu farw"),
    wants=(Want(vct=DEATH.vct_int, required=(EVENT, NAME, POSTCODE, DEATH_DATE), optional=(BIRTHDATE,)),),
    retention_days=366,
    contact="bereavement@body.example",
)
FOURTEEN = (
    "Anytown Borough Council",
    "Brightwater Utilities",
    "Driver Records (test)",
    "Fenfield Library",
    "Lifeline-at-Home",
    "Northwold Bank",
    "Northwold Pensions",
    "Passport Records (test)",
    "Pensions department (test)",
    "Poplar Court Homes",
    "Saxon Mutual",
    "Tax Records (test)",
    "Town Travel Cards",
    "Westshire County Council",
)


@dataclass
class Body:
    """One organisation. ``how`` is accepts, refuses, replays (had that copy before), cannot, person (until ``decides`` says something), or a way to lie:
    ``signer``, ``presentation``, ``nonce``, ``log``. ``says`` may answer what is posted in its place;
    ``issuer`` is whose documents it takes, the registry's of the tests if nobody's is named.
    """

    world: World
    name: str
    number: int
    how: str = "accepts"
    decides: str = ""
    uses: tuple[RegisteredUse, ...] = (TELL,)
    says: Callable[[bytes], Fetched] | None = None
    has_inbox: bool = True
    party: Party = field(init=False)
    private: Mapping[str, str] = field(default_factory=jwe.generate_ephemeral)
    letters: list[Letter] = field(default_factory=list)
    seen: list[Claims] = field(default_factory=list)
    posted: list[bytes] = field(default_factory=list)
    answers: dict[bytes, Receipt] = field(default_factory=dict)
    digests: dict[bytes, bytes] = field(default_factory=dict)
    head: LogHead | None = None
    asked: int = 0
    answer_days: int = 1
    signs_as: Party | None = None
    issuer: PublicKey | None = None

    @classmethod
    def of(cls, world: World, party: Party, *uses: RegisteredUse, issuer: PublicKey) -> Body:
        """``party`` behind its own address, with an inbox."""
        made = cls(world, party.name, 0, uses=uses, issuer=issuer)
        made.party = party
        party.says = made.answer
        made.register()
        return made

    def __post_init__(self) -> None:
        entity = f"https://body-{self.number:02}.example"
        by = Authority.new(entity, role=Role.RELYING_PARTY, subject=f"Anchor {self.number}")
        self.party = Party(self.world.clock, entity=entity, name=self.name, by=by)

    @property
    def entity(self) -> str:
        return self.party.entity

    @property
    def inbox(self) -> Inbox | None:
        return Inbox(f"{self.entity}/inbox", jwe.public_half(self.private)) if self.has_inbox else None

    def register(self, seq: int = 1) -> None:
        """The body's anchor publishes who it is, what it may ask, and where its inbox is."""
        data = registration(Counter(self.world, self.party, uses=self.uses), inbox=self.inbox)
        more = (Artefact(media_type=RP_CERTIFICATE, data=data),)
        publisher = Publisher(by=self.party.by, entity=self.entity, role=Role.RELYING_PARTY, at=self.world.clock() - 60, seq=seq, more=more)
        self.party.publication = publisher.publication

    def answer(self, fetch: Fetch) -> Fetched:
        path = fetch.url.removeprefix(self.entity)
        if path == "/inbox":
            return (self.says or self._take)(fetch.body or b"")
        if path == "/inbox/answer":
            self.asked += 1
            return self._told(base64url.decode(json.loads(fetch.body or b"{}")["ticket"]))
        return self.party.answer(fetch)

    def _take(self, token: bytes) -> Fetched:
        self.posted.append(token)
        letter = open_letter(token.decode(), self.private)
        if letter.ticket not in self.digests:
            self.digests[letter.ticket] = sha256(token).digest()
            self.letters.append(letter)
            self.answers[letter.ticket] = self._decide(letter)
        elif self.digests[letter.ticket] != sha256(token).digest():
            return Fetched(status=409)
        return self._told(letter.ticket)

    def handed(self, copy: str) -> str:
        """The receipt for the file of a copy that somebody brings."""
        token: str = json.loads(self.sign(self._decide(Letter(copy, b"", ""))).body)["receipt"]
        return token

    def _decide(self, letter: Letter) -> Receipt:
        copy = addressed.parse_file(letter.copy)
        ((wire,),) = copy.vp_token.values()
        form = formats()[copy.format]
        expected = addressed.expected_binding(entity=self.entity, purpose_id=copy.purpose_id)
        parsed = form.parse(wire)
        claims = form.verify(parsed, self.issuer or registry().signer.public, binding=expected, at=self.world.clock())
        self.seen.append(claims)
        presentation = presentation_bytes({"x": ["another"]} if self.how == "presentation" else copy.vp_token)
        salt, digest = bind_presentation(presentation, entropy=Dice(f"{self.name} {len(self.letters)}"))
        decision = {"refuses": "rejected", "replays": "rejected", "cannot": "undecided", "person": "undecided"}.get(self.how, "accepted")
        reasons = {"refuses": "outside_scope", "replays": "replayed", "cannot": "status_unknown", "person": "waits_for_person"}
        at = self.world.clock()
        return Receipt(
            receipt_id=f"receipt-{len(self.letters)}",
            entity=self.entity,
            received_at=at,
            decision=decision,
            reason_code=reasons.get(self.how, ""),
            purpose_id=copy.purpose_id,
            salt=salt,
            presentation_digest=digest,
            nonce="another" if self.how == "nonce" else str(claims.binding_claims["nonce"]),
            effective_from=at if decision == "accepted" else None,
            claims_kept=("Last name", "Postcode"),
            retain_until=at + 366 * 86_400,
            contact="bereavement@body.example",
            how_to_complain="Write to the complaints desk of the body",
            answer_by=at + self.answer_days * 86_400 if self.how == "person" else None,
            log_head=self._log(at),
        )

    def _log(self, at: int) -> LogHead:
        """One entry more, unless this body rewrites its log."""
        if self.how == "log":
            return LogHead(size=1, digest=sha256(str(len(self.letters)).encode()).digest())
        entry: LogEntry = commit({"at": at}, entropy=Dice(f"log {self.name} {len(self.letters)}"))
        self.head = extend(self.head, entry)
        return self.head

    def _told(self, ticket: bytes) -> Fetched:
        receipt = self.answers.get(ticket)
        if receipt is None:
            return Fetched(status=404)
        if receipt.answer_by is not None and self.decides:
            reason = {"rejected": "outside_scope", "undecided": "no_answer_yet"}.get(self.decides, "")
            receipt = replace(receipt, decision=self.decides, reason_code=reason, received_at=self.world.clock(), log_head=self._log(0))
            receipt = replace(receipt, answer_by=receipt.answer_by if self.decides == "undecided" else None)
            self.answers[ticket] = receipt
        return self.sign(receipt, waits=receipt.answer_by is not None)

    def sign(self, receipt: Receipt, *, waits: bool = False) -> Fetched:
        party = self.signs_as or self.party
        by = Authority.new(self.entity, role=Role.RELYING_PARTY) if self.how == "signer" else party.by
        receipt = replace(receipt, entity=party.entity)
        token = by.signer.finish(prepare_receipt(receipt, key=KeyId("relying-party"), x5c=by.x5c, at=self.world.clock()))
        return Fetched(
            status=202 if waits else 200, headers={"content-type": "application/json"}, body=json.dumps({"receipt": token}).encode()
        )


@dataclass
class Town(World):
    """A world with further organisations, by number."""

    bodies: list[Body] = field(default_factory=list)

    def settle(self, *names: str, **how: Any) -> list[Body]:
        """Organisations of these names, registered."""
        made = [Body(self, name, len(self.bodies) + number, **how) for number, name in enumerate(names)]
        for each in made:
            each.register()
        self.bodies += made
        return made

    async def __call__(self, fetch: Fetch) -> Fetched:
        for each in self.bodies:
            if fetch.url.startswith(each.entity + "/"):
                self.log.append((self.clock(), fetch.method, fetch.url))
                self.fetches.append(fetch)
                if each.entity in self.down:
                    raise Unavailable("nobody answers")
                return each.answer(fetch)
        return await super().__call__(fetch)

    def policy(self) -> Policy:
        found = super().policy()
        pins = tuple(each.party.by.pin(role=Role.RELYING_PARTY, entity=each.entity) for each in self.bodies)
        return replace(found, anchors=replace(found.anchors, anchors=(*found.anchors.anchors, *pins)))
