"""Receipts that an organisation of the small world gives by hand, at a desk with and without a network, and ways to give them for something else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from support.airplane import Counter
from support.signing import Signer
from support.trial_verify import Dice
from support.wallets import Wallet
from support.world import COUNCIL

from shared.addressed import parse_file
from shared.clock import system_entropy
from shared.codec import base64url
from shared.flow import Fetched
from shared.keys import KeyId
from shared.ovp.answer import Answer, peek_answer
from shared.ovp.envelope import RECEIPT, render_text
from shared.ovp.receipt import parse_desk_receipt, prepare_desk_receipt
from shared.receipts import Receipt, bind_presentation, prepare_receipt, presentation_bytes
from wallet import register
from wallet.given import handed_of
from wallet.records import Item
from wallet.sessions import Addressed
from wallet.share import Wish, make_out

FOR_COUNCIL = Wish(entity=COUNCIL, name="Anytown Borough Council", purpose_id="council-tax", query="council-tax")


def with_receipt(token: str) -> Fetched:
    return Fetched(status=200, headers={"content-type": "application/json"}, body=json.dumps({"receipt": token}).encode())


@dataclass
class Given:
    """Nora's wallet, the council that it knows, and a copy made out to it."""

    wallet: Wallet
    counter: Counter
    made: Item[Addressed]

    async def seq(self) -> int:
        """The line of the newest copy."""
        return next(line.entry.seq for line in reversed(await self.wallet.lines()) if line.entry.transaction_type == "addressed-copy")

    def signed(self, made: Addressed | None = None, **changes: Any) -> str:
        """The receipt of a desk with a network, as a file."""
        copy = parse_file((made or self.made.value).file)
        ((wire,),) = copy.vp_token.values()
        salt, digest = bind_presentation(presentation_bytes(changes.pop("vp_token", copy.vp_token)), entropy=Dice("given"))
        at, party = self.wallet.world.clock(), self.counter.party
        how: dict[str, Any] = {
            "receipt_id": "receipt-by-hand",
            "entity": party.entity,
            "received_at": at,
            "decision": "accepted",
            "purpose_id": copy.purpose_id,
            "salt": salt,
            "presentation_digest": digest,
            "nonce": peek_answer(Answer(copy.format, wire)).nonce,
            "claims_kept": ("Donor’s name",),
            "retain_until": at + 30 * 86_400,
        }
        receipt = Receipt(**how | changes)
        return party.by.signer.finish(prepare_receipt(receipt, key=KeyId("relying-party"), x5c=party.by.x5c, at=at))

    def at_desk(self, made: Addressed | None = None, **changes: Any) -> str:
        """The text of the receipt of a desk without one."""
        return render_text(RECEIPT, self.desk_receipt(made, **changes))

    def desk_receipt(self, made: Addressed | None = None, **changes: Any) -> bytes:
        handed, counter = handed_of(made or self.made.value), changes.pop("counter", self.counter)
        at = self.wallet.world.clock() - changes.pop("ago", 0)
        by: Signer = changes.pop("by", counter.desk)
        how: dict[str, Any] = {
            "certificate": counter.certificate(at=min(at, self.wallet.world.clock()) - 60),
            "key": KeyId("desk"),
            "public": by.public,
            "content": handed.contents[0],
            "nonce": handed.number,
            "salt": system_entropy(16),
            "at": at,
            "decision": "accepted",
            "use": handed.use,
        }
        return by.finish(prepare_desk_receipt(**how | changes))

    def confirmation(self, desk_receipt: bytes, **changes: Any) -> str:
        """What the council signs once it has heard from its desk."""
        said = parse_desk_receipt(desk_receipt)
        bound: dict[str, Any] = {
            "salt": said.salt,
            "presentation_digest": said.digest,
            "nonce": base64url.encode(said.nonce),
            "decision": said.decision,
            "reason_code": said.code,
            "received_at": said.issued_at,
        }
        return self.signed(**bound | changes)


async def given_by_council(wallet: Wallet, *forms: str) -> Given:
    """Nora has collected a document and made a copy out, in the first of ``forms``."""
    world = wallet.world
    world.office.formats = forms or ("dc+sd-cwt",)
    await wallet.collect()
    counter = Counter(world, world.council)
    counter.register()
    await register.refresh(wallet.means, now=True)
    return Given(wallet, counter, await make_out(wallet.means, wallet.vault, FOR_COUNCIL))
