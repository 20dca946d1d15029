"""What the office publishes about itself: as an issuer, and as the authorization server that it also is."""

from __future__ import annotations

from typing import Any

from issuer import issue
from issuer.envelopes import Envelopes
from issuer.office import COMPACT, Configuration, Office
from shared import oauth, openid4vci
from shared.clock import DAY
from shared.codec import strict_json
from shared.cose import alg_id
from shared.cose.untyped import untyped_id
from shared.credentials._derive import MDOC_FORMAT, VCDM_FORMATS, credential_metadata
from shared.keys import KeyId, sign

PAR, TOKEN, CHALLENGE = "/par", "/token", "/challenge"
CORRECTION = "/corrections"
NONCE, CREDENTIAL, DEFERRED, NOTIFICATION = "/nonce", "/credential", "/deferred", "/notification"
_SIGNED_SECONDS = 3_600  # that one signed document is given to everybody; it counts for a day


class Documents:
    """The issuer's document, plain and signed, rendered again when something in it has changed."""

    def __init__(self, office: Office, envelopes: Envelopes) -> None:
        self._office, self._envelopes = office, envelopes
        self._known: tuple[tuple[object, ...], openid4vci.IssuerMetadata, bytes] | None = None
        self._signed: tuple[bytes, KeyId, int, str] | None = None

    async def plain(self) -> bytes:
        """JSON."""
        return (await self._current())[1]

    async def signed(self) -> str:
        """The same as a JWT by the issuer's key (OpenID4VCI section 12.2.3)."""
        office, signer, at = self._office, self._office.signer, self._office.clock()
        metadata, plain = await self._current()
        kept = self._signed
        if kept is None or kept[:2] != (plain, signer.key) or not kept[2] <= at < kept[2] + _SIGNED_SECONDS:
            unsigned = openid4vci.prepare_signed_metadata(
                metadata, key=signer.key, alg=signer.alg, x5c=signer.x5c, at=at, expires_at=at + DAY
            )
            kept = self._signed = plain, signer.key, at, await sign(unsigned, office.custodian)
        return kept[3]

    async def _current(self) -> tuple[openid4vci.IssuerMetadata, bytes]:
        requests, judging = await self._envelopes.requests(), issue.attesting(self._office)
        state = (requests, None if judging is None else judging.demand, judging is None, self._office.signer.alg)
        if self._known is None or self._known[0] != state:
            metadata = issuer_metadata(self._office, requests, self._envelopes.answers, judging)
            self._known = state, metadata, strict_json.dumps(openid4vci.render_issuer_metadata(metadata))
        return self._known[1], self._known[2]


def issuer_metadata(
    office: Office,
    requests: openid4vci.RequestEncryption,
    answers: openid4vci.ResponseEncryption,
    judging: openid4vci.Attesting | None,
) -> openid4vci.IssuerMetadata:
    """OpenID4VCI section 12.2.4."""
    return openid4vci.IssuerMetadata(
        issuer=office.settings.public_url,
        credential_endpoint=office.url(CREDENTIAL),
        configurations={each.id: _configuration(office, each, judging) for each in office.configurations.values()},
        nonce_endpoint=office.url(NONCE),
        deferred_endpoint=office.url(DEFERRED),
        correction_endpoint=office.url(CORRECTION),
        request_encryption=requests,
        response_encryption=answers,
        notification_endpoint=office.url(NOTIFICATION),
        batch_size=office.batch_size,
        display=({"name": office.settings.name, "locale": "en"},),
    )


def _configuration(office: Office, each: Configuration, judging: openid4vci.Attesting | None) -> openid4vci.Configuration:
    """There is no registered identifier for the W3C data model 2.0; ``vc+jwt`` and ``vc+sd-jwt`` as identifiers are ours (ADR 0003).

    What is CBOR has its algorithms as COSE numbers and its keys as COSE keys (appendix A.2.2); key proofs are JWTs all the same.
    """
    alg = office.signer.alg
    w3c, compact, mdoc = each.format.name in VCDM_FORMATS, each.format.name == COMPACT, each.format.name == MDOC_FORMAT
    return openid4vci.Configuration(
        id=each.id,
        format=each.format.name,
        vct=None if mdoc else each.type.vct,
        types=("VerifiableCredential", each.type.vcdm_type) if w3c else (),
        doctype=each.type.doctype if mdoc else None,
        scope=each.id,
        signing_algs=(alg_id(alg) if compact else untyped_id(alg) if mdoc else alg,),
        binding_methods=() if each.type.bearer else ("cose_key",) if compact or mdoc else ("jwk",),
        proof_algs=() if each.type.bearer else issue.PROOF_ALGS,
        key_demand=None if judging is None else judging.demand,
        attestation_algs=() if each.type.bearer or judging is None else issue.PROOF_ALGS,
        attestation_demand=None if judging is None else judging.demand,
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
