"""A wallet sends its person to the office: she signs in with her letter, chooses, agrees or says no. No browser needed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
import yarl
from support.attested import CALLBACK, Wallet, attested
from support.registry import LPA_1, NOON, Registry
from support.visitor import BORN, CLERK, Visitor, code, letter, visitor

from issuer import offers, people
from issuer.authorization import LONGER_SECONDS, PUSHED_SECONDS
from issuer.office import Office, keyed
from issuer.pages.collecting import form_target
from issuer.records.people import holder_of
from issuer.revoke import Wish, change_one
from issuer.sessions import Action
from shared.clock import system_entropy
from shared.errors import InvalidGrant, SignInRequired
from shared.storage import Storage
from shared.web import sessions
from shared.web.sessions import ABSOLUTE


@pytest.fixture
async def wallet(registry: Registry) -> Wallet:
    return await attested(registry)


@pytest.fixture
async def nora(registry: Registry) -> AsyncIterator[Visitor]:
    async with visitor(registry) as one:
        yield one


async def test_letter_to_copies(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    made = await letter(registry)
    sign_in, pushed = await wallet.push()
    page = await nora.come(wallet, pushed)
    assert nora.path == "/authorize/sign-in"
    assert "A wallet" in page
    assert "Test leaf" in page
    assert "Power of attorney" in page
    assert "Console" not in page
    shown = f"{code(made)[:4]}-{code(made)[4:8]} {code(made)[8:].lower()}"
    page = await nora.sign_in(shown)
    assert nora.path == "/authorize/agree"
    for words in ("Margaret", "2 November 1938", "Up to 20", "Until it is cancelled", "A wallet"):
        assert words in page
    assert "form-action 'self' https://wallet.example" in nora.headers["Content-Security-Policy"]
    await nora.agree(made.document)
    token = await wallet.change(sign_in, nora.left)
    assert nora.left.startswith(f"{CALLBACK}?code=")
    assert len((await wallet.copies(token, 2)).credentials) == 2
    _, detail = await registry.call("GET", f"/api/credentials/{made.document}")
    assert [(line["what"], line["role"]) for line in detail["history"]] == [
        ("made", "clerk"),
        ("agreed", "holder"),
        ("collected", "wallet"),
    ]


@pytest.mark.parametrize(
    ("back", "there"),
    [
        ("com.example.wallet://cb", "com.example.wallet"),
        ("com.example.wallet://cb?x=%2Fa", "com.example.wallet"),
        ("https://wallet.example:8443/a%2Fb/../c?q=%7E", "wallet.example:8443"),
    ],
)
async def test_she_goes_back_to_the_very_address(registry: Registry, wallet: Wallet, nora: Visitor, back: str, there: str) -> None:
    """Byte for byte, for wallets compare it so (RFC 9700 section 2.1); and she is told where that is before she signs in and agrees."""
    made, mark = await letter(registry), "&" if "?" in back else "?"
    _, pushed = await wallet.push(redirect_uri=back)
    assert f"<strong>{there}</strong>" in await nora.come(wallet, pushed)
    await nora.send("/authorize/refuse")
    assert nora.left.startswith(f"{back}{mark}error=access_denied&")
    sign_in, pushed = await wallet.push(redirect_uri=back)
    await nora.come(wallet, pushed)
    assert f"<strong>{there}</strong>" in await nora.sign_in(code(made))
    await nora.agree(made.document)
    assert nora.left.startswith(f"{back}{mark}code=")
    assert (await wallet.change(sign_in, nora.left)).access_token


async def test_no_is_an_answer_before_and_after_signing_in(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    made = await letter(registry)
    for signs_in in (False, True):
        _, pushed = await wallet.push()
        await nora.come(wallet, pushed)
        if signs_in:
            await nora.sign_in(code(made))
        await nora.send("/authorize/refuse")
        assert nora.left.startswith(f"{CALLBACK}?error=access_denied")
        await nora.open("/authorize/sign-in")
        assert nora.status == 400  # over


async def test_whatever_is_wrong_reads_the_same(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """Wrong code, wrong date of birth, a letter that was blocked, a document that was cancelled: one sentence, the same page."""
    blocked, cancelled, good = [await letter(registry) for _ in range(3)]
    other_day = BORN | {"birth.day": "15"}
    _, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    first = ""
    for _ in range(5):
        first = first or await nora.sign_in(code(blocked), other_day)
        await nora.sign_in(code(blocked), other_day)
    await change_one(registry.office, cancelled.document, Wish(action=Action.CANCEL, reason="made-in-error", actor=CLERK))
    for typed, born in (("7K3MQ2XD90RT", BORN), (code(blocked), BORN), (code(cancelled), BORN), (code(good), other_day)):
        page = await nora.sign_in(typed, born)
        assert nora.status == 400
        assert "do not match, or the code has been used" in page
        assert page.replace(typed, "").replace('value="15"', 'value="14"') == first.replace(code(blocked), "").replace(
            'value="15"', 'value="14"'
        )
    _, detail = await registry.call("GET", f"/api/credentials/{blocked.document}")
    assert [line["what"] for line in detail["history"]] == ["made", "letter-locked"]
    await nora.sign_in(code(good))
    assert nora.path == "/authorize/agree"


@dataclass
class Steps:
    """A storage that writes down what is done with it, one kind of step after the other."""

    storage: Storage
    seen: list[str] = field(default_factory=list)

    async def read(self, work: Any) -> Any:
        self.seen.append("read")
        return await self.storage.read(work)

    async def write(self, work: Any, *, point: str) -> Any:
        self.seen.append(point)
        return await self.storage.write(work, point=point)


async def test_whatever_is_wrong_takes_the_same_steps(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many HMACs and units of work for an unknown code as for a wrong date of birth: time tells nothing."""
    made, real = await letter(registry), keyed
    for typed in ("7K3MQ2XD90RT", code(made)):
        steps = Steps(registry.office.storage)

        async def mac(office: Office, purpose: str, text: str, seen: list[str] = steps.seen) -> bytes:
            seen.append("mac")
            return await real(office, purpose, text)

        monkeypatch.setattr("issuer.people.keyed", mac)
        with pytest.raises(SignInRequired):
            await people.sign_in(replace(registry.office, storage=cast("Storage", steps)), typed, "1968-03-15")
        assert steps.seen == ["mac", "read", "mac", "holder-sign-in"]


