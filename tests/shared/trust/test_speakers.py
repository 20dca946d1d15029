"""Whose word counts about the keys and the name of a body: a superior that is rogue, or merely wrong, stops nobody but those below it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.federation import COURT, COURTS, MINISTRY, critical, says
from support.federations import Member, Realm, issuer, justice
from support.signing import AT, Signer
from support.successions import handed, publish
from support.trial_verify import DAY, ISSUER, VCT, decide, issue, material, registry, show
from support.trusting import Publisher

from shared.cose import kid_of
from shared.errors import CertificateRevoked, Untrusted, VcError
from shared.keys import Role
from shared.trust.anchors import TrustAnchors
from shared.trust.artefact import ENTITY_STATEMENT, Artefact
from shared.trust.chain import TrustChain, verify_trust_chain
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.page_keys import Own, page_keys
from shared.trust.policy import Policy
from shared.trust.snapshot import KeyHistory, KeyState

ROGUE, DEVOLVED, HEIR = "https://rogue.example", "https://devolved.example", "https://heir.example"
REGISTRY = registry().signer
KEY = REGISTRY.public


def with_rogue() -> Realm:
    """A body below the ministry, a superior itself, that is named before all others."""
    realm = justice()
    rogue, own = Member(ROGUE, superiors=(MINISTRY,)), issuer("https://own.rogue.example", ROGUE)
    realm.members = {MINISTRY: realm[MINISTRY], ROGUE: rogue, own.entity: own, **realm.members}
    return realm


def stolen(signer: Signer = REGISTRY, entity: str = ISSUER, state: KeyState = KeyState.COMPROMISED) -> KeyHistory:
    known = KeyHistory.of(signer.public, role=Role.CREDENTIAL_ISSUER, entity=entity, since=AT - 30 * DAY)
    return replace(known, state=state, until=AT - 90 * DAY, reason="test")


def says_more(realm: Realm, *tokens: str, keys: tuple[KeyHistory, ...] = ()) -> Realm:
    """The rogue publishes these too."""
    realm[ROGUE].more = tuple(Artefact(media_type=ENTITY_STATEMENT, data=each.encode()) for each in tokens)
    realm[ROGUE].others = keys
    realm.again(ROGUE)
    return realm


def both(realm: Realm) -> Policy:
    """As ``Realm.policy``, beside a pinned anchor of certificates."""
    said = Publisher()
    snapshots = {said.pin.fingerprint: said.snapshot()}
    return Policy(TrustAnchors(anchors=(said.pin,)), snapshots, (said.crl(),), federation=realm.federation(MINISTRY))


def key_counts(asked: Policy, entity: str = ISSUER, signer: Signer = REGISTRY) -> bool:
    return asked.check_issuer((), entity, VCT, AT, kid=kid_of(signer.public)).public == signer.public


@pytest.mark.parametrize("state", [KeyState.COMPROMISED, KeyState.ENDED])
@pytest.mark.parametrize("signed", [True, False])
def test_nobody_ends_the_keys_of_a_body_that_does_not_name_it(state: KeyState, *, signed: bool) -> None:
    realm = with_rogue()
    speaker = realm[ROGUE] if signed else replace(realm[ROGUE], signer=Signer.new())
    says_more(realm, speaker.of(realm[ISSUER]), keys=(stolen(state=state),))
    assert key_counts(realm.policy(MINISTRY))
    for asked in (realm.policy(MINISTRY), both(realm)):
        assert asked.check_issuer(registry().x5c, ISSUER, VCT, AT).public == KEY
    told = page_keys(realm.policy(MINISTRY), (), Own(entity=HEIR, name="Own", public=KEY), at=AT)
    assert b"compromised" not in told
    says_more(realm, speaker.of(realm[ISSUER]), realm[ISSUER].itself(), keys=(stolen(state=state),))  # nor by publishing its configuration
    assert key_counts(realm.policy(MINISTRY))
    assert both(realm).check_issuer(registry().x5c, ISSUER, VCT, AT).public == KEY


def test_nor_below_another_anchor() -> None:
    realm = with_rogue()
    body = issuer("https://registrar-general.example", DEVOLVED)
    realm.members |= {DEVOLVED: Member(DEVOLVED), body.entity: body}
    realm[DEVOLVED].about[body.entity] = critical(entitlements=[says(VCT)])
    own = body.keys[Role.CREDENTIAL_ISSUER]
    says_more(realm, realm[ROGUE].of(body), keys=(stolen(own, body.entity),))
    assert key_counts(realm.policy(MINISTRY, DEVOLVED), body.entity, own)


def made_up(realm: Realm, **how: Any) -> Realm:
    """The rogue makes up a body by the name of the Public Guardian, with a key of its own, and says that the true one's key was stolen."""
    false = replace(realm[ISSUER], signer=Signer.new(), superiors=(ROGUE,), **how)
    return says_more(realm, realm[ROGUE].of(false), false.itself(), keys=(stolen(),))


