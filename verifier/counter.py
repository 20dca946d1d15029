"""A desk in a folder, for a laptop without a network: its own key, its certificate of a week, and asking with them (security rule S10).

``desk.json`` holds what it shows, ``desk.keys`` its private key, opened by ``key-file``. The organisation's own key is not there: it only
certified the desk's. The folder can be carried to the laptop that asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from shared.clock import Clock, Entropy
from shared.codec import base64url, cbor, strict_json
from shared.codec.reader import get_int, get_str
from shared.cose import parse_cose_key, render_cose_key
from shared.credentials._joint import is_joint
from shared.custody import open_custodian
from shared.errors import ConfigError, Expired, Malformed
from shared.keys import Custodian, KeyId, PublicKey, Role, sign
from shared.ovp import seal
from shared.ovp.answer import OpenChallenge, code_binding
from shared.ovp.challenge import TTL, parse_challenge, prepare_challenge
from shared.ovp.code import SECONDS, make_code
from shared.private_file import make_secret, read_secret, write_whole
from shared.trust.relying_party import MAX_DESK_DAYS, DeskCertificate, parse_desk_certificate, prepare_desk_certificate
from verifier.questions import CodeQuestion, LiveQuestion
from verifier.uses import Use, wants_of

DESK: Final = KeyId("desk")
GRACE: Final = 60
"""Seconds that an answer may take to arrive after its challenge has run out."""
_FILE, _KEYS, _SECRET = "desk.json", "desk.keys", "key-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """``organisation`` is the relying party's public key, ``certificate`` the desk-cert that it signed."""

    folder: Path
    entity: str
    organisation: PublicKey
    certificate: bytes

    @property
    def desk(self) -> DeskCertificate:
        return parse_desk_certificate(self.certificate)


def folder_of(directory: Path, name: str) -> Path:
    """Where the desk of that name lies in a verifier's data folder."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug:
        raise Malformed("a desk's name has letters or digits", where="name")
    return directory / "desks" / slug


async def make(
    folder: Path, *, name: str, entity: str, organisation: Custodian, key: KeyId, days: int, clock: Clock, entropy: Entropy
) -> Counter:
    """A desk in ``folder`` with a certificate by ``key`` for ``days`` (1 to 7); one that is there keeps its own key and gets a new certificate."""
    if not 1 <= days <= MAX_DESK_DAYS:
        raise Malformed(f"a desk's certificate lives 1 to {MAX_DESK_DAYS} days", where="days")
    found = _prepare(folder, entropy)
    custodian = _custodian(folder, entropy)
    try:
        if not found:
            await custodian.create(DESK, Role.DESK)
        public, own = await custodian.public(DESK), await organisation.public(key)
    finally:
        await custodian.close()
    unsigned = prepare_desk_certificate(entity=entity, entity_public=own, key=key, name=name, public=public, at=clock(), days=days)
    counter = Counter(folder=folder, entity=entity, organisation=own, certificate=await sign(unsigned, organisation))
    write_whole(folder / _FILE, _render(counter))
    return counter


def _prepare(folder: Path, entropy: Entropy) -> bool:
    """Whether there is a key in it already."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_secret(folder / _SECRET, entropy)
    return (folder / _KEYS).exists()


def read(folder: Path) -> Counter:
    """The desk in ``folder``; ``ConfigError`` if there is none."""
    file = folder / _FILE
    try:
        obj = strict_json.load_object(file.read_bytes())
        if get_int(obj, "version") != 1:
            raise Malformed("this program reads version 1", where="/version")
        counter = Counter(
            folder=folder,
            entity=get_str(obj, "entity"),
            organisation=parse_cose_key(cbor.loads(base64url.decode(get_str(obj, "organisation")))),
            certificate=base64url.decode(get_str(obj, "certificate")),
        )
        parse_desk_certificate(counter.certificate)
    except OSError as error:
        raise ConfigError(f"there is no desk in {folder}: make one with `muniment-verifier desk new NAME`", where="desk") from error
    except Malformed as error:
        raise ConfigError(f"{file} does not describe a desk: {error.detail}", where="desk") from error
    return counter


def find(directory: Path, named: str | None) -> Counter:
    """The desk in the folder ``named``, else the only one of the data folder."""
    if named is not None:
        return read(Path(named))
    found: Sequence[Path] = sorted(file.parent for file in (directory / "desks").glob(f"*/{_FILE}"))
    if len(found) != 1:
        raise ConfigError("there is not exactly one desk here; say which with --desk FOLDER", where="desk")
    return read(found[0])


def _render(counter: Counter) -> bytes:
    return strict_json.dumps(
        {
            "version": 1,
            "entity": counter.entity,
            "organisation": base64url.encode(cbor.dumps(render_cose_key(counter.organisation), canonical=True)),
            "certificate": base64url.encode(counter.certificate),
        }
    )


def _custodian(folder: Path, entropy: Entropy) -> Custodian:
    uri = f"file:{quote(str(folder / _KEYS))}"
    return open_custodian(uri, entropy=entropy, passphrase=read_secret(folder / _SECRET))


async def ask(
    counter: Counter, use: Use, *, at: int, entropy: Entropy, ttl: int = TTL, staple: bool = False, transaction: bytes | None = None
) -> LiveQuestion:
    """A fresh challenge, for a screen. ``Expired`` once the desk's week is over.

    ``transaction`` is what others have agreed to already; else a question for several who act together begins one.
    """
    _check_week(counter, at)
    private, public = seal.generate(entropy)
    custodian = _custodian(counter.folder, entropy)
    try:
        unsigned = prepare_challenge(
            certificate=counter.certificate,
            key=DESK,
            public=await custodian.public(DESK),
            nonce=entropy(16),
            at=at,
            wants=(wants_of(use),),
            use=use.query.id,
            seal_key=public,
            ttl=ttl,
            staple=staple,
            transaction=(transaction or entropy(16)) if is_joint(use.query) else None,
        )
        data = await sign(unsigned, custodian)
    finally:
        await custodian.close()
    return LiveQuestion(opened=OpenChallenge(parse_challenge(data), private), until=at + ttl + GRACE)


def read_out(counter: Counter, use: Use, *, at: int, entropy: Entropy) -> CodeQuestion:
    """Ten fresh digits, for a desk that no wallet can scan. ``Malformed`` for what several have to agree to: digits name no transaction."""
    if is_joint(use.query):
        raise Malformed("those who act together are asked by a square code", where="use")
    code = make_code(entity=counter.entity, use=use.query.id, entropy=entropy)
    binding = code_binding(code, entity=counter.entity, use=use.query.id, public=counter.organisation)
    return CodeQuestion(code=code, use=use.query.id, audience=binding.audience, nonce=str(binding.nonce), until=at + SECONDS)


def _check_week(counter: Counter, at: int) -> None:
    if at >= counter.desk.expires_at:
        raise Expired("this desk’s week is over: run `muniment-verifier desk new` again, where the organisation’s key is")
