"""A holder says that a detail is wrong: signed by the document, answered in time, and nothing is learnt of who had seen it (R8, T-FM-4)."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.console import Browser, answered
from support.registry import LPA_1, Holder, Registry, Template, collect, serving

from issuer import app as composition
from issuer.corrections import KEEP_DAYS, MOST_OPEN, receive, refuse, said
from issuer.records import corrections as records
from issuer.replace import replace
from issuer.sessions import SERVICE
from shared import addressed
from shared.addressed import AddressedPresentation
from shared.clock import DAY, system_entropy
from shared.codec import base64url
from shared.corrections import CTY, PURPOSE, Answer, Ticket, digest, make_binding, seal_ticket, verify_answer
from shared.credentials import DISPUTED
from shared.errors import Conflict, Missing
from shared.formats import formats
from shared.jose import jwe
from shared.jose.jwk import thumbprint
from shared.keys import KeyId, Role
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from shared.web.certificates import ANCHOR_FILE

DETAIL = "represented/birthdate"
WORDS = "She was born on 12 November 1938.\nThe 2nd is a slip."
SDJWT = formats()["dc+sd-jwt"]


@dataclass
class Wallet:
    """One holder with some copies, of which each is shown once."""

    registry: Registry
    holder: Holder
    copies: list[tuple[str, Any]]

    @classmethod
    async def new(cls, registry: Registry, made: dict[str, Any], count: int = 4) -> Wallet:
        holder = await collect(registry, made)
        wires = [str(each) for each in (await holder.copies(count)).credentials]
        by_key = {thumbprint(bound): wire for wire in wires if (bound := SDJWT.peek(SDJWT.parse(wire)).holder)}
        return cls(registry, holder, [(by_key[thumbprint(key.public)], key) for key in holder.keys])

    def ticket(self, *, detail: str = DETAIL, words: str = WORDS, number: bytes = b"", shows: str = "") -> tuple[bytes, str]:
        number = number or system_entropy(16)
        wire, key = self.copies.pop()
        binding = make_binding(
            issuer=self.registry.url, ticket=number, detail=detail, words=words, at=self.registry.clock(), entropy=system_entropy
        )
        path = tuple(None if part == "*" else int(part) if part.isdecimal() else part for part in (shows or detail).split("/"))
        shown = SDJWT.present(SDJWT.disclose(SDJWT.parse(wire), [path]), binding, key=KeyId("c"), at=self.registry.clock())
        copy = AddressedPresentation(format="dc+sd-jwt", aud=binding.audience, purpose_id=PURPOSE, vp_token={"wrong": (key.finish(shown),)})
        encryption = self.holder.metadata.issuer.request_encryption
        assert encryption is not None
        return number, seal_ticket(Ticket(addressed.render_file(copy).decode(), number, detail, words), encryption.keys[0])

    async def post(self, sealed: str, *, status: int = 200, media: str = "application/jose") -> dict[str, Any]:
        url = str(self.holder.metadata.issuer.correction_endpoint).replace(self.registry.url, self.registry.base)
        async with self.registry.http.post(url, data=sealed.encode(), headers={"Content-Type": media}) as answer:
            told: dict[str, Any] = await answer.json()
            assert answer.status == status, told
        return told

    async def ask(self, number: bytes, *, status: int = 200) -> dict[str, Any]:
        asked = {"ticket": base64url.encode(number)}
        async with self.registry.http.post(self.registry.base + "/corrections/answer", json=asked) as answer:
            told: dict[str, Any] = await answer.json()
            assert answer.status == status, told
        return told


def read(registry: Registry, told: dict[str, Any], sealed: str) -> Answer:
    """The answer, as a wallet that trusts this office checks it."""
    anchor = parse_anchor((registry.directory / ANCHOR_FILE).read_bytes(), role=Role.CREDENTIAL_ISSUER, entity=registry.url)
    policy = Policy(TrustAnchors(anchors=(anchor,)))
    return verify_answer(told["answer"], policy=policy, entity=registry.url, sealed=digest(sealed), at=registry.clock())


@pytest.fixture
async def wallet(registry: Registry) -> Wallet:
    return await Wallet.new(registry, await registry.make())


@pytest.fixture
async def browser(registry: Registry) -> Browser:
    one = Browser(registry)
    await one.sign_in()
    return one


async def said_of_new_copies(wallet: Wallet) -> list[Any]:
    """What a copy says that is made now, in three formats."""
    found = []
    for name in ("sd-jwt", "sd-cwt", "mdoc"):
        (wire,) = (await wallet.holder.copies(1, f"representation-{name}")).credentials
        form = formats()[{"sd-jwt": "dc+sd-jwt", "sd-cwt": "dc+sd-cwt", "mdoc": "mso_mdoc"}[name]]
        found.append(form.peek(form.disclose(form.parse(str(wire)), ())).claims.get(DISPUTED))
    return found


async def test_a_ticket_is_taken_once_and_answered_in_five_working_days(registry: Registry, wallet: Wallet) -> None:
    number, sealed = wallet.ticket()
    told = read(registry, await wallet.post(sealed), sealed)
    assert (told.state, told.received_at, told.answer_by) == ("open", registry.clock(), registry.clock() + 7 * DAY)  # from a Friday
    again = read(registry, await wallet.post(sealed), sealed)
    assert again.reference == told.reference
    assert read(registry, await wallet.ask(number), sealed) == told
    _, other = wallet.ticket(number=number, words="Something else.")
    assert (await wallet.post(other, status=409))["code"] == "conflict"
    assert (await wallet.ask(bytes(16), status=404))["code"] == "not_found"
    assert (await wallet.ask(b"short", status=400))["code"] == "malformed"
    registry.clock.at += 8 * DAY  # also after the copy in it has run out
    assert (await wallet.post(sealed))["answer"]


async def test_while_it_is_open_new_copies_say_so_in_every_format(registry: Registry, wallet: Wallet, browser: Browser) -> None:
    assert await said_of_new_copies(wallet) == [None, None, None]
    number, sealed = wallet.ticket()
    reference = read(registry, await wallet.post(sealed), sealed).reference
    assert await said_of_new_copies(wallet) == [True, True, True]
    assert "1 waits." in await browser.open("/console/")
    page = await browser.open("/console/corrections")
    assert "Donor’s date of birth" in page
    page = await browser.open(f"/console/corrections/{reference}")
    assert "12 November 1938" in page  # the words
    assert page.count("2 November 1938") >= 3  # the copy, and what is held
    await browser.send(f"/console/corrections/{reference}", {"reason": "", "words": ""})
    assert browser.errors() == ["reason", "words"]
    await browser.send(f"/console/corrections/{reference}", {"reason": "made-up", "words": "x" * 1_001})
    assert browser.errors() == ["reason", "words"]
    await browser.send(f"/console/corrections/{reference}", {"reason": "record-agrees", "words": "The register says the 2nd."})
    assert browser.path == f"/console/corrections/{reference}"
    assert "Our record says the same as the document" in browser.text
    assert "12 November" not in browser.text
    told = read(registry, await wallet.ask(number), sealed)
    assert (told.state, told.reason_code, told.words) == ("refused", "record-agrees", "The register says the 2nd.")
    assert told.answered_at == registry.clock()
    await browser.send(f"/console/corrections/{reference}", {"reason": "not-ours", "words": "Twice."})
    assert browser.status == 409
    assert await said_of_new_copies(wallet) == [None, None, None]


async def test_a_kind_that_is_made_no_longer_hides_none_of_the_messages(template: Template, tmp_path: Path, sqlite_uri: str) -> None:
    async with serving(template, tmp_path / "before", storage=sqlite_uri) as registry:
        wallet = await Wallet.new(registry, await registry.make())
        _, sealed = wallet.ticket()
        reference = read(registry, await wallet.post(sealed), sealed).reference
    async with serving(template, tmp_path / "after", storage=sqlite_uri, join=True, types=("life-event",)) as registry:
        clerk = Browser(registry)
        await clerk.sign_in()
        page = f"/console/corrections/{reference}"
        assert page in await clerk.open("/console/corrections")
        assert page in await clerk.open("/console/corrections?page=9")
        assert "12 November 1938" in await clerk.open(page)
        await clerk.send(page, {"reason": "record-agrees", "words": "The register says the 2nd."})
        assert (clerk.status, "Our record says the same as the document" in clerk.text) == (200, True)


async def test_the_document_is_replaced_and_the_ticket_answered_with_it(registry: Registry, wallet: Wallet, browser: Browser) -> None:
    number, sealed = wallet.ticket()
    reference = read(registry, await wallet.post(sealed), sealed).reference
    document = (await registry.call("GET", "/api/credentials"))[1]["items"][0]["id"]
    page = f"/console/documents/{document}/correct"
    await browser.open(f"{page}?correction={reference}")
    assert browser.hidden()["correction"] == reference
    sent = [*answered(**{"represented.birthdate.day": "12"}), ("reason", "The day was wrong"), ("correction", reference)]
    await browser.send(page, [*sent, ("step", "check")])
    assert browser.status == 200, browser.errors()
    await browser.send(page, [*[each for each in sent if each[0] != "step"], ("step", "make")])
    assert browser.path == f"/console/documents/{document}", browser.errors()
    assert read(registry, await wallet.ask(number), sealed).state == "corrected"
    (wire,) = (await wallet.holder.copies(1)).credentials
    claims = SDJWT.peek(SDJWT.parse(str(wire))).claims
    assert (claims["represented"]["birthdate"], claims.get(DISPUTED)) == ("1938-11-12", None)
    history = (await registry.call("GET", f"/api/credentials/{document}"))[1]["history"]
    assert [line["what"] for line in history] == ["made", "collected", "disputed", "corrected", "renewed"]
    _, late = wallet.ticket()  # of a copy that was replaced
    assert (await wallet.post(late, status=400))["code"] == "revoked"


async def test_a_program_of_the_office_answers_it_with_its_correction(registry: Registry, wallet: Wallet) -> None:
    number, sealed = wallet.ticket()
    reference = read(registry, await wallet.post(sealed), sealed).reference
    document = (await registry.call("GET", "/api/credentials"))[1]["items"][0]["id"]
    right = {**LPA_1, "represented": {**LPA_1["represented"], "birthdate": "1938-11-12"}}
    path = f"/api/credentials/{document}/correction"
    status, problem = await registry.call("POST", path, {"claims": right, "reason": "typing error", "answers": "NOSUCH"})
    assert (status, problem["code"]) == (404, "not_found")
    assert read(registry, await wallet.ask(number), sealed).state == "open"
    status, _ = await registry.call("POST", path, {"claims": right, "reason": "typing error", "answers": reference})
    assert status == 200
    assert read(registry, await wallet.ask(number), sealed).state == "corrected"


async def test_a_correction_that_changes_nothing_is_none(registry: Registry, wallet: Wallet, browser: Browser) -> None:
    """Neither by a program nor on the page: copies stay in force, and what the holder said waits for an answer that is true."""
    number, sealed = wallet.ticket()
    reference = read(registry, await wallet.post(sealed), sealed).reference
    document = (await registry.call("GET", "/api/credentials"))[1]["items"][0]["id"]
    path = f"/api/credentials/{document}/correction"
    other = {**LPA_1, "powers": ["banking"]}  # says as before what the holder says is wrong
    for told, pointer in (
        ({"claims": LPA_1, "reason": "typing error"}, "/claims"),
        ({"claims": LPA_1, "reason": "typing error", "answers": reference}, f"/claims/{DETAIL}"),
        ({"claims": other, "reason": "typing error", "answers": reference}, f"/claims/{DETAIL}"),
    ):
        status, problem = await registry.call("POST", path, told)
        assert (status, problem["code"], problem["pointer"]) == (400, "malformed", pointer)
    page = f"/console/documents/{document}/correct"
    for step in ("check", "make"):
        await browser.open(f"{page}?correction={reference}")
        await browser.send(page, [*answered(), ("reason", "The day was wrong"), ("correction", reference), ("step", step)])
        assert browser.errors() == ["detail.represented.birthdate.day"]
        assert "Donor’s date of birth: the holder says that this is wrong, and it stays the same" in browser.text
        assert browser.hidden()["correction"] == reference
        await browser.open(page)
        await browser.send(page, [*answered(), ("reason", "The day was wrong"), ("step", step)])
        assert browser.errors() == ["detail.representation_kind"]
        assert "Nothing differs from what the document says now" in browser.text
    assert read(registry, await wallet.ask(number), sealed).state == "open"
    history = (await registry.call("GET", f"/api/credentials/{document}"))[1]["history"]
    assert [line["what"] for line in history] == ["made", "collected", "disputed"]
    assert await said_of_new_copies(wallet) == [True, True, True]


async def test_a_power_that_stays_is_not_corrected_and_one_that_goes_is(registry: Registry, wallet: Wallet) -> None:
    """Of several values the copy shows the one that is wrong."""
    number, sealed = wallet.ticket(detail="powers/*", shows="powers/0")
    reference = read(registry, await wallet.post(sealed), sealed).reference
    document = (await registry.call("GET", "/api/credentials"))[1]["items"][0]["id"]
    path = f"/api/credentials/{document}/correction"
    moved = {**LPA_1, "represented": {**LPA_1["represented"], "birthdate": "1938-11-12"}}
    status, problem = await registry.call("POST", path, {"claims": moved, "reason": "x", "answers": reference})
    assert (status, problem["pointer"]) == (400, "/claims/powers")
    less = {**LPA_1, "powers": LPA_1["powers"][1:]}
    assert (await registry.call("POST", path, {"claims": less, "reason": "x", "answers": reference}))[0] == 200
    assert read(registry, await wallet.ask(number), sealed).state == "corrected"


async def test_a_correction_answers_what_it_corrects_and_leaves_the_rest_open(registry: Registry, wallet: Wallet) -> None:
    """Whoever corrects does not have to name each message about the same detail; one about another detail still waits."""
    (one, first), (two, second), (three, third) = wallet.ticket(), wallet.ticket(words="Again."), wallet.ticket(detail="proxy/birthdate")
    for sealed in (first, second, third):
        await wallet.post(sealed)
    document = (await registry.call("GET", "/api/credentials"))[1]["items"][0]["id"]
    right = {**LPA_1, "represented": {**LPA_1["represented"], "birthdate": "1938-11-12"}}
    assert (await registry.call("POST", f"/api/credentials/{document}/correction", {"claims": right, "reason": "typing error"}))[0] == 200
    states = [read(registry, await wallet.ask(number), sealed).state for number, sealed in ((one, first), (two, second), (three, third))]
    assert states == ["corrected", "corrected", "open"]
    assert await said_of_new_copies(wallet) == [True, True, True]


async def test_of_a_document_that_is_cancelled_nothing_waits_and_the_holder_hears_so(
    registry: Registry, wallet: Wallet, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    number, sealed = wallet.ticket()
    reference = read(registry, await wallet.post(sealed), sealed).reference
    document = (await registry.call("GET", "/api/credentials"))[1]["items"][0]["id"]
    registry.clock.at += DAY
    assert (await registry.call("POST", f"/api/credentials/{document}/cancel", {"reason": "donor-died"}))[0] == 200
    told = read(registry, await wallet.ask(number), sealed)
    assert (told.state, told.reason_code, told.answered_at) == ("ended", "cancelled", registry.clock())
    assert told.how_to_complain == registry.office.settings.how_to_contest
    registry.clock.at += 7 * DAY
    with caplog.at_level(logging.WARNING, logger="muniment.issuer"):
        await composition.one_round(registry.app)
    assert [line for line in caplog.messages if reference in line] == []
    figures = await figures_of(registry)
    assert [figures[f'muniment_corrections{{state="{state}"}}'] for state in ("open", "overdue", "ended")] == [0, 0, 1]
    await browser.sign_in()
    assert "Nothing waits." in await browser.open("/console/corrections")
    assert "The document is over" in await browser.open(f"/console/corrections?q={reference}")
    page = await browser.open(f"/console/corrections/{reference}")
    assert "The document was cancelled before anybody answered" in page
    assert "12 November" not in page
    with pytest.raises(Conflict):
        await refuse(registry.office, reference, code="not-ours", words="Too late.", actor=SERVICE)


async def test_of_a_document_that_ran_out_nothing_waits(registry: Registry) -> None:
    """Also where it was cancelled by an older version of this software, which left the message open."""
    day = (dt.datetime.fromtimestamp(registry.clock(), dt.UTC) + dt.timedelta(days=3)).date()
    short, long = (
        await Wallet.new(registry, await registry.make(valid_until=day.isoformat())),
        await Wallet.new(registry, await registry.make()),
    )
    (one, first), (two, second) = short.ticket(), long.ticket()
    await short.post(first)
    reference = read(registry, await long.post(second), second).reference
    await composition.one_round(registry.app)
    assert read(registry, await short.ask(one), first).state == "open"
    document = (await registry.office.storage.read(lambda tx: records.get(tx, reference))).document
    sql = "UPDATE document SET standing = 1 WHERE id = $1"
    await registry.office.storage.write(lambda tx: tx.execute(sql, document))
    registry.clock.at += 4 * DAY
    await composition.one_round(registry.app)
    told = read(registry, await short.ask(one), first)
    assert (told.state, told.reason_code) == ("ended", "expired")
    assert read(registry, await long.ask(two), second).reason_code == "cancelled"


async def test_a_correction_of_another_document_answers_nothing(registry: Registry, wallet: Wallet) -> None:
    number, sealed = wallet.ticket()
    reference = read(registry, await wallet.post(sealed), sealed).reference
    other = await registry.make(reference="another case")
    with pytest.raises(Conflict):
        await replace(registry.office, other["id"], LPA_1, reason="x", actor=SERVICE, correction=reference)
    with pytest.raises(Missing):
        await replace(registry.office, other["id"], LPA_1, reason="x", actor=SERVICE, correction="NOSUCH")
    assert read(registry, await wallet.ask(number), sealed).state == "open"
    assert (await registry.call("GET", f"/api/credentials/{other['id']}"))[1]["history"][-1]["what"] == "made"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"detail": "represented/given_name", "shows": "represented/birthdate"}, "malformed"),
        ({"detail": "made/up", "shows": "represented/birthdate"}, "malformed"),
        ({"detail": DISPUTED, "shows": "represented/birthdate"}, "malformed"),
    ],
)
async def test_a_detail_that_the_copy_does_not_show(wallet: Wallet, changes: dict[str, Any], code: str) -> None:
    _, sealed = wallet.ticket(**changes)
    assert (await wallet.post(sealed, status=400))["code"] == code


async def test_what_is_no_ticket(registry: Registry, wallet: Wallet) -> None:
    for body in ("", "x", "a.b.c.d.e", wallet.ticket()[1][:-9] + "AAAAAAAAA"):
        await wallet.post(body, status=400)
    await wallet.post(wallet.ticket()[1], status=415, media="application/json")
    foreign = jwe.encrypt(b"{}", jwe.public_half(jwe.generate_ephemeral()), enc="A256GCM", header={"cty": CTY})
    assert (await wallet.post(foreign, status=400))["pointer"] == "/kid"
    found = await registry.office.storage.read(lambda tx: records.count(tx, state="open"))
    assert found == 0


async def test_not_more_than_five_open_questions_about_one_document(registry: Registry) -> None:
    wallet = await Wallet.new(registry, await registry.make(), count=6)
    for _ in range(MOST_OPEN):
        await wallet.post(wallet.ticket()[1])
    assert (await wallet.post(wallet.ticket()[1], status=409))["code"] == "conflict"


async def test_t_fm_4_an_answer_that_is_late_raises_an_alarm_and_time_is_measured(
    registry: Registry, wallet: Wallet, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    number, sealed = wallet.ticket()
    reference = read(registry, await wallet.post(sealed), sealed).reference
    registry.clock.at += 7 * DAY + 1
    with caplog.at_level(logging.WARNING, logger="muniment.issuer"):
        await composition.one_round(registry.app)
        await composition.one_round(registry.app)
    assert [line for line in caplog.messages if reference in line] == [f"nobody has answered in time: {reference}"]
    figures = await figures_of(registry)
    assert figures['muniment_corrections{state="overdue"}'] == figures['muniment_corrections{state="open"}'] == 1
    await browser.sign_in()
    assert "no answer yet, and the time is over" in await browser.open("/console/")
    assert "Overdue" in await browser.open("/console/corrections")
    await refuse(registry.office, reference, code="not-ours", words="Ask the council.", actor=SERVICE)
    await composition.one_round(registry.app)
    figures = await figures_of(registry)
    assert figures['muniment_corrections{state="overdue"}'] == 0
    assert figures['muniment_corrections{state="refused"}'] == 1
    assert figures['muniment_correction_seconds{quantile="0.5"}'] == 7 * DAY + 1
    registry.clock.at += KEEP_DAYS * DAY
    await composition.one_round(registry.app)
    await wallet.ask(number, status=404)


async def figures_of(registry: Registry) -> dict[str, float]:
    text = await (await registry.get("/metrics")).text()
    return {
        name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("muniment_correction"))
    }


async def test_the_list_is_searched_and_says_when_it_is_empty(registry: Registry, wallet: Wallet, browser: Browser) -> None:
    assert "Nothing waits." in await browser.open("/console/corrections")
    _, sealed = wallet.ticket()
    reference = read(registry, await wallet.post(sealed), sealed).reference
    await refuse(registry.office, reference, code="not-ours", words="Ask the council.", actor=SERVICE)
    assert "Nothing waits." in await browser.open("/console/corrections")
    spaced = "-".join(reference[at : at + 4] for at in range(0, 16, 4)).lower()
    assert "Stays as it is" in await browser.open(f"/console/corrections?q={spaced}")
    assert "There is nothing of the number" in await browser.open("/console/corrections?q=nothing")
    await browser.open("/console/corrections/NOSUCH")
    assert browser.status == 404


async def test_what_the_holder_said_is_sealed_and_goes_with_the_answer(registry: Registry, wallet: Wallet) -> None:
    _, sealed = wallet.ticket()
    reference = read(registry, await wallet.post(sealed), sealed).reference
    disk = b"".join(each.read_bytes() for each in registry.directory.iterdir() if each.is_file())
    assert b"12 November" not in disk
    assert reference.encode() in disk
    await refuse(registry.office, reference, code="not-enough", words="Send the certificate.", actor=SERVICE)
    known = await registry.office.storage.read(lambda tx: records.get(tx, reference))
    assert known.said is None
    assert await said(registry.office, known) is None


async def test_the_same_ticket_twice_at_the_same_moment_is_one(registry: Registry, wallet: Wallet) -> None:
    number, sealed = wallet.ticket()
    envelopes = registry.app[composition.ENVELOPES]
    told = await asyncio.gather(*(receive(registry.office, envelopes, sealed) for _ in range(4)))
    assert {read(registry, {"answer": each}, sealed).reference for each in told} == {
        read(registry, await wallet.ask(number), sealed).reference
    }
    assert await registry.office.storage.read(lambda tx: records.count(tx, state="open")) == 1


async def test_by_a_clerk_at_the_counter_with_the_same_clock_and_the_same_answer(
    registry: Registry, wallet: Wallet, browser: Browser
) -> None:
    """R9: for somebody without a wallet at hand. The note has what a wallet would show."""
    document = (await registry.call("GET", "/api/credentials"))[1]["items"][0]["id"]
    page = f"/console/documents/{document}/wrong"
    assert page in await browser.open(f"/console/documents/{document}")
    await browser.open(page)
    await browser.send(page, {"detail": "", "words": ""})
    assert browser.errors() == ["detail", "words"]
    await browser.send(page, {"detail": DETAIL, "words": "x" * 1_001})
    assert browser.errors() == ["words"]
    await browser.send(page, {"detail": "no/such", "words": "x"})
    assert browser.status == 400
    await browser.open(page)
    await browser.send(page, {"detail": DETAIL, "words": "The 12th, she says."})
    place = browser.path
    assert "Answer by 22 January 2027" in browser.text
    assert "2 November 1938" in browser.text
    note = await browser.open(f"{place}/note")
    for words in ("You said that a detail is wrong", "The 12th, she says.", "We answer by 22 January 2027"):
        assert words in note
    assert await said_of_new_copies(wallet) == [True, True, True]
    await browser.open(place)
    await browser.send(place, {"reason": "record-agrees", "words": "The register says the 2nd."})
    assert await said_of_new_copies(wallet) == [None, None, None]
    await browser.open(f"{place}/note")
    await registry.call("POST", f"/api/credentials/{document}/cancel", {"reason": "donor-died"})
    await browser.open(page)
    await browser.send(page, {"detail": DETAIL, "words": "x"})
    assert browser.status == 409


async def test_all_of_it_on_postgresql(template: Template, tmp_path: Path, postgresql_uri: str) -> None:
    async with serving(template, tmp_path / "registry", storage=postgresql_uri) as registry:
        wallet = await Wallet.new(registry, await registry.make())
        number, sealed = wallet.ticket()
        told = await asyncio.gather(*(wallet.post(sealed) for _ in range(3)))
        (reference,) = {read(registry, each, sealed).reference for each in told}
        assert await said_of_new_copies(wallet) == [True, True, True]
        registry.clock.at += 8 * DAY
        await composition.one_round(registry.app)
        assert (await figures_of(registry))['muniment_corrections{state="overdue"}'] == 1
        found = await registry.office.storage.read(lambda tx: records.page(tx, state="open", name=reference, offset=0, limit=5))
        assert [each.reference for each in found] == [reference]
        await refuse(registry.office, reference, code="not-ours", words="Ask the council.", actor=SERVICE)
        assert read(registry, await wallet.ask(number), sealed).state == "refused"
        registry.clock.at += KEEP_DAYS * DAY
        await composition.one_round(registry.app)
        await wallet.ask(number, status=404)
