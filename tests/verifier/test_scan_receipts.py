"""What the checking page gives: a receipt for every decision, on the screen and on paper, told to the service in the next round and not before."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect
from support.browser import LAPTOP, PHONE
from support.counter import KEY, Counter
from support.desk import BANK, Running, Template, copy_file, serving
from support.desk_scan import WHOLE, shown
from support.scan_page import PASSPHRASE, ScanPage, answer, as_code, copy_text
from support.signing import AT
from support.trial_verify import CLAIMS, IDX, LIST, Dice, status_token, stranger

from shared import addressed
from shared.clock import DAY
from shared.codec import base64url, qr, strict_json
from shared.ovp.answer import code_binding, parse_answer, peek_answer
from shared.ovp.envelope import RECEIPT, parse_text, render_text
from shared.ovp.receipt import DeskReceipt, check_desk_receipt, parse_desk_receipt
from shared.trust.relying_party import Register, prepare_rp_certificate
from shared.web import log
from verifier.desk import RELYING_PARTY
from verifier.words import A_COPY

pytestmark = pytest.mark.real


async def register(desk: Running) -> Register:
    """What a wallet keeps of the bank: its own key, vouched for by somebody whom the wallet trusts."""
    counter = Counter()
    public = await desk.desk.custodian.public(RELYING_PARTY)
    made = prepare_rp_certificate(
        anchor="Register of askers", anchor_public=counter.anchor.public, key=KEY, entity=BANK, public=public,
        name=counter.uses[0].title, uses=counter.uses, at=AT,
    )  # fmt: skip
    return Register.of([counter.anchor.finish(made)], counter.trust(), at=AT)


async def given(counter: ScanPage, *, press: bool = True) -> DeskReceipt:
    """Ask for it, and read its square code off the screen as a wallet's camera would; the text beside it is the same."""
    if press:
        await counter.press("Give a receipt")
    plate = counter.page.locator("[data-part=receipt] .scan-code__plate")
    await plate.scroll_into_view_if_needed()
    (text,) = qr.read(await plate.screenshot())
    assert text == await counter.page.locator("[data-part=text]").input_value()
    prefix, data = parse_text(text)
    assert prefix == RECEIPT
    return parse_desk_receipt(data)


async def said(counter: ScanPage) -> str:
    """The words beside the code."""
    return " ".join((await counter.page.locator("[data-part=says]").inner_text()).split())


async def untold(counter: ScanPage) -> str:
    await counter.press("This desk")
    await counter.view("settings")
    told = await counter.page.locator("dl div").filter(has_text="Receipts given, not yet confirmed").locator("dd").inner_text()
    await counter.press("Go back")
    await counter.view("home")
    return str(told)


async def log_of(desk: Running) -> list[dict[str, Any]]:
    lines = await desk.desk.storage.read(lambda tx: log.page(tx, before=2**53 - 1, limit=200))
    return [dict(line.entry.entry or {}) for line in lines if line.entry.entry and line.entry.entry["kind"] == "desk-receipt"]


