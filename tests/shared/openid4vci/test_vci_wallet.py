from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.forge import HOLDER, issue
from support.signing import AT, Signer

from shared.errors import (
    AccessDenied,
    InvalidEncryptionParameters,
    InvalidGrant,
    InvalidNonce,
    InvalidToken,
    InvalidTransactionId,
    Malformed,
    NotBound,
    Refused,
    Unavailable,
    VcError,
)
from shared.flow import Fetch, Fetched, run
from shared.jose.jwe import generate_ephemeral, public_half
from shared.jose.jwk import render_jwk
from shared.jose.jws import prepare_jws
from shared.keys import KeyId, PublicKey
from shared.openid4vci import (
    PRE_AUTHORIZED,
    AsMetadata,
    AttestedKeys,
    AuthorizationCodeGrant,
    AuthorizationDetail,
    Configuration,
    CredentialOffer,
    CredentialRequest,
    CredentialResponse,
    Encryption,
    Event,
    IssuerMetadata,
    Metadata,
    NotificationRequest,
    PreAuthorizedGrant,
    PreAuthorizedRequest,
    Proofs,
    RefreshRequest,
    RequestEncryption,
    ResponseEncryption,
    TokenResponse,
    TxCode,
    ask_copies,
    credential_request,
    fetch_metadata,
    fresh_nonce,
    identifiers_of,
    match_copies,
    notify,
    obtain,
    offer_links,
    offer_metadata,
    open_message,
    parse_credential_request,
    parse_deferred_request,
    parse_token_request,
    redeem,
    refresh,
    render_as_metadata,
    render_issuer_metadata,
    render_offer,
    request_credentials,
    request_deferred,
    resolve_offer,
    seal_message,
)
from shared.openid4vci import OfferReference as Reference

ISSUER = "https://opg.example/lpa"
SERVER = "https://as.example"
LPA = Configuration(id="lpa", format="dc+sd-jwt", vct="urn:poa", binding_methods=("jwk",), proof_algs=("ES256",))
ABOUT = IssuerMetadata(
    issuer=ISSUER,
    credential_endpoint=f"{ISSUER}/credential",
    nonce_endpoint=f"{ISSUER}/nonce",
    notification_endpoint=f"{ISSUER}/notification",
    authorization_servers=(SERVER,),
    batch_size=20,
    configurations={"lpa": LPA},
)
METADATA = Metadata(ABOUT, AsMetadata(issuer=SERVER, token_endpoint=f"{SERVER}/token"))
OFFER = CredentialOffer(issuer=ISSUER, configuration_ids=("lpa",), pre_authorized=PreAuthorizedGrant(code="c", tx_code=TxCode(length=6)))
TOKEN = TokenResponse(access_token="t")


def as_json(members: Any, status: int = 200) -> Fetched:
    return Fetched(status=status, headers={"content-type": "application/json; charset=utf-8"}, body=json.dumps(members).encode())


class World:
    """Answers by address, and remembers what was asked."""

    def __init__(self, **answers: Fetched | Sequence[Fetched]) -> None:
        self.answers: dict[str, list[Fetched]] = {}
        self.asked: list[Fetch] = []
        self.set(**answers)

    def set(self, **answers: Fetched | Sequence[Fetched]) -> None:
        for name, answer in answers.items():
            self.answers[name] = [answer] if isinstance(answer, Fetched) else list(answer)

    def __call__(self, fetch: Fetch) -> Fetched:
        self.asked.append(fetch)
        waiting = self.answers[fetch.url.rpartition("/")[2]]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    async def fetch(self, fetch: Fetch) -> Fetched:
        return self(fetch)


def documents(about: IssuerMetadata = ABOUT, *servers: AsMetadata) -> dict[str, Fetched]:
    world = {f"https://opg.example/.well-known/openid-credential-issuer/{'lpa'}": as_json(render_issuer_metadata(about))}
    for server in servers or (METADATA.server,):
        world[f"{server.issuer}/.well-known/oauth-authorization-server"] = as_json(render_as_metadata(server))
    return world


def test_an_offer_in_a_link_needs_no_fetch() -> None:
    assert run(resolve_offer(offer_links(OFFER, "https://wallet.example/offer").https), World()) == OFFER


