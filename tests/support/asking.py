"""A relying party that asks, for tests: its keys, its certificate, its request objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.dcql import parse_query
from shared.jose import jwe
from shared.jose.jws import prepare_jws
from shared.keys import KeyId, Role
from shared.openid4vp import RequestObject, client_id_of, prepare_request_object, render_request
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.policy import Policy
from shared.x509 import Cert, x5c_header

from .signing import AT, Signer, anchor, leaf

HOST = "bank.example"
ENTITY = f"https://{HOST}"
QUERY = {
    "credentials": [
        {
            "id": "poa",
            "format": "dc+sd-jwt",
            "meta": {"vct_values": ["urn:poa"]},
            "claims": [{"path": ["powers", None], "values": ["banking"]}],
        }
    ]
}
KEY = KeyId("relying-party")


@dataclass(frozen=True)
class Asker:
    """One relying party under its own anchor."""

    signer: Signer
    authority: Cert
    certificate: bytes
    private_jwk: Mapping[str, str]

    @classmethod
    def new(cls, *, role: Role = Role.RELYING_PARTY, at: int = AT, days: int = 365) -> Asker:
        signer, above = Signer.new(), Signer.new()
        authority = anchor(above, at=at)
        certificate = leaf(signer, authority, above, role=role, uri=ENTITY, dns=[HOST], at=at, days=days)
        return cls(signer, authority, certificate, jwe.generate_ephemeral())

    @property
    def client_id(self) -> str:
        return client_id_of(self.certificate)

    def policy(self) -> Policy:
        """The trust of somebody who pinned this relying party's anchor."""
        return Policy(TrustAnchors(anchors=(Anchor(certificate=self.authority, role=Role.RELYING_PARTY, name="Bank"),)))

    def request(self, **changes: Any) -> RequestObject:
        request = RequestObject(
            client_id=self.client_id,
            response_uri=f"{ENTITY}/vp/response/7",
            nonce="n-0S6_WzA2MjMDEyMzQ1Njc4OTA",
            state="af0ifjsldkjAAAAAAAAAAA",
            query=parse_query(QUERY),
            encryption_keys=(jwe.public_half(self.private_jwk),),
            expires_at=AT + 300,
        )
        return replace(request, **changes)

    def sign(self, request: RequestObject | None = None, *, at: int = AT) -> str:
        return self.signer.finish(prepare_request_object(request or self.request(), key=KEY, x5c=[self.certificate], at=at))

    def sign_claims(self, claims: Mapping[str, Any], *, typ: str = "oauth-authz-req+jwt", header: Mapping[str, Any] | None = None) -> str:
        """The usual claims, changed (``None`` takes a member away), under the usual or another header."""
        changed = {**render_request(self.request(), at=AT), **claims}
        payload = json.dumps({name: value for name, value in changed.items() if value is not None}).encode()
        chosen = {"x5c": x5c_header([self.certificate])} if header is None else header
        return self.signer.finish(prepare_jws(typ=typ, payload=payload, key=KEY, header=chosen))
