"""The phone without a network: cold starts, cameras, lost storage, and what a copied disk and the issuer's log give away (S12, S21)."""

from __future__ import annotations

import base64
import itertools
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from support.airplane import DONOR, KIND
from support.pockets import LARGE, Place, Pocket, open_place, open_pocket, seen_by_camera
from support.registrars import REGISTRAR, RegisteredCounter
from support.wallets import PASSPHRASE
from support.world import BATCH

from shared.status.assertion import parse_assertion
from shared.trust.relying_party import Want
from wallet.phone import look_after

pytestmark = pytest.mark.real


async def kept(pocket: Pocket, place: Place) -> None:
    """Signed in, with the document kept on this phone."""
    await pocket.sign_in()
    await pocket.keep(place.document)


# --- airplane mode -----------------------------------------------------------------------------------------------------------------------


async def test_a_desk_of_whoever_a_registrar_registered(tmp_path: Path) -> None:
    """T-FC-1 and T-OA-1 at the phone, over a federation: the page checks the registrar's certificate by itself."""
    async with open_place(tmp_path / "wallet", made=RegisteredCounter) as place:
        await place.site.open()
        status, told = await place.site.call("GET", "/phone/api/register")
        assert status == 200
        assert [(each["registrar"], each["countries"]) for each in told["anchors"] if each["registrar"]] == [(REGISTRAR, ["GB"])]
        async with open_pocket(place.site, tmp_path / "profile") as pocket:
            await kept(pocket, place)
            await pocket.context.set_offline(offline=True)
            pocket.cut_off()
            for text in (place.counter.ask(use="marketing"), place.counter.ask(wants=[Want(vct=KIND.vct_int, required=(DONOR, 2))])):
                await pocket.paste(text)
                await pocket.wait("refused")
                await pocket.press("My documents")
                await pocket.wait("home")
            await pocket.paste(place.counter.ask())
            await pocket.wait("consent")
            await pocket.page.get_by_text("To talk to you about Margaret’s council tax").first.wait_for()
            claims = place.counter.judge_live(await pocket.agree())
            assert claims.claims["proxy"]["family_name"] == "Ashdown"


async def test_cold_start_with_the_service_gone(tmp_path: Path) -> None:
    """The browser is closed, the service stops, the network goes; then the document is shown, and printed, and nothing is asked for."""
    async with open_place(tmp_path / "wallet") as place:
        async with open_pocket(place.site, tmp_path / "profile") as pocket:
            await kept(pocket, place)
        await place.site.stop()
        asked = len(place.world.log)
        async with open_pocket(place.site, tmp_path / "profile") as pocket:
            await pocket.context.set_offline(offline=True)
            await pocket.open()
            await pocket.unlock()
            await pocket.page.get_by_text("There is no network").wait_for()
            pocket.cut_off()
            await pocket.look("home-offline")
            await pocket.paste(place.counter.ask())
            await pocket.wait("consent")
            claims = place.counter.judge_live(await pocket.agree())
            assert claims.claims["proxy"]["family_name"] == "Ashdown"
            await pocket.press("Done")
            await pocket.wait("shown")
            await pocket.press("My documents")
            await pocket.wait("home")
            await pocket.uses(BATCH - 1)
            await pocket.page.get_by_text("Not yet in your wallet’s history").wait_for()
            await pocket.page.get_by_role("button", name="Print a copy").click()
            await pocket.page.get_by_label("Organisation").select_option(index=1)
            await pocket.page.get_by_label("Why they ask").select_option(index=1)
            await pocket.press("Continue")
            await pocket.wait("consent")
            await pocket.press("Show once")
            await pocket.wait("printed")
            pocket.cut_off()
            await pocket.look("printed-offline")
            assert all(url.startswith((place.site.base, "data:", "blob:")) for url in pocket.asked)
        assert len(place.world.log) == asked


