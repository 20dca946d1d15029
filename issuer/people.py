"""Holders who sign in before their documents are made: with the code of a letter and their date of birth, or an account elsewhere.

    codes  = await prepare(office, document, opening)          beside making a document or an invitation
    await keep(tx, codes, …)                                   in the unit of work that does
    holder = await sign_in(office, code, date_of_birth)        ``SignInRequired`` for whatever is wrong, always the same
    await fitting(office, holder, types)                       her documents of these kinds that can be collected now

Neither a code nor a date of birth is stored, only HMACs under a key of the custodian (security rule S24). A code has 60 random bits, so
that it finds its document by itself and cannot be guessed; tries are counted where a code is right and the date of birth is not, so that
nobody blocks a letter that they do not have. It serves until an hour after its holder agreed, for a wallet may fail at the first try.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from issuer.claims import details
from issuer.office import Office, keyed
from issuer.records import documents, people
from issuer.records.people import Activation
from issuer.sessions import SERVICE, Actor, Approval, Document, Event, Standing
from shared.codec import base64url
from shared.errors import Malformed, SignInRequired
from shared.storage import Tx
from shared.web import passkeys, sessions
from shared.web.passkeys import AtHome, Passkey
from shared.web.rates import Limit

HOLDER = Actor(role="holder", name="")
CODE_LENGTH = 12
MAX_ACCOUNT = 255
AGAIN = 3_600  # seconds in which a code serves once more after its holder agreed
BY_ADDRESS = Limit("holder-sign-in", 30, 15 * 60)
_EARLIEST = dt.date(1880, 1, 1)
_READ_AS = str.maketrans("ILO", "110", " -\t")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What else than its invitation opens a document. ``birth_date`` (year-month-day) is that of whoever will carry it: a letter with a
    code is made. ``account`` is what the outside login calls that person (``sub``).
    """

    birth_date: str | None = None
    account: str | None = None


BY_INVITATION = Opening()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """HMACs to be stored, and a new holder for the document unless the account has one."""

    holder: str
    code: bytes | None
    birth: bytes | None
    account: bytes | None


def draw_code(office: Office) -> str:
    """Twelve characters that are not mistaken for each other."""
    return office.number()[:CODE_LENGTH]


def plain_code(typed: str) -> str:
    """A code as it is stored, however it was typed."""
    return typed.upper().translate(_READ_AS)


