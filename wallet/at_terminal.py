"""Commands on one wallet, opened for the length of one command: collect, list, show, make out, history, backup.

Only ``cli`` calls them, when one is asked for, so that the other commands need not load what these do.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from shared.clock import system_clock, system_entropy
from shared.errors import ConfigError, Malformed, SignInRequired
from shared.private_file import write_whole
from shared.terminal import REFUSED, plain, read_passphrase
from shared.web.passphrases import generate_passphrase
from shared.web.sealed_page import page
from wallet import confirming, history, locking, logs, register, share, sign_in
from wallet.app import Host, open_host
from wallet.backup import open_backup
from wallet.backup import restore as fill_from
from wallet.cards import Card, card, iso_day
from wallet.config import folder_of, open_place, passphrase_file
from wallet.consent import Consent
from wallet.consent import consent as consent_view
from wallet.enter import Opened
from wallet.holder_api import link_in
from wallet.invite import read_invitation
from wallet.keepers import keeper_of, told
from wallet.present import agree, read_request, refuse
from wallet.receive import kept_by
from wallet.records import DOCUMENTS
from wallet.sessions import Addressed, CodeLook, Granted, Kept, Promised, Sent
from wallet.upkeep import collect_and_look, upkeep

T = TypeVar("T")
Work = Callable[[Host, Opened], Awaitable[T]]


def say(text: str) -> None:
    """One line on standard output."""
    sys.stdout.write(text + "\n")


def say_aside(text: str) -> None:
    """One line on standard error, for what is not the result."""
    sys.stderr.write(text + "\n")


def tell_wallet(holder: str, passphrase: str, code: str) -> None:
    """What a person must note of a new wallet."""
    say(f"  Wallet:        {holder}")
    say(f"  Passphrase:    {passphrase}   (shown once)")
    say(f"  Recovery code: {code}   (shown once: write it down, nobody else can open this wallet)")


def with_wallet(arguments: argparse.Namespace, work: Work[T]) -> T:
    """Open the host and one wallet, do ``work``, and close both."""

    async def run() -> T:
        host = open_host(open_place(folder_of(arguments.dir)))
        try:
            await host.start()
            return await work(host, await _opened(host, arguments.holder))
        finally:
            await host.close()

    return asyncio.run(run())


async def _opened(host: Host, holder: str | None) -> Opened:
    if holder is not None:
        return await host.doors.open(holder, _passphrase())
    only = await host.doors.only()
    if only is None:
        raise SignInRequired("there is not exactly one wallet here; say which with --holder NAME")
    return await host.doors.open_id(only, _passphrase())


def _passphrase() -> str:

    file = passphrase_file()
    if file is not None:
        return read_passphrase(file)
    if not sys.stdin.isatty():
        raise ConfigError("put the wallet's passphrase into a file and name it in MUNIMENT_WALLET_PASSPHRASE_FILE", where="passphrase-file")
    return getpass.getpass("Passphrase of the wallet: ")


def _link(text: str) -> str:
    """The text itself if it is a link, else the link in the picture of that name."""
    if "://" in text:
        return text
    return link_in(_read(Path(text)))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Malformed(f"cannot read {file}: {error.strerror}") from error


def receive(arguments: argparse.Namespace) -> int:

    link = _link(arguments.invitation)

    async def work(host: Host, opened: Opened) -> int:
        item = await read_invitation(host.means, opened.vault, link)
        say(f"{item.value.issuer_name or item.value.issuer} ({item.value.issuer}) offers: {', '.join(item.value.titles)}")
        if item.value.sign_in_at and not isinstance(item.value.state, Granted | Promised | Kept):
            await _sign_in(host, opened, item.id, item.value.sign_in_at)
        code = _code(arguments.code, item.value.code)
        await collect_and_look(host.means, opened.vault, item.id, code)
        for document in await kept_by(host.means, opened.vault, item.id):
            shown = card(document.value, at=system_clock())
            say(f"Kept: {_named(shown)}; {shown.state}, until {shown.expires_on}, {shown.copies_left} uses. ({shown.id})")
        return 0

    return with_wallet(arguments, work)


async def _sign_in(host: Host, opened: Opened, invitation: str, where: str) -> None:
    """Needs a person with a browser; what the browser comes back with is typed in here."""
    if not sys.stdin.isatty():
        raise Malformed(f"this invitation needs a sign-in at {where}: collect it on the wallet's page", where="sign-in")
    back = host.place.settings.public_url + sign_in.RETURN_PATH
    item = await sign_in.begin(host.means, opened.vault, invitation, redirect_uri=back)
    say(f"Sign in at {where}: {item.value.state.url if isinstance(item.value.state, Sent) else ''}")
    typed = await asyncio.to_thread(input, f"Address that your browser came back to ({back}?…): ")
    await sign_in.finish(host.means, opened.vault, typed.strip())


def _code(given: str | None, look: CodeLook | None) -> str | None:
    if look is None or given:
        return given
    if not sys.stdin.isatty():
        raise Malformed("this invitation needs its collection code: --code")
    return input("Collection code: ")


def _named(one: Card) -> str:
    return ", ".join(part for part in (one.title, one.subtitle or one.about) if part)


def list_cards(arguments: argparse.Namespace) -> int:

    async def work(host: Host, opened: Opened) -> int:
        items = await host.means.storage.read(lambda tx: DOCUMENTS.all(tx, opened.vault))
        at, policy = system_clock(), host.means.trust()
        newest = sorted(items, key=lambda item: -item.value.received_at)
        shown = [card(item.value, at=at, keeper=keeper_of(policy, item.value, at)) for item in newest]
        if arguments.json:
            say(json.dumps(msgspec.to_builtins(shown), ensure_ascii=False, indent=1))
            return 0
        for one in shown:
            say(f"{one.id}  {_named(one)}, from {one.issuer_name}: {one.state}, until {one.expires_on}, {one.copies_left} uses")
            if one.keeper is not None:
                say(f"  {told(one.keeper)}")
        if not shown:
            say("This wallet is empty.")
        return 0

    return with_wallet(arguments, work)


def present(arguments: argparse.Namespace) -> int:

    link = _link(arguments.request)

    async def work(host: Host, opened: Opened) -> int:
        item = await read_request(host.means, opened.vault, link)
        view = await consent_view(host.means, opened.vault, item.id)
        if view.state == "asked":
            if arguments.document:
                view = await consent_view(host.means, opened.vault, item.id, chosen=dict.fromkeys(view.documents, arguments.document))
            _show_request(view)
            if view.problem or not _agreed(arguments, view):
                await refuse(host.means, opened.vault, item.id)
                say("Nothing was shared.")
                return REFUSED
            await agree(
                host.means,
                opened.vault,
                item.id,
                optional=_ticked(arguments.allow, view),
                chosen=view.documents,
                ways=view.ways,
                seen=view.seen,
            )
            view = await consent_view(host.means, opened.vault, item.id)
        return _show_result(view)

    return with_wallet(arguments, work)


def _show_request(view: Consent) -> None:
    say(view.sentence)
    if not view.asker.proved:
        say(f"We could not check who this is. It calls itself: {view.asker.name}")
    _show_registration(view)
    for detail in view.details:
        say(f"  shown:     {detail.label}: {plain(detail.value)}")
    for extra in view.optional:
        say(f"  optional:  {extra.label}: {', '.join(extra.values) or '(a photo)'}   (--allow {extra.key})")
    for label in view.not_shown:
        say(f"  not shown: {label}")
    if view.problem:
        say(view.problem)


def _show_registration(view: Consent) -> None:
    """What a register says of it, or that none does."""
    if view.standing == "unregistered":
        say("Nobody whom this wallet trusts has registered what they may ask for.")
    found = view.registered
    if found is None:
        return
    say(f"Registered by {found.registrar}.")
    for words, text in (
        ("What good it does", found.benefit),
        ("Could they stop asking", found.could_stop),
        ("Supervised by", found.authority),
    ):
        say(f"{words}: {text or 'not said'}")
    if found.more or found.keeps_longer:
        say(f"This organisation now asks for more: {', '.join((*found.more, *(['to keep it for longer'] if found.keeps_longer else [])))}")
    for label in found.left_out:
        say(f"  left out:  {label} (asks for more than it registered for)")


def _agreed(arguments: argparse.Namespace, view: Consent) -> bool:
    """Without a check of who asks only a person at the terminal can say yes."""
    if arguments.yes and view.asker.proved:
        return True
    if not sys.stdin.isatty():
        say("It could not be checked who asks: agree at a terminal, or on the wallet's page." if arguments.yes else "Add --yes to share.")
        return False
    return input("Share once? [y/N] ").strip().lower() in {"y", "yes"}


def _ticked(allowed: Sequence[str], view: Consent) -> list[str]:
    """``--allow`` takes a key as shown, or the claim's path alone."""
    keys = [extra.key for extra in view.optional]
    ticked = [key for key in keys if key in allowed or key.partition("/")[2] in allowed]
    unknown = [name for name in allowed if not any(name in (key, key.partition("/")[2]) for key in keys)]
    if unknown:
        raise Malformed(f"this request has no optional detail {', '.join(unknown)}")
    return ticked


