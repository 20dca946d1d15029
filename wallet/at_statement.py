"""``muniment-wallet statement``: who asked in a year, for what, who asked for more than is registered, and who still keeps something."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from shared.clock import system_clock
from wallet import cut_off, logs
from wallet.at_terminal import say, say_aside, with_wallet
from wallet.cards import iso_day
from wallet.statement import Statement, make, year_of

if TYPE_CHECKING:
    from wallet.app import Host
    from wallet.enter import Opened


ASIDE: Final = {
    "register": " (by the register: no receipt came)",
    "provisional": " (provisional: a desk's receipt that nobody has confirmed)",
}


def show(arguments: argparse.Namespace) -> int:
    """Print the statement; a history from which lines are gone is said aside."""

    async def work(host: Host, opened: Opened) -> int:
        lines, intact = await cut_off.read_checked(host.means, opened.vault)
        known, at = await logs.seen(host.means, opened.vault), system_clock()
        statement = make(lines, holder=opened.holder, year=arguments.year or year_of(at), at=at, intact=intact, logs=known)
        if arguments.json:
            say(json.dumps(msgspec.to_builtins(statement), ensure_ascii=False, indent=1))
        else:
            say("\n".join(told(statement)))
        if not intact:
            say_aside("Lines of this history were changed or taken out.")
        return 0

    return with_wallet(arguments, work)


def told(statement: Statement) -> Iterator[str]:
    """Line by line."""
    yield f"Statement of {statement.holder} for {statement.year}"
    yield "Who asked:" if statement.asked else "Nobody asked to see anything."
    for each in statement.asked:
        why = next((words.content for words in each.purpose if words.lang == "en"), each.use)
        yield f"  {each.name}: {why}"
        desk = f", provisional receipts {each.provisional}" if each.provisional else ""
        yield f"    shared {each.shared}, not shared {each.declined}, did not work {each.failed}{desk}"
        for names in each.seen:
            yield f"    saw of {names.credential_identifier}: {', '.join(names.claims)}"
        for names in each.may_have_seen:
            yield f"    may have seen of {names.credential_identifier}: {', '.join(names.claims)}"
        if each.left_out:
            yield f"    asked for more than is registered: {', '.join(each.left_out)}"
        for names in each.unregistered:
            yield f"    asked without being registered for it, of {names.credential_identifier}: {', '.join(names.claims)}"
    yield "Who still keeps something:" if statement.keeping else "Nobody has said that they keep anything."
    for one in statement.keeping:
        what = one.what or tuple(name for names in one.names for name in names.claims)
        silent = "no end is named" if one.by == "receipt" else "they have not said"
        end = silent if one.until is None else f"until {iso_day(one.until)}"
        aside = " (longer than they registered)" if one.longer else ASIDE.get(one.by, "")
        yield f"  {one.name}: {', '.join(what)}; {end}{aside}"
    for passed in statement.passed_on:
        yield f"{passed.name} told {passed.recipient} by your permission: {', '.join(passed.what)} ({iso_day(passed.at)})"
    for apart in statement.not_compared:
        since = f"since {iso_day(apart.since)}" if apart.since else "so far"
        yield f"The record of {apart.entity} could not be compared {since}: {apart.fault or 'it is still being followed'}"
    for changed in statement.changed_records:
        yield f"{changed.entity} has changed its own record since it gave receipts (lines {', '.join(map(str, changed.lines))})"
