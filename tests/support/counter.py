"""One bank with one counter, and the people who vouch for it: everybody that a challenge needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from support.signing import AT, Signer, anchor

from shared.clock import system_entropy
from shared.credentials import Text
from shared.keys import KeyId, Role
from shared.ovp import seal
from shared.ovp.answer import OpenChallenge
from shared.ovp.challenge import parse_challenge, prepare_challenge
from shared.ovp.receipt import prepare_desk_receipt
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.relying_party import Register, RegisteredUse, Registrar, Want, prepare_desk_certificate, prepare_rp_certificate

BANK = "https://bank.example"
USE = RegisteredUse(
    id="bank-account",
    title=Text("Open an account for somebody", "Agor cyfrif i rywun"),
    purpose=Text("To see that you may act for the account’s owner.", "I weld y cewch weithredu dros berchennog y cyfrif."),
    wants=(Want(vct=65_001, required=(1, 4), optional=(2, 8)),),
    retention_days=30,
    privacy_policy="https://bank.example/privacy",
    contact="privacy@bank.example",
)
ARGUED = replace(
    USE,
    benefit=Text("You need not bring papers again.", "Nid oes raid i chi ddod â phapurau eto."),
    could_stop=Text("Not while the law makes us look.", "Nid tra bod y gyfraith yn gofyn i ni edrych."),
    authority=Text("Data Regulator (test)", "Rheoleiddiwr Data (prawf)"),
    authority_contact="complaints@regulator.example",
    support="https://bank.example/help",
    evidence="https://bank.example/evidence",
)
"""The same with all that a registration can say."""
REGISTRAR = Registrar(
    entity="https://registrar.example",
    name=Text("Register of askers", "Cofrestr gofynwyr"),
    address="https://registrar.example/register",
)
KEY = KeyId("key")
SHOWN = b"a presentation"
ANSWERED = bytes(range(32))
"""What is in receipts unless something else is."""


@dataclass(kw_only=True)
class Counter:
    """Whatever is not given is made anew."""

    anchor: Signer = field(default_factory=Signer.new)
    bank: Signer = field(default_factory=Signer.new)
    desk: Signer = field(default_factory=Signer.new)
    uses: Sequence[RegisteredUse] = (USE,)

    def trust(self, entity: str | None = None) -> TrustAnchors:
        pinned = parse_anchor(anchor(self.anchor, subject="Register of askers").der, role=Role.RELYING_PARTY, entity=entity)
        return TrustAnchors(anchors=(pinned,))

    def rp_certificate(self, **changes: Any) -> bytes:
        wish: dict[str, Any] = {
            "anchor": "Register of askers",
            "anchor_public": self.anchor.public,
            "key": KEY,
            "entity": BANK,
            "public": self.bank.public,
            "name": Text("The Bank", "Y Banc"),
            "uses": self.uses,
            "at": AT,
        }
        return self.anchor.finish(prepare_rp_certificate(**wish | changes))

    def desk_certificate(self, **changes: Any) -> bytes:
        wish: dict[str, Any] = {
            "entity": BANK,
            "entity_public": self.bank.public,
            "key": KEY,
            "name": "Counter 3",
            "public": self.desk.public,
            "at": AT,
        }
        return self.bank.finish(prepare_desk_certificate(**wish | changes))

    def register(self, at: int = AT) -> Register:
        return Register.of([self.rp_certificate()], self.trust(), at=at)

    def challenge(self, **changes: Any) -> bytes:
        wish: dict[str, Any] = {
            "certificate": self.desk_certificate(),
            "key": KEY,
            "public": self.desk.public,
            "nonce": system_entropy(16),
            "at": AT,
            "wants": (Want(vct=65_001, required=(1, 4), optional=(8,)),),
            "use": USE.id,
            "seal_key": seal.generate(system_entropy)[1],
        }
        return self.desk.finish(prepare_challenge(**wish | changes))

    def receipt(self, **changes: Any) -> bytes:
        """Of ``SHOWN``, which answered ``ANSWERED``."""
        wish: dict[str, Any] = {
            "certificate": self.desk_certificate(),
            "key": KEY,
            "public": self.desk.public,
            "content": SHOWN,
            "nonce": ANSWERED,
            "salt": system_entropy(16),
            "at": AT,
            "decision": "accepted",
            "use": USE.id,
        }
        return self.desk.finish(prepare_desk_receipt(**wish | changes))

    def open_challenge(self, **changes: Any) -> OpenChallenge:
        private, public = seal.generate(system_entropy)
        return OpenChallenge(parse_challenge(self.challenge(seal_key=public, **changes)), private)