async def test_a_camera_reads_the_desks_code(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place:
        async with open_pocket(place.site, tmp_path / "profile") as pocket:
            await kept(pocket, place)
        seen = seen_by_camera(place.counter.ask())
        async with open_pocket(place.site, tmp_path / "profile", camera=seen, allow=["camera"]) as pocket:
            await pocket.open()
            await pocket.unlock()
            await pocket.press("Show at a desk")
            await pocket.wait("consent")
            claims = place.counter.judge_live(await pocket.agree())
            assert claims.claims["represented"]["given_name"] == "Margaret"
            await expect(pocket.page.locator("video")).to_have_count(0)
            await pocket.watched.check()


async def test_a_desk_whose_list_is_old_gets_what_the_office_said_last(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await kept(pocket, place)
        for vault in place.site.host.unlocked.vaults():
            await look_after(place.site.host.means, vault)
        await pocket.open()
        await pocket.unlock()
        await pocket.renewed()
        await pocket.paste(place.counter.ask(staple=True))
        await pocket.wait("consent")
        content = await pocket.agree()
        (staple,) = place.counter.parse_live(content).staples
        assert parse_assertion(staple).status == 0
        place.counter.judge_live(content)


async def test_what_the_camera_may_be_pointed_at_for_a_while(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place:
        seen = seen_by_camera("HELLO WORLD")
        async with open_pocket(place.site, tmp_path / "profile", camera=seen, allow=["camera"], size=LARGE) as pocket:
            await kept(pocket, place)
            await pocket.press("Show at a desk")
            await pocket.page.get_by_text("Hold it steady").wait_for()
            await pocket.look("scanning")
            await pocket.press("My documents")
            await pocket.wait("home")


async def test_a_camera_that_is_denied(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile", fake=True) as pocket:
        await kept(pocket, place)
        await pocket.press("Show at a desk")
        await pocket.page.get_by_text("The camera is switched off for this page").wait_for()
        await pocket.look("scan-denied")


async def test_still_squares_for_people_who_want_no_motion(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile", reduced_motion="reduce") as pocket:
        await kept(pocket, place)
        await pocket.paste(place.counter.ask())
        await pocket.wait("consent")
        content = await pocket.agree()
        place.counter.judge_live(content)
        before = await pocket.page.locator("canvas").screenshot()
        await pocket.page.wait_for_timeout(1_000)
        assert await pocket.page.locator("canvas").screenshot() == before
        await pocket.bigger()
        await pocket.press("Next square")
        await pocket.page.get_by_text("Paused at piece 2").first.wait_for()
        await pocket.look("frames-still")


async def test_squares_grow_by_themselves_and_stay_white_in_the_dark(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile", color_scheme="dark") as pocket:
        await kept(pocket, place)
        await pocket.look("home-dark")
        await pocket.paste(place.counter.ask())
        await pocket.wait("consent")
        await pocket.look("consent-dark")
        await pocket.press("Show once")
        await pocket.wait("frames")
        assert await pocket.page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        await pocket.page.get_by_role("button", name="Smaller squares").wait_for()
        place.counter.judge_live(await pocket.read())
        await pocket.look("frames-dark")
        await pocket.press("Done")
        await pocket.wait("shown")
        assert await pocket.page.evaluate("() => getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"


async def test_a_copy_is_gone_before_it_is_shown(tmp_path: Path) -> None:
    """The page is torn away while the squares are shown: the copy is spent, its key is gone, and the showing is in the history."""
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await kept(pocket, place)
        await pocket.paste(place.counter.ask())
        await pocket.wait("consent")
        await pocket.press("Show once")
        await pocket.wait("frames")
        await pocket.page.reload()
        await pocket.unlock()
        await pocket.uses(BATCH - 1)
        await pocket.page.get_by_role("button", name="Where did I show this?").click()
        await pocket.showings(1)


async def test_when_no_use_is_left(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await kept(pocket, place)
        for left in reversed(range(BATCH)):
            await pocket.paste(place.counter.ask())
            await pocket.wait("consent")
            await pocket.press("Show once")
            await pocket.wait("frames")
            await pocket.press("Done")
            await pocket.wait("shown")
            if not left:
                await pocket.look("shown-last")
            await pocket.press("My documents")
            await pocket.wait("home")
            await pocket.uses(left)
        await pocket.paste(place.counter.ask())
        await pocket.page.get_by_role("heading", name="No use is left on this phone").wait_for()
        await pocket.look("spent")


async def test_news_that_is_a_week_old_and_a_register_that_has_run_out(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await kept(pocket, place)
        await pocket.context.set_offline(offline=True)
        await pocket.go(8)
        await pocket.open()
        await pocket.unlock()
        await pocket.page.get_by_text("no news for more than a week").wait_for()
        pocket.cut_off()
        await pocket.look("home-stale")
        await pocket.go(24)
        await pocket.open()
        await pocket.unlock()
        await pocket.paste(place.counter.ask(certificate=place.counter.certificate()))
        await pocket.page.get_by_role("heading", name="too old for this desk").wait_for()
        pocket.cut_off()
        await pocket.look("refused-old-register")


# --- what a copied disk gives away -------------------------------------------------------------------------------------------------------


_KEYS = """async () => {
  const { Vault } = await import(document.querySelector('script[src*="phone/main.js"]').src.replace('phone/main.js', 'js/ovp/vault.js'));
  const generate = crypto.subtle.generateKey.bind(crypto.subtle);
  window.scalars = [];
  crypto.subtle.generateKey = async (how, extractable, uses) => {
    const pair = await generate(how, extractable, uses);
    if (how.name === 'ECDSA') window.scalars.push((await crypto.subtle.exportKey('jwk', pair.privateKey)).d);
    return pair;
  };
  return typeof Vault.open;
}"""


async def test_profile_disk_has_no_private_scalar(tmp_path: Path) -> None:
    """S12: neither raw nor as text, in no file of the profile, after keeping, showing, locking and closing. Nor is anything that the document says."""
    async with open_place(tmp_path / "wallet") as place:
        async with open_pocket(place.site, tmp_path / "profile") as pocket:
            await pocket.sign_in()
            await pocket.open(f"/phone/#keep/{place.document}")
            await pocket.wait("keep")
            assert await pocket.page.evaluate(_KEYS) == "function"
            await pocket.page.locator("#new_passphrase").fill(PASSPHRASE)
            await pocket.page.locator("#repeat").fill(PASSPHRASE)
            await pocket.press("Keep on this phone")
            await pocket.wait("kept")
            scalars: list[str] = await pocket.page.evaluate("() => window.scalars")
            await pocket.press("Go to my documents")
            await pocket.paste(place.counter.ask())
            await pocket.wait("consent")
            await pocket.press("Show once")
            await pocket.wait("frames")
            await pocket.press("Done")
            await pocket.wait("shown")
            await pocket.press("Lock")
            await pocket.wait("unlock")
        assert len(scalars) == BATCH
        found = list(_search(tmp_path / "profile", scalars))
        assert found == []


def _search(folder: Path, scalars: list[str]) -> Any:
    """Every file that holds a scalar, in any of the forms in which software writes one; or the passphrase, or the donor's postcode."""
    needles = {PASSPHRASE.encode(), b"ZZ99 4CD", "ZZ99 4CD".encode("utf-16-le")}
    for text in scalars:
        raw = base64.urlsafe_b64decode(text + "=")
        needles |= {raw, raw[::-1], text.encode(), raw.hex().encode(), base64.b64encode(raw)}
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any("IndexedDB" in str(path) for path in files)
    for path, needle in itertools.product(files, needles):
        if needle in path.read_bytes():
            yield path, needle


async def test_a_passkey_locks_the_documents(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        devtools = await pocket.context.new_cdp_session(pocket.page)
        await devtools.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": True, "hasPrf": True}
        options |= {"hasUserVerification": True, "isUserVerified": True}
        made = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        await pocket.sign_in()
        await pocket.open(f"/phone/#keep/{place.document}")
        await pocket.wait("keep")
        await pocket.page.get_by_label("As I unlock this device").check()
        await pocket.look("keep-passkey")
        await pocket.press("Keep on this phone")
        await pocket.wait("kept")
        await pocket.press("Lock")
        await pocket.wait("unlock")
        await pocket.look("unlock-passkey")
        await pocket.press("Unlock")
        await pocket.wait("home")
        await pocket.uses(BATCH)
        await pocket.press("Lock")
        await pocket.wait("unlock")
        await devtools.send("WebAuthn.setUserVerified", {"authenticatorId": made["authenticatorId"], "isUserVerified": False})
        await pocket.press("Unlock")
        await pocket.page.get_by_text("Your device did not unlock them").wait_for()
        await pocket.look("unlock-passkey-refused")


# --- lost, evicted, taken off ------------------------------------------------------------------------------------------------------------


async def test_evicted_storage_recovers_by_reissue(tmp_path: Path) -> None:
    """S12: the browser threw everything away; the page says so, the issuer hears of the lost copies, and new ones come."""
    office_heard = "credential_deleted"
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await kept(pocket, place)
        await _evict(pocket)
        await pocket.open()
        await pocket.wait("lost")
        await pocket.look("lost")
        await pocket.press("Get new copies")
        await pocket.wait("recovered")
        await pocket.look("recovered")
        assert place.world.office.notified[-1]["event"] == office_heard
        await pocket.page.get_by_role("button", name="Keep on this phone").click()
        await pocket.wait("keep")
        await pocket.page.locator("#new_passphrase").fill("another passphrase")
        await pocket.page.locator("#repeat").fill("another passphrase")
        await pocket.press("Keep on this phone")
        await pocket.wait("kept")
        await pocket.press("Go to my documents")
        await pocket.uses(BATCH)
        assert [one["event"] for one in place.world.office.notified].count(office_heard) == 1
        status, state = await place.site.call("GET", f"/phone/api/state?phone={'0' * 32}")
        assert status == 200
        assert len(state["batches"]) == 1


async def _evict(pocket: Pocket) -> None:
    """What Chromium does when space runs low: databases and caches of the site go."""
    await pocket.open("/health")
    await pocket.page.evaluate(
        """async () => {
          for (const { name } of await indexedDB.databases()) await new Promise((done) => { indexedDB.deleteDatabase(name).onsuccess = done; });
          for (const name of await caches.keys()) await caches.delete(name);
        }"""
    )


async def test_taking_everything_off_without_a_network_is_told_later(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await kept(pocket, place)
        await pocket.press("Lock")
        await pocket.wait("unlock")
        await pocket.context.set_offline(offline=True)
        await pocket.page.get_by_role("button", name="I cannot unlock it any more").click()
        await pocket.wait("forget")
        await pocket.press("Delete everything here")
        await pocket.wait("empty")
        pocket.cut_off()
        await pocket.look("empty-offline")
        assert "credential_deleted" not in {one["event"] for one in place.world.office.notified}
        await pocket.context.set_offline(offline=False)
        await pocket.open()
        await pocket.page.get_by_role("button", name="Keep on this phone").wait_for()
        assert place.world.office.notified[-1]["event"] == "credential_deleted"


async def test_one_document_is_taken_off(tmp_path: Path) -> None:
    """Not by one press: copies that were printed go on hold with the others, and the page says so first."""
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await kept(pocket, place)
        await pocket.page.get_by_role("button", name="Take off this phone").click()
        await pocket.wait("remove")
        await pocket.page.get_by_text("those that you printed here as well").wait_for()
        await pocket.look("remove")
        await pocket.press("Keep it")
        await pocket.wait("home")
        assert place.world.office.notified[-1]["event"] == "credential_accepted"
        await pocket.page.get_by_role("button", name="Take off this phone").click()
        await pocket.wait("remove")
        await pocket.press("Take off this phone")
        await pocket.wait("empty")
        assert place.world.office.notified[-1]["event"] == "credential_deleted"


# --- new copies --------------------------------------------------------------------------------------------------------------------------


async def test_refill_independent_of_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S21: two phones live the same days; one shows its document five times, the other never. The issuer's log is the same."""
    monkeypatch.setattr("wallet.app.UPKEEP_EVERY", 1e6)  # what the service does by itself goes by another clock
    logs = []
    for shows in (0, 5):
        async with (
            open_place(tmp_path / f"wallet-{shows}") as place,
            open_pocket(place.site, tmp_path / f"profile-{shows}") as pocket,
        ):
            await kept(pocket, place)
            start = len(place.world.log)
            for _ in range(shows):
                await pocket.paste(place.counter.ask())
                await pocket.wait("consent")
                await pocket.press("Show once")
                await pocket.wait("frames")
                await pocket.press("Done")
                await pocket.press("My documents")
                await pocket.wait("home")
            for days in (5, 10, 10):
                await pocket.go(days)
                await pocket.sign_in_again()
                await pocket.open()
                await pocket.unlock()
                await pocket.renewed()
            await pocket.uses(BATCH)
            logs.append([(method, url) for _, method, url in place.world.log[start:]])
    assert logs[0] == logs[1]
    assert any(url.endswith("/credential") for _, url in logs[0])


async def test_new_copies_by_hand_say_what_that_tells(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await kept(pocket, place)
        await pocket.paste(place.counter.ask())
        await pocket.wait("consent")
        await pocket.press("Show once")
        await pocket.press("Done")
        await pocket.press("My documents")
        await pocket.wait("home")
        await pocket.page.get_by_role("button", name="Get new copies now").click()
        await pocket.page.get_by_text("might guess why").wait_for()
        await pocket.look("keep-again")
        await pocket.press("Keep on this phone")
        await pocket.wait("kept")
        await pocket.press("Go to my documents")
        await pocket.uses(BATCH)


async def test_the_history_reaches_the_wallet_with_the_next_network(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await kept(pocket, place)
        await pocket.context.set_offline(offline=True)
        await pocket.paste(place.counter.ask())
        await pocket.wait("consent")
        await pocket.press("Show once")
        await pocket.wait("frames")
        await pocket.press("Done")
        await pocket.wait("shown")
        _, before = await place.site.call("GET", "/api/history")
        await pocket.context.set_offline(offline=False)
        await pocket.open()
        await pocket.unlock()
        await pocket.renewed()
        _, after = await place.site.call("GET", "/api/history")
        assert len(after["entries"]) == len(before["entries"]) + 1
        (entry, *_) = after["entries"]
        assert entry["interactingPartyName"] == "Anytown Borough Council"
        assert entry["level"] == 3
        assert entry["listOfClaimsPresented"][0]["claims"] == ["group:donor-name", "group:attorney-name"]


async def test_a_broken_connection_is_taken_up_where_it_broke(tmp_path: Path) -> None:
    """The office had answered and the phone never heard: the same copies come, for the keys that the phone had made."""
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await pocket.sign_in()
        await pocket.page.route("**/phone/api/batches/*/copies", _answer_is_lost)
        await pocket.open(f"/phone/#keep/{place.document}")
        await pocket.wait("keep")
        await pocket.page.locator("#new_passphrase").fill(PASSPHRASE)
        await pocket.page.locator("#repeat").fill(PASSPHRASE)
        await pocket.press("Keep on this phone")
        await pocket.wait("keep-failed")
        issued = place.world.office.issued
        await pocket.page.unroute("**/phone/api/batches/*/copies")
        pocket.forgive("ERR_FAILED")
        await pocket.press("Try again")
        await pocket.wait("kept")
        assert place.world.office.issued == issued
        await pocket.press("Go to my documents")
        await pocket.uses(BATCH)


async def _answer_is_lost(route: Any) -> None:
    await route.fetch()
    await route.abort()


async def test_a_copy_for_another_key_is_refused_by_the_page(tmp_path: Path) -> None:
    """S12: the page does not believe its service."""
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await pocket.sign_in()
        held: dict[str, Any] = {}

        async def swap(route: Any) -> None:
            answer = await route.fetch()
            told = await answer.json()
            told["copies"][0] = told["copies"][1]
            held["told"] = told
            await route.fulfill(response=answer, json=told)

        await pocket.page.route("**/phone/api/batches/*/copies", swap)
        await pocket.open(f"/phone/#keep/{place.document}")
        await pocket.wait("keep")
        await pocket.page.locator("#new_passphrase").fill(PASSPHRASE)
        await pocket.page.locator("#repeat").fill(PASSPHRASE)
        await pocket.press("Keep on this phone")
        await pocket.wait("keep-failed")
        await pocket.page.get_by_text("not_bound").wait_for()
        assert place.world.office.notified[-1]["event"] == "credential_failure"
        assert held
