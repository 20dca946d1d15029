"""Parts of the phone's page by themselves, in a real Chromium: the vault, a new build, and all of it by keyboard alone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as Late
from support.pockets import Pocket, open_place, open_pocket
from support.wallets import PASSPHRASE, Site, serve_wallet
from support.world import BATCH

from wallet.pages.phone import PhonePages, Shell

pytestmark = pytest.mark.real


# --- the vault ---------------------------------------------------------------------------------------------------------------------------


_VAULT = """async (work) => {
  const base = document.querySelector('script[src*="phone/main.js"]').src.replace('phone/main.js', 'js/ovp/');
  const v = await import(base + 'vault.js');
  const refusal = async (ask) => { try { await ask(); return 'nothing'; } catch (error) { return error.name === 'VaultError' ? error.code : error.name; } };
  return (new Function('v', 'refusal', `return (async () => { ${work} })()`))(v, refusal);
}"""


async def _run(page: Page, work: str) -> Any:
    """Script against the vault's module. The page's policy forbids making functions of text, so it is put out of the way for this page."""
    return await page.evaluate(_VAULT, work)


async def test_the_vault_keeps_all_or_nothing_and_opens_with_its_own_passphrase(tmp_path: Path) -> None:
    async with serve_wallet(tmp_path / "wallet") as site, open_pocket(site, tmp_path / "profile", bypass_csp=True) as pocket:
        await pocket.open()
        told = await _run(
            pocket.page,
            """
            const said = {};
            said.before = await v.Vault.state('t');
            said.none = await refusal(() => v.Vault.open('t', { passphrase: 'long enough, this' }));
            said.short = await refusal(() => v.Vault.make('t', { passphrase: 'short' }));
            let vault = await v.Vault.make('t', { passphrase: 'long enough, this' });
            said.twice = await refusal(() => v.Vault.make('t', { passphrase: 'long enough, this' }));
            await vault.commit([{ shelf: 'a', id: '1', value: { x: [1, 'é', null] } }, { shelf: 'a', id: '2', value: new Uint8Array([7, 0, 9]) }]);
            vault.close();
            said.wrong = await refusal(() => v.Vault.open('t', { passphrase: 'long enough, that' }));
            said.door = await refusal(() => v.Vault.open('t', { passkey: true }));
            vault = await v.Vault.open('t', { passphrase: 'long enough, this' });
            said.json = (await vault.get('a', '1')).value;
            said.bytes = Array.from((await vault.get('a', '2')).value);
            said.all = (await vault.all('a')).map(({ id }) => id).sort();
            said.missing = await vault.get('b', '1');
            const { stamp } = await vault.get('a', '1');
            await vault.commit([{ shelf: 'a', id: '1', value: 'new', stamp }]);
            said.stale = await refusal(() => vault.commit([{ shelf: 'a', id: '3', value: 1 }, { shelf: 'a', id: '1', value: 'x', stamp }]));
            said.there = await refusal(() => vault.commit([{ shelf: 'a', id: '1', value: 'x', stamp: null }]));
            said.half = await vault.get('a', '3');
            said.now = (await vault.get('a', '1')).value;
            await vault.commit([{ shelf: 'a', id: '2' }]);
            said.left = (await vault.all('a')).map(({ id }) => id);
            const key = await vault.makeKey();
            const signer = await vault.openKey(key);
            said.extractable = signer.extractable;
            said.exported = await refusal(() => crypto.subtle.exportKey('pkcs8', signer));
            const other = await vault.makeKey();
            said.swapped = await refusal(() => vault.openKey({ jwk: key.jwk, wrapped: other.wrapped }));
            const open = await crypto.subtle.importKey('jwk', key.jwk, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify']);
            const how = { name: 'ECDSA', hash: 'SHA-256' };
            said.verified = await crypto.subtle.verify(how, open, await crypto.subtle.sign(how, signer, new Uint8Array(3)), new Uint8Array(3));
            vault.close();
            await v.Vault.change('t', { passphrase: 'long enough, this' }, { passphrase: 'another one altogether' });
            said.old = await refusal(() => v.Vault.open('t', { passphrase: 'long enough, this' }));
            vault = await v.Vault.open('t', { passphrase: 'another one altogether' });
            said.kept = (await vault.get('a', '1')).value;
            vault.close();
            await v.Vault.destroy('t');
            said.after = await v.Vault.state('t');
            return said;
            """,
        )
        assert told == {
            "before": "none",
            "none": "no_vault",
            "short": "RangeError",
            "twice": "exists",
            "wrong": "wrong_key",
            "door": "wrong_key",
            "json": {"x": [1, "é", None]},
            "bytes": [7, 0, 9],
            "all": ["1", "2"],
            "missing": None,
            "stale": "changed",
            "there": "changed",
            "half": None,
            "now": "new",
            "left": ["1"],
            "extractable": False,
            "exported": "InvalidAccessError",
            "swapped": "damaged",
            "verified": True,
            "old": "wrong_key",
            "kept": "new",
            "after": "none",
        }


async def test_what_lies_in_the_database_opens_only_where_it_was_put(tmp_path: Path) -> None:
    """Rows swapped, changed or cut are damage; nothing that is written tells names, ids or values."""
    async with serve_wallet(tmp_path / "wallet") as site, open_pocket(site, tmp_path / "profile", bypass_csp=True) as pocket:
        await pocket.open()
        told = await _run(
            pocket.page,
            """
            const vault = await v.Vault.make('t', { passphrase: 'long enough, this' });
            await vault.commit([{ shelf: 'secret-shelf', id: 'secret-id-1', value: 'secret value' }, { shelf: 'secret-shelf', id: 'secret-id-2', value: 2 }]);
            const db = await new Promise((done) => { indexedDB.open('muniment-t').onsuccess = (event) => done(event.target.result); });
            const items = (mode) => db.transaction('items', mode).objectStore('items');
            const rows = await new Promise((done) => { items('readonly').getAll().onsuccess = (event) => done(event.target.result); });
            const said = { sizes: rows.map(({ body }) => body.length) };
            const text = JSON.stringify(rows) + rows.map(({ body }) => String.fromCharCode(...body)).join('');
            said.told = ['secret-shelf', 'secret-id', 'secret value'].filter((each) => text.includes(each));
            const put = (row) => new Promise((done) => { items('readwrite').put(row).onsuccess = done; });
            await put({ ...rows[0], body: rows[1].body });
            said.swapped = await refusal(() => vault.all('secret-shelf'));
            await put(rows[0]);
            said.whole = (await vault.all('secret-shelf')).length;
            const bent = rows[0].body.slice();
            bent[20] ^= 1;
            await put({ ...rows[0], body: bent });
            said.bent = await refusal(() => vault.all('secret-shelf'));
            await put({ ...rows[0], body: rows[0].body.slice(0, 40) });
            said.cut = await refusal(() => vault.all('secret-shelf'));
            db.close();
            vault.close();
            await new Promise((done) => { indexedDB.deleteDatabase('muniment-t').onsuccess = done; });
            said.lost = await v.Vault.state('t');
            said.open = await refusal(() => v.Vault.open('t', { passphrase: 'long enough, this' }));
            return said;
            """,
        )
        assert told == {
            "sizes": [12 + 256 + 16] * 2,
            "told": [],
            "swapped": "damaged",
            "whole": 2,
            "bent": "damaged",
            "cut": "damaged",
            "lost": "lost",
            "open": "lost",
        }


# --- a new build -------------------------------------------------------------------------------------------------------------------------


def _pages(site: Site) -> PhonePages:
    owners = (getattr(route.handler, "__self__", None) for route in site.app.router.routes())
    return next(owner for owner in owners if isinstance(owner, PhonePages))


def _next(shell: Shell, build: str, *, missing: bool = False) -> Shell:
    worker = shell.worker.replace(shell.build, build)
    if missing:
        worker = worker.replace('"keep":[', '"keep":["/static/nothing/here.js",')
    return replace(shell, build=build, texts={name: text.replace(shell.build, build) for name, text in shell.texts.items()}, worker=worker)


async def _build_of(page: Page) -> str | None:
    return await page.locator('meta[name="muniment-build"]').get_attribute("content")


async def test_a_new_build_is_used_whole(tmp_path: Path) -> None:
    """A build of which a part is missing is never used; a whole one takes over while nothing is open, and works without a network."""
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await pocket.sign_in()
        await pocket.keep(place.document)
        pages = _pages(place.site)
        old = pages._shell
        assert old is not None
        pages._shell = _next(old, "broken000000", missing=True)
        await pocket.open()
        await pocket.wait("unlock")
        await _update(pocket)
        assert await _build_of(pocket.page) == old.build
        pages._shell = _next(old, "newer0000000")
        newer = pocket.page.locator('meta[name="muniment-build"][content="newer0000000"]')
        for _ in range(6):  # Chromium puts it off while the page before is at work: whoever opens it again finds the newer one
            await pocket.open()
            with suppress(Late):
                await newer.wait_for(state="attached")
                break
        await expect(newer).to_be_attached()
        await pocket.wait("unlock")
        await pocket.context.set_offline(offline=True)
        await pocket.open()
        await pocket.unlock()
        assert await _build_of(pocket.page) == "newer0000000"
        caches = await pocket.page.evaluate("() => caches.keys()")
        assert sorted(caches) == ["muniment-notes-phone", "muniment-phone-newer0000000"]


async def _update(pocket: Pocket) -> None:
    await pocket.page.evaluate(
        """async () => {
          const registration = await navigator.serviceWorker.getRegistration('/phone/');
          await registration.update().catch(() => undefined);
          const coming = registration.installing;
          if (coming && coming.state !== 'redundant') await new Promise((done) => coming.addEventListener('statechange', () => coming.state === 'redundant' && done()));
        }"""
    )
    pocket.forgive("status of 4")


# --- late and twice ---------------------------------------------------------------------------------------------------------------------


_GATE = """(() => {
  const asked = StorageManager.prototype.persisted;
  window.gate = Promise.resolve();
  StorageManager.prototype.persisted = async function () { window.waiting = true; await window.gate; return asked.call(this); };
})()"""


async def test_news_that_come_late_leave_what_was_opened_meanwhile(tmp_path: Path) -> None:
    """The documents are drawn anew when the network has told all: not over what the holder has opened since."""
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        page = pocket.page
        await page.add_init_script(_GATE)
        await pocket.sign_in()
        await pocket.keep(place.document)
        await page.evaluate("() => { window.waiting = false; window.gate = new Promise((open) => { window.open_gate = open; }); }")
        await page.evaluate("() => dispatchEvent(new Event('online'))")
        await page.wait_for_function("() => window.waiting")
        await page.get_by_role("button", name="Where did I show this?").click()
        await pocket.wait("history")
        await page.evaluate(
            "async () => { window.open_gate(); await navigator.storage.persisted(); await new Promise((done) => setTimeout(done)); }"
        )
        assert await page.locator("#view").get_attribute("data-view") == "history"


async def test_documents_drawn_anew_keep_the_focus(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        page = pocket.page
        await pocket.sign_in()
        await pocket.keep(place.document)
        button = page.locator("[data-do=remove]").first
        await button.focus()
        await button.evaluate("(old) => { old.dataset.old = 'yes'; dispatchEvent(new Event('online')); }")
        await expect(page.locator("[data-old]")).to_have_count(0)
        await expect(button).to_be_focused()


async def test_an_agreement_sent_twice_spends_one_copy(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        await pocket.sign_in()
        await pocket.keep(place.document)
        await pocket.paste(place.counter.ask())
        await pocket.wait("consent")
        await pocket.page.locator("form[data-form=consent]").evaluate("(form) => { form.requestSubmit(); form.requestSubmit(); }")
        await pocket.wait("frames")
        await pocket.press("Done")
        await pocket.wait("shown")
        await pocket.press("My documents")
        await pocket.uses(BATCH - 1)


# --- by keyboard alone -------------------------------------------------------------------------------------------------------------------


async def test_showing_by_keyboard_alone(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile") as pocket:
        page, keys = pocket.page, pocket.page.keyboard
        await pocket.sign_in()
        await pocket.keep(place.document)
        await pocket.press("Lock")
        await pocket.wait("unlock")
        await _tab_to(page, "#passphrase")
        await keys.type(PASSPHRASE)
        await keys.press("Enter")
        await pocket.wait("home")
        await _tab_to(page, "[data-do=scan]")
        await keys.press("Enter")
        await page.locator("details[data-ways][open]").wait_for()
        await _tab_to(page, "#pasted")
        await keys.insert_text(place.counter.ask())
        await _tab_to(page, "form[data-form=paste] button")
        await keys.press("Enter")
        await pocket.wait("consent")
        assert await page.evaluate("() => document.activeElement.tagName") == "H1"
        await _tab_to(page, "#optional-3")
        await keys.press("Space")
        await _tab_to(page, "form[data-form=consent] button[type=submit]")
        await keys.press("Enter")
        await pocket.wait("frames")
        claims = place.counter.judge_live(await pocket.read())
        assert claims.claims["represented"]["address"] == {"postal_code": "ZZ99 4CD"}
        await _tab_to(page, "[data-do=pause]")
        await keys.press("Space")
        await _tab_to(page, "[data-do=step]")
        await keys.press("Enter")
        await _tab_to(page, "[data-do=done]")
        await keys.press("Enter")
        await pocket.wait("shown")
        await _tab_to(page, "[data-do=home]")
        await keys.press("Enter")
        await pocket.wait("home")
        await pocket.uses(BATCH - 1)


async def _tab_to(page: Page, selector: str) -> None:
    for key in ("Tab", "Shift+Tab"):
        for _ in range(60):
            if await page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
                return
            await page.keyboard.press(key)
    raise AssertionError(f"no way to {selector} by keyboard")
