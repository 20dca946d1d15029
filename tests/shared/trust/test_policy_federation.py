"""One engine over both worlds: X.509 anchors and federations side by side, and what has ended in either (security rule S16)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from support.federation import COURT, COURTS, MINISTRY, critical, says
from support.federations import Member, Realm, justice
from support.signing import AT, Signer, leaf
from support.trial_verify import BANK, DAY, ISSUER, VCT, Authority, registry, stranger
from support.trusting import Publisher, ended

from shared.cose import kid_of
from shared.errors import (
    CertificateRevoked,
    CrlStale,
    NotEntitled,
    SnapshotMissing,
    SnapshotStale,
    Untrusted,
    VcError,
)
from shared.keys import Role
from shared.trust.anchors import TrustAnchors
from shared.trust.federation import ENDED, FederatedIssuer
from shared.trust.page_keys import Own, page_keys
from shared.trust.policy import Policy
from shared.trust.snapshot import COPY_LIFE, KeyState
from shared.x509 import Cert

KEY = registry().signer.public
WALLETS, ISSUERS = ["openid_credential_issuer", "openid_wallet_provider"], ["openid_credential_issuer"]
OWN = (Authority.new(ISSUER).x5c[0],)  # by an authority of its own, of a key that nobody knows


def both(realm: Realm, publisher: Publisher | None = None, **how: object) -> Policy:
    """The registry's anchor and the ministry's federation are pinned."""
    said = publisher or Publisher()
    trust = TrustAnchors(anchors=(said.pin,))
    crls = (said.crl(),) if said.crls is None else said.crls
    return replace(Policy(trust, {said.pin.fingerprint: said.snapshot()}, crls, federation=realm.federation(MINISTRY)), **how)  # type: ignore[arg-type]


def refused(error: type[VcError], asked: Policy, vct: str = VCT, at: int = AT, x5c: tuple[bytes, ...] | None = None, **how: object) -> None:
    with pytest.raises(error) as caught:
        asked.check_issuer(registry().x5c if x5c is None else x5c, ISSUER, vct, at, **how)  # type: ignore[arg-type]
    assert type(caught.value) is error


def test_either_world_is_enough() -> None:
    realm = justice()
    found = both(realm).check_issuer(registry().x5c, ISSUER, VCT, AT)
    assert isinstance(found, Cert)
    alone = realm.policy(MINISTRY)
    by_key = alone.check_issuer(registry().x5c, ISSUER, VCT, AT, issued_at=AT - DAY)
    assert isinstance(by_key, FederatedIssuer)
    assert (by_key.subject, by_key.public) == (f"The body at {ISSUER}", KEY)
    assert alone.check_issuer((), ISSUER, VCT, AT, kid=kid_of(KEY)).public == KEY
    narrow = TrustAnchors(anchors=(replace(Publisher().pin, vcts=("urn:other",)),))
    assert isinstance(both(realm, anchors=narrow).check_issuer(registry().x5c, ISSUER, VCT, AT), FederatedIssuer)


def test_without_a_federation_nothing_changes() -> None:
    refused(Untrusted, Policy(TrustAnchors()))
    refused(Untrusted, Policy(TrustAnchors()), x5c=())


def test_errors_name_the_missing_anchor() -> None:
    with pytest.raises(Untrusted, match="CN=Test anchor"):
        Policy(TrustAnchors()).check_issuer(registry().x5c, ISSUER, VCT, AT)
    with pytest.raises(Untrusted, match="CN=Test anchor"):
        justice().policy(MINISTRY).check_issuer(stranger().x5c, "https://nobody.example", VCT, AT)
    with pytest.raises(Untrusted, match=r"speaks of https://nobody\.example"):
        justice().policy(MINISTRY).check_issuer((), "https://nobody.example", VCT, AT)
    silent = Policy(TrustAnchors(), federation=replace(justice().federation(MINISTRY), words=()))
    with pytest.raises(SnapshotMissing, match="Trial"):
        silent.check_issuer(registry().x5c, ISSUER, VCT, AT)


def test_ended_in_one_path_ended_in_both() -> None:
    """S16: a compromise, an old retirement, a withdrawn certificate; whichever world says so, and whichever would have carried it."""
    gone = {"state": KeyState.COMPROMISED, "until": AT - DAY}
    realm = justice()
    realm[MINISTRY].end(registry().signer, **gone)
    refused(CertificateRevoked, both(realm))
    refused(CertificateRevoked, realm.policy(MINISTRY))
    refused(CertificateRevoked, realm.policy(MINISTRY), x5c=(), kid=kid_of(KEY))
    realm = justice()
    realm[MINISTRY].end(registry().signer, state=KeyState.VERIFY_ONLY, until=AT - COPY_LIFE)
    refused(Untrusted, both(realm))
    for fate in (ended(KeyState.COMPROMISED, AT - DAY), ended(KeyState.VERIFY_ONLY, AT - COPY_LIFE)):
        over = CertificateRevoked if fate.state is KeyState.COMPROMISED else Untrusted
        asked = both(justice(), Publisher(keys=(fate,)))
        refused(over, asked)
        refused(over, asked, x5c=(), kid=kid_of(KEY))  # no certificate came: the federation alone would carry it
        refused(over, asked, x5c=OWN_OF_REGISTRY)  # nor does another certificate of the key help
    withdrawn = both(justice(), Publisher(withdrawn=(2,)))
    refused(CertificateRevoked, withdrawn)


def test_withdrawn_by_a_list_alone_and_shown_without_the_certificate() -> None:
    """S16: an authority that publishes no snapshot says numbers of certificates, and of which keys they are nobody knows."""
    realm, said = justice(), Publisher(withdrawn=(2,))
    silent = both(realm, said, snapshots={})
    refused(CertificateRevoked, silent)
    refused(SnapshotMissing, silent, x5c=(), kid=kid_of(KEY))
    refused(SnapshotMissing, silent, x5c=OWN_OF_REGISTRY)
    refused(SnapshotMissing, replace(silent, crls=()), x5c=(), kid=kid_of(KEY), crls=(said.crl(),))
    with pytest.raises(SnapshotMissing):
        silent.check_metadata_signer(OWN_OF_GUARDIAN, ISSUER, AT)
    with pytest.raises(SnapshotMissing):
        silent.check_heir((), ISSUER, AT, kid=kid_of(KEY))
    own = Own(entity=BANK, name="Bank", public=stranger().signer.public)
    assert {each["iss"] for each in json.loads(page_keys(silent, (), own, at=AT))["issuers"]} == {COURT}
    other = Publisher(withdrawn=(99,))  # a certificate of the key came along, and is none of those
    narrow = TrustAnchors(anchors=(replace(other.pin, vcts=("urn:other",)),))
    assert both(realm, other, snapshots={}, anchors=narrow).check_issuer(registry().x5c, ISSUER, VCT, AT).public == KEY
    for fine in (both(realm, Publisher(), snapshots={}), both(realm, said), both(realm, said, snapshots={}, anchors=ANYBODY)):
        assert fine.check_issuer((), ISSUER, VCT, AT, kid=kid_of(KEY)).public == KEY


def test_a_key_that_has_ended_is_known_by_its_name() -> None:
    """Its certificate is withdrawn and in no snapshot any more; a document that only names the key is told why all the same."""
    anchors = TrustAnchors(anchors=(Publisher().pin, Authority.new("https://other.example").pin()))
    for fate, error in (
        (ended(KeyState.COMPROMISED, AT - DAY), CertificateRevoked),
        (ended(KeyState.VERIFY_ONLY, AT - COPY_LIFE), Untrusted),
        (ended(KeyState.VERIFY_ONLY, AT - DAY), Untrusted),
    ):
        said = Publisher(keys=(fate,))
        asked = Policy(anchors, {said.pin.fingerprint: said.snapshot()}, (said.crl(),))
        refused(error, asked, x5c=(), kid=kid_of(KEY))
        refused(Untrusted, asked, x5c=(), kid=b"another")
        other = replace(said.pin, entity="https://nobody.example")
        refused(Untrusted, replace(asked, anchors=TrustAnchors(anchors=(other,))), x5c=(), kid=kid_of(KEY))


OWN_OF_REGISTRY = (leaf(registry().signer, stranger().certificate, stranger().root, uri="https://nobody.example", at=AT - DAY),)

OWN_OF_GUARDIAN = (leaf(registry().signer, stranger().certificate, stranger().root, uri=ISSUER, at=AT - DAY),)
ANYBODY = TrustAnchors(anchors=(replace(Publisher().pin, entity=None),))


def test_backdated_by_retired_key_in_a_federation() -> None:
    """S15: the date above does not matter, what counts is when the key was retired."""
    realm = justice()
    realm[MINISTRY].end(registry().signer, state=KeyState.VERIFY_ONLY, until=AT - COPY_LIFE)
    refused(Untrusted, realm.policy(MINISTRY), issued_at=AT - COPY_LIFE - DAY)
    realm = justice()
    realm[MINISTRY].end(registry().signer, state=KeyState.VERIFY_ONLY, until=AT - DAY)
    assert realm.policy(MINISTRY).check_issuer(registry().x5c, ISSUER, VCT, AT, issued_at=AT - 2 * DAY).public == KEY


def test_authority_at_the_time() -> None:
    realm = justice()
    realm[MINISTRY].about[ISSUER] = critical(entitlements=[says(VCT, until=AT - DAY)])
    asked = realm.policy(MINISTRY)
    found = asked.check_issuer(registry().x5c, ISSUER, VCT, AT, issued_at=AT - 2 * DAY)
    assert isinstance(found, FederatedIssuer)
    assert found.check_said(AT - 2 * DAY) == ENDED
    refused(NotEntitled, asked, issued_at=AT)
    refused(NotEntitled, asked, vct="urn:other")


def test_what_the_closest_error_is() -> None:
    """A maybe of one world outweighs a no of the other, unless a key is over; a no of both is the federation's, if it knows the body."""
    realm = justice()
    stale = Publisher(at=AT - 8 * DAY, crls=())
    realm[MINISTRY].about[ISSUER] = {}
    refused(CrlStale, both(realm, stale))
    assert isinstance(both(justice(), stale).check_issuer(registry().x5c, ISSUER, VCT, AT), FederatedIssuer)
    refused(NotEntitled, both(realm), vct="urn:other", x5c=OWN_OF_REGISTRY)
    refused(Untrusted, both(realm), x5c=OWN)
    unknown = Realm(Member(MINISTRY), Member("https://x.example", superiors=(MINISTRY,)))
    narrow = TrustAnchors(anchors=(replace(Publisher().pin, vcts=("urn:other",)),))
    refused(NotEntitled, both(unknown, anchors=narrow))
    short = justice()
    short[MINISTRY].life = 3_600
    refused(SnapshotStale, short.policy(MINISTRY), at=AT + 4_000)


