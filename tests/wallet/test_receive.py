from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from support.signing import Signer
from support.trial_verify import CLAIMS, LIST, resign, stranger
from support.wallets import Wallet
from support.world import BATCH, CODE, ISSUER, _json

from shared.errors import (
    BadDisclosure,
    BadSignature,
    Conflict,
    Expired,
    InvalidGrant,
    InvalidToken,
    Malformed,
    NotBound,
    Refused,
    Unavailable,
    UnknownCredentialType,
    Untrusted,
    VcError,
)
from shared.flow import Fetch, Fetched
from shared.jose.jwk import thumbprint
from shared.keys import PublicKey
from shared.openid4vci import CredentialOffer, offer_links
from wallet.cards import card, iso_day
from wallet.invite import read_invitation
from wallet.receive import collect, send_notice
from wallet.records import DOCUMENTS, RECEIVING
from wallet.sessions import Declined, Promised
from wallet.upkeep import collect_and_look


async def test_an_invitation_becomes_a_card_with_a_key_for_each_copy(wallet: Wallet) -> None:
    item = await wallet.collect()
    shown = card(item.value, at=wallet.world.clock())
    assert (shown.title, shown.subtitle, shown.state) == ("Power of attorney", "Margaret Ashdown", "in force")
    assert (shown.copies_left, shown.issuer) == (BATCH, ISSUER)
    copies = await wallet.copies()
    assert len(copies) == BATCH
    assert len({copy.value.private for copy in copies}) == BATCH
    assert [line["event"] for line in wallet.world.office.notified] == ["credential_accepted"]
    (line,) = await wallet.lines()
    assert (line.entry.transaction_type, line.entry.transaction_result) == ("issuance", "success")


async def test_both_formats_are_collected_with_keys_of_their_own(wallet: Wallet) -> None:
    wallet.world.office.formats = ("dc+sd-jwt", "vc+jwt")
    item = await wallet.collect()
    assert {copy.format for copy in item.value.copies} == {"dc+sd-jwt", "vc+jwt"}
    assert len({copy.value.private for copy in await wallet.copies()}) == 2 * BATCH


async def test_the_same_invitation_twice_is_one_document(wallet: Wallet) -> None:
    first = await wallet.collect()
    name = await wallet.invite()
    again = await collect_and_look(wallet.means, wallet.vault, name, CODE)
    assert again.id == first.id
    assert len(await wallet.documents()) == 1


async def test_wrong_code_keeps_the_invitation_open(wallet: Wallet) -> None:
    name = await wallet.invite()
    with pytest.raises(InvalidGrant):
        await collect(wallet.means, wallet.vault, name, "00000000")
    with pytest.raises(Malformed):
        await collect(wallet.means, wallet.vault, name, "  ")
    assert (await collect(wallet.means, wallet.vault, name, CODE)).value.type == "representation"


async def test_a_used_invitation_is_refused(wallet: Wallet) -> None:
    name = await wallet.invite()
    wallet.world.office.codes.clear()
    with pytest.raises(InvalidGrant):
        await collect(wallet.means, wallet.vault, name, CODE)


async def test_unknown_sender_is_not_kept_until_it_is_trusted(wallet: Wallet) -> None:
    wallet.world.office.by = stranger()
    name = await wallet.invite()
    with pytest.raises(Untrusted):
        await collect(wallet.means, wallet.vault, name, CODE)
    assert await wallet.documents() == []
    trust = wallet.world.policy()
    trusted = replace(trust, anchors=replace(trust.anchors, anchors=(stranger().pin(),)))
    means = replace(wallet.means, trust=lambda: trusted)
    assert (await collect(means, wallet.vault, name, None)).value.issuer == ISSUER


async def test_a_grant_that_ran_out_asks_for_a_new_invitation(wallet: Wallet) -> None:
    wallet.world.office.by = stranger()
    name = await wallet.invite()
    with pytest.raises(Untrusted):
        await collect(wallet.means, wallet.vault, name, CODE)
    wallet.world.office.tokens.clear()
    with pytest.raises(InvalidToken):
        await collect(wallet.means, wallet.vault, name, CODE)


def hide_one_digest(wire: str) -> str:
    """Takes the last disclosure away: its digest stays, unexplained."""
    return wire.removesuffix("~").rpartition("~")[0] + "~"


def add_a_decoy(wire: str) -> str:
    payload = json.loads(_payload(wire))
    return resign(wire, _sd=[*payload.get("_sd", []), "A" * 43])


def _payload(wire: str) -> bytes:
    from shared.jose.jws import parse_jws

    return parse_jws(wire.split("~", 1)[0]).payload


@pytest.mark.parametrize("bend", [hide_one_digest, add_a_decoy])
async def test_unexplained_digest_refused_by_wallet(wallet: Wallet, bend: Callable[[str], str]) -> None:
    wallet.world.office.bend = bend
    await refused(wallet, BadDisclosure)