async def test_form_says_what_is_missing(wallet: Wallet, nora: Visitor) -> None:
    _, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    page = await nora.sign_in("", {})
    assert "Enter the code from your letter" in page
    assert "Enter your date of birth" in page
    for born in ({**BORN, "birth.month": "13"}, {**BORN, "birth.year": "1700"}, {**BORN, "birth.year": "2090"}, {**BORN, "birth.day": "x"}):
        assert "must be a real date" in await nora.sign_in("7K3MQ2XD90RT", born)


async def test_address_is_throttled(wallet: Wallet, nora: Visitor) -> None:
    _, pushed = await wallet.push()
    page = await nora.come(wallet, pushed)
    for _ in range(people.BY_ADDRESS.most):
        await nora.sign_in("7K3MQ2XD90RT")
        assert nora.status == 400
    nora.text = page
    await nora.sign_in("7K3MQ2XD90RT")
    assert nora.status == 429


async def test_code_serves_an_hour_after_she_agreed(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """A wallet may fail at the first try; a letter in a drawer opens nothing."""
    made = await letter(registry)
    for later, works in ((0, True), (people.AGAIN - 60, True), (120, False)):
        registry.clock.at += later
        wallet = await attested(registry, wallet.by)
        _, pushed = await wallet.push()
        await nora.come(wallet, pushed)
        await nora.sign_in(code(made))
        assert (nora.path == "/authorize/agree") is works
        if works:
            await nora.agree(made.document)
            assert nora.left.startswith(f"{CALLBACK}?code=")


async def test_collected_otherwise_or_invited_anew_ends_the_letter(registry: Registry) -> None:
    office, made = registry.office, await letter(registry)
    again = await offers.invite_again(office, made.document, actor=CLERK)
    assert code(again) != code(made)
    with pytest.raises(SignInRequired):
        await people.sign_in(office, code(made), "1968-03-14")
    holder = await people.sign_in(office, code(again), "1968-03-14")
    assert [each.document.id for each in await people.fitting(office, holder, ["representation"])] == [made.document]
    assert await people.fitting(office, holder, ["person"]) == []
    status, _ = await registry.form(
        "/token",
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code",
            "pre-authorized_code": offers.pre_authorized_code(again.secrets.token),
            "tx_code": again.secrets.code or "",
        },
    )
    assert status == 200
    with pytest.raises(SignInRequired):
        await people.sign_in(office, code(again), "1968-03-14")


