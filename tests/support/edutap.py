"""An issuer by others as a program: endpoints, token rules, proofs and SD-JWT VCs of ``openid4vci`` (eduTAP), served over https by uvicorn.

The package has the rules of a token endpoint (``InMemoryAuthorizationServer.redeem``) and leaves its HTTP to whoever uses it: that is the
little around it here, as RFC 6749 section 5 and RFC 8414 say. It is asked by lines of JSON, as the programs of ``tests/foreign/js`` are.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from joserfc.jwk import ECKey
from openid4vci.adapters.sd_jwt_vc import SdJwtVcAdapter
from openid4vci.authorization import InMemoryAuthorizationServer, TokenError
from openid4vci.crypto.proofs import validate_jwt_proof
from openid4vci.crypto.signer import LocalJwsSigner
from openid4vci.exceptions import CredentialRequestError
from openid4vci.models.credential import CredentialErrorCode, CredentialRequest, CredentialResponse
from openid4vci.models.oauth import TokenRequest
from openid4vci.models.offer import offer_uri_by_reference, offer_uri_by_value
from openid4vci.reference import InMemoryIssuerBackend
from openid4vci.server_fastapi.app import RequestContext, create_router

CONFIGURATION = "theirs"
BATCH = 5
NO_STORE = {"Cache-Control": "no-store"}


class ChainSigner(LocalJwsSigner):  # type: ignore[misc] # the package tells no types
    """Its signer, with the certificates of the key in the header."""

    x5c: list[str]

    async def sign(self, payload: str | bytes, header: dict[str, Any] | None = None) -> str:
        signed: str = await super().sign(payload, {**(header or {}), "x5c": self.x5c})
        return signed


@dataclass
class Office:
    """What is given: ``url``, ``vct``, ``claims`` of each document, ``clear``: names that are never hidden.

    ``typed``: the token response has every member; the package's own ``to_dict`` leaves out what has its default value, and so the
    ``type`` of authorization details, which RFC 9396 section 2 demands. ``late``: the next answer is 202. ``reverse``: the last key first.
    """

    url: str
    vct: str
    claims: Mapping[str, Any]
    clear: list[str]
    signer: ChainSigner
    backend: Any = None
    server: Any = None
    status: str = ""
    typed: bool = True
    late: bool = False
    reverse: bool = False
    offers: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def metadata(self) -> dict[str, Any]:
        """OpenID4VCI section 12.2.4."""
        return {
            "credential_issuer": self.url,
            "credential_endpoint": f"{self.url}/credential",
            "nonce_endpoint": f"{self.url}/nonce",
            "deferred_credential_endpoint": f"{self.url}/deferred_credential",
            "notification_endpoint": f"{self.url}/notification",
            "batch_credential_issuance": {"batch_size": BATCH},
            "display": [{"name": "Foreign office", "locale": "en"}],
            "credential_configurations_supported": {
                CONFIGURATION: {
                    "format": "dc+sd-jwt",
                    "vct": self.vct,
                    "scope": CONFIGURATION,
                    "cryptographic_binding_methods_supported": ["jwk"],
                    "credential_signing_alg_values_supported": ["ES256"],
                    "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
                    "credential_metadata": {"display": [{"name": "Foreign document", "locale": "en"}]},
                }
            },
        }

    async def mint(self, request: CredentialRequest, context: RequestContext) -> CredentialResponse:
        """A document for each key that is proved (sections 8.2 and 8.3)."""
        grant = self.server.grant_for(context.access_token)
        if grant is None:
            raise CredentialRequestError(CredentialErrorCode.CREDENTIAL_REQUEST_DENIED, "this access token is not good")
        self.asked.append(request.to_dict())
        known = {each for many in grant.credential_identifiers.values() for each in many}
        if request.credential_identifier not in known:
            raise CredentialRequestError(CredentialErrorCode.UNKNOWN_CREDENTIAL_IDENTIFIER, "name what the token response named")
        proofs = (request.proofs or {}).get("jwt") or []
        if self.late:
            self.late = False
            return CredentialResponse(transaction_id=self.backend.transactions.open(request), interval=1)
        adapter = SdJwtVcAdapter(self.vct, self.signer, issuer=self.url, always_visible=self.clear)
        made = [{"credential": await adapter.issue(dict(self.claims), holder_key=key)} for key in self._keys(proofs)]
        return CredentialResponse(credentials=made[::-1] if self.reverse else made, notification_id="n-1")

    def _keys(self, proofs: list[str]) -> list[dict[str, Any]]:
        nonces = {json.loads(_decoded(proof)).get("nonce") for proof in proofs}
        if len(nonces) != 1 or not self.backend.nonces.is_current(nonce := nonces.pop()):
            raise CredentialRequestError(CredentialErrorCode.INVALID_NONCE, "one nonce of ours is needed")
        how = {"credential_issuer": self.url, "c_nonce": nonce, "supported_algorithms": ["ES256"]}
        keys = [validate_jwt_proof(proof, **how).bound_key for proof in proofs]
        self.backend.nonces.consume(nonce)
        return keys


def _decoded(proof: str) -> bytes:
    import base64

    body = proof.split(".")[1]
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


def application(office: Office) -> FastAPI:
    """Its router, and a token endpoint."""
    office.backend = InMemoryIssuerBackend(office.metadata(), office.mint)
    office.server = InMemoryAuthorizationServer(office.url)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(create_router(office.backend))

    async def token(request: Request) -> Response:
        form = {name: each[0] for name, each in parse_qs((await request.body()).decode()).items()}
        try:
            answer = office.server.redeem(TokenRequest.model_validate(form))
        except TokenError as error:
            return JSONResponse({"error": error.code.value, "error_description": error.description}, 400, NO_STORE)
        told = answer.model_dump(mode="json", by_alias=True, exclude_none=True) if office.typed else answer.to_dict()
        return JSONResponse(told, headers=NO_STORE)

    def server() -> Response:
        known = {"issuer": office.url, "token_endpoint": f"{office.url}/token", "response_types_supported": ["none"]}
        return JSONResponse(known | {"pre-authorized_grant_anonymous_access_supported": True})

    def offer(name: str) -> Response:
        return JSONResponse(office.offers[name])

    def status() -> Response:
        return Response(office.status, media_type="application/statuslist+jwt")

    app.add_api_route("/token", token, methods=["POST"])
    app.add_api_route("/.well-known/oauth-authorization-server", server)
    app.add_api_route("/offers/{name}", offer)
    app.add_api_route("/status/1", status)
    return app


class Program:
    """What it can be asked."""

    office: Office

    def open(self, *, port: int, certificate: str, key: str, issuer: dict[str, str], x5c: list[str], **told: Any) -> None:
        """Serve."""
        signer = ChainSigner(ECKey.import_key(dict(issuer)))
        signer.x5c = x5c
        self.office = Office(url=f"https://localhost:{port}", signer=signer, **told)
        server = uvicorn.Server(
            uvicorn.Config(
                application(self.office), host="127.0.0.1", port=port, ssl_certfile=certificate, ssl_keyfile=key, log_level="critical"
            )
        )
        threading.Thread(target=server.run, daemon=True).start()
        while not server.started:
            time.sleep(0.02)

    def set(self, **told: Any) -> None:
        """Other ways from now on."""
        for name, value in told.items():
            setattr(self.office, name, value)

    def offer(self, *, tx_code: str | None = None, by_value: bool = False) -> str:
        """A link to an offer."""
        made, _ = self.office.server.offer("somebody", [CONFIGURATION], tx_code)
        if by_value:
            return str(offer_uri_by_value(made))
        name = str(len(self.office.offers))
        self.office.offers[name] = made.to_dict()
        return str(offer_uri_by_reference(f"{self.office.url}/offers/{name}"))

    def told(self) -> dict[str, Any]:
        """What wallets asked for and what they said became of it."""
        return {"asked": self.office.asked, "notified": [each.to_dict() for each in self.office.backend.notifications]}


def main() -> None:
    """A question a line."""
    program = Program()
    for line in sys.stdin:
        question = json.loads(line)
        answer = getattr(program, question.pop("op"))(**question)
        sys.stdout.write(json.dumps({"ok": answer}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
