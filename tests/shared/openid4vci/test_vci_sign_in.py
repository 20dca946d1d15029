from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared import errors
from shared.errors import Malformed, Refused, VcError
from shared.flow import Fetch, Fetched, run
from shared.oauth import (
    AuthorizationRequest,
    PushedResponse,
    challenge_of,
    code_response_url,
    parse_pushed_reference,
    parse_pushed_request,
    render_pushed_response,
)
from shared.openid4vci import (
    AsMetadata,
    AuthorizationCodeRequest,
    Configuration,
    IssuerMetadata,
    Metadata,
    SignIn,
    finish_sign_in,
    fresh_challenge,
    parse_token_request,
    prepare_sign_in,
    push,
    redeem_code,
    sign_in_url,
)

ISSUER = "https://opg.example/lpa"
SERVER = "https://as.example"
CALLBACK = "https://wallet.example/cb"
LPA = Configuration(id="lpa", format="dc+sd-jwt", vct="urn:poa", scope="poa", binding_methods=("jwk",), proof_algs=("ES256",))
MDOC = replace(LPA, id="lpa-mdoc", format="mso_mdoc", vct=None, doctype="poa")
PLAIN = replace(LPA, id="plain", scope=None)
AS = AsMetadata(
    issuer=SERVER,
    token_endpoint=f"{SERVER}/token",
    authorization_endpoint=f"{SERVER}/authorize",
    par_endpoint=f"{SERVER}/par",
    challenge_endpoint=f"{SERVER}/challenge",
    grant_types=("authorization_code",),
    pkce_methods=("S256",),
    detail_types=("openid_credential",),
    dpop_algs=("ES256",),
    names_itself=True,
)
ALONE = IssuerMetadata(issuer=ISSUER, credential_endpoint=f"{ISSUER}/credential", configurations={"lpa": LPA})
METADATA = Metadata(replace(ALONE, authorization_servers=(SERVER,)), AS)


def entropy(size: int) -> bytes:
    return bytes(range(size))


def prepared(*configurations: Configuration, metadata: Metadata = METADATA, **arguments: Any) -> tuple[SignIn, AuthorizationRequest]:
    return prepare_sign_in(metadata, configurations or (LPA,), client_id="wallet", redirect_uri=CALLBACK, entropy=entropy, **arguments)


def answer(members: Any, status: int = 200, kind: str = "application/json") -> Fetched:
    return Fetched(status=status, headers={"content-type": kind}, body=json.dumps(members).encode())


def test_a_document_is_asked_for_by_its_scope() -> None:
    sign_in, request = prepared(LPA, MDOC, issuer_state="i", dpop_jkt="j")
    assert (request.scope, request.details, request.resource) == (("poa",), (), ISSUER)
    assert (request.issuer_state, request.dpop_jkt, request.state) == ("i", "j", sign_in.state)
    assert request.code_challenge == challenge_of(sign_in.verifier)
    assert (sign_in.issuer, sign_in.server, len(sign_in.state)) == (ISSUER, SERVER, 43)


def test_or_in_detail_where_a_scope_is_missing_or_on_demand() -> None:
    for request in (prepared(LPA, PLAIN)[1], prepared(LPA, PLAIN, by_details=True)[1]):
        assert (request.scope, request.resource) == ((), None)
        assert [each["credential_configuration_id"] for each in request.details] == ["lpa", "plain"]
        assert request.details[0]["locations"] == [ISSUER]


def test_an_issuer_that_is_its_own_server_needs_no_location() -> None:
    alone = Metadata(ALONE, AS)
    assert prepared(metadata=alone)[1].resource is None
    assert "locations" not in prepared(metadata=alone, by_details=True)[1].details[0]


@pytest.mark.parametrize(
    "server",
    [
        replace(AS, grant_types=("refresh_token",)),
        replace(AS, par_endpoint=None),
        replace(AS, authorization_endpoint=None),
        replace(AS, pkce_methods=("plain",)),
        replace(AS, names_itself=False),
        replace(AS, dpop_algs=()),
    ],
)
def test_a_server_of_lower_assurance_is_not_asked(server: AsMetadata) -> None:
    with pytest.raises(Refused):
        prepared(metadata=Metadata(METADATA.issuer, server))


def test_a_server_that_knows_neither_scope_nor_details_is_not_asked() -> None:
    with pytest.raises(Refused):
        prepared(PLAIN, metadata=Metadata(METADATA.issuer, replace(AS, detail_types=())))


PUSHED = PushedResponse(request_uri="urn:ietf:params:oauth:request_uri:x", expires_in=60)