def test_who_makes_up_a_body_of_the_same_name_ends_nothing_of_the_true_one_in_a_federation() -> None:
    realm = made_up(with_rogue())
    assert key_counts(realm.policy(MINISTRY))
    assert realm.policy(MINISTRY).check_issuer(registry().x5c, ISSUER, VCT, AT).public == KEY
    with pytest.raises(CertificateRevoked):  # nobody can tell whose a certificate is that says no more than the name
        both(realm).check_issuer(registry().x5c, ISSUER, VCT, AT)


@pytest.mark.parametrize("limits", [{"excluded": [ISSUER.removeprefix("https://")]}, {"permitted": ["rogue.example", ".rogue.example"]}])
def test_a_superior_that_may_speak_of_some_names_only_ends_no_others(limits: dict[str, Any]) -> None:
    realm = with_rogue()
    realm[MINISTRY].about[ROGUE] = {"constraints": {"naming_constraints": limits}}
    assert both(made_up(realm)).check_issuer(registry().x5c, ISSUER, VCT, AT).public == KEY
    realm[MINISTRY].about[ROGUE] = {"constraints": {"naming_constraints": {"excluded": ["elsewhere.example"]}}}
    realm.again(MINISTRY)
    with pytest.raises(CertificateRevoked):
        both(realm).check_issuer(registry().x5c, ISSUER, VCT, AT)


def test_who_takes_the_name_of_a_superior_ends_nothing_of_those_below_the_true_one() -> None:
    """The court's own configuration names the courts; that the rogue's courts have another key is all that tells them apart."""
    realm = with_rogue()
    own = realm[COURT].keys[Role.CREDENTIAL_ISSUER]
    false = Member(COURTS, signer=Signer.new(), superiors=(ROGUE,), place=f"{COURTS}/another")
    false.end(own, state=KeyState.COMPROMISED, until=AT - DAY)
    aside = Realm(false, realm[COURT])
    says_more(realm, realm[ROGUE].of(false), false.itself())
    street = realm.street()

    def answer(fetch: Any) -> Any:
        if fetch.url == false.place:
            return replace(street.answer(replace(fetch, url=f"{COURTS}/.well-known/muniment-trust")), body=aside.publication(COURTS))
        return street.answer(fetch)

    federation = realm.federation(MINISTRY, street=answer)
    assert [each.path for each in federation.words if each.entity == COURTS] == [(MINISTRY, COURTS), (MINISTRY, ROGUE, COURTS)]
    assert key_counts(Policy(TrustAnchors(federation=federation.anchors), federation=federation), COURT, own)


def test_another_superior_that_the_body_names_ends_its_key() -> None:
    """Security rule S16, whichever of the two would have carried it; and by a way on which that superior is reached as well."""
    realm = with_rogue()
    realm[ISSUER].superiors = (MINISTRY, COURTS)
    realm[COURTS].end(REGISTRY, state=KeyState.COMPROMISED, until=AT - DAY)
    with pytest.raises(CertificateRevoked):
        key_counts(realm.policy(MINISTRY))
    with pytest.raises(CertificateRevoked):
        both(realm).check_issuer(registry().x5c, ISSUER, VCT, AT)
    says_more(realm, realm[ROGUE].of(realm[COURTS]), realm[COURTS].itself())
    found = realm.federation(MINISTRY)
    assert (MINISTRY, ROGUE, COURTS) in {each.path for each in found.words}
    with pytest.raises(CertificateRevoked):
        found.issuer(ISSUER, VCT, AT, key=None, kid=kid_of(KEY))


