"""Backup files: one wallet, encrypted under a passphrase of the file's own (Argon2id, AES-256-GCM), independent of the host's keys.

A backup grows old: copies that were unused when it was made may have been shown since. What is restored from it says so until its
copies were renewed. Open invitations and requests are not in it; they can be read again.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.clock import Clock, Entropy
from shared.codec import reader, strict_json
from shared.errors import Malformed, SignInRequired
from shared.storage import Storage, Tx
from shared.web.passphrases import check_new_passphrase
from wallet import history, logs, permissions
from wallet.clients import client_name
from wallet.corrections import ticket_name
from wallet.deliveries import Delivery, Lost, OnPhone
from wallet.enter import Doors, Opened
from wallet.entries import Head, Sealed
from wallet.keep import Hardness, Vault, stretch
from wallet.known_uses import KnownUse
from wallet.links import LockedLink
from wallet.logs import LOGS, LogSeen
from wallet.permitted import Permitted
from wallet.records import (
    ADDRESSED,
    CLIENTS,
    COPIES,
    CORRECTIONS,
    DELIVERIES,
    DOCUMENTS,
    HEAD,
    HISTORY,
    KNOWN_USES,
    LOCKED,
    PERMITTED,
    SENT,
    STATUS,
    TELLINGS,
)
from wallet.registered import name_of
from wallet.reported import REPORTED, Reported
from wallet.reporting import REPORTINGS, Reporting
from wallet.said_wrong import Correction
from wallet.sent import Sent, Telling
from wallet.sessions import Addressed, ClientSecrets, Copy, Document, StatusCopy
from wallet.telling import name_of as letter_name

SCHEMA = "urn:muniment:wallet-backup:1"
MAX_FILE = 200_000_000
_NONCE = 12
_MAX_MEMORY_KIB = 1 << 21  # a file may not ask for more than 2 GiB


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in a backup. Documents, copies, copies made out and links keep their names."""

    holder: str
    made_at: int
    documents: dict[str, Document]
    copies: dict[str, Copy]
    addressed: dict[str, Addressed]
    status: tuple[StatusCopy, ...]
    history: tuple[Sealed, ...]
    head: Head | None
    clients: tuple[ClientSecrets, ...] = ()
    known_uses: tuple[KnownUse, ...] = ()
    tellings: dict[str, Telling] = {}
    sent: tuple[Sent, ...] = ()
    reportings: dict[str, Reporting] = {}
    reported: dict[str, Reported] = {}
    permitted: tuple[Permitted, ...] = ()
    corrections: tuple[Correction, ...] = ()
    links: dict[str, LockedLink] = {}
    logs: tuple[LogSeen, ...] = ()
    deliveries: dict[str, Delivery] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupTools:
    """What it takes to write backups."""

    storage: Storage
    hardness: Hardness
    clock: Clock
    entropy: Entropy

    async def back_up(self, vault: Vault, *, holder: str, passphrase: str) -> bytes:
        """The file; ``Malformed`` for a passphrase that is not taken."""
        check_new_passphrase(passphrase)
        content = await self.storage.read(lambda tx: _collect(tx, vault, holder, self.clock()))
        salt = self.entropy(16)
        key = await asyncio.to_thread(stretch, passphrase, salt, self.hardness)
        return _lock(content, key, self.hardness.render(salt), self.entropy(_NONCE))


def _lock(content: Content, key: bytes, kdf: str, nonce: bytes) -> bytes:
    sealed = nonce + AESGCM(key).encrypt(nonce, msgspec.msgpack.encode(content), _context(kdf))
    return strict_json.dumps({"schema": SCHEMA, "kdf": kdf, "sealed": b64encode(sealed).decode()})


def _context(kdf: str) -> bytes:
    return f"{SCHEMA} {kdf}".encode()


async def _collect(tx: Tx, vault: Vault, holder: str, at: int) -> Content:
    head = await HEAD.find(tx, vault, history.HEAD_NAME)
    return Content(
        holder=holder,
        made_at=at,
        documents={item.id: item.value for item in await DOCUMENTS.all(tx, vault)},
        copies={item.id: item.value for item in await COPIES.all(tx, vault)},
        addressed={item.id: item.value for item in await ADDRESSED.all(tx, vault)},
        status=tuple(item.value for item in await STATUS.all(tx, vault)),
        history=tuple(await history.read(tx, vault)),
        head=None if head is None else head.value,
        clients=tuple(item.value for item in await CLIENTS.all(tx, vault)),
        known_uses=tuple(item.value for item in await KNOWN_USES.all(tx, vault)),
        tellings={item.id: item.value for item in await TELLINGS.all(tx, vault)},
        sent=tuple(item.value for item in await SENT.all(tx, vault)),
        reportings={item.id: item.value for item in await REPORTINGS.all(tx, vault)},
        reported={item.id: item.value for item in await REPORTED.all(tx, vault)},
        permitted=tuple(item.value for item in await PERMITTED.all(tx, vault)),
        corrections=tuple(item.value for item in await CORRECTIONS.all(tx, vault)),
        links={item.id: item.value for item in await LOCKED.all(tx, vault)},
        logs=tuple(item.value for item in await LOGS.all(tx, vault)),
        # What phones keep or have lost: by nothing else can an office be asked to put it on hold.
        deliveries={item.id: item.value for item in await DELIVERIES.all(tx, vault) if isinstance(item.value.state, OnPhone | Lost)},
    )


