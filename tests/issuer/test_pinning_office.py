"""Whom an office trusts to vouch for wallets, changed at its pages by an admin alone."""

from __future__ import annotations

from pathlib import Path

from support.console import Browser, add
from support.federation import MINISTRY
from support.federations import justice
from support.registry import Registry

from shared.codec import base64url
from shared.trust.anchors import TrustAnchors, parse_trust
from shared.web.federation_pins import fingerprints

REALM = justice()
OWN, PIN = REALM[MINISTRY].itself().encode(), REALM.pin(MINISTRY)
PAGE = "/console/trust"


def pins(registry: Registry) -> TrustAnchors:
    file = Path(registry.office.directory) / "trust.json"
    return parse_trust(file.read_bytes()) if file.exists() else TrustAnchors()


async def test_an_admin_pins_and_removes(registry: Registry) -> None:
    browser = Browser(registry)
    await browser.sign_in()
    assert "Nobody is trusted here yet." in await browser.open(PAGE)
    await browser.open(f"{PAGE}/federation")
    seen = {"data": base64url.encode(OWN), "shown": fingerprints(PIN)[0], "name": "Ministry"}
    assert "What it calls itself" in await browser.send(f"{PAGE}/federation", seen)
    await browser.send(f"{PAGE}/federation", seen | {"step": "pin", "compared": "yes"})
    assert pins(registry).federation[0].keys == PIN.keys
    assert registry.office.makers.anchors().federation == pins(registry).federation
    assert "Ministry was added." in browser.text
    assert "Iris Admin" in browser.text
    await browser.open(f"{PAGE}/remove?anchor={MINISTRY}")
    await browser.send(f"{PAGE}/remove", {"anchor": MINISTRY})
    assert "Ministry was removed." in browser.text
    assert pins(registry) == TrustAnchors()


async def test_a_certificate_here_is_of_a_maker_of_wallets(registry: Registry) -> None:
    browser = Browser(registry)
    await browser.sign_in()
    assert "What does it do?" not in await browser.open(f"{PAGE}/certificate")
    anchor = (Path(registry.office.directory) / "anchor.pem").read_bytes()
    page = await browser.send(f"{PAGE}/certificate", {"data": base64url.encode(anchor)})
    fields = {name: value for name, value in browser.hidden().items() if name in {"data", "shown", "role", "step"}}
    assert "It makes wallets" in page
    await browser.send(f"{PAGE}/certificate", fields | {"name": "Wallets Ltd", "compared": "yes"})
    (pinned,) = pins(registry).anchors
    assert (pinned.role, pinned.name, pinned.entity) == ("wallet-provider", "Wallets Ltd", None)


async def test_an_approver_sees_none_of_it(registry: Registry) -> None:
    await add(registry, "Cara", "approver")
    browser = Browser(registry)
    await browser.sign_in("Cara", "correct-horse-battery")
    assert PAGE not in await browser.open("/console/settings")
    for path in (PAGE, f"{PAGE}/federation", f"{PAGE}/certificate", f"{PAGE}/remove"):
        await browser.open(path)
        assert browser.status == 403
    await browser.open("/console/settings")
    await browser.send(f"{PAGE}/federation", {"data": base64url.encode(OWN), "step": "pin", "compared": "yes", "name": "M"})
    assert browser.status == 403
    assert pins(registry) == TrustAnchors()
