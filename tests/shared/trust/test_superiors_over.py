"""Superiors whose keys are over: none of them speaks again, and a thief with one of them shuts nobody out for good."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.federation import COURT, COURTS, MINISTRY
from support.federations import justice
from support.signing import AT, Signer

from shared.errors import Malformed, Untrusted, VcError
from shared.flow import run
from shared.keys import Role
from shared.trust.federation_keys import FederationKey, render_jwks
from shared.trust.snapshot import KeyHistory, KeyState
from shared.trust.superiors import Gathered, Word, gather


def faults(found: Gathered) -> dict[str, type[VcError]]:
    """By the last of each way."""
    return {name.split(" ")[-1]: type(error) for name, error in found.faults.items()}


@pytest.mark.parametrize("state", ["verify-only", "ended", "compromised"])
@pytest.mark.parametrize("who", [MINISTRY, COURTS])
def test_a_key_that_was_over_does_not_speak_again(who: str, state: str) -> None:
    """S15: although it is still pinned, or still named by the one above. Only a word by a key that is known ends another."""
    realm = justice()
    old, new, body = realm[who].signer, Signer.new(), realm[who]
    both = {"jwks": render_jwks(FederationKey.of(each.public) for each in (old, new))}
    if who != MINISTRY:
        realm[MINISTRY].about[who] |= both

    def heard(held: tuple[Word, ...], *signers: Signer) -> Gathered:
        pin = (
            replace(realm.pin(MINISTRY), keys=tuple(FederationKey.of(each.public) for each in signers)) if signers else realm.pin(MINISTRY)
        )
        return run(gather(pin, held, at=AT), realm.street().answer)

    pins = (old, new) if who == MINISTRY else ()
    first = heard((), *pins)
    body.signer, body.others = new, (KeyHistory.of(old.public, role=Role.FEDERATION, entity=who, since=AT - 9),)
    body.end(old, state=KeyState(state), until=AT - 50)
    realm.again(who, at=AT - 50)
    second = heard(first.words, *pins)
    assert second.faults == {}
    assert heard(second.words, *pins).faults == {}  # the same once more
    body.signer, body.others = old, (KeyHistory.of(new.public, role=Role.FEDERATION, entity=who, since=AT - 9),)
    body.fates.clear()
    body.end(new, state=KeyState.COMPROMISED, until=AT - 40)
    realm.again(who, at=AT - 40)
    thief = heard(second.words, *pins)
    assert faults(thief) == {who: Untrusted}
    assert thief.words == second.words
    # whoever heard the thief alone hears the true key again once nobody knows the other any more
    fooled = heard((), *pins)
    assert fooled.faults == {}
    body.signer, body.others = new, ()
    body.fates.clear()
    realm.again(who, at=AT - 30)
    assert faults(heard(fooled.words, *pins)) == {who: Untrusted}
    if who != MINISTRY:
        realm[MINISTRY].about[who] |= {"jwks": render_jwks([FederationKey.of(new.public)]), "iat": AT - 30}
        realm.again(MINISTRY)
    assert heard(fooled.words, *(pins and (new,))).faults == {}


def test_a_compromise_is_not_taken_back() -> None:
    """S15: a superior, by an old backup, say, lists a stolen key as one that signs; that it drops the key is another matter."""
    realm = justice()
    stolen = realm[COURT].keys[Role.CREDENTIAL_ISSUER]
    realm[COURTS].end(stolen, state=KeyState.COMPROMISED, until=AT - 90)
    first = realm.gathered(MINISTRY)
    assert first.faults == {}
    realm[COURTS].fates.clear()
    realm.again(COURTS)
    back = realm.gathered(MINISTRY, held=first.words)
    assert faults(back) == {COURTS: Malformed}
    assert back.words == first.words
    realm[COURT].keys[Role.CREDENTIAL_ISSUER] = Signer.new()
    realm.again(COURTS)
    assert realm.gathered(MINISTRY, held=first.words).faults == {}


def test_what_a_thief_reports_counts_as_long_as_nobody_has_ended_its_key() -> None:
    realm, new = justice(), Signer.new()
    realm[COURTS].end(realm[COURT].keys[Role.CREDENTIAL_ISSUER], state=KeyState.COMPROMISED, until=AT - 90)
    fooled = realm.gathered(MINISTRY)
    realm[COURTS].fates.clear()
    realm[COURTS].signer = new
    realm[MINISTRY].about[COURTS] |= {"iat": AT - 30}
    for each in (MINISTRY, COURTS):
        realm.again(each)
    found = realm.gathered(MINISTRY, held=fooled.words)
    assert found.faults == {}
    assert [each.path for each in found.words] == [each.path for each in fooled.words]