async def open_backup(data: bytes, passphrase: str) -> Content:
    """What is in the file. ``Malformed`` for another file, ``SignInRequired`` for another passphrase."""
    doc = strict_json.load_object(data, max_bytes=MAX_FILE)
    if doc.get("schema") != SCHEMA:
        raise Malformed("this file is no backup of a wallet", where="/schema")
    kdf = reader.get_str(doc, "kdf", max_length=200)
    hardness, salt = _parse_kdf(kdf)
    sealed = _sealed(reader.get_str(doc, "sealed", max_length=MAX_FILE))
    key = await asyncio.to_thread(stretch, passphrase, salt, hardness)
    try:
        plain = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _context(kdf))
    except InvalidTag as error:
        raise SignInRequired("this passphrase does not open the backup, or the file is damaged") from error
    return msgspec.msgpack.decode(plain, type=Content)


def _parse_kdf(line: str) -> tuple[Hardness, bytes]:
    try:
        hardness, salt = Hardness.parse(line)
    except ValueError as error:
        raise Malformed("this file does not say how it was locked", where="/kdf") from error
    sane = 8 * hardness.lanes <= hardness.memory_kib <= _MAX_MEMORY_KIB and 1 <= hardness.iterations <= 100 and 1 <= hardness.lanes <= 64
    if not sane or not 8 <= len(salt) <= 64:
        raise Malformed("this file asks for more work than is sane", where="/kdf")
    return hardness, salt


def _sealed(text: str) -> bytes:
    try:
        sealed = b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("this file is damaged", where="/sealed") from error
    if len(sealed) < _NONCE + 16:
        raise Malformed("this file is cut off", where="/sealed")
    return sealed


async def restore(doors: Doors, content: Content, *, holder: str, passphrase: str, at: int, entropy: Entropy) -> Opened:
    """A new wallet with everything of the backup, under a new name if ``holder`` says one. ``Conflict`` if the name is taken."""

    async def fill(tx: Tx, vault: Vault) -> None:
        for name, document in content.documents.items():
            marked = msgspec.structs.replace(document, restored=True)
            await DOCUMENTS.put(tx, vault, name, marked, entropy=entropy)
        for name, copy in content.copies.items():
            await COPIES.put(tx, vault, name, copy, entropy=entropy)
        for name, made in content.addressed.items():
            await ADDRESSED.put(tx, vault, name, made, entropy=entropy)
        for token in content.status:
            await STATUS.put(tx, vault, vault.tag("status list", token.uri), token, entropy=entropy)
        for client in content.clients:
            await CLIENTS.put(tx, vault, client_name(vault, client.issuer, client.server), client, entropy=entropy)
        for known in content.known_uses:
            await KNOWN_USES.put(tx, vault, name_of(vault, known.entity, known.id), known, entropy=entropy)
        await _fill_letters(tx, vault, content, entropy=entropy)
        await _fill_reports(tx, vault, content, entropy=entropy)
        await _fill_asks(tx, vault, content, entropy=entropy)
        await _fill_history(tx, vault, content, at=at, entropy=entropy)

    return await doors.make(holder or content.holder, passphrase, fill=fill)


async def _fill_letters(tx: Tx, vault: Vault, content: Content, *, entropy: Entropy) -> None:
    """What was not sent when the backup was made is not sent from it: it may have been since."""
    for name, one in content.tellings.items():
        await TELLINGS.put(tx, vault, name, msgspec.structs.replace(one, given_up=True), entropy=entropy)
    for letter in content.sent:
        await SENT.put(tx, vault, letter_name(vault, letter.telling, letter.body), letter, entropy=entropy)


async def _fill_reports(tx: Tx, vault: Vault, content: Content, *, entropy: Entropy) -> None:
    """Of both sides of a power of attorney; what was told twice because of it counts once."""
    for name, one in content.reportings.items():
        await REPORTINGS.put(tx, vault, name, one, entropy=entropy)
    for name, told in content.reported.items():
        await REPORTED.put(tx, vault, name, told, entropy=entropy)


async def _fill_asks(tx: Tx, vault: Vault, content: Content, *, entropy: Entropy) -> None:
    """What can be taken back or is waited for. It is asked again by the clock, and what was said twice because of it counts once."""
    for given in content.permitted:
        await PERMITTED.put(tx, vault, permissions.name_of(vault, given.entity, given.permission), given, entropy=entropy)
    for wrong in content.corrections:
        await CORRECTIONS.put(tx, vault, ticket_name(vault, wrong.ticket), wrong, entropy=entropy)
    for name, link in content.links.items():
        await LOCKED.put(tx, vault, name, link, entropy=entropy)
    for name, kept in content.deliveries.items():
        await DELIVERIES.put(tx, vault, name, kept, entropy=entropy)
    for seen in content.logs:
        await LOGS.put(tx, vault, logs.name_of(vault, seen.entity), seen, entropy=entropy)


async def _fill_history(tx: Tx, vault: Vault, content: Content, *, at: int, entropy: Entropy) -> None:
    for line in content.history:
        await HISTORY.put(tx, vault, history.name_of(vault, line.entry.seq), line, entropy=entropy)
    if content.head is not None:
        await HEAD.put(tx, vault, history.HEAD_NAME, content.head, entropy=entropy)
    await history.append(tx, vault, history.restored(at=at, made_at=content.made_at), entropy=entropy)
