"""Whom a federation carries: chains by the newest snapshots, keys with their fates, and who may say what."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import pytest
from support.federation import COURT, COURTS, MINISTRY, critical, says
from support.federations import Member, Realm, issuer, justice
from support.signing import AT, Signer
from support.trial_verify import BANK, DAY, ISSUER, VCT, registry

from shared.codec import base64url
from shared.cose import kid_of, thumbprint
from shared.errors import (
    CertificateRevoked,
    Expired,
    NotEntitled,
    NotYetValid,
    SnapshotMissing,
    SnapshotStale,
    Untrusted,
    VcError,
)
from shared.keys import Role
from shared.trust.artefact import ENTITY_STATEMENT
from shared.trust.carried import Key
from shared.trust.federation import ENDED, Federation
from shared.trust.snapshot import COPY_LIFE, KeyState

KEY = registry().signer.public
OWN = Key.of(KEY)
DEVOLVED = "https://devolved.example"


def refused(error: type[VcError], federation: Federation, entity: str = ISSUER, at: int = AT, **how: Any) -> None:
    with pytest.raises(error) as caught:
        federation.issuer(entity, VCT, at, **{"key": OWN, **how})
    assert type(caught.value) is error


def test_a_body_that_superiors_vouch_for() -> None:
    realm = justice()
    federation = realm.federation(MINISTRY)
    chain = federation.chain(COURT, AT)
    assert (chain.subject, chain.anchor.entity, len(chain.statements)) == (COURT, MINISTRY, 4)
    assert federation.entities == tuple(sorted(realm.members))
    assert len(federation.of(ENTITY_STATEMENT)) == 1 + 3 + 3 + 1 + 1 + 1
    court = federation.issuer(COURT, VCT, AT, key=Key.of(realm[COURT].keys[Role.CREDENTIAL_ISSUER].public))
    assert (court.subject, court.as_of, court.check_said(AT - DAY)) == (f"The body at {COURT}", AT - 60, "")
    named = federation.issuer(ISSUER, VCT, AT, key=None, kid=kid_of(KEY))
    assert named.public == KEY
    refused(Untrusted, federation, key=None, kid=bytes(8))
    assert Federation().entities == ()


def test_chains_are_judged_once_and_again_when_they_may_have_changed() -> None:
    realm = justice()
    federation = realm.federation(MINISTRY)
    first = federation.chain(COURT, AT)
    assert federation.chain(COURT, AT + DAY - 1) is first
    assert federation.chain(COURT, AT - 1) is not first
    with pytest.raises(Expired):
        federation.chain(COURT, AT + DAY)


def test_what_is_remembered_of_a_fault_holds_nothing_of_the_check() -> None:
    """Nor of what was shown in it."""
    federation, member = justice().federation(MINISTRY), COURT

    class Shown:
        """A document."""

    def check() -> weakref.ref[Shown]:
        shown = Shown()
        with pytest.raises(SnapshotStale) as caught:
            federation.chain(member, AT + 8 * DAY)
        assert caught.value.detail
        return weakref.ref(shown)

    for _ in range(2):
        known = check()
        gc.collect()
        assert known() is None


def test_bodies_below_one_superior_are_one_branch() -> None:
    federation = justice().federation(MINISTRY)
    assert federation.branches(ISSUER, AT) == [(MINISTRY, ISSUER)]
    assert federation.branches(COURT, AT) == federation.branches(COURTS, AT) == [(MINISTRY, COURTS)]


def test_a_statement_that_runs_out_between_two_checks() -> None:
    federation = justice().federation(MINISTRY)
    assert federation.issuer(ISSUER, VCT, AT + DAY - 1, key=OWN).public == KEY
    refused(Expired, federation, at=AT + DAY)


def test_cached_trust_serves_until_its_expiry_and_says_its_age() -> None:
    """The anchor and a superior go down: what they said last goes on until it runs out, and then nobody can tell."""
    realm = justice()
    for entity in (MINISTRY, COURTS):
        realm[entity].life = DAY // 2
    federation = realm.federation(MINISTRY)
    late = AT - 60 + DAY // 2
    assert federation.issuer(ISSUER, VCT, late - 1, key=OWN).as_of == AT - 60
    refused(SnapshotStale, federation, at=late)
    name = federation.anchors[0].name
    assert (federation.run_out(late - 1), federation.run_out(late)) == ((), (name,))
    realm[MINISTRY].life = DAY
    realm.again(MINISTRY)
    federation = realm.federation(MINISTRY)
    assert federation.issuer(ISSUER, VCT, late, key=OWN).public == KEY
    refused(SnapshotStale, federation, COURT, at=late)


def test_clock_skew() -> None:
    realm = justice()
    realm[ISSUER].claims |= {"iat": AT + 60}
    assert realm.federation(MINISTRY).chain(ISSUER, AT).subject == ISSUER
    refused(NotYetValid, realm.federation(MINISTRY), at=AT - 1)


def test_self_declared_vct_not_entitled() -> None:
    """S14: of its own configuration nothing counts, nor silence, nor another type."""
    for about in ({}, critical(entitlements=[says("urn:other")]), critical(accredits=[says()])):
        realm = justice()
        realm[MINISTRY].about[ISSUER] = about
        realm[ISSUER].metadata["openid_credential_issuer"] = {
            "credential_configurations_supported": {"one": {"format": "dc+sd-jwt", "vct": VCT}},
            "jwks": {"keys": []},
        }
        refused(NotEntitled, realm.federation(MINISTRY))
    realm = justice()
    realm[ISSUER].claims |= critical(entitlements=[says()])
    refused(Untrusted, realm.federation(MINISTRY))  # not even read: nobody entitles itself
    realm = justice()
    realm[MINISTRY].about[COURTS] = {}  # who is not accredited accredits nobody
    refused(NotEntitled, realm.federation(MINISTRY), COURT, key=Key.of(realm[COURT].keys[Role.CREDENTIAL_ISSUER].public))


@pytest.mark.parametrize(
    ("said", "made", "at", "remark"),
    [
        ({"since": AT - 9 * DAY}, AT - 9 * DAY, AT, ""),
        ({"since": AT - 9 * DAY}, AT - 9 * DAY - 1, AT, None),
        ({"until": AT - DAY}, AT - DAY - 1, AT, ENDED),
        ({"until": AT - DAY}, AT - DAY, AT, None),
        ({"until": AT + 100}, AT - DAY, AT + 99, ""),
        ({"until": AT + 100}, AT - DAY, AT + 100, ENDED),
        ({"since": AT - 90 * DAY, "until": AT - COPY_LIFE + 1}, AT - COPY_LIFE, AT, ENDED),
    ],
)
def test_authority_on_the_day_it_was_made(said: dict[str, Any], made: int, at: int, remark: str | None) -> None:
    realm = justice()
    realm[MINISTRY].about[ISSUER] = critical(entitlements=[says(VCT, **said)])
    found = realm.federation(MINISTRY).issuer(ISSUER, VCT, at, key=OWN)
    if remark is None:
        with pytest.raises(NotEntitled):
            found.check_said(made)
    else:
        assert found.check_said(made) == remark


def test_authority_that_ended_long_ago_or_has_not_begun() -> None:
    for said in ({"since": AT - 90 * DAY, "until": AT - COPY_LIFE}, {"since": AT + 1}):
        realm = justice()
        realm[MINISTRY].about[ISSUER] = critical(entitlements=[says(VCT, **said)])
        refused(NotEntitled, realm.federation(MINISTRY))


def test_limits_that_the_document_speaks_of() -> None:
    realm = justice()
    realm[MINISTRY].about[ISSUER] = critical(
        entitlements=[says(VCT, jurisdiction=["GB-EAW"], attestation_basis=["inspection"]), says(VCT, since=AT - 3 * DAY, until=AT - DAY)]
    )
    found = realm.federation(MINISTRY).issuer(ISSUER, VCT, AT, key=OWN)
    inside = {"issuing_jurisdiction": "GB-EAW", "attestation_basis": "inspection"}
    assert found.check_said(AT, inside) == ""
    for outside in ({}, inside | {"issuing_jurisdiction": "GB-SCT"}, inside | {"attestation_basis": "register"}):
        with pytest.raises(NotEntitled):
            found.check_said(AT, outside)
        assert found.check_said(AT - 2 * DAY, outside) == ENDED


def test_a_superior_lets_say_no_more_than_its_own_jurisdiction() -> None:
    realm = justice()
    realm[MINISTRY].about[COURTS] = critical(accredits=[says(VCT, jurisdiction=["GB-EAW"])])
    realm[COURTS].about[COURT] = critical(entitlements=[says(VCT, jurisdiction=["GB-SCT"])])
    refused(NotEntitled, realm.federation(MINISTRY), COURT, key=None, kid=kid_of(realm[COURT].keys[Role.CREDENTIAL_ISSUER].public))
    realm = justice()
    realm[MINISTRY].about[COURTS] = critical(accredits=[says(VCT, jurisdiction=["GB-EAW"])])
    found = realm.federation(MINISTRY).issuer(COURT, VCT, AT, key=None, kid=kid_of(realm[COURT].keys[Role.CREDENTIAL_ISSUER].public))
    assert found.check_said(AT, {"issuing_jurisdiction": "GB-EAW"}) == ""
    with pytest.raises(NotEntitled):
        found.check_said(AT, {"issuing_jurisdiction": "GB-SCT"})


def test_a_key_that_its_superior_does_not_know() -> None:
    realm = justice()
    federation = realm.federation(MINISTRY)
    refused(Untrusted, federation, key=Key.of(Signer.new().public))
    refused(Untrusted, federation, key=Key.of(realm[COURT].keys[Role.CREDENTIAL_ISSUER].public))  # another body's
    refused(NotEntitled, federation, BANK, key=Key.of(realm[BANK].keys[Role.RELYING_PARTY].public))
    with pytest.raises(NotEntitled):
        federation.vouch(Role.WALLET_PROVIDER, ISSUER, AT, key=OWN)
    both = justice()
    both[ISSUER].metadata["openid_credential_verifier"] = {}
    with pytest.raises(Untrusted):  # a key has one role
        both.federation(MINISTRY).vouch(Role.RELYING_PARTY, ISSUER, AT, key=OWN)


@pytest.mark.parametrize(
    ("fate", "error"),
    [
        ({"state": KeyState.COMPROMISED, "until": AT - 1}, CertificateRevoked),
        ({"state": KeyState.VERIFY_ONLY, "until": AT - COPY_LIFE}, Untrusted),
        ({"state": KeyState.VERIFY_ONLY, "until": AT - COPY_LIFE + 1}, None),
    ],
)
def test_backdated_by_retired_key(fate: dict[str, Any], error: type[VcError] | None) -> None:
    """S15: whatever date is written above; a retired key verifies for one longest copy life."""
    realm = justice()
    realm[MINISTRY].end(registry().signer, **fate)
    federation = realm.federation(MINISTRY)
    name = base64url.encode(thumbprint(KEY))
    history = federation.key(ISSUER, name)
    assert history is not None
    assert history.state is fate["state"]
    assert federation.key(BANK, name) is None
    if error is None:
        assert federation.issuer(ISSUER, VCT, AT, key=OWN).public == KEY
    else:
        refused(error, federation)


def two() -> Realm:
    """The Public Guardian has two superiors, of two anchors."""
    realm = justice()
    realm.members[DEVOLVED] = Member(DEVOLVED)
    realm[ISSUER].superiors = (MINISTRY, DEVOLVED)
    return realm


def test_of_several_anchors_one_that_entitles_is_enough() -> None:
    realm = two()
    federation = realm.federation(DEVOLVED, MINISTRY)
    assert federation.issuer(ISSUER, VCT, AT, key=OWN).entitlements
    assert federation.chain(ISSUER, AT).anchor.entity == DEVOLVED
    assert federation.chain(ISSUER, AT, vct=VCT).anchor.entity == MINISTRY
    assert federation.chain(ISSUER, AT, vct="urn:none").anchor.entity == DEVOLVED
    refused(NotEntitled, realm.federation(DEVOLVED))
    realm[DEVOLVED].about[ISSUER] = critical(entitlements=[says(VCT, since=AT - 30 * DAY, until=AT - 20 * DAY)])
    realm.again(DEVOLVED)
    both = realm.federation(DEVOLVED, MINISTRY).issuer(ISSUER, VCT, AT, key=OWN)
    assert (both.check_said(AT - 25 * DAY), both.check_said(AT)) == (ENDED, "")


def test_two_superiors_disagreeing() -> None:
    """One has run out, or knows another key: the other one carries it all the same; what one says of an end counts for both."""
    realm = two()
    realm[MINISTRY].life = 3_600
    realm[DEVOLVED].about[ISSUER] = critical(entitlements=[says(VCT)])
    federation = realm.federation(MINISTRY, DEVOLVED)
    assert federation.issuer(ISSUER, VCT, AT + 4_000, key=OWN).public == KEY
    realm[MINISTRY].fates[base64url.encode(thumbprint(KEY))] = {"entity": "https://elsewhere.example"}
    realm.again(MINISTRY)
    assert realm.federation(DEVOLVED, MINISTRY).issuer(ISSUER, VCT, AT, key=OWN).public == KEY
    assert realm.federation(MINISTRY, DEVOLVED).issuer(ISSUER, VCT, AT, key=OWN).public == KEY
    realm[DEVOLVED].end(registry().signer, state=KeyState.VERIFY_ONLY, until=AT - COPY_LIFE)
    realm.again(DEVOLVED)
    history = realm.federation(MINISTRY, DEVOLVED).key(ISSUER, base64url.encode(thumbprint(KEY)))
    assert history is not None
    assert history.ends_at == AT


def test_of_two_superiors_that_know_other_keys_each_entitles_its_own() -> None:
    """One ``kid`` may name two keys where superiors have taken different configurations in."""
    realm = two()
    realm[DEVOLVED].about[ISSUER] = critical(entitlements=[says("urn:other"), says(VCT)])
    federation = realm.federation(MINISTRY, DEVOLVED)
    assert len(federation.issuer(ISSUER, VCT, AT, key=None, kid=kid_of(KEY)).entitlements) == 2


def test_what_one_superior_forges_changes_nothing_of_another() -> None:
    """A rogue superior says that the Public Guardian has another federation key, and publishes a newer configuration by that."""
    realm = two()
    rogue = replace(realm[ISSUER], signer=Signer.new())
    false = Realm(realm[DEVOLVED], rogue)
    street = realm.street(**{DEVOLVED: false.publication(DEVOLVED)})
    federation = realm.federation(DEVOLVED, MINISTRY, street=street.answer)
    assert len(federation.chains(ISSUER, AT)) == 2
    assert federation.issuer(ISSUER, VCT, AT, key=OWN).public == KEY


def test_an_anchor_may_say_what_its_pin_names() -> None:
    """Nobody is above it."""
    signer = Signer.new()
    top = Member(MINISTRY, keys={Role.CREDENTIAL_ISSUER: signer})
    realm = Realm(top, issuer(ISSUER, MINISTRY), Member(COURTS, superiors=(ISSUER,)))
    top.superiors = (ISSUER,)  # says the one below
    federation = realm.federation(MINISTRY, vcts=(VCT,))
    assert federation.issuer(MINISTRY, VCT, AT, key=Key.of(signer.public)).public == signer.public
    refused(NotEntitled, realm.federation(MINISTRY), MINISTRY, key=Key.of(signer.public))
    silent = Realm(Member(MINISTRY), issuer(ISSUER, MINISTRY))
    _, statements = silent.said(MINISTRY)
    silent.say(MINISTRY, statements[1:])
    assert silent.federation(MINISTRY).chain(ISSUER, AT).subject == ISSUER
    refused(Untrusted, silent.federation(MINISTRY), MINISTRY)


def test_who_is_unknown_and_what_is_not_known_yet() -> None:
    realm = justice()
    refused(Untrusted, realm.federation(MINISTRY), "https://nobody.example")
    unheard = Federation((realm.pin(MINISTRY),))
    refused(SnapshotMissing, unheard)
    assert [each.entity for each in unheard.silent] == [MINISTRY]
    waived = Federation((realm.pin(MINISTRY, without_snapshot=True),))
    refused(Untrusted, waived)
    refused(SnapshotMissing, replace(waived, published=frozenset({MINISTRY})))


def test_a_body_whose_configuration_is_not_published() -> None:
    realm = justice()
    _, statements = realm.said(MINISTRY)
    own = [each for each in statements if ISSUER not in each.data.decode() and f'"{ISSUER}"'.encode() not in _claims(each.data)]
    about = [
        each
        for each in statements
        if f'"sub":"{ISSUER}"'.encode() in _claims(each.data) and MINISTRY.encode() + b'","sub' in _claims(each.data)
    ]
    realm.say(MINISTRY, (*own, *about))
    federation = realm.federation(MINISTRY)
    assert ISSUER in federation.words[0].about
    refused(Untrusted, federation)


def _claims(token: bytes) -> bytes:
    return base64url.decode(token.split(b".")[1].decode())


# --- chains that come along ----------------------------------------------------------------------------------------------------------------


def test_a_chain_that_comes_along_is_judged_by_the_snapshots() -> None:
    realm = justice()
    federation = realm.federation(MINISTRY)
    tokens = federation.chain(COURT, AT).tokens
    assert federation.brought(tokens, AT).words == federation.chains(COURT, AT)[0].words
    top = federation.chain(MINISTRY, AT).tokens
    assert federation.brought(top, AT).chain.subject == MINISTRY
    unnamed = [tokens[0], realm[COURTS].of(realm[COURT], iat=AT - 30), *tokens[2:]]
    with pytest.raises(Untrusted, match="does not name"):
        federation.brought(unnamed, AT)
    with pytest.raises(Untrusted, match="newer"):
        federation.brought([realm[COURT].itself(iat=AT - 90), *tokens[1:]], AT)
    without = replace(federation, words=federation.words[:1])
    refused(SnapshotMissing, without, COURT, tokens=tokens)
    refused(NotEntitled, federation, "https://nobody.example", tokens=tokens)
    realm[COURTS].life = 3_600
    realm.again(COURTS)
    stale = realm.federation(MINISTRY)
    with pytest.raises(SnapshotStale):
        stale.brought(stale.chain(COURT, AT).tokens, AT + 4_000)
    removed = Realm(*(each for each in realm.members.values() if each.entity != COURT), Member("https://x.example", superiors=(COURTS,)))
    with pytest.raises(Untrusted, match="does not name"):
        removed.federation(MINISTRY).brought(tokens, AT)


def test_an_anchor_that_publishes_no_snapshot_is_asked_by_the_chain_alone() -> None:
    """Its owner bears that; the keys are those that the body publishes."""
    realm = justice()
    tokens = realm.federation(MINISTRY).chain(ISSUER, AT).tokens
    federation = Federation((realm.pin(MINISTRY, without_snapshot=True),))
    found = federation.issuer(ISSUER, VCT, AT, key=OWN, tokens=tokens)
    assert (found.as_of, found.check_said(AT)) == (AT - 60, "")
    refused(Untrusted, federation, key=Key.of(Signer.new().public), tokens=tokens)
    refused(SnapshotMissing, replace(federation, published=frozenset({MINISTRY})), tokens=tokens)


@pytest.mark.parametrize("jwks", [None, [], {}, {"keys": None}, {"keys": [None, {}, {"kty": "RSA"}]}])
def test_keys_that_cannot_be_used_are_left_out(jwks: Any) -> None:
    realm = justice()
    realm[ISSUER].keys = {}
    realm[ISSUER].metadata = {"openid_credential_issuer": {} if jwks is None else {"jwks": jwks}}
    refused(Untrusted, realm.federation(MINISTRY), key=None, kid=kid_of(KEY))


def test_a_body_without_a_name_is_called_by_its_identifier() -> None:
    realm = justice()
    realm[ISSUER].metadata["federation_entity"] = {"organization_name": ""}
    assert realm.federation(MINISTRY).issuer(ISSUER, VCT, AT, key=OWN).subject == ISSUER
