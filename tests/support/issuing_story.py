"""A document from its making to its end, told line by line, so that a test can kill the teller at a named write:

``python -m support.issuing_story DIRECTORY`` prints ``step {json}`` after each step that was done.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from support.registry import LPA_1, URL
from support.signing import Signer

from issuer import authorize, config, issue, offers, revoke
from issuer.app import open_office, start, stop
from issuer.clients import Access, Prover
from issuer.nonces import fresh_nonce
from issuer.office import Office, digest
from issuer.sessions import Action, Actor
from shared.keys import KeyId
from shared.openid4vci import (
    CredentialRequest,
    Event,
    NotificationRequest,
    PreAuthorizedRequest,
    RefreshRequest,
    prepare_key_proof,
)

CLERK = Actor(role="clerk", name="Clara")
HOLDER = Prover(jkt="thumbprint-of-the-key-of-her-wallet")


def shown(access: str) -> Access:
    return Access(digest("access", access), HOLDER.jkt)


def say(step: str, **values: object) -> None:
    sys.stdout.write(f"{step} {json.dumps(values)}\n")
    sys.stdout.flush()


async def copies(office: Office, access: str, nonce: str, count: int) -> tuple[tuple[str, ...], str]:
    keys = [Signer.new() for _ in range(count)]
    at = office.clock()
    proofs = [one.finish(prepare_key_proof(key=KeyId("k"), public=one.public, audience=URL, nonce=nonce, at=at)) for one in keys]
    request = CredentialRequest(configuration_id="representation-sd-jwt", proofs=tuple(proofs))
    response = await issue.issue(office, shown(access), request)
    return response.credentials, response.notification_id or ""


async def tell(office: Office) -> None:
    lists = await start(office)
    order = offers.Order(type="representation", claims=LPA_1, reference="case 1")
    made = await offers.make(office, order, actor=CLERK, idempotency_key="once")
    code = offers.pre_authorized_code(made.secrets.token)
    say("made", id=made.document, code=code, tx_code=made.secrets.code)
    token = await authorize.token(office, PreAuthorizedRequest(code=code, tx_code=made.secrets.code), HOLDER)
    say("redeemed", access=token.access_token, refresh=token.refresh_token)
    nonce = await fresh_nonce(office)
    say("nonce", nonce=nonce)
    wires, delivery = await copies(office, token.access_token, nonce, 3)
    say("issued", copies=wires)
    await issue.notify(office, shown(token.access_token), NotificationRequest(notification_id=delivery, event=Event.ACCEPTED))
    say("notified")
    token = await authorize.token(office, RefreshRequest(refresh_token=token.refresh_token or ""), HOLDER)
    say("refreshed", access=token.access_token, refresh=token.refresh_token)
    again = await offers.invite_again(office, made.document, actor=CLERK)
    say("invited", code=offers.pre_authorized_code(again.secrets.token), tx_code=again.secrets.code)
    await revoke.change_one(office, made.document, revoke.Wish(action=Action.CANCEL, reason="donor-died", actor=CLERK))
    say("changed")
    await lists.get(1)
    say("published")


async def main(directory: Path) -> None:
    office = open_office(directory, config.read(directory))
    await tell(office)
    await stop(office)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
