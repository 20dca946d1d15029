from __future__ import annotations

import base64
import datetime as dt
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer, anchor, leaf

from shared.clock import DAY
from shared.errors import AlgorithmRefused, BadSignature, Malformed, TooLarge, VcError
from shared.keys import SIGNS, KeyId, Role
from shared.x509 import (
    ROLE_OIDS,
    load_certificate,
    parse_crl,
    parse_x5c,
    prepare_anchor,
    prepare_crl,
    prepare_leaf,
    render_pem,
    x5c_header,
)
from shared.x509.certificate import MAX_CERTIFICATE, parse_pem
from shared.x509.crl import MAX_CRL
from shared.x509.prepare import _tlv

KEY = KeyId("anchor")
ROOT = Signer.new()
ANCHOR = anchor(ROOT)
LEAF_SIGNER = Signer.new()
LEAF = leaf(LEAF_SIGNER, ANCHOR, ROOT)


def prepare(**changes: Any) -> Any:
    options: dict[str, Any] = {
        "subject": "Office of the Public Guardian (test)",
        "uris": ["https://issuer.example"],
        "dns": ["issuer.example"],
        "role": Role.CREDENTIAL_ISSUER,
        "public": LEAF_SIGNER.public,
        "issuer": ANCHOR,
        "key": KEY,
        "at": AT,
        "days": 365,
        "serial": 2**158,
    }
    return prepare_leaf(**{**options, **changes})


# --- making --------------------------------------------------------------------------------------------------------------------------


def test_anchor() -> None:
    assert (ANCHOR.subject, ANCHOR.is_ca, ANCHOR.roles, ANCHOR.serial) == ("Test anchor", True, (), 1)
    assert (ANCHOR.not_before, ANCHOR.not_after) == (AT - AT % DAY, AT + 3650 * DAY)
    assert (ANCHOR.uris, ANCHOR.dns, ANCHOR.authority_key_id) == ((), (), b"")
    assert len(ANCHOR.subject_key_id) == 20
    ANCHOR.parsed.verify_directly_issued_by(ANCHOR.parsed)
    assert anchor(ROOT, path_length=None).parsed.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length is None


def test_leaf() -> None:
    unsigned = prepare(crl_url="https://issuer.example/crl")
    assert (unsigned.key, unsigned.typ) == (KEY, "x509-certificate")
    cert = load_certificate(ROOT.finish(unsigned))
    assert cert.subject == "Office of the Public Guardian (test)"
    assert (cert.uris, cert.dns) == (("https://issuer.example",), ("issuer.example",))
    assert (cert.is_ca, cert.roles, cert.serial) == (False, (Role.CREDENTIAL_ISSUER,), 2**158)
    assert cert.public.key == LEAF_SIGNER.public.key
    assert cert.authority_key_id == ANCHOR.subject_key_id
    assert unsigned.signing_input == cert.parsed.tbs_certificate_bytes
    cert.parsed.verify_directly_issued_by(ANCHOR.parsed)
    points = cert.parsed.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert points[0].full_name == [x509.UniformResourceIdentifier("https://issuer.example/crl")]


def test_signers_of_mdocs_and_their_authority() -> None:
    """ISO/IEC 18013-5 annex B: critical usage, and whom to ask."""
    pinned = load_certificate(
        ROOT.finish(prepare_anchor(subject="x", public=ROOT.public, key=KEY, at=AT, days=9, serial=1, uri="https://opg.example"))
    )
    for issuer, owner in ((ANCHOR, "https://issuer.example"), (pinned, "https://opg.example")):
        extensions = load_certificate(ROOT.finish(prepare(issuer=issuer))).parsed.extensions
        assert extensions.get_extension_for_class(x509.IssuerAlternativeName).value == x509.IssuerAlternativeName(
            [x509.UniformResourceIdentifier(owner)]
        )
        usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        assert usage.critical
        assert x509.ObjectIdentifier("1.0.18013.5.1.2") in usage.value
    other = load_certificate(ROOT.finish(prepare(role=Role.RELYING_PARTY))).parsed.extensions
    assert not other.get_extension_for_class(x509.ExtendedKeyUsage).critical
    with pytest.raises(x509.ExtensionNotFound):
        other.get_extension_for_class(x509.IssuerAlternativeName)


