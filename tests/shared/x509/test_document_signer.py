"""ISO/IEC 18013-5 annex B: which authorities and document signers are as the annex has them, and what is refused."""

from __future__ import annotations

import calendar
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from conftest import Vectors
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from support.chains import Authority, authority, der, document_signer, end_entity, iaca, made, name, usage
from support.signing import AT, Signer

from shared.clock import DAY
from shared.errors import AlgorithmRefused, CertificateRevoked, CrlStale, Malformed, NotEntitled, Untrusted, VcError
from shared.keys import KeyId, PublicKey, Role
from shared.x509 import Cert, Crl, check_iaca, load_certificate, parse_crl, prepare_crl, verify_chain, verify_document_signer
from shared.x509.certificate import DOCUMENT_SIGNER, ROLE_OIDS
from shared.x509.document_signer import check_document_signer

ROOT = iaca()
KEY = ec.generate_private_key(ec.SECP256R1())
DS = document_signer(ROOT, key=KEY)
CONSTRAINTS = x509.BasicConstraints(ca=True, path_length=0)
UNKNOWN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)


def judged(ds: bytes, root: Authority = ROOT, *, at: int = AT, crls: tuple[Crl, ...] = (), current: tuple[Crl, ...] | None = None) -> Cert:
    return verify_document_signer((ds,), root.ours, at=at, crls=crls, current=current)


def test_a_document_signer_under_its_authority() -> None:
    found = judged(DS)
    assert (found.subject, found.roles, found.uris, found.is_document_signer) == ("Utopia DS", (), (), True)
    assert judged(DS) is found  # remembered


@pytest.mark.parametrize(
    "chain",
    [
        lambda: (iaca(province="Wales"), {"province": "Wales"}),
        lambda: (iaca(province="Wales"), {}),
        lambda: (iaca(), {"province": "Wales"}),
        lambda: (iaca(), {"more": [(x509.BasicConstraints(ca=False, path_length=None), True)]}),
        lambda: (iaca(), {"start": AT - 60 * DAY, "end": AT + 397 * DAY}),
        lambda: (iaca(key=ec.generate_private_key(ec.SECP384R1()), digest=hashes.SHA384()), {"digest": hashes.SHA384()}),
        lambda: (iaca(), {"key": ec.generate_private_key(ec.SECP384R1())}),
        lambda: (iaca(), {"more": [(x509.SubjectAlternativeName([x509.UniformResourceIdentifier("https://opg.example")]), False)]}),
    ],
)
def test_what_the_annex_leaves_open(chain: Callable[[], tuple[Authority, dict[str, Any]]]) -> None:
    root, options = chain()
    check_iaca(root.ours)
    assert judged(document_signer(root, **options), root).is_document_signer


AUTHORITIES: dict[str, dict[str, Any]] = {
    "may certify authorities": {"limits": (x509.BasicConstraints(ca=True, path_length=1), True)},
    "without a path length": {"limits": (x509.BasicConstraints(ca=True, path_length=None), True)},
    "constraints that are not critical": {"limits": (CONSTRAINTS, False)},
    "no constraints": {"limits": None},
    "no authority": {"limits": (x509.BasicConstraints(ca=False, path_length=None), True)},
    "key usage that is not critical": {"uses": (usage(key_cert_sign=True, crl_sign=True), False)},
    "no key usage": {"uses": None},
    "signs documents itself": {"uses": (usage(key_cert_sign=True, crl_sign=True, digital_signature=True), True)},
    "withdraws nothing": {"uses": (usage(key_cert_sign=True), True)},
    "critical and unknown": {"more": [UNKNOWN]},
    "in no country": {"country": ()},
    "in two countries": {"country": ("GB", "US")},
    "on another curve": {"key": ec.generate_private_key(ec.SECP256R1()), "signing_key": ec.generate_private_key(ec.SECP256R1())},
    "signed with SHA-512": {"digest": hashes.SHA512()},
}


@pytest.mark.parametrize("how", AUTHORITIES)
def test_an_authority_that_is_none(how: str) -> None:
    root = iaca(**AUTHORITIES[how])
    with pytest.raises(NotEntitled):
        check_iaca(root.ours)
    with pytest.raises((NotEntitled, Untrusted)):
        judged(document_signer(root), root)


