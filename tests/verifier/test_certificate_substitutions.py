"""Documents whose signer shows another certificate than a trusted issuer's own, as SD-JWT and as mdoc. Each is refused for what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from support.chains import Authority, authority, der, end_entity, made, usage
from support.signing import AT, Signer
from support.trial_verify import (
    DAY,
    ISSUER,
    LIST,
    LIVE,
    Answers,
    credential_type,
    decide,
    expectation,
    holder,
    issue,
    material,
    show,
    status_list,
)

from shared.formats import Handover
from shared.keys import KeyId, PublicKey, Role
from shared.status.token_status_list import prepare_token
from shared.trust.anchors import Anchor
from shared.verify import Decision
from shared.x509 import Crl, load_certificate, parse_crl, prepare_crl
from shared.x509.certificate import DOCUMENT_SIGNER, ROLE_OIDS

FORMATS = pytest.mark.parametrize("form", ["dc+sd-jwt", "mso_mdoc"])
BINDING = replace(LIVE, handover=Handover(response_uri="https://bank.example/r", key_thumbprint=bytes(32)))
PATHS: dict[str, Sequence[Any]] = {
    "dc+sd-jwt": [("powers", None)],
    "mso_mdoc": [(credential_type().doctype, "powers")],
}
URI = (x509.UniformResourceIdentifier(ISSUER),)
EARLY: dict[str, Any] = {"start": AT - 40 * DAY, "end": AT + 365 * DAY}
ROOT = authority("State authority", **EARLY)
MIDDLE = authority("Office authority", ROOT, path_length=0, **EARLY)
SIGNER = Signer.new()


def leaf(above: Authority, **changes: Any) -> bytes:
    return end_entity(above, **{"key": SIGNER.private, "names": URI, **EARLY, **changes})


def judged(form: str, x5c: Sequence[bytes], *, crls: Sequence[Crl] = ()) -> Decision:
    """By a verifier that trusts the state's root alone, of whatever the one with our signer's key made."""
    wire = SIGNER.finish(_unsigned(form, tuple(x5c)))
    shown = show(wire, format_name=form, paths=PATHS[form], binding=BINDING, by=holder())
    root = load_certificate(der(ROOT.cert))
    pin = Anchor(certificate=root, role=Role.CREDENTIAL_ISSUER, name="State", entity=ISSUER)
    listed = SIGNER.finish(
        prepare_token(list=status_list(), uri=LIST, iat=AT - 3_600, exp=None, key=KeyId("issuer"), x5c=tuple(x5c), alg="ES256")
    )
    trust = replace(material(pin), crls=tuple(crls), certificates={})
    return decide(shown, want=replace(expectation(), format=form, binding=BINDING), trust=trust, answer=Answers({LIST: listed}))


def _unsigned(form: str, x5c: tuple[bytes, ...]) -> Any:
    from support.trial_verify import Dice, credential

    from shared.formats import formats

    made_out = credential(x5c=x5c, alg="ES256")
    return formats()[form].prepare(made_out, key=KeyId("issuer"), holder=holder().public, entropy=Dice(form))


def middle(**changes: Any) -> Authority:
    return authority("Office authority", ROOT, **{"path_length": 0, **EARLY, **changes})


def revoked(above: Authority, below: x509.Certificate) -> Crl:
    issuer = load_certificate(der(above.cert))
    signer = Signer(above.key, PublicKey.of(above.key.public_key()))
    unsigned = prepare_crl(issuer=issuer, key=KeyId("anchor"), revoked=[(below.serial_number, AT - DAY)], at=AT - DAY, days=7, number=1)
    return parse_crl(signer.finish(unsigned))


@FORMATS
def test_the_issuers_own_chain_is_accepted(form: str) -> None:
    assert judged(form, [leaf(ROOT)]).decision == "accepted"
    assert judged(form, [leaf(MIDDLE), der(MIDDLE.cert)]).decision == "accepted"


def expect(decision: Decision, code: str) -> None:
    assert (decision.decision, decision.code, decision.line("issuer_trust").state) == ("rejected", code, "failed")
    assert decision.credentials == ()


@FORMATS
def test_self_signed_leaf_of_an_issuer(form: str) -> None:
    extensions = [
        (usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([ROLE_OIDS[Role.CREDENTIAL_ISSUER]]), False),
        (x509.SubjectAlternativeName(URI), False),
    ]
    expect(judged(form, [der(made("Office", SIGNER.private, None, extensions, **EARLY))]), "untrusted")


@FORMATS
def test_anchor_in_x5c_of_a_document(form: str) -> None:
    expect(judged(form, [leaf(ROOT), der(ROOT.cert)]), "untrusted")
    expect(judged(form, [leaf(MIDDLE), der(MIDDLE.cert), der(ROOT.cert)]), "untrusted")


@FORMATS
@pytest.mark.parametrize(
    "usages",
    [(), (ROLE_OIDS[Role.RELYING_PARTY],), (ExtendedKeyUsageOID.SERVER_AUTH,), tuple(ROLE_OIDS.values())[:2], (DOCUMENT_SIGNER,)],
)
def test_certificate_for_something_else(form: str, usages: tuple[x509.ObjectIdentifier, ...]) -> None:
    expect(judged(form, [leaf(ROOT, usages=usages)]), "untrusted")


@FORMATS
def test_expired_intermediate(form: str) -> None:
    old = middle(end=AT - 60)
    expect(judged(form, [leaf(old), der(old.cert)]), "untrusted")


@FORMATS
@pytest.mark.parametrize("kind", ["permitted", "excluded"])
def test_name_constraints_of_an_intermediate(form: str, kind: str) -> None:
    """It may certify for another host only, or for all but this one."""
    names = [x509.UniformResourceIdentifier("council.example" if kind == "permitted" else "opg.example")]
    subtrees = {"permitted_subtrees": None, "excluded_subtrees": None, f"{kind}_subtrees": names}
    narrow = middle(more=[(x509.NameConstraints(**subtrees), True)])
    expect(judged(form, [leaf(narrow), der(narrow.cert)]), "untrusted")


@FORMATS
def test_forged_root_with_the_name_of_the_anchor(form: str) -> None:
    forged = authority("State authority", **EARLY)
    between = authority("Office authority", forged, path_length=0, **EARLY)
    expect(judged(form, [leaf(forged)]), "untrusted")
    expect(judged(form, [leaf(between), der(between.cert)]), "untrusted")


@FORMATS
def test_revoked_intermediate_of_an_issuer(form: str) -> None:
    expect(judged(form, [leaf(MIDDLE), der(MIDDLE.cert)], crls=[revoked(ROOT, MIDDLE.cert)]), "certificate_revoked")


@FORMATS
def test_leaf_of_another_issuer_under_the_same_anchor(form: str) -> None:
    """Its own key and certificate, in order in every way; it is the document that names somebody else."""
    other = leaf(ROOT, names=(x509.UniformResourceIdentifier("https://council.example"),))
    if form == "mso_mdoc":  # an mdoc names its issuer by the certificate alone
        from shared.errors import Malformed

        with pytest.raises(Malformed):
            judged(form, [other])
        return
    expect(judged(form, [other]), "not_entitled")


def test_a_document_with_a_certificate_of_another_key() -> None:
    wire = issue(x5c=(end_entity(ROOT, names=URI, **EARLY),))
    pin = Anchor(certificate=load_certificate(der(ROOT.cert)), role=Role.CREDENTIAL_ISSUER, name="State", entity=ISSUER)
    assert decide(show(wire), trust=material(pin)).code == "bad_signature"
