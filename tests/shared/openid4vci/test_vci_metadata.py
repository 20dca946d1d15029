from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Vectors
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Malformed, VcError
from shared.jose.jwe import generate_ephemeral, public_half
from shared.openid4vci import (
    PRE_AUTHORIZED,
    AsMetadata,
    Configuration,
    IssuerMetadata,
    KeyDemand,
    RequestEncryption,
    ResponseEncryption,
    parse_as_metadata,
    parse_issuer_metadata,
    render_as_metadata,
    render_issuer_metadata,
)

ISSUER = "https://opg.example/lpa"
PRIVATE = generate_ephemeral()
BASE: dict[str, Any] = {
    "credential_issuer": ISSUER,
    "credential_endpoint": f"{ISSUER}/credential",
    "credential_configurations_supported": {},
}
FULL = IssuerMetadata(
    issuer=ISSUER,
    credential_endpoint=f"{ISSUER}/credential",
    authorization_servers=("https://as.example", ISSUER),
    nonce_endpoint=f"{ISSUER}/nonce",
    notification_endpoint=f"{ISSUER}/notification",
    deferred_endpoint=f"{ISSUER}/deferred",
    batch_size=20,
    request_encryption=RequestEncryption(keys=(public_half(PRIVATE),), required=True),
    response_encryption=ResponseEncryption(encs=("A256GCM",)),
    display=({"name": "Office", "locale": "en"}, {"name": "Swyddfa", "locale": "cy"}),
    configurations={
        "sd": Configuration(
            id="sd",
            format="dc+sd-jwt",
            vct="urn:poa",
            scope="poa",
            signing_algs=("ES256",),
            binding_methods=("jwk",),
            proof_algs=("ES256", "EdDSA"),
            key_demand=KeyDemand(key_storage=("iso_18045_high",), user_authentication=("iso_18045_moderate",)),
            attestation_algs=("ES256",),
            attestation_demand=KeyDemand(),
            metadata={"display": [{"name": "Power of attorney", "locale": "en"}], "claims": [{"path": ["powers", None]}]},
        ),
        "vc": Configuration(id="vc", format="vc+jwt", types=("VerifiableCredential", "Poa")),
        "mdoc": Configuration(id="mdoc", format="mso_mdoc", doctype="org.example", signing_algs=(-7,)),
    },
)


def issuer_document(**members: Any) -> bytes:
    return json.dumps({**BASE, **members}).encode()


def configuration(**members: Any) -> bytes:
    return issuer_document(credential_configurations_supported={"a/b": {"format": "dc+sd-jwt", **members}})


def test_issuer_metadata_are_rendered_and_read_back() -> None:
    assert parse_issuer_metadata(json.dumps(render_issuer_metadata(FULL)), issuer=ISSUER) == FULL
    bare = IssuerMetadata(issuer=ISSUER, credential_endpoint=f"{ISSUER}/credential", configurations={})
    assert render_issuer_metadata(bare) == BASE
    assert parse_issuer_metadata(json.dumps(BASE), issuer=ISSUER) == bare


def test_a_configuration_without_binding_needs_no_proof() -> None:
    assert FULL.configurations["sd"].bound
    assert not FULL.configurations["vc"].bound


def test_the_issuers_name_is_taken_in_the_nearest_language() -> None:
    assert FULL.name() == "Office"
    assert FULL.name("cy") == "Swyddfa"
    assert FULL.name("cy-GB") == "Swyddfa"
    assert FULL.name("fr") == "Office"
    assert IssuerMetadata(issuer=ISSUER, credential_endpoint="", configurations={}, display=({"name": 7}, {})).name() is None


@pytest.mark.parametrize("said", [ISSUER + "/", "https://opg.example", "https://OPG.example/lpa", None])
def test_metadata_of_another_issuer_are_refused(said: str | None) -> None:
    with pytest.raises(Malformed) as caught:
        parse_issuer_metadata(issuer_document(credential_issuer=said), issuer=ISSUER)
    assert caught.value.where == "/credential_issuer"


