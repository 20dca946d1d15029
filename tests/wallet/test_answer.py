"""Answering a desk without a network, from the wallet and from its command line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from support.counter import Counter
from support.holdings import put_document
from support.signing import Signer
from support.trial_verify import CLAIMS, assertion
from support.wallets import Wallet, open_wallet
from support.world import BANK, BATCH, World

from shared.clock import system_entropy
from shared.codec import frames, qr
from shared.credentials import Text
from shared.errors import AccessDenied, Conflict, Expired, Malformed, OverDisclosed, PurposeMismatch, TooLarge, Untrusted
from shared.formats import Claims, formats
from shared.ovp import envelope
from shared.ovp.answer import Answer, OpenChallenge, live_binding, open_answer, parse_answer
from shared.ovp.code import make_code
from shared.terminal import REFUSED
from shared.trust.relying_party import Register, RegisteredUse, Want
from shared.x509 import load_certificate
from wallet import at_counter, cli
from wallet.answer import Question, answer, codes, decline, find_reply, read_challenge, read_code
from wallet.register import askers

NAMES, POWERS, RESTRICTIONS, BIRTHDATE, PORTRAIT = 1, 5, 8, 2, 6
USE = RegisteredUse(
    id="bank",
    title=Text("Bank account", "Cyfrif banc"),
    purpose=Text("To open an account for somebody.", "I agor cyfrif i rywun."),
    wants=(Want(vct=65_001, required=(NAMES, POWERS), optional=(RESTRICTIONS, BIRTHDATE)),),
    retention_days=30,
    privacy_policy="https://northwold-bank.example/privacy",
    contact="privacy@northwold-bank.example",
)


@dataclass
class Till:
    """The bank of the wallet's world, with a desk that has no network."""

    wallet: Wallet
    counter: Counter

    @classmethod
    def of(cls, wallet: Wallet) -> Till:
        bank = wallet.world.bank.by
        return cls(wallet, Counter(anchor=bank.root, bank=bank.signer, desk=Signer.new(), uses=(USE,)))

    def certificate(self) -> bytes:
        at = self.wallet.world.clock() - 60
        return self.counter.rp_certificate(entity=BANK, at=at, name=Text("Northwold Bank", "Banc Northwold"))

    def register(self) -> Register:
        return Register.of([self.certificate()], askers(self.wallet.means), at=self.wallet.world.clock())

    def asks(self, **changes: Any) -> tuple[OpenChallenge, bytes]:
        at = self.wallet.world.clock()
        wants = [Want(vct=65_001, required=(NAMES, POWERS), optional=(RESTRICTIONS, BIRTHDATE))]
        certificate = self.counter.desk_certificate(entity=BANK, at=at - 60)
        one = self.counter.open_challenge(**{"use": "bank", "at": at, "wants": wants, "certificate": certificate, **changes})
        return one, envelope.render_text(envelope.CHALLENGE, one.challenge.data).encode()

    def question(self, data: bytes) -> Question:
        return read_challenge(data, self.register(), at=self.wallet.world.clock())

    def code(self) -> str:
        return make_code(entity=BANK, use="bank", entropy=system_entropy)

    def facts(self, shown: Answer, question: Question) -> Claims:
        form = formats()[shown.format]
        issuer = load_certificate(self.wallet.world.office.by.x5c[0]).public
        return form.verify(form.parse(shown.wire), issuer, binding=question.binding, at=self.wallet.world.clock())


def world(*names: str) -> World:
    made = World()
    made.office.formats = names or ("dc+sd-jwt", "dc+sd-cwt")
    return made


@pytest.fixture
async def holder(sqlite_uri: str) -> AsyncIterator[Wallet]:
    async with open_wallet(sqlite_uri, world=world()) as opened:
        await opened.collect()
        yield opened


