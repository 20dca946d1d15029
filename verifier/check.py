"""Is this copy good, for us, for that? The one judgement of copies that were brought in, for desk, program and terminal alike.

No clock, no database, no socket: the material comes as an argument, and what answers questions about cancelled documents with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared import addressed
from shared.addressed import AddressedPresentation
from shared.codec import qr
from shared.credentials._derive import dcql
from shared.dcql import parse_query
from shared.errors import Malformed, PurposeMismatch, VcError, WrongAudience
from shared.flow import Fetch, Fetched, run
from shared.ovp.answer import Answer, parse_answer, peek_answer
from shared.ovp.envelope import PRESENTATION, parse_text
from shared.verify import Decision, Expectation, Material, decide_error, verify
from verifier.uses import Use

MAX_COPY: Final = 20_000_000
"""Bytes of a file or picture."""
PICTURES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A decision with what is known of the copy itself. ``use`` is the ready question that it was made for, where that is known.

    ``agreed`` is how many have agreed to a ``transaction`` of several, 0 where nobody else has to.
    """

    decision: Decision
    copy: AddressedPresentation | None = None
    use: Use | None = None
    agreed: int = 0
    transaction: str = ""


def read_copy(data: bytes) -> AddressedPresentation:
    """A copy out of a file, a pasted text, or a picture of its square code. ``Malformed`` or ``TooLarge``."""
    if data.startswith(PICTURES):
        return _pick(qr.read(data))
    text = data[: len(PRESENTATION)].decode("latin-1")
    return _parse_qr(data.decode("latin-1").strip()) if text == PRESENTATION else addressed.parse(data)


def _pick(texts: Iterable[str]) -> AddressedPresentation:
    """The one code of a picture that is a copy; where none is, what is wrong with the first."""
    fault: VcError = Malformed("no QR code in this picture")
    for text in sorted(texts, key=lambda each: not each.startswith((addressed.PREFIX, PRESENTATION))):
        try:
            return _parse_qr(text)
        except VcError as error:
            fault = error
            break
    raise fault


def _parse_qr(text: str) -> AddressedPresentation:
    return copy_of(parse_answer(*parse_text(text))) if text.startswith(PRESENTATION) else addressed.parse_qr(text)


def copy_of(answer: Answer) -> AddressedPresentation:
    """A presentation without any envelope, sorted by what it says itself; ``Malformed`` unless it is made out to somebody for something."""
    peeked = peek_answer(answer)
    if not peeked.audience.startswith("a:") or not peeked.purpose_id:
        raise Malformed("this is not made out to anybody")
    return AddressedPresentation(
        format=answer.format, aud=peeked.audience, purpose_id=peeked.purpose_id, vp_token={peeked.purpose_id: (answer.wire,)}
    )


def judge(
    data: bytes,
    *,
    entity: str,
    uses: Iterable[Use],
    material: Material,
    answer: Callable[[Fetch], Fetched],
    at: int,
    more: Mapping[str, Any] | None = None,
) -> Judged:
    """Decide about the copy in ``data``; never raises for what a stranger wrote.

    ``entity`` is who we are, ``uses`` what is served here. ``more`` is added to what the kind of document is told about the use.
    """
    try:
        copy = read_copy(data)
    except VcError as error:
        return Judged(decision=decide_error(error, at=at))
    return judge_copy(copy, entity=entity, uses=uses, material=material, answer=answer, at=at, more=more)


def judge_copy(
    copy: AddressedPresentation,
    *,
    entity: str,
    uses: Iterable[Use],
    material: Material,
    answer: Callable[[Fetch], Fetched],
    at: int,
    more: Mapping[str, Any] | None = None,
    came_at: int | None = None,
) -> Judged:
    """As ``judge``, of a copy that was read already. It must show what its purpose asks for; what it shows beyond was the holder's choice.

    ``came_at`` is when it came, where it waited since: in force it had to be then.
    """
    try:
        use = _check_envelope(copy, entity, uses)
        query = parse_query(dcql(use.type, use.query.id, copy.format))
    except VcError as error:
        return Judged(decision=decide_error(error, at=at), copy=copy)
    expectation = Expectation(
        query=query,
        binding=addressed.expected_binding(entity=entity, purpose_id=copy.purpose_id),
        use={**use.query.use, **(more or {})},
        shown_at=came_at,
    )
    shown = {use.query.id: [wire for wires in copy.vp_token.values() for wire in wires]}
    decision = run(verify(shown, expectation, material, at=at, stapled=copy.status_list_tokens), answer)
    return Judged(decision=decision, copy=copy, use=use)


def _check_envelope(copy: AddressedPresentation, entity: str, uses: Iterable[Use]) -> Use:
    """The envelope only sorts the post: what it says is checked again in what the holder signed."""
    if copy.aud != addressed.audience(entity):
        raise WrongAudience("it was made out to somebody else", where="/aud")
    for use in uses:
        if use.query.id == copy.purpose_id:
            return use
    raise PurposeMismatch("it was made for a purpose that is not served here", where="/purpose_id")