def check_birth_date(text: str, at: int, *, where: str = "/birth_date") -> None:
    """``Malformed`` unless it is a day, before ``at`` seconds, on which somebody may have been born who lives."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise Malformed("this is not a real date written as year-month-day", where=where) from error
    if len(text) != 10 or not _EARLIEST <= day <= dt.datetime.fromtimestamp(at, dt.UTC).date():
        raise Malformed("nobody who lives was born on this day", where=where)


def check_account(office: Office, account: str, *, where: str = "/account") -> None:
    """``Malformed`` unless there is an outside login, and it may call somebody so."""
    if not office.settings.login_issuer:
        raise Malformed("this office has no outside login", where=where)
    if not (account.strip() == account and 1 <= len(account) <= MAX_ACCOUNT):
        raise Malformed(f"the name of an account has 1 to {MAX_ACCOUNT} characters", where=where)


async def prepare(office: Office, document: str, code: str | None, opening: Opening) -> Prepared:
    """Without a new date of birth, that of the last letter is asked for again."""
    birth_date = opening.birth_date
    return Prepared(
        holder=office.secret(12),
        code=None if code is None else await _code_mac(office, code),
        birth=None if birth_date is None else await _birth_mac(office, document, birth_date),
        account=None if opening.account is None else await _account_mac(office, opening.account),
    )


async def keep(tx: Tx, prepared: Prepared, *, document: str, invitation: str, at: int, expires_at: int) -> None:
    """Store what opens the document."""
    if prepared.code is not None or prepared.account is not None:
        await _give(tx, prepared, document, at)
    if prepared.code is None:
        return
    birth = prepared.birth if prepared.birth is not None else await people.birth_of(tx, document)
    if birth is None:
        raise Malformed("a letter needs the date of birth of whoever will carry the document", where="/birth_date")
    await people.put_activation(
        tx, Activation(document=document, invitation=invitation, code=prepared.code, birth=birth, expires_at=expires_at)
    )


async def _give(tx: Tx, prepared: Prepared, document: str, at: int) -> None:
    """To whoever has that account; else to a holder of whom nothing is known yet, whoever had it: what opened it before opens it no more."""
    holder = None if prepared.account is None else await people.by_login(tx, prepared.account)
    if holder is None:
        holder = prepared.holder
        await people.add_holder(tx, holder, at)
        if prepared.account is not None:
            await people.add_login(tx, prepared.account, holder)
    await people.give(tx, document, holder)


async def forget_ways_in(tx: Tx, document: str, at: int) -> None:
    """The phone of its holder is lost: no passkey of hers signs in any more, whoever is signed in as her is not, and the letter's code has ended.

    An account elsewhere is not ours to end.
    """
    await people.end_code(tx, document, at)
    holder = await people.holder_of(tx, document)
    if holder is not None:
        await passkeys.remove_all(tx, people.subject(holder))
        await sessions.end_all(tx, people.subject(holder))


async def has_letter(tx: Tx, document: str) -> bool:
    """Whether a letter was made for the document, so that the next invitation comes with one too."""
    return await people.birth_of(tx, document) is not None


async def _code_mac(office: Office, code: str) -> bytes:
    return await keyed(office, "activation code", code)


async def _birth_mac(office: Office, document: str, birth_date: str) -> bytes:
    return await keyed(office, f"date of birth\0{document}", birth_date)


# --- signing in --------------------------------------------------------------------------------------------------------------------------


async def sign_in(office: Office, typed: str, birth_date: str) -> str:
    """The holder whose letter it is. ``SignInRequired`` whatever was wrong, after the same steps; too many tries block the letter."""
    at, code = office.clock(), await _code_mac(office, plain_code(typed))
    document = await office.storage.read(lambda tx: people.document_of(tx, code))
    given = await _birth_mac(office, document or "", birth_date)
    limit = office.settings.code_tries

    async def unit(tx: Tx) -> str | None:
        found = await people.count_try(tx, code, limit=limit, at=at, agreed_after=at - AGAIN)
        if found is None:
            return None
        number, right, tries = found
        if hmac.compare_digest(right, given):
            await people.forgive(tx, code)
            return await people.holder_of(tx, number)
        if tries >= limit:
            await documents.note(tx, number, Event(at=at, kind="letter-locked", actor=SERVICE, reason="", copies=0))
        return None

    holder = await office.storage.write(unit, point="holder-sign-in")
    if holder is None:
        raise SignInRequired("code and date of birth do not match")
    return holder


async def may_be_one(office: Office, holder: str, other: str, birth_date: str) -> bool:
    """Whether both may be one person, after a letter of ``other`` with that date of birth was used where ``holder`` was signed in.

    Two people may use one browser: the letters of ``holder`` ask for the same date of birth, or they are two. Twins are two all the same,
    so she says it before anything is joined.
    """
    asked = await office.storage.read(lambda tx: people.births_of(tx, holder))
    same = [hmac.compare_digest(birth, await _birth_mac(office, document, birth_date)) for document, birth in asked]
    return holder != other and bool(same) and all(same)


async def join(office: Office, holder: str, other: str) -> None:
    """Both are ``holder`` from now on: she was signed in as either, and has said so."""
    await office.storage.write(lambda tx: people.join(tx, holder, other), point="join")


async def sign_in_by_account(office: Office, account: str) -> str:
    """The holder whom the outside login calls so; ``SignInRequired`` where nothing was made for that account."""
    mark = await _account_mac(office, account)
    holder = await office.storage.read(lambda tx: people.by_login(tx, mark))
    if holder is None:
        raise SignInRequired("nothing was made for this account")
    return holder


async def _account_mac(office: Office, account: str) -> bytes:
    return await keyed(office, f"account\0{office.settings.login_issuer}", account)


# --- passkeys ----------------------------------------------------------------------------------------------------------------------------


async def sign_in_by_passkey(office: Office, at_home: AtHome, text: str, challenge: bytes) -> str:
    """The holder whose passkey answered; ``SignInRequired`` for whatever is wrong."""
    at, identifier = office.clock(), passkeys.peek_id(text)
    known = await office.storage.read(lambda tx: passkeys.find(tx, identifier))
    if known is None or not known.subject.startswith(people.subject("")):
        raise SignInRequired("this passkey is not known here")
    uses = passkeys.check_answer(at_home, text, challenge, known)
    if not await office.storage.write(lambda tx: passkeys.note_use(tx, known, uses, at, host=at_home.host), point="passkey"):
        raise SignInRequired("this passkey was used elsewhere at the same moment")
    return known.subject.removeprefix(people.subject(""))


async def passkeys_of(office: Office, holder: str) -> list[Passkey]:
    return await office.storage.read(lambda tx: passkeys.of(tx, people.subject(holder)))


async def add_passkey(office: Office, holder: str, made: tuple[bytes, bytes, int], *, handle: bytes, name: str) -> None:
    """What ``passkeys.check_creation`` gave; ``Conflict``."""
    identifier, data, uses = made
    new = Passkey(
        id=identifier,
        subject=people.subject(holder),
        handle=handle,
        data=data,
        uses=uses,
        name=name,
        made_at=office.clock(),
        used_at=None,
    )
    await office.storage.write(lambda tx: passkeys.add(tx, new), point="passkey")


async def remove_passkey(office: Office, holder: str, identifier: str) -> None:
    """By its id in base64url; only one of this holder."""
    try:
        known = base64url.decode(identifier)
    except Malformed:
        return
    await office.storage.write(lambda tx: passkeys.remove(tx, people.subject(holder), known), point="passkey")


# --- what is hers ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """A document that can be collected now, with its details."""

    document: Document
    claims: Mapping[str, Any]


async def fitting(office: Office, holder: str, types: Collection[str]) -> list[Fitting]:
    """Her documents of these kinds that are in force and whose details are held, the newest first."""
    at = office.clock()

    async def unit(tx: Tx) -> list[Document]:
        return [await documents.get(tx, number) for number in await people.documents_of(tx, holder)]

    found = [each for each in await office.storage.read(unit) if each.type in types and _ready(each, at)]
    held = [(each, await details(office, each)) for each in found]
    return [Fitting(document=each, claims=claims) for each, claims in held if claims is not None]


def _ready(document: Document, at: int) -> bool:
    return (
        document.standing is Standing.IN_FORCE
        and document.approval is not Approval.REFUSED
        and (document.valid_until is None or document.valid_until > at)
    )


async def note_agreement(office: Office, numbers: Sequence[str]) -> None:
    """For the history, and so that letters do not serve for ever."""
    at = office.clock()

    async def unit(tx: Tx) -> None:
        await people.agree(tx, numbers, at)
        for number in numbers:
            await documents.note(tx, number, Event(at=at, kind="agreed", actor=HOLDER, reason="", copies=0))

    await office.storage.write(unit, point="agreed")
