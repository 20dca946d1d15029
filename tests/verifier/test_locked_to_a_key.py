"""Links locked for the key of a desk's own inbox: by a program, on the desk's page and by command; at the wrong body, and after a new key (S28)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from support.clerk import Clerk
from support.desk import BANK, Running, Site, Template, copy_file, opened, refreshed, serving
from support.locked import NAME, WORDS, link_to, locked
from support.posting import inbox_of
from support.scan_page import ScanPage
from support.signing import AT
from support.trial_verify import IDX, LIST, status_token
from support.trial_web import Watch

from shared.clock import DAY
from shared.codec import base64url
from shared.inbox import Inbox, check_key
from shared.jose import jwe
from shared.sealed_link import Link, seal_for
from shared.trust.relying_party import MAX_RP_DAYS
from shared.web.sealed_page import page
from verifier import cli, inbox_keys, offline, packs
from verifier.inbox_file import registered_inbox
from verifier.opening import start

UTIL = "https://brightwater-utilities.example"
UNTIL = AT + 14 * DAY
STRANGER = jwe.generate_ephemeral()
THEIRS = Inbox(f"{UTIL}/inbox", check_key(jwe.public_half(STRANGER)))


def link(*, name: str = "Northwold Bank", until: int = UNTIL, **how: Any) -> Link:
    return link_to(copy_file(**how), until=until, name=name)


async def post(desk: Running, sealed: str, **more: str) -> tuple[int, Any]:
    return await desk.call("POST", "/api/locked-links", {"link": sealed, **more})


def with_header(token: str, **changes: object) -> str:
    protected, *parts = token.split(".")
    header = {**json.loads(base64url.decode(protected)), **changes}
    return ".".join((base64url.encode(json.dumps(header).encode()), *parts))


async def test_by_a_program(desk: Running) -> None:
    sealed = seal_for(link(), inbox_of(desk))
    status, state = await post(desk, page(sealed))
    assert (status, state["decision"], state["kind"]) == (201, "accepted", "copy")
    status, state = await post(desk, sealed, words=WORDS)
    assert (status, state["verdict"]["code"]) == (201, "replayed"), "words are not looked at, and once is enough"
    status, state = await post(desk, seal_for(link(seed="other use", purpose="council-tax"), inbox_of(desk)))
    assert (status, state["verdict"]["code"]) == (201, "outside_scope"), "for this body and key, not for this use"
    status, state = await post(desk, seal_for(link(seed="over", until=AT), inbox_of(desk)))
    assert (status, state["verdict"]["code"], state["verdict"]["credentials"]) == (201, "expired", [])


async def test_sealed_link_wrong_body_wording_by_its_outside(desk: Running) -> None:
    """Who was not meant learns for whom it is, as stands on it, and nothing else; no key is looked for."""
    for sealed in (
        seal_for(link(name=NAME, to=UTIL), THEIRS),
        with_header(seal_for(link(name=NAME, to=UTIL), THEIRS), kid=inbox_of(desk).kid),
    ):
        status, state = await post(desk, sealed)
        assert (status, state["decision"], state["verdict"]["code"], state["verdict"]["credentials"]) == (
            201,
            "rejected",
            "wrong_audience",
            [],
        )
        assert f"made for {NAME}" in {line["detail"] for line in state["verdict"]["checks"]}
        assert "Ashdown" not in json.dumps(state)


async def test_what_another_sealed_for_our_key_is_no_way_round(desk: Running) -> None:
    """Our key, and a copy for somebody else: said so outside, or not; and what stands around the copy is believed in nothing."""
    ours = inbox_of(desk)
    status, state = await post(desk, seal_for(link(name=NAME, to=UTIL), ours))
    assert (status, state["verdict"]["code"]) == (201, "wrong_audience")
    status, problem = await post(desk, with_header(seal_for(link(name=NAME, to=UTIL), ours), aud=BANK))
    assert (status, problem["code"]) == (400, "malformed"), "the outside is under the seal"
    stolen = copy_file(to=UTIL).replace(f'"aud":"a:{UTIL}"'.encode(), f'"aud":"a:{BANK}"'.encode())
    status, state = await post(desk, seal_for(link_to(stolen, until=UNTIL, name="Northwold Bank"), ours))
    assert (status, state["verdict"]["code"]) == (201, "wrong_audience"), "its holder signed for somebody else"


async def test_a_key_that_is_not_here(desk: Running) -> None:
    """Another department's, or nobody's: the same answer, and the words of another link open nothing."""
    elsewhere = Inbox(f"{BANK}/pensions", THEIRS.key)
    status, problem = await post(desk, seal_for(link(), elsewhere))
    assert (status, problem["code"], problem["pointer"]) == (400, "malformed", "/kid")
    keyed = seal_for(link(), inbox_of(desk))
    for token in (
        with_header(keyed, alg="PBES2-HS512+A256KW", p2s="A" * 22, p2c=600_000),
        with_header(locked(copy_file(), until=UNTIL), alg="ECDH-ES"),
        with_header(keyed, epk=THEIRS.key),
        with_header(keyed, kid=THEIRS.kid),
        keyed[:-2] + ("AA" if keyed[-2:] != "AA" else "BA"),
    ):
        status, problem = await post(desk, token, words=WORDS)
        assert (status, problem["code"]) == (400, "malformed")


async def test_what_is_cancelled_is_refused_later(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", site=Site(lists={LIST: status_token({IDX: 1})})) as desk:
        status, state = await post(desk, seal_for(link(), inbox_of(desk)))
        assert (status, state["verdict"]["code"]) == (201, "revoked")


async def test_it_opens_as_long_as_a_certificate_can_name_its_key(desk: Running) -> None:
    """Wallets end a link with the certificate that named the key: one of the last hour before a new key lives 31 days."""
    old = inbox_of(desk)
    desk.clock.at = AT + desk.desk.settings.inbox_key_days * DAY
    await inbox_keys.tend(desk.desk)
    replaced = desk.clock()
    assert inbox_of(desk).kid != old.kid
    desk.clock.at = replaced + inbox_keys.KEPT - 1
    await inbox_keys.tend(desk.desk, await desk.store.federation())
    status, state = await post(desk, seal_for(link(at=AT, until=desk.clock() + 1), old))
    assert (status, state["kind"]) == (201, "copy"), "it opens; what is in it is judged"
    desk.clock.at = replaced + inbox_keys.KEPT
    await start(desk.desk)  # as the service when it begins, and each command: they ask no federation, and destroy nothing
    status, state = await post(desk, seal_for(link(at=AT, until=desk.clock() + 1), old))
    assert (status, state["kind"]) == (201, "copy")
    await inbox_keys.tend(desk.desk, await desk.store.federation())
    status, problem = await post(desk, seal_for(link(), old))
    assert (status, problem["pointer"]) == (400, "/kid")
    assert inbox_keys.KEPT >= MAX_RP_DAYS * DAY


async def test_on_the_desks_page(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", local=True) as desk:
        clerk = await Clerk(desk).sign_in()

        async def bring(text: str, status: int = 200) -> str:
            form = {"form_token": await clerk.token("/desk/copies"), "text": text, "words": ""}
            return await clerk.post("/desk/copies", form, status=status)

        assert "You can rely on this" in await bring(page(seal_for(link(), inbox_of(desk))))
        assert f"It was made for {NAME}." in await bring(seal_for(link(name=NAME, to=UTIL), THEIRS))
        said = await bring(seal_for(link(), Inbox(f"{BANK}/pensions", THEIRS.key)), 400)
        assert "It was locked for a key that is not here" in said


async def test_by_command_where_the_data_folder_is(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a network; no words are asked for. Another body's folder opens nothing and says for whom it is."""
    folder = tmp_path / "desk"
    async with opened(template, folder, clock=Watch(AT)) as desk:
        await refreshed(desk)
        packs.write(tmp_path / "pack", (await packs.make(desk)).data)
        inbox = registered_inbox(desk.directory, desk.settings)
        assert inbox is not None
    (tmp_path / "locked.html").write_text(page(seal_for(link(), inbox)), encoding="utf-8")

    def check(what: str, entity: str, *more: str) -> tuple[int, Any]:
        given = ["check", what, "--bundle", str(tmp_path / "pack"), "--as", entity, "--dir", str(folder), "--json", *more]
        code = offline.check(cli.parser().parse_args(given), clock=lambda: AT)
        return code, json.loads(capsys.readouterr().out)

    code, verdict = check_in_thread(check, str(tmp_path / "locked.html"), BANK)
    assert (code, verdict["decision"]) == (0, "accepted"), verdict["checks"]
    code, verdict = check_in_thread(check, str(tmp_path / "locked.html"), UTIL, "--trust", str(folder / "trust.json"))
    assert (code, verdict["code"], verdict["credentials"]) == (1, "wrong_audience", [])
    apart = (folder / "trust.json").rename(tmp_path / "trust.json")
    (folder / "trust.json").write_text("the service could not begin with this")
    code, verdict = check_in_thread(check, str(tmp_path / "locked.html"), BANK, "--trust", str(apart))
    assert (code, verdict["decision"]) == (0, "accepted"), "only the key is read: nothing of the service is begun for it"
    code, verdict = check_in_thread(check, str(tmp_path / "locked.html"), UTIL, "--trust", str(apart))
    assert "made for Northwold Bank" in {line["detail"] for line in verdict["checks"]}


def check_in_thread(check: Any, *arguments: str) -> tuple[int, Any]:
    """A command runs a loop of its own."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        found: tuple[int, Any] = pool.submit(check, *arguments).result()
    return found


@pytest.mark.real
async def test_on_the_checking_page(counter: ScanPage) -> None:
    """It has no key of the organisation's: it says where the link opens, and for whom one is that is somebody else's."""
    await counter.context.set_offline(True)
    await counter.press("Check a copy")
    await counter.paste(seal_for(link(name=NAME, to=UTIL), THEIRS))
    assert await counter.result() == "Do not rely on this"
    await expect(counter.page.locator("main")).to_contain_text(f"It was made for {NAME}.")
    assert "Ashdown" not in await counter.text()
    await counter.press("Next customer")
    await counter.press("Check a copy")
    await counter.paste(seal_for(link(), THEIRS))
    await counter.note("This copy is locked for a key that only your organisation’s own service has")
    await counter.watched.check()
