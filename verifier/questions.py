"""Questions of a desk without a network that wait for an answer: challenges on a screen, codes read out. Each is answered once (S6).

They stand in the desk's memory on disk, so that they survive a restart; what ran out or was answered is forgotten with its sealing key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.codec import base64url
from shared.codec.reader import get_int, get_objects, get_str, pointer
from shared.errors import Malformed, TooMany
from shared.ovp.answer import OpenChallenge
from shared.ovp.challenge import parse_challenge

MAX_OPEN: Final = 64
_PRIVATE: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveQuestion:
    """A challenge, with the private half of its sealing key. ``until`` is the second in which it has run out."""

    opened: OpenChallenge = field(repr=False)
    until: int

    @property
    def nonce(self) -> str:
        """What its answer signs."""
        return base64url.encode(self.opened.challenge.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeQuestion:
    """Ten digits that were read out for one use: what their answer is made out to, and what it signs."""

    code: str
    use: str
    audience: str
    nonce: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """All that wait."""

    live: tuple[LiveQuestion, ...] = ()
    codes: tuple[CodeQuestion, ...] = ()

    def at(self, at: int) -> Questions:
        """Without those that have run out."""
        return Questions(
            live=tuple(each for each in self.live if each.until > at), codes=tuple(each for each in self.codes if each.until > at)
        )

    def add(self, question: LiveQuestion | CodeQuestion) -> Questions:
        """``TooMany`` beyond 64 of a kind: an answer is tried against each."""
        if isinstance(question, LiveQuestion):
            return replace(self, live=_grown(self.live, question))
        return replace(self, codes=_grown(self.codes, question))

    def without(self, nonce: str) -> Questions:
        """Once it was answered."""
        return Questions(
            live=tuple(each for each in self.live if each.nonce != nonce), codes=tuple(each for each in self.codes if each.nonce != nonce)
        )


def _grown(waiting: tuple[Any, ...], question: Any) -> tuple[Any, ...]:
    if len(waiting) >= MAX_OPEN:
        raise TooMany("too many questions wait for an answer", retry_after=60)
    return (*waiting, question)


def render_questions(questions: Questions) -> dict[str, Any]:
    """For the desk's own memory, which is as private as a key: the seals of open challenges are inside."""
    return {
        "live": [
            {
                "challenge": base64url.encode(each.opened.challenge.data),
                "private": base64url.encode(each.opened.private),
                "until": each.until,
            }
            for each in questions.live
        ],
        "codes": [_render_code(each) for each in questions.codes],
    }


def parse_questions(obj: Mapping[str, Any], where: str) -> Questions:
    """The inverse; ``Malformed`` with a pointer."""
    live = get_objects(obj, "live", where, max_items=MAX_OPEN)
    codes = get_objects(obj, "codes", where, max_items=MAX_OPEN)
    return Questions(
        live=tuple(_live(each, pointer(f"{where}/live", index)) for index, each in enumerate(live)),
        codes=tuple(_code(each, pointer(f"{where}/codes", index)) for index, each in enumerate(codes)),
    )


def _live(obj: Mapping[str, Any], where: str) -> LiveQuestion:
    private = base64url.decode(get_str(obj, "private", where), where=f"{where}/private")
    if len(private) != _PRIVATE:
        raise Malformed("a sealing key has 32 bytes", where=f"{where}/private")
    challenge = parse_challenge(base64url.decode(get_str(obj, "challenge", where), where=f"{where}/challenge"))
    return LiveQuestion(opened=OpenChallenge(challenge, private), until=get_int(obj, "until", where))


def _render_code(question: CodeQuestion) -> dict[str, Any]:
    return {
        "code": question.code,
        "use": question.use,
        "audience": question.audience,
        "nonce": question.nonce,
        "until": question.until,
    }


def _code(obj: Mapping[str, Any], where: str) -> CodeQuestion:
    return CodeQuestion(
        code=get_str(obj, "code", where),
        use=get_str(obj, "use", where),
        audience=get_str(obj, "audience", where),
        nonce=get_str(obj, "nonce", where),
        until=get_int(obj, "until", where),
    )
