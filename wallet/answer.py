"""Answering a desk without a network: a challenge on its screen (level 3), or ten digits that it read out (level 2). Nothing is fetched.

Who asks is checked against the register that the wallet keeps (security rules S5, S7). The copy is marked as used (``answer``) before
anything is signed; the line of history (``phone-showings``) follows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from shared.codec import frames, qr
from shared.credentials import CredentialType, all_types
from shared.credentials._joint import TAG
from shared.errors import AccessDenied, Conflict, Expired, Malformed, PurposeMismatch
from shared.formats import Binding, Parsed, formats
from shared.formats.sd_cwt import with_staple
from shared.ovp import envelope
from shared.ovp.answer import SD_CWT_FORMAT, SD_JWT_FORMAT, Answer, code_binding, live_binding, render_answer, seal_answer
from shared.ovp.challenge import Asker, Challenge, check_challenge, parse_challenge
from shared.ovp.code import parse_code
from shared.storage import Tx
from shared.trust.relying_party import Register, Want
from wallet import showings
from wallet.cards import Line, lines, type_of
from wallet.choose import is_of_no_use, pick_copy
from wallet.holding import sign_presentation
from wallet.keep import Vault
from wallet.means import Means
from wallet.present import mark_used
from wallet.records import COPIES, DOCUMENTS
from wallet.sessions import Copy, CopyLine, Document
from wallet.showings import Showing

FORMATS = (SD_CWT_FORMAT, SD_JWT_FORMAT)
"""What travels by QR code, the shorter first."""
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a checked desk asks. ``challenge`` is ``None`` for a code."""

    asker: Asker
    binding: Binding
    challenge: Challenge | None = None

    @property
    def level(self) -> int:
        """3 for a challenge, 2 for a code."""
        return 2 if self.challenge is None else 3

    @property
    def together(self) -> bool:
        """Whether it counts only once others have agreed too."""
        return self.challenge is not None and self.challenge.transaction is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One document that answers, and what of it would be seen. ``groups`` are ids of the type; ``optional`` those that may be left out."""

    document: Document
    format: str
    line: CopyLine
    copy: Copy
    groups: tuple[str, ...]
    optional: tuple[str, ...]

    def without(self, names: Collection[str]) -> Reply:
        """Some optional groups less; ``Malformed`` for one that is not optional here."""
        unknown = sorted(set(names) - set(self.optional))
        if unknown:
            raise Malformed(f"this cannot be left out: {', '.join(unknown)}", where="without")
        return replace(self, groups=tuple(group for group in self.groups if group not in names))

    def parsed(self) -> Parsed:
        """Whole, as the issuer made it."""
        return formats()[self.format].parse(self.copy.wire)

    def presented(self) -> Parsed:
        """With these groups and no others."""
        form, parsed = formats()[self.format], self.parsed()
        kind, claims = type_of(self.document), form.peek(parsed)
        paths = [path for path in claims.disclosable if (claim := kind.claim(path)) is not None and claim.group in self.groups]
        return form.disclose(parsed, paths)

    def shown(self, locale: str = "en") -> list[Line]:
        """Every detail that would be seen."""
        return lines(type_of(self.document), formats()[self.format].peek(self.presented()).claims, locale)

    def labels(self, groups: Sequence[str], locale: str = "en") -> list[str]:
        """Groups in words."""
        named = {group.id: group.label.in_(locale) for group in type_of(self.document).groups}
        return [named[group] for group in groups]

    def not_shown(self) -> list[str]:
        """Groups that the document has and that stay hidden."""
        return [group for group in _held(type_of(self.document), self.document) if group not in self.groups]


# --- reading -------------------------------------------------------------------------------------------------------------------------


def read_challenge(data: bytes, register: Register, *, at: int) -> Question:
    """The text of a challenge, or a picture of it. Errors as ``check_challenge``; ``Malformed`` for something else."""
    texts = qr.read_loop(data) if data.startswith(_PICTURES) else [data.decode("utf-8", "replace").strip()]
    text = next((each for each in texts if each.startswith(envelope.CHALLENGE)), texts[0])
    prefix, content = envelope.parse_text(text)
    if prefix != envelope.CHALLENGE:
        raise Malformed("this is no question that a desk asks")
    challenge = parse_challenge(content)
    return Question(asker=check_challenge(challenge, register, at=at), binding=live_binding(challenge), challenge=challenge)


def read_code(digits: str, register: Register, *, entity: str, use: str, at: int) -> Question:
    """Ten digits that ``entity`` read out for ``use``, both picked by the holder (S7). ``Untrusted``, ``PurposeMismatch``, ``Malformed``."""
    party = register.find(entity, at=at)
    registered = party.use(use)
    if registered is None:
        raise PurposeMismatch("the organisation has not registered this use", where="use")
    code = parse_code(digits, entity=entity, use=use)
    return Question(
        asker=Asker(entity=entity, name=party.name, desk="", use=registered, wants=registered.wants),
        binding=code_binding(code, entity=entity, use=use, public=party.public),
    )


async def find_reply(means: Means, vault: Vault, question: Question, *, document: str | None = None) -> Reply:
    """The document that answers: the newest that has all that is needed, or the one named. ``AccessDenied``, ``Conflict`` without a copy left."""
    return await means.storage.read(lambda tx: _find(tx, vault, question, document, at=means.clock()))


async def _find(tx: Tx, vault: Vault, question: Question, named: str | None, *, at: int) -> Reply:
    fault: AccessDenied | Conflict = AccessDenied("nothing in this wallet answers this question")
    documents = sorted((item.value for item in await DOCUMENTS.all(tx, vault)), key=lambda one: -one.received_at)
    for document in documents:
        want = _wanted(document, question)
        if want is None or named not in {None, document.id}:
            continue
        required, optional = _groups(type_of(document), document, want, together=question.together)
        if required is None:
            continue
        for format_name in FORMATS:
            line = pick_copy(document, format_name, question.asker.entity, at)
            if line is not None:
                copy = (await COPIES.get(tx, vault, line.id)).value
                groups = (*required, *optional)
                return Reply(document=document, format=format_name, line=line, copy=copy, groups=groups, optional=optional)
        fault = Conflict("there is no copy left for this; new ones come by themselves, or ask for them on the document's page")
    raise fault


def _wanted(document: Document, question: Question) -> Want | None:
    kind = all_types().get(document.vct)
    if kind is None or kind.private or document.status.value == "invalid" or is_of_no_use(document, question.asker.use.id):
        return None
    return next((want for want in question.asker.wants if want.vct == kind.vct_int), None)


def _groups(kind: CredentialType, document: Document, want: Want, *, together: bool) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Ids of the groups to show: ``None`` where the document lacks one that is needed; of the optional ones those that it has.

    The mark of people who act together is there only where others are to agree to the same (security rule S26).
    """
    mark = kind.claim(TAG)
    held = [group for group in _held(kind, document) if together or mark is None or group != mark.group]
    names = {group.cwt: group.id for group in kind.groups if group.cwt}
    required = tuple(names.get(number, "") for number in want.required)
    optional = tuple(names[number] for number in want.optional if names.get(number) in held)
    return (required if set(required) <= set(held) else None), optional


