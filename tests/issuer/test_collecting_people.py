"""Who is who: several people at one browser, letters that replace earlier ones, accounts elsewhere. No browser needed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from support.attested import Wallet
from support.registry import Registry, Template, serving
from support.visitor import CLERK, Visitor, add_passkey, code, letter, use_passkey, visitor

from issuer import offers, outside, people
from shared.errors import ConfigError, InvalidGrant
from shared.flow import Flow
from shared.private_file import write_whole
from shared.web import oidc
from shared.web.oidc import Attempt, Provider, ProviderMetadata

HIS_DAY = {"birth.day": "2", "birth.month": "1", "birth.year": "1990"}
LOGIN: dict[str, Any] = {"login_issuer": "https://login.example", "login_client_id": "office", "login_name": "Citizen Account"}
THERE = ProviderMetadata(authorization_endpoint="https://login.example/auth", token_endpoint="", jwks_uri="", names_itself=False)


@pytest.fixture
async def registry(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Registry]:
    """An office with an outside login, at which whoever comes back is "her"."""

    def fetch_provider(_: Provider) -> Flow[ProviderMetadata]:
        yield from ()
        return THERE

    def finish(_: Provider, __: ProviderMetadata, ___: Attempt, ____: str, *, at: int) -> Flow[str]:
        yield from ()
        return f"her{at - at}"

    monkeypatch.setattr(oidc, "fetch_provider", fetch_provider)
    monkeypatch.setattr(oidc, "finish", finish)
    async with serving(template, tmp_path / "registry", **LOGIN) as running:
        yield running


async def opened_by(registry: Registry, holder: str) -> list[str]:
    return [each.document.id for each in await people.fitting(registry.office, holder, ["representation"])]


async def come_back(one: Visitor) -> None:
    """From the provider, where our own form has led her."""
    await one.open("/authorize/sign-in")
    await one.send("/authorize/login")
    link = re.search(r'href="(https://login\.example/auth[^"]*)"', one.text)
    assert link is not None
    await one.open("/authorize/login/back?" + urlencode({"code": "c", "state": parse_qs(urlsplit(link[1]).query)["state"][0]}))


# --- two people, one browser -------------------------------------------------------------------------------------------------------------


async def test_two_people_at_one_browser_stay_two(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """A letter with another date of birth is another person's: whoever used it last is signed in, with what is hers alone."""
    hers, his = await letter(registry), await letter(registry, born="1990-01-02")
    _, pushed = await wallet.push()
    await nora.come(wallet, pushed)
    await nora.sign_in(code(hers))
    await nora.open("/authorize/sign-in")
    await nora.sign_in(code(his), {"birth.day": "2", "birth.month": "1", "birth.year": "1990"})
    assert nora.path == "/authorize/agree"
    await nora.agree(hers.document)
    assert (nora.status, nora.left) == (400, "")
    office = registry.office
    for made, born in ((hers, "1968-03-14"), (his, "1990-01-02")):
        holder = await people.sign_in(office, code(made), born)
        assert [each.document.id for each in await people.fitting(office, holder, ["representation"])] == [made.document]


async def test_twins_at_one_browser_stay_two_unless_they_say_otherwise(registry: Registry, nora: Visitor) -> None:
    """Letters that ask for one date of birth are joined by whoever has used both and says yes, in that visit alone."""
    hers, his = await letter(registry), await letter(registry)

    async def apart() -> bool:
        holders = [await people.sign_in(registry.office, code(made), "1968-03-14") for made in (hers, his)]
        return [await opened_by(registry, each) for each in holders] == [[hers.document], [his.document]]

    await nora.sign_in(code(hers))
    await nora.open("/authorize/same")
    assert nora.path == "/authorize/agree"
    await nora.send("/authorize/same", ("same", "yes"))
    for answer in ("no", ""):
        await nora.open("/authorize/sign-in")
        assert "Are both letters for you?" in await nora.sign_in(code(his))
        assert await apart()
        await nora.send("/authorize/same", ("same", answer))
        assert nora.path == "/authorize/agree"
        assert f'name="document" value="{his.document}"' in nora.text
        await nora.send("/authorize/same", ("same", "yes"))
        assert await apart()
        await nora.open("/authorize/sign-in")
        await nora.sign_in(code(hers))
        await nora.send("/authorize/same", ("same", "no"))
    await nora.open("/authorize/sign-in")
    await nora.sign_in(code(his))
    await nora.send("/authorize/same", ("same", "yes"), ("form_token", "x"))
    assert await apart()
    await nora.open("/authorize/same")
    await nora.send("/authorize/same", ("same", "yes"))
    assert nora.path == "/authorize/documents"
    assert not await apart()


