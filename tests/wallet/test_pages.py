"""The pages without a browser: what is refused, what is said, and that no form works from another site."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from support.holdings import put_document
from support.photos import photo
from support.trial_verify import CLAIMS, VCT, stranger
from support.wallet_visitor import COLLECTING, Visitor
from support.wallets import PASSPHRASE, Site, serve_wallet
from support.world import BANK, CODE, COUNCIL, ISSUER

from issuer.portrait import make_portrait
from shared.codec import qr


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet") as running:
        yield running


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return Visitor(site)


def beside(address: str) -> str:
    """An address of that house, by which the session of a test without TLS still counts."""
    return address.replace("https://", "http://") + ":443"


def portraits(text: str) -> list[str]:
    return re.findall(r'<img class="mu-portrait" src="(data:image/webp;base64,[^"]+)" alt="Attorney’s photo"', text)


async def test_a_photo_is_seen_and_never_read_out(site: Site, visitor: Visitor) -> None:
    """On the card, on the page that asks for consent, ticked or not, and nowhere as text."""
    url = make_portrait(photo())
    site.world.office.claims = CLAIMS | {"proxy": CLAIMS["proxy"] | {"portrait": url}}
    await visitor.enter()
    await visitor.collect()
    assert [html.unescape(each) for each in portraits(visitor.text)] == [url]
    assert html.unescape(visitor.text).count("data:image/webp") == 1
    names = [["proxy", "given_name"], ["proxy", "portrait"]]
    claims = [{"id": f"c{at}", "path": path} for at, path in enumerate(names)]
    for sets in ([["c0", "c1"]], [["c0", "c1"], ["c0"]]):
        asked = {"id": "who", "format": "dc+sd-jwt", "meta": {"vct_values": [VCT]}, "claims": claims, "claim_sets": sets}
        link = site.world.council.ask({"credentials": [asked]})
        await visitor.get("/present")
        await visitor.post("/present", {"link": link}, files={})
        assert [html.unescape(each) for each in portraits(visitor.text)] == [url]
        assert html.unescape(visitor.text).count("data:image/webp") == 1


async def test_everything_but_the_door_needs_an_open_wallet(site: Site, visitor: Visitor) -> None:
    for path in (
        "/receive",
        "/present",
        "/copies",
        "/copies/new",
        "/history",
        "/history/export",
        "/settings",
        "/cards/x",
        "/present/x",
        "/offer?credential_offer_uri=x",
    ):
        text = await visitor.get(path)
        assert visitor.path == "/sign-in"
        assert 'name="next"' in text
    await visitor.get("/offer?credential_offer_uri=https%3A%2F%2Fopg.example%2Foffers%2Fpre-1")
    await visitor.post("/sign-in", {"holder": site.made.holder, "passphrase": site.made.passphrase})
    assert "An invitation for you" in visitor.text
    assert "opg.example" in visitor.text
    assert site.world.log == []


async def test_a_wrong_passphrase_says_where(visitor: Visitor) -> None:
    await visitor.get("/sign-in")
    await visitor.post("/sign-in", {"holder": "Nora Ashdown", "passphrase": "wrong wrong wrong"})
    assert visitor.status == 400
    assert "do not open a wallet here" in visitor.text
    await visitor.post("/sign-in", {"holder": "", "passphrase": ""})
    assert "Enter the name of your wallet" in visitor.text


async def test_a_link_elsewhere_is_not_followed_after_the_door(site: Site, visitor: Visitor) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example/"):
        await visitor.get("/sign-in")
        await visitor.post("/sign-in", {"holder": site.made.holder, "passphrase": site.made.passphrase, "next": elsewhere})
        assert visitor.path == "/"
        await visitor.post("/sign-out")


async def test_no_form_works_without_its_token(visitor: Visitor) -> None:
    await visitor.enter()
    for path in ("/receive", "/present", "/copies/new", "/settings/passphrase", "/settings/backup", "/settings/remove", "/sign-out"):
        await visitor.get("/settings")
        await visitor.post(path, {"link": "x"}, keep=False)
        assert visitor.status == 403, path
    async with visitor.site.http.post(visitor.site.base + "/sign-in", data={}, headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status == 403


async def test_a_new_wallet_shows_its_code_once_and_recovers_with_it(visitor: Visitor) -> None:
    await visitor.get("/wallets/new")
    await visitor.post("/wallets/new", {"holder": "Peter", "new_passphrase": "short", "repeat": "short"})
    assert "at least 12 characters" in visitor.text
    await visitor.post("/wallets/new", {"holder": "Nora Ashdown", "new_passphrase": PASSPHRASE, "repeat": PASSPHRASE})
    assert "here already" in visitor.text
    await visitor.post("/wallets/new", {"holder": "Peter", "new_passphrase": PASSPHRASE, "repeat": PASSPHRASE + "x"})
    assert "are not the same" in visitor.text
    await visitor.post("/wallets/new", {"holder": "Peter", "new_passphrase": PASSPHRASE, "repeat": PASSPHRASE})
    found = re.search(r"<code>([0-9A-Z-]{29})</code>", visitor.text)
    assert found is not None
    await visitor.get("/")
    assert "Your wallet is empty" in visitor.text
    assert found[1] not in visitor.text
    await visitor.post("/sign-out")
    await visitor.get("/recover")
    await visitor.post(
        "/recover", {"holder": "Peter", "code": "A" * 25, "new_passphrase": "another long one", "repeat": "another long one"}
    )
    assert "do not open a wallet here" in visitor.text
    await visitor.post(
        "/recover", {"holder": "peter", "code": found[1].lower(), "new_passphrase": "another long one", "repeat": "another long one"}
    )
    assert "Your recovery code" in visitor.text
    assert found[1] not in visitor.text


async def test_who_forgot_both_is_told_plainly(visitor: Visitor) -> None:
    text = await visitor.get("/forgotten")
    assert "nobody can open this wallet" in text
    assert "This site cannot reset it" in text
    assert "Ask for the documents again" in text


async def test_collecting_by_picture_and_the_faults_on_the_way(site: Site, visitor: Visitor) -> None:
    await visitor.enter()
    await visitor.get("/receive")
    await visitor.post("/receive", {"link": ""}, files={})
    assert "This is not the link of an invitation" in visitor.text
    await visitor.post("/receive", {"link": ""}, files={"picture": b"not a picture"})
    assert "no invitation in this picture" in visitor.text
    await visitor.post("/receive", {"link": ""}, files={"picture": qr.png(site.world.office.link())})
    assert "Office of the Public Guardian (test)" in visitor.text
    where = visitor.path
    assert "seems to run this wallet site" not in visitor.text
    msgspec.structs.force_setattr(site.host.place.settings, "public_url", beside(ISSUER))
    assert "Office of the Public Guardian (test) seems to run this wallet site as well" in await visitor.get(where)
    await visitor.post(where, {"code": ""})
    assert "Enter the collection code" in visitor.text
    await visitor.post(where, {"code": "11111111"})
    assert "This code is not right" in visitor.text
    await visitor.post(where, {"code": "1234 5678"})
    assert "Document collected" in visitor.text
    assert "Margaret Ashdown" in visitor.text


async def test_a_slow_office_is_waited_for(site: Site, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallet.pages.collecting._PATIENCE", 0.01)
    await visitor.enter()
    await visitor.get("/receive")
    await visitor.post("/receive", {"link": site.world.office.link()}, files={})
    where = visitor.path
    for code, end in (("00000000", "This code is not right"), (CODE, "Document collected")):
        await visitor.get(where)
        site.world.gate = asyncio.Event()
        await visitor.post(where, {"code": code}, wait=False)
        assert COLLECTING in visitor.text
        async with site.http.get(f"{site.base}{where}/state") as answer:
            assert (await answer.json())["state"] == "waiting"
        site.world.gate.set()
        site.world.gate = None
        state = "waiting"
        while state == "waiting":
            async with site.http.get(f"{site.base}{where}/state") as answer:
                state = (await answer.json())["state"]
        await visitor.get(where)
        assert end in visitor.text


async def test_an_office_that_is_away_is_told_as_that(site: Site, visitor: Visitor) -> None:
    await visitor.enter()
    await visitor.get("/receive")
    await visitor.post("/receive", {"link": site.world.office.link()}, files={})
    where = visitor.path
    site.world.down.add(ISSUER)
    await visitor.post(where, {"code": CODE})
    assert visitor.status == 503
    site.world.down.clear()
    await visitor.get(where)
    await visitor.post(where, {"code": CODE})
    assert "Document collected" in visitor.text


async def test_an_unknown_sender_gets_a_choice_page(site: Site, visitor: Visitor) -> None:
    await visitor.enter()
    site.world.office.by = stranger()
    await visitor.get("/receive")
    await visitor.post("/receive", {"link": site.world.office.link()}, files={})
    where = visitor.path
    await visitor.post(where, {"code": CODE})
    assert "We do not know this sender" in visitor.text
    assert "muniment-wallet trust add" in visitor.text
    assert "certified by an authority that nobody here trusts" in visitor.text
    assert "/settings/trust" not in visitor.text
    assert "Do not keep it" in visitor.text
    await visitor.get("/")
    assert "Your wallet is empty" in visitor.text


async def test_what_fails_a_check_is_not_kept_and_says_so(site: Site, visitor: Visitor) -> None:
    await visitor.enter()
    site.world.office.bend = lambda wire: wire.removesuffix("~").rpartition("~")[0] + "~"
    await visitor.get("/receive")
    await visitor.post("/receive", {"link": site.world.office.link()}, files={})
    await visitor.post(visitor.path, {"code": CODE})
    assert "We did not keep this document" in visitor.text
    assert "bad_disclosure" in visitor.text


async def test_consent_share_and_history(site: Site, visitor: Visitor) -> None:
    await visitor.enter()
    await visitor.collect()
    await visitor.get("/present")
    await visitor.post("/present", {"link": site.world.council.ask()}, files={})
    assert visitor.path.startswith("/present/")
    for words in (
        "They will see",
        "They will not see",
        "You are acting for Margaret Ashdown",
        "No register has checked them",
        "Share once",
        "Don’t share",
    ):
        assert words in visitor.text, words
    asking, settings = visitor.path, site.host.place.settings
    own, warning = settings.public_url, "seems to run this wallet site as well"
    assert warning not in visitor.text
    card = re.findall(r'href="(/cards/[^"]+)"', await visitor.get("/"))[0]
    for runs, path, warned in (
        (COUNCIL, asking, True),
        (ISSUER, asking, False),
        (COUNCIL, card, False),
        (ISSUER.replace("//", "//wallets."), card, True),
    ):
        msgspec.structs.force_setattr(settings, "public_url", beside(runs))
        assert (warning in await visitor.get(path)) is warned, (runs, path)
    msgspec.structs.force_setattr(settings, "public_url", own)
    await visitor.get(asking)
    assert 'type="checkbox" value="council-tax/represented/birthdate"' in visitor.text.replace('name="optional" ', "")
    where = visitor.path
    await visitor.post(where, {"decision": "share"})
    assert "Shared once" in visitor.text
    assert "They can rely on this" in visitor.text
    assert len(site.world.council.got) == 1
    await visitor.get("/history")
    assert "Test leaf" in visitor.text
    await visitor.get("/history?q=nothing+like+that")
    assert "No line fits" in visitor.text
    await visitor.get("/history/2")
    assert "What they saw" in visitor.text
    assert "Donor’s postcode" in visitor.text
    await visitor.get("/history/99")
    assert visitor.status == 404
    assert '"schema"' in await visitor.get("/history/export")
    await visitor.get("/?q=nobody")
    assert "No document fits" in visitor.text
    await visitor.get("/?q=margaret")
    assert "Acting for" in visitor.text


async def test_dont_share_is_what_an_unknown_asker_gets_first(site: Site, visitor: Visitor) -> None:
    await visitor.enter()
    await visitor.collect()
    site.world.strangers.add(COUNCIL)
    await visitor.get("/present")
    await visitor.post("/present", {"link": site.world.council.ask(use=False)}, files={})
    assert "We could not check who this is" in visitor.text
    assert "They gave no reason" in visitor.text
    assert visitor.text.index("Don’t share") < visitor.text.index("Share once, although")
    await visitor.post(visitor.path, {"decision": "refuse"})
    assert "Nothing was shared" in visitor.text
    assert site.world.council.got == []
    site.world.strangers.clear()
    site.world.down.add(f"{COUNCIL}/response")
    await visitor.get("/present")
    await visitor.post("/present", {"link": site.world.council.ask()}, files={})
    await visitor.post(visitor.path, {"decision": "share"})
    assert "It is being sent" in visitor.text
    assert "It is being sent" in await visitor.get("/history")
    (where,) = re.findall(r'href="(/present/[^"]+)"', visitor.text)
    await visitor.get(where)
    await visitor.post(where, {"decision": "stop"})
    assert "We do not know whether it arrived" in visitor.text
    assert "It is being sent" not in await visitor.get("/history")


async def test_a_copy_is_looked_at_then_made_then_taken_along(site: Site, visitor: Visitor) -> None:
    await visitor.enter()
    await visitor.collect()
    await visitor.get("/copies/new")
    wish = {"to": BANK, "to_name": "Northwold Bank", "question": "representation/bank", "days": "7"}
    await visitor.post("/copies/new", wish | {"to": ""})
    assert "Enter the address that the organisation uses" in visitor.text
    await visitor.post("/copies/new", wish | {"to": "bank"})
    assert "not an organisation’s address" in visitor.text
    await visitor.post("/copies/new", wish | {"days": "15"})
    assert "at most 14 days" in visitor.text
    await visitor.post("/copies/new", wish | {"question": "representation/pensions"})
    assert "No document in your wallet can answer" in visitor.text
    await visitor.post("/copies/new", wish)
    assert "This is what the copy would show" in visitor.text
    assert len([line for line in site.world.log if BANK in line[2]]) == 0
    await visitor.post("/copies/new", {"seen": "what stood there before"})
    assert "It has changed since you looked" in visitor.text
    await visitor.post("/copies/new")
    assert "Copy for Northwold Bank" in visitor.text
    assert "Nobody else can rely on it" in visitor.text
    where = visitor.path
    assert '"aud":"a:' in await visitor.get(f"{where}/file")
    assert "<svg" in await visitor.get(f"{where}/qr.svg")
    async with site.http.get(f"{site.base}{where}/qr.png") as answer:
        assert qr.read(await answer.read())[0].startswith("OVJ1:")
    assert "Northwold Bank" in await visitor.get("/copies")
    assert where in await visitor.get("/copies?q=bank+NORTHWOLD")
    assert where not in await visitor.get("/copies?q=saxon")
    assert "Nothing fits." in visitor.text


async def test_t_co_4_the_page_warns_of_a_copy_that_they_saw(site: Site, visitor: Visitor) -> None:
    """Before a copy is made, and before a request is answered: only the one who saw it would know it again, and nobody else gets it."""
    opened = await site.host.doors.open(site.made.holder, site.made.passphrase)
    await put_document(site.host.means, opened.vault, copies=1)
    await visitor.enter()

    async def ask(link: str) -> str:
        await visitor.get("/present")
        return await visitor.post("/present", {"link": link}, files={})

    async def look(body: str) -> str:
        await visitor.get("/copies/new")
        wish = {"to": body, "to_name": "Northwold Bank", "question": "representation/bank", "days": "7"}
        return await visitor.post("/copies/new", wish)

    warning = "They can tell that it is the same one."
    assert "They will see" in await ask(site.world.bank.ask("bank"))
    assert warning not in visitor.text
    assert "This is what the copy would show" in await look(BANK)
    assert warning not in visitor.text
    await visitor.post("/copies/new")
    assert "Copy for Northwold Bank" in visitor.text
    assert "This is what the copy would show" in await look(BANK)
    assert warning in visitor.text
    assert "They will see" in await ask(site.world.bank.ask("bank"))
    assert warning in visitor.text
    assert warning not in await ask(site.world.council.ask())
    assert warning not in await look(COUNCIL)
    assert "There is no copy left for this." in visitor.text


async def test_new_copies_and_taking_away(site: Site, visitor: Visitor) -> None:
    await visitor.enter()
    await visitor.collect()
    where = visitor.path
    await visitor.get(f"{where}/renew")
    assert "sees that you asked at this moment" in visitor.text
    await visitor.post(f"{where}/renew")
    assert visitor.path == where
    assert len([url for _, _, url in site.world.log if url.endswith("/credential")]) == 2
    await visitor.get(f"{where}/remove")
    await visitor.post(f"{where}/remove")
    assert "Your wallet is empty" in visitor.text
    assert "Taken away" in await visitor.get("/history")


async def test_settings_passphrase_backup_and_the_end(site: Site, visitor: Visitor) -> None:
    await visitor.enter()
    await visitor.collect()
    await visitor.get("/settings")
    assert "What the host of this site can see" in visitor.text
    new = {"passphrase": "wrong wrong wrong", "new_passphrase": PASSPHRASE, "repeat": PASSPHRASE}
    await visitor.post("/settings/passphrase", new)
    assert "This is not your passphrase" in visitor.text
    await visitor.post("/settings/passphrase", new | {"passphrase": site.made.passphrase})
    assert "Your recovery code" in visitor.text
    await visitor.get("/settings")
    await visitor.post("/settings/backup", {"own_passphrase": PASSPHRASE, "backup_passphrase": "short"})
    assert "12 to 256 characters" in visitor.text
    assert '"schema":"urn:muniment:wallet-backup:1"' in await visitor.post(
        "/settings/backup", {"own_passphrase": PASSPHRASE, "backup_passphrase": "a passphrase for backups"}
    )
    await visitor.get("/settings/remove")
    await visitor.post("/settings/remove", {"passphrase": "wrong wrong wrong"})
    assert "This is not your passphrase" in visitor.text
    await visitor.post("/settings/remove", {"passphrase": PASSPHRASE})
    assert "Your documents, shown only by you" in visitor.text
    assert (await site.call("POST", "/api/session", {"holder": "Nora Ashdown", "passphrase": PASSPHRASE}, token=""))[0] == 401


@pytest.mark.parametrize("own", ["", "wrong wrong wrong"])
async def test_t_br_3_nothing_is_taken_out_of_an_open_wallet_without_its_passphrase(visitor: Visitor, own: str) -> None:
    """T-BR-3: whoever finds the wallet open cannot carry it away in a backup under words of his own."""
    await visitor.enter()
    await visitor.collect()
    await visitor.get("/settings")
    page = await visitor.post("/settings/backup", {"own_passphrase": own, "backup_passphrase": "words of somebody else"})
    assert visitor.status == 400
    assert ("This is not your passphrase" if own else "Enter your passphrase") in page
    assert "wallet-backup" not in page
    for _ in range(12):
        await visitor.get("/settings")
        await visitor.post("/settings/backup", {"own_passphrase": "another wrong one", "backup_passphrase": "words of somebody else"})
    assert visitor.status == 429


async def test_welsh_words_of_type_and_consent(site: Site, visitor: Visitor) -> None:
    await visitor.enter()
    await visitor.collect()
    await visitor.get("/?lang=cy")
    assert "Atwrneiaeth" in visitor.text
    await visitor.get("/present")
    await visitor.post("/present", {"link": site.world.council.ask()}, files={})
    for words in ("Cod post y rhoddwr", "Treth gyngor", "Cofnodi y cewch ddelio"):
        assert words in visitor.text, words
    for words in ("They will see", "Share once", "Why they ask", "registered"):
        assert words not in visitor.text, words


async def test_an_invitation_opened_in_welsh_names_its_document_in_welsh(site: Site, visitor: Visitor) -> None:
    await visitor.enter()
    await visitor.get("/receive?lang=cy")
    await visitor.post("/receive", {"link": site.world.office.link()}, files={})
    for words in ("Gwahoddiad gan", "Atwrneiaeth", "Cod casglu"):
        assert words in visitor.text, words
    assert "Power of attorney" not in visitor.text


FORBIDDEN = re.compile(
    r"\b(credential|verifier|issuer|relying party|presentation|vp_token|claim|claims|mint|offer|tx_code|revoked|suspended|superseded|trust anchor|trust bundle|DCQL|nonce|JWT|QR)\b",
    re.IGNORECASE,
)


def test_no_developers_words_on_pages() -> None:
    folder = Path(__file__).resolve().parents[2] / "wallet" / "web" / "templates"
    for template in folder.rglob("*.html"):
        said = re.findall(r"_\(\"((?:[^\"\\]|\\.)*)\"", template.read_text(encoding="utf-8"))
        for text in said:
            plain = re.sub(r"%\(\w+\)s|https?://\S*|openid\S*", "", text)
            assert FORBIDDEN.search(plain) is None, f"{template.name}: {text}"