async def test_a_challenge_is_answered_with_what_was_asked(holder: Wallet) -> None:
    till = Till.of(holder)
    one, data = till.asks()
    question = till.question(data)
    assert (question.level, question.asker.name.en, question.asker.desk) == (3, "Northwold Bank", "Counter 3")
    assert question.binding == live_binding(one.challenge)
    reply = await find_reply(holder.means, holder.vault, question)
    assert (reply.format, reply.groups, reply.optional) == ("dc+sd-cwt", ("donor-name", "powers", "donor-birthdate"), ("donor-birthdate",))
    prefix, content = await answer(holder.means, holder.vault, question, reply)
    assert prefix == envelope.SEALED
    opened, shown = open_answer(content, [one])
    assert opened == one
    claims = till.facts(shown, question).claims
    assert claims["represented"] == {"given_name": "Margaret", "family_name": "Ashdown", "birthdate": "1938-11-02"}
    assert "proxy" not in claims
    line = (await holder.lines())[-1].entry
    assert (line.transaction_type, line.level, line.interacting_party_identifier.identifier) == ("presentation", 3, BANK)
    assert line.claims_presented[0].claims == ("group:donor-name", "group:powers", "group:donor-birthdate")


async def test_optional_groups_can_be_left_out(holder: Wallet) -> None:
    till = Till.of(holder)
    one, data = till.asks()
    question = till.question(data)
    reply = (await find_reply(holder.means, holder.vault, question)).without(["donor-birthdate"])
    _, content = await answer(holder.means, holder.vault, question, reply)
    assert "birthdate" not in till.facts(open_answer(content, [one])[1], question).claims["represented"]
    assert "donor-birthdate" in reply.not_shown()
    for group in ("donor-name", "restrictions", "no-such-group"):
        with pytest.raises(Malformed):
            reply.without([group])


async def test_nothing_is_fetched_and_one_copy_goes_to_one_body(holder: Wallet) -> None:
    till = Till.of(holder)
    before = len(holder.world.log)
    wires = set()
    for _ in range(2):
        one, data = till.asks()
        question = till.question(data)
        reply = await find_reply(holder.means, holder.vault, question)
        _, content = await answer(holder.means, holder.vault, question, reply)
        wires.add(open_answer(content, [one])[1].wire)
    assert len(holder.world.log) == before
    assert len(wires) == 2
    used = [line for line in (await holder.document()).copies if line.shown_to]
    assert [line.shown_to for line in used] == [BANK, BANK]


@pytest.mark.parametrize("asked", [True, False])
async def test_a_staple_on_demand(holder: Wallet, asked: bool) -> None:
    till = Till.of(holder)
    said = assertion()
    one, data = till.asks(staple=asked)
    question = till.question(data)
    reply = await find_reply(holder.means, holder.vault, question)
    _, content = await answer(holder.means, holder.vault, question, replace(reply, copy=_with(reply.copy, assertion=said)))
    shown = open_answer(content, [one])[1]
    assert formats()[shown.format].parse(shown.wire).staples == ((said,) if asked else ())
    assert till.facts(shown, question).status is not None


async def test_sd_jwt_where_there_is_nothing_shorter(sqlite_uri: str) -> None:
    async with open_wallet(sqlite_uri, world=world("dc+sd-jwt")) as holder:
        await holder.collect()
        till = Till.of(holder)
        one, data = till.asks()
        question = till.question(data)
        reply = await find_reply(holder.means, holder.vault, question)
        _, content = await answer(holder.means, holder.vault, question, reply)
        shown = open_answer(content, [one])[1]
        assert shown.format == "dc+sd-jwt"
        assert till.facts(shown, question).binding_claims["aud"] == one.challenge.audience