def test_a_body_ends_keys_of_its_own() -> None:
    """The courts make documents themselves, and their own newest word says that the key was stolen."""
    realm, own = with_rogue(), Signer.new()
    realm[COURTS].keys = {Role.CREDENTIAL_ISSUER: own}
    realm[MINISTRY].about[COURTS] = critical(entitlements=[says(VCT)])
    assert key_counts(realm.policy(MINISTRY), COURTS, own)
    realm[COURTS].end(own, state=KeyState.COMPROMISED, until=AT - DAY)
    realm.again(COURTS)
    federation = realm.federation(MINISTRY)
    history = federation.key(COURTS, federation.chains(COURTS, AT)[0].published_keys(Role.CREDENTIAL_ISSUER)[0].name)
    assert history is not None
    assert history.state is KeyState.COMPROMISED
    with pytest.raises(CertificateRevoked):
        key_counts(realm.policy(MINISTRY), COURTS, own)


def test_the_name_of_a_successor_is_forged_by_nobody() -> None:
    realm = with_rogue()
    heir = realm.members[HEIR] = issuer(HEIR, MINISTRY)
    publish(realm, MINISTRY, handed(realm[ISSUER], ISSUER, heir))
    true = f"The body at {HEIR}"

    def line() -> str:
        found = decide(show(issue()), trust=replace(material(), policy=realm.policy(MINISTRY), certificates={}, floor=AT - 60))
        return "".join(each.detail for each in found.checks if each.name == "issuer_trust")

    assert realm.federation(MINISTRY).name(HEIR).en == true
    false = Member(HEIR, metadata={"federation_entity": {"organization_name": "Honest Dave Loans"}})
    says_more(realm, realm[ROGUE].of(heir), replace(false, superiors=(ROGUE,)).itself())  # not by the heir's key
    assert realm.federation(MINISTRY).name(HEIR).en == true
    assert "Dave" not in line()
    says_more(realm, realm[ROGUE].of(false), replace(false, superiors=(ROGUE,)).itself())  # a body by the same name
    assert realm.federation(MINISTRY).name(HEIR).en == HEIR
    assert "Dave" not in line()


def test_ways_that_fail_are_judged_once_until_that_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    realm = with_rogue()
    says_more(realm, realm[ROGUE].of(realm[ISSUER]), realm[ISSUER].itself())
    federation, judged = realm.federation(MINISTRY), list[int]()

    def judge(tokens: Sequence[object], anchors: Iterable[FederationAnchor], *, at: int, taken_over: bool) -> TrustChain:
        judged.append(at)
        return verify_trust_chain(tokens, anchors, at=at, taken_over=taken_over)

    monkeypatch.setattr("shared.trust.federation.verify_trust_chain", judge)
    for at in (AT, AT, AT + 1, AT + DAY - 1):
        assert len(federation.chains(ISSUER, at)) == 1
    assert judged == [AT, AT]
    with pytest.raises(VcError):
        federation.chains(ISSUER, AT + DAY)  # the end of a statement: both ways are judged anew
    assert judged == [AT, AT, AT + DAY, AT + DAY]
    late = with_rogue()
    late[MINISTRY].about[ISSUER] = {"iat": AT + 90, "exp": AT + 300}
    federation = late.federation(MINISTRY)
    with pytest.raises(VcError):
        federation.chains(ISSUER, AT)
    assert federation.chains(ISSUER, AT + 30)
    with pytest.raises(VcError):
        federation.chains(ISSUER, AT + 8 * DAY)  # nothing is left that could change
    with pytest.raises(Untrusted):
        federation.chains("https://nobody.example", AT)