def test_an_authority_certified_by_another() -> None:
    above = iaca(limits=(x509.BasicConstraints(ca=True, path_length=1), True))
    key = ec.generate_private_key(ec.SECP256R1())
    extensions = [(CONSTRAINTS, True), (usage(key_cert_sign=True, crl_sign=True), True)]
    below = Authority(key, made(name("Below", country=("GB",)), key, above, extensions))
    with pytest.raises(NotEntitled, match="by itself"):
        check_iaca(below.ours)
    with pytest.raises(Untrusted, match="by its authority itself"):
        verify_document_signer((document_signer(below), der(below.cert)), above.ours, at=AT)


def test_an_authority_that_does_not_name_its_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    cert = (
        x509.CertificateBuilder()
        .subject_name(ROOT.cert.subject)
        .issuer_name(ROOT.cert.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(ROOT.cert.not_valid_before_utc)
        .not_valid_after(ROOT.cert.not_valid_after_utc)
        .add_extension(CONSTRAINTS, critical=True)
        .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(NotEntitled, match="names its key"):
        check_iaca(load_certificate(der(cert)))


def purposes(*oids: x509.ObjectIdentifier, critical: bool = True) -> dict[str, Any]:
    return {"purposes": (x509.ExtendedKeyUsage(oids), critical)}


SIGNERS: dict[str, dict[str, Any]] = {
    "purpose that is not critical": purposes(DOCUMENT_SIGNER, critical=False),
    "no purpose": {"purposes": None},
    "any purpose": purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),
    "reader": purposes(x509.ObjectIdentifier("1.0.18013.5.1.6")),
    "two purposes": purposes(DOCUMENT_SIGNER, x509.ObjectIdentifier("1.0.18013.5.1.6")),
    "our role": purposes(ROLE_OIDS[Role.CREDENTIAL_ISSUER]),
    "our role as well": purposes(ROLE_OIDS[Role.CREDENTIAL_ISSUER], DOCUMENT_SIGNER),
    "key usage that is not critical": {"uses": (usage(digital_signature=True), False)},
    "no key usage": {"uses": None},
    "agrees on keys as well": {"uses": (usage(digital_signature=True, key_agreement=True), True)},
    "certifies": {"more": [(CONSTRAINTS, True)]},
    "one day too long": {"start": AT - 60 * DAY, "end": AT + 398 * DAY},
    "of another country": {"country": ("US",)},
    "of another spelling": {"country": ("gb",)},
    "of no country": {"country": ()},
    "of two countries": {"country": ("GB", "US")},
    "critical and unknown": {"more": [UNKNOWN]},
    "critical and known": {"more": [(x509.SubjectAlternativeName([x509.DNSName("opg.example")]), True)]},
    "signed with SHA-512": {"digest": hashes.SHA512()},
    "on another curve": {"key": ec.generate_private_key(ec.SECP521R1())},
    "names another key": {"key_id": KEY.public_key()},
    "by somebody of that name": {"signing_key": ec.generate_private_key(ec.SECP256R1())},
    "not yet in force": {"start": AT + 1, "end": AT + DAY},
    "no longer in force": {"start": AT - DAY, "end": AT - 1},
}


@pytest.mark.parametrize("how", SIGNERS)
def test_a_document_signer_that_is_none(how: str) -> None:
    with pytest.raises((NotEntitled, Untrusted, AlgorithmRefused)):
        judged(document_signer(ROOT, **SIGNERS[how]))


def test_a_document_signer_of_another_province() -> None:
    root = iaca(province="Wales")
    with pytest.raises(NotEntitled, match="state or province"):
        judged(document_signer(root, province="Scotland"), root)


def test_chains_that_are_none() -> None:
    for x5c in ((), (DS, der(ROOT.cert)), (der(ROOT.cert),), (DS, DS)):
        with pytest.raises((Untrusted, Malformed)):
            verify_document_signer(x5c, ROOT.ours, at=AT)
    with pytest.raises(Untrusted):
        judged(DS, iaca())  # of the same name


def test_neither_serves_for_the_other() -> None:
    """S1: a document signer in a role of ours, and our leaf as a document signer."""
    ours = authority("Registry")
    for role in ROLE_OIDS:
        with pytest.raises(Untrusted):
            verify_chain((DS,), (ROOT.ours,), at=AT, role=role)
        with pytest.raises((NotEntitled, Untrusted)):
            judged(end_entity(ROOT, usages=(ROLE_OIDS[role],)))
    with pytest.raises(NotEntitled):
        judged(end_entity(ours), ours)


def crl(*serials: int, at: int = AT - DAY) -> Crl:
    signer = Signer(ROOT.key, PublicKey.of(ROOT.key.public_key()))
    unsigned = prepare_crl(issuer=ROOT.ours, key=KeyId("a"), revoked=[(each, at) for each in serials], at=at, days=7, number=1)
    return parse_crl(signer.finish(unsigned))


def test_withdrawn_document_signers() -> None:
    listed = crl(load_certificate(DS).serial)
    with pytest.raises(CertificateRevoked):
        judged(DS, crls=(listed,))
    assert judged(DS, crls=(crl(1),)).is_document_signer
    with pytest.raises(CrlStale):
        judged(DS, crls=(crl(1, at=AT - 30 * DAY),))
    with pytest.raises(CrlStale):
        judged(DS, current=())
    assert judged(DS, current=(crl(1),)).is_document_signer


# --- those of others ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.vectors
def test_certificates_of_another_implementation(vectors: Vectors) -> None:
    """Of its five signers one is as the annex has it; a sixth, by a third implementation, has a negative serial number."""

    def read(file: str) -> Cert:
        return load_certificate(vectors(f"mdoc-isomdl/presentation/{file}.pem").read_bytes())

    root, at = read("isomdl_iaca_root_cert"), calendar.timegm((2023, 12, 1, 0, 0, 0))
    check_iaca(root)
    check_iaca(read("owf_multipaz_iaca_p384"))
    with pytest.raises(NotEntitled):
        check_iaca(read("isomdl_iaca_intermediate"))
    signer = read("isomdl_iaca_signer")
    assert verify_document_signer((signer.der,), root, at=at) == signer
    with pytest.raises(Untrusted):
        verify_document_signer((signer.der,), read("owf_multipaz_iaca_p384"), at=at)
    for wrong in ("isomdl_incorrect_iaca_signer", "isomdl_iaca_leaf_signer", "isomdl_iaca_intermediate", "reader_auth"):
        with pytest.raises((NotEntitled, Untrusted)):
            verify_document_signer((read(wrong).der,), root, at=at)
    below = (read("isomdl_iaca_leaf_signer").der, read("isomdl_iaca_intermediate").der)
    with pytest.raises(VcError):
        verify_document_signer(below, root, at=at)
    with pytest.warns(UserWarning, match="serial number"), pytest.raises(Malformed, match="serial number"):
        read("owf_multipaz_ds_p384")


@pytest.mark.vectors
def test_the_document_signer_of_annex_d(vectors: Vectors) -> None:
    """The annex has no certificate of its authority: one in the same country with a key of that name stands for it, and did not sign it."""
    found = json.loads(vectors("mdoc-iso18013-5-annexD/annex_d_vectors.json").read_text())
    signer = load_certificate(bytes.fromhex(found["ISO_18013_5_ANNEX_D_DS_CERT"]))
    reader = load_certificate(bytes.fromhex(found["ISO_18013_5_ANNEX_D_READER_CERT"]))
    root = iaca(country=("US",), common="utopia iaca")
    check_document_signer(signer, replace(root.ours, subject_key_id=signer.authority_key_id))
    with pytest.raises(NotEntitled, match="names the key"):
        check_document_signer(signer, root.ours)
    with pytest.raises(NotEntitled, match="country"):
        check_document_signer(signer, replace(ROOT.ours, subject_key_id=signer.authority_key_id))
    with pytest.raises(NotEntitled, match="not one of a document signer"):
        check_document_signer(reader, root.ours)
    with pytest.raises(Untrusted):
        judged(signer.der, root, at=signer.not_before)
