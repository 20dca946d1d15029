"""Whom a desk trusts, changed at its pages: nothing is pinned that a person has not seen and compared (security rule S17)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.clerk import Clerk
from support.desk import Template, copy_file, serving
from support.federation import COURTS, MINISTRY
from support.federations import justice
from support.ministry import Ministry
from support.rotated import rotated
from support.signing import Signer
from support.trial_verify import ISSUER, registry

from shared.errors import Unavailable
from shared.jose.jwk import thumbprint
from shared.storage import Tx
from shared.trust.anchors import TrustAnchors, parse_trust, render_trust
from shared.trust.chain import configuration_url
from shared.trust.missing import MissingAnchor
from shared.web import operators, own_trust, trust_file
from shared.web.federation_pins import fingerprints
from shared.web.missing_view import TrustLink
from shared.web.trust_pages import changes
from shared.x509 import render_pem

REALM = justice()
OWN = REALM[MINISTRY].itself().encode()
PIN = REALM.pin(MINISTRY)
MARK = fingerprints(PIN)[0]
ADD = "/desk/trust/federation"


@pytest.fixture
async def admin(template: Template, tmp_path: Path) -> AsyncIterator[Clerk]:
    async with serving(template, tmp_path / "desk", site=Ministry(realm=REALM), local=True) as desk:
        yield await Clerk(desk).sign_in()


def pins(clerk: Clerk) -> TrustAnchors:
    return parse_trust((clerk.desk.desk.directory / "trust.json").read_bytes())


def street(clerk: Clerk) -> Ministry:
    site = clerk.desk.site
    assert isinstance(site, Ministry)
    return site


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))


async def see(clerk: Clerk, *, status: int = 200, **fields: str) -> str:
    return await clerk.post(ADD, {"form_token": await clerk.token(ADD), **fields}, status=status)


async def test_a_federation_is_seen_compared_and_pinned(admin: Clerk) -> None:
    page = await see(admin, entity=MINISTRY)
    assert MARK in "".join(re.findall(r"<span>([^<]{1,4})</span>", page))
    assert pins(admin).federation == ()
    unsure = await admin.post(ADD, {**hidden(page), "name": "Ministry"}, status=400)
    assert "Compare the fingerprint first" in unsure
    assert pins(admin).federation == ()
    told = await admin.post(ADD, {**hidden(page), "name": "Ministry", "compared": "yes"})
    (pinned,) = pins(admin).federation
    assert (pinned.entity, pinned.keys, pinned.name) == (MINISTRY, PIN.keys, "Ministry")
    assert pins(admin).anchors[0].entity == ISSUER
    assert "Ministry was added." in told
    assert "Bea Clerk" in told
    again = await admin.post(ADD, {**hidden(page), "name": "Ministry", "compared": "yes"}, status=400)
    assert "trusted already" in again


async def test_the_fingerprint_that_was_told_decides(admin: Clerk) -> None:
    wrong = await see(admin, entity=MINISTRY, fingerprint=fingerprints(REALM.pin(COURTS))[0], status=400)
    assert "Another key is in use" in wrong
    assert MARK[:4] not in re.findall(r"<span>([^<]{1,4})</span>", wrong)
    page = await see(admin, entity=f"{MINISTRY}/", fingerprint=f" {MARK[:20]} {MARK[20:]} ")
    assert "that you entered" in page
    await admin.post(ADD, {**hidden(page), "name": "Ministry"})
    assert pins(admin).federation[0].keys == PIN.keys


async def test_whoever_answers_otherwise_in_between_is_not_pinned(admin: Clerk) -> None:
    """The key that a person saw is the key that is pinned, or none is."""
    page, other = await see(admin, entity=MINISTRY), justice()
    street(admin).said = other[MINISTRY].itself().encode()
    told = await admin.post(ADD, {**hidden(page), "name": "Ministry", "compared": "yes"}, status=400)
    assert "another fingerprint now" in told
    assert pins(admin).federation == ()
    street(admin).silent = True
    await admin.post(ADD, {**hidden(page), "name": "Ministry", "compared": "yes"}, status=400)
    assert pins(admin).federation == ()


async def test_every_key_that_is_pinned_was_shown(admin: Clerk) -> None:
    """Of an anchor whose key has changed: the next key too, and not the one before."""
    signs = Signer.new()
    street(admin).said, keys = rotated(REALM[MINISTRY], signs=signs)
    marks = [thumbprint(each.public) for each in keys]
    page = await see(admin, entity=MINISTRY, fingerprint=marks[0])
    shown = "".join(re.findall(r"<span>([^<]{1,4})</span>", page))
    assert [each in shown for each in (*marks, MARK)] == [True, True, False]
    assert "Fingerprint of its next key" in page
    street(admin).said, last = rotated(REALM[MINISTRY], signs=signs)  # by the same key, with another next one
    assert "another fingerprint now" in await admin.post(ADD, {**hidden(page), "name": "Ministry"}, status=400)
    assert pins(admin).federation == ()
    page = await see(admin, entity=MINISTRY, fingerprint=thumbprint(last[0].public))
    await admin.post(ADD, {**hidden(page), "name": "Ministry"})
    assert pins(admin).federation[0].keys == last


async def test_a_file_is_pinned_without_asking_anybody(admin: Clerk) -> None:
    page = await admin.upload(ADD, OWN, "ministry.jwt")
    await admin.post(ADD, {**hidden(page), "name": "Ministry", "compared": "yes"})
    assert pins(admin).federation[0].keys == PIN.keys
    assert configuration_url(MINISTRY) not in street(admin).asked
    page = await admin.upload(ADD, b"nothing", "x", status=400)
    assert "holds no anchor" in page


async def test_a_link_fills_in_and_does_nothing_more(admin: Clerk) -> None:
    page = await admin.get(f"{ADD}?entity={MINISTRY}")
    assert f'value="{MINISTRY}"' in page
    assert "Ask it which federation" in await admin.get(f"{ADD}?body={COURTS}")
    assert "CN=Somebody" in await admin.get("/desk/trust/certificate?authority=CN%3DSomebody")
    assert configuration_url(MINISTRY) not in street(admin).asked
    assert pins(admin).federation == ()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"entity": "ministry"},
        {"entity": "http://inside.example"},
        {"entity": "javascript:alert(1)"},
        {"entity": COURTS},
        {"data": "!"},
        {"data": "AAAA"},
    ],
)
async def test_mistakes_are_told_beside_their_fields(admin: Clerk, fields: dict[str, str]) -> None:
    assert "There is a problem" in await see(admin, status=400, **fields)
    assert pins(admin).federation == ()


async def test_a_certificate_is_seen_compared_and_pinned(admin: Clerk) -> None:
    where, before = "/desk/trust/certificate", pins(admin)
    (admin.desk.desk.directory / "trust.json").write_bytes(render_trust(TrustAnchors()))
    pem = render_pem(registry().certificate.der).encode()
    for told in (
        await admin.upload(where, b"nothing", "x.pem", status=400, role="credential-issuer"),
        await admin.upload(where, pem, "x.pem", status=400),
        await admin.upload(where, pem, "x.pem", status=400, role="wallet-provider"),
        await admin.upload(where, pem, "x.pem", status=400, role="credential-issuer", site="registry"),
        await admin.upload(where, pem, "x.pem", status=400, role="credential-issuer", fingerprint="00"),
        await admin.post(where, {"form_token": await admin.token(where)}, status=400),
    ):
        assert "There is a problem" in told
    page = await admin.upload(where, pem, "x.pem", role="credential-issuer", site=ISSUER)
    assert pins(admin) == TrustAnchors()
    await admin.post(where, {**hidden(page), "name": before.anchors[0].name, "compared": "yes"})
    assert pins(admin).anchors == before.anchors
    await admin.post(where, {**hidden(page), "name": "x" * 121, "compared": "yes"}, status=400)


async def test_who_is_removed_is_named_first(admin: Clerk) -> None:
    named = pins(admin).anchors[0]
    page = await admin.get(f"/desk/trust/remove?anchor={named.fingerprint}")
    assert named.name in page
    assert pins(admin).anchors
    told = await admin.post("/desk/trust/remove", hidden(page))
    assert pins(admin).anchors == ()
    assert f"{named.name} was removed." in told
    async with admin.desk.http.get(f"{admin.desk.base}/desk/trust/remove?anchor={named.fingerprint}") as answer:
        assert answer.status == 404


async def test_nobody_is_trusted_or_removed_without_a_line_in_the_history(admin: Clerk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever the service stops: the line is there before the file changes. What is refused leaves none."""
    storage, before = admin.desk.desk.storage, pins(admin)
    page = await see(admin, entity=MINISTRY)
    fields = {**hidden(page), "name": "Ministry", "compared": "yes"}

    async def lines() -> list[tuple[str, str]]:
        return [(each.kind, each.reason) for each in await storage.read(changes)]

    async def stopped(*_: object, **__: object) -> None:
        raise Unavailable("stopped while it noted")

    with monkeypatch.context() as patch:
        patch.setattr(own_trust, "note", stopped)
        await admin.post(ADD, fields, status=503)
        assert (pins(admin), await lines()) == (before, [])
        await admin.post("/desk/trust/remove", {**hidden(page), "anchor": before.anchors[0].fingerprint}, status=503)
        assert (pins(admin), await lines()) == (before, [])

    def write(*_: object) -> None:
        raise OSError(28, "no room")

    with monkeypatch.context() as patch:
        patch.setattr(trust_file, "write_whole", write)
        await admin.post(ADD, fields, status=500)
    assert (pins(admin), await lines()) == (before, [("pinned", "Ministry")])
    await admin.post(ADD, fields)
    assert len(pins(admin).federation) == 1
    await admin.post(ADD, fields, status=400)
    await admin.post("/desk/trust/remove", {**hidden(page), "anchor": "nobody"}, status=404)
    assert await lines() == [("pinned", "Ministry")] * 2