async def test_given_without_a_network_and_confirmed_afterwards(template: Template, tmp_path: Path, chromium: Browser) -> None:
    """The whole way: three levels in airplane mode, then a round with a network, and what confirms each for whoever holds it."""
    context = await chromium.new_context(locale="en-GB")
    async with serving(template, tmp_path / "desk", local=True) as desk:
        counter = await ScanPage.open(context, desk.base, at=AT)
        await counter.sign_in()
        await counter.enrol()
        known = await register(desk)
        public = await desk.desk.custodian.public(RELYING_PARTY)
        await context.set_offline(True)
        check: dict[str, Any] = {"use": "bank", "sent_at": AT, "at": AT + DAY}

        challenge = await counter.ask()
        sealed = answer(challenge)
        await counter.scan(as_code(sealed))
        assert await counter.result() == "You can rely on this"
        await expect(counter.page.locator("[data-part=receipt]")).to_be_hidden()
        live = await given(counter)
        assert (live.decision, live.code, live.nonce, live.desk.name) == ("accepted", "", challenge.digest, "Counter 3")
        assert re.fullmatch(
            r"Given by Northwold Bank, Counter 3 What for Bank account Decision Accepted When 15 January 2027 at \d\d:\d\d",
            await said(counter),
        )
        assert "Provisional receipt" in await counter.text()
        await counter.look("receipt", dark=True)
        await small(counter)
        await counter.press("Next customer")

        await counter.press("Make a code to type")
        await counter.page.get_by_role("button", name="Bank account").click()
        await counter.view("code")
        digits = await counter.digits()
        binding = code_binding(digits, entity=BANK, use="bank", public=public)
        text = shown(binding, seed="code")
        await counter.scan(text)
        assert await counter.result() == "You can rely on this"
        code = await given(counter)
        check_desk_receipt(code, known, content=parse_text(text)[1], nonce=base64url.decode(binding.nonce or ""), **check)
        await counter.press("Next customer")

        text = copy_text("by hand")
        await counter.press("Check a copy")
        await counter.scan(text)
        assert await counter.result() == A_COPY
        copy = await given(counter)
        content = parse_text(text)[1]
        number = base64url.decode(peek_answer(parse_answer(*parse_text(text))).number)
        party = check_desk_receipt(copy, known, content=content, nonce=number, **check)
        assert (party.entity, copy.decision) == (BANK, "accepted")
        await counter.press("Next customer")

        assert await untold(counter) == "3"
        assert await log_of(desk) == []
        for kept in (await counter.page.content(), await counter.storage()):
            assert "Ashdown" not in kept
        status, _ = await confirmed(desk, live)
        assert status == 404

        await context.set_offline(False)
        await counter.press("This desk")
        await counter.press("Fetch certificate and checking pack now")
        await counter.page.locator("#scan-said").get_by_text("Renewed.").wait_for(state="attached")
        await counter.press("Go back")
        assert await untold(counter) == "0"
        entries = await log_of(desk)
        assert sorted(each["level"] for each in entries) == ["addressed", "live", "relayable"]
        assert all("represented/family_name" in each["claim_paths"] for each in entries)
        assert "Ashdown" not in str(entries)
        for each in (live, code, copy):
            status, token = await confirmed(desk, each)
            claims = strict_json.load_object(base64url.decode(token.split(".")[1]))
            assert (status, claims["decision"], claims["salt"]) == (200, "accepted", base64url.encode(each.salt))
            assert (claims["presentation_digest"], claims["nonce"]) == (base64url.encode(each.digest), base64url.encode(each.nonce))
    await context.close()


async def confirmed(desk: Running, receipt: DeskReceipt) -> tuple[int, str]:
    async with desk.http.post(f"{desk.base}/receipts/desk", data=receipt.data, headers={"Content-Type": "application/cose"}) as told:
        return told.status, str((await told.json(content_type=None)).get("receipt", ""))


async def test_refused_undecided_and_with_the_service(counter: ScanPage, local: Running) -> None:
    """R6: a no and a "cannot tell" are answered as well. A person's decision is not anticipated; what they leave open is said when asked."""
    known = await register(local)
    limited = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge, claims=limited, paths=(*WHOLE, ("restrictions_text",)), seed="limits")))
    await counter.result()
    waiting = await given(counter)
    assert (waiting.decision, waiting.code) == ("undecided", "restrictions_to_read")
    assert "Decision Not decided yet Why" in await said(counter)
    await counter.page.get_by_label("No", exact=True).check()
    await counter.press("Decide")
    await counter.page.get_by_role("heading", name="Do not rely on this").wait_for()
    refused = await given(counter)
    assert (refused.decision, refused.code, refused.nonce) == ("rejected", "outside_scope", waiting.nonce)
    assert refused.digest != waiting.digest
    assert "Decision Refused Why" in await said(counter)
    await counter.press("Next customer")
    local.site.lists[LIST] = status_token({IDX: 1}, iat=AT + 60)
    local.clock.at += 120
    await local.store.refresh(local.site)
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge)))
    assert await counter.result() == "Do not rely on this"
    stricter = await given(counter)
    assert (stricter.decision, stricter.code) == ("rejected", "revoked")
    await counter.press("Next customer")
    for receipt in (waiting, refused, stricter):
        assert known.find(receipt.desk.entity, at=AT).entity == BANK
    assert await untold(counter) == "3"


