"""Chains of ISO/IEC 18013-5 annex B before another library, and an mdoc that another library made under one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from isomdoc import create_mdoc
from openvc.mdoc import MdocError, verify_device_response
from support.chains import document_signer, iaca
from support.forge import BINDING, HOLDER, b64, unb64
from support.mdocs import SPACE, Draft
from support.signing import AT
from support.utopia import DS, ROOT, SIGNER, pin

from shared.errors import NotEntitled, VcError
from shared.formats._transcript import session_transcript
from shared.formats.mdoc import FORMAT
from shared.trust.anchors import TrustAnchors
from shared.trust.document_signers import check_document_signer
from shared.trust.policy import Policy

pytestmark = pytest.mark.real
TRANSCRIPT = session_transcript(BINDING)


def shown(ds: bytes) -> str:
    draft = Draft.of()
    draft.signer, draft.unprotected = SIGNER, {33: ds}
    return draft.shown()


def theirs(wire: str) -> Any:
    now = dt.datetime.fromtimestamp(AT, dt.UTC)
    return verify_device_response(unb64(wire), trust_anchors=[ROOT.cert], session_transcript=TRANSCRIPT, now=now)


def ours(wire: str) -> Any:
    parsed = FORMAT.parse(wire)
    signer = check_document_signer(Policy(TrustAnchors(anchors=(pin(vcts=(SPACE,)),))), parsed.x5c, parsed.doctype, AT)
    return FORMAT.verify(signer.name(parsed), signer.public, binding=BINDING, at=AT)


def test_both_accept_a_document_signer() -> None:
    claims, (document,) = ours(shown(DS)), theirs(shown(DS))
    assert (document.doc_type, document.elements(SPACE)) == (SPACE, claims.document[SPACE])
    assert claims.issuer == pin().entity


OTHER = iaca()


@pytest.mark.parametrize(
    "ds",
    [
        document_signer(OTHER, key=SIGNER.private),
        document_signer(ROOT, key=SIGNER.private, signing_key=OTHER.key),
        document_signer(ROOT, key=SIGNER.private, end=AT - 1),
        document_signer(ROOT, key=SIGNER.private, purposes=(x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.0.18013.5.1.6")]), True)),
        document_signer(ROOT),
    ],
    ids=["another authority", "forged", "ended", "reader", "another key"],
)
def test_both_refuse(ds: bytes) -> None:
    with pytest.raises(MdocError):
        theirs(shown(ds))
    with pytest.raises(VcError):
        ours(shown(ds))


def test_we_take_what_isomdoc_makes_under_an_authority() -> None:
    """Of a doctype that nobody knows here: who made it is known all the same, and by whose word."""
    space, now = "org.example.card", dt.datetime.fromtimestamp(AT, dt.UTC)
    assert isinstance(SIGNER.private, ec.EllipticCurvePrivateKey)
    made = create_mdoc(space, [x509.load_der_x509_certificate(DS)], SIGNER.private)
    made.add_data_item(space, "name", "Nora")
    parsed = FORMAT.parse(b64(made.generate_credential(HOLDER.public.key, now, now, now + dt.timedelta(days=30))))
    assert (parsed.issuer, parsed.doctype) == ("", space)
    signer = check_document_signer(Policy(TrustAnchors(anchors=(pin(vcts=(space,)),))), parsed.x5c, parsed.doctype, AT)
    claims = FORMAT.check_received(signer.name(parsed), signer.public, holder=HOLDER.public, at=AT)
    assert (claims.issuer, claims.claims) == (pin().entity, {space: {"name": "Nora"}})
    with pytest.raises(NotEntitled):
        check_document_signer(Policy(TrustAnchors(anchors=(pin(),))), parsed.x5c, parsed.doctype, AT)