def test_an_offer_by_reference_is_fetched_as_json() -> None:
    world = World(o7=as_json(render_offer(OFFER)))
    assert run(resolve_offer(offer_links(Reference(f"{ISSUER}/o7"), "https://wallet.example/offer").scheme), world) == OFFER
    assert (world.asked[0].method, world.asked[0].headers["accept"]) == ("GET", "application/json")


@pytest.mark.parametrize(
    ("got", "kind"),
    [
        (Fetched(status=404), Refused),
        (Fetched(status=302, headers={"location": "https://evil.example"}), Refused),
        (Fetched(status=503), Unavailable),
        (Fetched(status=200, headers={"content-type": "application/jwt"}, body=b"e30.e30."), Malformed),
        (Fetched(status=200, headers={"content-type": "text/html"}, body=b"{}"), Malformed),
    ],
)
def test_an_offer_that_does_not_come_as_json_is_refused(got: Fetched, kind: type[VcError]) -> None:
    with pytest.raises(kind):
        run(resolve_offer(offer_links(Reference(f"{ISSUER}/o7"), "https://w.example").scheme), World(o7=got))


def test_metadata_come_from_the_inserted_well_known_addresses() -> None:
    world = documents()
    asked: list[str] = []

    def answer(fetch: Fetch) -> Fetched:
        asked.append(fetch.url)
        return world[fetch.url]

    assert run(fetch_metadata(ISSUER), answer) == METADATA
    assert asked == list(world)


def test_an_issuer_without_servers_is_its_own() -> None:
    about = IssuerMetadata(issuer=ISSUER, credential_endpoint=f"{ISSUER}/credential", configurations={"lpa": LPA})
    own = AsMetadata(issuer=ISSUER, token_endpoint=f"{ISSUER}/token", grant_types=("authorization_code",))
    world = {
        "https://opg.example/.well-known/openid-credential-issuer/lpa": as_json(render_issuer_metadata(about)),
        "https://opg.example/.well-known/oauth-authorization-server/lpa": as_json(render_as_metadata(own)),
    }
    assert run(fetch_metadata(ISSUER), lambda fetch: world[fetch.url]).server == own


SECOND = AsMetadata(issuer="https://two.example", token_endpoint="https://two.example/token")
SIGN_IN = AsMetadata(issuer=SERVER, token_endpoint=f"{SERVER}/token", grant_types=("authorization_code",))
TWO = IssuerMetadata(
    issuer=ISSUER, credential_endpoint=f"{ISSUER}/credential", authorization_servers=(SERVER, SECOND.issuer), configurations={"lpa": LPA}
)


def test_of_several_servers_the_first_that_takes_codes_is_used() -> None:
    world = documents(TWO, SIGN_IN, SECOND)
    assert run(fetch_metadata(ISSUER), lambda fetch: world[fetch.url]).server == SECOND


def test_an_offer_names_one_of_the_issuers_servers_or_is_refused() -> None:
    world = documents(TWO, METADATA.server, SECOND)
    found = run(fetch_metadata(ISSUER, authorization_server=SECOND.issuer), lambda fetch: world[fetch.url])
    assert found.server == SECOND
    with pytest.raises(Malformed) as caught:
        run(fetch_metadata(ISSUER, authorization_server="https://evil.example"), lambda fetch: world[fetch.url])
    assert caught.value.where == f"/grants/{PRE_AUTHORIZED}/authorization_server"


def test_servers_that_all_want_a_sign_in_are_refused() -> None:
    other = AsMetadata(issuer=SECOND.issuer, token_endpoint=SECOND.token_endpoint, grant_types=("authorization_code",))
    world = documents(TWO, SIGN_IN, other)
    with pytest.raises(Refused):
        run(fetch_metadata(ISSUER), lambda fetch: world[fetch.url])


def test_an_offer_leads_to_metadata_that_know_what_is_offered() -> None:
    world = documents()
    assert run(offer_metadata(OFFER), lambda fetch: world[fetch.url]) == METADATA
    other = CredentialOffer(issuer=ISSUER, configuration_ids=("lpa", "x"), pre_authorized=OFFER.pre_authorized)
    with pytest.raises(Malformed) as caught:
        run(offer_metadata(other), lambda fetch: world[fetch.url])
    assert caught.value.where == "/credential_configuration_ids/1"