def test_a_leaf_is_in_the_country_of_its_authority() -> None:
    """ISO/IEC 18013-5 annex B.1: both name one."""
    root = load_certificate(ROOT.finish(prepare_anchor(subject="x", public=ROOT.public, key=KEY, at=AT, days=9, serial=1, country="GB")))
    for cert in (root, load_certificate(ROOT.finish(prepare(issuer=root)))):
        assert [each.value for each in cert.parsed.subject.get_attributes_for_oid(x509.NameOID.COUNTRY_NAME)] == ["GB"]
    assert root.subject == "x"
    for wrong in ("gb", "GBR", "G1", "UK\n"):
        with pytest.raises(Malformed) as caught:
            prepare_anchor(subject="x", public=ROOT.public, key=KEY, at=AT, days=9, serial=1, country=wrong)
        assert caught.value.where == "/country"


@pytest.mark.parametrize("role", [Role.CREDENTIAL_ISSUER, Role.RELYING_PARTY, Role.BUNDLE])
def test_one_role_a_leaf(role: Role) -> None:
    cert = load_certificate(ROOT.finish(prepare(role=role)))
    assert cert.roles == (role,)
    assert ROLE_OIDS[role] in cert.parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value


@pytest.mark.parametrize("role", [Role.ANCHOR, Role.HOLDER, Role.MAC, Role.SEAL])
def test_roles_without_a_leaf(role: Role) -> None:
    with pytest.raises(Malformed):
        prepare(role=role)


def test_only_the_anchor_role_signs_certificates_and_lists() -> None:
    for typ in ("x509-certificate", "x509-crl"):
        assert [role for role in Role if typ in SIGNS[role]] == [Role.ANCHOR]


def test_another_tool_reads_and_verifies_them(tmp_path: Path) -> None:
    root384 = Signer.new("ES384")
    for signer, pinned in ((ROOT, ANCHOR), (root384, anchor(root384))):
        (tmp_path / "anchor.pem").write_text(render_pem(pinned.der))
        (tmp_path / "leaf.pem").write_text(render_pem(leaf(LEAF_SIGNER, pinned, signer)))
        unsigned = prepare_crl(issuer=pinned, key=KEY, revoked=[(9, AT)], at=AT, days=7, number=1)
        (tmp_path / "crl.pem").write_text(render_pem(signer.finish(unsigned), label="X509 CRL"))
        command = [
            "openssl",
            "verify",
            "-x509_strict",
            "-crl_check",
            "-purpose",
            "any",
            "-attime",
            str(AT),
            "-CAfile",
            "anchor.pem",
            "-CRLfile",
            "crl.pem",
            "leaf.pem",
        ]
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout.strip() == "leaf.pem: OK"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"subject": ""}, "/subject"),
        ({"subject": "x" * 65}, "/subject"),
        ({"uris": ["https://é.example"]}, "/uris"),
        ({"dns": ["é.example"]}, "/dns"),
        ({"crl_url": "https://é.example"}, "/uris"),
        ({"serial": 0}, ""),
        ({"serial": -1}, ""),
        ({"serial": 2**160}, ""),
        ({"days": -1}, ""),
        ({"days": 10**7}, ""),
        ({"days": 10**15}, ""),
    ],
)
def test_refused_contents(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        prepare(**changes)
    assert caught.value.where == where


def test_anchors_are_elliptic() -> None:
    edwards = Signer.new("EdDSA")
    with pytest.raises(AlgorithmRefused):
        prepare_anchor(subject="x", public=edwards.public, key=KEY, at=AT, days=1, serial=1)


def test_result_is_checked_before_it_leaves() -> None:
    unsigned = prepare()
    for wrong in (b"", bytes(64), Signer.new().raw(unsigned.signing_input), ROOT.raw(b"other")):
        with pytest.raises(BadSignature):
            unsigned.complete(wrong)
    crl = prepare_crl(issuer=ANCHOR, key=KEY, revoked=[], at=AT, days=1, number=1)
    for wrong in (b"", bytes(64), Signer.new().raw(crl.signing_input)):
        with pytest.raises(BadSignature):
            crl.complete(wrong)


@pytest.mark.parametrize(
    ("size", "head"), [(0, "30 00"), (127, "30 7f"), (128, "30 81 80"), (255, "30 81 ff"), (256, "30 82 0100"), (70000, "30 83 011170")]
)
def test_der_lengths(size: int, head: str) -> None:
    assert _tlv(0x30, bytes(size)) == bytes.fromhex(head) + bytes(size)


# --- reading ---------------------------------------------------------------------------------------------------------------------------


def test_ways_in_which_certificates_travel() -> None:
    cert = load_certificate(LEAF)
    pem = render_pem(LEAF)
    assert pem == cert.parsed.public_bytes(serialization.Encoding.PEM).decode()
    for form in (
        pem,
        pem.encode(),
        f"The issuer:\n{pem}",
        pem.replace("\n", "\r\n"),
        base64.b64encode(LEAF).decode(),
        x5c_header([LEAF])[0],
    ):
        assert load_certificate(form) == cert
    assert load_certificate(LEAF) is cert
    assert cert.sha256 == cert.parsed.fingerprint(hashes.SHA256())
    assert len({cert, ANCHOR, load_certificate(pem)}) == 2


def test_x5c() -> None:
    header = x5c_header([LEAF, ANCHOR.der])
    assert parse_x5c(header) == parse_x5c(tuple(header)) == (LEAF, ANCHOR.der)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (None, "/x5c"),
        ([], "/x5c"),
        ("AAAA", "/x5c"),
        ({}, "/x5c"),
        (["AAAA"] * 5, "/x5c"),
        (["AAAA", 1], "/x5c/1"),
        (["AAA"], "/x5c/0"),
        (["AAAA\n"], "/x5c/0"),
        (["__77"], "/x5c/0"),
        (["AB=="], "/x5c/0"),
        (["A" * 30_000], "/x5c/0"),
    ],
)
def test_refused_x5c(value: object, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_x5c(value, "/x5c")
    assert caught.value.where == where


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN CERTIFICATE-----",
        render_pem(LEAF) * 2,
        render_pem(LEAF).replace("CERTIFICATE", "PRIVATE KEY"),
        render_pem(LEAF).replace("MII", "M!I"),
    ],
)
def test_refused_pem(text: str) -> None:
    with pytest.raises(Malformed):
        parse_pem(text)
    with pytest.raises(Malformed) as caught:
        load_certificate(text.encode(), "/anchor")
    assert caught.value.where == "/anchor"