async def test_a_code_is_answered_for_the_body_and_use_that_were_picked(holder: Wallet) -> None:
    till = Till.of(holder)
    digits, at = till.code(), holder.world.clock()
    question = read_code(f"{digits[:4]} {digits[4:]}", till.register(), entity=BANK, use="bank", at=at)
    assert question.level == 2
    reply = await find_reply(holder.means, holder.vault, question)
    prefix, content = await answer(holder.means, holder.vault, question, reply)
    claims = till.facts(parse_answer(prefix, content), question)
    assert str(claims.binding_claims["aud"]).startswith("c:")
    assert (await holder.lines())[-1].entry.level == 2
    with pytest.raises(Malformed):
        read_code(digits[:8] + f"{(int(digits[8:]) + 1) % 100:02d}", till.register(), entity=BANK, use="bank", at=at)
    with pytest.raises(PurposeMismatch):
        read_code(digits, till.register(), entity=BANK, use="mortgage", at=at)
    with pytest.raises(Untrusted):
        read_code(digits, till.register(), entity="https://thief.example", use="bank", at=at)


async def test_who_is_not_registered_is_not_answered(holder: Wallet) -> None:
    till = Till.of(holder)
    _, data = till.asks()
    with pytest.raises(Untrusted):
        read_challenge(data, Register(), at=holder.world.clock())
    with pytest.raises(Expired):
        read_challenge(data, till.register(), at=holder.world.clock() + 120)
    for other in (b"OVP1:00", b"hello", qr.png("https://bank.example")):
        with pytest.raises(Malformed):
            till.question(other)


async def test_a_question_that_runs_out_while_somebody_thinks(holder: Wallet) -> None:
    till = Till.of(holder)
    _, data = till.asks()
    question = till.question(data)
    reply = await find_reply(holder.means, holder.vault, question)
    holder.world.clock.at += 120
    with pytest.raises(Expired):
        await answer(holder.means, holder.vault, question, reply)
    assert not any(line.shown_to for line in (await holder.document()).copies)


async def test_documents_that_do_not_answer(holder: Wallet) -> None:
    till = Till.of(holder)
    lacking = [Want(vct=65_001, required=(NAMES, PORTRAIT))]
    till.counter.uses = (replace(USE, wants=(*lacking, Want(vct=65_002, required=(1,)))),)
    for wants in (lacking, [Want(vct=65_002, required=(1,))]):
        _, data = till.asks(wants=wants)
        with pytest.raises(AccessDenied):
            await find_reply(holder.means, holder.vault, till.question(data))
    till.counter.uses = (USE,)
    _, data = till.asks()
    with pytest.raises(AccessDenied):
        await find_reply(holder.means, holder.vault, till.question(data), document="another")
    (item,) = await holder.documents()
    invalid = type(item.value.status)(value="invalid")
    await holder.replace(item, _with(item.value, status=invalid))
    with pytest.raises(AccessDenied):
        await find_reply(holder.means, holder.vault, till.question(data))


@pytest.mark.parametrize("alone", [True, False])
async def test_the_wrong_kind_is_not_shown_to_a_desk_without_a_network_either(sqlite_uri: str, alone: bool) -> None:
    """AT-C02-9: a power for welfare, collected last, says nothing of the donor to BANK; of two the one that can serve answers."""
    async with open_wallet(sqlite_uri, world=world()) as both:
        right = None if alone else (await both.collect()).id
        both.world.office.claims = CLAIMS | {
            "instrument_type": "lpa-personal-welfare",
            "usable_when": "when-capacity-lost",
            "powers": ["health-decisions"],
        }
        both.world.clock.at += 60
        await both.collect("pre-2")
        assert len(await both.documents()) == 2 - alone
        till = Till.of(both)
        by_digits = read_code(till.code(), till.register(), entity=BANK, use="bank", at=both.world.clock())
        for question in (till.question(till.asks()[1]), by_digits):
            if alone:
                with pytest.raises(AccessDenied):
                    await find_reply(both.means, both.vault, question)
            else:
                assert (await find_reply(both.means, both.vault, question)).document.id == right


