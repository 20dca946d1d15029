"""What a desk without a network is shown, whatever carries it: a file, one square code or a loop of them; and what it answers.

The mode was opened by the desk, never by what came (security rule S6): a sealed answer must open with the key of a challenge that waits, a
code's answer must sign the nonce of a code that waits. Anything else is ``replayed`` or a copy made out to somebody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared import addressed
from shared.addressed import AddressedPresentation
from shared.codec import base64url, frames, qr
from shared.codec.frames import Assembly
from shared.errors import Malformed, PurposeMismatch, TooLarge, VcError
from shared.flow import Fetch, Fetched, run
from shared.formats import BearerType, Binding, formats
from shared.ovp import envelope
from shared.ovp.answer import SD_CWT_FORMAT, Answer, asked_of, find_open, live_binding, open_answer, parse_answer, peek_answer
from shared.ovp.challenge import Challenge
from shared.trust.relying_party import Want
from shared.verify import Decision, Expectation, Level, Material, decide_error, verify
from verifier.check import PICTURES, Judged, copy_of, judge_copy
from verifier.questions import Questions
from verifier.uses import Use, wants_of

MAX_PARTS: Final = 512


@dataclass(frozen=True, slots=True)
class Sealed:
    """An answer that only the desk which asked can open."""

    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ForAnybody:
    """A document that its issuer made for whoever holds it, as the format's wire text."""

    wire: str = field(repr=False)


Brought = AddressedPresentation | Answer | Sealed | ForAnybody


