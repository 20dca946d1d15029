from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from openvc.x5c import X5cError, resolve_x5c_key
from polaris_oid4vp import sdjwt as polaris
from support.chains import Authority, authority, der, end_entity, made, usage
from support.signing import AT, Signer, anchor, leaf

from shared.clock import DAY
from shared.errors import CertificateRevoked, CrlStale, Malformed, TooLarge, Untrusted, VcError
from shared.jose.jwk import render_jwk
from shared.keys import KeyId, Role
from shared.x509 import ROLE_OIDS, Cert, Crl, chain, load_certificate, parse_crl, prepare_crl, verify_chain, x5c_header

ISSUER = Role.CREDENTIAL_ISSUER
ROOT = Signer.new()
ANCHOR = anchor(ROOT)
LEAF_KEY = Signer.new()
LEAF = leaf(LEAF_KEY, ANCHOR, ROOT)


def verify(
    x5c: Sequence[bytes], anchors: Sequence[Cert] = (ANCHOR,), *, at: int = AT, role: Role = ISSUER, crls: Sequence[Crl] = ()
) -> Cert:
    return verify_chain(x5c, anchors, at=at, role=role, crls=crls)


FOREIGN = authority("Foreign root")


# --- what is accepted --------------------------------------------------------------------------------------------------------------------


def test_leaf_under_its_anchor() -> None:
    found = verify([LEAF])
    assert found == load_certificate(LEAF)
    assert found.public.key == LEAF_KEY.public.key
    assert found.uris == ("https://issuer.example",)


@pytest.mark.parametrize("alg", ["ES256", "ES384"])
def test_both_curves(alg: str) -> None:
    root = Signer.new(alg)
    pinned = anchor(root)
    assert verify([leaf(Signer.new(alg), pinned, root)], [ANCHOR, pinned]).subject == "Test leaf"


def test_foreign_authority_and_three_intermediates() -> None:
    first = authority("One", FOREIGN, path_length=2)
    second = authority("Two", first)
    third = authority("Three", second)
    x5c = [end_entity(third), der(third.cert), der(second.cert), der(first.cert)]
    assert verify(x5c, [FOREIGN.ours]).subject == "Foreign leaf"
    verify([end_entity(FOREIGN, names=())], [FOREIGN.ours])
    # the anchor may be any certificate that is pinned, and then the chain ends there
    verify(x5c[:3], [first.ours])


@pytest.mark.parametrize("usages", [(ROLE_OIDS[ISSUER],), (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)])
def test_authority_for_this_role(usages: Sequence[x509.ObjectIdentifier]) -> None:
    middle = authority("Middle", FOREIGN, more=[(x509.ExtendedKeyUsage(usages), False)])
    verify([end_entity(middle), der(middle.cert)], [FOREIGN.ours])


def test_among_anchors_of_the_same_name() -> None:
    other = anchor(Signer.new())
    assert other.subject == ANCHOR.subject
    verify([LEAF], [other, ANCHOR])


# --- what is refused -----------------------------------------------------------------------------------------------------------------------


def test_number_of_certificates() -> None:
    with pytest.raises(Malformed):
        verify([])
    with pytest.raises(TooLarge):
        verify([LEAF] * 5)
    with pytest.raises(Malformed) as caught:
        verify([LEAF, b"junk"])
    assert caught.value.where == "/x5c/1"


def test_no_anchors_and_other_anchors() -> None:
    for anchors in ([], [FOREIGN.ours], [anchor(Signer.new(), subject="Other")]):
        with pytest.raises(Untrusted):
            verify([LEAF], anchors)


def test_forged_root_of_the_same_name() -> None:
    mallory = Signer.new()
    forged_root = anchor(mallory)
    forged = leaf(LEAF_KEY, forged_root, mallory)
    for x5c in ([forged], [forged, forged_root.der]):
        with pytest.raises(Untrusted):
            verify(x5c)
    # with the key identifier of the real anchor as well
    claimed = replace(forged_root, subject_key_id=ANCHOR.subject_key_id)
    with pytest.raises(Untrusted):
        verify([leaf(LEAF_KEY, claimed, mallory)])


def test_self_signed_leaf() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    own = der(made("Alone", key, None, [(usage(digital_signature=True), True), (x509.ExtendedKeyUsage([ROLE_OIDS[ISSUER]]), False)]))
    for anchors in ([ANCHOR], [load_certificate(own)]):
        with pytest.raises(Untrusted):
            verify([own], anchors)


def test_anchor_inside_x5c() -> None:
    with pytest.raises(Untrusted):
        verify([LEAF, ANCHOR.der])
    # under another name, too: another certificate of the anchor's key
    renamed = authority("Renamed", FOREIGN, key=ROOT.private)
    with pytest.raises(Untrusted):
        verify([end_entity(renamed), der(renamed.cert)], [ANCHOR, FOREIGN.ours])
    # and a leaf with the anchor's key
    with pytest.raises(Untrusted):
        verify([end_entity(FOREIGN, key=FOREIGN.key)], [FOREIGN.ours])


