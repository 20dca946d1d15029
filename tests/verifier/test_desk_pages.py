from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.clerk import Clerk
from support.desk import PATHS, Site, Template, copy_file, make_copy, present, serving
from support.signing import AT
from support.trial_verify import CLAIMS, DAY, IDX, LIST, status_token

from shared import addressed
from shared.codec import qr
from shared.errors import AccessDenied, InvalidRequest
from shared.openid4vp import render_refusal, render_response
from shared.receipts import peek_receipt
from shared.storage import Tx
from shared.trust.anchors import TrustAnchors, render_trust
from shared.web import log
from verifier.app import one_round


@pytest.fixture
async def clerk(template: Template, tmp_path: Path) -> AsyncIterator[Clerk]:
    async with serving(template, tmp_path / "desk", local=True, claims_kept=("Donor’s last name", "account number")) as desk:
        yield await Clerk(desk).sign_in()


async def test_pages_want_a_sign_in(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", local=True) as desk:
        for path in ("/desk/", "/desk/ask", "/desk/copies", "/desk/trust", "/desk/decisions", "/desk/requests", "/desk/requests/none"):
            async with desk.http.get(desk.base + path, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"].partition("?")[0]) == (303, "/desk/sign-in")
        page = await Clerk(desk).post("/desk/sign-in", {"name": "Bea Clerk", "passphrase": "wrong wrong wrong"}, status=400)
        assert "Name and passphrase do not match" in page
        async with desk.http.post(desk.base + "/desk/ask", data={"use": "representation/bank"}, allow_redirects=False) as answer:
            assert answer.status == 303


async def test_a_form_from_elsewhere_is_refused(clerk: Clerk) -> None:
    assert "made for you" in await clerk.post("/desk/ask", {"use": "representation/bank", "form_token": "x"}, status=403)
    async with clerk.desk.http.post(
        clerk.desk.base + "/desk/trust/refresh", data={"form_token": await clerk.token()}, headers={"Origin": "https://evil.example"}
    ) as answer:
        assert answer.status == 403


async def test_a_clerk_says_what_is_to_be_agreed_to(clerk: Clerk) -> None:
    """In words of their own, which the holder signs; what could never be asked comes back with all that was typed."""
    chosen = {"form_token": await clerk.token(), "use": "representation/bank"}
    joint = chosen | {"use": "representation/bank-together"}
    for wrong, said in (
        (chosen | {"agree": "x" * 1_001}, "1,000 characters or fewer"),
        (chosen | {"agree_cy": "Talwch £5 i mi."}, "Write in English what they agree to, too"),
        (joint | {"agree": "Pay £5 to me."}, "agree to the purpose itself"),
        (chosen | {"agree": "Pay £5\u202e to me."}, "letters that everybody sees"),
        (chosen | {"agree": "Pay £5 to me.", "agree_cy": "Talwch £5\u200b i mi."}, "letters that everybody sees"),
    ):
        page = await clerk.post("/desk/ask", wrong, status=400)
        assert said in page
        assert all(each in page for name, each in wrong.items() if name.startswith("agree"))
    page = await clerk.post("/desk/ask", chosen | {"agree": "Pay £5 to me.", "agree_cy": "Talwch £5 i mi."})
    assert "Pay £5 to me." in page
    assert "Talwch £5 i mi." in await clerk.get(f"{clerk.at}?lang=cy")


@pytest.mark.parametrize(("formats", "status"), [(("mso_mdoc",), 400), (("mso_mdoc", "dc+sd-jwt"), 200)])
async def test_only_documents_that_can_agree_are_asked_to(
    template: Template, tmp_path: Path, formats: tuple[str, ...], status: int
) -> None:
    """A desk that takes none says so at the field, and what was typed is still there."""
    async with serving(template, tmp_path / "desk", local=True, formats=formats) as desk:
        clerk = await Clerk(desk).sign_in()
        fields = {"form_token": await clerk.token(), "use": "representation/bank", "agree": "Pay £5 to me."}
        for chosen, said in ((fields, "Pay £5 to me."), (fields | {"use": "representation/bank-together", "agree": ""}, "")):
            page = await clerk.post("/desk/ask", chosen, status=status)
            assert said in page
            assert ("Nobody can agree to anything with the documents that this desk takes" in page) is (status == 400)
        if status == 200:
            for order in ({"agree": {"statement": "Pay £5 to me."}}, {"query": "bank-together"}):
                request = await desk.read(await desk.ask(formats=list(formats), **order))
                assert [each.format for each in request.query.credentials] == ["dc+sd-jwt"]
            both = await desk.read(await desk.ask(formats=list(formats)))
            assert [each.format for each in both.query.credentials] == list(formats)


async def test_ask_wait_and_read_the_verdict(clerk: Clerk, monkeypatch: pytest.MonkeyPatch) -> None:
    page = await clerk.get("/desk/ask")
    assert "Asks for: Donor’s first names, Donor’s last name, Donor’s date of birth" in page
    assert "If they wish: Restrictions and conditions" in page
    assert "Choose what you ask for" in await clerk.post("/desk/ask", {"form_token": await clerk.token()}, status=400)
    asked = await clerk.ask()
    path = f"/desk/requests/{asked['id']}"
    assert "Waiting for the square code to be scanned" in await clerk.get(path)
    request = await clerk.desk.read(asked)
    assert "Its holder is deciding" in await clerk.get(path)
    async with clerk.desk.http.get(f"{clerk.desk.base}{path}/state") as answer:
        assert (await answer.json())["state"] == "retrieved"
    await clerk.desk.post(asked, render_response(request, present(request, at=AT)))
    async with clerk.desk.http.get(f"{clerk.desk.base}{path}/state") as answer:
        assert (await answer.json())["href"] == path
    page = await clerk.get(path)
    for words in (
        "You can rely on this", "acting for Margaret Ashdown", "Shown live to you", "2 November 1938", "Bank and building society accounts",
        "The issuer has neither cancelled it nor put it on hold.", "1 hour old", "The details are kept until 08:15, then deleted.",
        "signed receipt", 'href="/limits"',
    ):  # fmt: skip
        assert words in page, words
    assert "Not checked:" not in page
    past = await clerk.get("/desk/requests?page=99")
    assert (f'href="{path}"' in past, "Nothing was asked" in past) == (True, False)
    for wanted, found in (("account+BANK", True), ("ashdown", False), ("copy", False), ("x" * 3_000, False)):
        listed = await clerk.get(f"/desk/requests?q={wanted}")
        assert (f'href="{path}"' in listed, "Nothing fits." in listed, len(listed) < 20_000) == (found, not found, True), wanted
    said = "Only the first 1 were looked through."
    assert said not in await clerk.get("/desk/requests?q=ashdown")
    monkeypatch.setattr("verifier.pages.entrance._SEARCHED", 1)
    assert said in await clerk.get("/desk/requests?q=ashdown")
    clerk.desk.clock.at += 15 * 60
    page = await clerk.get(path)
    assert "The details were deleted" in page
    assert "Margaret" not in page
    assert "You can rely on this" in page
    assert "Bank account" in await clerk.get("/desk/requests")
    page = await clerk.get("/desk/decisions")
    assert "Donor’s postcode" in page
    assert "Margaret" not in page
    assert "was signed on" not in page
    await one_round(clerk.desk.app)
    assert "Up to line 1 it was signed on 15 January 2027 at 08:15" in await clerk.get("/desk/decisions")


async def test_a_search_in_the_decisions_goes_on_where_it_ended(clerk: Clerk) -> None:
    desk = clerk.desk.desk
    line = {
        "kind": "copy",
        "intendedUseIdentifier": "",
        "decision": "accepted",
        "reason_code": "",
        "staff_role": "desk",
        "vct": [],
        "claim_paths": [],
    }

    async def fill(tx: Tx) -> None:
        for number in range(1, 2_003):
            told = line | ({"decision": "rejected", "claim_paths": ["donor/postcode"]} if number in {1, 2} else {})
            await log.append(tx, told, at=AT, keep_until=AT + DAY, entropy=desk.entropy)

    await desk.storage.write(fill)
    page = await clerk.get("/desk/decisions?q=POSTCODE")
    assert ("Nothing fits." in page, "Looked through lines 3 to 2002." in page) == (True, True)
    (older,) = re.findall(r'href="(/desk/decisions\?q=POSTCODE&before=\d+)"', page)
    page = await clerk.get(older)
    assert page.count("Do not rely on this") == 2
    assert "Looked through lines 1 to 2." in page
    page = await clerk.get("/desk/decisions?q=rely+on+this+desk")
    assert page.count("You can rely on this") == 50
    assert "Looked through lines 1953 to 2002." in page
    assert 'href="/desk/decisions?q=rely%20on%20this%20desk&before=1953"' in page
    page = await clerk.get("/desk/decisions?q=none+of+this")
    assert "Nothing was decided yet" not in page


async def test_never_a_bare_yes(clerk: Clerk) -> None:
    page = await clerk.bring(copy_file())
    assert "Not checked:" not in page.partition("You can rely on this")[2].partition("</section>")[0]
    assert "A copy made out to you" in page
    assert "It was not shown here before." in page
    assert "What was not shown" not in page
    accounts = "A-1; Margaret; Ashdown\n\nA-2, Margaret, Ashdown"
    path = f"{clerk.at}/match"
    page = await clerk.post(path, {"form_token": await clerk.token(path), "records": accounts}, status=400)
    assert ("Line 3: Write one record a line" in page, accounts in page) == (True, True), "ten accounts are not typed twice"
    page = await clerk.post(path, {"form_token": await clerk.token(path), "records": ""}, status=400)
    assert ("Write one record a line" in page, "Line" in page) == (True, False)


async def test_copies_by_file_picture_and_paste(clerk: Clerk) -> None:
    data = copy_file()
    assert "You can rely on this" in await clerk.bring(data)
    first = clerk.at
    assert "It was shown here before, or answers" in await clerk.bring(data)
    text = addressed.render_qr(make_copy(seed="two"))
    assert "You can rely on this" in await clerk.bring(qr.png(text, ec="L"), "copy.png")
    text = addressed.render_qr(make_copy(seed="three"))
    assert "You can rely on this" in await clerk.post("/desk/copies", {"form_token": await clerk.token("/desk/copies"), "text": text})
    assert "made out to someone else" in await clerk.bring(copy_file(to="https://parking.example"))
    assert "cannot be read here" not in await clerk.bring(b"not a copy")
    assert "Choose a file or picture" in await clerk.bring(b"", status=400)
    async with clerk.desk.http.get(f"{clerk.desk.base}{first}/receipt") as answer:
        assert answer.content_type == "application/jwt"
        before = peek_receipt(await answer.text())
    number = before.receipt_id
    said = f"Number of the receipt: {number}"
    assert said in await clerk.get(first)
    listed = await clerk.get(f"/desk/decisions?q={number}")
    assert (listed.count("a copy, the desk"), listed.count(f"Receipt {number}")) == (1, 1), "whoever rings up has nothing but this"
    clerk.desk.clock.at += 15 * 60
    page = await clerk.get(first)
    assert (said in page, "Margaret" in page) == (True, False)
    (printed,) = re.findall(r'href="([^"]+/receipt/print)"', page)
    page = await clerk.get(printed)
    for words in (number, "We accept it", "15 January 2027 at 08:00", "Bank account", "What we keep", "tell us its number"):
        assert words in page, words
    assert "Margaret" not in page
    assert "Donor’s last name" in page
    assert "Cyfenw’r rhoddwr" in await clerk.get(f"{printed}?lang=cy")
    (code,) = re.findall(r'src="([^"]+/receipt/qr\.svg)"', page)
    assert "<svg" in await clerk.get(code)
    assert peek_receipt(await clerk.get(printed.removesuffix("/print"))) == before, "the same receipt, though the details are gone"
    clerk.desk.clock.at += DAY
    await clerk.sign_in()
    await clerk.get(printed, status=404)


async def test_a_copy_that_leaves_out_what_its_purpose_needs_is_refused(clerk: Clerk) -> None:
    page = await clerk.bring(copy_file(paths=(("powers", 1), ("represented", "family_name"))))
    assert "Do not rely on this" in page
    assert "Something that was asked for is missing." in page
    assert "Ashdown" not in page


async def test_no_is_said_with_reason_and_next_step(clerk: Clerk) -> None:
    clerk.desk.site.lists[LIST] = status_token({IDX: 1}, iat=AT)
    await clerk.post("/desk/trust/refresh", {"form_token": await clerk.token("/desk/trust")})
    page = await clerk.bring(copy_file())
    assert "Do not rely on this" in page
    assert "The issuer has cancelled it." in page
    assert "Do not act on it." in page
    assert "Margaret" not in page


async def test_undecided_by_old_lists_can_be_looked_at_again(clerk: Clerk) -> None:
    clerk.desk.clock.at += 2 * DAY
    await clerk.sign_in()
    asked = await clerk.ask()
    assert (await clerk.desk.answer(asked))[0] == 200
    path = f"/desk/requests/{asked['id']}"
    page = await clerk.get(path)
    assert "Can’t tell yet: do this next" in page
    assert "Fetch the lists and check again" in page
    token = await clerk.token(path)
    assert "It still cannot be told" in await clerk.post(f"{path}/again", {"form_token": token}, status=400)
    clerk.desk.site.lists[LIST] = status_token(iat=clerk.desk.clock.at)
    assert "You can rely on this" in await clerk.post(f"{path}/again", {"form_token": token})
    assert (await clerk.desk.state(asked))["decision"] == "accepted"
    page = await clerk.get("/desk/decisions")
    assert page.count("Bank account") == 2


@pytest.mark.parametrize(("said", "words"), [("yes", "You can rely on this"), ("no", "Do not rely on this")])
async def test_restrictions_are_read_by_a_person(clerk: Clerk, said: str, words: str) -> None:
    limited = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
    page = await clerk.bring(copy_file(claims=limited, paths=(*PATHS, ("restrictions_text",))))
    path = clerk.at
    assert "Not to sell Poplar Court while I live." in page
    assert "Do these restrictions allow this?" in page
    token = await clerk.token(path)
    assert "Say yes or no" in await clerk.post(f"{path}/again", {"form_token": token}, status=400)
    assert words in await clerk.post(f"{path}/again", {"form_token": token, "allow": said})
    assert words in await clerk.post(f"{path}/again", {"form_token": token, "allow": "yes"})


async def test_declined_and_expired(clerk: Clerk) -> None:
    asked = await clerk.ask()
    request = await clerk.desk.read(asked)
    await clerk.desk.post(asked, render_refusal(AccessDenied("no"), request.state))
    assert "don’t share" in await clerk.get(f"/desk/requests/{asked['id']}")
    await clerk.desk.post(asked, render_refusal(InvalidRequest("cannot"), request.state))
    assert "it cannot answer this request" in await clerk.get(f"/desk/requests/{asked['id']}")
    clerk.desk.clock.at += 600
    assert "Nobody answered in time" in await clerk.get(f"/desk/requests/{asked['id']}")
    assert "This request is over" in await clerk.get(f"/request/{asked['id']}")


async def test_page_for_the_holder(clerk: Clerk) -> None:
    asked = await clerk.ask()
    path = f"/request/{asked['id']}"
    page = await clerk.get(path)
    assert "Northwold Bank asks to see a document" in page
    assert "Record that you may use this person’s accounts with us." in page
    assert 'href="openid4vp://?' in page
    async with clerk.desk.http.get(f"{clerk.desk.base}{path}/qr.png") as answer:
        assert qr.read(await answer.read()) == [asked["link"]]
    assert "Enter the address of your wallet" in await clerk.post(path, {"wallet": "my wallet"}, status=400)
    page = await clerk.post(path, {"wallet": "localhost:8102"})
    assert 'href="http://localhost:8102/authorize?client_id=x509_hash' in page
    page = await clerk.get(path)
    assert ("Open in localhost:8102" in page, "They keep: Donor’s last name, account number." in page) == (True, True)
    assert "Maent yn cadw: Cyfenw’r rhoddwr, account number." in await clerk.get(f"{path}?lang=cy")
    async with clerk.desk.http.get(f"{clerk.desk.base}/request/none") as answer:
        assert answer.status == 404


async def test_empty_states_and_warnings(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", local=True, refresh=False, site=Site(down={"https://opg.example/lists"})) as desk:
        clerk = await Clerk(desk).sign_in()
        page = await clerk.get("/desk/")
        assert "Nothing was asked or checked yet" in page
        assert "No list of cancelled documents was fetched yet" in page
        assert "Nothing was decided yet" in await clerk.get("/desk/decisions")
        page = await clerk.post("/desk/trust/refresh", {"form_token": await clerk.token("/desk/trust")})
        assert "did not bring everything" in page
        assert "We have no list of its cancelled documents" in page
        (tmp_path / "desk" / "trust.json").write_bytes(render_trust(TrustAnchors()))
        assert "Nobody is trusted here yet" in await clerk.get("/desk/trust")
        assert "Nobody is trusted here yet" in await clerk.get("/desk/")


async def test_sign_out_and_new_passphrase(clerk: Clerk) -> None:
    token = await clerk.token("/desk/passphrase")
    form = {"form_token": token, "passphrase": "correct-horse-battery", "new": "short"}
    assert "12 characters" in await clerk.post("/desk/passphrase", form, status=400)
    form |= {"new": "another-horse-battery"}
    assert "Your passphrase was changed" in await clerk.post("/desk/passphrase", form)
    page = await clerk.post("/desk/sign-out", {"form_token": token})
    assert "For staff who check documents" in page


async def test_pages_in_welsh_do_not_break(clerk: Clerk) -> None:
    asked = await clerk.ask()
    await clerk.desk.answer(asked)
    for path in (
        "/desk/", "/desk/ask", "/desk/copies", "/desk/trust", "/desk/decisions", "/desk/requests", "/limits",
        f"/desk/requests/{asked['id']}", f"/request/{asked['id']}",
    ):  # fmt: skip
        assert 'lang="cy"' in await clerk.get(f"{path}?lang=cy")


async def test_that_a_detail_is_disputed_is_said_and_decides_nothing(clerk: Clerk) -> None:
    said = "Its holder says that a detail is wrong; the issuer is looking at it."
    page = await clerk.bring(copy_file(claims=CLAIMS | {"disputed": True}, paths=PATHS))
    assert page.count(said) == 2  # on top, and on the line of its check
    assert "You can rely on this" in page
    assert "It serves this purpose" in page
    assert said not in await clerk.bring(copy_file(seed="another", paths=PATHS))


async def test_a_desk_says_what_it_needs_to_know_of_a_date_of_death(clerk: Clerk) -> None:
    """A day, or the very day; what is no date, and a question that asks of no death, are sent back with what was typed."""
    day = {"died_by.day": "31", "died_by.month": "3", "died_by.year": "2027"}
    death = {"form_token": await clerk.token(), "use": "life-event/tell-of-death"}
    page = await clerk.post("/desk/ask", death | day)
    assert "You asked whether they died on 31 March 2027 or before." in page
    page = await clerk.post("/desk/ask", death | {"full_date": "yes"})
    assert "You asked for the very day of the death." in page
    assert "You asked" not in await clerk.post("/desk/ask", death)
    for wrong in (
        {"died_by.day": "31", "died_by.month": "2", "died_by.year": "2027"},
        {"died_by.year": "2027"},
        day | {"died_by.month": "3x"},
    ):
        page = await clerk.post("/desk/ask", death | wrong, status=400)
        assert "The day must be a real date" in page
        assert 'value="2027"' in page
        assert 'href="#died_by.day"' in page
    for change, anchor in ((day, "died_by.day"), ({"full_date": "yes"}, "full_date")):
        page = await clerk.post("/desk/ask", death | change | {"use": "representation/bank"}, status=400)
        assert "does not ask when somebody died" in page
        assert f'href="#{anchor}"' in page
    assert 'details class="govuk-details" open' in await clerk.post("/desk/ask", death | day | {"use": ""}, status=400)
    copy = copy_file(paths=PATHS)
    page = await clerk.upload("/desk/copies", copy, "copy.json", text="", **{**day, "died_by.month": "2"}, status=400)
    assert "The day must be a real date" in page
    for change, anchor in ((day, "died_by.day"), ({"full_date": "yes"}, "full_date")):
        page = await clerk.upload("/desk/copies", copy, "copy.json", text="", status=400, **change)
        assert ("does not answer when somebody died" in page, f'href="#{anchor}"' in page) == (True, True), "a power says of no death"
    page = await clerk.upload("/desk/copies", copy, "copy.json", text="", status=200)
    assert "You can rely on this" in page, "it was not used up"
    await clerk.upload("/desk/copies", b"{}", "copy.json", text="", status=200, **day)
    assert "You asked whether" in await clerk.post("/desk/ask", death | day | {"use": "life-event-full/life-insurance"})
    _, told = await clerk.desk.call(
        "POST", "/api/presentation-requests", {"type": "life-event", "query": "tell-of-death", "use": {"died_by": "2027-02-30"}}
    )
    assert told["pointer"] == "/use/died_by"
