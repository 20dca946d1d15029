"""The token endpoint: invitations, codes of a sign-in and refresh tokens against access tokens of five minutes (OpenID4VCI section 6)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from issuer.authorization import pushed, wanted_configurations
from issuer.claims import keeps_after_collection
from issuer.clients import ANONYMOUS, Access, Prover, no_client
from issuer.identifiers import ambiguous, asked_for, details_of
from issuer.offers import tx_code_mac
from issuer.office import Office, digest
from issuer.records import authorizations, documents, invitations
from issuer.records.authorizations import SignIn
from issuer.sessions import (
    SERVICE,
    Document,
    Event,
    InvitationState,
    Locked,
    Redeemed,
    Standing,
    check_code_presence,
    redeem,
)
from shared.clock import DAY
from shared.errors import InvalidClient, InvalidDpopProof, InvalidGrant, InvalidToken
from shared.oauth import check_pkce
from shared.openid4vci import (
    BEARER,
    DPOP,
    AuthorizationCodeRequest,
    AuthorizationDetail,
    PreAuthorizedRequest,
    RefreshRequest,
    TokenRequest,
    TokenResponse,
)
from shared.storage import Tx


async def token(office: Office, request: TokenRequest, prover: Prover = ANONYMOUS) -> TokenResponse:
    """Answer a token request. ``InvalidGrant`` and ``InvalidRequest`` as OpenID4VCI section 6.3 tells them apart, ``InvalidClient``."""
    if prover.client is not None and request.client_id not in (None, prover.client_id):
        raise InvalidClient("the request names another client than the one that proved itself", where="client_id")
    if isinstance(request, RefreshRequest):
        return await _refresh(office, request, prover)
    if isinstance(request, AuthorizationCodeRequest):
        return await _change(office, request, prover)
    if prover.client is None and not office.settings.anonymous_wallets:
        raise no_client()
    return await _redeem(office, request, prover)


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


def _answer(office: Office, pair: _Pair, prover: Prover, details: Sequence[AuthorizationDetail]) -> TokenResponse:
    return TokenResponse(
        access_token=pair.access,
        token_type=BEARER if prover.jkt is None else DPOP,
        expires_in=office.settings.access_seconds,
        refresh_token=None if pair.tokens.refresh is None else pair.refresh,
        details=tuple(details),
    )


async def _redeem(office: Office, request: PreAuthorizedRequest, prover: Prover) -> TokenResponse:
    """One try at an invitation. The count of tries is committed whether the code is right or not."""
    at, code = office.clock(), digest("code", request.code)
    found = await office.storage.read(lambda tx: invitations.by_code(tx, code))
    if found is None:
        raise InvalidGrant("this invitation does not exist", where="pre-authorized_code")
    check_code_presence(found, sent=request.tx_code is not None)
    tried = None if request.tx_code is None else await tx_code_mac(office, found.document, request.tx_code)

    async def unit(tx: Tx) -> TokenResponse | None:
        counted = await invitations.count_try(tx, code, limit=office.settings.code_tries, at=at)
        if counted is None:
            raise InvalidGrant("this invitation can no longer be used", where="pre-authorized_code")
        invitation, expected = counted
        right = expected is None or (tried is not None and hmac.compare_digest(expected, tried))
        outcome = redeem(invitation, code_is_right=right, limit=office.settings.code_tries, at=at)
        if isinstance(outcome, Redeemed):
            return await _hand_over(tx, office, outcome, request=request, prover=prover, at=at)
        if isinstance(outcome, Locked):
            await invitations.end(tx, outcome.id, InvitationState.LOCKED)
            await documents.note(tx, outcome.document, Event(at=at, kind="locked", actor=SERVICE, reason="", copies=0))
        return None

    answer = await office.storage.write(unit, point="redeem")
    if answer is None:
        raise InvalidGrant("the collection code is not right", where="tx_code")
    return answer


async def _hand_over(
    tx: Tx, office: Office, redeemed: Redeemed, *, request: PreAuthorizedRequest, prover: Prover, at: int
) -> TokenResponse:
    document = await documents.get(tx, redeemed.document)
    if document.standing is not Standing.IN_FORCE:
        raise InvalidGrant("the office has cancelled this document or put it on hold", where="pre-authorized_code")
    asked = asked_for(office, request.details, office.configurations_of(document.type))
    await invitations.end(tx, redeemed.id, InvitationState.REDEEMED)
    _, answer = await _entitle(tx, office, prover, [document], asked, named=bool(asked), at=at)
    return answer


async def _entitle(
    tx: Tx, office: Office, prover: Prover, given: Sequence[Document], configurations: Sequence[str], *, named: bool, at: int
) -> tuple[str, TokenResponse]:
    """The first pair of tokens for documents that somebody has a right to, and the name of their family."""
    kept = {each.id: keeps_after_collection(office.type(each.type)) for each in given}
    waits = any(not each.cleared for each in given)  # and may do so longer than an access token lives
    pair = _pair(office, at, renewable=waits or any(kept.values()))
    entitlement = invitations.Entitlement(
        id=office.secret(16),
        documents=tuple(kept),
        client=prover.client_id,
        instance=prover.instance,
        jkt=prover.jkt,
        configurations=configurations,
        named=named,
    )
    end = pair.tokens.access_until if pair.tokens.refresh is None else pair.tokens.refresh_until
    await invitations.entitle(tx, entitlement, expires_at=end, tokens=pair.tokens)
    for each in given:
        if not kept[each.id] and each.cleared:  # details go when the wallet has had its time to fetch each format
            await documents.keep_no_longer_than(tx, each.id, pair.tokens.access_until)
    return entitlement.id, _answer(office, pair, prover, await _details(tx, office, entitlement))


async def _details(tx: Tx, office: Office, entitlement: invitations.Entitlement) -> tuple[AuthorizationDetail, ...]:
    if not entitlement.named:
        return ()
    return details_of(office, entitlement.configurations, await invitations.held(tx, entitlement.id))


# --- codes of a sign-in ----------------------------------------------------------------------------------------------------------------


async def _change(office: Office, request: AuthorizationCodeRequest, prover: Prover) -> TokenResponse:
    """Tokens for the code of a sign-in, once. Whoever comes with it a second time ends what the first one got (RFC 6749 section 4.1.2)."""
    if prover.client is None:
        raise no_client()
    if prover.jkt is None:
        raise InvalidDpopProof("tokens are tied to a key here: a DPoP proof is needed")
    at, code = office.clock(), digest("authorization code", request.code)

    async def unit(tx: Tx) -> TokenResponse | None:
        found = await authorizations.by_code(tx, code)
        if found is not None and found.entitlement is not None:
            await _end_family(tx, found.entitlement, at)
            return None
        if found is None or found.until <= at:
            return None
        return await _exchange(tx, office, found, request=request, prover=prover, at=at)

    answer = await office.storage.write(unit, point="change-code")
    if answer is None:
        raise InvalidGrant("this code does not exist, was used already, or has lapsed", where="code")
    return answer


async def _end_family(tx: Tx, entitlement: str, at: int) -> None:
    document = await invitations.end_family(tx, entitlement)
    if document is not None:
        await documents.note(tx, document, Event(at=at, kind="reuse-stopped", actor=SERVICE, reason="", copies=0))


async def _exchange(tx: Tx, office: Office, found: SignIn, *, request: AuthorizationCodeRequest, prover: Prover, at: int) -> TokenResponse:
    asked = pushed(found)
    if (found.asker.client, found.asker.instance) != (prover.client_id, prover.instance):
        raise InvalidGrant("this code was given to another wallet", where="code")
    if found.asker.jkt not in (None, prover.jkt):
        raise InvalidGrant("this code is tied to another key", where="code")
    if request.redirect_uri != asked.redirect_uri:
        raise InvalidGrant("this code was sent to another address", where="redirect_uri")
    check_pkce(request.code_verifier, asked.code_challenge)
    allowed = wanted_configurations(office, asked)
    configurations = asked_for(office, request.details, allowed) or allowed
    given = [await documents.get(tx, number) for number in found.documents]
    given = [each for each in given if each.standing is Standing.IN_FORCE]
    if not given:
        raise InvalidGrant("the office has cancelled this document or put it on hold", where="code")
    held = [invitations.Held(place=place, document=each.id, type=each.type) for place, each in enumerate(given)]
    named = bool(asked.details or request.details) or ambiguous((office.configurations[name] for name in configurations), held)
    entitlement, answer = await _entitle(tx, office, prover, given, configurations, named=named, at=at)
    await authorizations.redeem(tx, found.id, entitlement, expires_at=at + office.settings.refresh_days * DAY)
    return answer


# --- refresh tokens --------------------------------------------------------------------------------------------------------------------


async def _refresh(office: Office, request: RefreshRequest, prover: Prover) -> TokenResponse:
    """A new access token for a refresh token.

    One that is tied to a key and an attested wallet is of no use to a thief and stays as it is, so that a lost answer costs nobody anything
    (FAPI 2.0 section 5.3.2.1, item 9). Any other brings the next one. Where it is tied to a key it serves until that one was used, for a wallet
    may have died before it could write that down; else it serves once. Somebody using an old one ends all tokens of its family: one of the
    two is a thief.
    """
    at, shown = office.clock(), digest("refresh", request.refresh_token)

    async def unit(tx: Tx) -> TokenResponse | None:
        found = await invitations.by_refresh(tx, shown, at)
        if found is None:
            return None
        _check_owner(found.entitlement, prover)
        if found.used:
            await _end_family(tx, found.entitlement.id, at)
            return None
        bound = found.entitlement.client is not None and found.entitlement.jkt is not None
        pair = _pair(office, at, renewable=not bound)
        if bound:
            await invitations.prolong_refresh(tx, shown, pair.tokens.refresh_until)
        else:
            again = found.entitlement.jkt is not None
            await invitations.spend_refresh(tx, shown, found.entitlement.id, again=again)
        await invitations.tie(tx, found.entitlement.id, client=prover.client_id, instance=prover.instance, jkt=prover.jkt)
        await invitations.add_tokens(tx, found.entitlement.id, pair.tokens)
        await invitations.prolong(tx, found.entitlement.id, pair.tokens.refresh_until)
        return _answer(office, pair, prover, await _details(tx, office, found.entitlement))

    answer = await office.storage.write(unit, point="refresh")
    if answer is None:
        raise InvalidGrant("this refresh token is not, or no longer, good", where="refresh_token")
    return answer


def _check_owner(entitlement: invitations.Entitlement, prover: Prover) -> None:
    """A refresh token serves the wallet and the key that it was given to, and nobody else (RFC 9449 section 5).

    One that was given to nobody in particular is tied to whoever proves more from then on.
    """
    if entitlement.client is not None and prover.client is None:
        raise no_client()
    if entitlement.client is not None and (entitlement.client, entitlement.instance) != (prover.client_id, prover.instance):
        raise InvalidGrant("this refresh token was given to another wallet", where="refresh_token")
    if entitlement.jkt is not None and prover.jkt is None:
        raise InvalidDpopProof("this refresh token is tied to a key: a DPoP proof is needed")
    if entitlement.jkt not in (None, prover.jkt):
        raise InvalidGrant("this refresh token is tied to another key", where="refresh_token")


# --- access tokens ---------------------------------------------------------------------------------------------------------------------


def bearer(header: str | None) -> Access:
    """The access token in an ``Authorization`` header; ``InvalidToken`` without one (RFC 6750 section 2.1)."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise InvalidToken("an access token is needed")
    return Access(digest("access", value.strip()))