def test_authority_as_leaf() -> None:
    middle = authority("Middle", FOREIGN, more=[(x509.ExtendedKeyUsage([ROLE_OIDS[ISSUER]]), False)])
    for x5c in ([der(middle.cert)], [ANCHOR.der]):
        with pytest.raises(Untrusted):
            verify(x5c, [FOREIGN.ours, ANCHOR])


def test_rp_cert_as_issuer_cert() -> None:
    theirs = leaf(LEAF_KEY, ANCHOR, ROOT, role=Role.RELYING_PARTY, uri="https://bank.example")
    assert verify([theirs], role=Role.RELYING_PARTY).roles == (Role.RELYING_PARTY,)
    for x5c, role in (
        ([theirs], ISSUER),
        ([LEAF], Role.RELYING_PARTY),
        ([LEAF], Role.BUNDLE),
        ([theirs], Role.BUNDLE),
        ([LEAF], Role.HOLDER),
    ):
        with pytest.raises(Untrusted):
            verify(x5c, role=role)


@pytest.mark.parametrize(
    "usages",
    [
        (),
        (ExtendedKeyUsageOID.SERVER_AUTH,),
        (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,),
        (x509.ObjectIdentifier("1.0.18013.5.1.2"),),
        (ROLE_OIDS[ISSUER], ROLE_OIDS[Role.RELYING_PARTY]),
        (ROLE_OIDS[Role.RELYING_PARTY], ROLE_OIDS[ISSUER]),
        tuple(ROLE_OIDS.values()),
    ],
)
def test_leaf_with_no_role_or_two(usages: Sequence[x509.ObjectIdentifier]) -> None:
    with pytest.raises(Untrusted):
        verify([end_entity(FOREIGN, usages=usages)], [FOREIGN.ours])


def test_authority_for_another_role() -> None:
    for more in ([ROLE_OIDS[Role.RELYING_PARTY]], [ExtendedKeyUsageOID.SERVER_AUTH]):
        middle = authority("Middle", FOREIGN, more=[(x509.ExtendedKeyUsage(more), False)])
        with pytest.raises(Untrusted):
            verify([end_entity(middle), der(middle.cert)], [FOREIGN.ours])
        root = authority("Root for others", more=[(x509.ExtendedKeyUsage(more), False)])
        with pytest.raises(Untrusted):
            verify([end_entity(root)], [root.ours])


@pytest.mark.parametrize("at", [AT - AT % DAY - 1, AT + 365 * DAY + 1, 0])
def test_leaf_outside_its_time(at: int) -> None:
    with pytest.raises(Untrusted):
        verify([LEAF], at=at)


def test_authorities_outside_their_time() -> None:
    short = anchor(ROOT, days=1)
    verify([LEAF], [short])
    with pytest.raises(Untrusted):
        verify([LEAF], [short], at=AT + 2 * DAY)
    middle = authority("Middle", FOREIGN, end=AT + DAY)
    x5c = [end_entity(middle), der(middle.cert)]
    verify(x5c, [FOREIGN.ours])
    with pytest.raises(Untrusted):
        verify(x5c, [FOREIGN.ours], at=AT + 2 * DAY)


def test_path_length() -> None:
    none_below = authority("None below", path_length=0)
    middle = authority("Middle", none_below)
    with pytest.raises(Untrusted):
        verify([end_entity(middle), der(middle.cert)], [none_below.ours])
    first = authority("One", FOREIGN, path_length=0)
    second = authority("Two", first)
    with pytest.raises(Untrusted):
        verify([end_entity(second), der(second.cert), der(first.cert)], [FOREIGN.ours])


@pytest.mark.parametrize(
    ("constraints", "names", "good"),
    [
        (x509.NameConstraints([x509.DNSName("good.example")], None), [x509.DNSName("a.good.example")], True),
        (x509.NameConstraints([x509.DNSName("good.example")], None), [x509.DNSName("bad.example")], False),
        (x509.NameConstraints(None, [x509.DNSName("bad.example")]), [x509.DNSName("a.bad.example")], False),
        # constraints on addresses are not understood by the library, so they refuse whatever they could apply to
        (
            x509.NameConstraints([x509.UniformResourceIdentifier("good.example")], None),
            [x509.UniformResourceIdentifier("https://good.example")],
            False,
        ),
        (
            x509.NameConstraints([x509.UniformResourceIdentifier("good.example")], None),
            [x509.UniformResourceIdentifier("https://bad.example")],
            False,
        ),
    ],
)
def test_name_constraints(constraints: x509.NameConstraints, names: list[x509.GeneralName], good: bool) -> None:
    middle = authority("Constrained", FOREIGN, more=[(constraints, True)])
    x5c = [end_entity(middle, names=names), der(middle.cert)]
    if good:
        verify(x5c, [FOREIGN.ours])
    else:
        with pytest.raises(Untrusted):
            verify(x5c, [FOREIGN.ours])