def _with(value: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(value, **changes)


async def test_no_copy_left_for_this_body(holder: Wallet) -> None:
    till = Till.of(holder)
    (item,) = await holder.documents()
    used = tuple(_with(line, shown_to="https://other.example") for line in item.value.copies)
    assert len(used) == 2 * BATCH
    await holder.replace(item, _with(item.value, copies=used))
    _, data = till.asks()
    with pytest.raises(Conflict):
        await find_reply(holder.means, holder.vault, till.question(data))


async def test_a_question_that_was_turned_down(holder: Wallet) -> None:
    till = Till.of(holder)
    _, data = till.asks()
    question = till.question(data)
    await decline(holder.means, holder.vault, question, await find_reply(holder.means, holder.vault, question))
    line = (await holder.lines())[-1].entry
    assert (line.transaction_result, line.claims_presented) == ("declined", ())
    assert not any(line.shown_to for line in (await holder.document()).copies)


def test_one_code_or_a_loop() -> None:
    assert codes(envelope.SEALED, bytes(900)) == [envelope.render_text(envelope.SEALED, bytes(900))]
    assert codes(envelope.SEALED, bytes(1_000)) == frames.split(b"E" + bytes(1_000))
    assert codes(envelope.SEALED, bytes(4_000)) == frames.split(b"E" + bytes(4_000))


# --- on the command line ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(holder: Wallet, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``muniment-wallet answer`` on that wallet."""

    def with_wallet(_arguments: Any, work: Any) -> Awaitable[int]:
        return cast("Awaitable[int]", work(SimpleNamespace(means=holder.means), holder.opened))

    monkeypatch.setattr(at_counter, "with_wallet", with_wallet)

    async def run(*arguments: str) -> int:
        parsed = cli.parser().parse_args(["answer", *arguments])
        return await cast("Awaitable[int]", at_counter.answer(parsed))

    return run


@pytest.mark.parametrize("kind", ["txt", "png", "gif"])
async def test_from_picture_to_picture(holder: Wallet, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    till = Till.of(holder)
    one, data = till.asks()
    (tmp_path / "question.png").write_bytes(qr.png(data.decode(), ec="L"))
    (tmp_path / "bank.cert").write_bytes(till.certificate())
    out = tmp_path / f"answer.{kind}"
    assert await command(str(tmp_path / "question.png"), "--register", str(tmp_path / "bank.cert"), "--yes", "--out", str(out)) == 0
    said = capsys.readouterr().out
    assert "Northwold Bank (https://northwold-bank.example), Counter 3, asks for Bank account." in said
    assert "Why: To open an account for somebody." in said
    assert "shown:     Donor’s last name: Ashdown" in said
    assert "optional:  Donor’s date of birth   (--also donor-birthdate)" in said
    assert "shown:     Donor’s date of birth" not in said
    assert "Could it stop asking: not said" in said
    assert "not shown: Attorney’s name" in said
    assert "Kept for 30 day(s)." in said
    assert out.stat().st_mode & 0o077 == 0
    texts = out.read_text().splitlines() if kind == "txt" else qr.read_loop(out.read_bytes())
    message = _assemble(texts)
    assert open_answer(message, [one])[1].format == "dc+sd-cwt"


def _assemble(texts: list[str]) -> bytes:
    if not texts[0].startswith(frames.PREFIX):
        return envelope.parse_text(texts[0])[1]
    assembly = frames.Assembly()
    found = next(whole for whole in map(assembly.add, texts) if whole is not None)
    return envelope.of_message(found)[1]


async def test_what_is_optional_is_off_until_it_is_named(
    holder: Wallet, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    till = Till.of(holder)
    (tmp_path / "bank.cert").write_bytes(till.certificate())
    out, question = tmp_path / "answer.txt", till.asks()[1].decode()
    how = (question, "--register", str(tmp_path / "bank.cert"), "--out", str(out), "--yes", "--also")
    with pytest.raises(Malformed):
        await command(*how, "attorney-name")
    assert await command(*how, "donor-birthdate") == 0
    assert "shown:     Donor’s date of birth: 2 November 1938" in capsys.readouterr().out


async def test_by_code_on_the_command_line(holder: Wallet, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    till = Till.of(holder)
    (tmp_path / "bank.cert").write_bytes(till.certificate())
    register = ("--register", str(tmp_path / "bank.cert"), "--out", str(tmp_path / "a.txt"), "--yes")
    assert await command("--code", till.code(), "--to", BANK, "--use", "bank", *register) == 0
    assert "A code can be passed on" in capsys.readouterr().out
    assert (tmp_path / "a.txt").read_text().startswith("OVP1:")
    for wrong in ((), ("--code", till.code()), ("--code", till.code(), "--to", BANK)):
        with pytest.raises(Malformed):
            await command(*wrong, *register)


async def test_nothing_goes_out_without_a_yes(
    holder: Wallet, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    till = Till.of(holder)
    (tmp_path / "bank.cert").write_bytes(till.certificate())
    out = tmp_path / "a.gif"
    more = ("--register", str(tmp_path / "bank.cert"), "--out", str(out))
    assert await command(till.asks()[1].decode(), *more) == REFUSED
    assert "Add --yes to share." in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    for said, code in (("n", REFUSED), ("y", 0)):
        monkeypatch.setattr("builtins.input", lambda _prompt, said=said: said)
        assert await command(till.asks()[1].decode(), *more) == code
        assert out.exists() is (code == 0)


async def test_wrong_use_of_the_command(holder: Wallet, command: Any, tmp_path: Path) -> None:
    till = Till.of(holder)
    text = till.asks()[1].decode()
    with pytest.raises(Malformed):
        await command(text, "--yes", "--out", "answer.pdf")
    with pytest.raises(Malformed):
        await command("no-such-file", "--yes", "--out", "answer.txt")
    with pytest.raises(Untrusted):  # the wallet's own register knows nobody yet
        await command(text, "--yes", "--out", str(tmp_path / "answer.txt"))


def test_too_much_for_one_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TooLarge):
        at_counter._write(tmp_path / "a.png", ".png", envelope.SEALED, bytes(4_000))
    at_counter._write(tmp_path / "a.png", ".png", envelope.SEALED, system_entropy(1_500))
    assert "a weak camera reads a .gif better" in capsys.readouterr().err


async def test_the_mark_of_those_who_act_together_is_shown_for_that_alone(wallet: Wallet) -> None:
    """A challenge that names what several agree to gets it; another one and ten digits do not, even where it is registered (S26)."""
    joint = 13
    claims = CLAIMS | {"decision_rule": "jointly", "cardinality": 2, "instrument_tag": "q83vEjRWeJCrze8SNFZ4kA", "attorney_number": 1}
    await put_document(wallet.means, wallet.vault, ["dc+sd-cwt"], claims=claims)
    till = Till.of(wallet)
    wants = (Want(vct=65_001, required=(NAMES, POWERS), optional=(joint,)),)
    till.counter = replace(till.counter, uses=(replace(USE, wants=wants),))
    shown = {}
    for transaction in (None, bytes(16)):
        _, data = till.asks(wants=list(wants), transaction=transaction)
        question = till.question(data)
        shown[question.together] = (await find_reply(wallet.means, wallet.vault, question)).groups
    assert shown == {False: ("donor-name", "powers"), True: ("donor-name", "powers", "joint")}
    by_code = read_code(till.code(), till.register(), entity=BANK, use="bank", at=wallet.world.clock())
    assert "joint" not in (await find_reply(wallet.means, wallet.vault, by_code)).groups
    _, data = till.asks(wants=[replace(wants[0], required=(NAMES, joint), optional=())])
    with pytest.raises(OverDisclosed):
        till.question(data)
    demanded = replace(USE, wants=(Want(vct=65_001, required=(NAMES, joint)),))
    till.counter = replace(till.counter, uses=(demanded,))
    _, data = till.asks(wants=list(demanded.wants))
    with pytest.raises(AccessDenied):
        await find_reply(wallet.means, wallet.vault, till.question(data))
