"""Mdocs by ``forge.ISSUER`` under an anchor of their own, whole or put together by hand: what no honest issuer or wallet signs, signed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from support.forge import BINDING, HOLDER, ISSUER, LEAF, REPRESENTATION, ROOT, b64, credential, entropy, unb64
from support.signing import AT, Signer

from shared.codec import cbor
from shared.credentials import ClaimPath
from shared.formats import Binding
from shared.formats._transcript import mac_key, session_transcript
from shared.formats.mdoc import FORMAT
from shared.keys import KeyId, PublicKey, Role
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.policy import Policy

SPACE = REPRESENTATION.doctype
NAMES: tuple[ClaimPath, ...] = tuple(
    (SPACE, f"{person}_{name}") for person in ("represented", "proxy") for name in ("given_name", "family_name")
)
Tree = dict[str, Any]


def issue(*, holder: Signer = HOLDER, seed: str = "", issuer: Signer = ISSUER, **changes: Any) -> str:
    made = credential(**({"x5c": (LEAF,)} | changes))
    return issuer.finish(FORMAT.prepare(made, key=KeyId("issuer"), holder=holder.public, entropy=entropy(seed)))


def show(wire: str | None = None, paths: tuple[ClaimPath, ...] = NAMES, *, binding: Binding = BINDING, holder: Signer = HOLDER) -> str:
    chosen = FORMAT.disclose(FORMAT.parse(wire or issue()), paths)
    return holder.finish(FORMAT.present(chosen, binding, key=KeyId("holder"), at=AT, alg=holder.public.alg))


def verify(wire: str, *, binding: Binding = BINDING, issuer: PublicKey = ISSUER.public, at: int = AT) -> Any:
    return FORMAT.verify(FORMAT.parse(wire), issuer, binding=binding, at=at)


def tag(value: object) -> cbor2.CBORTag:
    return cbor2.CBORTag(24, cbor2.dumps(value))


def to_sign(protected: bytes, payload: bytes) -> bytes:
    return cbor2.dumps(["Signature1", protected, b"", payload])


@dataclass
class Draft:
    """An mdoc that can still be changed. ``spaces`` has its items decoded; their digests are made anew unless ``digested`` is false."""

    spaces: dict[str, list[Tree]]
    mso: Tree
    unprotected: dict[Any, Any]
    protected: dict[Any, Any] = field(default_factory=lambda: {1: -7})
    hash: Callable[[bytes], Any] = hashlib.sha256
    digested: bool = True
    signer: Signer = ISSUER
    tagged: Callable[[object], Any] = tag

    @classmethod
    def of(cls, wire: str | None = None) -> Draft:
        issued = cbor.loads(unb64(wire or issue()))
        spaces = {space: [cbor.loads(item.value) for item in items] for space, items in issued["nameSpaces"].items()}
        return cls(spaces, cbor.loads(cbor.loads(issued["issuerAuth"][2]).value), issued["issuerAuth"][1])

    @property
    def items(self) -> list[Tree]:
        return self.spaces[SPACE]

    def item(self, name: str) -> Tree:
        return next(item for item in self.items if item["elementIdentifier"] == name)

    def keep(self, *names: str) -> Draft:
        self.spaces[SPACE] = [item for item in self.items if item["elementIdentifier"] in names or item["digestID"] < 64]
        return self

    def issued(self) -> Tree:
        tagged = {space: [self.tagged(item) for item in items] for space, items in self.spaces.items()}
        if self.digested:
            for space, items in tagged.items():
                for item, sent in zip(self.spaces[space], items, strict=True):
                    self.mso["valueDigests"].setdefault(space, {})[item["digestID"]] = self.hash(cbor2.dumps(sent)).digest()
        protected, payload = cbor2.dumps(self.protected), cbor2.dumps(tag(self.mso))
        auth = [protected, self.unprotected, payload, self.signer.raw(to_sign(protected, payload))]
        return {**({"nameSpaces": tagged} if tagged else {}), "issuerAuth": auth}

    def wire(self) -> str:
        return b64(cbor2.dumps(self.issued()))

    def shown(self, **options: Any) -> str:
        """In a DeviceResponse."""
        return b64(cbor2.dumps(self.response(**options)))

    def response(
        self,
        *,
        binding: Binding = BINDING,
        holder: Signer = HOLDER,
        secret: bytes = b"",
        doctype: str = SPACE,
        said: Mapping[str, Any] | None = None,
        header: Mapping[int, Any] | None = None,
        issued: Tree | None = None,
    ) -> Tree:
        """With a MAC where ``secret`` is what both share."""
        spaces = tag(said or {})
        transcript = session_transcript(binding)
        payload = cbor2.dumps(tag(["DeviceAuthentication", cbor2.loads(transcript), doctype, spaces]))
        protected = cbor2.dumps(header or {1: 5 if secret else -7})
        if secret:
            structure = cbor2.dumps(["MAC0", protected, b"", payload])
            proof: dict[str, Any] = {"deviceMac": [protected, {}, None, hmac.digest(mac_key(secret, transcript), structure, "sha256")]}
        else:
            proof = {"deviceSignature": [protected, {}, None, holder.raw(to_sign(protected, payload))]}
        signed = {"nameSpaces": spaces, "deviceAuth": proof}
        document = {"docType": doctype, "issuerSigned": issued or self.issued(), "deviceSigned": signed}
        return {"version": "1.0", "documents": [document], "status": 0}


POLICY = Policy(TrustAnchors(anchors=(Anchor(certificate=ROOT, role=Role.CREDENTIAL_ISSUER, name="Registry"),)))


def judged(wire: str) -> Any:
    """As ``shared.verify`` goes about it: the key is that of a certificate which was found to be good."""
    parsed = FORMAT.parse(wire)
    trusted = POLICY.check_issuer(parsed.x5c, parsed.issuer, parsed.vct, AT)
    return FORMAT.verify(parsed, trusted.public, binding=BINDING, at=AT)
