"""A laptop without a network asks by challenge or code, and checks what comes back: files, pictures, loops of codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.desk import BANK, Site, Template, copy_file, opened, place, refreshed
from support.signing import AT, Signer
from support.trial_verify import CLAIMS, DAY, IDX, LIST, credential_type, issue, show, status_token
from support.trial_web import Watch

from shared import addressed
from shared.clock import system_entropy
from shared.codec import base64url, frames, qr
from shared.cose import thumbprint
from shared.custody._envelope import Cost
from shared.errors import ConfigError, Expired, Malformed, Missing, TooMany, VcError
from shared.formats import Binding, StatusReference
from shared.ovp import envelope
from shared.ovp.answer import Answer, code_binding, live_binding, render_answer, seal_answer
from shared.ovp.challenge import Challenge, parse_challenge
from shared.verify import Decision
from verifier import ask, cli, counter, offline, offline_acts, packs
from verifier.answers import Live, Outcome, judge_parts, read_brought
from verifier.offline import Memory, parse_state, render_state
from verifier.questions import CodeQuestion, Questions, parse_questions, render_questions

GROUPS = ("donor-name", "donor-birthdate", "donor-postcode", "attorney-name", "powers")
FOR_BANK = CLAIMS | {"powers": ["banking"]}


@dataclass
class Laptop:
    """A desk's folder, a checking pack, a memory, and the time."""

    folder: Path
    capture: Any
    clock: Watch = field(default_factory=lambda: Watch(AT))

    @property
    def pack(self) -> Path:
        return self.folder / "pack"

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    def make_pack(self, template: Template, site: Site | None = None) -> None:
        async def work() -> bytes:
            async with opened(template, self.folder / "desk", clock=self.clock) as desk:
                await refreshed(desk, site)
                return (await packs.make(desk)).data

        packs.write(self.pack, asyncio.run(work()))

    def run(self, *arguments: str) -> tuple[int, str, str]:
        parsed = cli.parser().parse_args([*arguments, "--dir", str(self.folder / "desk")])
        command = {"desk": ask.desk_new, "challenge": ask.challenge, "code": ask.code}.get(arguments[0])
        code = offline.check(parsed, clock=self.clock) if command is None else command(parsed, clock=self.clock, entropy=system_entropy)
        out = self.capture.readouterr()
        return code, out.out, out.err

    def ask(self, command: str, *more: str, use: str = "bank") -> str:
        code, out, _ = self.run(command, "--use", use, "--bundle", str(self.pack), "--state", str(self.state), *more)
        assert code == 0
        return out.strip()

    def challenge(self, *more: str, use: str = "bank") -> Challenge:
        return parse_challenge(envelope.parse_text(self.ask("challenge", "--text", *more, use=use))[1])

    def check(self, *parts: bytes, state: bool = True, name: str = "answer") -> dict[str, Any]:
        files = []
        for number, data in enumerate(parts):
            files.append(self.folder / f"{name}{number}")
            files[-1].write_bytes(data)
        return self.verdict(*map(str, files), state=state)

    def verdict(self, *files: str, state: bool = True) -> dict[str, Any]:
        more = ["--state", str(self.state)] if state else []
        _, out, _ = self.run("check", *files, "--bundle", str(self.pack), "--json", *more)
        verdict: dict[str, Any] = json.loads(out)
        return verdict

    def questions(self) -> Questions:
        return parse_state(self.state.read_bytes()).questions


