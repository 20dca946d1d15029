"""Pinning the anchor of a federation: from a file, or from what it says of itself at its own address, once its key's fingerprint was compared.

Whoever answers at an address may be anybody: what was fetched is pinned only with a fingerprint (RFC 7638 thumbprint) that the anchor told by
another way, and then with exactly that key and those next ones that it vouches for and that prove themselves: never with one that signs no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..codec import strict_json
from ..errors import ConfigError, Conflict, Malformed, Missing, Unavailable, VcError
from ..flow import Fetch, Fetched
from ..jose.jwk import thumbprint
from ..trust.anchors import TrustAnchors
from ..trust.chain import configuration_url
from ..trust.federation_anchor import FederationAnchor, parse_federation_anchor
from ..trust.federation_keys import find_key
from ..trust.key_proofs import proven_federation_keys
from ..trust.statements import MAX_BYTES, MEDIA_TYPE, EntityStatement, check_statement, parse_statement
from ..urls import LOOPBACK, check_identifier
from .fetch import Fetcher
from .settings import Common
from .trust_file import change

Fetching = Callable[[Fetch], Awaitable[Fetched]]


@dataclass(frozen=True, slots=True)
class Offered:
    """An anchor that somebody may pin. ``marks`` are the fingerprints to compare before: of the key that signed what it says of itself, for
    that one answers for its next keys (``more``), or of every key where nobody signed.
    """

    anchor: FederationAnchor
    marks: tuple[str, ...]

    @property
    def more(self) -> tuple[str, ...]:
        """Fingerprints of the keys that are pinned with it: its next ones, which it told ahead."""
        return tuple(each for each in fingerprints(self.anchor) if each not in self.marks)

    def check_typed(self, fingerprint: str) -> None:
        """``ConfigError`` unless the fingerprint that was told by another way is the one to compare."""
        if self.marks != (fingerprint,):
            raise ConfigError("another key is in use here", where="thumbprint")


def is_address(text: str) -> bool:
    """Whether this names an entity and no file."""
    return text.startswith(("https://", "http://"))


def is_federation(data: bytes) -> bool:
    """Whether a file holds the anchor of a federation: its entity configuration, or an entry as in ``trust.json``."""
    try:
        _read(data)
    except VcError:
        return False
    return True


def read_federation(
    data: bytes, *, fingerprint: str | None = None, name: str = "", vcts: Sequence[str] = (), without_snapshot: bool = False
) -> FederationAnchor:
    """The anchor in a file that its owner was given. ``ConfigError`` if there is none, or one with another fingerprint."""
    seen = offered(data)
    if fingerprint is not None:
        seen.check_typed(fingerprint)
    found = seen.anchor
    return replace(
        found,
        name=name or found.name,
        vcts=tuple(vcts) or found.vcts,
        without_snapshot=without_snapshot or found.without_snapshot,
    )


def _read(data: bytes) -> FederationAnchor:
    return _offered(data).anchor


def _offered(data: bytes) -> Offered:
    if data.lstrip().startswith(b"{"):
        anchor = parse_federation_anchor(strict_json.load_object(data, max_bytes=MAX_BYTES))
        return Offered(anchor, tuple(fingerprints(anchor)))
    return _by_itself(_parse(data))


def _by_itself(statement: EntityStatement) -> Offered:
    """``Malformed`` where its proofs are none."""
    keys = proven_federation_keys(statement, at=statement.iat)
    return Offered(FederationAnchor(entity=statement.sub, keys=keys, name=statement.name), (signed_with(statement),))


def offered(data: bytes) -> Offered:
    """The anchor in a file, for somebody who has not compared it yet. ``ConfigError`` if there is none."""
    try:
        return _offered(data)
    except VcError as error:
        raise ConfigError(f"this is no anchor of a federation: {error.detail}", where="file") from error


async def offered_at(entity: str, fetch: Fetching, *, at: int) -> Offered:
    """The anchor that answers at its address now, likewise; errors as ``fetch_federation``."""
    return _by_itself(await fetch_federation(entity, fetch, at=at))


def _parse(data: bytes) -> EntityStatement:
    """What a body says of itself, signed by a key that it names; when, does not matter."""
    statement = parse_statement(data.decode("ascii", "replace").strip())
    if not statement.is_configuration:
        raise Malformed("this is what one body says of another", where="/sub")
    check_statement(statement, statement.keys, at=statement.iat)
    return statement


async def fetch_federation(entity: str, fetch: Fetching, *, at: int) -> EntityStatement:
    """What the entity says of itself at its address now; ``ConfigError`` for what is no address, ``Unavailable``, errors as ``check_statement``."""
    try:
        check_identifier(entity, plain_http=LOOPBACK)
    except VcError as error:
        raise ConfigError(f"{entity}: {error.detail}", where="file") from error
    got = await fetch(Fetch(url=configuration_url(entity), headers={"accept": MEDIA_TYPE}, max_bytes=MAX_BYTES))
    if got.status != 200:
        raise Unavailable(f"{entity} does not say who it is: it answered {got.status}")
    statement = _parse(got.body)
    if statement.sub.removesuffix("/") != entity.removesuffix("/"):  # which of the two it calls itself, it says itself
        raise Malformed("somebody else answers at this address", where="/sub")
    check_statement(statement, statement.keys, at=at)
    return statement


def signed_with(statement: EntityStatement) -> str:
    """The fingerprint of the key that signed it: what people compare."""
    return thumbprint(find_key(statement.keys, statement.kid))


def compared(statement: EntityStatement, fingerprint: str | None, *, name: str = "", vcts: Sequence[str] = ()) -> FederationAnchor:
    """The anchor, if its key has the fingerprint that the owner was told; ``ConfigError`` otherwise, which shows what was found."""
    found = signed_with(statement)
    if fingerprint is None:
        raise ConfigError(
            f"{statement.name} answers at {statement.sub} with a key of the fingerprint {found}: ask them for theirs by another way, compare, and "
            "give it with --thumbprint"
        )
    if fingerprint != found:
        raise ConfigError(f"another key answers at {statement.sub}: {found}", where="thumbprint")
    return replace(_by_itself(statement).anchor, name=name or statement.name, vcts=tuple(vcts) or None)


def with_federation(trust: TrustAnchors, anchor: FederationAnchor, *, sure: bool = False) -> TrustAnchors:
    """``trust`` with it. Of one that is trusted already the keys alone change, and they only where the owner is ``sure``: compared a fingerprint.

    ``Conflict`` where the keys, or what it is trusted for, would change otherwise.
    """
    held = next((each for each in trust.federation if each.entity == anchor.entity), None)
    if held is None:
        return trust.add_federation(anchor)
    if anchor.vcts not in {None, held.vcts} or (anchor.without_snapshot and not held.without_snapshot):
        raise Conflict("this federation is trusted already, for something else: remove it first")
    if sorted(fingerprints(held)) != sorted(fingerprints(anchor)) and not sure:
        raise Conflict(
            "this federation is trusted already, with other keys: compare its fingerprint and give it with --thumbprint, or remove it first"
        )
    kept = replace(held, keys=anchor.keys)
    return replace(trust, federation=tuple(kept if each is held else each for each in trust.federation))


def pin(file: Path, anchor: FederationAnchor, *, sure: bool) -> FederationAnchor:
    """Write it into a ``trust.json``; how it stands there now. Errors as ``with_federation`` and ``change``."""
    after = change(file, lambda trust: with_federation(trust, anchor, sure=sure))
    return next(each for each in after.federation if each.entity == anchor.entity)


def without(trust: TrustAnchors, name: str) -> TrustAnchors:
    """``trust`` without the anchor of that fingerprint, or the federation of that identifier; ``Missing`` if there is neither."""
    if any(each.entity == name for each in trust.federation):
        return trust.remove_federation(name)
    try:
        return trust.remove(name)
    except Missing as error:
        raise Missing("no anchor has that fingerprint, and no federation that identifier") from error


def find_federation(
    text: str, *, settings: Callable[[], Common], thumbprint: str | None, at: int, name: str = "", without_snapshot: bool = False
) -> FederationAnchor | None:
    """The anchor that ``trust add`` names, by its address or as a file; ``None`` for a file of another kind. Errors as above."""
    if is_address(text):
        return asyncio.run(_meet(text, settings(), thumbprint, at, name))
    data = _read_file(Path(text))
    return read_federation(data, fingerprint=thumbprint, name=name, without_snapshot=without_snapshot) if is_federation(data) else None


async def _meet(entity: str, settings: Common, fingerprint: str | None, at: int, name: str) -> FederationAnchor:
    fetcher = Fetcher.of(settings)
    try:
        return compared(await fetch_federation(entity, fetcher, at=at), fingerprint, name=name)
    finally:
        await fetcher.close()


def describe(anchor: FederationAnchor) -> str:
    """A line for a terminal."""
    return f"{'federation':18} {anchor.name} ({anchor.entity})  {' '.join(fingerprints(anchor))}"


def fingerprints(anchor: FederationAnchor) -> list[str]:
    """Of the keys that are pinned."""
    return [thumbprint(each.public) for each in anchor.keys]


def _read_file(file: Path) -> bytes:
    """``ConfigError`` if there is no such file."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", where="file") from error