async def refused(wallet: Wallet, kind: type[VcError]) -> None:
    """Nothing is kept, the issuer is told, the history has a line, and the invitation is over."""
    name = await wallet.invite()
    with pytest.raises(kind):
        await collect(wallet.means, wallet.vault, name, CODE)
    assert await wallet.documents() == []
    assert await wallet.copies() == []
    assert [line["event"] for line in wallet.world.office.notified] == ["credential_failure"]
    (line,) = await wallet.lines()
    assert line.entry.transaction_result == "failed"
    assert line.entry.reason_of_noncompletion.startswith(kind.code)
    item = await wallet.storage.read(lambda tx: RECEIVING.get(tx, wallet.vault, name))
    assert isinstance(item.value.state, Declined)
    with pytest.raises(Refused):
        await collect(wallet.means, wallet.vault, name, CODE)


async def test_a_hidden_limit_is_refused(wallet: Wallet) -> None:
    wallet.world.office.bend = lambda wire: resign(wire, decision_rule=None, _sd=["B" * 43])
    await refused(wallet, Malformed)


async def test_a_signature_by_somebody_else_is_refused(wallet: Wallet) -> None:
    wallet.world.office.bend = lambda wire: resign(wire, by=replace(stranger(), x5c=wallet.world.office.by.x5c))
    await refused(wallet, BadSignature)


async def test_a_copy_for_another_key_is_refused(wallet: Wallet) -> None:
    office = wallet.world.office
    office.bend = lambda _: office.copy("dc+sd-jwt", Signer.new().public)
    await refused(wallet, NotBound)


async def test_two_copies_for_one_key_are_refused(wallet: Wallet) -> None:
    seen: list[str] = []

    def repeat(wire: str) -> str:
        seen.append(wire)
        return seen[0]

    wallet.world.office.bend = repeat
    await refused(wallet, NotBound)


async def test_a_copy_without_a_key_is_refused(wallet: Wallet) -> None:
    wallet.world.office.bend = lambda wire: resign(wire, cnf=None)
    await refused(wallet, NotBound)


async def test_an_unknown_type_is_refused_and_never_looked_up(wallet: Wallet) -> None:
    wallet.world.office.bend = lambda wire: resign(wire, vct="https://types.example/1")
    await refused(wallet, UnknownCredentialType)
    assert not [url for _, _, url in wallet.world.log if "types.example" in url]


async def test_copies_that_ran_out_are_refused(wallet: Wallet) -> None:
    wallet.world.office.bend = lambda wire: resign(wire, exp=wallet.world.clock() - 120)
    await refused(wallet, Expired)


async def test_copies_that_differ_are_refused(wallet: Wallet) -> None:
    office = wallet.world.office
    names = [f"Margaret{n}" for n in range(BATCH)]
    copy = office.copy

    def vary(name: str, holder: Any, **changes: Any) -> str:
        claims = {**CLAIMS, "represented": {**CLAIMS["represented"], "given_name": names.pop()}}
        return copy(name, holder, claims=claims, **changes)

    office.copy = vary  # type: ignore[method-assign] # an office that marks its copies
    await refused(wallet, Malformed)


async def test_a_holders_signature_by_the_issuer_is_refused(wallet: Wallet) -> None:
    wallet.world.office.bend = lambda wire: wire + wire.partition("~")[0]
    await refused(wallet, Malformed)


async def test_fewer_copies_than_asked_for_are_kept(wallet: Wallet) -> None:
    office = wallet.world.office
    usual = office.answer

    def two(fetch: Fetch) -> Fetched:
        del office.says["/credential"]
        answer = json.loads(usual(fetch).body)
        return _json({**answer, "credentials": answer["credentials"][:2]})

    office.says["/credential"] = two
    assert len((await wallet.collect()).value.copies) == 2


async def test_a_stale_nonce_is_tried_once_more(wallet: Wallet) -> None:
    office = wallet.world.office

    def forget(_: Fetch) -> Fetched:
        office.nonces.clear()
        del office.says["/credential"]
        return _json({"error": "invalid_nonce"}, 400)

    office.says["/credential"] = forget
    assert (await wallet.collect()).value.copies


async def test_the_issuer_needs_time(wallet: Wallet) -> None:
    """Where it does not say how it is asked again, the promise stands until the holder removes it: nothing is lost, nothing is kept."""
    wallet.world.office.says["/credential"] = lambda _: _json({"transaction_id": "t", "interval": 60}, 202)
    name = await wallet.invite()
    with pytest.raises(Unavailable):
        await collect(wallet.means, wallet.vault, name, CODE)
    item = await wallet.storage.read(lambda tx: RECEIVING.get(tx, wallet.vault, name))
    assert isinstance(item.value.state, Promised)
    assert await wallet.documents() == []


async def test_a_notification_that_does_not_arrive_is_sent_later(wallet: Wallet) -> None:
    wallet.world.down.add(f"{ISSUER}/notification")
    item = await wallet.collect()
    assert item.value.notice is not None
    wallet.world.down.clear()
    await wallet.upkeep()
    assert (await wallet.document()).notice is None
    assert [line["event"] for line in wallet.world.office.notified] == ["credential_accepted"]