WHERE = "/credential_configurations_supported/a~1b"


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"[]", ""),
        (issuer_document(credential_endpoint="http://opg.example/x"), "/credential_endpoint"),
        (json.dumps({"credential_issuer": ISSUER, "credential_configurations_supported": {}}).encode(), "/credential_endpoint"),
        (issuer_document(nonce_endpoint="nonce"), "/nonce_endpoint"),
        (issuer_document(notification_endpoint=7), "/notification_endpoint"),
        (issuer_document(deferred_credential_endpoint="x:y"), "/deferred_credential_endpoint"),
        (issuer_document(authorization_servers=["http://as.example"]), "/authorization_servers/0"),
        (issuer_document(authorization_servers=["https://as.example?x"]), "/authorization_servers/0"),
        (issuer_document(batch_credential_issuance={"batch_size": 1}), "/batch_credential_issuance/batch_size"),
        (issuer_document(batch_credential_issuance=20), "/batch_credential_issuance"),
        (issuer_document(credential_request_encryption={}), "/credential_request_encryption/encryption_required"),
        (
            issuer_document(credential_response_encryption={"encryption_required": False}),
            "/credential_response_encryption/alg_values_supported",
        ),
        (issuer_document(credential_request_encryption={"encryption_required": False, "jwks": []}), "/credential_request_encryption/jwks"),
        (
            configuration(proof_types_supported={"jwt": {"proof_signing_alg_values_supported": [], "key_attestations_required": []}}),
            f"{WHERE}/proof_types_supported/jwt/key_attestations_required",
        ),
        (issuer_document(display=["x"]), "/display/0"),
        (issuer_document(credential_configurations_supported=[]), "/credential_configurations_supported"),
        (
            issuer_document(credential_configurations_supported={str(n): {"format": "f"} for n in range(300)}),
            "/credential_configurations_supported",
        ),
        (issuer_document(credential_configurations_supported={"a": 1}), "/credential_configurations_supported/a"),
        (configuration(format=None), f"{WHERE}/format"),
        (configuration(vct=1), f"{WHERE}/vct"),
        (
            configuration(cryptographic_binding_methods_supported=["jwk"], proof_types_supported={"jwt": {}}),
            f"{WHERE}/proof_types_supported/jwt/proof_signing_alg_values_supported",
        ),
        (configuration(credential_signing_alg_values_supported=[1.5]), f"{WHERE}/credential_signing_alg_values_supported"),
        (configuration(credential_definition={"type": [1]}), f"{WHERE}/credential_definition/type/0"),
        (configuration(credential_metadata={"display": [1]}), f"{WHERE}/credential_metadata/display/0"),
        (configuration(credential_metadata={"claims": {}}), f"{WHERE}/credential_metadata/claims"),
    ],
)
def test_malformed_issuer_metadata_point_at_the_place(data: bytes, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_issuer_metadata(data, issuer=ISSUER)
    assert caught.value.where == where


def test_binding_methods_without_proof_types_are_read_as_the_specifications_own_example_has_them() -> None:
    read = parse_issuer_metadata(configuration(cryptographic_binding_methods_supported=["cose_key"]), issuer=ISSUER)
    assert read.configurations["a/b"].bound


ENCRYPTION: dict[str, dict[str, Any]] = {
    "credential_request_encryption": {"jwks": {"keys": [public_half(PRIVATE)]}, "enc_values_supported": ["A256GCM"]},
    "credential_response_encryption": {"alg_values_supported": ["ECDH-ES"], "enc_values_supported": ["A256GCM"]},
}


@pytest.mark.parametrize("name", ENCRYPTION)
@pytest.mark.parametrize("required", [True, False])
def test_demanded_encryption_is_noticed(name: str, required: bool) -> None:
    data = issuer_document(**{name: {**ENCRYPTION[name], "encryption_required": required}})
    assert parse_issuer_metadata(data, issuer=ISSUER).needs_encryption is required


def test_proofs_that_this_wallet_does_not_make_are_noticed() -> None:
    methods = {"cryptographic_binding_methods_supported": ["jwk"]}
    jwt = {"proof_signing_alg_values_supported": ["ES256"], "key_attestations_required": {}}
    read = parse_issuer_metadata(configuration(**methods, proof_types_supported={"jwt": jwt}), issuer=ISSUER)
    assert read.configurations["a/b"].needs_attestation
    read = parse_issuer_metadata(configuration(**methods, proof_types_supported={"attestation": jwt}), issuer=ISSUER)
    assert (read.configurations["a/b"].proof_algs, read.configurations["a/b"].needs_attestation) == ((), False)
    assert read.configurations["a/b"].attestation_algs == ("ES256",)


def server_document(**members: Any) -> bytes:
    return json.dumps({"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token", **members}).encode()


def test_server_metadata_are_rendered_and_read_back() -> None:
    known = AsMetadata(issuer=ISSUER, token_endpoint=f"{ISSUER}/token")
    assert parse_as_metadata(json.dumps(render_as_metadata(known)), issuer=ISSUER) == known
    assert PRE_AUTHORIZED in render_as_metadata(known)["grant_types_supported"]


HAIP = AsMetadata(
    issuer=ISSUER,
    token_endpoint=f"{ISSUER}/token",
    grant_types=("authorization_code", "refresh_token", PRE_AUTHORIZED),
    anonymous=False,
    authorization_endpoint=f"{ISSUER}/authorize",
    par_endpoint=f"{ISSUER}/par",
    requires_par=True,
    challenge_endpoint=f"{ISSUER}/challenge",
    jwks_uri=f"{ISSUER}/jwks",
    names_itself=True,
    response_types=("code",),
    response_modes=("query",),
    scopes=("lpa",),
    detail_types=("openid_credential",),
    pkce_methods=("S256",),
    auth_methods=("attest_jwt_client_auth",),
    dpop_algs=("ES256",),
    attestation_algs=("ES256",),
    attestation_pop_algs=("ES256",),
)


def test_a_server_of_high_assurance_says_all_of_it() -> None:
    rendered = render_as_metadata(HAIP)
    assert parse_as_metadata(json.dumps(rendered), issuer=ISSUER) == HAIP
    assert rendered["require_pushed_authorization_requests"] is rendered["authorization_response_iss_parameter_supported"] is True
    assert HAIP.takes_codes
    assert HAIP.attests
    plain = AsMetadata(issuer=ISSUER, token_endpoint=f"{ISSUER}/token")
    assert not plain.takes_codes
    assert not plain.attests


def test_server_defaults_are_those_of_the_specifications() -> None:
    read = parse_as_metadata(server_document(), issuer=ISSUER)
    assert (read.grant_types, read.anonymous) == (("authorization_code", "implicit"), False)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (server_document(issuer=ISSUER + "/"), "/issuer"),
        (server_document(token_endpoint="http://as.example/token"), "/token_endpoint"),
        (server_document(token_endpoint=None), "/token_endpoint"),
        (server_document(grant_types_supported="x"), "/grant_types_supported"),
        (server_document(authorization_endpoint="http://as.example/a"), "/authorization_endpoint"),
        (server_document(pushed_authorization_request_endpoint=1), "/pushed_authorization_request_endpoint"),
        (server_document(dpop_signing_alg_values_supported=[1]), "/dpop_signing_alg_values_supported/0"),
        (server_document(authorization_response_iss_parameter_supported="true"), "/authorization_response_iss_parameter_supported"),
        (server_document(**{"pre-authorized_grant_anonymous_access_supported": 1}), "/pre-authorized_grant_anonymous_access_supported"),
    ],
)
def test_malformed_server_metadata_point_at_the_place(data: bytes, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_as_metadata(data, issuer=ISSUER)
    assert caught.value.where == where


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from([*BASE, "display", "authorization_servers", "batch_credential_issuance", "nonce_endpoint"]),
        st.recursive(
            st.none() | st.text(max_size=4) | st.integers(), lambda each: st.lists(each) | st.dictionaries(st.text(max_size=4), each)
        ),
    ).map(lambda members: json.dumps({**BASE, **members}).encode())
)
def test_any_bytes_are_metadata_or_a_vc_error(data: bytes) -> None:
    for read in (lambda: parse_issuer_metadata(data, issuer=ISSUER), lambda: parse_as_metadata(data, issuer=ISSUER)):
        try:
            read()
        except VcError:
            continue


