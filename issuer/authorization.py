"""The authorization endpoint without its pages: a wallet pushes what it wants, a person signs in and agrees, the wallet gets a code.

    pushed   = await push(office, body, prover)              POST /par
    pending  = await begin(office, client_id, request_uri)   GET /authorize, once its person's browser is here
    pending  = await pending(office, id)                     on every page after that
    address  = await grant(office, id, numbers)              she has signed in, chosen and agreed
    address  = await deny(office, id, AccessDenied(…))       she has not

``address`` is where the browser goes. What the pages show comes from ``Pending``; that somebody may have these documents is for the
pages to know: ``grant`` believes them. Nobody is sent to an address that was not pushed by an attested wallet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from issuer.clients import Prover, no_client
from issuer.identifiers import asked_for
from issuer.office import Configuration, Office, digest
from issuer.records import authorizations, documents, invitations
from issuer.records.authorizations import Asker, SignIn, State
from issuer.sessions import Standing
from shared.errors import Conflict, InvalidDpopProof, InvalidRequest, InvalidScope, Malformed, VcError
from shared.oauth import (
    REQUEST_URI,
    AuthorizationRequest,
    PushedResponse,
    code_response_url,
    error_response_url,
    parse_pushed_request,
    render_pushed_request,
)
from shared.openid4vci import asked_details
from shared.storage import Tx

PUSHED_SECONDS = 90
CODE_SECONDS, LONGER_SECONDS = 60, 600
"""The life of a code; the longer one (RFC 6749, 4.1.2) where somebody took so long here that her wallet may have closed meanwhile."""
SLOW_SECONDS = 300
_MAX_DOCUMENTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A sign-in that waits for its person. ``name`` is what the wallet's maker calls it and ``provider`` that maker: shown, not believed.

    ``configurations`` are what it asks for; ``hint`` is the document that its invitation was about, which gives no right to it.
    ``redirect_uri`` is where the browser will be sent. It waits until ``expires_at``.
    """

    id: str
    client_id: str
    name: str
    provider: str
    configurations: tuple[Configuration, ...]
    hint: str | None
    redirect_uri: str
    expires_at: int

    @property
    def types(self) -> tuple[str, ...]:
        """The kinds of document that are asked for."""
        return tuple(dict.fromkeys(each.type.id for each in self.configurations))


async def push(office: Office, body: bytes, prover: Prover) -> PushedResponse:
    """Keep a request for 90 seconds (RFC 9126). ``InvalidClient`` without an attested wallet, and what is wrong with the request."""
    if prover.client is None:
        raise no_client()
    request = parse_pushed_request(body, client_id=prover.client.client_id)
    wanted_configurations(office, request)
    if request.resource not in (None, office.settings.public_url):
        raise InvalidRequest("there is no such resource here", where="resource")
    if prover.jkt is not None and request.dpop_jkt not in (None, prover.jkt):
        raise InvalidDpopProof("the proof is not by the key that the code is to be tied to", where="dpop_jkt")
    at, reference = office.clock(), office.secret()
    sign_in = SignIn(
        id=office.secret(16),
        asker=Asker(
            client=prover.client.client_id,
            name=prover.client.name or "",
            provider=prover.client.provider.subject,
            instance=prover.client.jkt,
            jkt=request.dpop_jkt or prover.jkt,
        ),
        request=render_pushed_request(request).decode(),
        state=State.PUSHED,
        until=at + PUSHED_SECONDS,
        reference_until=at + PUSHED_SECONDS,
        documents=(),
        entitlement=None,
    )
    mark = digest("request_uri", reference)
    await office.storage.write(lambda tx: authorizations.insert(tx, sign_in, reference=mark, expires_at=sign_in.until), point="push")
    return PushedResponse(request_uri=REQUEST_URI + reference, expires_in=PUSHED_SECONDS)


def wanted_configurations(office: Office, request: AuthorizationRequest) -> tuple[str, ...]:
    """By scopes, of which unknown ones are passed over, and by ``authorization_details``; ``InvalidScope`` where nothing is asked for."""
    scopes = [scope for scope in request.scope if scope in office.configurations]
    details = asked_for(office, asked_details(request.details), office.configurations)
    found = tuple(dict.fromkeys((*scopes, *details)))
    if not found:
        raise InvalidScope("no document of this office is asked for", where="scope")
    return found