@dataclass(frozen=True, slots=True)
class Live:
    """A challenge and the answer to it: what can be judged once more, for its nonce never ages."""

    challenge: Challenge
    answer: Answer

    @property
    def nonce(self) -> str:
        """Of the question, as those that wait are known by."""
        return base64url.encode(self.challenge.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``answered`` is the nonce of the question that must not be answered again, empty where there is none. ``live`` is the answer to a
    challenge, opened.
    """

    judged: Judged
    answered: str = ""
    live: Live | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One question that waits, and what to hold its answer against."""

    use: str
    wants: tuple[Want, ...] | None  # None: whatever the use asks for
    binding: Binding
    nonce: str
    answer: Answer
    challenge: Challenge | None = None


def read_brought(parts: Sequence[bytes]) -> Brought:
    """One thing out of the files of a folder, of pictures in any order, or of pasted text. ``Malformed`` or ``TooLarge``."""
    if len(parts) > MAX_PARTS:
        raise TooLarge(f"more than {MAX_PARTS} files")
    assembly = Assembly()
    for text in _texts(parts):
        if not text.startswith(frames.PREFIX):
            return _read_text(text)
        message = assembly.add(text)
        if message is not None:
            return _sort(*envelope.of_message(message))
    have, need = assembly.progress
    raise Malformed(f"only {have} of at least {need} codes are here: show the others as well" if need else "there is nothing to read")


def _texts(parts: Sequence[bytes]) -> Iterable[str]:
    for data in parts:
        if data.startswith(PICTURES):
            yield from qr.read_loop(data)
        else:
            text = data.decode("utf-8", "replace").strip()
            yield from text.splitlines() if text.startswith(frames.PREFIX) else [text]


def _read_text(text: str) -> Brought:
    if text.startswith("{"):
        return addressed.parse_file(text)
    if not text.startswith(envelope.PREFIXES):
        raise Malformed("this is no copy and no answer")
    return _sort(*envelope.parse_text(text))


def _sort(prefix: str, content: bytes) -> Brought:
    if prefix == envelope.SEALED:
        return Sealed(content)
    if prefix == envelope.BEARER:
        return ForAnybody(base64url.encode(content))
    if prefix == envelope.SD_JWT:
        try:
            return parse_answer(prefix, content)
        except Malformed:
            return addressed.parse_content(content)
    return parse_answer(prefix, content)


def judge_parts(
    parts: Sequence[bytes],
    questions: Questions,
    *,
    entity: str,
    uses: Sequence[Use],
    material: Material,
    answer: Callable[[Fetch], Fetched],
    at: int,
) -> Outcome:
    """The decision; never raises for what a stranger wrote. ``questions`` are those that wait, ``entity`` is who we are."""
    level = Level.ADDRESSED
    try:
        brought = read_brought(parts)
        if isinstance(brought, ForAnybody):
            level = Level.BEARER
            expectation = _for_anybody(brought)
            return Outcome(judged=Judged(decision=run(verify({"document": [brought.wire]}, expectation, material, at=at), answer)))
        if isinstance(brought, Sealed):
            level = Level.LIVE
            asked = _live(brought, questions)
        elif isinstance(brought, Answer) and not (audience := peek_answer(brought).audience).startswith("a:"):
            level = Level.RELAYABLE if audience.startswith("c:") else Level.LIVE
            asked = _by_code(brought, questions, level)
        else:
            copy = copy_of(brought) if isinstance(brought, Answer) else brought
            return Outcome(judged=judge_copy(copy, entity=entity, uses=uses, material=material, answer=answer, at=at))
        use = next((each for each in uses if each.query.id == asked.use), None)
        if use is None:
            raise PurposeMismatch("it was made for a purpose that is not served here")
        expectation = _expectation(asked, use, material)
    except VcError as error:
        return Outcome(judged=Judged(decision=decide_error(error, at=at, level=level)))
    decision = run(verify({use.query.id: [asked.answer.wire]}, expectation, material, at=at), answer)
    live = None if asked.challenge is None else Live(asked.challenge, asked.answer)
    return Outcome(judged=Judged(decision=decision, use=use), answered=asked.nonce if used_up(decision) else "", live=live)


def judge_live(
    live: Live, more: Mapping[str, Any], *, use: Use, material: Material, answer: Callable[[Fetch], Fetched], at: int
) -> Decision:
    """The decision about an answer that was opened before, told this much ``more`` of the use."""
    challenge = live.challenge
    expectation = Expectation(
        query=None,
        asked=asked_of(challenge.wants, material.types),
        binding=live_binding(challenge),
        use={**use.query.use, **more},
        format=live.answer.format,
    )
    return run(verify({use.query.id: [live.answer.wire]}, expectation, material, at=at), answer)


def _for_anybody(brought: ForAnybody) -> Expectation:
    """Nothing was asked for; only a type whose file says bearer passes (security rule S2)."""
    kind = formats()[SD_CWT_FORMAT].parse(brought.wire).vct
    return Expectation(query=None, binding=BearerType(vct=kind), format=SD_CWT_FORMAT)


def _live(brought: Sealed, questions: Questions) -> _Asked:
    opened, answer = open_answer(brought.content, [each.opened for each in questions.live])
    challenge = opened.challenge
    nonce = base64url.encode(challenge.digest)
    return _Asked(
        use=challenge.use, wants=challenge.wants, binding=live_binding(challenge), nonce=nonce, answer=answer, challenge=challenge
    )


def _by_code(answer: Answer, questions: Questions, level: Level) -> _Asked:
    if level is Level.LIVE:
        raise Malformed("an answer to a question on a screen is sealed")
    question = find_open(peek_answer(answer).nonce, {each.nonce: each for each in questions.codes})
    binding = Binding(audience=question.audience, nonce=question.nonce, max_age=None)
    return _Asked(use=question.use, wants=None, binding=binding, nonce=question.nonce, answer=answer)


def _expectation(asked: _Asked, use: Use, material: Material) -> Expectation:
    wants = (wants_of(use, by_code=True),) if asked.wants is None else asked.wants
    return Expectation(
        query=None,
        asked=asked_of(wants, material.types),
        binding=asked.binding,
        use=use.query.use,
        format=asked.answer.format,
    )


def used_up(decision: Decision) -> bool:
    """Whether its question takes no other answer: its holder has answered, and that came to something.

    What cannot be told yet may be checked again with a newer pack.
    """
    return decision.decision != "undecided" and decision.line("holder_binding").state == "passed"