def _show_result(view: Consent) -> int:
    words = {
        "answered": "It was shared.",
        "unanswered": "It is not known whether it arrived; the copy counts as used.",
        "withheld": "Nothing was shared.",
        "sending": "No answer was heard yet. `refresh` sends the same again, from a few minutes later on, for an hour.",
    }
    say(words.get(view.state, view.state) + (f" The other side said: {view.refusal}" if view.refusal else ""))
    if view.receipt_problem:
        say(f"Its receipt does not fit what was sent: {view.receipt_problem}")
    elif view.receipt:
        say("It sent a signed receipt, which is in the history.")
    if view.redirect_uri:
        say(f"Go on at: {view.redirect_uri}")
    return 0 if view.state == "answered" and not view.refusal else REFUSED


def address(arguments: argparse.Namespace) -> int:

    wish = share.Wish(
        entity=arguments.to,
        name=arguments.to_name,
        purpose_id=arguments.purpose,
        type=arguments.type,
        query=arguments.query,
        claims=tuple(arguments.claims),
        document=arguments.document,
        days=arguments.days,
        together=arguments.together,
    )

    async def work(host: Host, opened: Opened) -> int:
        item = await share.make_out(host.means, opened.vault, wish)
        if arguments.locked:
            _write_locked(arguments, await locking.lock(host.means, opened.vault, host.views, item.id, words=arguments.words or None))
        _write_copy(arguments, item.value)
        say_aside(share.sentence(item.value))
        if item.value.together:
            say_aside(f"For the others who have to agree: --together {item.value.together}")
        return 0

    return with_wallet(arguments, work)


