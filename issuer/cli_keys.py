"""``muniment-issuer keys signed`` and ``keys recall``: what a key signed, and calling it in. Each gives the lines that it tells."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from issuer.office import Office
from issuer.recall import begin, look, step
from issuer.records.recalls import Recall
from issuer.sessions import Actor
from shared.errors import ConfigError

ACTOR: Final = Actor(role="program", name="command line")
_STANDINGS: Final = ("in force", "cancelled", "on hold")


async def signed(office: Office, arguments: argparse.Namespace) -> AsyncIterator[str]:
    """Counts by kind, then a page of documents, then what was called in before."""
    found = await look(office, _name(arguments), since=arguments.since, search=arguments.search, page=max(1, arguments.page))
    yield f"key {found.key.kid}  {found.key.state}  since {_when(found.key.since)}"
    for kind in found.kinds:
        unkept = f", {kind.unkept:,} of them with details no longer held: make them anew" if kind.unkept else ""
        yield f"{kind.type}: {kind.documents:,} documents, {kind.copies:,} copies that can be used{unkept}"
    yield f"in all: {found.documents:,} documents, {found.copies:,} copies"
    for row in found.rows:
        yield f"  {row.document}  {row.type}  {_STANDINGS[row.standing]}  {row.copies} copies, the last signed {_when(row.signed_at)}"
    if found.pages > 1:
        yield f"page {arguments.page} of {found.pages} (--page N)"
    for each in found.recalls:
        yield _progress(each)


async def recall(office: Office, arguments: argparse.Namespace) -> AsyncIterator[str]:
    """Go on with what was broken off, begin where that was nothing or less, and stay until it is done."""
    name = _name(arguments)
    before = (await look(office, name, since=arguments.since)).recalls
    going_on = [each for each in before if each.ended_at is None]
    while going_on and (now := await step(office)) is not None:
        yield _progress(now)
    if all(each.since > arguments.since for each in going_on):
        await begin(office, name, since=arguments.since, reason=arguments.reason, actor=ACTOR, confirm_count=arguments.confirm_count)
    while (now := await step(office)) is not None:
        yield _progress(now)
    yield "The lists of copies say it when they are next fetched. Wallets renew when they next look, by the key that signs now."


def _name(arguments: argparse.Namespace) -> str:
    if not arguments.name:
        raise ConfigError(f"say which key: keys {arguments.what} KID; the list of keys shows them", where="name")
    return str(arguments.name)


def _progress(each: Recall) -> str:
    ended = "under way" if each.ended_at is None else f"done {_when(each.ended_at)}"
    begun = f"by {each.actor.name}, {_when(each.begun_at)}: {each.reason}"
    return f"called in: {each.done:,} of {each.documents:,} documents, {each.copies:,} copies, {ended} ({begun})"


def _when(at: int) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


COMMANDS: Final[Mapping[str, Callable[[Office, argparse.Namespace], AsyncIterator[str]]]] = {"signed": signed, "recall": recall}
