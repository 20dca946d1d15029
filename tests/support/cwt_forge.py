"""SD-CWTs put together with ``cbor2`` alone: what no honest issuer or holder signs, signed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import cbor2
from support.forge import BINDING, HOLDER, ISSUER, b64, entropy, issue, show, unb64
from support.signing import AT, Signer

from shared.formats import BearerType, Binding, Claims, formats

FORM = formats()["dc+sd-cwt"]
NAMES = [("represented", "given_name"), ("represented", "family_name"), ("proxy", "given_name"), ("proxy", "family_name")]
SIMPLE_59 = cbor2.CBORSimpleValue(59)
ALGS = {"ES256": -9, "ES384": -51, "EdDSA": -19}
SALTS = entropy("cwt-forge")


def sign1(protected: Mapping[Any, Any] | bytes, unprotected: Any, payload: Any, signer: Signer) -> cbor2.CBORTag:
    """A signed item of any parts; what is not bytes yet is encoded."""
    head = protected if isinstance(protected, bytes) else cbor2.dumps(dict(protected))
    body = payload if isinstance(payload, bytes) else cbor2.dumps(payload)
    signed = cbor2.dumps(["Signature1", head, b"", body])
    return cbor2.CBORTag(18, [head, unprotected, body, signer.raw(signed)])


def disclosure(*parts: Any) -> bytes:
    """``disclosure(value, key)``, ``disclosure(value)`` or, for a decoy, ``disclosure()``."""
    return cbor2.dumps([SALTS(16), *parts])


def digest(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def taken_apart(wire: str) -> list[Any]:
    """The four parts of a document or of a binding token."""
    return list(cbor2.loads(unb64(wire)).value)


def payload_of(wire: str) -> dict[Any, Any]:
    payload: dict[Any, Any] = cbor2.loads(taken_apart(wire)[2])
    return payload


def changed(mapping: Mapping[Any, Any], changes: Mapping[Any, Any]) -> dict[Any, Any]:
    """With members replaced, or left out where the value is ``...``."""
    return {key: value for key, value in {**mapping, **changes}.items() if value is not ...}


def document(
    changes: Mapping[Any, Any] | None = None,
    *,
    claims: Mapping[Any, Any] | None = None,
    disclosures: Sequence[Any] | None = None,
    header: Mapping[Any, Any] | None = None,
    unprotected: Any = None,
    signer: Signer = ISSUER,
    wire: str | None = None,
) -> cbor2.CBORTag:
    """The usual copy with other members in its payload, its map of claims (-70000), its headers or its list of disclosures."""
    head, outside, _, _ = taken_apart(wire or issue("dc+sd-cwt"))
    payload = payload_of(wire or issue("dc+sd-cwt"))
    payload[-70_000] = changed(payload[-70_000], claims or {})
    outside = dict(outside) if unprotected is None else unprotected
    if disclosures is not None:
        outside = changed(outside, {17: list(disclosures) or ...})
    return sign1(changed(cbor2.loads(head), header or {}), outside, changed(payload, changes or {}), signer)


def shown(*groups: int, wire: str | None = None) -> list[bytes]:
    """Of the usual copy, the disclosures of these groups."""
    listed: list[bytes] = taken_apart(wire or issue("dc+sd-cwt"))[1][17]
    return [raw for raw in listed if -(*cbor2.loads(raw), 0, 0)[2] in groups]


def token(
    item: Any,
    changes: Mapping[Any, Any] | None = None,
    *,
    header: Mapping[Any, Any] | None = None,
    unprotected: Any = None,
    holder: Signer = HOLDER,
) -> cbor2.CBORTag:
    """A binding token around ``item`` by ``holder``."""
    payload = {3: BINDING.audience, 6: AT, 39: unb64(BINDING.nonce or "")}
    protected = changed({1: ALGS[holder.public.alg], 13: item, 16: 294}, header or {})
    return sign1(protected, {} if unprotected is None else unprotected, changed(payload, changes or {}), holder)


def wire(item: Any) -> str:
    return b64(item if isinstance(item, bytes) else cbor2.dumps(item))


def verify(text: str, binding: Binding | BearerType = BINDING, *, at: int = AT) -> Claims:
    return FORM.verify(FORM.parse(text), ISSUER.public, binding=binding, at=at)


def receive(item: Any) -> Claims:
    """As the wallet of ``HOLDER``."""
    return FORM.check_received(FORM.parse(wire(item)), ISSUER.public, holder=HOLDER.public, at=AT)


def presented(*paths: tuple[str, ...], source: str | None = None, binding: Binding = BINDING) -> str:
    """The names of both people, or something else, of the usual copy or another."""
    return show(FORM, FORM.disclose(FORM.parse(source or issue(FORM)), paths or NAMES), binding)