@pytest.mark.parametrize("grant", [AuthorizationCodeGrant(), None])
def test_an_offer_without_a_code_leads_to_the_server_that_signs_in(grant: AuthorizationCodeGrant | None) -> None:
    offer = CredentialOffer(issuer=ISSUER, configuration_ids=("lpa",), authorization_code=grant)
    world = documents(TWO, SECOND, SIGN_IN)
    assert run(offer_metadata(offer), lambda fetch: world[fetch.url]).server == SIGN_IN
    with pytest.raises(Refused):
        run(redeem(METADATA, offer), World())


def test_a_sign_in_is_at_one_of_the_issuers_servers_or_refused() -> None:
    grant = AuthorizationCodeGrant(authorization_server="https://evil.example")
    world = documents(TWO, METADATA.server, SECOND)
    with pytest.raises(Malformed) as caught:
        run(
            offer_metadata(CredentialOffer(issuer=ISSUER, configuration_ids=("lpa",), authorization_code=grant)),
            lambda each: world[each.url],
        )
    assert caught.value.where == "/grants/authorization_code/authorization_server"


def test_a_code_is_redeemed_with_the_collection_code() -> None:
    world = World(token=as_json({"access_token": "t", "token_type": "Bearer"}))
    assert run(redeem(METADATA, OFFER, tx_code="493536"), world) == TOKEN
    [asked] = world.asked
    assert (asked.url, asked.method) == (f"{SERVER}/token", "POST")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_token_request(asked.body or b"") == PreAuthorizedRequest(code="c", tx_code="493536")


def test_a_collection_code_goes_along_if_and_only_if_it_is_asked_for() -> None:
    with pytest.raises(Refused):
        run(redeem(METADATA, OFFER), World())
    plain = CredentialOffer(issuer=ISSUER, configuration_ids=("lpa",), pre_authorized=PreAuthorizedGrant(code="c"))
    with pytest.raises(Refused):
        run(redeem(METADATA, plain, tx_code="1"), World())


def test_a_refused_code_keeps_its_class() -> None:
    with pytest.raises(InvalidGrant):
        run(redeem(METADATA, OFFER, tx_code="1"), World(token=as_json({"error": "invalid_grant"}, 400)))


def test_a_token_is_refreshed() -> None:
    world = World(token=as_json({"access_token": "t", "token_type": "Bearer"}))
    assert run(refresh(METADATA, "r", client_id="w"), world) == TOKEN
    assert parse_token_request(world.asked[0].body or b"") == RefreshRequest(refresh_token="r", client_id="w")


def test_a_nonce_is_fetched_where_the_issuer_wants_one() -> None:
    world = World(nonce=as_json({"c_nonce": "n"}))
    assert run(fresh_nonce(METADATA), world) == "n"
    assert (world.asked[0].method, world.asked[0].body) == ("POST", b"")
    without = Metadata(IssuerMetadata(issuer=ISSUER, credential_endpoint="", configurations={}), METADATA.server)
    assert run(fresh_nonce(without), World()) is None


def test_identifiers_are_used_if_and_only_if_the_token_names_them() -> None:
    assert credential_request(LPA, TOKEN, ["p"]).configuration_id == "lpa"
    named = TokenResponse(access_token="t", details=(AuthorizationDetail(configuration_id="lpa", identifiers=("lpa-1", "lpa-2")),))
    request = credential_request(LPA, named, ["p"])
    assert (request.identifier, request.configuration_id) == ("lpa-1", None)
    other = TokenResponse(access_token="t", details=(AuthorizationDetail(configuration_id="x", identifiers=("x-1",)),))
    assert credential_request(LPA, other, ["p"]).configuration_id == "lpa"


COPIES = as_json({"credentials": [{"credential": "a~"}], "notification_id": "n"})
FORGOTTEN = as_json({"error": "invalid_nonce"}, 400)


async def get(world: World) -> tuple[CredentialResponse, list[str | None]]:
    proved: list[str | None] = []

    async def prove(nonce: str | None) -> Sequence[str]:
        proved.append(nonce)
        return [f"proof-{nonce}"]

    return await obtain(METADATA, TOKEN, LPA, prove=prove, fetch=world.fetch), proved


