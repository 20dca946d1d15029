"""``muniment-wallet answer``: a desk without a network asks, the holder reads who it is, agrees, and hands an answer back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from shared.codec import qr
from shared.errors import Malformed, TooLarge
from shared.ovp import envelope
from shared.private_file import write_whole
from shared.terminal import REFUSED
from shared.trust.relying_party import Register
from wallet import register
from wallet.answer import Question, Reply, codes, decline, find_reply, read_challenge, read_code
from wallet.answer import answer as give
from wallet.app import Host
from wallet.at_terminal import say, say_aside, with_wallet
from wallet.enter import Opened
from wallet.means import Means

_KINDS = (".png", ".gif", ".txt")


def answer(arguments: argparse.Namespace) -> int:
    """0 shared, 1 not."""
    kind = Path(arguments.out).suffix.lower()
    if kind not in _KINDS:
        raise Malformed(f"the answer is written as {', '.join(_KINDS)}", where="out")

    async def work(host: Host, opened: Opened) -> int:
        known = await _register(host.means, arguments.register)
        question = _read(arguments, known, at=host.means.clock())
        found = await find_reply(host.means, opened.vault, question, document=arguments.document)
        reply = _with(found, arguments.also)
        _show(question, reply)
        if not _agreed(arguments):
            await decline(host.means, opened.vault, question, reply)
            say("Nothing was shared.")
            return REFUSED
        prefix, content = await give(host.means, opened.vault, question, reply)
        _write(Path(arguments.out), kind, prefix, content)
        say(f"Wrote {arguments.out}: show it to the desk. It is good once, for this question only.")
        return 0

    return with_wallet(arguments, work)


async def _register(means: Means, files: list[str]) -> Register:
    """What the wallet keeps, or the certificates in the files that its owner names; by anchors that the wallet trusts, either way."""
    if not files:
        return await register.register(means)
    return Register.of([_bytes(name) for name in files], register.askers(means), at=means.clock())


def _read(arguments: argparse.Namespace, known: Register, *, at: int) -> Question:
    if arguments.code is not None:
        if arguments.to is None or arguments.use is None:
            raise Malformed("say whom the code is from and what for: --to and --use", where="code")
        return read_code(arguments.code, known, entity=arguments.to, use=arguments.use, at=at)
    if arguments.challenge is None:
        raise Malformed("name the picture or the text of the question, or give a code", where="challenge")
    given: str = arguments.challenge
    return read_challenge(given.encode() if given.startswith(envelope.CHALLENGE) else _bytes(given), known, at=at)


def _bytes(name: str) -> bytes:
    try:
        with Path(name).open("rb") as stream:
            return stream.read(qr.MAX_BYTES + 1)
    except OSError as error:
        raise Malformed(f"cannot read {name}: {error.strerror}") from error


def _with(found: Reply, names: list[str]) -> Reply:
    """What is optional is off until it is named (domain check T-OA-2)."""
    if unknown := sorted(set(names) - set(found.optional)):
        raise Malformed(f"they do not ask for this as something optional: {', '.join(unknown)}", where="also")
    return found.without([group for group in found.optional if group not in names])


def _show(question: Question, reply: Reply) -> None:
    asker, use = question.asker, question.asker.use
    say(f"{asker.name.en} ({asker.entity}){f', {asker.desk},' if asker.desk else ''} asks for {use.title.en}.")
    say(f"Why: {use.purpose.en}")
    if use.retention_days is not None:
        say(f"Kept for {use.retention_days} day(s)." if use.retention_days else "Deleted within a day.")
    said = {"What good it does": use.benefit, "Could it stop asking": use.could_stop, "Supervised by": use.authority}
    for name, text in said.items():
        say(f"{name}: {'not said' if text is None else text.en}")
    for label, words in (("Its privacy notice:", use.privacy_policy), ("To reach it:", use.contact)):
        if words is not None:
            say(f"{label} {words}")
    for line in reply.shown():
        say(f"  shown:     {line.label}: {line.value}")
    for group in reply.optional:
        if group not in reply.groups:
            say(f"  optional:  {reply.labels([group])[0]}   (--also {group})")
    for label in reply.labels([group for group in reply.not_shown() if group not in reply.optional]):
        say(f"  not shown: {label}")
    if question.level < 3:
        say("A code can be passed on: type it only if you were given it face to face or by somebody whom you know.")


def _agreed(arguments: argparse.Namespace) -> bool:
    if arguments.yes:
        return True
    if not sys.stdin.isatty():
        say("Add --yes to share.")
        return False
    return input("Share once? [y/N] ").strip().lower() in {"y", "yes"}


def _write(file: Path, kind: str, prefix: str, content: bytes) -> None:
    shown = codes(prefix, content)
    if kind == ".gif":
        write_whole(file, qr.gif(shown), 0o600)
    elif kind == ".png":
        try:
            write_whole(file, qr.png(envelope.render_text(prefix, content), ec="L", scale=6), 0o600)
        except TooLarge as error:
            raise TooLarge("this is too much for one picture: name a .gif, which moves") from error
        if len(shown) > 1:
            say_aside("This picture is fine: a weak camera reads a .gif better.")
    else:
        write_whole(file, "\n".join(shown).encode() + b"\n", 0o600)