async def test_what_was_noted_while_the_issuer_was_told_stands(wallet: Wallet) -> None:
    """The service looks at a new document by itself while its holder still collects it: she gets her document, and no conflict."""
    wallet.world.down.add(f"{ISSUER}/notification")
    before = await wallet.collect()
    wallet.world.down.clear()
    seen = msgspec.structs.replace(before.value, next_check_at=before.value.next_check_at + 1)
    await wallet.storage.write(lambda tx: DOCUMENTS.replace(tx, wallet.vault, before, seen, entropy=wallet.means.entropy))
    after = await send_notice(wallet.means, wallet.vault, before)
    assert after.value == await wallet.document() == msgspec.structs.replace(seen, notice=None)
    assert await send_notice(wallet.means, wallet.vault, before) == after


async def test_a_document_that_is_removed_while_the_issuer_is_told_stays_removed(wallet: Wallet) -> None:
    wallet.world.down.add(f"{ISSUER}/notification")
    before = await wallet.collect()
    wallet.world.down.clear()
    await wallet.storage.write(lambda tx: DOCUMENTS.drop(tx, wallet.vault, before.id))
    await send_notice(wallet.means, wallet.vault, before)
    assert await wallet.documents() == []


async def test_an_issuer_that_does_not_listen_loses_nothing(wallet: Wallet) -> None:
    wallet.world.office.says["/notification"] = lambda _: _json({"error": "invalid_notification_id"}, 400)
    assert (await wallet.collect()).value.notice is None


async def test_an_invitation_that_needs_a_sign_in_is_refused(wallet: Wallet) -> None:
    offer = CredentialOffer(issuer=ISSUER, configuration_ids=("poa-dc+sd-jwt",))
    with pytest.raises(Refused):
        await read_invitation(wallet.means, wallet.vault, offer_links(offer, f"{ISSUER}/offer").scheme)


async def test_an_unknown_kind_of_document_is_refused_at_once(wallet: Wallet) -> None:
    office = wallet.world.office
    usual = office.answer(Fetch(url=f"{ISSUER}/.well-known/openid-credential-issuer"))
    doc = json.loads(usual.body)
    doc["credential_configurations_supported"]["poa-dc+sd-jwt"]["vct"] = "urn:other"
    office.says["/.well-known/openid-credential-issuer"] = lambda _: _json(doc)
    with pytest.raises(Refused):
        await wallet.invite()


@pytest.mark.parametrize(
    "link",
    [
        "",
        "hello",
        "https://issuer.example/offer",
        "openid-credential-offer://?credential_offer=%7B%7D",
        "http://opg.example/offer?credential_offer_uri=http%3A%2F%2Fopg.example",
    ],
)
async def test_what_is_no_invitation_is_malformed(wallet: Wallet, link: str) -> None:
    with pytest.raises(Malformed):
        await read_invitation(wallet.means, wallet.vault, link)


async def test_status_is_looked_at_once_for_every_list_of_the_batch(wallet: Wallet) -> None:
    await wallet.collect()
    asked = sorted(url for _, _, url in wallet.world.log if "/status/" in url)
    assert asked == [LIST, LIST.replace("/1", "/2")]


async def test_keys_of_copies_are_their_own(wallet: Wallet) -> None:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    from shared.formats import formats

    await wallet.collect()
    for copy in await wallet.copies():
        peeked = formats()["dc+sd-jwt"].peek(formats()["dc+sd-jwt"].parse(copy.value.wire))
        own = PublicKey.of(load_der_private_key(copy.value.private, None).public_key())
        assert peeked.holder is not None
        assert thumbprint(peeked.holder) == thumbprint(own)


async def test_two_kinds_in_one_invitation_are_refused(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    wallet.world.office.formats = ("dc+sd-jwt", "vc+jwt")
    monkeypatch.setattr("wallet.batch.type_offered", lambda configuration, _attester: configuration.format)
    with pytest.raises(Refused):
        await wallet.invite()


async def test_entity_of_another_office_is_not_entitled(wallet: Wallet) -> None:
    """A trusted office cannot speak for another one."""
    wallet.world.office.bend = lambda wire: resign(wire, iss="https://other.example")
    name = await wallet.invite()
    with pytest.raises(VcError):
        await collect(wallet.means, wallet.vault, name, CODE)
    assert await wallet.documents() == []


async def test_a_document_of_a_removed_wallet_is_gone(wallet: Wallet) -> None:
    await wallet.collect()
    await wallet.doors.delete(wallet.vault.wallet, "correct horse battery staple")
    assert await wallet.documents() == []
    with pytest.raises(VcError):
        await wallet.doors.open("Nora Ashdown", "correct horse battery staple")


async def test_a_name_is_taken_once(wallet: Wallet) -> None:
    with pytest.raises(Conflict):
        await wallet.doors.make("  nora   ASHDOWN ", "another long passphrase")


def test_a_day_that_no_calendar_has_breaks_no_card() -> None:
    assert (iso_day(1_800_000_000), iso_day(2**53 - 1)) == ("2027-01-15", "9999-12-31")