@pytest.fixture
def laptop(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Laptop:
    monkeypatch.setattr("shared.custody.file.Cost", lambda: Cost(iterations=1, lanes=1, memory_kib=1024))
    one = Laptop(tmp_path, capsys)
    place(template, tmp_path / "desk")
    one.make_pack(template)
    assert one.run("desk", "new", "Counter 3")[0] == 0
    return one


def shown(binding: Binding, *, groups: tuple[str, ...] = GROUPS, form: str = "dc+sd-cwt", at: int = AT, **changes: Any) -> Answer:
    kind = credential_type()
    wire = issue(form, **{"claims": FOR_BANK, **changes})
    paths = [claim.path for claim in kind.claims if claim.group in groups and _there(claim.path)]
    return Answer(form, show(wire, format_name=form, paths=paths, binding=binding, at=at))


def _there(path: tuple[str | None, ...]) -> bool:
    value: Any = FOR_BANK
    for part in path:
        if part is None:
            return True
        if part not in value:
            return False
        value = value[part]
    return True


def live(challenge: Challenge, **how: Any) -> bytes:
    """The sealed answer."""
    return seal_answer(shown(live_binding(challenge), **how), challenge, entropy=system_entropy)


def text(prefix: str, content: bytes) -> bytes:
    return envelope.render_text(prefix, content).encode()


def told(verdict: dict[str, Any]) -> tuple[str, str, int]:
    return verdict["decision"], verdict["code"], verdict["level"]["number"]


# --- live ------------------------------------------------------------------------------------------------------------------------------


def test_a_challenge_is_answered_once(laptop: Laptop) -> None:
    challenge = laptop.challenge()
    desk = counter.find(laptop.folder / "desk", None)
    assert challenge.aud == thumbprint(desk.desk.public)
    assert (challenge.desk.entity, challenge.desk.name, challenge.use, challenge.ttl, challenge.staple) == (
        BANK,
        "Counter 3",
        "bank",
        120,
        False,
    )
    sealed = text(envelope.SEALED, live(challenge))
    verdict = laptop.check(sealed)
    assert told(verdict) == ("accepted", "", 3)
    assert verdict["sentence"] == "You can rely on this."
    assert verdict["level_sentence"].startswith("Shown live to you")
    assert verdict["purpose"] == "Bank account"
    assert laptop.questions().live == ()
    again = laptop.check(sealed)
    assert told(again) == ("rejected", "replayed", 3)
    assert "answers no question that is open here" in again["sentence"]


def test_questions_survive_a_restart_and_run_out(laptop: Laptop) -> None:
    first, second = laptop.challenge(), laptop.challenge("--ttl", "30")
    assert len(laptop.questions().live) == 2
    assert parse_state(render_state(parse_state(laptop.state.read_bytes()))) == parse_state(laptop.state.read_bytes())
    laptop.clock.at += 91
    assert told(laptop.check(text(envelope.SEALED, live(second)))) == ("rejected", "replayed", 3)
    assert told(laptop.check(text(envelope.SEALED, live(first)))) == ("accepted", "", 3)


def test_without_a_memory_no_question_is_open(laptop: Laptop) -> None:
    sealed = text(envelope.SEALED, live(laptop.challenge()))
    assert told(laptop.check(sealed, state=False)) == ("rejected", "replayed", 3)
    assert told(laptop.check(sealed)) == ("accepted", "", 3)


def test_a_live_answer_has_to_be_sealed(laptop: Laptop) -> None:
    challenge = laptop.challenge()
    bare = render_answer(shown(live_binding(challenge)))
    assert told(laptop.check(text(*bare))) == ("rejected", "malformed", 3)
    assert len(laptop.questions().live) == 1


@pytest.mark.parametrize("how", ["picture", "gif", "pictures", "folder", "lines"])
def test_whatever_carries_it(laptop: Laptop, how: str) -> None:
    sealed = live(laptop.challenge())
    message = envelope.to_message(envelope.SEALED, sealed)
    loop = frames.split(message)
    if how == "picture":
        verdict = laptop.check(qr.png(envelope.render_text(envelope.SEALED, sealed), ec="L"))
    elif how == "gif":
        verdict = laptop.check(qr.gif(loop))
    elif how == "pictures":
        verdict = laptop.check(*(qr.png(each, ec="L") for each in loop[:0:-1]))
    elif how == "folder":
        place_ = laptop.folder / "frames"
        place_.mkdir()
        for number, each in enumerate(loop[2:]):
            (place_ / f"{number}.png").write_bytes(qr.png(each, ec="L"))
        verdict = laptop.verdict(str(place_))
    else:
        verdict = laptop.check("\n".join(loop).encode())
    assert told(verdict) == ("accepted", "", 3)


def test_too_few_codes_of_a_loop(laptop: Laptop) -> None:
    loop = frames.split(envelope.to_message(envelope.SEALED, live(laptop.challenge())))
    verdict = laptop.check(qr.png(loop[0], ec="L"))
    assert told(verdict) == ("rejected", "malformed", 1)
    assert "only 1 of at least 4 codes" in verdict["checks"][1]["detail"]


def test_sd_jwt_travels_too(laptop: Laptop) -> None:
    sealed = live(laptop.challenge(), form="dc+sd-jwt")
    assert told(laptop.check(text(envelope.SEALED, sealed))) == ("accepted", "", 3)


def test_a_question_that_is_not_relied_upon_stays_open(laptop: Laptop, template: Template) -> None:
    """What cannot be told yet may be checked again; what was refused may not."""
    challenge = laptop.challenge()
    restricted = FOR_BANK | {"has_restrictions": True, "restrictions_text": "Not to sell."}
    assert told(laptop.check(text(envelope.SEALED, live(challenge, claims=restricted))))[0] == "undecided"
    assert len(laptop.questions().live) == 1
    laptop.clock.at += 60
    laptop.make_pack(template, Site(lists={LIST: status_token({IDX: 1}, iat=AT)}))
    sealed = text(envelope.SEALED, live(challenge))
    assert told(laptop.check(sealed)) == ("rejected", "revoked", 3)
    assert told(laptop.check(sealed)) == ("rejected", "replayed", 3)


def test_an_old_list_asks_for_a_staple(laptop: Laptop) -> None:
    laptop.clock.at += DAY
    assert laptop.challenge().staple


def test_more_or_less_than_was_asked_for(laptop: Laptop) -> None:
    challenge = laptop.challenge()
    for groups, code in (((*GROUPS, "attorney-birthdate"), "over_disclosed"), (GROUPS[1:], "request_not_satisfied")):
        fresh = laptop.challenge()
        assert told(laptop.check(text(envelope.SEALED, live(fresh, groups=groups)))) == ("rejected", code, 3)
    assert told(laptop.check(text(envelope.SEALED, live(challenge)))) == ("accepted", "", 3)


# --- by code, and copies ---------------------------------------------------------------------------------------------------------------


def by_code(laptop: Laptop, digits: str) -> bytes:
    desk = counter.find(laptop.folder / "desk", None)
    binding = code_binding(digits.replace(" ", ""), entity=BANK, use="bank", public=desk.organisation)
    return text(*render_answer(shown(binding)))


def test_a_code_is_answered_once_and_says_no_more_than_it_proves(laptop: Laptop) -> None:
    digits = laptop.ask("code")
    assert len(digits.replace(" ", "")) == 10
    answer = by_code(laptop, digits)
    verdict = laptop.check(answer)
    assert told(verdict) == ("accepted", "", 2)
    assert "could be passed on" in verdict["level_sentence"]
    assert told(laptop.check(answer)) == ("rejected", "replayed", 2)


def test_a_code_of_yesterday(laptop: Laptop) -> None:
    answer = by_code(laptop, laptop.ask("code"))
    laptop.clock.at += 181
    assert told(laptop.check(answer)) == ("rejected", "replayed", 2)


def test_copies_are_checked_as_before(laptop: Laptop) -> None:
    data = copy_file()
    assert told(laptop.check(data)) == ("accepted", "", 1)
    assert told(laptop.check(data)) == ("rejected", "replayed", 1)


def test_a_copy_made_out_to_us_as_one_code(laptop: Laptop) -> None:
    """A dc+sd-cwt copy needs no envelope: what it is made out for is inside the holder's signature."""
    binding = addressed.make_binding(entity=BANK, purpose_id="bank", at=AT, entropy=system_entropy)
    data = text(*render_answer(shown(binding)))
    verdict = laptop.check(data)
    assert told(verdict) == ("accepted", "", 1)
    assert verdict["sentence"] == "Genuine, but only a copy: it does not show who brings it."
    assert told(laptop.check(data)) == ("rejected", "replayed", 1)
    assert told(laptop.check(qr.png(data.decode(), ec="L"))) == ("rejected", "replayed", 1)
    other = addressed.make_binding(entity="https://other.example", purpose_id="bank", at=AT, entropy=system_entropy)
    assert told(laptop.check(text(*render_answer(shown(other))))) == ("rejected", "wrong_audience", 1)
    nowhere = replace(binding, extra={**binding.extra, "purpose_id": "mortgage"})
    assert told(laptop.check(text(*render_answer(shown(nowhere))))) == ("rejected", "purpose_mismatch", 1)


def test_a_packed_copy_as_a_loop(laptop: Laptop) -> None:
    packed = envelope.parse_text(addressed.render_qr(addressed.parse(copy_file())))
    assert told(laptop.check(qr.gif(frames.split(envelope.to_message(*packed))))) == ("accepted", "", 1)


@pytest.mark.parametrize("data", [b"", b"OVM1:", b"OVC1:00", b"OVB1:00", b"OVE1:", b"OVP1:00", b"OVJ1:00", b"hello", b"{}"])
def test_what_is_no_answer(laptop: Laptop, data: bytes) -> None:
    laptop.challenge()
    assert told(laptop.check(data))[:2] == ("rejected", "malformed")


def test_a_question_is_no_answer(laptop: Laptop) -> None:
    assert told(laptop.check(laptop.ask("challenge", "--text").encode()))[:2] == ("rejected", "malformed")


def test_too_many_files() -> None:
    with pytest.raises(Malformed):
        read_brought([b"x"] * 513)


def test_a_use_that_is_served_no_more() -> None:
    question = CodeQuestion(code="1", use="mortgage", audience="c:x", nonce="n", until=AT + 1)
    binding = Binding(audience="c:x", nonce="bm9uY2Ugb2YgMTYgYnl0")
    question = replace(question, nonce=str(binding.nonce))
    outcome = judge_parts(
        [text(*render_answer(shown(binding)))], Questions(codes=(question,)), entity=BANK, uses=[], material=None, answer=None, at=AT  # type: ignore[arg-type] # neither is reached
    )  # fmt: skip
    assert (outcome.judged.decision.code, outcome.answered) == ("purpose_mismatch", "")


# --- the desk itself -------------------------------------------------------------------------------------------------------------------


def test_the_desk_has_its_own_key_and_a_week(laptop: Laptop) -> None:
    desk = counter.find(laptop.folder / "desk", None)
    assert desk.folder.name == "counter-3"
    assert desk.desk.public != desk.organisation
    assert desk.desk.expires_at == AT + 7 * DAY
    assert {path.name for path in desk.folder.iterdir()} == {"desk.json", "desk.keys", "key-file"}
    laptop.clock.at += DAY
    assert laptop.run("desk", "new", "Counter 3", "--days", "2")[0] == 0
    renewed = counter.find(laptop.folder / "desk", None)
    assert (renewed.desk.public, renewed.desk.expires_at) == (desk.desk.public, AT + 3 * DAY)
    laptop.clock.at += 2 * DAY
    with pytest.raises(Expired):
        asyncio.run(counter.ask(renewed, ask._use("bank"), at=laptop.clock(), entropy=system_entropy))


def test_desks_that_cannot_be(laptop: Laptop) -> None:
    for wrong in (("new", "…"), ("new", "Two", "--days", "8"), ("new", "Two", "--days", "0")):
        with pytest.raises(Malformed):
            laptop.run("desk", *wrong)


def test_which_desk_asks(laptop: Laptop) -> None:
    other = laptop.folder / "elsewhere"
    laptop.run("desk", "new", "Van", "--out", str(other))
    assert laptop.challenge("--desk", str(other)).desk.name == "Van"
    laptop.run("desk", "new", "Counter 4")
    with pytest.raises(ConfigError):
        laptop.challenge()
    with pytest.raises(ConfigError):
        laptop.challenge("--desk", str(laptop.folder))
    for broken in (b"{}", b"[]", b'{"version": 2}'):
        (other / "desk.json").write_bytes(broken)
        with pytest.raises(ConfigError):
            counter.read(other)


def test_asking_needs_a_good_pack_and_a_known_use(laptop: Laptop) -> None:
    with pytest.raises(Missing):
        laptop.ask("challenge", use="no-such-use")
    laptop.pack.write_bytes(b"{}")
    for command in ("challenge", "code"):
        with pytest.raises(ConfigError):
            laptop.ask(command)
    assert not laptop.state.exists()


def test_the_code_on_the_terminal_or_in_a_picture(laptop: Laptop) -> None:
    assert "█" in laptop.ask("challenge")
    picture = laptop.folder / "question.png"
    assert laptop.ask("challenge", "--png", str(picture)) == f"Wrote {picture}"
    (found,) = qr.read(picture.read_bytes())
    assert found.startswith("OVC1:")
    assert len(laptop.questions().live) == 2


def test_entity_comes_from_the_only_desk_or_is_said(laptop: Laptop) -> None:
    assert told(laptop.check(copy_file())) == ("accepted", "", 1)
    laptop.run("desk", "new", "Counter 4")
    with pytest.raises(ConfigError):
        laptop.check(copy_file())


# --- the memory ------------------------------------------------------------------------------------------------------------------------


def test_a_memory_of_questions_is_whole_or_none(laptop: Laptop) -> None:
    laptop.challenge()
    laptop.ask("code")
    questions = laptop.questions()
    rendered = render_questions(questions)
    assert parse_questions(rendered, "/q") == questions
    short = {**rendered, "live": [{**rendered["live"][0], "private": base64url.encode(bytes(31))}]}
    broken: Any
    for broken in (short, {"live": []}, {**rendered, "codes": [{}]}):
        with pytest.raises(VcError):
            parse_questions(broken, "/q")
    old = json.loads(render_state(Memory()))
    del old["questions"]
    assert parse_state(json.dumps(old).encode()) == Memory()


def test_only_so_many_questions_at_once() -> None:
    questions = Questions()
    for number in range(64):
        questions = questions.add(CodeQuestion(code="1", use="u", audience="a", nonce=str(number), until=AT + number))
    with pytest.raises(TooMany):
        questions.add(CodeQuestion(code="1", use="u", audience="a", nonce="x", until=AT))
    assert len(questions.at(AT + 32).codes) == 31
    assert len(questions.without("3").codes) == 63


def test_nobody_else_reads_the_seals_of_open_questions(laptop: Laptop) -> None:
    laptop.challenge()
    assert laptop.state.stat().st_mode & 0o077 == 0


# --- several who act together ------------------------------------------------------------------------------------------------------------

TOGETHER = (*GROUPS, "joint")
TAG = "q83vEjRWeJCrze8SNFZ4kA"


def agreeing(
    challenge: Challenge, number: int, by: Signer, *, tag: str = TAG, powers: Sequence[str] = ("banking",), **changes: Any
) -> bytes:
    """The sealed answer of one attorney."""
    joint = {"decision_rule": "jointly", "cardinality": 2, "instrument_tag": tag, "attorney_number": number}
    claims = FOR_BANK | joint | {"powers": list(powers)}
    paths = [claim.path for claim in credential_type().claims if claim.group in TOGETHER and (_there(claim.path) or claim.group == "joint")]
    wire = issue("dc+sd-cwt", claims=claims, to=by, seed=f"{number}", **changes)
    presented = show(wire, format_name="dc+sd-cwt", paths=paths, binding=live_binding(challenge), by=by)
    return text(envelope.SEALED, seal_answer(Answer("dc+sd-cwt", presented), challenge, entropy=system_entropy))


def decided(laptop: Laptop, data: bytes) -> Outcome:
    """What is thought of one answer by itself."""
    found = []

    def judge(*parts: Any, **how: Any) -> Outcome:
        found.append(judge_parts(*parts, **how))
        return found[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offline, "judge_parts", judge)
        laptop.check(data)
    return found[-1]


def test_two_attorneys_agree_at_a_desk_without_a_network(laptop: Laptop) -> None:
    nora, peter = Signer.new(), Signer.new()
    asked = laptop.challenge(use="bank-together")
    assert asked.transaction is not None
    first = laptop.check(agreeing(asked, 1, nora))
    assert (told(first)[:2], first["act"]["agreed"]) == (("undecided", "needs_more_attorneys"), 1)
    assert laptop.questions().live == ()  # it was answered
    reference = first["act"]["reference"]
    assert base64url.decode(reference) == asked.transaction
    laptop.clock.at += 12 * 3_600
    again = laptop.challenge("--together", reference, use="bank-together")
    assert again.transaction == asked.transaction
    assert told(laptop.check(agreeing(again, 1, Signer.new())))[:2] == ("undecided", "needs_more_attorneys")  # one person twice
    other = laptop.challenge("--together", reference, use="bank-together")
    assert told(laptop.check(agreeing(other, 2, peter, tag=TAG[:-2] + "AA")))[:2] == ("rejected", "other_instrument")
    last = laptop.challenge("--together", reference, use="bank-together")
    second = laptop.check(agreeing(last, 2, peter))
    assert (told(second), second["act"]["agreed"]) == (("accepted", "", 3), 2)
    assert parse_state(laptop.state.read_bytes()).acts == {}


def test_an_answer_that_is_refused_leaves_the_act_as_it_was(laptop: Laptop) -> None:
    nora, peter = Signer.new(), Signer.new()
    first = laptop.check(agreeing(laptop.challenge(use="bank-together"), 1, nora))
    acts = parse_state(laptop.state.read_bytes()).acts
    other = laptop.challenge("--together", first["act"]["reference"], use="bank-together")
    assert told(laptop.check(agreeing(other, 2, peter, powers=["utilities"])))[:2] == ("rejected", "outside_scope")
    assert parse_state(laptop.state.read_bytes()).acts == acts
    last = laptop.challenge("--together", first["act"]["reference"], use="bank-together")
    second = laptop.check(agreeing(last, 2, peter))
    assert (told(second), second["act"]["agreed"]) == (("accepted", "", 3), 2)


def test_what_was_no_yes_in_the_end_leaves_the_act_as_it_was(laptop: Laptop) -> None:
    asked = laptop.challenge(use="bank-together")
    waiting = decided(laptop, agreeing(asked, 1, Signer.new()))
    again = laptop.challenge("--together", base64url.encode(asked.transaction or b""), use="bank-together")
    other, undecided = decided(laptop, agreeing(again, 2, Signer.new())), waiting.judged.decision
    assert waiting.live is not None
    assert other.live is not None
    _, acts, _ = offline_acts.join({}, waiting.live, undecided, lambda _live, _told: undecided, now=AT)
    refused = replace(undecided, decision="rejected", code="suspended", credentials=())

    def judge(live: Live, _told: Mapping[str, Any]) -> Decision:
        return refused if live == other.live else undecided

    assert offline_acts.join(acts, other.live, other.judged.decision, judge, now=AT) == (refused, acts, 1)


def test_only_so_many_acts_wait_and_none_is_dropped_unsaid(laptop: Laptop) -> None:
    waiting = decided(laptop, agreeing(laptop.challenge(use="bank-together"), 1, Signer.new()))
    assert waiting.live is not None
    acts = {f"{number}/bank-together": offline_acts.Act(until=AT + 1) for number in range(offline_acts.MAX_ACTS)}
    with pytest.raises(TooMany):
        offline_acts.join(acts, waiting.live, waiting.judged.decision, lambda _live, _told: waiting.judged.decision, now=AT)


def test_an_act_of_its_own_counts_alone_and_ends_after_a_week(laptop: Laptop) -> None:
    nora, peter = Signer.new(), Signer.new()
    first = laptop.check(agreeing(laptop.challenge(use="bank-together"), 1, nora))
    unrelated = laptop.check(agreeing(laptop.challenge(use="bank-together"), 2, peter))
    assert [each["act"]["agreed"] for each in (first, unrelated)] == [1, 1]
    memory = parse_state(laptop.state.read_bytes())
    assert len(memory.acts) == 2
    assert parse_state(render_state(memory)) == memory
    assert offline_acts.at(memory.acts, AT + 7 * DAY) == {}


def test_who_was_cancelled_meanwhile_does_not_count_here_either(laptop: Laptop, template: Template) -> None:
    first = laptop.check(agreeing(laptop.challenge(use="bank-together"), 1, Signer.new()))
    laptop.clock.at += 3_600
    laptop.make_pack(template, Site(lists={LIST: status_token({IDX: 1}, iat=AT + 600)}))
    again = laptop.challenge("--together", first["act"]["reference"], use="bank-together")
    second = laptop.check(agreeing(again, 2, Signer.new(), status=StatusReference(uri=LIST, idx=IDX + 1)))
    assert (told(second)[:2], second["act"]["agreed"]) == (("undecided", "needs_more_attorneys"), 1)


def test_whose_status_no_pack_can_tell_for_now_stays_in_the_act(laptop: Laptop, template: Template) -> None:
    """A pack without the list of the first: nobody counts as agreed by that, and nobody is thrown out."""
    other_list, peter = "https://opg.example/status/2", Signer.new()

    def pack(*lists: str) -> None:
        laptop.clock.at += 3_600
        laptop.make_pack(template, Site(lists={uri: status_token(uri=uri, iat=laptop.clock.at - 600) for uri in lists}))

    def answer(seed: Signer) -> dict[str, Any]:
        asked = laptop.challenge("--together", first["act"]["reference"], use="bank-together")
        return laptop.check(agreeing(asked, 2, seed, status=StatusReference(uri=other_list, idx=IDX)))

    first = laptop.check(agreeing(laptop.challenge(use="bank-together"), 1, Signer.new()))
    laptop.clock.at += 3 * DAY
    pack(other_list)
    second = answer(peter)
    assert (told(second)[:2], second["act"]["agreed"]) == (("undecided", "needs_more_attorneys"), 1)
    pack(LIST, other_list)
    again = answer(peter)
    assert (told(again), again["act"]["agreed"]) == (("accepted", "", 3), 2)
    assert parse_state(laptop.state.read_bytes()).acts == {}


def test_who_answers_afresh_takes_the_place_of_what_no_pack_can_tell(laptop: Laptop, template: Template) -> None:
    """Nora's first answer counts for nothing by this pack, and does not keep her second one out."""
    other_list = "https://opg.example/status/2"
    first = laptop.check(agreeing(laptop.challenge(use="bank-together"), 1, Signer.new()))
    laptop.clock.at += 3 * DAY
    laptop.make_pack(template, Site(lists={other_list: status_token(uri=other_list, iat=laptop.clock.at - 600)}))

    def answer(number: int, idx: int, *, tag: str = TAG) -> tuple[tuple[Any, ...], int]:
        asked = laptop.challenge("--together", first["act"]["reference"], use="bank-together")
        found = laptop.check(agreeing(asked, number, Signer.new(), tag=tag, status=StatusReference(uri=other_list, idx=idx)))
        return told(found)[:2], found.get("act", {}).get("agreed", 0)

    waits = ("undecided", "needs_more_attorneys"), 1
    assert answer(1, IDX, tag=TAG[:-2] + "AA")[0] == ("rejected", "other_instrument")
    assert answer(1, IDX) == waits
    (act,) = parse_state(laptop.state.read_bytes()).acts.values()
    assert len(act.answers) == 1, "it is in the other one's place"
    assert answer(1, IDX) == waits  # of one that can be told nobody takes the place
    assert parse_state(laptop.state.read_bytes()).acts == {first["act"]["reference"] + "/bank-together": act}
    assert answer(2, IDX + 1) == (("accepted", ""), 2)
    assert parse_state(laptop.state.read_bytes()).acts == {}


def test_the_terminal_says_how_the_next_is_asked(laptop: Laptop) -> None:
    sealed = laptop.folder / "sealed"
    sealed.write_bytes(agreeing(laptop.challenge(use="bank-together"), 1, Signer.new()))
    code, out, _ = laptop.run("check", str(sealed), "--bundle", str(laptop.pack), "--state", str(laptop.state))
    assert code == 2
    assert "1 has agreed so far. Ask the next: muniment-verifier challenge --use bank-together --together " in out


@pytest.mark.parametrize(("reference", "use"), [("AAAA", "bank-together"), ("A" * 22, "bank")])
def test_references_of_nothing_are_refused(laptop: Laptop, reference: str, use: str) -> None:
    with pytest.raises(Malformed):
        laptop.challenge("--together", reference, use=use)


def test_ten_digits_ask_nobody_who_acts_together(laptop: Laptop) -> None:
    with pytest.raises(Malformed, match="square code"):
        laptop.ask("code", use="bank-together")
