"""Traps that other systems fell into, as far as they concern whoever verifies (those of status lists stand beside their code)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.signing import AT, Signer, leaf
from support.trial_verify import (
    BANK,
    COPY,
    DAY,
    ISSUER,
    LIST,
    LIVE,
    MADE,
    VCT,
    Answers,
    Dice,
    copy_binding,
    decide,
    expectation,
    holder,
    issue,
    material,
    registry,
    resign,
    show,
    status_token,
    stranger,
)

from shared import addressed
from shared.credentials import all_types
from shared.flow import run
from shared.formats import formats
from shared.keys import KeyId, Role
from shared.trust.anchors import TrustAnchors, parse_anchor, parse_trust, render_trust
from shared.trust.bundle import STATUS_LIST, Artefact, BundleMemory, parse_bundle, prepare_bundle, verify_bundle
from shared.trust.policy import Policy
from shared.verify import Decision, Material, verify
from shared.x509 import Cert, load_certificate, parse_crl, prepare_anchor, prepare_crl, render_pem

WIRE = issue()
SHOWN = show(WIRE)
LATE = MADE + 40 * DAY


def crl(signer: Signer, issuer: Cert, *serials: int) -> Any:
    made = prepare_crl(issuer=issuer, key=KeyId("a"), revoked=[(serial, AT) for serial in serials], at=AT - DAY, days=9, number=1)
    return parse_crl(signer.finish(made))


def test_trap_4_a_revoked_result_is_never_logged_and_accepted() -> None:
    for answer, code in ((status_token({70_001: 1}), "revoked"), (status_token({70_001: 2}), "suspended")):
        decision = decide(SHOWN, answer=answer)
        assert (decision.decision, decision.code, decision.credentials) == ("rejected", code, ())
    withdrawn = decide(SHOWN, trust=material(crls=(crl(registry().root, registry().certificate, 2),)))
    assert (withdrawn.decision, withdrawn.code) == ("rejected", "certificate_revoked")


def test_trap_4_a_revocation_list_by_somebody_else_is_not_looked_at() -> None:
    """Same name, other key: it neither withdraws nor, by being empty, clears."""
    forged = crl(stranger().root, stranger().certificate, 2)
    assert stranger().certificate.subject == registry().certificate.subject
    assert decide(SHOWN, trust=material(crls=(forged,))).decision == "accepted"
    genuine = crl(registry().root, registry().certificate, 2)
    empty = crl(stranger().root, stranger().certificate)
    assert decide(SHOWN, trust=material(crls=(empty, genuine))).code == "certificate_revoked"


def test_trap_4_authorities_in_between_are_checked_too() -> None:
    root, middle, signer = Signer.new(), Signer.new(), Signer.new()
    unsigned = prepare_anchor(subject="Root", public=root.public, key=KeyId("r"), at=MADE - DAY, days=900, serial=1, path_length=1)
    top = load_certificate(root.finish(unsigned))
    between = certify(middle, root, top)
    made = leaf(signer, between, middle, uri=ISSUER, at=MADE - DAY)
    chain = replace(registry(), root=root, certificate=top, signer=signer, x5c=(made, between.der))
    wire = show(issue(by=chain))
    pinned = material(chain.pin())
    answer = status_token(by=chain)
    assert decide(wire, trust=pinned, answer=answer).decision == "accepted"
    revoked = replace(pinned, crls=(crl(root, top, between.serial),))
    assert decide(wire, trust=revoked, answer=answer).code == "certificate_revoked"


def certify(middle: Signer, root: Signer, top: Cert) -> Cert:
    """An authority between the anchor and the leaves."""
    assert isinstance(root.private, ec.EllipticCurvePrivateKey)
    usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Between")]))
        .issuer_name(top.parsed.subject)
        .public_key(middle.public.key)
        .serial_number(7)
        .not_valid_before(datetime.fromtimestamp(MADE - DAY, UTC))
        .not_valid_after(datetime.fromtimestamp(MADE + 90 * DAY, UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(middle.public.key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public.key), critical=False)
        .add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False), critical=True)
        .sign(root.private, hashes.SHA256())
    )
    return load_certificate(made.public_bytes(serialization.Encoding.DER))


@pytest.mark.parametrize("name", sorted(formats()))
def test_trap_8_the_holder_is_tied_to_the_document_in_every_format(name: str) -> None:
    wire = issue(name)
    want = expectation(format=name)
    assert decide(show(wire, format_name=name), want=want).decision == "accepted"
    stolen = decide(show(wire, format_name=name, by=Signer.new()), want=want)
    assert (stolen.decision, stolen.code) == ("rejected", "not_bound")
    for_other = decide(show(issue(name, to=Signer.new()), format_name=name, by=holder()), want=want)
    assert (for_other.decision, for_other.code) == ("rejected", "not_bound")


@pytest.mark.parametrize("name", sorted(formats()))
def test_trap_9_there_is_no_way_to_pass_no_nonce(name: str) -> None:
    with pytest.raises(ValueError, match="addressed copy"):
        expectation(binding=replace(LIVE, nonce=None), format=name)
    for nonce in ("", "other"):
        decision = decide(show(issue(name), format_name=name), want=expectation(binding=replace(LIVE, nonce=nonce), format=name))
        code = "not_bound" if name == "mso_mdoc" else "wrong_nonce"  # in the session that a device signs nobody can tell what differs
        assert (decision.decision, decision.code) == ("rejected", code)


def test_trap_11_the_end_is_read_where_the_issuer_signed_it() -> None:
    """Neither the holder's own ``exp`` nor one deeper in the document counts."""
    late = MADE + 31 * DAY
    longer = replace(copy_binding(at=late), extra={**copy_binding(at=late).extra})
    decision = decide(show(WIRE, binding=longer, at=late), want=expectation(binding=COPY), at=late)
    assert (decision.decision, decision.code) == ("rejected", "expired")
    short = resign(WIRE, exp=MADE + DAY)
    assert decide(show(short)).code == "expired"


