"""The organisation's own issuer: what a desk gives people is made there, by its API, and ends there.

It is called because somebody at the desk gives a document, or because a document that was given has to follow another: never to check
what was shown (security rule S21).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

from shared.codec import strict_json
from shared.errors import ConfigError, Conflict, Malformed, Unavailable, VcError
from shared.flow import Fetch, Fetched
from shared.private_file import read_secret
from verifier.desk import Desk

Send = Callable[[Fetch], Awaitable[Fetched]]
_MAX_ANSWER: Final = 1_000_000
_DONE: Final = (404, 409)


def is_named(desk: Desk) -> bool:
    """Whether this desk has an issuer of its own."""
    return bool(desk.settings.own_issuer)


async def make(desk: Desk, send: Send, order: Mapping[str, Any], *, key: str) -> Mapping[str, Any]:
    """A document and the invitation to collect it, as the issuer's API tells it; the same ``key`` and order get the same one again.

    ``Conflict`` if the issuer refuses it or there is none, ``Unavailable`` if it does not answer, ``ConfigError`` without a key that it knows.
    """
    return await _call(desk, send, "/api/credentials", order, {"idempotency-key": key})


async def change(desk: Desk, send: Send, number: str, action: str, reason: str) -> None:
    """``cancel``, ``hold`` or ``reinstate`` a document; that it was done before, or can be done no more, is no error.

    ``Conflict`` if it is refused otherwise, or no issuer is named; else as ``make``.
    """
    await _call(desk, send, f"/api/credentials/{number}/{action}", {"reason": reason}, {}, fine=_DONE)


async def _call(
    desk: Desk, send: Send, path: str, body: Mapping[str, Any], headers: Mapping[str, str], *, fine: Collection[int] = ()
) -> Mapping[str, Any]:
    """What it answers; nothing for a status that is ``fine``."""
    if not is_named(desk):
        raise Conflict("no issuer of this organisation is named")
    key = read_secret(desk.directory / desk.settings.own_issuer_key_file, "own_issuer_key_file").decode("ascii", "replace")
    told = {"authorization": f"Bearer {key}", "content-type": "application/json", **headers}
    url = desk.settings.own_issuer.rstrip("/") + path
    got = await send(Fetch(url=url, method="POST", headers=told, body=strict_json.dumps(body), max_bytes=_MAX_ANSWER))
    if got.status in {401, 403}:
        raise ConfigError("our own issuer does not know the key that was set for it", where="own_issuer_key_file")
    if got.status in fine:
        return {}
    if got.status >= 500 or got.status == 429:
        raise Unavailable("our own issuer cannot do this now")
    if not 200 <= got.status < 300:
        raise Conflict(f"our own issuer refused it: {_reason(got.body)}")
    return _read(got.body)


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        return strict_json.load_object(body, max_bytes=_MAX_ANSWER)
    except Malformed as error:
        raise Unavailable("our own issuer answered with something else") from error


def _reason(body: bytes) -> str:
    """What a problem report says (RFC 9457)."""
    try:
        return str(strict_json.load_object(body).get("detail", ""))[:500]
    except VcError:
        return "it did not say why"
