"""What a federation refuses, each by its name, before the judge that relying parties ask. The others of the list lie beside what refuses them:
two superiors disagreeing, a policy that empties a parameter, a chain one too long, algorithm downgrade, subject spoofing, key reuse.
"""

from __future__ import annotations

from typing import Any

import pytest
from support.federation import COURT, COURTS, MINISTRY, says, signed
from support.federations import Realm, justice
from support.signing import AT, Signer
from support.trial_verify import DAY, ISSUER, VCT, registry

from shared.errors import BundleRolledBack, CertificateRevoked, Malformed, Rejected, SnapshotStale, VcError
from shared.keys import Role
from shared.trust.carried import Key
from shared.trust.federation import Federation
from shared.trust.federation_anchor import parse_federation_anchor, render_federation_anchor
from shared.trust.federation_keys import render_jwks
from shared.trust.snapshot import KeyState, parse_snapshot
from shared.trust.statements import parse_statement
from shared.trust.superiors import unpack
from shared.trust.trust_marks import TYP as MARK

KIND = "https://justice.example/marks/inspected"


def court_of(realm: Realm, federation: Federation, at: int = AT) -> Any:
    return federation.issuer(COURT, VCT, at, key=Key.of(realm[COURT].keys[Role.CREDENTIAL_ISSUER].public))


def test_nothing_is_refused_without_a_reason() -> None:
    realm = justice()
    assert court_of(realm, realm.federation(MINISTRY)).check_said(AT) == ""


def refused(realm: Realm, at: int = AT) -> None:
    """The court, which would be carried otherwise, is nobody here, and the Public Guardian beside it is untouched."""
    federation = realm.federation(MINISTRY)
    with pytest.raises(Rejected):
        court_of(realm, federation, at)
    assert federation.issuer(ISSUER, VCT, at, key=Key.of(registry().signer.public)).entity == ISSUER


def test_trust_mark_of_an_unknown_issuer() -> None:
    """By a stranger, by a body that is known but not named for the type, by the bearer itself, or in the name of one that is."""

    def marks(iss: str, by: Signer) -> tuple[str, ...]:
        realm = justice()
        realm[MINISTRY].claims |= {"trust_mark_issuers": {KIND: [COURTS]}}
        signer = {COURTS: realm[COURTS].signer, COURT: realm[COURT].signer}.get(iss, by) if by is NAMED else by
        claims = {"iss": iss, "sub": COURT, "trust_mark_type": KIND, "iat": AT - 60, "exp": AT + DAY}
        held = {"trust_mark_type": KIND, "trust_mark": signed(claims, signer, typ=MARK)}
        realm[COURT].claims |= {"trust_marks": [held]}
        return tuple(each.iss for each in realm.federation(MINISTRY).chain(COURT, AT).trust_marks)

    assert marks(COURTS, NAMED) == (COURTS,)
    for iss, by in ((COURTS, Signer.new()), (COURT, NAMED), (ISSUER, NAMED), ("https://stranger.example", NAMED)):
        assert marks(iss, by) == (), iss


NAMED = Signer.new()  # stands for the key of whoever is named


@pytest.mark.parametrize("crit", [["entitlements", "unheard_of"], ["unheard_of"], ["entitlements", "exp"]])
def test_crit_unknown(crit: list[str]) -> None:
    """What a superior demands to be understood and nobody here understands makes its statement none."""
    realm = justice()
    realm[COURTS].about[COURT] = {"entitlements": [says()], "unheard_of": {"limit": 1}, "crit": crit}
    with pytest.raises(VcError) as caught:
        parse_statement(realm[COURTS].of(realm[COURT]))
    assert caught.value.where == "/crit"
    refused(realm)
    realm = justice()
    realm[COURT].claims |= {"unheard_of": 1, "crit": ["unheard_of"]}
    refused(realm)


