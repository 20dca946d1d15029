from __future__ import annotations

import pytest
from support.chains import named
from support.signing import AT, Signer, anchor, leaf
from support.trial_verify import BANK, DAY, ISSUER, VCT, Authority, registry, stranger

from shared.errors import CertificateRevoked, CrlStale, Malformed, NotEntitled, Untrusted
from shared.keys import KeyId, Role
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.policy import Policy
from shared.x509 import Crl, parse_crl, prepare_crl


def policy(*pins: Anchor) -> Policy:
    return Policy(TrustAnchors(anchors=pins))


def crl(*serials: int, at: int = AT, days: int = 7) -> Crl:
    unsigned = prepare_crl(
        issuer=registry().certificate, key=KeyId("anchor"), revoked=[(serial, at) for serial in serials], at=at, days=days, number=1
    )
    return parse_crl(registry().root.finish(unsigned))


def test_entity_type_and_instant_are_asked_together() -> None:
    asked = policy(registry().pin(entity=ISSUER, vcts=(VCT,)))
    assert named(asked.check_issuer(registry().x5c, ISSUER, VCT, AT)) == (ISSUER,)
    with pytest.raises(NotEntitled):
        asked.check_issuer(registry().x5c, "https://other.example", VCT, AT)
    with pytest.raises(NotEntitled):
        asked.check_issuer(registry().x5c, ISSUER, "urn:other", AT)
    for at in (AT - 31 * DAY, AT + 400 * DAY):
        with pytest.raises(Untrusted):
            asked.check_issuer(registry().x5c, ISSUER, VCT, at)


def test_a_pin_without_limits_is_for_any_type_of_the_named_entity() -> None:
    asked = policy(registry().pin())
    asked.check_issuer(registry().x5c, ISSUER, "urn:anything", AT)
    for entity in ("", ISSUER + "/", "HTTPS://opg.example"):
        with pytest.raises(NotEntitled):
            asked.check_issuer(registry().x5c, entity, VCT, AT)


def test_a_pin_for_another_entity_does_not_carry() -> None:
    with pytest.raises(NotEntitled):
        policy(registry().pin(entity="https://other.example")).check_issuer(registry().x5c, ISSUER, VCT, AT)


def test_nobody_is_trusted_by_default() -> None:
    for pins in ((), (stranger().pin(),), (registry().pin(role=Role.RELYING_PARTY),)):
        with pytest.raises(Untrusted):
            policy(*pins).check_issuer(registry().x5c, ISSUER, VCT, AT)
    with pytest.raises(Untrusted):
        policy(registry().pin()).check_issuer((), ISSUER, VCT, AT)


def test_garbage_certificates_are_malformed() -> None:
    with pytest.raises(Malformed):
        policy(registry().pin()).check_issuer((b"garbage",), ISSUER, VCT, AT)


def test_a_second_anchor_may_carry_what_the_first_does_not() -> None:
    """A forged or expired root of the same name in front changes nothing."""
    root = Signer.new()
    expired = Anchor(certificate=anchor(root, at=AT - 30 * DAY, days=1), role=Role.CREDENTIAL_ISSUER, name="old")
    asked = policy(stranger().pin(), expired, registry().pin(vcts=("urn:other",)), registry().pin(vcts=(VCT,)))
    assert named(asked.check_issuer(registry().x5c, ISSUER, VCT, AT)) == (ISSUER,)


def test_the_reason_closest_to_a_yes_is_told() -> None:
    asked = policy(registry().pin(vcts=("urn:other",)), stranger().pin())
    with pytest.raises(NotEntitled):
        asked.check_issuer(registry().x5c, ISSUER, VCT, AT)


def test_a_withdrawn_certificate_carries_nothing() -> None:
    asked = policy(registry().pin())
    asked.check_issuer(registry().x5c, ISSUER, VCT, AT, [crl(99)])
    with pytest.raises(CertificateRevoked):
        asked.check_issuer(registry().x5c, ISSUER, VCT, AT, [crl(2)])
    with pytest.raises(CrlStale):
        asked.check_issuer(registry().x5c, ISSUER, VCT, AT + 8 * DAY, [crl(99)])


def test_rp_cert_as_issuer_cert() -> None:
    """S1: a certificate has one role, whatever its anchor is pinned for."""
    made = leaf(Signer.new(), registry().certificate, registry().root, role=Role.RELYING_PARTY, uri=ISSUER, at=AT)
    both = policy(registry().pin(), registry().pin(role=Role.RELYING_PARTY))
    with pytest.raises(Untrusted):
        both.check_issuer((made,), ISSUER, VCT, AT)
    assert both.check_relying_party((made,), AT).uris == (ISSUER,)
    with pytest.raises(Untrusted):
        both.check_relying_party(registry().x5c, AT)


def test_a_relying_party_is_who_its_pin_says() -> None:
    bank = Authority.new(BANK, role=Role.RELYING_PARTY)
    anybody = policy(bank.pin(role=Role.RELYING_PARTY))
    assert anybody.check_relying_party(bank.x5c, AT).uris == (BANK,)
    anybody.check_relying_party(bank.x5c, AT, entity=BANK)
    with pytest.raises(NotEntitled):
        anybody.check_relying_party(bank.x5c, AT, entity="https://other.example")
    with pytest.raises(NotEntitled):
        policy(bank.pin(role=Role.RELYING_PARTY, entity="https://other.example")).check_relying_party(bank.x5c, AT)
    policy(bank.pin(role=Role.RELYING_PARTY, entity=BANK)).check_relying_party(bank.x5c, AT)


PROVIDER = "https://provider.example"


def test_a_wallets_maker_is_who_its_pin_says() -> None:
    maker = Authority.new(PROVIDER, role=Role.WALLET_PROVIDER)
    anybody = policy(maker.pin(role=Role.WALLET_PROVIDER))
    assert anybody.check_wallet_provider(maker.x5c, AT).uris == (PROVIDER,)
    assert policy(maker.pin(role=Role.WALLET_PROVIDER, entity=PROVIDER)).check_wallet_provider(maker.x5c, AT).uris == (PROVIDER,)
    with pytest.raises(NotEntitled):
        policy(maker.pin(role=Role.WALLET_PROVIDER, entity="https://other.example")).check_wallet_provider(maker.x5c, AT)


def test_a_wallets_maker_is_nobody_elses_anchor_or_certificate() -> None:
    """S1: neither does an issuer's anchor vouch for wallets, nor a maker's certificate issue anything."""
    maker = Authority.new(PROVIDER, role=Role.WALLET_PROVIDER)
    for role in (Role.CREDENTIAL_ISSUER, Role.RELYING_PARTY):
        with pytest.raises(Untrusted):
            policy(maker.pin(role=role)).check_wallet_provider(maker.x5c, AT)
    with pytest.raises(Untrusted):
        policy(maker.pin()).check_issuer(maker.x5c, PROVIDER, VCT, AT)
    with pytest.raises(Untrusted):
        policy(registry().pin(role=Role.WALLET_PROVIDER)).check_wallet_provider(registry().x5c, AT)


def test_an_issuer_speaks_of_itself_whatever_types_it_is_pinned_for() -> None:
    asked = policy(registry().pin(vcts=("urn:other",)))
    assert asked.check_metadata_signer(registry().x5c, ISSUER, AT).uris == (ISSUER,)
    with pytest.raises(NotEntitled):
        asked.check_metadata_signer(registry().x5c, "https://other.example", AT)
    with pytest.raises(Untrusted):
        policy(registry().pin(role=Role.RELYING_PARTY)).check_metadata_signer(registry().x5c, ISSUER, AT)
