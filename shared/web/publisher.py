"""What a service's own anchor says is in force: signed by the anchor's key every day and after every change, served to everybody alike.

Certificates, keys and what became of them lie in the database, where all processes of the service see them; whatever changed them is in
``trust_event``. Of two processes that sign at once the first one's number counts, and both serve what it kept (security rule S17).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from ..clock import DAY, Clock, Entropy
from ..codec import base64url
from ..cose import thumbprint
from ..errors import ConfigError, Conflict, Malformed, Missing
from ..keys import Custodian, KeyId, PublicKey, Role, Unsigned, sign
from ..storage import Storage, Tx
from ..trust.artefact import CERTIFICATE, CRL, Artefact, distinct
from ..trust.publication import DOCUMENT, MEDIA_TYPE, join_publications, render_publication
from ..trust.snapshot import KeyHistory, KeyState, prepare_snapshot
from ..urls import well_known
from ..x509 import Cert, prepare_crl
from . import own_trust
from .certificates import ANCHOR, ANCHOR_FILE, open_anchor
from .own_trust import Certified, OwnKey, Published
from .setup import read_certificate

log = logging.getLogger("muniment.trust")

EVERY: Final = DAY  # seconds after which the same is said again, with new dates
Statement = Callable[[Cert, PublicKey, int], Unsigned[bytes]]
"""Something else that the anchor signs: from the anchor's certificate, the service's key that signs at present, and the instant."""

_Dated = Callable[[int], Unsigned[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """``key`` is the service's certified key, whose certificate lies in ``<key>.pem`` of ``directory``; ``secret`` opens the anchor's keys.

    ``days`` is how long what is said counts; ``more`` are further statements by media type, ``beside`` what the
    same body publishes as a superior in a federation, which is served in the same document.
    """

    directory: Path
    secret: Callable[[], bytes]
    storage: Storage
    clock: Clock
    entropy: Entropy
    key: KeyId
    role: Role
    entity: str
    url: str
    days: int
    more: Mapping[str, Statement] = field(default_factory=dict)
    beside: Callable[[], Awaitable[bytes | None]] | None = None

    async def note_certificate(self, *, actor: str) -> None:
        """Enter the certificate in the folder and its key, unless they are known."""
        leaf, at = read_certificate(self.directory / f"{self.key}.pem"), self.clock()
        await self.storage.write(
            lambda tx: own_trust.enter(tx, leaf, name=self.key, role=self.role, entity=self.entity, actor=actor, at=at), point="certify"
        )

    async def check_key(self, public: PublicKey) -> None:
        """``Conflict`` if a key was reported as compromised here."""
        whole, known = base64url.encode(thumbprint(public)), await self.storage.read(own_trust.keys)
        if any(each.thumbprint == whole and each.state is KeyState.COMPROMISED for each in known):
            raise Conflict("this key was reported as compromised: nothing certifies it again")

    async def publish(self, *, actor: str = "timer") -> Published:
        """What is in force, signed anew if it changed or a day has passed. ``ConfigError`` if that needs the anchor's keys, which are away."""
        await self.note_certificate(actor=actor)
        at, anchor = self.clock(), read_certificate(self.directory / ANCHOR_FILE)
        last, certificates, own = await self.storage.read(self._state)
        keys, active = [each.history for each in own], next((each.public for each in own if each.state is KeyState.ACTIVE), None)
        more = {} if active is None else {kind: partial(make, anchor, active) for kind, make in self.more.items()}
        content = self._content(anchor, certificates, keys, more)
        if last is not None and last.content == content and at < last.issued_at + EVERY:
            return last
        async with open_anchor(self.directory, self.secret(), self.entropy) as custodian:
            seq, issued = (1, at) if last is None else (last.seq + 1, max(at, last.issued_at))
            document = await self._sign(custodian, anchor, certificates, keys, more, seq=seq, at=issued)
        made = Published(seq=seq, issued_at=issued, next_update=issued + self.days * DAY, content=content, document=document)
        try:
            await self.storage.write(lambda tx: own_trust.publish(tx, made, keys, actor=actor), point="publish-trust")
        except Conflict:  # another process was faster: what it says is what is served
            return await self.newest()
        return made

    async def tend(self, _: object = None) -> None:
        """As ``publish``, on the timer: without the anchor's keys what was said last goes on until it runs out, and the log says so."""
        try:
            await self.publish()
        except ConfigError as error:
            log.warning("what is in force could not be signed anew: %s", error.detail)

    async def newest(self) -> Published:
        """What is served; ``Missing`` before the first."""
        known = await self.storage.read(own_trust.last)
        if known is None or known.document is None:
            raise Missing("nothing is published here yet")
        return known

    async def withdraw(self, serial: str, *, reason: str, actor: str) -> None:
        """Take a certificate out of force for good; ``Missing``, or ``Conflict`` if it was."""
        at = self.clock()
        await self.storage.write(lambda tx: own_trust.withdraw(tx, serial, reason=reason, actor=actor, at=at), point="withdraw")

    async def end_key(self, kid: str, state: KeyState, *, reason: str, actor: str) -> None:
        """Retire a key, or report it as compromised, which also withdraws its certificates. ``Missing``; ``Conflict`` for a step back."""
        if not state.is_over:
            raise Malformed("a key that has ended does not begin again", where="/state")
        at = self.clock()
        await self.storage.write(lambda tx: own_trust.end_key(tx, kid, state, reason=reason, actor=actor, at=at), point="end-key")

    async def _state(self, tx: Tx) -> tuple[Published | None, list[Certified], list[OwnKey]]:
        return await own_trust.last(tx), await own_trust.certificates(tx), await own_trust.own_keys(tx, self.role)

    def _content(self, anchor: Cert, certificates: Sequence[Certified], keys: Sequence[KeyHistory], more: Mapping[str, _Dated]) -> str:
        """A digest of all that is said, dates left out."""
        told = [anchor.der, *(each.der + str(each.withdrawn_at).encode() for each in certificates), *(repr(each).encode() for each in keys)]
        told += [make(0).signing_input for make in more.values()]
        return base64url.encode(sha256(b"".join(sha256(each).digest() for each in told) + bytes([self.days])).digest())

    async def _sign(
        self,
        custodian: Custodian,
        anchor: Cert,
        certificates: Sequence[Certified],
        keys: Sequence[KeyHistory],
        more: Mapping[str, _Dated],
        *,
        seq: int,
        at: int,
    ) -> bytes:
        withdrawn = [(int(each.serial), each.withdrawn_at) for each in certificates if each.withdrawn_at is not None]
        crl = await sign(prepare_crl(issuer=anchor, key=ANCHOR, revoked=withdrawn, at=at, days=self.days, number=seq), custodian)
        statements = [
            *(
                Artefact(media_type=CERTIFICATE, data=each.der)
                for each in certificates
                if each.withdrawn_at is None and each.not_after > at
            ),
            Artefact(media_type=CRL, data=crl),
        ]
        for media_type, make in more.items():
            statements.append(Artefact(media_type=media_type, data=await sign(make(at), custodian)))
        artefacts = distinct(statements)
        snapshot = prepare_snapshot(
            issuer=anchor.subject,
            entity=self.entity,
            seq=seq,
            at=at,
            next_update=at + self.days * DAY,
            statements=artefacts,
            keys=keys,
            key=ANCHOR,
            public=anchor.public,
        )
        return render_publication(await sign(snapshot, custodian), artefacts)

    def add_to(self, app: web.Application) -> None:
        """Serve the newest at ``/.well-known/muniment-trust``, below the path of the public address."""
        app.router.add_get(urlsplit(well_known(self.url, DOCUMENT)).path, self.show)

    async def show(self, _: web.Request) -> web.Response:
        """The same for everybody: no address, cookie or header of the one who asks changes it."""
        document = (await self.newest()).document or b""
        federation = None if self.beside is None else await self.beside()
        if federation is not None:
            document = join_publications(document, federation)
        headers = {
            hdrs.CACHE_CONTROL: "public, max-age=300",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return web.Response(body=document, content_type=MEDIA_TYPE, headers=headers)
