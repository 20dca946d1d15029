"""An office's own verifier, as far as the office hears of it: events that it signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.registry import NOON, URL, Registry
from support.signing import Signer, anchor, leaf

from shared.clock import system_entropy
from shared.credentials import by_id
from shared.jose.jwk import thumbprint
from shared.jose.jwt import prepare_jwt
from shared.keys import KeyId, Role
from shared.x509 import x5c_header

DEATH: Mapping[str, Any] = {
    "registration_state": "registered",
    "event_type": "death",
    "subject": {
        "given_name": "Margaret",
        "family_name": "Ashdown",
        "birthdate": "1938-11-02",
        "address": {"postal_code": "ZZ99 1AB"},
    },
    "death_date": {"value": "2027-01-10"},
}


def of_margaret(**changes: Any) -> dict[str, Any]:
    """The death of MARGARET, with other details of her."""
    return {**DEATH, "subject": {**DEATH["subject"], **changes}}


@dataclass
class OwnVerifier:
    signer: Signer
    certificate: bytes

    @classmethod
    def new(cls) -> OwnVerifier:
        own, above = Signer.new(), Signer.new()
        top = anchor(above, at=NOON - 3600)
        return cls(own, leaf(own, top, above, role=Role.RELYING_PARTY, uri="https://desk.opg.example", at=NOON - 3600))

    @property
    def name(self) -> str:
        """What the office's setting ``listens_to`` names."""
        return thumbprint(self.signer.public)

    def event(
        self, claims: Mapping[str, Any] | None, *, vct: str = "life-event", event: str = "presentation.decided", jti: str = "", iat: int = NOON,
        typ: str = "webhook+jwt", aud: str = f"{URL}/api/events", **data: Any,
    ) -> str:  # fmt: skip
        """Signed now; ``claims`` are the contents that go with it, and none with ``None``."""
        told = {"request": "asked-1", "decision": "accepted", "documents": [{"id": "one", "type": by_id(vct).vct}], **data}
        if claims is not None:
            told["contents"] = {"one": claims}
        said = {"iss": "https://opg.example", "aud": aud, "iat": iat, "jti": jti or system_entropy(8).hex(), "event": event, "data": told}
        header = {"x5c": x5c_header((self.certificate,))}
        return self.signer.finish(prepare_jwt(said, typ=typ, key=KeyId("relying-party"), header=header))


async def tell(registry: Registry, token: str, *, status: int = 200) -> Any:
    """Post an event as a webhook does; the one line of the answer, or its code."""
    headers = {"content-type": "application/jwt"}
    async with registry.http.post(f"{registry.base}/api/events", data=token.encode(), headers=headers) as answer:
        body = await answer.json()
        assert answer.status == status, body
    return body["items"][0] if status == 200 and body["items"] else body
