"""The wallet's page and the desk's page against each other, both without a network: levels, refusals, and what cannot be done."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import PATIENCE
from support.two_pages import DESK_PASSPHRASE, Desk, Parted, Phone, opened, part

from demo.poa import COUNCIL
from shared.clock import monotonic
from shared.codec.frames import Assembly
from shared.ovp.envelope import parse_text, render_text
from verifier.words import A_COPY

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("two-pages")]

BANK = "Bank account"
YES, NO = "You can rely on this", "Do not rely on this"
PLAIN, WITH_PHOTO = 1_000, 1_700  # bytes of a sealed answer with everything that a bank asks for (900: names and limits alone)
Folder = Callable[[], Path]


@pytest.fixture(scope="module")
def parted(tmp_path_factory: pytest.TempPathFactory) -> Parted:
    """A phone, a desk and a stranger's desk, set up; every service has ended."""
    return part(tmp_path_factory.mktemp("parted"))


def whole(texts: list[str]) -> bytes:
    """The message that the frames of a loop make up."""
    assembly = Assembly()
    found = [each for text in texts if (each := assembly.add(text)) is not None]
    return found[0]


# --- levels ------------------------------------------------------------------------------------------------------------------------------


async def test_every_level_and_the_photo(parted: Parted, tmp_path: Path) -> None:
    """Live with a photo to compare, by typed digits, on paper: one yes each, and they do not look alike."""
    phone: Phone
    desk: Desk
    async with opened(parted, tmp_path) as (phone, desk):
        for side in (phone, desk):
            await _tried(side)
            side.person.sent.clear()
        await _live(phone, desk)
        await _by_digits(phone, desk)
        await _on_paper(phone, desk)
        assert phone.person.sent == desk.person.sent == []


async def _tried(side: Phone | Desk) -> None:
    """What a page asks for when it is opened, whatever comes after, has been asked for, without an answer."""
    ends = monotonic() + PATIENCE / 1000
    while not any("/api/" in address for address in side.person.sent):
        assert monotonic() < ends, "it asked for nothing"
        await side.page.wait_for_timeout(100)


async def _live(phone: Phone, desk: Desk) -> None:
    await phone.look("documents")
    await desk.look("start")
    question = await desk.ask()
    await desk.look("question")
    plain = await phone.answer(question)
    await phone.look("squares")
    assert len(whole(plain)) <= PLAIN
    await desk.take(plain)
    assert await desk.verdict() == ("3", YES)
    assert await desk.page.locator("[data-part=portrait]").is_hidden()
    await desk.look("level-3")
    await desk.next()
    await phone.again()
    assert await phone.asked(await desk.ask()) == "consent"
    await phone.look("consent")
    await phone.page.get_by_label("Show: Attorney’s photo").check()
    await phone.look("consent-with-photo")
    texts = await phone.agree()
    assert PLAIN < len(whole(texts)) <= WITH_PHOTO
    await desk.scanner(texts[0])
    await desk.page.get_by_text("1 of ").first.wait_for()
    await desk.look("progress")
    await desk.take(texts[1:])
    assert await desk.verdict() == ("3", YES)
    face = desk.page.locator("[data-part=face]")
    await expect(face).to_have_js_property("naturalWidth", 48)
    await expect(face).to_have_js_property("naturalHeight", 60)
    address = str(await face.get_attribute("src"))
    assert len(base64.b64decode(address.removeprefix("data:image/webp;base64,"))) <= 800
    assert "Is this the person before you?" in await desk.text()
    await desk.look("level-3-with-photo")
    await desk.watched.check()
    await desk.next()
    assert address not in await desk.page.content()
    await phone.again()


async def _by_digits(phone: Phone, desk: Desk) -> None:
    digits = await desk.ask_digits()
    await desk.look("digits")
    await desk.take(await phone.answer_digits(digits, organisation=COUNCIL, use=BANK))
    assert await desk.verdict() == ("2", YES)
    assert await desk.page.locator(".mu-verdict--limited").count() == 1
    assert await desk.page.locator(".mu-verdict--accepted").count() == 0
    assert "could be passed on" in await desk.text()
    await desk.look("level-2")
    await desk.next()
    await phone.again()


async def _on_paper(phone: Phone, desk: Desk) -> None:
    picture = await phone.paper(organisation=COUNCIL, use=BANK)
    for expected in (A_COPY, NO):  # once only
        await desk.press("Check a copy")
        await desk.view("copy")
        await desk.look("copy")
        await desk.photograph(picture)
        level, heading = await desk.verdict()
        assert (level, heading) == ("1", expected)
        assert heading != YES
        assert await desk.page.locator(".mu-verdict--accepted, .mu-verdict--limited").count() == 0
        await desk.look("level-1" if expected == A_COPY else "replayed")
        await desk.next()