async def test_copies_are_obtained_with_a_fresh_nonce() -> None:
    world = World(nonce=as_json({"c_nonce": "n1"}), credential=COPIES)
    response, proved = await get(world)
    assert response == CredentialResponse(credentials=("a~",), notification_id="n")
    assert proved == ["n1"]
    assert world.asked[1].headers["authorization"] == "Bearer t"
    assert json.loads(world.asked[1].body or b"") == {"credential_configuration_id": "lpa", "proofs": {"jwt": ["proof-n1"]}}


async def test_a_forgotten_nonce_is_replaced_once() -> None:
    nonces = [as_json({"c_nonce": name}) for name in ("n1", "n2", "n3")]
    response, proved = await get(World(nonce=nonces, credential=[FORGOTTEN, COPIES]))
    assert response.credentials == ("a~",)
    assert proved == ["n1", "n2"]
    with pytest.raises(InvalidNonce):
        await get(World(nonce=nonces, credential=FORGOTTEN))


async def test_copies_that_are_not_ready_are_unavailable_until_the_interval_has_passed() -> None:
    with pytest.raises(Unavailable) as caught:
        await get(World(nonce=as_json({"c_nonce": "n"}), credential=as_json({"transaction_id": "t", "interval": 99}, 202)))
    assert caught.value.retry_after == 99


async def test_a_transaction_may_be_kept_for_later() -> None:
    world = World(nonce=as_json({"c_nonce": "n"}), credential=as_json({"transaction_id": "t", "interval": 99}, 202))
    response = await ask_copies(METADATA, TOKEN, LPA, prove=lambda _: later(["p"]), fetch=world.fetch)
    assert response == CredentialResponse(transaction_id="t", interval=99)


async def later(proofs: Proofs) -> Proofs:
    return proofs


def test_one_of_several_documents_is_named() -> None:
    named = TokenResponse(access_token="t", details=(AuthorizationDetail(configuration_id="lpa", identifiers=("lpa-1", "lpa-2")),))
    assert identifiers_of(LPA, named) == ("lpa-1", "lpa-2")
    assert credential_request(LPA, named, AttestedKeys("a.b.c"), identifier="lpa-2") == CredentialRequest(
        identifier="lpa-2", attestation="a.b.c"
    )
    with pytest.raises(Refused):
        credential_request(LPA, named, ["p"], identifier="lpa-3")


DEFERRING = Metadata(replace(ABOUT, deferred_endpoint=f"{ISSUER}/deferred"), METADATA.server)


def test_a_document_is_collected_later() -> None:
    world = World(deferred=[as_json({"transaction_id": "t", "interval": 5}, 202), COPIES])
    assert run(request_deferred(DEFERRING, TOKEN, "t"), world) == CredentialResponse(transaction_id="t", interval=5)
    assert run(request_deferred(DEFERRING, TOKEN, "t"), world).credentials == ("a~",)
    assert json.loads(world.asked[0].body or b"") == {"transaction_id": "t"}
    assert world.asked[0].headers["authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("got", "kind"),
    [
        (as_json({"error": "invalid_transaction_id"}, 400), InvalidTransactionId),
        (as_json({"transaction_id": "other", "interval": 5}, 202), Malformed),
        (as_json({"transaction_id": "t", "interval": 5}, 200), Malformed),
        (as_json({"credentials": [{"credential": "a~"}]}, 202), Malformed),
    ],
)
def test_another_answer_to_a_deferred_request_is_refused(got: Fetched, kind: type[VcError]) -> None:
    with pytest.raises(kind):
        run(request_deferred(DEFERRING, TOKEN, "t"), World(deferred=got))


def test_an_issuer_that_defers_nothing_is_not_asked_later() -> None:
    with pytest.raises(Refused):
        run(request_deferred(METADATA, TOKEN, "t"), World())


# --- encrypted ---------------------------------------------------------------------------------------------------------------------------

PRIVATE = generate_ephemeral()


def encrypting(*, ask: bool | None, answer: bool | None) -> Metadata:
    """What an issuer demands (``True``), offers (``False``) or does not know (``None``)."""
    requests = None if ask is None else RequestEncryption(keys=(public_half(PRIVATE),), required=ask)
    answers = None if answer is None else ResponseEncryption(required=answer)
    return Metadata(replace(DEFERRING.issuer, request_encryption=requests, response_encryption=answers), METADATA.server)


