"""What the office publishes about itself: as an issuer, and as the authorization server that it also is."""

from __future__ import annotations

from typing import Any

from issuer import issue
from issuer.office import COMPACT, Configuration, Office
from shared import oauth, openid4vci
from shared.cose import alg_id
from shared.credentials._derive import VCDM_FORMATS, credential_metadata

PAR, TOKEN, CHALLENGE, CREDENTIAL, NOTIFICATION = "/par", "/token", "/challenge", "/credential", "/notification"


def issuer_metadata(office: Office) -> openid4vci.IssuerMetadata:
    """OpenID4VCI section 12.2.4."""
    return openid4vci.IssuerMetadata(
        issuer=office.settings.public_url,
        credential_endpoint=office.url(CREDENTIAL),
        configurations={each.id: _configuration(office, each) for each in office.configurations.values()},
        nonce_endpoint=office.url("/nonce"),
        notification_endpoint=office.url(NOTIFICATION),
        batch_size=max(each.batch_size for each in office.types),
        display=({"name": office.settings.name, "locale": "en"},),
    )


def _configuration(office: Office, each: Configuration) -> openid4vci.Configuration:
    """There is no registered identifier for the W3C data model 2.0; ``vc+jwt`` and ``vc+sd-jwt`` as identifiers are ours (ADR 0003).

    What is CBOR has its algorithms as COSE numbers and its keys as COSE keys (appendix A.2.2); key proofs are JWTs all the same.
    """
    w3c, compact = each.format.name in VCDM_FORMATS, each.format.name == COMPACT
    return openid4vci.Configuration(
        id=each.id,
        format=each.format.name,
        vct=each.type.vct,
        types=("VerifiableCredential", each.type.vcdm_type) if w3c else (),
        scope=each.id,
        signing_algs=(alg_id(office.alg) if compact else office.alg,),
        binding_methods=() if each.type.bearer else ("cose_key",) if compact else ("jwk",),
        proof_algs=() if each.type.bearer else issue.PROOF_ALGS,
        metadata=credential_metadata(each.type, each.format.name),
    )


def server_metadata(office: Office) -> dict[str, Any]:
    """RFC 8414, and where the addresses of all status lists are told (Token Status List section 9.1)."""
    known = openid4vci.AsMetadata(
        issuer=office.settings.public_url,
        token_endpoint=office.url(TOKEN),
        grant_types=(openid4vci.AUTHORIZATION_CODE, openid4vci.PRE_AUTHORIZED, "refresh_token"),
        anonymous=office.settings.anonymous_wallets,
        authorization_endpoint=office.url("/authorize"),
        par_endpoint=office.url(PAR),
        requires_par=True,
        challenge_endpoint=office.url(CHALLENGE),
        names_itself=True,
        response_types=("code",),
        response_modes=("query",),
        scopes=tuple(office.configurations),
        detail_types=(openid4vci.DETAIL_TYPE,),
        pkce_methods=(oauth.METHOD,),
        auth_methods=(oauth.ATTEST_AUTH, *(("none",) if office.settings.anonymous_wallets else ())),
        dpop_algs=oauth.DPOP_ALGS,
        attestation_algs=oauth.ATTESTATION_ALGS,
        attestation_pop_algs=oauth.ATTESTATION_ALGS,
    )
    return openid4vci.render_as_metadata(known) | {"status_list_aggregation_endpoint": office.url("/status")}