def _held(kind: CredentialType, document: Document) -> list[str]:
    """Groups of which the document says something, in the type's order."""
    said = {line.name for line in lines(kind, document.claims)}
    found = {claim.group for claim in kind.claims if "/".join("*" if part is None else part for part in claim.path) in said}
    return [group.id for group in kind.groups if group.cwt and group.id in found]


# --- answering -----------------------------------------------------------------------------------------------------------------------


async def answer(means: Means, vault: Vault, question: Question, reply: Reply) -> tuple[str, bytes]:
    """Prefix and content of the answer, sealed where it is live. ``Expired`` once the question has run out."""
    at = means.clock()
    _check_open(question, at)
    asker, line = question.asker, reply.line

    async def spend(tx: Tx) -> None:
        await mark_used(tx, means, vault, document=reply.document.id, copy=line.id, party=asker.entity, name=asker.name.en, at=at)

    await means.storage.write(spend, point="answer")
    presented = _stapled(question, reply.copy, reply.presented())
    wire = await sign_presentation(reply.copy, presented, question.binding, at=at, entropy=means.entropy)
    await _note(means, vault, question, reply, agreed=True)
    made = Answer(reply.format, wire)
    if question.challenge is None:
        return render_answer(made)
    return envelope.SEALED, seal_answer(made, question.challenge, entropy=means.entropy)


def _stapled(question: Question, copy: Copy, presented: Parsed) -> Parsed:
    """With what the issuer last said of this copy, collected on a schedule (S21), where the desk's own list is old."""
    if question.challenge is None or not question.challenge.staple or not copy.assertion or presented.format != SD_CWT_FORMAT:
        return presented
    return with_staple(presented, copy.assertion)


async def decline(means: Means, vault: Vault, question: Question, reply: Reply) -> None:
    """Nothing is shared; the history says that somebody asked."""
    await _note(means, vault, question, reply, agreed=False)


def _check_open(question: Question, at: int) -> None:
    challenge = question.challenge
    if challenge is not None and at >= challenge.issued_at + challenge.ttl:
        raise Expired("this question has run out; ask for a new one")


async def _note(means: Means, vault: Vault, question: Question, reply: Reply, *, agreed: bool) -> None:
    use = question.asker.use
    asked = (*(group for group in reply.groups if group not in reply.optional), *reply.optional)
    line = Showing(
        id=means.entropy(16).hex(),
        at=means.clock(),
        document=reply.document.id,
        entity=question.asker.entity,
        name=question.asker.name.en,
        use=use.id,
        level=question.level,
        purpose={"en": use.purpose.en, "cy": use.purpose.cy},
        asked=asked,
        shown=reply.groups if agreed else (),
        agreed=agreed,
    )
    await showings.add(means, vault, [line])


def codes(prefix: str, content: bytes) -> list[str]:
    """What to show: one text if one code reads well, else the frames of a loop."""
    try:
        text = envelope.render_text(prefix, content)
    except Malformed:  # larger than any code
        text = ""
    if 0 < len(text) <= frames.FITS_ONE_CODE:
        return [text]
    return frames.split(envelope.to_message(prefix, content))
