"""An authenticator made of software: what a browser would hand over for its passkey. Change an argument to misbehave."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256, CoseKey
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

from shared.codec import base64url

FLAG = AuthenticatorData.FLAG
UP, UV, BS, AT = 0x01, 0x04, 0x10, 0x40


@dataclass
class SoftAuthenticator:
    host: str = "office.example"
    origin: str = "https://office.example"
    id: bytes = b"\x07" * 16
    handle: bytes = b"handle"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    uses: int = 0

    framed: bool = False

    def _client(self, kind: str, challenge: bytes, origin: str | None) -> bytes:
        said = {
            "type": f"webauthn.{kind}",
            "challenge": base64url.encode(challenge),
            "origin": origin or self.origin,
            "crossOrigin": self.framed,
        }
        return json.dumps(said).encode()

    def create(
        self,
        challenge: bytes,
        *,
        origin: str | None = None,
        host: str | None = None,
        flags: int = UP | UV,
        alg: int = -7,
        public: CoseKey | None = None,
    ) -> str:
        """As ``PublicKeyCredential.toJSON`` after ``navigator.credentials.create``."""
        numbers = self.key.public_key().public_numbers()
        known = public or ES256({1: 2, 3: alg, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        data = AttestedCredentialData.create(Aaguid.NONE, self.id, known)
        made = AuthenticatorData.create(sha256((host or self.host).encode()).digest(), FLAG(flags | AT), self.uses, bytes(data))
        response = {
            "clientDataJSON": base64url.encode(self._client("create", challenge, origin)),
            "attestationObject": base64url.encode(bytes(AttestationObject.create("none", made, {}))),
            "transports": ["internal"],
        }
        return self._told(response)

    def get(
        self,
        challenge: bytes,
        *,
        origin: str | None = None,
        host: str | None = None,
        flags: int = UP | UV,
        handle: bytes | None = None,
        kind: str = "get",
    ) -> str:
        """The same after ``navigator.credentials.get``; one use more."""
        self.uses += 1
        data = AuthenticatorData.create(sha256((host or self.host).encode()).digest(), FLAG(flags), self.uses)
        client = self._client(kind, challenge, origin)
        response = {
            "clientDataJSON": base64url.encode(client),
            "authenticatorData": base64url.encode(bytes(data)),
            "signature": base64url.encode(self.key.sign(bytes(data) + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))),
            "userHandle": base64url.encode(self.handle if handle is None else handle),
        }
        return self._told(response)

    def _told(self, response: dict[str, Any]) -> str:
        name = base64url.encode(self.id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}})
