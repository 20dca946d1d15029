"""Locked links at a desk: by command, on the desk's page and by a program. AT-C05-2 of the people's stories."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.clerk import Clerk
from support.desk import BANK, Running, Site, Template, copy_file, lines, opened, refreshed, serving
from support.locked import NAME, WORDS, WRONG, link_to, locked
from support.signing import AT
from support.trial_verify import IDX, LIST, status_token
from support.trial_web import Watch

from shared import sealed_link
from shared.errors import AlgorithmRefused, ConfigError, Malformed
from shared.inbox import Inbox, check_key
from shared.jose import jwe
from shared.web.sealed_page import page
from verifier import cli, offline, packs
from verifier import locked as room

UTIL = "https://brightwater-utilities.example"
UNTIL = AT + 14 * 86_400


@pytest.fixture
async def clerk(template: Template, tmp_path: Path) -> AsyncIterator[Clerk]:
    async with serving(template, tmp_path / "desk", local=True) as desk:
        yield await Clerk(desk).sign_in()


@pytest.fixture
async def pack(template: Template, tmp_path: Path) -> Path:
    async with opened(template, tmp_path / "desk", clock=Watch(AT)) as desk:
        await refreshed(desk)
        packs.write(tmp_path / "pack", (await packs.make(desk)).data)
    return tmp_path / "pack"


class Terminal:
    """``muniment-verifier check`` with a locked link in a file; the words lie in a file of their own."""

    def __init__(self, pack: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.pack, self.folder, self.capture = pack, pack.parent, capture

    def arguments(self, what: str, entity: str, *more: str) -> argparse.Namespace:
        trust = self.folder / "desk" / "trust.json"
        return cli.parser().parse_args(["check", what, "--bundle", str(self.pack), "--as", entity, "--trust", str(trust), *more])

    def check(self, what: str, entity: str, words: str, *more: str, at: int = AT) -> tuple[int, str]:
        file = self.folder / "words"
        file.write_text(words)
        file.chmod(0o600)
        code = offline.check(self.arguments(what, entity, "--words", str(file), *more), clock=lambda: at)
        return code, self.capture.readouterr().out

    def file(self, text: str) -> str:
        (self.folder / "locked.html").write_text(text, encoding="utf-8")
        return str(self.folder / "locked.html")


@pytest.fixture
def terminal(pack: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(pack, capsys)


def test_at_c05_2_right_words_offline(terminal: Terminal) -> None:
    """UTIL opens the saved page, or the link itself, without a network."""
    sealed = locked(copy_file(to=UTIL), until=UNTIL)
    for number, what in enumerate((terminal.file(page(sealed)), f"https://view.example/locked#{sealed}")):
        code, out = terminal.check(what, UTIL, WORDS.replace("-", " ").upper(), "--json")
        verdict = json.loads(out)
        assert (code, verdict["decision"]) == (0, "accepted"), number
        assert lines(verdict) == dict.fromkeys(lines(verdict), "passed")
        assert verdict["level"]["name"] == "addressed"


def test_at_c05_2_wrong_words_show_nothing(terminal: Terminal) -> None:
    """Whoever made it for whomever, and whether it is over or not: one error, and nothing of what is inside."""
    said = set()
    for file in (copy_file(to=UTIL), copy_file(to=BANK, days=1)):
        what = terminal.file(page(locked(file, until=AT)))
        for words in (WRONG, "guess"):
            with pytest.raises(Malformed) as caught:
                terminal.check(what, UTIL, words)
            said.add((caught.value.detail, caught.value.where))
        out, err = terminal.capture.readouterr()
        assert out + err == ""
    assert said == {("these words do not open it", "words")}


def test_at_c05_2_wrong_body_and_past_its_end(terminal: Terminal) -> None:
    what = terminal.file(page(locked(copy_file(to=UTIL), until=UNTIL)))
    code, out = terminal.check(what, BANK, WORDS)
    assert code == 1
    assert f"It was made for {NAME}." in out
    assert "Ashdown" not in out
    code, out = terminal.check(what, BANK, WORDS, "--json")
    verdict = json.loads(out)
    assert (verdict["decision"], verdict["code"], verdict["credentials"]) == ("rejected", "wrong_audience", [])
    code, out = terminal.check(what, UTIL, WORDS, "--json", at=UNTIL)
    assert (code, json.loads(out)["code"]) == (1, "expired")


async def test_later_checks_fail_once_it_is_cancelled(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with opened(template, tmp_path / "desk", clock=Watch(AT)) as desk:
        site = Site()
        site.lists[LIST] = status_token({IDX: 1}, iat=AT)
        await refreshed(desk, site)
        packs.write(tmp_path / "pack", (await packs.make(desk)).data)
    terminal = Terminal(tmp_path / "pack", capsys)
    what = terminal.file(page(locked(copy_file(to=UTIL), until=UNTIL)))
    code, out = terminal.check(what, UTIL, WORDS, "--json")
    assert (code, json.loads(out)["code"]) == (1, "revoked")


def test_a_link_with_another_copy_inside(terminal: Terminal) -> None:
    """What the maker of a link writes around the copy is worth nothing: the copy is judged."""
    stolen = copy_file(to=BANK).replace(f'"aud":"a:{BANK}"'.encode(), f'"aud":"a:{UTIL}"'.encode())
    code, out = terminal.check(terminal.file(page(locked(stolen, until=UNTIL))), UTIL, WORDS, "--json")
    assert (code, json.loads(out)["code"]) == (1, "wrong_audience")


def test_words_are_asked_for_and_never_arguments(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    what = terminal.file(page(locked(copy_file(to=UTIL), until=UNTIL)))
    arguments = terminal.arguments(what, UTIL)
    monkeypatch.setattr("sys.stdin", io.StringIO(WORDS))
    with pytest.raises(ConfigError):
        offline.check(arguments, clock=lambda: AT)
    assert offline.check(terminal.arguments(what, UTIL, "--words", "-"), clock=lambda: AT) == 0
    terminal.folder.joinpath("open").write_text(WORDS)
    (terminal.folder / "open").chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others"):
        offline.check(terminal.arguments(what, UTIL, "--words", str(terminal.folder / "open")), clock=lambda: AT)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: WORDS)
    assert offline.check(arguments, clock=lambda: AT) == 0


def test_what_is_no_link_of_words() -> None:
    inbox = Inbox(f"{BANK}/inbox", check_key(jwe.public_half(jwe.generate_ephemeral())))
    keyed = sealed_link.seal_for(link_to(copy_file(), until=UNTIL), inbox).encode()
    for data, where in ((b"{}", "link"), (keyed, "words"), (locked(copy_file(), until=UNTIL).encode(), "words")):
        with pytest.raises(Malformed) as caught:
            room.unlock(data, " ", entity=BANK, at=AT)
        assert caught.value.where == where
    with pytest.raises(AlgorithmRefused):
        room.unlock(keyed, WORDS, entity=BANK, at=AT)


async def post(desk: Running, link: str, words: str) -> tuple[int, Any]:
    return await desk.call("POST", "/api/locked-links", {"link": link, "words": words})


async def test_by_a_program(desk: Running) -> None:
    sealed = locked(copy_file(), until=UNTIL, name="Northwold Bank")
    status, problem = await post(desk, sealed, WRONG)
    assert (status, problem["code"], problem["detail"]) == (400, "malformed", "these words do not open it")
    status, state = await post(desk, page(sealed), WORDS)
    assert (status, state["decision"], state["kind"]) == (201, "accepted", "copy")
    status, state = await post(desk, sealed, WORDS)
    assert (status, state["verdict"]["code"]) == (201, "replayed")
    status, state = await post(desk, locked(copy_file(to=UTIL), until=UNTIL), WORDS)
    assert (status, state["decision"], state["verdict"]["code"]) == (201, "rejected", "wrong_audience")
    assert f"made for {NAME}" in {line["detail"] for line in state["verdict"]["checks"]}
    status, problem = await post(desk, "nothing", WORDS)
    assert (status, problem["code"]) == (400, "malformed")


async def test_on_the_desks_page(clerk: Clerk) -> None:
    sealed = page(locked(copy_file(), until=UNTIL))

    async def bring(text: str, words: str, status: int = 200) -> str:
        form = {"form_token": await clerk.token("/desk/copies"), "text": text, "words": words}
        return await clerk.post("/desk/copies", form, status=status)

    assert "This is locked." in await bring(sealed, "", 400)
    said = await bring(sealed, WRONG, 400)
    assert "These words do not open it." in said
    assert (WRONG in said, sealed.strip() in said, "Choose the file again" in said) == (False, True, False), (
        "what was pasted stays, the words do not"
    )
    assert "You can rely on this" in await bring(sealed, WORDS)
    assert f"It was made for {NAME}." in await bring(locked(copy_file(to=UTIL), until=UNTIL), WORDS)