def test_unknown_critical_extension() -> None:
    odd = (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), b"\x05\x00"), True)
    with pytest.raises(Untrusted):
        verify([end_entity(FOREIGN, more=[odd])], [FOREIGN.ours])
    middle = authority("Odd", FOREIGN, more=[odd])
    with pytest.raises(Untrusted):
        verify([end_entity(middle), der(middle.cert)], [FOREIGN.ours])


def test_leaf_that_may_not_sign() -> None:
    with pytest.raises(Untrusted):
        verify([end_entity(FOREIGN, key_usage=usage(key_agreement=True))], [FOREIGN.ours])


def test_leaf_as_authority() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    outer = x509.load_der_x509_certificate(end_entity(FOREIGN, key=key))
    inner = end_entity(Authority(key, outer))
    with pytest.raises(Untrusted):
        verify([inner, der(outer)], [FOREIGN.ours])


def test_chain_is_the_one_that_was_sent() -> None:
    first = authority("One", FOREIGN)
    second = authority("Two", first)
    good = [end_entity(second), der(second.cert), der(first.cert)]
    verify(good, [FOREIGN.ours])
    stranger = authority("Stranger", authority("Stranger root"))
    for x5c in (
        [good[0], good[2], good[1]],
        [*good, der(stranger.cert)],
        [good[0], good[1], good[1], good[2]],
        good[:2],
        [good[0], good[2]],
    ):
        with pytest.raises(Untrusted):
            verify(x5c, [FOREIGN.ours])


def test_keys_of_other_kinds() -> None:
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP521R1()), ec.generate_private_key(ec.SECP256K1())):
        with pytest.raises(VcError):
            verify([end_entity(FOREIGN, key=key)], [FOREIGN.ours])
    assert verify([end_entity(FOREIGN, key=ed25519.Ed25519PrivateKey.generate())], [FOREIGN.ours]).public.alg == "EdDSA"


@pytest.mark.parametrize("place", range(0, len(LEAF), 7))
def test_damaged_leaf(place: int) -> None:
    damaged = bytearray(LEAF)
    damaged[place] ^= 0x01
    with pytest.raises(VcError):
        verify([bytes(damaged)])


def test_unused_bits_of_a_signature() -> None:
    even = next(found for found in (leaf(LEAF_KEY, ANCHOR, ROOT, serial=serial) for serial in range(5, 200)) if not found[-1] & 1)
    at = len(even) - len(load_certificate(even).parsed.signature) - 1
    with pytest.raises(Malformed):
        verify([even[:at] + b"\x01" + even[at + 1 :]])


# --- revocation ------------------------------------------------------------------------------------------------------------------------------


def crl(issuer: Cert = ANCHOR, signer: Signer = ROOT, *, serials: Sequence[int] = (), at: int = AT, days: int = 7) -> Crl:
    unsigned = prepare_crl(issuer=issuer, key=KeyId("anchor"), revoked=[(serial, at) for serial in serials], at=at, days=days, number=1)
    return parse_crl(signer.finish(unsigned))


def test_withdrawn_certificate() -> None:
    verify([LEAF], crls=[crl(serials=[3, 4])])
    with pytest.raises(CertificateRevoked):
        verify([LEAF], crls=[crl(serials=[3, 2])])


def test_withdrawn_stays_withdrawn() -> None:
    old, new, future = crl(serials=[2], at=AT - 30 * DAY), crl(), crl(serials=[2], at=AT + DAY)
    for crls in ([old], [new, old], [new, future]):
        with pytest.raises(CertificateRevoked):
            verify([LEAF], crls=crls)


def test_list_that_has_run_out() -> None:
    for stale in (crl(at=AT - 30 * DAY), crl(at=AT + DAY)):
        with pytest.raises(CrlStale):
            verify([LEAF], crls=[stale])
        verify([LEAF], crls=[stale, crl()])


def test_lists_of_others_are_not_looked_at() -> None:
    mallory = Signer.new()
    same_name = anchor(mallory)
    verify([LEAF], crls=[crl(same_name, mallory, serials=[2]), crl(FOREIGN.ours, Signer(FOREIGN.key, FOREIGN.ours.public), serials=[2])])


def test_withdrawn_authority() -> None:
    middle = authority("Middle", FOREIGN)
    signer = Signer(FOREIGN.key, FOREIGN.ours.public)
    with pytest.raises(CertificateRevoked):
        verify([end_entity(middle), der(middle.cert)], [FOREIGN.ours], crls=[crl(FOREIGN.ours, signer, serials=[middle.ours.serial])])


