"""The keys that letters and locked links are sealed for: one is registered, those before it open what was sealed until lately.

They lie sealed in the database. ``inbox.json`` in the data folder repeats the public half of the newest, for what is certified.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from shared.clock import DAY
from shared.codec import strict_json
from shared.errors import Malformed, VcError
from shared.inbox import check_key
from shared.jose import jwe
from shared.private_file import write_whole
from shared.storage import Tx
from shared.trust.artefact import RP_CERTIFICATE
from shared.trust.federation import Federation
from shared.trust.relying_party import parse_rp_certificate
from verifier.desk import STORAGE, Desk
from verifier.inbox_file import FILE
from verifier.records import letters
from verifier.records.letters import InboxKey

KEPT: Final = 31 * DAY
"""Seconds for which a key opens letters after another one was registered: as long as a certificate with it can live."""


async def tend(desk: Desk, federation: Federation | None = None) -> None:
    """Make the first key, or the next one when it is time; let those go that nobody seals for any more. Tells what is to be certified.

    Without a ``federation`` nobody knows what registrars say, and none goes.
    """
    if not desk.settings.inbox:
        return
    at, days = desk.clock(), desk.settings.inbox_key_days
    known = await desk.storage.read(letters.keys)
    if not known or (days and at >= known[0].made_at + days * DAY):
        await _make(desk, known[0].n + 1 if known else 1, at)
        known = await desk.storage.read(letters.keys)
    for newer, old in pairwise(known):
        if at >= newer.made_at + KEPT and federation is not None and not _named(desk, federation, old.kid):
            await desk.storage.write(partial(letters.drop_key, n=old.n), point="inbox-key")
    told = strict_json.dumps(known[0].public)
    if _read(desk.directory / FILE) != told:
        write_whole(desk.directory / FILE, told)


def _named(desk: Desk, federation: Federation, kid: str) -> bool:
    """Whether a registrar still tells wallets of it, for all that is known: its certificate changes only when this organisation applies anew.

    What one said last counts though its time is over, until it is heard again: this service may have been away.
    """
    return bool(federation.silent) or any(_names(data, desk.entity, kid) for data in federation.of(RP_CERTIFICATE))


def _names(data: bytes, entity: str, kid: str) -> bool:
    with suppress(VcError):
        one = parse_rp_certificate(data)
        inboxes = (one.inbox, *(use.inbox for use in one.uses))
        return one.entity == entity and any(each is not None and each.kid == kid for each in inboxes)
    return False


def _read(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


async def _make(desk: Desk, n: int, at: int) -> None:
    private = jwe.generate_ephemeral()
    public = check_key(jwe.public_half(private))
    sealed = await desk.custodian.seal(STORAGE, strict_json.dumps(private), context=_context(n))
    key = InboxKey(n=n, kid=private["kid"], public=public, private=sealed, made_at=at)

    async def unit(tx: Tx) -> None:
        await letters.add_key(tx, key)

    await desk.storage.write(unit, point="inbox-key")


async def opening(desk: Desk, kid: str) -> Mapping[str, Any]:
    """The private key of that name; ``Malformed`` where a letter or a locked link was sealed for none of ours, or one that is over."""
    for each in await desk.storage.read(letters.keys):
        if each.kid == kid:
            return strict_json.load_object(await desk.custodian.unseal(STORAGE, each.private, context=_context(each.n)))
    raise Malformed("this was sealed for a key that this inbox does not have", where="/kid")


def _context(n: int) -> bytes:
    return f"inbox key:{n}".encode()
