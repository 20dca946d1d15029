"""mdoc: issue a power of attorney and verify a DeviceResponse, beside the raw signatures and hashes that nobody can avoid, and the peers.

The issuer's certificate has been read before, as in any service. openvc-core follows its chain each time; isomdoc knows no chains, and
pymdoccbor neither chains here nor devices.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from functools import cache
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from isomdoc import create_mdoc
from isomdoc import verify_device_response as verify_isomdoc
from openvc.mdoc import verify_device_response as verify_openvc
from pymdoccbor.mdoc.issuer import MdocCborIssuer
from pymdoccbor.mdoc.verifier import MdocCbor

from benchmarks.jws import SHA256, raw
from benchmarks.measure import Row, interleaved, row
from benchmarks.sd_jwt import DAY, ISSUER, NOW, keys
from demo.poa import LPA_1
from shared.clock import system_entropy
from shared.codec import base64url
from shared.credentials import by_id
from shared.formats import Binding, Credential, Handover, StatusReference
from shared.formats._elements import elements_of
from shared.formats._transcript import session_transcript
from shared.formats.mdoc import FORMAT
from shared.jose.jwk import parse_public_jwk, render_jwk
from shared.keys import KeyId, PublicKey, Role
from shared.x509 import load_certificate, prepare_anchor, prepare_leaf

TYPE = by_id("representation")
BINDING = Binding(
    audience="x509_hash:bank", nonce="n" * 22, handover=Handover(response_uri="https://bank.example/r", key_thumbprint=bytes(32))
)
SHOWN = [(TYPE.doctype, f"{person}_{name}") for person in ("represented", "proxy") for name in ("given_name", "family_name")]
DIGESTS = sum(bool(element.number) for element, _ in elements_of(TYPE).encode(LPA_1)) + len(elements_of(TYPE).free)


@cache
def certificates() -> tuple[bytes, bytes]:
    """The leaf of the issuer and its anchor."""
    private = ec.generate_private_key(ec.SECP256R1())
    public, key = PublicKey.of(private.public_key()), KeyId("anchor")
    unsigned = prepare_anchor(subject="Anchor", public=public, key=key, at=DAY, days=400, serial=1)
    root = load_certificate(unsigned.complete(raw(private, unsigned.signing_input)))
    leaf = prepare_leaf(
        subject="Registry", uris=[ISSUER], role=Role.CREDENTIAL_ISSUER, public=keys().issuer_public, issuer=root, key=key, at=DAY, days=90,
        serial=2,
    )  # fmt: skip
    return leaf.complete(raw(private, leaf.signing_input)), root.der


@cache
def holder() -> PublicKey:
    """As it comes, in a key proof."""
    return parse_public_jwk(render_jwk(keys().holder_public))


def issue_ours() -> str:
    credential = Credential(
        type=TYPE, claims=LPA_1, issuer=ISSUER, issued_at=DAY, expires_at=DAY + 30 * 86_400,
        status=StatusReference(uri=f"{ISSUER}/s/1", idx=4711), x5c=certificates()[:1],
    )  # fmt: skip
    unsigned = FORMAT.prepare(credential, key=KeyId("issuer"), holder=holder(), entropy=system_entropy)
    return unsigned.complete(raw(keys().issuer, unsigned.signing_input))


@cache
def _values() -> dict[str, Any]:
    return {element.name: cbor2.loads(value) for element, value in elements_of(TYPE).encode(LPA_1)}


def _issue_isomdoc() -> bytes:
    made = create_mdoc(TYPE.doctype, [x509.load_der_x509_certificate(certificates()[0])], keys().issuer)
    for name, value in _values().items():
        made.add_data_item(TYPE.doctype, name, value)
    return bytes(made.generate_credential(keys().holder.public_key()))


def _issue_pymdoccbor() -> bytes:
    numbers, public = keys().issuer.private_numbers(), keys().holder.public_key().public_numbers()
    private = {"KTY": "EC2", "CURVE": "P_256", "ALG": "ES256", "D": numbers.private_value.to_bytes(32, "big"), "KID": b"issuer"}
    device = {1: 2, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
    issuer = MdocCborIssuer(private_key=private, alg="ES256")
    validity = {"issuance_date": "2026-01-01", "expiry_date": "2027-01-01"}
    values = {name: value for name, value in _values().items() if not isinstance(value, list)}  # it cannot write lists of texts
    issuer.new({TYPE.doctype: values}, TYPE.doctype, validity=validity, devicekeyinfo=device, x509_chain=[certificates()[0]])
    return bytes(issuer.dump())


def issue() -> Row:
    """Floor: one raw signature and a SHA-256 for each digest, decoys included."""
    block, private = b"x" * 120, keys().issuer

    def floor() -> None:
        private.sign(block, SHA256)
        for _ in range(DIGESTS):
            hashlib.sha256(block).digest()

    figures = interleaved({"floor": floor, "ours": issue_ours, "isomdoc": _issue_isomdoc, "pymdoccbor": _issue_pymdoccbor})
    return row("mdoc issue", figures, bar=0.40)


def verify() -> Row:
    """Floor: two raw verifications. Ours reads the bytes and makes all checks, the two signatures and each digest among them."""
    unsigned = FORMAT.present(FORMAT.disclose(FORMAT.parse(issue_ours()), SHOWN), BINDING, key=KeyId("holder"), at=NOW)
    shown = unsigned.complete(raw(keys().holder, unsigned.signing_input))
    data, transcript, anchors = base64url.decode(shown), session_transcript(BINDING), [x509.load_der_x509_certificate(certificates()[1])]
    private, native = keys().issuer, keys().issuer.public_key()
    block, at = b"x" * 1_500, dt.datetime.fromtimestamp(NOW, dt.UTC)
    der = private.sign(block, SHA256)
    logging.getLogger("pymdoccbor").setLevel(logging.CRITICAL)

    def floor() -> None:
        native.verify(der, block, SHA256)
        native.verify(der, block, SHA256)

    def ours() -> None:
        FORMAT.verify(FORMAT.parse(shown), keys().issuer_public, binding=BINDING, at=NOW)

    def pymdoccbor() -> None:
        document = MdocCbor()
        document.loads(data)
        assert document.verify()

    peers = {
        "openvc-core": lambda: verify_openvc(data, trust_anchors=anchors, session_transcript=transcript, now=at),
        "isomdoc": lambda: verify_isomdoc(data, cbor2.loads(transcript)),
        "pymdoccbor": pymdoccbor,
    }
    return row("mdoc verify", interleaved({"floor": floor, "ours": ours, **peers}), bar=0.60)