@pytest.mark.parametrize("status", [201, 200])
def test_a_request_is_pushed_and_the_person_sent(status: int) -> None:
    _, request = prepared()
    asked: list[Fetch] = []

    def serve(want: Fetch) -> Fetched:
        asked.append(want)
        return answer(render_pushed_response(PUSHED), status)

    assert run(push(AS, request), serve) == PUSHED
    assert (asked[0].url, asked[0].method) == (f"{SERVER}/par", "POST")
    assert parse_pushed_request(asked[0].body or b"") == request
    url = sign_in_url(AS, "wallet", PUSHED)
    assert url.startswith(f"{SERVER}/authorize?")
    assert parse_pushed_reference(url.partition("?")[2]).request_uri == PUSHED.request_uri


@pytest.mark.parametrize(
    ("got", "kind"),
    [
        (answer({"error": "invalid_scope"}, 400), errors.InvalidScope),
        (answer({"error": "invalid_client"}, 401), errors.InvalidClient),
        (answer({}, 503), errors.Unavailable),
        (answer({}, 201), Malformed),
        (answer(render_pushed_response(PUSHED), 201, "text/html"), Malformed),
    ],
)
def test_a_push_that_fails_is_told(got: Fetched, kind: type[VcError]) -> None:
    with pytest.raises(kind):
        run(push(AS, prepared()[1]), lambda _: got)


def test_nobody_is_sent_where_there_is_no_page() -> None:
    with pytest.raises(Refused):
        run(push(replace(AS, par_endpoint=None), prepared()[1]), lambda _: answer({}))
    with pytest.raises(Refused):
        sign_in_url(replace(AS, authorization_endpoint=None), "wallet", PUSHED)


def back(sign_in: SignIn, **arguments: Any) -> str:
    return code_response_url(CALLBACK, **{"issuer": SERVER, "state": sign_in.state, "code": "c", **arguments})


def test_the_code_comes_back() -> None:
    sign_in, _ = prepared()
    assert finish_sign_in(AS, sign_in, back(sign_in)) == "c"


@pytest.mark.parametrize("arguments", [{"issuer": "https://evil.example"}, {"issuer": SERVER + "/"}, {"state": "x"}, {"state": None}])
def test_mix_up_is_refused(arguments: dict[str, Any]) -> None:
    sign_in, _ = prepared()
    with pytest.raises(Refused):
        finish_sign_in(AS, sign_in, back(sign_in, **arguments))


def test_the_code_of_one_server_never_goes_to_another() -> None:
    sign_in, _ = prepared()
    with pytest.raises(Refused):
        finish_sign_in(replace(AS, issuer="https://evil.example"), sign_in, back(sign_in, issuer="https://evil.example"))


def test_a_code_is_changed_for_a_token_of_our_key() -> None:
    sign_in, _ = prepared()
    asked: list[Fetch] = []

    def serve(want: Fetch) -> Fetched:
        asked.append(want)
        return answer({"access_token": "t", "token_type": "dpop"})

    assert run(redeem_code(AS, sign_in, "c"), serve).authorization == "DPoP t"
    assert parse_token_request(asked[0].body or b"") == AuthorizationCodeRequest(
        code="c", redirect_uri=CALLBACK, code_verifier=sign_in.verifier, client_id="wallet"
    )


def test_a_token_that_anybody_could_use_is_refused() -> None:
    """Whatever the server says of itself by then."""
    sign_in, _ = prepared()
    bearer = answer({"access_token": "t", "token_type": "Bearer"})
    for server in (AS, replace(AS, dpop_algs=())):
        with pytest.raises(Refused):
            run(redeem_code(server, sign_in, "c"), lambda _: bearer)


def test_an_answer_that_names_nobody_is_refused() -> None:
    """Whatever the server says of itself by then: a code of another server would go to this one (RFC 9207)."""
    sign_in, _ = prepared()
    for server in (AS, replace(AS, names_itself=False)):
        with pytest.raises(Refused):
            finish_sign_in(server, sign_in, f"{CALLBACK}?code=c&state={sign_in.state}")


def test_a_challenge_is_fetched_where_there_is_an_address() -> None:
    asked: list[Fetch] = []

    def serve(want: Fetch) -> Fetched:
        asked.append(want)
        return answer({"attestation_challenge": "x"})

    assert run(fresh_challenge(AS), serve) == "x"
    assert (asked[0].url, asked[0].method) == (f"{SERVER}/challenge", "POST")
    nobody: Sequence[Fetched] = ()
    assert run(fresh_challenge(replace(AS, challenge_endpoint=None)), lambda _: nobody[0]) is None
