"""Who has taken over from whom, by what superiors publish: when it counts, and by whom it can be held up or made up."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from support.federation import COURTS, DAY, MINISTRY, critical, says
from support.federations import Member, Realm, issuer, justice
from support.signing import AT, Signer
from support.successions import acceptance, handed, publish, statement
from support.trial_verify import ISSUER, VCT

from shared.errors import BundleRolledBack, Malformed, PurposeNotCarried, Untrusted, VcError
from shared.trust.federation import Federation
from shared.trust.snapshot import KeyState
from shared.trust.succession import render_succession
from shared.trust.successors import MAX_LINE

HEIR, THIRD = "https://heir.example", "https://third.example"


def realm(*more: str) -> Realm:
    found = justice()
    for entity in (HEIR, *more):
        found.members[entity] = issuer(entity, MINISTRY)
    return found


def hand(one: Realm, outgoing: str, successor: str, **said: object) -> bytes:
    return handed(one[outgoing], outgoing, one[successor], **said)


def fault(federation: Federation, outgoing: str = ISSUER, successor: str = HEIR) -> VcError:
    assert federation.successor(outgoing, AT) is None
    return federation.successors.faults[outgoing, successor]


def test_published_by_the_superior_of_both() -> None:
    one = realm()
    federation = publish(one, MINISTRY, hand(one, ISSUER, HEIR)).federation(MINISTRY)
    found = federation.successor(ISSUER, AT)
    assert found is not None
    assert found.successor == HEIR
    assert federation.predecessors(HEIR, AT) == federation.successors.line(ISSUER, AT) == tuple(federation.successors.begun(AT)) == (found,)
    assert federation.predecessors(ISSUER, AT) == federation.successors.line(HEIR, AT) == ()
    assert federation.successors.is_over(ISSUER, AT)
    assert not federation.successors.faults


def test_not_before_its_day_and_not_after_the_last_word_of_the_superior() -> None:
    one = realm()
    federation = publish(one, MINISTRY, hand(one, ISSUER, HEIR)).federation(MINISTRY)
    assert federation.successor(ISSUER, AT - DAY - 1) is None
    assert federation.successor(ISSUER, AT - 30 + 7 * DAY - 1) is not None
    assert federation.successor(ISSUER, AT - 30 + 7 * DAY) is None


def test_accepted_in_the_future() -> None:
    one = realm()
    token = statement(one[ISSUER], ISSUER, HEIR)
    data = render_succession(token, acceptance(one[HEIR], ISSUER, token, iat=AT + 90))
    federation = publish(one, MINISTRY, data).federation(MINISTRY)
    assert federation.successor(ISSUER, AT) is None
    assert federation.successor(ISSUER, AT + 30) is not None


def test_merger_day() -> None:
    """The outgoing body and its key are gone: its superior says it instead."""
    one = realm()
    one[MINISTRY].end(one[ISSUER].signer, state=KeyState.COMPROMISED, until=AT - 3 * DAY)
    by_itself = publish(one, MINISTRY, hand(one, ISSUER, HEIR)).federation(MINISTRY)
    assert fault(by_itself).code == "certificate_revoked"
    federation = publish(one, MINISTRY, handed(one[MINISTRY], ISSUER, one[HEIR])).federation(MINISTRY)
    found = federation.successor(ISSUER, AT)
    assert found is not None
    assert found.issuer == MINISTRY


def test_a_superior_of_its_own_takes_over() -> None:
    """Its superior and its own snapshot both know its key."""
    one = realm()
    federation = publish(one, MINISTRY, hand(one, ISSUER, COURTS)).federation(MINISTRY)
    assert federation.successor(ISSUER, AT) is not None
    one[COURTS].end(one[COURTS].signer, state=KeyState.COMPROMISED, until=AT)
    one.again(COURTS, at=AT - 20)
    assert fault(one.federation(MINISTRY), ISSUER, COURTS).code == "certificate_revoked"


def test_the_superior_forgot_the_outgoing_body_but_not_its_keys() -> None:
    one = realm()
    data = hand(one, ISSUER, HEIR)
    signer = one[ISSUER].signer
    one.members[ISSUER] = Member(ISSUER)
    one[MINISTRY].histories = lambda: [*Member.histories(one[MINISTRY]), Member(ISSUER, signer).histories()[0]]  # type: ignore[method-assign]
    federation = publish(one, MINISTRY, data).federation(MINISTRY)
    assert federation.successor(ISSUER, AT) is not None
    assert federation.heirs(ISSUER, AT, vct=VCT) == ()  # nobody says any more what it might say


# --- refused by name -----------------------------------------------------------------------------------------------------------------------


def test_published_by_somebody_who_never_spoke_of_it() -> None:
    one = realm()
    assert "nobody who speaks" in fault(publish(one, COURTS, hand(one, ISSUER, HEIR)).federation(MINISTRY)).detail


@pytest.mark.parametrize(("constraints", "counts"), [({}, True), ({"naming_constraints": {"permitted": [".courts.example"]}}, False)])
def test_published_below_somebody_who_forbids_the_name(*, constraints: dict[str, Any], counts: bool) -> None:
    """Of a body that nobody else speaks of, a superior could make up who took over from it; whoever is above it can say where it may not."""
    one = justice()
    for entity in (ISSUER, HEIR):
        one.members[entity] = issuer(entity, COURTS)
    one[MINISTRY].about[COURTS] = {"constraints": constraints} if constraints else {}
    one.again(MINISTRY)
    federation = publish(one, COURTS, handed(one[COURTS], ISSUER, one[HEIR], status_duty=True)).federation(MINISTRY)
    assert (federation.successor(ISSUER, AT) is not None) is counts
    told = [each.detail for each in federation.successors.faults.values()]
    assert told == ([] if counts else ["this name is none of those that a superior permits"])


def rogue(one: Realm) -> Realm:
    """The courts speak of the Public Guardian too, with a key that they made up for it."""
    false = Signer.new()
    one[COURTS].about["x"] = {}
    impostor = Member(ISSUER, false, superiors=(COURTS,))
    one.members = {**one.members, "impostor": impostor}
    return one


def test_two_superiors_that_disagree_about_a_successor() -> None:
    """A rogue superior can hold a succession up, and cannot make one up."""
    one = rogue(realm())
    made_up = publish(one, COURTS, handed(one[COURTS], ISSUER, one[HEIR], status_duty=True)).federation(MINISTRY)
    assert "another superior speaks" in fault(made_up).detail
    publish(one, COURTS)
    held_up = publish(one, MINISTRY, hand(one, ISSUER, HEIR)).federation(MINISTRY)
    assert "another superior speaks" in fault(held_up).detail
    both = publish(one, COURTS, handed(one[COURTS], ISSUER, one[HEIR])).federation(MINISTRY)
    assert isinstance(fault(both), Untrusted)  # of the body's own key, they know different ones


def test_two_superiors_that_agree() -> None:
    """Each publishes it: what the body signed itself, or what that superior says instead."""
    one = realm()
    one[ISSUER].superiors = (MINISTRY, COURTS)
    publish(one, MINISTRY, hand(one, ISSUER, HEIR))
    for data, newest in ((hand(one, ISSUER, HEIR), ISSUER), (handed(one[COURTS], ISSUER, one[HEIR], iat=AT - DAY), COURTS)):
        found = publish(one, COURTS, data).federation(MINISTRY).successor(ISSUER, AT)
        assert found is not None
        assert found.issuer == newest


def test_a_key_that_not_every_superior_of_the_successor_knows() -> None:
    one = realm()
    one.members["impostor"] = Member(HEIR, superiors=(COURTS,))
    data = hand(one, ISSUER, HEIR)
    assert fault(publish(one, MINISTRY, data).federation(MINISTRY)).where == "/acceptance/jwk"


def test_a_body_that_nobody_speaks_of_takes_over_nothing() -> None:
    one = realm()
    stranger = Member(THIRD)
    data = handed(one[ISSUER], ISSUER, stranger)
    assert fault(publish(one, MINISTRY, data).federation(MINISTRY), ISSUER, THIRD).where == "/acceptance/jwk"


def test_two_statements_of_one_succession() -> None:
    one = realm()
    publish(one, MINISTRY, hand(one, ISSUER, HEIR), hand(one, ISSUER, HEIR, may_cancel=True))
    gathered = one.gathered(MINISTRY)
    assert isinstance(gathered.faults[MINISTRY], Malformed)


def test_what_cannot_be_read_hands_over_nothing() -> None:
    one = realm()
    federation = publish(one, MINISTRY, b"{}", hand(one, ISSUER, HEIR)).federation(MINISTRY)
    assert federation.successor(ISSUER, AT) is not None


def test_an_older_statement_brought_back() -> None:
    """In a newer snapshot as in an older one (S17)."""
    one = realm()
    old, new = hand(one, ISSUER, HEIR, may_cancel=True), hand(one, ISSUER, HEIR, iat=AT - DAY)
    first = publish(one, MINISTRY, new).gathered(MINISTRY)
    seen = {each.name: each.snapshot.seen for each in first.words}
    again = publish(one, MINISTRY, old).gathered(MINISTRY, held=first.words, seen=seen)
    assert "older" in again.faults[MINISTRY].detail
    assert Federation((one.pin(MINISTRY),), again.words).successor(ISSUER, AT) == Federation((one.pin(MINISTRY),), first.words).successor(
        ISSUER, AT
    )
    one[MINISTRY].seq -= 2
    assert isinstance(one.gathered(MINISTRY, held=first.words, seen=seen).faults[MINISTRY], BundleRolledBack)


def test_a_superior_takes_it_back() -> None:
    """Its newest word decides."""
    one = realm()
    first = publish(one, MINISTRY, hand(one, ISSUER, HEIR)).gathered(MINISTRY)
    again = publish(one, MINISTRY).gathered(MINISTRY, held=first.words)
    assert not again.faults
    assert Federation((one.pin(MINISTRY),), again.words).successor(ISSUER, AT) is None


# --- lines ---------------------------------------------------------------------------------------------------------------------------------


def row(count: int, **said: object) -> Realm:
    """The Public Guardian, and ``count`` bodies that took over one after the other."""
    names = [ISSUER, *(f"https://heir-{index}.example" for index in range(count))]
    one = realm(*names[1:])
    return publish(one, MINISTRY, *(hand(one, first, second, **said) for first, second in pairwise(names)))


def test_the_longest_line() -> None:
    federation = row(MAX_LINE, purposes_carried=["council-tax"]).federation(MINISTRY)
    line = federation.successors.line(ISSUER, AT)
    assert [len(line), line[-1].successor] == [MAX_LINE, f"https://heir-{MAX_LINE - 1}.example"]
    way = federation.successors.check_use(line[-1].successor, ISSUER, "council-tax", AT)
    assert way == tuple(reversed(line))


def test_a_chain_of_nine() -> None:
    federation = row(MAX_LINE + 1, purposes_carried=["council-tax"]).federation(MINISTRY)
    with pytest.raises(Untrusted, match="more than 8"):
        federation.successors.line(ISSUER, AT)
    with pytest.raises(PurposeNotCarried):
        federation.successors.check_use(f"https://heir-{MAX_LINE}.example", ISSUER, "council-tax", AT)


def test_a_loop() -> None:
    one = realm(THIRD)
    carried: dict[str, Any] = {"purposes_carried": ["council-tax"]}
    publish(one, MINISTRY, *(hand(one, *pair, **carried) for pair in ((ISSUER, HEIR), (HEIR, THIRD), (THIRD, ISSUER))))
    successors = one.federation(MINISTRY).successors
    with pytest.raises(Untrusted, match="circle"):
        successors.line(ISSUER, AT)
    assert successors.check_use(HEIR, ISSUER, "council-tax", AT)
    with pytest.raises(PurposeNotCarried):
        successors.check_use(HEIR, "https://nobody.example", "council-tax", AT)


def test_a_purpose_that_was_left_behind_on_the_way() -> None:
    one = realm(THIRD)
    publish(
        one,
        MINISTRY,
        hand(one, ISSUER, HEIR, purposes_carried=["council-tax", "parking"]),
        hand(one, HEIR, THIRD, purposes_carried=["parking"]),
    )
    successors = one.federation(MINISTRY).successors
    assert successors.check_use(HEIR, ISSUER, "council-tax", AT)
    assert successors.check_use(THIRD, ISSUER, "parking", AT)
    for entity, outgoing, use in ((THIRD, ISSUER, "council-tax"), (ISSUER, HEIR, "parking"), (MINISTRY, ISSUER, "parking")):
        with pytest.raises(PurposeNotCarried):
            successors.check_use(entity, outgoing, use, AT)


def test_a_department_moves() -> None:
    """Documents of one type go to one body, all else to another; where two claim the same, nobody has it."""
    one = realm(THIRD)
    publish(one, MINISTRY, hand(one, ISSUER, HEIR, vcts=[VCT]), hand(one, ISSUER, THIRD))
    federation = one.federation(MINISTRY)
    named = [federation.successor(ISSUER, AT, vct=vct) for vct in (VCT, "urn:other", None)]
    assert [each.successor if each else None for each in named] == [HEIR, THIRD, THIRD]
    publish(one, MINISTRY, hand(one, ISSUER, HEIR, vcts=[VCT]), hand(one, ISSUER, THIRD, vcts=[VCT]))
    federation = one.federation(MINISTRY)
    assert federation.successor(ISSUER, AT, vct=VCT) is None
    assert not federation.successors.is_over(ISSUER, AT)


# --- the body is gone ----------------------------------------------------------------------------------------------------------------------


def test_what_an_outgoing_body_said_of_itself_may_run_out() -> None:
    """Nobody is left to say it anew; what its superior says of it goes on, and ends as ever."""
    one = realm()
    one[ISSUER].claims = {"exp": AT - 60, "iat": AT - 2 * DAY}
    one[MINISTRY].about[ISSUER] = critical(entitlements=[says(VCT)]) | {"exp": AT + 3 * DAY}
    one.again(MINISTRY)
    with pytest.raises(VcError) as refused:
        one.federation(MINISTRY).chain(ISSUER, AT)
    assert refused.value.code == "expired"
    federation = publish(one, MINISTRY, hand(one, ISSUER, HEIR)).federation(MINISTRY)
    assert federation.chain(ISSUER, AT).exp == AT + DAY  # of the anchor's own configuration
    publish(one, MINISTRY, hand(one, ISSUER, HEIR, **{"from": AT + 1}))
    federation = one.federation(MINISTRY)
    with pytest.raises(VcError) as refused:
        federation.chain(ISSUER, AT)
    assert refused.value.code == "expired"
    assert federation.chain(ISSUER, AT + 1).subject == ISSUER


def test_names_in_both_languages() -> None:
    one = realm()
    own = {"federation_entity": {"organization_name": "Greater Anytown", "organization_name#cy": "Anytown Fwyaf"}}
    one.members[HEIR] = Member(HEIR, superiors=(MINISTRY,), metadata=own)
    federation = one.federation(MINISTRY)
    named = {entity: federation.name(entity) for entity in (HEIR, MINISTRY, ISSUER, "https://nobody.example")}
    assert (named[HEIR].en, named[HEIR].cy) == ("Greater Anytown", "Anytown Fwyaf")
    assert named[MINISTRY].cy == f"The body at {MINISTRY}"
    assert named[ISSUER].cy == f"The body at {ISSUER}"
    assert named["https://nobody.example"].en == "https://nobody.example"


def test_all_that_a_body_came_to_keep() -> None:
    """Of its own predecessors and of theirs; in a circle each once, and nobody from itself."""
    one = realm(THIRD)
    first, second = hand(one, ISSUER, HEIR), hand(one, HEIR, THIRD)
    successors = publish(one, MINISTRY, first, second).federation(MINISTRY).successors
    assert [(each.outgoing, each.successor) for each in successors.inherited(THIRD, AT)] == [(HEIR, THIRD), (ISSUER, HEIR)]
    assert [each.outgoing for each in successors.inherited(HEIR, AT)] == [ISSUER]
    assert successors.inherited(ISSUER, AT) == ()
    assert successors.inherited(THIRD, AT - 2 * DAY) == ()
    circle = publish(one, MINISTRY, first, second, hand(one, THIRD, ISSUER)).federation(MINISTRY).successors
    assert {each.outgoing for each in circle.inherited(THIRD, AT)} == {ISSUER, HEIR}