class Sealing:
    """An issuer's credential endpoint that reads and writes encrypted messages; ``asked`` and ``encryption`` are what it read."""

    def __init__(self, **bend: Any) -> None:
        self.bend = bend
        self.encryption: Encryption | None = None
        self.encrypted = False

    def __call__(self, want: Fetch) -> Fetched:
        opened = open_message(want.body or b"", want.headers["content-type"], (PRIVATE,))
        self.encrypted = opened.encrypted
        parse = parse_deferred_request if want.url.endswith("deferred") else parse_credential_request
        self.encryption = self.bend.get("encryption", parse(opened.data).encryption)
        body, kind = seal_message({"credentials": [{"credential": "a~"}]}, self.encryption)
        return Fetched(status=self.bend.get("status", 200), headers={"content-type": self.bend.get("kind", kind)}, body=body)


def ask(metadata: Metadata, issuer: Sealing, *, encrypted: bool = False, deferred: bool = False) -> CredentialResponse:
    if deferred:
        return run(request_deferred(metadata, TOKEN, "t", encrypted=encrypted), issuer)
    return run(request_credentials(metadata, TOKEN, credential_request(LPA, TOKEN, ["p"]), encrypted=encrypted), issuer)


@pytest.mark.parametrize("deferred", [True, False])
@pytest.mark.parametrize(
    ("metadata", "wanted", "request_is", "answer_is"),
    [
        (encrypting(ask=None, answer=None), True, False, False),
        (encrypting(ask=False, answer=False), False, False, False),
        (encrypting(ask=False, answer=False), True, True, True),
        (encrypting(ask=True, answer=None), False, True, False),
        (encrypting(ask=True, answer=True), False, True, True),
        (encrypting(ask=False, answer=True), False, True, True),
    ],
)
def test_messages_are_encrypted_as_the_issuer_demands_or_we_wish(
    metadata: Metadata, wanted: bool, request_is: bool, answer_is: bool, deferred: bool
) -> None:
    issuer = Sealing()
    assert ask(metadata, issuer, encrypted=wanted, deferred=deferred).credentials == ("a~",)
    assert (issuer.encrypted, issuer.encryption is not None) == (request_is, answer_is)


def test_every_answer_has_a_key_of_its_own() -> None:
    first, second = Sealing(), Sealing()
    for issuer in (first, second):
        ask(encrypting(ask=True, answer=True), issuer)
    assert first.encryption is not None
    assert second.encryption is not None
    assert first.encryption.jwk["kid"] != second.encryption.jwk["kid"]


@pytest.mark.parametrize(
    ("bend", "kind"),
    [
        ({"encryption": None}, Malformed),
        ({"kind": "application/json"}, Malformed),
        ({"status": 400}, Refused),
        ({"encryption": Encryption(public_half(PRIVATE), "A128GCM")}, InvalidEncryptionParameters),
    ],
)
def test_an_answer_that_is_not_encrypted_for_us_is_refused(bend: dict[str, Any], kind: type[VcError]) -> None:
    with pytest.raises(kind):
        ask(encrypting(ask=True, answer=True), Sealing(**bend))


def test_a_key_for_the_answer_never_travels_in_clear() -> None:
    with pytest.raises(Refused):
        ask(encrypting(ask=None, answer=True), Sealing())


def test_an_encrypted_answer_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(Malformed):
        ask(encrypting(ask=False, answer=False), Sealing(encryption=Encryption(public_half(PRIVATE), "A128GCM")))


@pytest.mark.parametrize(
    ("got", "kind"),
    [
        (as_json({"error": "invalid_token"}, 401), InvalidToken),
        (as_json({"error": "access_denied"}, 403), AccessDenied),
        (as_json({}), Malformed),
    ],
)
async def test_other_refusals_are_not_tried_again(got: Fetched, kind: type[VcError]) -> None:
    world = World(nonce=as_json({"c_nonce": "n"}), credential=got)
    with pytest.raises(kind):
        await get(world)
    assert len(world.asked) == 2


NOTICE = NotificationRequest(notification_id="n", event=Event.ACCEPTED)