async def test_nobody_but_an_admin_changes_it(admin: Clerk) -> None:
    token = await admin.token(ADD)

    async def demote(tx: Tx) -> None:
        found = await operators.find(tx, "Bea Clerk")
        assert found is not None
        await tx.execute("UPDATE operator SET role = 'clerk' WHERE id = $1", found.id)

    await admin.desk.desk.storage.write(demote)
    assert "/desk/trust/federation" not in await admin.get("/desk/trust")
    for path in ("federation", "certificate", "remove"):
        async with admin.desk.http.get(f"{admin.desk.base}/desk/trust/{path}") as answer:
            assert answer.status == 403
        await admin.post(f"/desk/trust/{path}", {"form_token": token, "entity": MINISTRY, "anchor": MINISTRY}, status=403)


async def test_a_form_from_elsewhere_pins_nobody(admin: Clerk) -> None:
    page = await see(admin, entity=MINISTRY)
    fields = {**hidden(page), "name": "Ministry", "compared": "yes"}
    await admin.post(ADD, fields | {"form_token": "another"}, status=403)
    async with admin.desk.http.post(admin.desk.base + ADD, data=fields, headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status == 403
    assert pins(admin).federation == ()


async def test_a_refusal_names_whom_one_would_have_to_trust(admin: Clerk) -> None:
    (admin.desk.desk.directory / "trust.json").write_bytes(render_trust(TrustAnchors()))
    page = await admin.bring(copy_file())
    assert "certified by an authority that nobody here trusts" in page
    found = re.search(r'href="(/desk/trust/certificate\?authority=[^"]+)"', page)
    assert found is not None
    assert "What was refused was by this authority" in await admin.get(found[1])
    assert pins(admin) == TrustAnchors()


def test_a_link_leads_to_the_form_that_fits() -> None:
    async def never(_: object) -> bool:
        return False

    link = TrustLink("/desk/trust", never)
    assert link.to(MissingAnchor(entity=MINISTRY)) == "/desk/trust/federation?entity=https%3A%2F%2Fjustice.example"
    assert link.to(MissingAnchor(body=COURTS)).startswith("/desk/trust/federation?body=")
    assert link.to(MissingAnchor(authority="CN=A&B")) == "/desk/trust/certificate?authority=CN%3DA%26B"