async def test_copies_as_files_and_those_that_get_none(counter: ScanPage) -> None:
    """Of an SD-JWT it names the holder's number too. What is made for another, shown again, or no receipt of ours repeats, gets none."""
    await counter.press("Check a copy")
    file = copy_file(seed="a file")
    await counter.choose({"name": "copy.json", "mimeType": "application/json", "buffer": file})
    assert await counter.result() == A_COPY
    receipt = await given(counter)
    ((wire,),) = addressed.parse_file(file).vp_token.values()
    claims = strict_json.load_object(base64url.decode(wire.rpartition("~")[2].split(".")[1]))
    assert receipt.nonce == base64url.decode(claims["jti"])
    await counter.press("Next customer")
    for text in (copy_text("elsewhere", to="https://other.example"), shown(_for("loan"), seed="loan")):
        await counter.press("Check a copy")
        await counter.paste(text)
        assert await counter.result() == "Do not rely on this"
        await expect(counter.page.get_by_role("button", name="Give a receipt")).to_be_hidden()
        assert "There is no receipt to give" in await counter.text()
        await counter.press("Next customer")
    await counter.press("Check a copy")
    await counter.paste(qr_text(receipt))
    await counter.note("This code is something else")


def _for(use: str) -> Any:
    return addressed.make_binding(entity=BANK, purpose_id=use, at=AT, entropy=Dice(use))


def qr_text(receipt: DeskReceipt) -> str:
    return render_text(RECEIPT, receipt.data)


FILL = """async ([passphrase, count, at]) => {
  const { Store } = await import(new URL("scan/store.js", new URL(document.getElementById("scan").dataset.static, location)));
  const store = await Store.open(passphrase);
  const value = { receipt: "", mode: "copy", vct: "", paths: [] };
  await store.vault.commit(Array.from({ length: count }, (_, i) => ({ shelf: "given", id: `old ${i}`, value: { ...value, at: at - count + i } })));
  store.close();
}"""
KEPT = """async (passphrase) => {
  const { Store } = await import(new URL("scan/store.js", new URL(document.getElementById("scan").dataset.static, location)));
  const store = await Store.open(passphrase);
  const ids = (await store.given()).map(({ id }) => id);
  store.close();
  return ids;
}"""
FULL = "This desk can keep no more receipts."


async def test_where_there_are_too_many_the_page_says_which_are_never_confirmed(
    template: Template, tmp_path: Path, chromium: Browser
) -> None:
    """500 are kept until they were told. Then the oldest goes for each new one, which is said before and after, and counted for good."""
    context = await chromium.new_context(locale="en-GB")
    async with serving(template, tmp_path / "desk", local=True) as desk:
        counter = await ScanPage.open(context, desk.base, at=AT)
        await counter.sign_in()
        await counter.enrol()
        await context.set_offline(True)
        await counter.page.evaluate(FILL, [PASSPHRASE, 499, AT])
        receipts = []
        for number, dropped in enumerate((False, True)):
            assert (FULL in await counter.text()) is dropped
            await counter.press("Check a copy")
            await counter.scan(copy_text(f"copy {number}"))
            await counter.result()
            assert (FULL in await counter.text()) is dropped
            receipts.append(await given(counter))
            if dropped:
                await small(counter)
            await counter.press("Next customer")
            await counter.view("home")
            await counter.page.locator("[data-part=warnings]").get_by_text(FULL).wait_for()
        await small(counter)
        ids = await counter.page.evaluate(KEPT, PASSPHRASE)
        assert (len(ids), "old 0" in ids, "old 1" in ids) == (500, False, True)
        assert sorted(ids[-2:]) == sorted(base64url.encode(sha256(each.data).digest()) for each in receipts)
        assert await counted(counter) == {"Receipts given, not yet confirmed": "500", "Receipts dropped, never to be confirmed": "1"}

        await context.set_offline(False)
        await counter.press("This desk")
        await counter.press("Fetch certificate and checking pack now")
        await counter.page.locator("#scan-said").get_by_text("Renewed.").wait_for(state="attached")
        assert FULL not in await counter.text()
        await counter.press("Go back")
        assert await counted(counter) == {"Receipts given, not yet confirmed": "0", "Receipts dropped, never to be confirmed": "1"}
        assert [(await confirmed(desk, each))[0] for each in receipts] == [200, 200]
    await context.close()


async def counted(counter: ScanPage) -> dict[str, str]:
    """What the page of this desk counts of receipts."""
    await counter.view("home")
    await counter.press("This desk")
    await counter.view("settings")
    rows = counter.page.locator("dl div").filter(has_text="Receipts")
    await rows.first.wait_for()
    found = dict(zip(await rows.locator("dt").all_inner_texts(), await rows.locator("dd").all_inner_texts(), strict=True))
    await counter.press("Go back")
    await counter.view("home")
    return found


async def small(counter: ScanPage) -> None:
    """Nothing wrong on this view on the smallest phone and on a laptop."""
    for box in (PHONE, LAPTOP):
        await counter.page.set_viewport_size({"width": box["width"], "height": box["height"]})
        await counter.watched.check()