@pytest.mark.parametrize("status", [200, 204])
def test_the_issuer_hears_what_became_of_the_copies(status: int) -> None:
    world = World(notification=Fetched(status=status))
    run(notify(METADATA, TOKEN, NOTICE), world)
    assert json.loads(world.asked[0].body or b"") == {"notification_id": "n", "event": "credential_accepted"}


def test_an_issuer_that_does_not_listen_hears_nothing() -> None:
    about = IssuerMetadata(issuer=ISSUER, credential_endpoint="", configurations={})
    run(notify(Metadata(about, METADATA.server), TOKEN, NOTICE), World())


def test_a_notification_that_is_refused_is_told() -> None:
    with pytest.raises(Refused):
        run(notify(METADATA, TOKEN, NOTICE), World(notification=as_json({"error": "invalid_notification_id"}, 400)))


ISSUING = Signer.new()


def copy(holder: PublicKey | None, *, kb: bool = False, **members: Any) -> str:
    payload = {"vct": "urn:poa", "iss": ISSUER, "iat": AT, **members}
    if holder is not None:
        payload["cnf"] = {"jwk": render_jwk(holder)}
    wire = ISSUING.finish(prepare_jws(typ="dc+sd-jwt", payload=json.dumps(payload).encode(), key=KeyId("issuer"))) + "~"
    if kb:
        wire += ISSUING.finish(prepare_jws(typ="kb+jwt", payload=b'{"iat":1,"aud":"a","nonce":"n","sd_hash":"h"}', key=KeyId("issuer")))
    return wire


KEYS = {KeyId(name): Signer.new().public for name in ("k1", "k2", "k3")}


def match(*wires: str) -> tuple[dict[KeyId, str], tuple[str, ...]]:
    bound, bearer = match_copies(CredentialResponse(credentials=wires), KEYS, format_name="dc+sd-jwt")
    return {key: parsed.wire for key, parsed in bound.items()}, tuple(parsed.wire for parsed in bearer)


def test_copies_are_matched_to_their_keys_in_any_order() -> None:
    one, two = copy(KEYS[KeyId("k1")]), copy(KEYS[KeyId("k3")])
    assert match(two, one) == ({KeyId("k3"): two, KeyId("k1"): one}, ())


def test_a_copy_without_a_key_is_set_apart() -> None:
    assert match(bearer := copy(None)) == ({}, (bearer,))


def test_a_copy_for_a_strangers_key_is_refused() -> None:
    with pytest.raises(NotBound) as caught:
        match(copy(KEYS[KeyId("k1")]), copy(Signer.new().public))
    assert caught.value.where == "/credentials/1/credential"


def test_two_copies_for_one_key_are_refused() -> None:
    with pytest.raises(NotBound):
        match(copy(KEYS[KeyId("k1")]), copy(KEYS[KeyId("k1")], x=1))


def test_a_copy_that_comes_with_a_holders_signature_is_refused() -> None:
    with pytest.raises(Malformed):
        match(copy(KEYS[KeyId("k1")], kb=True))


@pytest.mark.parametrize("wire", ["x", "a.b.c~"])
def test_a_copy_that_cannot_be_read_is_pointed_at(wire: str) -> None:
    with pytest.raises(Malformed) as caught:
        match(wire)
    assert caught.value.where.startswith("/credentials/0/credential")


def test_a_copy_with_a_broken_key_is_pointed_at() -> None:
    with pytest.raises(Malformed) as caught:
        match(copy(None, cnf={"jwk": {"kty": "EC"}}))
    assert caught.value.where.startswith("/credentials/0/credential/cnf")


def test_a_compact_copy_is_matched_by_its_cose_key() -> None:
    wire = issue("dc+sd-cwt")
    keys = {KeyId("other"): Signer.new().public, KeyId("mine"): HOLDER.public}
    bound, bearer = match_copies(CredentialResponse(credentials=(wire,)), keys, format_name="dc+sd-cwt")
    assert ({key: parsed.wire for key, parsed in bound.items()}, bearer) == ({KeyId("mine"): wire}, ())


def test_a_format_that_is_not_known_is_refused() -> None:
    with pytest.raises(Refused):
        match_copies(CredentialResponse(credentials=("a",)), KEYS, format_name="ldp_vc")