def test_duplicate_kid() -> None:
    """Two keys of one name: whoever checks would have to choose. In statements, configurations, pins and histories."""
    realm = justice()
    twice = render_jwks((realm[COURT].key,))["keys"] + [render_jwks((realm[COURTS].key,))["keys"][0] | {"kid": realm[COURT].key.kid}]
    for claims in (realm[COURT].claims, realm[COURTS].about[COURT]):
        before = dict(claims)
        claims |= {"jwks": {"keys": twice}}
        realm.again(COURTS)
        refused(realm)
        claims.clear()
        claims.update(before)
    entry = render_federation_anchor(realm.pin(MINISTRY))
    with pytest.raises(Malformed, match="same kid"):
        parse_federation_anchor({**entry, "jwks": {"keys": [*entry["jwks"]["keys"], *entry["jwks"]["keys"]]}}, "")
    realm[COURT].keys[Role.CREDENTIAL_ISSUER] = realm[COURT].signer  # one key, two histories
    realm.again(COURTS, by=9)
    token, _ = realm.said(COURTS)
    with pytest.raises(Malformed, match="two histories"):
        parse_snapshot(token)


def test_stale_historical_keys() -> None:
    """A list of keys from before a compromise, still within its own time: from the network, in a pack, and after it has run out."""
    realm = justice()
    before, _ = realm.said(COURTS)
    old = realm.publication(COURTS)
    realm[COURTS].end(realm[COURT].keys[Role.CREDENTIAL_ISSUER], state=KeyState.COMPROMISED, until=AT - DAY)
    realm.again(COURTS)
    first = realm.gathered(MINISTRY)
    known = Federation((realm.pin(MINISTRY),), first.words)
    with pytest.raises(CertificateRevoked):
        court_of(realm, known)
    again = realm.gathered(MINISTRY, held=first.words, street=realm.street(**{COURTS: old}).answer)
    assert isinstance(again.faults[f"{MINISTRY} {COURTS}"], BundleRolledBack)
    with pytest.raises(CertificateRevoked):
        court_of(realm, Federation((realm.pin(MINISTRY),), again.words))
    artefacts = {each.sha256: each for each in realm.artefacts()}
    packed = [parse_snapshot(realm.said(MINISTRY)[0]), parse_snapshot(before)]
    words = unpack(realm.pin(MINISTRY), packed, artefacts, {each.name: each.snapshot.seen for each in first.words}, at=AT)
    assert [each.entity for each in words] == [MINISTRY]
    healthy = justice()
    with pytest.raises(SnapshotStale):  # a list of keys that is over says nothing of any key
        court_of(healthy, healthy.federation(MINISTRY), AT + 7 * DAY)


# --- section 3 of the security rules, in a federation ------------------------------------------------------------------------------------


@pytest.mark.parametrize("until", [AT - 300 * DAY, AT - 1, AT + DAY])
def test_backdated_by_compromised_key_in_a_federation(until: int) -> None:
    """S15: whatever date the document bears, and whenever the theft is said to have been."""
    realm = justice()
    realm[COURTS].end(realm[COURT].keys[Role.CREDENTIAL_ISSUER], state=KeyState.COMPROMISED, until=until)
    with pytest.raises(CertificateRevoked):
        court_of(realm, realm.federation(MINISTRY))


def test_revoked_intermediate_offline_in_a_federation() -> None:
    """S16: a pack with the court service's own word, which is still within its time, after the ministry has ended the court service."""
    realm = justice()
    pin, before = realm.pin(MINISTRY), realm.artefacts(COURTS)
    assert court_of(realm, realm.federation(MINISTRY)).entity == COURT
    realm[COURTS].superiors = ()
    realm.again(MINISTRY)
    artefacts = {each.sha256: each for each in (*before, *realm.artefacts(MINISTRY))}
    snapshots = [parse_snapshot(realm.said(entity)[0]) for entity in (MINISTRY, COURTS)]
    words = unpack(pin, snapshots, artefacts, {}, at=AT)
    assert [each.path for each in words] == [(MINISTRY,)]
    with pytest.raises(Rejected, match="no superior"):
        court_of(realm, Federation((pin,), words))


def test_first_use_stale_snapshot_in_a_federation() -> None:
    """S17: the first word that is ever heard has run out already: nothing can be decided, of anybody below."""
    realm = justice()
    realm.again(MINISTRY, at=AT - 8 * DAY)
    federation = realm.federation(MINISTRY)
    for entity, signer in ((COURT, realm[COURT].keys[Role.CREDENTIAL_ISSUER]), (ISSUER, registry().signer)):
        with pytest.raises(SnapshotStale):
            federation.issuer(entity, VCT, AT, key=Key.of(signer.public))