async def test_hands_free_it_is_there_and_printed_alone(counter: ScanPage) -> None:
    await counter.press("This desk")
    await counter.page.get_by_label("Hands-free").check()
    await counter.press("Go back")
    challenge = await counter.ask()
    await counter.paste(as_code(answer(challenge)))
    assert await counter.result() == "You can rely on this"
    receipt = await given(counter, press=False)
    assert receipt.nonce == challenge.digest
    page = counter.page
    await page.emulate_media(media="print")
    seen = " ".join((await page.locator("body").inner_text()).split())
    assert "Provisional receipt" in seen
    assert "Given by Northwold Bank, Counter 3" in seen
    for other in ("Ashdown", "Next customer", "Print this receipt", qr_text(receipt)[:20]):
        assert other not in seen
    (text,) = qr.read(await page.locator("[data-part=receipt] .scan-code__plate").screenshot())
    assert parse_text(text) == (RECEIPT, receipt.data)


async def test_whom_nothing_proves_gets_none(counter: ScanPage) -> None:
    """Anybody can make answers that are nobody's, as many as they like: no receipt for them takes the place of an honest one."""
    for seed in ("one", "two"):
        await counter.scan(as_code(answer(await counter.ask(), seed=seed, by=stranger())))
        assert await counter.result() == "Do not rely on this"
        await expect(counter.page.get_by_role("button", name="Give a receipt")).to_be_hidden()
        assert "There is no receipt to give" in await counter.text()
        await counter.press("Next customer")
    await counter.press("Make a code to type")
    await counter.page.get_by_role("button", name="Bank account").click()
    await counter.view("code")
    await counter.scan(copy_text("no answer to this code"))
    assert await counter.result() == "Do not rely on this"
    assert "There is no receipt to give" in await counter.text()
    await counter.press("Next customer")
    assert await untold(counter) == "0"


SIGN = """(way) => {
  const real = SubtleCrypto.prototype.sign;
  globalThis.asked = 0;
  globalThis.signs = new Promise((resolve) => { globalThis.release = resolve; });
  SubtleCrypto.prototype.sign = async function (algorithm, ...rest) {
    if ((algorithm.name ?? algorithm) !== "ECDSA") return real.call(this, algorithm, ...rest);
    globalThis.asked += 1;
    if (way === "fails") throw new DOMException("no", "OperationError");
    await globalThis.signs;
    return real.call(this, algorithm, ...rest);
  };
}"""


async def test_what_was_decided_is_shown_where_no_receipt_can_be_made(counter: ScanPage) -> None:
    """The question is used up and the list of decisions says so: whoever stands there sees it too."""
    challenge = await counter.ask()
    await counter.page.evaluate(SIGN, "fails")
    await counter.scan(as_code(answer(challenge)))
    assert await counter.result() == "You can rely on this"
    assert "There is no receipt to give" in await counter.text()
    await expect(counter.page.get_by_role("button", name="Give a receipt")).to_be_hidden()


async def test_nothing_of_the_last_customer_comes_up_at_the_next(counter: ScanPage) -> None:
    """Signing takes its time, and somebody has gone on meanwhile."""
    challenge = await counter.ask()
    await counter.page.evaluate(SIGN, "waits")
    await counter.scan(as_code(answer(challenge)))
    await counter.page.wait_for_function("() => globalThis.asked === 1")
    await counter.press("What a check cannot tell")
    await counter.view("limits")
    await counter.page.evaluate("() => globalThis.release()")
    await counter.press("Go back")
    await counter.view("home")
    for _ in range(100):  # it is made to its end, which takes its time too, and is told
        if await untold(counter) == "1":
            break
    else:
        pytest.fail("what was decided is never told")
    assert "You can rely on this" not in await counter.text()


async def test_pressed_twice_there_is_one(counter: ScanPage) -> None:
    limited = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
    challenge = await counter.ask()
    await counter.scan(as_code(answer(challenge, claims=limited, paths=(*WHOLE, ("restrictions_text",)), seed="limits")))
    await counter.result()
    await counter.page.evaluate(SIGN, "waits")
    for _ in range(2):
        await counter.press("Give a receipt")
    await counter.page.evaluate("() => globalThis.release()")
    assert (await given(counter, press=False)).decision == "undecided"
    assert await counter.page.evaluate("() => globalThis.asked") == 1
    await counter.press("Next customer")
    assert await untold(counter) == "1"
