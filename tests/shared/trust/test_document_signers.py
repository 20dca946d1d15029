"""Pins of authorities over document signers of others: what they may hold, and what they are asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.chains import Authority, authority, der, document_signer, end_entity, iaca
from support.signing import AT, Signer
from support.trial_verify import Authority as Registry
from support.trial_verify import status_cwt, status_token

from shared.errors import CertificateRevoked, Conflict, Malformed, NotEntitled, Rejected, SnapshotMissing, StatusUnknown, Untrusted
from shared.keys import KeyId, PublicKey, Role
from shared.status.token_status_list import StatusToken, parse_token
from shared.trust.anchors import ISO_18013_5, Anchor, TrustAnchors, parse_anchor, parse_trust, render_trust
from shared.trust.certificates import chains_of
from shared.trust.document_signers import check_document_signer, check_list_signer, list_key
from shared.trust.policy import Policy
from shared.x509 import Cert, load_certificate, parse_crl, prepare_crl
from shared.x509.certificate import ROLE_OIDS

UTOPIA, DOCTYPE = "https://utopia.example", "eu.europa.ec.eudi.pid.1"
ROOT, OTHER = iaca(), iaca(common="Erewhon IACA")
KEY = Signer.new()
DS = document_signer(ROOT, key=KEY.private)


def pin(root: Authority = ROOT, **changes: Any) -> Anchor:
    members = {"role": Role.CREDENTIAL_ISSUER, "name": "Utopia", "entity": UTOPIA, "vcts": (DOCTYPE,), "profile": ISO_18013_5}
    return Anchor(certificate=root.ours, **(members | changes))


def ordinary(root: Authority = ROOT, **changes: Any) -> Anchor:
    return pin(root, profile=None, **changes)


def policy(*anchors: Anchor, **more: Any) -> Policy:
    return Policy(TrustAnchors(anchors=anchors or (pin(),)), **more)


# --- pins ---------------------------------------------------------------------------------------------------------------------------------


def test_a_pin_is_read_back() -> None:
    trust = TrustAnchors(anchors=(pin(), ordinary(OTHER)))
    assert parse_trust(render_trust(trust)) == trust
    made = parse_anchor(der(ROOT.cert), role=Role.CREDENTIAL_ISSUER, entity=UTOPIA, vcts=[DOCTYPE], profile=ISO_18013_5)
    assert made == pin(name="Utopia IACA")
    assert (made.site, ordinary().site) == (None, UTOPIA)
    assert (made.scope, ordinary().scope) == (f" [iso-18013-5: {DOCTYPE}]", "")
    assert (trust.iacas, trust.with_role(Role.CREDENTIAL_ISSUER)) == ((pin(),), (ordinary(OTHER),))
    with pytest.raises(Conflict):
        trust.add(ordinary())


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"profile": "iso-18013-7"}, "/profile"),
        ({"role": "relying-party"}, "/role"),
        ({"role": "wallet-provider"}, "/role"),
        ({"entity": None}, "/entity"),
        ({"vcts": None}, "/vcts"),
        ({"vcts": []}, "/vcts"),
    ],
)
def test_a_pin_that_says_too_little(changes: dict[str, Any], where: str) -> None:
    entry = json.loads(render_trust(TrustAnchors(anchors=(pin(),))))
    anchor = {name: value for name, value in (entry["anchors"][0] | changes).items() if value is not None}
    with pytest.raises(Malformed) as caught:
        parse_trust(json.dumps(entry | {"anchors": [anchor]}).encode())
    assert caught.value.where == f"/anchors/0{where}"
    given = {"role": Role.CREDENTIAL_ISSUER, "entity": UTOPIA, "vcts": [DOCTYPE], "profile": ISO_18013_5} | changes
    given["role"] = Role(given["role"])
    with pytest.raises(Malformed):
        parse_anchor(der(ROOT.cert), **given)


def test_only_an_authority_of_document_signers_is_pinned_as_one() -> None:
    with pytest.raises(Malformed, match="path length 0") as caught:
        parse_trust(render_trust(TrustAnchors(anchors=(pin(authority("Registry")),))))
    assert caught.value.where == "/anchors/0/certificate"


# --- documents ----------------------------------------------------------------------------------------------------------------------------


def test_a_document_signer_speaks_as_its_pin_says() -> None:
    found = check_document_signer(policy(ordinary(OTHER), pin(OTHER, entity="x"), pin()), (DS,), DOCTYPE, AT)
    assert (found.entity, found.subject, found.public, found.leaf) == (UTOPIA, "Utopia", KEY.public, load_certificate(DS))
    named = document_signer(ROOT, more=[(_uri("https://opg.example"), False)])
    assert check_document_signer(policy(), (named,), DOCTYPE, AT).entity == UTOPIA


def _uri(text: str) -> Any:
    from cryptography import x509

    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(text)])


def test_what_a_pin_does_not_say() -> None:
    with pytest.raises(NotEntitled, match="not for this type"):
        check_document_signer(policy(), (DS,), "org.iso.18013.5.1.mDL", AT)
    with pytest.raises(NotEntitled):
        check_document_signer(policy(pin(vcts=None)), (DS,), DOCTYPE, AT)
    for nobody in (policy(pin(OTHER)), policy(ordinary()), Policy(TrustAnchors())):
        with pytest.raises(Untrusted):
            check_document_signer(nobody, (DS,), DOCTYPE, AT)
    with pytest.raises(NotEntitled, match="457 days"):  # the closest to a yes is told
        check_document_signer(policy(), (document_signer(ROOT, start=AT - 500 * 86_400),), DOCTYPE, AT)
    with pytest.raises(SnapshotMissing):
        check_document_signer(policy(needs=(pin().fingerprint,)), (DS,), DOCTYPE, AT)


def test_a_withdrawn_document_signer() -> None:
    signer = Signer(ROOT.key, PublicKey.of(ROOT.key.public_key()))
    serial = load_certificate(DS).serial
    listed = parse_crl(signer.finish(prepare_crl(issuer=ROOT.ours, key=KeyId("a"), revoked=[(serial, AT)], at=AT, days=7, number=1)))
    with pytest.raises(CertificateRevoked):
        check_document_signer(policy(crls=(listed,)), (DS,), DOCTYPE, AT)
    with pytest.raises(CertificateRevoked):
        check_document_signer(policy(), (DS,), DOCTYPE, AT, (listed,))


# --- never for anything else (S1) ---------------------------------------------------------------------------------------------------------

QUESTIONS = {
    "issuer": lambda one, x5c: one.check_issuer(x5c, UTOPIA, DOCTYPE, AT),
    "metadata": lambda one, x5c: one.check_metadata_signer(x5c, UTOPIA, AT),
    "relying party": lambda one, x5c: one.check_relying_party(x5c, AT),
    "wallet provider": lambda one, x5c: one.check_wallet_provider(x5c, AT),
}
LEAVES = {
    "document signer": DS,
    "document signer with the URI": document_signer(ROOT, more=[(_uri(UTOPIA), False)]),
    **{role.value: end_entity(ROOT, usages=(oid,), names=(*_uri(UTOPIA),)) for role, oid in ROLE_OIDS.items()},
    "no purpose": end_entity(ROOT, usages=(), names=(*_uri(UTOPIA),)),
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("leaf", LEAVES)
def test_an_authority_of_document_signers_serves_in_no_role_of_ours(question: str, leaf: str) -> None:
    with pytest.raises(Untrusted):
        QUESTIONS[question](policy(), (LEAVES[leaf],))


@pytest.mark.parametrize("leaf", LEAVES)
def test_no_leaf_with_a_role_is_a_document_signer(leaf: str) -> None:
    if leaf.startswith("document signer"):
        assert check_document_signer(policy(), (LEAVES[leaf],), DOCTYPE, AT).entity == UTOPIA
    else:
        with pytest.raises(Rejected):
            check_document_signer(policy(), (LEAVES[leaf],), DOCTYPE, AT)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("leaf", ["document signer", "document signer with the URI"])
def test_an_ordinary_anchor_never_accepts_a_document_signer(question: str, leaf: str) -> None:
    anchors = [ordinary(role=role) for role in (Role.CREDENTIAL_ISSUER, Role.RELYING_PARTY, Role.WALLET_PROVIDER)]
    anchors += [ordinary(role=role, entity=None, vcts=None) for role in (Role.CREDENTIAL_ISSUER, Role.RELYING_PARTY, Role.WALLET_PROVIDER)]
    with pytest.raises(Untrusted):
        QUESTIONS[question](policy(*anchors), (LEAVES[leaf],))
    with pytest.raises(Untrusted):
        check_document_signer(policy(*anchors), (LEAVES[leaf],), DOCTYPE, AT)


def test_no_chain_is_looked_for_below_it() -> None:
    leaf = LEAVES["credential-issuer"]
    assert chains_of([leaf], [pin()]) == {}
    assert len(chains_of([leaf], [ordinary()])) == 1


# --- lists --------------------------------------------------------------------------------------------------------------------------------


def a_list(ds: bytes | None = DS, **changes: Any) -> StatusToken:
    by = Registry(root=KEY, certificate=ROOT.ours, signer=KEY, x5c=() if ds is None else (ds,), entity=UTOPIA)
    return parse_token(status_cwt(by=by, **{"bits": 1, **changes}))


def test_lists_under_the_same_authority() -> None:
    assert check_list_signer(policy(), pin(), a_list(), AT) == KEY.public
    assert list_key(policy(ordinary(OTHER), pin(OTHER), pin()), UTOPIA, a_list(), AT) == KEY.public
    with pytest.raises(Untrusted):
        check_list_signer(policy(pin(), pin(OTHER)), pin(OTHER), a_list(), AT)
    for nobody in (policy(pin(entity="https://erewhon.example")), policy(pin(OTHER)), policy(ordinary())):
        with pytest.raises(Untrusted):
            list_key(nobody, UTOPIA, a_list(), AT)
    with pytest.raises(SnapshotMissing):
        list_key(policy(needs=(pin().fingerprint,)), UTOPIA, a_list(), AT)


def test_lists_of_another_form() -> None:
    by = Registry(root=KEY, certificate=ROOT.ours, signer=KEY, x5c=(DS,), entity=UTOPIA)
    for token in (a_list(bits=2), a_list(None), parse_token(status_token(by=by, bits=1))):
        with pytest.raises(StatusUnknown):
            check_list_signer(policy(), pin(), token, AT)
    assert list_key(policy(), UTOPIA, a_list(None), AT) is None
    ours: Cert = load_certificate(LEAVES["credential-issuer"])
    assert list_key(policy(), UTOPIA, a_list(ours.der), AT) is None
