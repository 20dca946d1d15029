"""Telling organisations from the command line: who may be told, what each would learn, a yes once, and what came of it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

import msgspec

from shared.codec import base64url
from shared.terminal import REFUSED
from wallet import register, replies, resend, telling
from wallet.app import Host
from wallet.at_terminal import say, with_wallet
from wallet.cards import iso_day
from wallet.enter import Opened
from wallet.records import DOCUMENTS, Item
from wallet.sent import Telling, key_of
from wallet.sessions import Document
from wallet.tell_api import LetterOut, plan_out, telling_out
from wallet.telling import Choice, Picked, Plan


def tell(arguments: argparse.Namespace) -> int:
    """Without a document: what came of everything so far. With one and nobody chosen: who may be told."""

    async def work(host: Host, opened: Opened) -> int:
        await register.refresh(host.means)
        if not arguments.document:
            return await _all(host, opened, as_json=arguments.json)
        item = await host.means.storage.read(lambda tx: DOCUMENTS.get(tx, opened.vault, arguments.document))
        found = await _able(host, opened, item, arguments.about)
        keys = _keys(arguments, found)
        if not keys:
            return _list(found)
        picked = await _picked(host, opened, item, keys, arguments.about)
        plan = await telling.look(host.means, opened.vault, picked)
        _show(plan, as_json=arguments.json)
        if not _agreed(arguments, len(plan.parts)):
            return REFUSED
        name = base64url.encode(host.means.entropy(16))
        made = await telling.tell(host.means, opened.vault, host.outbox, name, picked, seen=plan.seen)
        return await _send(host, opened, made, as_json=arguments.json)

    return with_wallet(arguments, work)


async def _able(host: Host, opened: Opened, item: Item[Document], about: str | None) -> list[Choice]:
    if about is None:
        return await telling.choices(host.means, item.value)
    told = await resend.told_of(host.means, opened.vault, about, by=item.id)
    return [one.choice for one in told if one.choice is not None]


def _keys(arguments: argparse.Namespace, found: Sequence[Choice]) -> list[str]:
    if arguments.all:
        return [one.key for one in found if one.fits(arguments.find)]
    return [key_of(entity, use) for entity, use in arguments.to]


async def _picked(host: Host, opened: Opened, item: Item[Document], keys: Sequence[str], about: str | None) -> Picked:
    if about is None:
        return Picked(document=item.id, keys=keys)
    return await resend.again(host.means, opened.vault, about, keys, by=item.id)


def _list(found: Sequence[Choice]) -> int:
    for one in found:
        way = "" if one.inbox is not None else "  (no inbox: you send the copy yourself)"
        say(f"{one.party.entity} {one.use.id}  {one.party.name.en}: {one.use.title.en}{way}")
    if not found:
        say("Nobody has registered to be told this.")
    return 0


def _show(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        return
    for part, told in zip(plan.parts, plan_out(plan).parts, strict=True):
        say(f"{part.choice.party.name.en} ({told.entity}), to {part.choice.use.purpose.en}")
        for label, value in told.learns:
            say(f"  would see: {label}: {value}")
        if not told.able:
            say("  left out: no copy in this wallet can tell them this")


def _agreed(arguments: argparse.Namespace, count: int) -> bool:
    if arguments.yes:
        return True
    if not sys.stdin.isatty():
        say("Add --yes to tell them.")
        return False
    return input(f"Tell {count} organisation(s)? [y/N] ").strip().lower() in {"y", "yes"}


async def _send(host: Host, opened: Opened, made: Item[Telling], *, as_json: bool) -> int:
    """Try each at once; a running service goes on with those that were not reached."""
    while await host.outbox.work():
        pass
    await replies.collect(host.means, opened.vault, host.outbox)
    told = await telling_out(host.means, opened.vault, made)
    if as_json:
        say(json.dumps(msgspec.to_builtins(told), ensure_ascii=False))
    for letter in () if as_json else told.letters:
        say(_line(letter))
    return 0


async def _all(host: Host, opened: Opened, *, as_json: bool) -> int:
    await telling.carry_on_all(host.means, opened.vault, host.outbox)
    await host.outbox.work()
    await replies.collect(host.means, opened.vault, host.outbox)
    found = [await telling_out(host.means, opened.vault, item) for item in await telling.tellings(host.means, opened.vault)]
    if as_json:
        say(json.dumps(msgspec.to_builtins(found), ensure_ascii=False))
        return 0
    for one in found:
        say(f"{iso_day(one.at)}  {one.word or 'told'}  {one.id}")
        for letter in one.letters:
            say(f"  {_line(letter)}")
    return 0


def _line(letter: LetterOut) -> str:
    by = f" (answer by {iso_day(letter.answer_by)})" if letter.answer_by else ""
    why = letter.problem or letter.fault or letter.reason
    return f"{letter.state:12} {letter.name}{by}{f': {why}' if why else ''}"
