"""The authorization server: pre-authorized codes and refresh tokens against bearer tokens of five minutes (OpenID4VCI section 6)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from issuer.claims import keeps_after_collection
from issuer.offers import tx_code_mac
from issuer.office import REFERENCES, Office, digest
from issuer.records import documents, invitations
from issuer.sessions import (
    SERVICE,
    Event,
    InvitationState,
    Locked,
    Redeemed,
    Standing,
    check_code_presence,
    redeem,
)
from shared.clock import DAY
from shared.codec import base64url
from shared.errors import InvalidGrant, InvalidNonce, InvalidToken, Malformed, UnsupportedGrantType
from shared.openid4vci import AuthorizationCodeRequest, PreAuthorizedRequest, RefreshRequest, TokenRequest, TokenResponse
from shared.storage import Tx

_NONCE_BYTES = 16
_TAG_BYTES = 16


async def token(office: Office, request: TokenRequest) -> TokenResponse:
    """Answer a token request. ``InvalidGrant`` and ``InvalidRequest`` as OpenID4VCI section 6.3 tells them apart."""
    if isinstance(request, RefreshRequest):
        return await _refresh(office, request)
    if isinstance(request, AuthorizationCodeRequest):
        raise UnsupportedGrantType("nobody signs in at this office", where="grant_type")
    return await _redeem(office, request)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    access: str
    refresh: str
    tokens: invitations.NewTokens


def _pair(office: Office, at: int, *, renewable: bool) -> _Pair:
    access, refresh = office.secret(), office.secret()
    tokens = invitations.NewTokens(
        access=digest("access", access),
        access_until=at + office.settings.access_seconds,
        refresh=digest("refresh", refresh) if renewable else None,
        refresh_until=at + office.settings.refresh_days * DAY,
    )
    return _Pair(access=access, refresh=refresh, tokens=tokens)


def _answer(office: Office, pair: _Pair) -> TokenResponse:
    return TokenResponse(
        access_token=pair.access,
        expires_in=office.settings.access_seconds,
        refresh_token=None if pair.tokens.refresh is None else pair.refresh,
    )


async def _redeem(office: Office, request: PreAuthorizedRequest) -> TokenResponse:
    """One try at an invitation. The count of tries is committed whether the code is right or not."""
    at, code = office.clock(), digest("code", request.code)
    found = await office.storage.read(lambda tx: invitations.by_code(tx, code))
    if found is None:
        raise InvalidGrant("this invitation does not exist", where="pre-authorized_code")
    check_code_presence(found, sent=request.tx_code is not None)
    tried = None if request.tx_code is None else await tx_code_mac(office, found.document, request.tx_code)

    async def unit(tx: Tx) -> _Pair | None:
        counted = await invitations.count_try(tx, code, limit=office.settings.code_tries, at=at)
        if counted is None:
            raise InvalidGrant("this invitation can no longer be used", where="pre-authorized_code")
        invitation, expected = counted
        right = expected is None or (tried is not None and hmac.compare_digest(expected, tried))
        outcome = redeem(invitation, code_is_right=right, limit=office.settings.code_tries, at=at)
        if isinstance(outcome, Redeemed):
            return await _hand_over(tx, office, outcome, at)
        if isinstance(outcome, Locked):
            await invitations.end(tx, outcome.id, InvitationState.LOCKED)
            await documents.note(tx, outcome.document, Event(at=at, kind="locked", actor=SERVICE, reason="", copies=0))
        return None

    pair = await office.storage.write(unit, point="redeem")
    if pair is None:
        raise InvalidGrant("the collection code is not right", where="tx_code")
    return _answer(office, pair)


async def _hand_over(tx: Tx, office: Office, redeemed: Redeemed, at: int) -> _Pair:
    document = await documents.get(tx, redeemed.document)
    if document.standing is not Standing.IN_FORCE:
        raise InvalidGrant("the office has cancelled this document or put it on hold", where="pre-authorized_code")
    renewable = keeps_after_collection(office.type(document.type))
    pair = _pair(office, at, renewable=renewable)
    end = pair.tokens.refresh_until if renewable else pair.tokens.access_until
    await invitations.end(tx, redeemed.id, InvitationState.REDEEMED)
    await invitations.entitle(tx, entitlement=office.secret(16), document=document.id, expires_at=end, tokens=pair.tokens)
    if not renewable:  # details go as soon as the wallet has had its time to fetch each format
        await documents.keep_no_longer_than(tx, document.id, pair.tokens.access_until)
    return pair


async def _refresh(office: Office, request: RefreshRequest) -> TokenResponse:
    """A new pair for a refresh token, once. Somebody using an old one ends all tokens of its family: one of the two is a thief."""
    at = office.clock()
    pair = _pair(office, at, renewable=True)

    async def unit(tx: Tx) -> bool:
        spent = await invitations.spend_refresh(tx, digest("refresh", request.refresh_token), at)
        if spent is None:
            return False
        if spent.reused:
            await documents.note(tx, spent.document, Event(at=at, kind="reuse-stopped", actor=SERVICE, reason="", copies=0))
            return False
        await invitations.add_tokens(tx, spent.entitlement, pair.tokens)
        await invitations.prolong(tx, spent.entitlement, pair.tokens.refresh_until)
        return True

    if not await office.storage.write(unit, point="refresh"):
        raise InvalidGrant("this refresh token is not, or no longer, good", where="refresh_token")
    return _answer(office, pair)


async def fresh_nonce(office: Office) -> str:
    """A nonce that needs no row until it is used: random bytes and an end, under the office's MAC."""
    body = office.entropy(_NONCE_BYTES) + (office.clock() + office.settings.nonce_seconds).to_bytes(5, "big")
    return base64url.encode(body + await _tag(office, body))


async def check_nonce(office: Office, nonce: str, at: int) -> int:
    """When a nonce of ours ends; ``InvalidNonce`` if it is not ours or over. That it is used once is the unit of work's business."""
    try:
        raw = base64url.decode(nonce)
    except Malformed as error:
        raise InvalidNonce("this is not a nonce of this office") from error
    body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
    if len(body) != _NONCE_BYTES + 5 or not hmac.compare_digest(tag, await _tag(office, body)):
        raise InvalidNonce("this is not a nonce of this office")
    end = int.from_bytes(body[_NONCE_BYTES:], "big")
    if at >= end:
        raise InvalidNonce("this nonce has had its time")
    return end


async def _tag(office: Office, body: bytes) -> bytes:
    return (await office.custodian.mac(REFERENCES, b"nonce\0" + body))[:_TAG_BYTES]


def bearer(header: str | None) -> bytes:
    """The digest of the access token in an ``Authorization`` header; ``InvalidToken`` without one (RFC 6750 section 2.1)."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise InvalidToken("an access token is needed")
    return digest("access", value.strip())