@pytest.mark.parametrize("name", sorted(formats()))
def test_trap_10_no_line_fails_under_a_yes(name: str) -> None:
    """Whatever single thing is wrong, it is seen in its own line, and the whole is no longer a yes."""
    wire, want = issue(name), expectation(format=name)
    good = decide(show(wire, format_name=name), want=want)
    assert good.decision == "accepted"
    assert {line.name for line in good.checks if line.state != "passed"} == {"request"}  # nothing was asked here
    wrong: dict[str, Decision] = {
        "issuer_trust": decide(show(issue(name, by=stranger()), format_name=name), want=want),
        "validity": decide(show(wire, format_name=name, at=LATE), want=want, at=LATE),
        "holder_binding": decide(show(wire, format_name=name, by=Signer.new()), want=want),
        "status": decide(show(wire, format_name=name), want=want, answer=status_token({70_001: 1})),
        "type_rules": decide(show(wire, format_name=name), want=replace(want, use={"powers": ("no-such-power",)})),
    }
    for line, decision in wrong.items():
        assert decision.line(line).state == "failed", line
        assert (decision.decision, decision.credentials) == ("rejected", ()), line
    unknown = decide(show(wire, format_name=name), want=want, answer=Answers())
    assert (unknown.line("status").state, unknown.decision) == ("unchecked", "undecided")


@pytest.mark.parametrize("name", sorted(formats()))
def test_trap_11_every_format_ends_and_begins(name: str) -> None:
    for at, code in ((MADE - DAY, "not_yet_valid"), (MADE + 30 * DAY + 600, "expired")):
        decision = decide(show(issue(name), format_name=name, at=at), want=expectation(format=name), at=at)
        assert (decision.decision, decision.code) == ("rejected", code)
        assert decision.line("validity").state == "failed"


def test_trap_12_a_key_swapped_after_issuance_is_not_bound() -> None:
    wire = issue(to=Signer.new())
    assert decide(show(wire, by=holder())).code == "not_bound"


def test_trap_13_what_an_issuer_prints_is_what_a_verifier_trusts() -> None:
    """From the issuer's certificate file through the verifier's trust file to a verdict, with nothing in between."""
    pem = render_pem(registry().certificate.der).encode()
    trust = parse_trust(render_trust(TrustAnchors().add(parse_anchor(pem, role=Role.CREDENTIAL_ISSUER))))
    seen = Material(policy=Policy(trust), types=all_types())
    assert decide(SHOWN, trust=seen).decision == "accepted"
    assert decide(show(issue(by=stranger())), trust=seen).decision == "rejected"


def test_trap_14_nothing_unverified_comes_out() -> None:
    for wire in (show(issue(by=stranger())), issue(), SHOWN[:-8] + "AAAAAAAA"):
        decision = decide(wire)
        assert decision.decision == "rejected"
        assert decision.credentials == ()
        assert decision.learnt.lists == {}


def test_trap_16_a_first_use_needs_no_network_and_an_old_pack_says_so() -> None:
    packer = Signer.new()
    unsigned = prepare_bundle(
        issuer=BANK,
        seq=1,
        prev=None,
        at=AT,
        exp=AT + 7 * DAY,
        artefacts=[Artefact(media_type=STATUS_LIST, data=status_token(iat=AT).encode())],
        key=KeyId("bundle"),
        public=packer.public,
    )
    data = packer.finish(unsigned)
    parsed = parse_bundle(data)
    pack = verify_bundle(parsed, signers=(parsed.signer,), at=AT, memory=BundleMemory())
    trust = material(source=pack.source, crls=pack.crls, memory=pack.memory.statuses, floor=pack.memory.floor)
    fresh = decide(SHOWN, trust=trust, answer=pack.answer)
    assert fresh.decision == "accepted"
    assert fresh.source is not None
    assert (fresh.source.seq, fresh.source.iat) == (1, AT)
    later = AT + 3 * DAY
    old = decide(show(WIRE, at=later), trust=trust, answer=pack.answer, at=later)
    assert (old.decision, old.code, old.status_iat) == ("undecided", "status_stale", AT)


def test_trap_19_a_code_by_our_wallet_is_read_by_our_verifier() -> None:
    binding = addressed.make_binding(entity=BANK, purpose_id="open-account", at=AT, entropy=Dice())
    paths: list[Any] = [("powers", None), ("represented", "family_name")]
    presentation = show(WIRE, paths=paths, binding=binding)
    copy = addressed.AddressedPresentation(
        format="dc+sd-jwt", aud=addressed.audience(BANK), purpose_id="open-account", vp_token={"poa": (presentation,)}
    )
    read = addressed.parse(addressed.render_qr(copy))
    want = expectation(format=read.format, binding=addressed.expected_binding(entity=BANK, purpose_id="open-account"))
    decision = run(verify(read.vp_token, want, material(), at=AT, stapled=read.status_list_tokens), Answers({LIST: status_token()}))
    assert decision.decision == "accepted", decision.checks
    assert decision.credentials[0].claims.vct == VCT
