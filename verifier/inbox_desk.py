"""What staff do with letters: each group sees its own, one of them decides, and what rested on a cancelled document is undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared import inbox
from shared.errors import Conflict, Expired, Missing, NeedsMoreAttorneys
from shared.receipts import LogHead
from shared.storage import Tx
from shared.verify import Decision, decide_error
from shared.web.finding import fits
from shared.web.operators import Operator
from verifier import together
from verifier.deciding import decide_again
from verifier.desk import STORAGE, Desk
from verifier.inbox import MARGIN, basis_of, kept_for, kept_waiting
from verifier.material import Store
from verifier.records import exchanges, letters
from verifier.records.exchanges import Ended
from verifier.records.letters import Letter, Open
from verifier.sessions import Answered
from verifier.settle import Opened, Outcome, Shown, open_verdict

SEARCHED: Final = 500  # letters that a search looks into
_MAX_ACCOUNT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A letter with how its copy stands. ``opened`` is what was shown, ``None`` once its time is over; ``number`` is that of its receipt."""

    letter: Letter
    exchange: Answered
    number: str
    opened: Opened | None = field(repr=False)

    @property
    def reference(self) -> str:
        """How people here call it: the beginning of its number."""
        return self.number[:10]


async def listed(desk: Desk, who: Operator, wanted: str = "", *, limit: int = SEARCHED) -> list[Post]:
    """What ``who`` may see, first what has to be done first; with ``wanted`` those of them that say it, in their reference, use or details."""
    at, operator = desk.clock(), "" if who.role == "admin" else who.id
    posts = [await _post(desk, each) for each in await desk.storage.read(lambda tx: letters.listed(tx, at, limit, operator))]
    return [each for each in posts if each is not None and (not wanted or fits(wanted, _texts(desk, each)))]


async def count(desk: Desk, who: Operator) -> int:
    """How many letters ``who`` may see."""
    at, operator = desk.clock(), "" if who.role == "admin" else who.id
    return await desk.storage.read(lambda tx: letters.count(tx, at, operator))


async def one(desk: Desk, who: Operator, exchange: str) -> Post:
    """The letter with that copy. ``Missing`` also where it is another group's."""
    letter = await check(desk, who, exchange)
    found = None if letter is None else await _post(desk, letter)
    if found is None:
        raise _none()
    return found


async def check(desk: Desk, who: Operator, exchange: str) -> Letter | None:
    """The letter with which it came, if it came with one. ``Missing`` where that is another group's, of which nobody else sees anything."""

    async def unit(tx: Tx) -> tuple[Letter | None, frozenset[str]]:
        return await letters.of_exchange(tx, exchange), await letters.teams_of(tx, who.id)

    letter, teams = await desk.storage.read(unit)
    if letter is not None and not _may_see(who, letter, teams):
        raise _none()
    return letter


async def count_open(desk: Desk, who: Operator) -> Open:
    """How many letters wait for somebody like ``who``; none where there is no inbox."""
    if not desk.settings.inbox:
        return Open(wait=0, late=0, undo=0)
    at, sees_all = desk.clock(), who.role == "admin"
    return await desk.storage.read(lambda tx: letters.count_open(tx, at, who.id, everybody=sees_all))


def _none() -> Missing:
    return Missing("there is no such letter, or its time is over")


def _may_see(who: Operator, letter: Letter, teams: frozenset[str]) -> bool:
    """What belongs to no group is everybody's; an admin looks after all of it."""
    return who.role == "admin" or not letter.team or letter.team in teams


async def _post(desk: Desk, letter: Letter) -> Post | None:
    at = desk.clock()
    exchange = await desk.storage.read(lambda tx: exchanges.find(tx, letter.exchange, at))
    if not isinstance(exchange, Answered):
        return None
    basis = await basis_of(desk, letter)
    return Post(letter=letter, exchange=exchange, number=str(basis["receipt_id"]), opened=await open_verdict(desk, exchange))


def _texts(desk: Desk, post: Post) -> list[str]:
    terms = post.exchange.asked.terms
    titles = [text for use in desk.uses_of(terms.type, terms.ready) for text in (use.query.title.en, use.query.title.cy)]
    shown = () if post.opened is None else [text for each in post.opened.verdict["credentials"] for text in _texts_in(each["claims"])]
    return [post.number, *titles, *shown]


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _texts_in(each)


async def about(desk: Desk, who: Operator, post: Post) -> tuple[Post | None, Sequence[Post]]:
    """The letter that this one is about, and those that came about this one, as far as ``who`` may see them."""

    async def unit(tx: Tx) -> tuple[Letter | None, list[Letter], frozenset[str]]:
        earlier = await letters.earlier(tx, post.letter.about) if post.letter.about else None
        return earlier, await letters.later(tx, post.letter.mark), await letters.teams_of(tx, who.id)

    earlier, later, teams = await desk.storage.read(unit)
    posts = [await _post(desk, each) for each in later if _may_see(who, each, teams)]
    first = None if earlier is None or not _may_see(who, earlier, teams) else await _post(desk, earlier)
    return first, [each for each in posts if each is not None]