def test_a_relying_party_is_known_by_the_names_that_superiors_vouch_for() -> None:
    realm = justice()
    signer = realm[BANK].keys[Role.RELYING_PARTY]
    own = stranger()  # the certificate is by nobody
    host = BANK.removeprefix("https://")
    x5c = (leaf(signer, own.certificate, own.root, role=Role.RELYING_PARTY, uri=BANK, dns=[host, "other.example"], at=AT - DAY),)
    asked = realm.policy(MINISTRY)
    for found in (asked.check_relying_party(x5c, AT), asked.check_relying_party(x5c, AT, entity=BANK)):
        assert (found.subject, found.uris, found.dns, found.public) == (f"The body at {BANK}", (BANK,), (host,), signer.public)
    with pytest.raises(NotEntitled):  # another body, which is no relying party
        asked.check_relying_party(x5c, AT, entity=ISSUER)
    with pytest.raises(Untrusted):
        asked.check_relying_party((), AT)
    with pytest.raises(NotEntitled):
        asked.check_wallet_provider(x5c, AT)
    with pytest.raises(Untrusted):  # names itself as another that is not known
        asked.check_relying_party((leaf(signer, own.certificate, own.root, uri="https://x.example", at=AT - DAY),), AT)
    realm[MINISTRY].end(signer, state=KeyState.VERIFY_ONLY, until=AT - 1)
    realm.again(MINISTRY)
    with pytest.raises(Untrusted):
        realm.policy(MINISTRY).check_relying_party(x5c, AT)


