"""Our wallet at our own issuer, both as they are, over HTTP on loopback: sign-in, approval, new copies, correction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.registry import LPA_1, Registry, Template, serving
from support.second_person import approve, send_back
from support.street import office
from support.strict_wallet import BACK, make_maker
from support.trial_verify import VCT
from support.wallets import Wallet, open_wallet
from support.world import World

from issuer import authorization, config
from issuer.app import one_round
from issuer.replace import replace as correct
from issuer.sessions import Actor
from shared.clock import DAY
from shared.credentials import all_types
from shared.errors import AccessDenied, InvalidClient, Unavailable
from shared.flow import Fetch, Fetched
from shared.keys import Role
from shared.oauth import parse_pushed_reference
from shared.openid4vci import AuthorizationCodeGrant, CredentialOffer, offer_links
from shared.private_file import write_whole
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.policy import Policy
from shared.urls import LOOPBACK
from shared.web.fetch import Fetcher
from shared.web.setup import read_anchor
from wallet import invite, sign_in
from wallet.sessions import Sent
from wallet.upkeep import collect_and_look, upkeep

BATCH = all_types()[VCT].batch_size


@dataclass
class Meeting:
    """A running issuer, and a wallet whose maker it knows."""

    registry: Registry
    wallet: Wallet

    async def leave(self, invitation: str) -> authorization.Pending:
        """To the issuer's page, as the holder's browser goes."""
        item = await sign_in.begin(self.wallet.means, self.wallet.vault, invitation, redirect_uri=BACK)
        assert isinstance(item.value.state, Sent)
        reference = parse_pushed_reference(item.value.state.url.partition("?")[2])
        return await authorization.begin(self.registry.office, reference.client_id, reference.request_uri)

    async def signed_in(self, *numbers: str) -> str:
        """Without an invitation: found by the address, chosen, and agreed to."""
        means, vault, url = self.wallet.means, self.wallet.vault, self.registry.url
        kinds = await invite.look_at(means, url)
        assert "representation" in kinds.titles
        item = await invite.choose(means, vault, url, "representation")
        address = await authorization.grant(self.registry.office, (await self.leave(item.id)).id, numbers)
        await sign_in.finish(means, vault, address)
        return item.id

    async def go(self, seconds: int) -> None:
        self.wallet.world.clock.at += seconds
        self.registry.clock.at += seconds
        await upkeep(self.wallet.means, self.wallet.vault)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(office(tmp_path_factory.mktemp("office") / "registry"))


@asynccontextmanager
async def meeting(template: Template, folder: Path, **settings: Any) -> AsyncIterator[Meeting]:
    async with serving(template, folder / "registry", local=True, **settings) as registry:
        world = World()
        world.clock.at = registry.clock.at
        maker = await make_maker(world.clock)
        write_whole(config.trust(registry.directory), render_trust(TrustAnchors(anchors=(maker.anchor,))))
        fetcher = Fetcher(allow=("localhost:*",))
        anchor = read_anchor(registry.directory / "anchor.pem", Role.CREDENTIAL_ISSUER, entity=registry.url)
        policy = Policy(TrustAnchors(anchors=(anchor,)))
        try:
            async with open_wallet(f"sqlite:///{folder}/wallet.db", world=world) as wallet:
                wallet.means = replace(wallet.means, fetch=fetcher, trust=lambda: policy, plain_http=LOOPBACK, attester=maker.attester)
                yield Meeting(registry, wallet)
        finally:
            await fetcher.close()


async def test_found_signed_in_collected_and_renewed(template: Template, tmp_path: Path) -> None:
    async with meeting(template, tmp_path) as here:
        number = (await here.registry.make())["id"]
        invitation = await here.signed_in(number)
        document = await collect_and_look(here.wallet.means, here.wallet.vault, invitation, None)
        offered = {each.format.name for each in here.registry.office.configurations.values()}
        assert set(document.value.configurations) == offered
        assert document.value.status.value == "valid"
        assert document.value.notice is None
        await here.go(21 * DAY)
        renewed = await here.wallet.document()
        assert renewed.renewal is not None
        assert renewed.renewal.problem == ""
        assert {copy.id for copy in renewed.copies}.isdisjoint(copy.id for copy in document.value.copies)
        _, detail = await here.registry.call("GET", f"/api/credentials/{number}")
        assert [line["what"] for line in detail["history"]][:2] == ["made", "collected"]


async def test_every_document_that_the_holder_chose_comes_and_is_renewed(template: Template, tmp_path: Path) -> None:
    """One grant, two documents, each in every form (OpenID4VCI section 6.2)."""
    async with meeting(template, tmp_path) as here:
        arthurs = LPA_1 | {"represented": LPA_1["represented"] | {"given_name": "Arthur"}}
        numbers = [(await here.registry.make(claims=claims))["id"] for claims in (LPA_1, arthurs)]
        await collect_and_look(here.wallet.means, here.wallet.vault, await here.signed_in(*numbers), None)
        before = [item.value for item in await here.wallet.documents()]
        await here.go(21 * DAY)
        after = [item.value for item in await here.wallet.documents()]
        for documents in (before, after):
            assert {each.claims["represented"]["given_name"] for each in documents} == {"Margaret", "Arthur"}
            assert {len(each.copies) for each in documents} == {BATCH * len(documents[0].configurations)}
            assert {each.renewal.problem for each in documents if each.renewal is not None} == {""}
        assert {copy.id for each in before for copy in each.copies}.isdisjoint(copy.id for each in after for copy in each.copies)


async def test_by_a_link_for_a_sign_in(template: Template, tmp_path: Path) -> None:
    async with meeting(template, tmp_path) as here:
        number = (await here.registry.make())["id"]
        grant = AuthorizationCodeGrant(issuer_state="state-of-the-issuer")
        offer = CredentialOffer(issuer=here.registry.url, configuration_ids=("representation-sd-jwt",), authorization_code=grant)
        item = await invite.read_invitation(here.wallet.means, here.wallet.vault, offer_links(offer, here.registry.url).scheme)
        pending = await here.leave(item.id)
        address = await authorization.grant(here.registry.office, pending.id, [number])
        await sign_in.finish(here.wallet.means, here.wallet.vault, address)
        document = await collect_and_look(here.wallet.means, here.wallet.vault, item.id, None)
        assert len(document.value.copies) == BATCH


async def test_the_holder_says_no(template: Template, tmp_path: Path) -> None:
    async with meeting(template, tmp_path) as here:
        item = await invite.choose(here.wallet.means, here.wallet.vault, here.registry.url, "representation")
        pending = await here.leave(item.id)
        address = await authorization.deny(here.registry.office, pending.id, AccessDenied("no"))
        with pytest.raises(AccessDenied):
            await sign_in.finish(here.wallet.means, here.wallet.vault, address)


async def test_a_second_person_approves_first(template: Template, tmp_path: Path) -> None:
    async with meeting(template, tmp_path, approve_types=("representation",)) as here:
        number = (await here.registry.make())["id"]
        invitation = await here.signed_in(number)
        with pytest.raises(Unavailable):
            await collect_and_look(here.wallet.means, here.wallet.vault, invitation, None)
        await here.go(600)
        assert await here.wallet.documents() == []
        await approve(here.registry.office, number)
        await here.go(1_200)
        document = await here.wallet.document()
        assert len(document.copies) == BATCH * len(document.configurations)


async def test_a_correction_comes_with_the_next_copies(template: Template, tmp_path: Path) -> None:
    async with meeting(template, tmp_path) as here:
        number = (await here.registry.make())["id"]
        invitation = await here.signed_in(number)
        await collect_and_look(here.wallet.means, here.wallet.vault, invitation, None)
        other = LPA_1 | {"powers": ["council-tax"]}
        await correct(here.registry.office, number, other, reason="wrong powers", actor=Actor(role="admin", name="Iris"))
        await one_round(here.registry.app)
        await here.go(3_600)  # the lists say that the copies are cancelled: whether there are others is asked once
        await here.go(1)
        document = await here.wallet.document()
        assert document.claims["powers"] == ["council-tax"]
        assert document.status.value == "valid"


IRIS = Actor(role="clerk", name="Iris")
LESS = LPA_1 | {"powers": ["council-tax"]}


@asynccontextmanager
async def corrected(template: Template, folder: Path) -> AsyncIterator[tuple[Meeting, str]]:
    """A document that was approved, collected and then corrected, and its wallet has seen that its copies are cancelled."""
    async with meeting(template, folder, approve_types=("representation",)) as here:
        number = (await here.registry.make())["id"]
        await approve(here.registry.office, number)
        await collect_and_look(here.wallet.means, here.wallet.vault, await here.signed_in(number), None)
        await correct(here.registry.office, number, LESS, reason="wrong powers", actor=IRIS)
        await one_round(here.registry.app)
        await here.go(3_600)
        yield here, number


async def arrives(here: Meeting, seconds: int = 600) -> None:
    """The next time that the wallet asks."""
    await here.go(seconds)
    document = await here.wallet.document()
    assert document.claims["powers"] == ["council-tax"]
    assert document.status.value != "invalid"


async def test_a_correction_may_wait_long_for_its_second_person(template: Template, tmp_path: Path) -> None:
    """The wallet asks for the same copies again, at the office's intervals, for as long as it takes."""
    async with corrected(template, tmp_path) as (here, number):
        for _ in range(20):
            await here.go(600)
        document = await here.wallet.document()
        row = await here.registry.office.storage.read(lambda tx: tx.fetchrow("SELECT count(*) AS n FROM deferral"))
        assert row is not None
        assert row["n"] == len(document.configurations)
        await approve(here.registry.office, number)
        await arrives(here)


