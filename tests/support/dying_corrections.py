"""A holder says that a detail is wrong, and an office answers; told line by line, so that a test can kill the office at a named write:

``python -m support.dying_corrections DIRECTORY``
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from prometheus_client import CollectorRegistry
from support.issuing_story import CLERK, say
from support.registry import LPA_1, URL
from support.signing import Signer

from issuer import authorize, config, corrections, issue, offers
from issuer.app import open_office, start, stop
from issuer.envelopes import Envelopes
from issuer.nonces import fresh_nonce
from issuer.office import Office
from shared import addressed
from shared.addressed import AddressedPresentation
from shared.clock import DAY
from shared.codec import base64url
from shared.corrections import PURPOSE, Ticket, make_binding, seal_ticket
from shared.formats import formats
from shared.keys import KeyId
from shared.openid4vci import CredentialRequest, PreAuthorizedRequest, prepare_key_proof

LATE = 20 * DAY
"""Seconds until an answer is overdue, while the document and its copies are still good."""
FORM = formats()["dc+sd-jwt"]


async def ticket(office: Office, envelopes: Envelopes) -> tuple[bytes, str]:
    """A document is made and collected, and its holder says that the date of birth is wrong."""
    made = await offers.make(
        office, offers.Order(type="representation", claims=LPA_1, reference="case 1"), actor=CLERK, idempotency_key="once"
    )
    code = offers.pre_authorized_code(made.secrets.token)
    token = await authorize.token(office, PreAuthorizedRequest(code=code, tx_code=made.secrets.code))
    key, at = Signer.new(), office.clock()
    proof = key.finish(prepare_key_proof(key=KeyId("k"), public=key.public, audience=URL, nonce=await fresh_nonce(office), at=at))
    request = CredentialRequest(configuration_id="representation-sd-jwt", proofs=(proof,))
    (wire,) = (await issue.issue(office, authorize.bearer(f"Bearer {token.access_token}"), request)).credentials
    number, detail, words = office.entropy(16), "represented/birthdate", "It was the 12th."
    binding = make_binding(issuer=URL, ticket=number, detail=detail, words=words, at=at, entropy=office.entropy)
    shown = FORM.present(FORM.disclose(FORM.parse(str(wire)), [("represented", "birthdate")]), binding, key=KeyId("k"), at=at)
    copy = AddressedPresentation(format=FORM.name, aud=binding.audience, purpose_id=PURPOSE, vp_token={"wrong": (key.finish(shown),)})
    public = (await envelopes.requests()).keys[0]
    return number, seal_ticket(Ticket(addressed.render_file(copy).decode(), number, detail, words), public)


async def tell(office: Office) -> None:
    await start(office)
    envelopes = Envelopes(office)
    number, sealed = await ticket(office, envelopes)
    say("made", ticket=base64url.encode(number), sealed=sealed)
    await corrections.receive(office, envelopes, sealed)
    say("received")
    await corrections.tend(replace(office, clock=lambda: office.clock() + LATE), corrections.Figures(CollectorRegistry()))
    say("reminded")
    (reference,) = [row["reference"] for row in await office.storage.read(lambda tx: tx.fetch("SELECT reference FROM correction"))]
    await corrections.refuse(office, str(reference), code="not-ours", words="Ask the council.", actor=CLERK)
    say("answered")


async def main(directory: Path) -> None:
    office = open_office(directory, config.read(directory))
    await tell(office)
    await stop(office)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