# --- what counts once, and here only ----------------------------------------------------------------------------------------------------


async def test_an_answer_counts_once_and_never_for_less(parted: Parted, tmp_path: Path) -> None:
    """The same squares shown again, live or by digits, also after the desk was closed and opened: refused, at no level at all (S6)."""
    phone: Phone
    desk: Desk
    async with opened(parted, tmp_path) as (phone, desk):
        texts = await phone.answer(await desk.ask())
        await desk.take(texts)
        assert await desk.verdict() == ("3", YES)
        await desk.next()
        await phone.again()
        await _refused_live(desk, texts)
        digits = await desk.ask_digits()
        typed = await phone.answer_digits(digits, organisation=COUNCIL, use=BANK)
        await desk.take(typed)
        assert await desk.verdict() == ("2", YES)
        await desk.next()
        await desk.ask_digits()
        await desk.take(typed)
        assert (await desk.verdict())[1] == NO
        await desk.look("digits-again")
        await desk.next()
        await desk.press("Check a copy")
        await desk.take(typed)
        assert await desk.verdict() == ("1", NO)
        await desk.person.close()
        await desk.unlock()
        await _refused_live(desk, texts)


async def _refused_live(desk: Desk, texts: list[str]) -> None:
    await desk.ask()
    await desk.take(texts)
    assert "This answers another code" in await desk.note()
    assert await desk.page.locator("[data-part=verdict]").count() == 0
    await desk.look("answered-before")
    await desk.next()
    await desk.press("Check a copy")
    await desk.take(texts)
    assert "This is an answer to a question" in await desk.note()
    await desk.press("Go back")
    await desk.view("home")


async def test_an_answer_is_for_one_desk(parted: Parted, tmp_path: Path) -> None:
    """A second computer of the same desk, with the same key, has not asked, and cannot even open the answer."""
    phone: Phone
    desk: Desk
    twin: Desk
    async with opened(parted, tmp_path / "one") as (phone, desk), opened(parted, tmp_path / "two", "desk") as (twin,):
        texts = await phone.answer(await desk.ask())
        await twin.ask()
        await twin.take(texts)
        assert "This answers another code" in await twin.note()
        assert await twin.page.locator("[data-part=verdict]").count() == 0
        await desk.take(texts)
        assert await desk.verdict() == ("3", YES)