def test_bounds() -> None:
    with pytest.raises(TooLarge):
        load_certificate(bytes(MAX_CERTIFICATE + 1))
    with pytest.raises(TooLarge):
        parse_crl(bytes(MAX_CRL + 1))


def built(*extensions: x509.ExtensionType, subject: x509.Name | None = None, serial: int = 5) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject if subject is not None else x509.Name([]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(dt.datetime.fromtimestamp(AT, dt.UTC))
        .not_valid_after(dt.datetime.fromtimestamp(AT, dt.UTC))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_sparse_certificates() -> None:
    bare = load_certificate(built())
    assert (bare.subject, bare.is_ca, bare.roles, bare.subject_key_id, bare.authority_key_id) == ("", False, (), b"", b"")
    named = built(
        x509.AuthorityKeyIdentifier(None, [x509.DNSName("x")], 1),
        subject=x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Register"), x509.NameAttribute(NameOID.COUNTRY_NAME, "GB")]),
    )
    assert (load_certificate(named).subject, load_certificate(named).authority_key_id) == ("C=GB,O=Register", b"")


def test_serial_numbers_are_positive() -> None:
    good = built(serial=0x7A)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns, we refuse
        for serial in (b"\x80", b"\x00"):
            with pytest.raises(Malformed):
                load_certificate(good.replace(b"\x02\x01\x7a", b"\x02\x01" + serial, 1))


def test_repeated_extension() -> None:
    constraints = b"\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00"
    other = b"\x30\x0c\x06\x03\x55\x1d\x09\x01\x01\xff\x04\x02\x30\x00"
    assert constraints in LEAF
    twice = LEAF.replace(b"\x06\x03\x55\x1d\x0f", b"\x06\x03\x55\x1d\x13", 1)
    for damaged in (twice, LEAF.replace(constraints, other, 1), LEAF[:-1], LEAF + b"\x00", b"", b"\x30\x00"):
        try:
            load_certificate(damaged)
        except Malformed:
            continue
        assert damaged == LEAF.replace(constraints, other, 1)  # merely an unknown extension


@given(st.integers(0, len(LEAF) - 1), st.integers(0, 255), st.integers(0, 4))
def test_a_damaged_certificate_gives_facts_or_an_error(place: int, value: int, cut: int) -> None:
    damaged = bytearray(LEAF)
    damaged[place] = value
    try:
        cert = load_certificate(bytes(damaged[: len(damaged) - cut]))
    except VcError:
        return
    assert cert.serial > 0


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_anything_gives_an_error(data: bytes | str) -> None:
    with pytest.raises(VcError):
        load_certificate(data)


# --- revocation lists ----------------------------------------------------------------------------------------------------------------------


def test_crl_round_trip() -> None:
    unsigned = prepare_crl(issuer=ANCHOR, key=KEY, revoked=[(7, AT - 5), (2**158, AT)], at=AT, days=7, number=3)
    assert (unsigned.key, unsigned.typ) == (KEY, "x509-crl")
    data = ROOT.finish(unsigned)
    crl = parse_crl(data)
    assert (crl.this_update, crl.next_update, crl.serials) == (AT, AT + 7 * DAY, frozenset({7, 2**158}))
    assert crl == parse_crl(render_pem(data, label="X509 CRL").encode())
    assert crl.is_by(ANCHOR)
    other = Signer.new()
    assert not crl.is_by(anchor(other))
    assert not crl.is_by(anchor(ROOT, subject="Other name"))
    assert not crl.is_by(load_certificate(ROOT.finish(prepare(subject="Test anchor", public=Signer.new("EdDSA").public))))


def test_list_signed_by_another_kind_of_key() -> None:
    for key in (rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()):
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(ANCHOR.parsed.subject)
            .last_update(dt.datetime.fromtimestamp(AT, dt.UTC))
            .next_update(dt.datetime.fromtimestamp(AT + DAY, dt.UTC))
        )
        signed = builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
        assert not parse_crl(signed.public_bytes(serialization.Encoding.DER)).is_by(ANCHOR)


