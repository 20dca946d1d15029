"""``muniment-verifier desk new``, ``challenge`` and ``code``: a laptop without a network asks. The answers are for ``check``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.clock import Clock, Entropy
from shared.codec import base64url, qr
from shared.credentials import all_types
from shared.credentials._joint import is_joint
from shared.custody import open_custodian
from shared.errors import ConfigError, Malformed, Missing, Rejected, Undecided
from shared.ovp import envelope
from shared.private_file import read_secret
from shared.trust.bundle import MAX_BYTES, BundleMemory, VerifiedBundle
from shared.verify import allowed_age
from verifier import config, counter, keys
from verifier.offline import open_pack, read_file, read_trust, remembering, trust_file
from verifier.uses import Use, served
from verifier.words import age_text, moment_text

_SCALE: Final = 8
_REFERENCE: Final = 16  # bytes


def desk_new(arguments: argparse.Namespace, *, clock: Clock, entropy: Entropy) -> int:
    """Make a desk, or give one that is there a certificate for another week."""
    directory = config.folder(arguments.dir)
    settings = config.read(directory)
    folder = counter.folder_of(directory, arguments.name) if arguments.out is None else Path(arguments.out)

    async def run() -> counter.Counter:
        own = open_custodian(settings.keys, entropy=entropy, passphrase=read_secret(config.key_file(directory)))
        try:
            return await counter.make(
                folder,
                name=arguments.name,
                entity=settings.entity_id,
                organisation=own,
                key=await keys.active(settings),
                days=arguments.days,
                clock=clock,
                entropy=entropy,
            )
        finally:
            await own.close()

    made = asyncio.run(run())
    _say(f"Made a desk in {made.folder}: {made.desk.name}, for {made.entity}, until {moment_text(made.desk.expires_at)}")
    _say("Its folder may be carried to the laptop that asks; the organisation's own key stays here.")
    return 0


def challenge(arguments: argparse.Namespace, *, clock: Clock, entropy: Entropy) -> int:
    """Ask by a square code that a wallet scans."""
    at = clock()
    desk, use = counter.find(config.folder(arguments.dir), arguments.desk), _use(arguments.use)
    with remembering(Path(arguments.state)) as kept:
        pack = _open(arguments, kept.memory.packs, at=at)
        question = asyncio.run(
            counter.ask(
                desk,
                use,
                at=at,
                entropy=entropy,
                ttl=arguments.ttl,
                staple=_is_old(pack, use, at),
                transaction=_transaction(arguments.together, use),
            ),
        )
        kept.memory = kept.memory.asking(question, at=at)
    text = envelope.render_text(envelope.CHALLENGE, question.opened.challenge.data)
    if arguments.png is not None:
        Path(arguments.png).write_bytes(qr.png(text, ec="L", scale=_SCALE))
    _say(text if arguments.text else qr.terminal(text) if arguments.png is None else f"Wrote {arguments.png}")
    _aside(f"{use.query.title.en}: good for one answer within {age_text(arguments.ttl)}. Then: muniment-verifier check ANSWER")
    return 0


def _transaction(reference: str, use: Use) -> bytes | None:
    """What others have agreed to, as ``check`` named it."""
    if not reference:
        return None
    found = base64url.decode(reference, where="together")
    if len(found) != _REFERENCE or not is_joint(use.query):
        raise Malformed("nobody has agreed to such a thing for this use", where="together")
    return found


def code(arguments: argparse.Namespace, *, clock: Clock, entropy: Entropy) -> int:
    """Ask by ten digits, where no wallet can scan this screen."""
    at = clock()
    desk, use = counter.find(config.folder(arguments.dir), arguments.desk), _use(arguments.use)
    with remembering(Path(arguments.state)) as kept:
        _open(arguments, kept.memory.packs, at=at)
        question = counter.read_out(desk, use, at=at, entropy=entropy)
        kept.memory = kept.memory.asking(question, at=at)
    digits = question.code
    _say(f"{digits[:4]} {digits[4:8]} {digits[8:]}")
    _aside(f"{use.query.title.en}, for {desk.entity}: good for one answer within {age_text(question.until - at)}.")
    _aside("The answer may be passed on: it shows only that somebody who controls the holder’s wallet answered this code.")
    return 0


def _use(name: str) -> Use:
    uses: Mapping[str, Use] = {use.query.id: use for use in served(all_types().values())}
    if name not in uses:
        raise Missing(f"there is no use {name}; there are {', '.join(uses)}", where="use")
    return uses[name]


def _open(arguments: argparse.Namespace, memory: BundleMemory, *, at: int) -> VerifiedBundle:
    """Whoever cannot check an answer need not ask."""
    try:
        return open_pack(read_file(Path(arguments.bundle), MAX_BYTES), memory, trust=read_trust(trust_file(arguments)), at=at)
    except (Rejected, Undecided) as error:
        raise ConfigError(f"{arguments.bundle} is not good to check with: {error.detail}", where="bundle") from error


def _is_old(pack: VerifiedBundle, use: Use, at: int) -> bool:
    """Whether some list in the pack is too old for this use, so that the holder had better bring a newer word of the issuer."""
    oldest = min((token.iat for token in pack.status_lists.values()), default=0)
    return at - oldest > allowed_age(use.type, use.query.use, None)


def _say(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")


def _aside(text: str) -> None:
    sys.stderr.write(text + "\n")