def test_wallet_providers_and_issuers_of_metadata() -> None:
    realm = justice()
    maker = Signer.new()
    realm.members["https://maker.example"] = Member("https://maker.example", superiors=(MINISTRY,), keys={Role.WALLET_PROVIDER: maker})
    own = stranger()
    realm[MINISTRY].about["https://maker.example"] = {"constraints": {"allowed_entity_types": ["openid_wallet_provider"]}}
    asked = realm.policy(MINISTRY)
    x5c = (leaf(maker, own.certificate, own.root, role=Role.WALLET_PROVIDER, uri="https://maker.example", at=AT - DAY),)
    assert asked.check_wallet_provider(x5c, AT).uris == ("https://maker.example",)
    assert asked.check_metadata_signer(registry().x5c, ISSUER, AT).subject == f"The body at {ISSUER}"
    with pytest.raises(Untrusted):
        asked.check_metadata_signer(x5c, ISSUER, AT)


@pytest.mark.parametrize(
    ("above", "nearest", "counts"),
    [(None, None, False), (None, WALLETS, False), (WALLETS, None, False), (ISSUERS, WALLETS, False), (WALLETS, WALLETS, True)],
)
def test_self_declared_wallet_provider_not_entitled(above: list[str] | None, nearest: list[str] | None, *, counts: bool) -> None:
    """S14: a body vouches for wallets where every superior lists it as one that may, and not by its own word."""
    realm, maker, own = justice(), Signer.new(), stranger()
    realm[COURT].keys[Role.WALLET_PROVIDER] = maker
    for upper, lower, kinds in ((MINISTRY, COURTS, above), (COURTS, COURT, nearest)):
        realm[upper].about[lower] |= {} if kinds is None else {"constraints": {"allowed_entity_types": kinds}}
    x5c = (leaf(maker, own.certificate, own.root, role=Role.WALLET_PROVIDER, uri=COURT, at=AT - DAY),)
    asked = realm.policy(MINISTRY)
    if counts:
        assert asked.check_wallet_provider(x5c, AT).uris == (COURT,)
        return
    with pytest.raises(NotEntitled):
        asked.check_wallet_provider(x5c, AT)


def test_a_pack_asks_the_federation_that_is_in_it() -> None:
    realm = justice()
    trust = TrustAnchors(federation=(realm.pin(MINISTRY),))
    refused(SnapshotMissing, Policy.sealed(trust, {}))
    assert Policy.sealed(trust, {}, federation=realm.federation(MINISTRY)).check_issuer(registry().x5c, ISSUER, VCT, AT).public == KEY