def _write_copy(arguments: argparse.Namespace, made: Addressed) -> None:
    if arguments.out:
        Path(arguments.out).write_text(made.file + "\n", encoding="utf-8")
    elif not arguments.locked:
        say(made.file)
    if arguments.png:
        Path(arguments.png).write_bytes(share.qr_png(made))


def _write_locked(arguments: argparse.Namespace, made: locking.Made) -> None:
    Path(arguments.locked).write_text(page(made.item.value.token), encoding="utf-8")
    if made.words:
        say(f"The seven words, to be told by another way: {made.words}")
    else:
        say(f"Only {made.item.value.name} can open it, at its own desk. There are no words to tell.")


def show_history(arguments: argparse.Namespace) -> int:

    async def work(host: Host, opened: Opened) -> int:
        lines, intact = await history.read_checked(host.means.storage, opened.vault)
        if arguments.json:
            say(history.export(lines, holder=opened.holder, at=system_clock()).decode())
        else:
            for line in reversed(lines):
                entry = line.entry
                name = entry.interacting_party_name or entry.interacting_party_identifier.identifier
                say(
                    f"{iso_day(entry.time)}  {entry.transaction_type:15} {entry.transaction_result:9} {name}  {entry.reason_of_noncompletion}".rstrip()
                )
        if not intact:
            say_aside("Lines of this history were changed or taken out.")
        return 0 if intact else REFUSED

    return with_wallet(arguments, work)


def do_upkeep(arguments: argparse.Namespace) -> int:
    async def work(host: Host, opened: Opened) -> int:
        await register.refresh(host.means, now=True)
        await upkeep(host.means, opened.vault)
        await logs.tend(host.means, opened.vault)
        await confirming.tend(host.means, opened.vault)
        return 0

    return with_wallet(arguments, work)


def backup(arguments: argparse.Namespace) -> int:

    given = read_passphrase(arguments.backup_passphrase_file)
    passphrase = given or generate_passphrase(system_entropy)

    async def work(host: Host, opened: Opened) -> int:
        data = await host.backups.back_up(opened.vault, holder=opened.holder, passphrase=passphrase)
        write_whole(Path(arguments.file), data)
        say(f"Wrote {arguments.file}" + ("" if given else f"\nPassphrase of this backup: {passphrase}   (shown once)"))
        return 0

    return with_wallet(arguments, work)


def restore(arguments: argparse.Namespace) -> int:

    locked = _read(Path(arguments.file))
    secret = _backup_passphrase(arguments.backup_passphrase_file)
    file = passphrase_file()
    passphrase = read_passphrase(file) if file else generate_passphrase(system_entropy)

    async def run() -> Opened:
        host = open_host(open_place(folder_of(arguments.dir)))
        try:
            await host.start()
            content = await open_backup(locked, secret)
            return await fill_from(
                host.doors,
                content,
                holder=arguments.holder or "",
                passphrase=passphrase,
                at=system_clock(),
                entropy=system_entropy,
            )
        finally:
            await host.close()

    opened = asyncio.run(run())
    say(f"Made a wallet from {arguments.file}:")
    tell_wallet(opened.holder, passphrase if file is None else "(from the file)", opened.recovery_code)
    return 0


def _backup_passphrase(file: str | None) -> str:
    if file:
        return read_passphrase(file)
    if not sys.stdin.isatty():
        raise ConfigError("name a file with the backup's passphrase: --backup-passphrase-file", where="backup-passphrase-file")
    return getpass.getpass("Passphrase of the backup: ")