@pytest.mark.vectors
@pytest.mark.parametrize("name", ["credential_metadata_sd_jwt_vc", "credential_metadata_mso_mdoc", "credential_metadata_jwt_vc_json"])
def test_the_configurations_of_the_specification_are_read(vectors: Vectors, name: str) -> None:
    example = json.loads(vectors(f"oid4vci-1.0/{name}.json").read_text())
    read = parse_issuer_metadata(json.dumps({**BASE, **example}), issuer=ISSUER)
    assert set(read.configurations) == set(example["credential_configurations_supported"])


@pytest.mark.vectors
def test_the_long_example_of_the_specification_is_read(vectors: Vectors) -> None:
    data = vectors("oid4vci-1.0/credential_issuer_metadata_sd_jwt_long.json").read_bytes()
    read = parse_issuer_metadata(data, issuer="https://credential-issuer.example.com")
    assert read.batch_size == 10
    assert read.needs_encryption
    assert read.configurations["SD_JWT_VC_example_in_OpenID4VCI"].needs_attestation


@pytest.mark.vectors
def test_what_we_publish_fits_the_conformance_schemas(vectors: Vectors) -> None:
    import jsonschema_rs

    folder = "oidf-conformance/json-schemas"
    issuer = json.loads(vectors(f"{folder}/oid4vci/credential_issuer_metadata-1_0.json").read_text())
    document = render_issuer_metadata(FULL)
    # The schema knows neither our vc+jwt nor COSE numbers.
    document["credential_configurations_supported"] = {"sd": document["credential_configurations_supported"]["sd"]}
    jsonschema_rs.validate(issuer, document)
    server = json.loads(vectors(f"{folder}/rfc8414/oauth_authorization_server_metadata.json").read_text())
    for known in (HAIP, AsMetadata(issuer=ISSUER, token_endpoint=f"{ISSUER}/token")):
        jsonschema_rs.validate(server, render_as_metadata(known))