async def test_a_correction_that_was_sent_back_and_corrected_arrives(template: Template, tmp_path: Path) -> None:
    async with corrected(template, tmp_path) as (here, number):
        await send_back(here.registry.office, number, "still wrong")
        for _ in range(3):
            await here.go(600)
        await correct(here.registry.office, number, LESS, reason="now right", actor=IRIS)
        await here.go(600)
        await approve(here.registry.office, number)
        await arrives(here)


async def test_a_correction_outlasts_a_hold(template: Template, tmp_path: Path) -> None:
    """Held back is not cancelled: the wallet goes on asking, once a day."""
    async with corrected(template, tmp_path) as (here, number):
        await here.registry.call("POST", f"/api/credentials/{number}/hold", {"reason": "investigation"})
        await here.go(600)
        await here.registry.call("POST", f"/api/credentials/{number}/reinstate", {"reason": "investigation-closed"})
        await approve(here.registry.office, number)
        await arrives(here, DAY)


async def test_a_document_that_was_cancelled_stays_so(template: Template, tmp_path: Path) -> None:
    async with meeting(template, tmp_path) as here:
        number = (await here.registry.make())["id"]
        await collect_and_look(here.wallet.means, here.wallet.vault, await here.signed_in(number), None)
        status, told = await here.registry.call("POST", f"/api/credentials/{number}/cancel", {"reason": "donor-died"})
        assert status == 200, told
        await one_round(here.registry.app)
        for _ in range(3):
            await here.go(7_200)
        document = await here.wallet.document()
        assert document.status.value == "invalid"
        assert document.renewal is not None
        assert (document.renewal.problem, document.renewal.cancelled) == ("", False)