async def test_frames_of_two_answers_mixed(parted: Parted, tmp_path: Path) -> None:
    """Whatever else the camera has seen meanwhile, the answer to this question is put together from its own pieces."""
    phone: Phone
    desk: Desk
    async with opened(parted, tmp_path) as (phone, desk):
        other = await phone.answer(await desk.ask())
        await desk.next()
        await phone.again()
        own = await phone.answer(await desk.ask())
        mixed = [text for pair in zip(own[1:], other, strict=False) for text in pair][: 2 * (len(own) // 2)]
        for text in mixed:
            await desk.take([text])
            if await desk.page.locator("#scan").get_attribute("data-view") != "ask":
                break
        assert await desk.verdict() == ("3", YES)


async def test_out_of_time(parted: Parted, tmp_path: Path) -> None:
    """The wallet refuses a question of two minutes ago, and the desk an answer to one; both say that it has run out."""
    phone: Phone
    desk: Desk
    async with opened(parted, tmp_path) as (phone, desk):
        question = await desk.ask()
        texts = await phone.answer(question)
        await phone.again()
        await phone.go_on(130)
        assert await phone.asked(question) == "refused"
        assert await phone.heading() == "This code has run out"
        await phone.look("refused-run-out")
        await desk.go_on(130)
        await desk.page.get_by_text("This code has run out. Make a new one.").first.wait_for()
        await desk.take(texts)
        assert "This code has run out" in await desk.note()
        await desk.look("question-run-out")


# --- what a wallet refuses ---------------------------------------------------------------------------------------------------------------

MORE = """async ([passphrase, use]) => {
  const base = document.getElementById("scan").dataset.static;
  const [{ Store }, { sealKeys, askLive }, { fromBase64url, toBase64url }] = await Promise.all(
    ["scan/store.js", "scan/questions.js", "js/ovp/bytes.js"].map((name) => import(base + name)));
  const store = await Store.open(passphrase);
  const certificate = fromBase64url((await store.certificate()).certificate);
  const question = await askLive(store, { use, wants: [{ vct: 1, required: [1, 2, 3, 4, 5, 6, 7], optional: [] }], certificate, staple: false });
  const { renderText, CHALLENGE } = await import(base + "js/ovp/envelope.js");
  return renderText(CHALLENGE, fromBase64url(question.challenge));
}"""
"""What somebody with a registered desk's own key would do to learn more."""


async def test_what_a_wallet_refuses(parted: Parted, tmp_path: Path) -> None:
    """A desk that nobody registered, one that asks for more or for another reason, and questions with one bit or character changed."""
    phone: Phone
    desk: Desk
    stranger: Desk
    async with opened(parted, tmp_path, "phone", "desk", "stranger") as (phone, desk, stranger):
        for question, words, name in (
            (await stranger.ask(), "We do not know this organisation", "unregistered"),
            (await desk.page.evaluate(MORE, [DESK_PASSPHRASE, "bank"]), "They ask for more than they registered for", "over-asking"),
            (await desk.page.evaluate(MORE, [DESK_PASSPHRASE, "adverts"]), "They ask for a reason that is not registered", "other-reason"),
        ):
            assert await phone.asked(question) == "refused"
            assert await phone.heading() == words
            await phone.look(f"refused-{name}")
            await phone.home()
        good = await desk.ask()
        for number, bad in enumerate([*_flipped(good), *_misread(good)]):
            view = await phone.asked(bad)
            assert view in {"refused", "scan"}, f"change {number} was taken"
            if view == "refused":
                assert await phone.heading() in {
                    "This code is not genuine",
                    "This code is not a desk’s question",
                    "We do not know this organisation",
                }
                await phone.home()
        assert await phone.asked(f"{good[:-1]}{'0' if good[-1] != '0' else '1'}") in {"refused", "scan"}
        await phone.look("refused-changed")
        await phone.home()
        assert await phone.asked(good) == "consent"


def _flipped(text: str, *, count: int = 8) -> list[str]:
    """The question with one bit changed in it, at places all over it."""
    prefix, content = parse_text(text)
    places = [len(content) * number // count + number for number in range(count)]
    return [render_text(prefix, content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :]) for at in places]


def _misread(text: str, *, count: int = 4) -> list[str]:
    """The square code with one character of its text changed."""
    places = [5 + (len(text) - 6) * number // count for number in range(count)]
    return [text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :] for at in places]


# --- what a desk cannot do ---------------------------------------------------------------------------------------------------------------


async def test_a_desk_whose_clock_was_set_back(parted: Parted, tmp_path: Path) -> None:
    desk: Desk
    async with opened(parted, tmp_path, "desk", ahead={"desk": -7_200}) as (desk,):
        await desk.page.get_by_text("The clock of this device was set back").first.wait_for()
        await desk.look("clock-set-back")
        await desk.page.locator(".scan-use").first.click()
        await expect(desk.page.locator("#scan-urgent")).to_contain_text("The clock of this device was set back")
        await expect(desk.page.locator("[data-part=code]")).to_have_count(0)


async def test_a_week_later(parted: Parted, tmp_path: Path) -> None:
    """Neither side has had a network: the desk asks nothing more, and the phone says how old its knowledge is."""
    phone: Phone
    desk: Desk
    week = {"phone": 8 * 86_400, "desk": 8 * 86_400}
    async with opened(parted, tmp_path, ahead=week) as (phone, desk):
        await desk.page.get_by_text("The checking pack is too old to rely on").first.wait_for()
        await desk.look("stale-pack")
        await desk.page.locator(".scan-use").first.click()
        await expect(desk.page.locator("#scan-urgent")).to_contain_text("too old to rely on")
        await expect(desk.page.locator("[data-part=code]")).to_have_count(0)
        await phone.page.get_by_text("week").first.wait_for()
        await phone.look("stale")
        await phone.page.get_by_text("8 days ago").first.wait_for()


NO_STORAGE = "IDBFactory.prototype.open = () => { throw new DOMException('not here', 'SecurityError'); };"


async def test_browsers_that_may_store_nothing(parted: Parted, tmp_path: Path) -> None:
    """A private window, say: both pages open, and tell why nothing can be done there."""
    phone: Phone
    desk: Desk
    async with opened(parted, tmp_path) as (phone, desk):
        for side in (phone, desk):
            await side.page.context.add_init_script(NO_STORAGE)
            await side.page.reload()
        await phone.page.get_by_text("This browser does not let pages store anything").first.wait_for()
        await phone.look("storage-refused")
        await desk.page.get_by_role("heading", name="This browser keeps nothing").wait_for()
        await desk.look("storage-refused")