# --- deciding ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person decides. ``reason`` is why not, one of ``shared.inbox.REFUSALS``; ``more`` what was read, ``account`` whose record it is."""

    accept: bool
    reason: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    account: str = ""


async def thought(desk: Desk, store: Store, post: Post, more: Mapping[str, Any] | None = None) -> Decision | None:
    """What the program thinks of it now; ``None`` once there is nothing left to look at."""
    if post.opened is None or not post.opened.vp_token:
        return None
    return decide_again(desk, await store.picture(), post.exchange.asked, post.opened, came_at=post.letter.got_at, more=more or {})


async def decide(desk: Desk, store: Store, post: Post, said: Said) -> Outcome:
    """Keep what a person decided. Nobody can accept what the program refuses, or cannot tell: ``Conflict`` names then what is open.

    What several have to agree to is accepted as far as it goes: it counts, and waits for the others. What is no longer kept can still be
    refused, so that its sender hears of it: the receipt is bound as the first one was.
    """
    decision = await _decided(desk, store, post, said)
    sealed = await _sealed(desk, post.letter, said.account) if said.account else None
    at, letter, asked, opened = desk.clock(), post.letter, replace(post.exchange.asked, made_by="desk"), post.opened
    picture = await store.picture()

    async def take(tx: Tx, ended: Ended) -> bool:
        if opened is None:
            return await exchanges.agree(tx, letter.exchange, post.exchange.code)
        return await exchanges.reopen(tx, letter.exchange, ended)

    async def put(tx: Tx, ended: Ended, head: LogHead) -> None:
        await exchanges.keep_answer(tx, letter.exchange, ended, head)
        if ended.decision != "undecided":
            await letters.decided(tx, letter.ticket, at, decision.status_iat, sealed)
            return
        forget_at = ended.keep_until + MARGIN
        await letters.wait_for_others(tx, letter.ticket, sealed, until=at + together.WAIT, forget_at=forget_at)
        await exchanges.remember(tx, letter.exchange, forget_at)

    def judge(told: Mapping[str, Any]) -> Decision:
        """Only of what has to be accepted by others as well: everything else is decided."""
        if opened is None or not _joins(post, decision):
            return decision
        return decide_again(desk, picture, asked, opened, came_at=letter.got_at, more=told)

    def keep(found: Decision) -> int:
        waits = found.decision == "undecided"
        return kept_waiting(desk, asked, at, at + together.WAIT) if waits else kept_for(desk, asked, found)

    basis = await basis_of(desk, letter)
    token, form = ({}, "") if opened is None else (opened.vp_token, opened.format)
    shown = Shown(vp_token=token, nonce=str(basis["nonce"]), format=form, basis=basis)
    came_at = letter.got_at
    outcome = await together.conclude(desk, picture, asked, judge, shown, take=take, put=put, more=said.more, came_at=came_at, keep=keep)
    if outcome is None:
        raise Conflict("it was decided in the meantime")
    await together.finish(desk, store)
    return outcome


async def _decided(desk: Desk, store: Store, post: Post, said: Said) -> Decision:
    decision = await thought(desk, store, post, said.more)
    if decision is None and not said.accept:
        decision = decide_error(Expired("what was shown is no longer kept"), at=desk.clock())
    if decision is None or not post.letter.waits:
        raise Conflict("there is nothing to decide here any more")
    if not said.accept:
        return replace(decision, decision="rejected", code=_reason(said.reason), credentials=(), agreed=(), replay_keys=())
    if decision.decision == "undecided" and not _joins(post, decision):
        raise Conflict("it still cannot be decided", where=decision.code)
    return decision


def _reason(code: str) -> str:
    if code not in inbox.REFUSALS:
        raise Conflict("that is no reason to refuse", where="reason")
    return code


def _joins(post: Post, decision: Decision) -> bool:
    """Whether it counts with what others agree to."""
    return decision.code == NeedsMoreAttorneys.code and bool(post.exchange.asked.terms.together)


async def _sealed(desk: Desk, letter: Letter, account: str) -> bytes:
    if len(account) > _MAX_ACCOUNT:
        raise Conflict("a reference is shorter than that", where="account")
    return await desk.custodian.seal(STORAGE, account.encode(), context=_account(letter))


async def account_of(desk: Desk, letter: Letter) -> str:
    """Whose record a person found it to be."""
    if letter.account is None:
        return ""
    return (await desk.custodian.unseal(STORAGE, letter.account, context=_account(letter))).decode()


def _account(letter: Letter) -> bytes:
    return f"letter account:{letter.exchange}".encode()


async def undone(desk: Desk, post: Post) -> None:
    """Somebody has undone what rested on the copy that this letter calls back."""
    await desk.storage.write(lambda tx: letters.undone(tx, post.letter.ticket), point="letter-undone")