async def test_a_passkey_or_an_account_joins_nobody(registry: Registry, nora: Visitor) -> None:
    """Neither says whose the documents before were: each opens what it opened, and no more."""
    office, hers, his = registry.office, await letter(registry), await letter(registry, born="1990-01-02")
    theirs = (await registry.make(account="her0"))["id"]
    await nora.sign_in(code(hers))
    passkey = await add_passkey(nora)
    await nora.open("/authorize/sign-in")
    await nora.sign_in(code(his), HIS_DAY)
    await use_passkey(nora, passkey)
    assert f'name="document" value="{hers.document}"' in nora.text
    await come_back(nora)
    assert f'name="document" value="{theirs}"' in nora.text
    for number, holder in (
        (hers.document, await people.sign_in(office, code(hers), "1968-03-14")),
        (his.document, await people.sign_in(office, code(his), "1990-01-02")),
        (theirs, await people.sign_in_by_account(office, "her0")),
    ):
        assert await opened_by(registry, holder) == [number]


async def test_nobody_is_led_to_the_login_by_another_page(nora: Visitor) -> None:
    """Only by our own form; the provider asks anew who is there."""
    page = nora.text
    await nora.open("/authorize/login")
    assert nora.status == 405
    await nora.send("/authorize/login", ("form_token", "x"))
    assert nora.status == 403
    nora.text = page
    await nora.send("/authorize/login")
    assert (nora.status, nora.left) == (200, "")
    link = re.search(r'href="(https://login\.example/auth[^"]*)"', nora.text)
    assert link is not None
    assert parse_qs(urlsplit(link[1]).query)["prompt"] == ["login"]
    assert "Next you go to login.example" in nora.text


async def test_ways_to_the_login_are_throttled(nora: Visitor) -> None:
    page = nora.text
    for _ in range(people.BY_ADDRESS.most):
        nora.text = page
        await nora.send("/authorize/login")
        assert nora.status == 200
    nora.text = page
    await nora.send("/authorize/login")
    assert nora.status == 429


# --- whose a document is -----------------------------------------------------------------------------------------------------------------


async def test_a_new_letter_shuts_out_whoever_was_there(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """A thief of the first letter has signed in, has a passkey and a page open; so had the account that it was made for."""
    office, made = registry.office, await letter(registry, account="her0")
    other = await letter(registry)
    await nora.sign_in(code(other))
    async with visitor(registry) as thief:
        await thief.come(wallet, (await wallet.push())[1])
        await thief.sign_in(code(made))
        passkey = await add_passkey(thief)
        await thief.open(f"/authorize/agree?document={made.document}")
        page = thief.text
        again = await offers.invite_again(office, made.document, actor=CLERK)
        await thief.agree(made.document)
        assert (thief.status, thief.left) == (400, "")
        thief.text = page
        await thief.open("/authorize/documents")
        assert "There is nothing to collect" in thief.text
        await use_passkey(thief, passkey)
        assert "There is nothing to collect" in thief.text
        await come_back(thief)
        assert "There is nothing to collect" in thief.text
    await nora.open("/authorize/sign-in")
    await nora.sign_in(code(again))
    await nora.send("/authorize/same", ("same", "yes"))
    assert nora.path == "/authorize/documents"
    holder = await people.sign_in(office, code(again), "1968-03-14")
    assert sorted(await opened_by(registry, holder)) == sorted([made.document, other.document])
    assert await people.passkeys_of(office, holder) == []


async def test_a_new_letter_shuts_out_whoever_has_just_agreed(registry: Registry, wallet: Wallet, nora: Visitor) -> None:
    """A code lives for a minute: that of a thief, also for several documents at once, is worth nothing after the new letter."""
    made, other = await letter(registry), await letter(registry)
    alone, url = await wallet.sign_in([made.document])
    both, together = await wallet.sign_in([other.document, made.document])
    hers, stays = await wallet.sign_in([other.document])
    again = await offers.invite_again(registry.office, made.document, actor=CLERK)
    for sign_in, address in ((alone, url), (both, together)):
        with pytest.raises(InvalidGrant):
            await wallet.change(sign_in, address)
    assert (await wallet.copies(await wallet.change(hers, stays))).credentials
    await nora.sign_in(code(again))
    await nora.agree(made.document)
    assert nora.left


async def test_an_account_opens_all_that_was_made_for_it(registry: Registry) -> None:
    """Also what has a letter of its own."""
    office, first = registry.office, await letter(registry, account="her0")
    second = await letter(registry, account="her0")
    both = sorted([first.document, second.document])
    for made in (first, second):
        assert sorted(await opened_by(registry, await people.sign_in(office, code(made), "1968-03-14"))) == both
    assert sorted(await opened_by(registry, await people.sign_in_by_account(office, "her0"))) == both


async def test_a_secret_of_the_login_that_others_can_read_is_not_used(registry: Registry) -> None:
    office, file = registry.office, registry.directory / "login.secret"
    assert outside.provider(office) == Provider(
        issuer="https://login.example", client_id="office", redirect_uri="https://registry.example/authorize/login/back"
    )
    write_whole(file, b"long enough\n")
    known = outside.provider(office)
    assert known is not None
    assert known.secret == "long enough"
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        outside.provider(office)