def crl_with(*, critical: x509.ExtensionType | None = None) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ANCHOR.parsed.subject)
        .last_update(dt.datetime.fromtimestamp(AT, dt.UTC))
        .next_update(dt.datetime.fromtimestamp(AT + DAY, dt.UTC))
    )
    if critical is not None:
        builder = builder.add_extension(critical, critical=True)
    assert isinstance(ROOT.private, ec.EllipticCurvePrivateKey)
    return builder.sign(ROOT.private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def without_next_update(data: bytes) -> bytes:
    """Cut the second of the two dates out of the list and mend the lengths around it."""
    date = data.index(b"\x17\x0d", data.index(b"\x17\x0d") + 2)
    parsed = x509.load_der_x509_crl(data)
    tbs, tail = parsed.tbs_certlist_bytes, data[data.index(parsed.tbs_certlist_bytes) + len(parsed.tbs_certlist_bytes) :]
    start = date - data.index(tbs)
    head = 2 if tbs[1] < 0x80 else 3
    return _tlv(0x30, _tlv(0x30, tbs[head:start] + tbs[start + 15 :]) + tail)


def test_lists_that_cannot_be_judged() -> None:
    assert parse_crl(crl_with()).serials == frozenset()
    conditions = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    for data in (crl_with(critical=conditions), crl_with(critical=x509.DeltaCRLIndicator(1)), without_next_update(crl_with())):
        assert x509.load_der_x509_crl(data).issuer == ANCHOR.parsed.subject
        with pytest.raises(Malformed):
            parse_crl(data)
    for junk in (b"", b"junk", LEAF, b"-----BEGIN X509 CRL-----", crl_with()[:-1]):
        with pytest.raises(Malformed) as caught:
            parse_crl(junk, "/crl")
        assert caught.value.where == "/crl"


CRL = crl_with()


@given(st.integers(0, len(CRL) - 1), st.integers(0, 255))
def test_a_damaged_list_gives_facts_or_an_error(place: int, value: int) -> None:
    damaged = bytearray(CRL)
    damaged[place] = value
    try:
        crl = parse_crl(bytes(damaged))
        crl.is_by(ANCHOR)
    except VcError:
        return