async def test_letter_lapses(registry: Registry) -> None:
    made = await letter(registry)
    registry.clock.at = made.expires_at
    with pytest.raises(SignInRequired):
        await people.sign_in(registry.office, code(made), "1968-03-14")


# --- choosing --------------------------------------------------------------------------------------------------------------------------


async def test_second_letter_makes_a_choice(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """She uses two letters in one sign-in: both documents are hers, now and next time; one of a kind is collected at once."""
    first = await letter(registry)
    second = await letter(registry, register_entry="urn:fdc:opg.example:2027:lpa:M-7890-0400-4001")
    sign_in, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    await nora.sign_in(code(first))
    await nora.open("/authorize/sign-in")
    await nora.sign_in(code(second))
    page = await nora.send("/authorize/same", ("same", "yes"))
    assert nora.path == "/authorize/documents"
    assert "M-7890-0400-4001" in page
    await nora.choose(first.document, second.document)
    assert nora.status == 400
    await nora.choose(second.document)
    assert nora.status == 200
    await nora.agree(first.document, second.document)
    assert nora.status == 400
    await nora.choose(second.document)
    await nora.agree(second.document)
    token = await wallet.change(sign_in, nora.left)
    assert (await wallet.copies(token)).credentials
    holder = await people.sign_in(registry.office, code(first), "1968-03-14")
    assert len(await people.fitting(registry.office, holder, ["representation"])) == 2


async def test_nobody_elses_document(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    hers, his = await letter(registry), await letter(registry)
    _, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    await nora.sign_in(code(hers))
    for numbers in ((his.document,), (hers.document, his.document), ()):
        await nora.open("/authorize/agree")
        await nora.agree(*numbers)
        assert nora.status == 400
        assert not nora.left


async def test_she_agrees_to_what_the_page_showed(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """Details that were corrected meanwhile are shown before anything is made."""
    made = await letter(registry)
    _, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    assert "Council tax" in await nora.sign_in(code(made))
    correction = {"claims": LPA_1 | {"powers": ["banking"]}, "reason": "a slip"}
    await registry.call("POST", f"/api/credentials/{made.document}/correction", correction)
    await nora.agree(made.document)
    assert (nora.status, nora.left) == (409, "")
    assert "These details were changed since you looked" in nora.text
    assert "Council tax" not in nora.text
    await nora.send("/authorize/agree", ("document", made.document))
    assert nora.status == 409
    await nora.agree(made.document)
    assert nora.left.startswith(CALLBACK)


async def test_nothing_to_collect(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """Signed in, and meanwhile the office has cancelled it."""
    made = await letter(registry)
    _, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    await nora.sign_in(code(made))
    await change_one(registry.office, made.document, Wish(action=Action.HOLD, reason="investigation", actor=CLERK))
    page = await nora.open("/authorize/documents")
    assert "There is nothing to collect" in page
    await nora.send("/authorize/refuse")
    assert "error=access_denied" in nora.left


async def test_letter_of_the_invitation_comes_first(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    first, second = await letter(registry), await letter(registry)
    await people.join(
        registry.office,
        await people.sign_in(registry.office, code(first), "1968-03-14"),
        await people.sign_in(registry.office, code(second), "1968-03-14"),
    )
    for wanted in (first, second):
        _, pushed = await wallet.push(issuer_state=offers.issuer_state(wanted.secrets.token))
        await nora.come(wallet, pushed)
        page = await nora.sign_in(code(first))
        positions = {made.document: page.index(f'value="{made.document}"') for made in (first, second)}
        assert min(positions, key=lambda number: positions[number]) == wanted.document


async def test_two_browsers_that_join_the_same_two_the_other_way_round(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """The second finds that it was done, and signs in anew; so does whoever was signed in as the one that is no more."""
    first, second = await letter(registry), await letter(registry)
    async with visitor(registry) as other, visitor(registry) as third:
        for browser, letters in ((nora, (first, second)), (other, (second, first)), (third, (second,))):
            _, pushed = await wallet.push()
            await browser.come(wallet, pushed)
            for each in letters:
                await browser.open("/authorize/sign-in")
                await browser.sign_in(code(each))
        await nora.send("/authorize/same", ("same", "yes"))
        await other.send("/authorize/same", ("same", "yes"))
        assert other.status == 200
        for browser in (other, third):
            await browser.open("/authorize/passkeys")
            assert browser.path == "/authorize/sign-in"
    storage = registry.office.storage
    held = await storage.read(lambda tx: holder_of(tx, first.document)), await storage.read(lambda tx: holder_of(tx, second.document))
    assert held[0] == held[1]
    assert held[0] is not None


# --- the visit -------------------------------------------------------------------------------------------------------------------------


async def test_signing_in_changes_the_cookie(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """Who planted the cookie before she signed in has nothing afterwards (session fixation)."""
    made = await letter(registry)
    _, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    planted = {each.key: each.value for each in nora.http.cookie_jar}
    await nora.sign_in(code(made))
    assert nora.path == "/authorize/agree"
    async with visitor(registry) as thief:
        thief.http.cookie_jar.update_cookies(planted, response_url=yarl.URL(registry.base))
        await thief.open("/authorize/agree")
        assert thief.status == 400


async def test_visit_serves_one_request(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """A second wallet does not find her signed in, and an answered or lapsed request has no pages."""
    made = await letter(registry)
    _, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    await nora.sign_in(code(made))
    other = await attested(registry, wallet.by, client_id="https://wallet-maker.example/wallet/2")
    _, second = await other.push()
    await nora.come(other, second)
    assert nora.path == "/authorize/sign-in"
    await nora.open("/authorize/agree")
    assert nora.path == "/authorize/sign-in"
    registry.clock.at += registry.office.settings.sign_in_minutes * 60
    await nora.open("/authorize/sign-in")
    assert nora.status == 400


async def left(nora: Visitor) -> int:
    return int(json.loads(await nora.open("/authorize/stay"))["seconds"])


async def test_whoever_says_so_in_time_has_more_time(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """WCAG 2.2.1, as often as she likes, for twelve hours in all; looking how long is left gives her none, nor does a form of others."""
    made, life = await letter(registry), registry.office.settings.sign_in_minutes * 60
    assert await left(nora) == 0
    _, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    began, form = registry.clock(), nora.text
    assert f'data-stay="/authorize/stay" data-stay-seconds="{life}"' in form
    registry.clock.at += life - 100
    assert await left(nora) == await left(nora) == 100
    for fields, headers in (({"form_token": "x"}, {}), ({}, {"Sec-Fetch-Site": "cross-site"})):
        nora.text = form
        await nora.send("/authorize/stay", *fields.items(), **headers)
        assert (nora.status, await left(nora)) == (403, 100)
    for _ in range(10):
        nora.text = form
        await nora.send("/authorize/stay")
        assert json.loads(nora.text) == {"seconds": life}
        registry.clock.at += life - 100
    nora.text = form
    await nora.sign_in(code(made))
    assert nora.path == "/authorize/agree"
    form = nora.text
    while registry.clock() < began + ABSOLUTE - life:
        await nora.send("/authorize/stay")
        registry.clock.at += life - 1
        nora.text = form
    await nora.send("/authorize/stay")
    ends = began + ABSOLUTE + PUSHED_SECONDS
    assert await left(nora) == ends - registry.clock() < life
    registry.clock.at = ends - 1
    nora.text = form
    await nora.open("/authorize/agree")
    assert nora.status == 200
    registry.clock.at = ends
    nora.text = form
    await nora.send("/authorize/stay")
    assert json.loads(nora.text) == {"seconds": 0}
    await nora.open("/authorize/agree")
    assert nora.status == 400


@pytest.mark.parametrize("late", [0, 1])
async def test_whoever_needed_more_time_has_some_to_open_her_wallet_again(
    registry: Registry, wallet: Wallet, nora: Visitor, late: int
) -> None:
    """A wallet closes after minutes in which nobody used it; ten minutes after she agreed the code is over."""
    made, life = await letter(registry), registry.office.settings.sign_in_minutes * 60
    sign_in, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    form = nora.text
    registry.clock.at += life - 100
    await nora.send("/authorize/stay")
    registry.clock.at += life - 100
    nora.text = form
    await nora.sign_in(code(made))
    await nora.agree(made.document)
    registry.clock.at += LONGER_SECONDS - 1 + late
    if late:
        with pytest.raises(InvalidGrant):
            await wallet.change(sign_in, nora.left)
    else:
        await wallet.copies(await wallet.change(sign_in, nora.left), 2)


async def test_forms_of_other_pages_are_refused(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    made = await letter(registry)
    _, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    for fields, headers in (({"form_token": "x"}, {}), ({}, {"Sec-Fetch-Site": "cross-site"}), ({}, {"Origin": "https://evil.example"})):
        await nora.open("/authorize/sign-in")
        await nora.send("/authorize/sign-in", ("code", code(made)), *BORN.items(), *fields.items(), **headers)
        assert nora.status == 403
    await nora.open("/authorize/agree")
    assert nora.path == "/authorize/sign-in"


async def test_operators_and_holders_are_strangers(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """Neither cookie opens the other's pages."""
    made = await letter(registry)
    _, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    await nora.sign_in(code(made))
    cookie = next(each.value for each in nora.http.cookie_jar)
    async with registry.http.get(
        registry.base + "/console/", headers={"Cookie": f"__Host-muniment-issuer={cookie}"}, allow_redirects=False
    ) as answer:
        assert answer.headers["Location"].startswith("/console/sign-in")
    operator, _ = await registry.office.storage.write(
        lambda tx: sessions.begin(tx, subject="somebody", at=NOON, entropy=system_entropy, data={})
    )
    async with registry.http.get(
        registry.base + "/authorize/agree", headers={"Cookie": f"__Host-muniment-issuer-holder={operator}"}
    ) as answer:
        assert answer.status == 400


async def test_only_pushed_requests_have_a_page(wallet: Wallet, nora: Visitor) -> None:
    _, pushed = await wallet.push()
    for query in ("", "?client_id=x", f"?client_id=x&request_uri={pushed.request_uri}", "?client_id=x&request_uri=https://evil.example"):
        await nora.open(f"/authorize{query}")
        assert nora.status == 400
        assert "<h1" in nora.text
        assert not nora.left


async def test_what_is_stored_tells_neither_code_nor_birth_date(registry: Registry) -> None:
    made = await letter(registry)
    rows = await registry.office.storage.read(lambda tx: tx.fetch("SELECT * FROM activation"))
    assert len(rows) == 1
    kept = b"".join(bytes(rows[0][name]) for name in ("code", "birth"))
    assert code(made).encode() not in kept
    assert b"1968" not in kept


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("https://Wallet.example/cb", "https://wallet.example"),
        ("https://wallet.example:8443/cb", "https://wallet.example:8443"),
        ("haip-vci://cb", "haip-vci:"),
        ("com.example.wallet:/cb", "com.example.wallet:"),
        ("https://[::1]/cb", ""),
        ("https://wallet.example;script-src/x", ""),
    ],
)
def test_policy_names_no_more_than_the_wallet(uri: str, target: str) -> None:
    assert form_target(uri) == target