# --- memory ----------------------------------------------------------------------------------------------------------------------------------


def test_verified_chain_is_kept_for_its_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    short = leaf(Signer.new(), ANCHOR, ROOT, days=10)
    lists = [crl(at=AT - DAY, days=7)]
    assert verify([short]) == verify([short], crls=lists)
    built: list[int] = []

    def build(_sent: object, _anchors: object, at: int) -> list[Cert]:
        built.append(at)
        raise Untrusted("built anew")

    monkeypatch.setattr(chain, "_build", build)
    for at in (AT - AT % DAY, AT, AT + 10 * DAY):  # the leaf's own time
        verify([bytes(bytearray(short))], at=at)
    for at in (AT - AT % DAY, AT + 6 * DAY):  # within the list's time as well
        verify([short], at=at, crls=list(lists))
    assert not built
    for at in (AT - AT % DAY - 1, AT + 10 * DAY + 1):
        with pytest.raises(Untrusted):
            verify([short], at=at)
    with pytest.raises(Untrusted):
        verify([short], at=AT + 6 * DAY + 1, crls=lists)
    for options in ({"role": Role.RELYING_PARTY}, {"anchors": [FOREIGN.ours]}, {"crls": [crl()]}):
        with pytest.raises(Untrusted):
            verify([short], **options)
    assert len(built) == 5


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "_KEPT", 2)
    chain._VERIFIED.clear()
    for serial in range(10, 15):
        verify([leaf(LEAF_KEY, ANCHOR, ROOT, serial=serial)])
        assert len(chain._VERIFIED) <= 2


# --- foreign judges --------------------------------------------------------------------------------------------------------------------------


def test_openvc_agrees() -> None:
    now = dt.datetime.fromtimestamp(AT, dt.UTC)
    found = resolve_x5c_key(x5c_header([LEAF]), "https://issuer.example", trust_anchors=[ANCHOR.parsed], now=now)
    assert found == render_jwk(LEAF_KEY.public)
    with pytest.raises(X5cError):
        resolve_x5c_key(x5c_header([LEAF]), "https://other.example", trust_anchors=[ANCHOR.parsed], now=now)


def test_polaris_agrees() -> None:
    keys, why, signer = polaris._issuer_public_keys({"x5c": x5c_header([LEAF])}, [], [ANCHOR.parsed], now=AT)
    assert (len(keys), why) == (1, "")
    assert polaris._leaf_names(signer[0], "https://issuer.example") == ""


@pytest.mark.parametrize("role", [Role.RELYING_PARTY, Role.WALLET_PROVIDER])
def test_an_asker_or_a_wallets_maker_certified_by_others_may_name_no_purpose(role: Role) -> None:
    leaf_ = end_entity(FOREIGN, usages=())
    assert verify([leaf_], [FOREIGN.ours], role=role).roles == ()
    with pytest.raises(Untrusted):
        verify([leaf_], [FOREIGN.ours])
    with pytest.raises(Untrusted):
        verify([end_entity(FOREIGN, usages=(ExtendedKeyUsageOID.SERVER_AUTH,))], [FOREIGN.ours], role=role)


# --- whose chain it is ---------------------------------------------------------------------------------------------------------------


def test_chains_of_unknown_authorities() -> None:
    """A chain that leads elsewhere is told from one that pretends to lead here, or is none."""
    between = authority("Between", FOREIGN, path_length=0)
    known = [ANCHOR]
    assert chain.leads_elsewhere([end_entity(FOREIGN)], known)
    assert chain.leads_elsewhere([end_entity(between), der(between.cert)], known)
    assert chain.leads_elsewhere([end_entity(FOREIGN)], [])
    assert not chain.leads_elsewhere([LEAF], known)
    assert not chain.leads_elsewhere([end_entity(authority("Test anchor"))], known)
    assert not chain.leads_elsewhere([end_entity(between), der(between.cert)], [between.ours])
    assert not chain.leads_elsewhere([der(FOREIGN.cert)], known)
    assert not chain.leads_elsewhere([end_entity(FOREIGN), der(between.cert)], known)
    assert not chain.leads_elsewhere([end_entity(between), der(authority("Between").cert)], known)
    same_key = authority("Another name", key=FOREIGN.key)
    assert not chain.leads_elsewhere([end_entity(same_key)], [FOREIGN.ours])
    assert not chain.leads_elsewhere([], known)
    assert not chain.leads_elsewhere([b"nonsense"], known)
    ed = ed25519.Ed25519PrivateKey.generate()
    assert not chain.leads_elsewhere(
        [end_entity(FOREIGN), der(authority("Foreign root", between, key=ed, signing_key=between.key).cert)], known
    )