async def begin(office: Office, client_id: str, request_uri: str) -> Pending:
    """Open what was pushed. May be repeated until somebody has answered, within the 90 seconds; ``InvalidRequest`` otherwise."""
    at, mark = office.clock(), digest("request_uri", request_uri.removeprefix(REQUEST_URI))
    if not request_uri.startswith(REQUEST_URI):
        raise InvalidRequest("requests are pushed here before anybody is sent", where="request_uri")
    until = at + office.settings.sign_in_minutes * 60

    async def unit(tx: Tx) -> Pending | None:
        found = await authorizations.begin(tx, mark, client_id, at=at, until=until)
        return None if found is None else await _pending(tx, office, found, at)

    opened = await office.storage.write(unit, point="begin")
    if opened is None:
        raise InvalidRequest("this sign-in does not exist, is over, or has lapsed: begin again in the wallet", where="request_uri")
    return opened


async def pending(office: Office, name: str) -> Pending:
    """The sign-in of that id while it waits; ``InvalidRequest`` once it does not."""
    at = office.clock()

    async def unit(tx: Tx) -> Pending:
        return await _pending(tx, office, await _open(tx, name, at), at)

    return await office.storage.read(unit)


async def grant(office: Office, name: str, numbers: Sequence[str], *, seen: Mapping[str, int] | None = None) -> str:
    """The address with a code for the documents ``numbers``, good once and for 60 seconds, or ten minutes where this took her five. ``seen``: the version of each that was shown.

    ``InvalidRequest`` where the sign-in is over, ``Conflict`` for a document that is not in force, with ``/version`` for one that was
    changed since it was shown, ``Malformed`` for one that was not asked for.
    """
    at, code = office.clock(), office.secret()
    if not 1 <= len(numbers) <= _MAX_DOCUMENTS or len(set(numbers)) != len(numbers):
        raise Malformed(f"1 to {_MAX_DOCUMENTS} documents are chosen, each once", where="/documents")

    async def unit(tx: Tx) -> SignIn:
        found = await _open(tx, name, at)
        types = (await _pending(tx, office, found, at)).types
        for number in numbers:
            document = await documents.get(tx, number)
            if document.type not in types:
                raise Malformed("this kind of document was not asked for", where="/documents")
            if document.standing is not Standing.IN_FORCE or not document.has_claims:
                raise Conflict("a document can be collected while it is in force and its details are held")
            if seen is not None and seen.get(number) != document.version:
                raise Conflict("this document was changed since it was shown", where="/version")
        life = CODE_SECONDS if at < found.reference_until - PUSHED_SECONDS + SLOW_SECONDS else LONGER_SECONDS
        await authorizations.grant(tx, name, numbers, code=digest("authorization code", code), until=at + life)
        return found

    request = pushed(await office.storage.write(unit, point="grant"))
    return code_response_url(request.redirect_uri, issuer=office.settings.public_url, state=request.state, code=code)


async def deny(office: Office, name: str, error: VcError) -> str:
    """The address with the error: ``AccessDenied`` if she said no, ``LoginRequired`` if she could not sign in. Then it is over."""
    at = office.clock()

    async def unit(tx: Tx) -> SignIn:
        found = await _open(tx, name, at)
        await authorizations.forget(tx, name)
        return found

    request = pushed(await office.storage.write(unit, point="deny"))
    return error_response_url(request.redirect_uri, issuer=office.settings.public_url, state=request.state, error=error)


def pushed(found: SignIn) -> AuthorizationRequest:
    """What the wallet had pushed."""
    return parse_pushed_request(found.request)


async def _open(tx: Tx, name: str, at: int) -> SignIn:
    found = await authorizations.open_one(tx, name, at=at)
    if found is None:
        raise InvalidRequest("this sign-in is over: begin again in the wallet")
    return found


async def _pending(tx: Tx, office: Office, found: SignIn, at: int) -> Pending:
    request = pushed(found)
    hint = None
    if request.issuer_state is not None:
        hint = await invitations.by_issuer_state(tx, digest("issuer state", request.issuer_state), at)
    return Pending(
        id=found.id,
        client_id=found.asker.client,
        name=found.asker.name,
        provider=found.asker.provider,
        configurations=tuple(office.configurations[name] for name in wanted_configurations(office, request)),
        hint=hint,
        redirect_uri=request.redirect_uri,
        expires_at=found.until,
    )