async def test_of_two_documents_of_one_grant_that_which_was_cancelled_is(template: Template, tmp_path: Path) -> None:
    """The grant goes on for the other one, whose copies never take the place of these. What the office says of this one ends the hope for new ones."""
    async with meeting(template, tmp_path) as here:
        arthurs = LPA_1 | {"represented": LPA_1["represented"] | {"given_name": "Arthur"}}
        numbers = [(await here.registry.make(claims=claims))["id"] for claims in (LPA_1, arthurs)]
        await collect_and_look(here.wallet.means, here.wallet.vault, await here.signed_in(*numbers), None)
        await here.registry.call("POST", f"/api/credentials/{numbers[0]}/cancel", {"reason": "donor-died"})
        await one_round(here.registry.app)
        for _ in range(4):
            await here.go(7_200)
        documents = [item.value for item in await here.wallet.documents()]
        assert {each.claims["represented"]["given_name"]: each.standing for each in documents} == {"Margaret": "invalid", "Arthur": "valid"}


async def test_a_wallet_whose_maker_is_not_known(template: Template, tmp_path: Path) -> None:
    async with meeting(template, tmp_path) as here:
        stranger = await make_maker(here.wallet.world.clock)
        here.wallet.means = replace(here.wallet.means, attester=stranger.attester)
        item = await invite.choose(here.wallet.means, here.wallet.vault, here.registry.url, "representation")
        with pytest.raises(InvalidClient):
            await here.leave(item.id)


async def test_a_hold_costs_copies_of_one_form_and_no_document(template: Template, tmp_path: Path) -> None:
    """Lists of ``mso_mdoc`` know no hold: while it lasts all copies stand on hold, and once it ends the wallet fetches new ones."""
    async with meeting(template, tmp_path) as here:
        number = (await here.registry.make())["id"]
        await collect_and_look(here.wallet.means, here.wallet.vault, await here.signed_in(number), None)
        before = {copy.id for copy in (await here.wallet.document()).copies}
        status, _ = await here.registry.call("POST", f"/api/credentials/{number}/hold", {"reason": "investigation"})
        assert status == 200
        await one_round(here.registry.app)
        await here.go(3_600)
        assert (await here.wallet.document()).status.value == "suspended"
        status, _ = await here.registry.call("POST", f"/api/credentials/{number}/reinstate", {"reason": "investigation-closed"})
        assert status == 200
        await one_round(here.registry.app)
        await here.go(3_600)
        document = await here.wallet.document()
        assert document.status.value == "valid"
        assert {copy.id for copy in document.copies}.isdisjoint(before)


async def test_a_lost_answer_costs_no_renewal(template: Template, tmp_path: Path) -> None:
    """The refresh token went out and nothing came back: it is as good as before, and the next round brings new copies."""
    async with meeting(template, tmp_path) as here:
        number = (await here.registry.make())["id"]
        await collect_and_look(here.wallet.means, here.wallet.vault, await here.signed_in(number), None)
        before, through, lost = await here.wallet.document(), here.wallet.means.fetch, list[Fetch]()

        async def losing(want: Fetch) -> Fetched:
            got = await through(want)
            if want.url.endswith("/token") and got.status == 200 and not lost:
                lost.append(want)
                raise Unavailable("the answer was lost")
            return got

        here.wallet.means = replace(here.wallet.means, fetch=losing)
        await here.go(21 * DAY)
        for _ in range(3):
            await here.go(3_601)
        after = await here.wallet.document()
        assert len(lost) == 1
        assert after.renewal is not None
        assert (after.renewal.problem, after.status.value) == ("", "valid")
        assert {copy.id for copy in after.copies}.isdisjoint(copy.id for copy in before.copies)
        _, detail = await here.registry.call("GET", f"/api/credentials/{number}")
        assert "reuse-stopped" not in [line["what"] for line in detail["history"]]
