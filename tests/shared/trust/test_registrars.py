"""Registrars in a federation: whom they may register, and by whose word it ends (security rules S14-S17, domain sheet C23)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.airplane import COUNCIL_TAX, Counter
from support.federation import MINISTRY, critical
from support.federations import Member, Realm
from support.registrars import OTHER, REGISTRAR, certify, enter, registrars
from support.signing import AT, Signer
from support.trial_verify import DAY, Authority
from support.world import BANK, COUNCIL, Party, World

from shared.errors import BadSignature, CertificateRevoked, Expired, Malformed, NotEntitled, NotYetValid, Untrusted, VcError, WrongTyp
from shared.keys import Role
from shared.trust.anchors import TrustAnchors
from shared.trust.artefact import RP_CERTIFICATE, SNAPSHOT, TRUST_MARK, Artefact
from shared.trust.federation import Federation
from shared.trust.policy import Policy
from shared.trust.registrars import Registered, RegistrarKey, registered
from shared.trust.relying_party import Register, RpCertificate, check_country, parse_rp_certificate
from shared.trust.snapshot import KeyHistory, KeyState, parse_snapshot
from shared.trust.superiors import unpack


class Town:
    """A council registered by the first of two registrars."""

    def __init__(self) -> None:
        self.world, self.realm = World(), registrars()
        self.counter = Counter(self.world, self.world.council)

    def enter(self, by: str = REGISTRAR, **changes: Any) -> bytes:
        data = certify(self.realm, self.counter, by, **changes)
        enter(self.realm, self.counter.party, data, by, at=AT - 30)
        return data

    def policy(self, **how: Any) -> Policy:
        return self.realm.policy(MINISTRY, **how)

    def found(self, own: Register | None = None, *, at: int = AT) -> dict[str, Registered]:
        return registered(self.policy(), own or Register(), at=at)


@pytest.fixture
def town() -> Town:
    made = Town()
    made.enter()
    return made


def test_whom_a_registrar_registers(town: Town) -> None:
    (one,) = town.found().values()
    assert (one.certificate.entity, one.certificate.country, one.certificate.uses) == (COUNCIL, "GB", (COUNCIL_TAX,))
    assert (one.by.entity, one.by.countries, one.by.name) == (REGISTRAR, ("GB",), f"The body at {REGISTRAR}")
    assert one.by.until <= AT + 7 * DAY
    assert parse_rp_certificate(one.data) == one.certificate


def test_several_registrars_stand_side_by_side(town: Town) -> None:
    bank = Counter(town.world, town.world.bank)
    enter(town.realm, bank.party, certify(town.realm, bank, OTHER, country="IE"), OTHER, at=AT - 20)
    assert {name: each.by.entity for name, each in town.found().items()} == {COUNCIL: REGISTRAR, BANK: OTHER}
    town.realm[OTHER].more += (replace(town.realm[OTHER].more[0], data=b"nothing"),)
    town.realm.again(OTHER, at=AT - 10)
    assert town.found().keys() == {COUNCIL, BANK}, "what cannot be read takes nothing from others"


@pytest.mark.parametrize("newer", [REGISTRAR, OTHER])
def test_of_two_registrations_the_newest_counts(newer: str, town: Town) -> None:
    town.realm[MINISTRY].about[OTHER] = town.realm[MINISTRY].about[REGISTRAR]
    for by in (REGISTRAR, OTHER):
        town.enter(by, at=AT - (60 if by == newer else 120))
    assert town.found()[COUNCIL].by.entity == newer


def test_of_two_certificates_by_one_registrar_the_newest_counts(town: Town) -> None:
    older = Artefact(media_type=RP_CERTIFICATE, data=certify(town.realm, town.counter, at=AT - 7_200))
    for order in (1, -1):
        member = town.realm[REGISTRAR]
        member.more = (town.realm[REGISTRAR].more[0], older)[::order]
        town.realm.again(REGISTRAR)
        assert town.found()[COUNCIL].certificate.issued_at > AT - 7_200
        member.more = member.more[::order][:1]


def another_key(town: Town) -> Counter:
    """Somebody with a key of his own, in the council's name."""
    return Counter(town.world, Party(town.world.clock, by=Authority.new(COUNCIL, role=Role.RELYING_PARTY)))


@pytest.mark.parametrize("later", [False, True])
def test_registrars_that_know_different_keys_register_nobody(later: bool, town: Town) -> None:
    """A registrar of another country takes nobody's name, whenever it comes; what it says takes nothing from others."""
    bank = Counter(town.world, town.world.bank)
    enter(town.realm, bank.party, certify(town.realm, bank), at=AT - 100)
    town.enter(REGISTRAR, at=AT - 90)
    thief = another_key(town)
    enter(town.realm, thief.party, certify(town.realm, thief, OTHER, country="IE", at=AT - (60 if later else 120)), OTHER, at=AT - 50)
    assert COUNCIL not in town.found()
    town.realm[OTHER].more = ()
    town.realm.again(OTHER, at=AT - 10)
    assert town.found()[COUNCIL].by.entity == REGISTRAR


def test_a_key_that_one_registrar_reports_counts_with_none(town: Town) -> None:
    town.realm[MINISTRY].about[OTHER] = town.realm[MINISTRY].about[REGISTRAR]
    for by in (REGISTRAR, OTHER):
        town.enter(by, at=AT - 60)
    assert COUNCIL in town.found()
    member = town.realm[OTHER]
    member.others = tuple(replace(each, state=KeyState.COMPROMISED, until=AT - 30) for each in member.others)
    town.realm.again(OTHER, at=AT - 20)
    assert COUNCIL not in town.found()


@pytest.mark.parametrize("known", [False, True])
def test_what_a_registrar_reports_does_not_speak_against_superiors(known: bool, town: Town) -> None:
    """A registrar gone wrong lists a key that it never registered, as whosever it likes."""
    town.enter(REGISTRAR, at=AT - 60)
    if known:
        keys = {Role.RELYING_PARTY: town.world.council.by.signer}
        town.realm.members[COUNCIL] = Member(COUNCIL, superiors=(MINISTRY,), keys=keys)
        town.realm.again(MINISTRY, at=AT - 50)
    key = KeyHistory.of(town.world.council.by.signer.public, role=Role.WALLET_PROVIDER, entity=OTHER, since=AT - DAY)
    asks = KeyHistory.of(Signer.new().public, role=Role.RELYING_PARTY, entity=OTHER, since=AT - DAY)
    town.realm[OTHER].others = (replace(key, state=KeyState.COMPROMISED, until=AT - 30), asks)
    town.realm[OTHER].more = (Artefact(media_type=TRUST_MARK, data=b"x"),)
    town.realm.again(OTHER, at=AT - 20)
    assert (COUNCIL in town.found()) is known


@pytest.mark.parametrize("about", [{}, critical(may_register=["IE"]), critical(accredits_registrars=["GB"])])
def test_self_declared_registrar_registers_nobody(about: dict[str, Any], town: Town) -> None:
    """S14: silence, another country, or the right to make others registrars is no right to register."""
    town.realm[MINISTRY].about[REGISTRAR] = about
    town.realm.again(MINISTRY, at=AT - 20)
    assert town.found() == {}


def test_an_anchor_registers_nobody_by_its_own_word(town: Town) -> None:
    town.enter(MINISTRY, anchor=MINISTRY)
    assert town.found()[COUNCIL].by.entity == REGISTRAR


def test_a_registrar_two_levels_down_needs_the_leave_of_all_above(town: Town) -> None:
    lower = Member("https://lower.example", superiors=(OTHER,))
    town.realm.members[lower.entity] = lower
    town.realm[OTHER].about[lower.entity] = critical(may_register=["IE"])
    data = certify(town.realm, town.counter, lower.entity, country="IE")
    enter(town.realm, town.world.council, data, lower.entity, at=AT - 25)
    town.realm.again(OTHER, at=AT - 25)
    assert town.found()[COUNCIL].by.entity == REGISTRAR
    town.realm[MINISTRY].about[OTHER] = critical(may_register=["IE"], accredits_registrars=["IE"], exp=AT + DAY)
    town.realm[MINISTRY].about[OTHER]["crit"] = ["may_register", "accredits_registrars"]
    town.realm[MINISTRY].about[REGISTRAR] = {}
    town.realm.again(MINISTRY, at=AT - 20)
    assert town.found()[COUNCIL].by.entity == lower.entity


@pytest.mark.parametrize(
    "changes",
    [
        {"country": None},
        {"country": "IE"},
        {"anchor": "Somebody"},
        {"at": AT - 31 * DAY - 1},
        {"at": AT + 61},
        {"anchor_public": Signer.new().public},
        {"public": Signer.new().public},
        {"by_registrar": False},
    ],
)
def test_certificates_that_count_for_nothing(changes: dict[str, Any]) -> None:
    """No country or another, another signer's name or key, over or not begun, a key of the organisation that nobody knows."""
    town = Town()
    town.enter(**changes)
    assert town.found() == {}


def test_what_a_registrar_may_not_sign_is_told(town: Town) -> None:
    def check(**changes: Any) -> None:
        by.check(parse_rp_certificate(certify(town.realm, town.counter, **changes)), at=AT)

    by = town.found()[COUNCIL].by
    check()
    refused: list[tuple[type[VcError], dict[str, Any]]] = [
        (WrongTyp, {"by_registrar": False}),
        (Untrusted, {"anchor": "Somebody"}),
        (Untrusted, {"anchor_public": Signer.new().public}),
        (NotEntitled, {"country": "IE"}),
        (Expired, {"at": AT - 31 * DAY}),
        (NotYetValid, {"at": AT + 61}),
    ]
    for error, changes in refused:
        with pytest.raises(error):
            check(**changes)
    forged = parse_rp_certificate(Signer.new().finish(_unsigned(town)))
    with pytest.raises(BadSignature):
        by.check(forged, at=AT)


def _unsigned(town: Town) -> Any:
    from support.airplane import unsigned_registration

    from shared.keys import KeyId

    public = town.realm[REGISTRAR].signer.public
    return unsigned_registration(
        town.counter, anchor=REGISTRAR, anchor_public=public, key=KeyId("federation"), country="GB", by_registrar=True
    )


def _no_history(town: Town) -> None:
    town.realm[REGISTRAR].others = ()


def _another_entity(town: Town) -> None:
    town.realm[REGISTRAR].others = tuple(replace(each, entity=BANK) for each in town.realm[REGISTRAR].others)


def _another_role(town: Town) -> None:
    town.realm[REGISTRAR].others = tuple(replace(each, role=Role.CREDENTIAL_ISSUER) for each in town.realm[REGISTRAR].others)


def _compromised(town: Town) -> None:
    over: dict[str, Any] = {"state": KeyState.COMPROMISED, "until": AT - 40, "reason": "test"}
    town.realm[REGISTRAR].others = tuple(replace(each, **over) for each in town.realm[REGISTRAR].others)


def _registrars_key_is_over(town: Town) -> None:
    town.realm[MINISTRY].end(town.realm[REGISTRAR].signer, state=KeyState.COMPROMISED, until=AT - 40)


def _registrars_key_is_unknown(town: Town) -> None:
    town.realm[REGISTRAR].histories = list  # type: ignore[method-assign] # its superior lists no key of it


def _withdrawn(town: Town) -> None:
    town.realm[REGISTRAR].more = ()
    town.realm.members["https://lower.example"] = Member("https://lower.example", superiors=(REGISTRAR,))


@pytest.mark.parametrize(
    "bend",
    [
        _no_history,
        _another_entity,
        _another_role,
        _compromised,
        _registrars_key_is_over,
        _registrars_key_is_unknown,
        _withdrawn,
    ],
)
def test_by_whose_word_a_registration_ends(bend: Callable[[Town], None], town: Town) -> None:
    bend(town)
    town.realm.again(MINISTRY, at=AT - 20)
    town.realm.again(REGISTRAR, at=AT - 20)
    assert town.found() == {}


def test_ended_in_one_path_ended_in_both_for_a_registrar(town: Town) -> None:
    """S16: the registrar's own word ends its key, whatever its superior still says."""
    town.realm[REGISTRAR].end(town.realm[REGISTRAR].signer, state=KeyState.COMPROMISED, until=AT - 40)
    town.realm.again(REGISTRAR, at=AT - 20)
    assert town.found() == {}


def test_a_word_that_has_run_out_registers_nobody(town: Town) -> None:
    town.realm[REGISTRAR].life = 3_600
    town.realm.again(REGISTRAR, at=AT - 20)
    policy = town.policy()
    assert registered(policy, Register(), at=AT + 3_500)
    assert registered(policy, Register(), at=AT + 3_600) == {}


def test_a_chain_that_has_ended_registers_nobody(town: Town) -> None:
    policy = town.policy()
    assert registered(policy, Register(), at=AT + 6 * DAY)
    assert registered(policy, Register(), at=AT + 7 * DAY) == {}


def test_a_registrar_in_two_places_counts_by_the_way_on_which_it_was_reached(town: Town) -> None:
    """Reached over a body that lets it register nothing, it registers nobody, though another lets it."""
    town.realm[REGISTRAR].superiors = (MINISTRY, OTHER)
    town.realm[OTHER].more, town.realm[OTHER].others = (), ()
    for each in (MINISTRY, OTHER, REGISTRAR):
        town.realm.again(each, at=AT - 20)
    words = town.policy().federation.words
    assert (MINISTRY, OTHER, REGISTRAR) in [each.path for each in words]
    assert town.found()[COUNCIL].by.entity == REGISTRAR


def test_a_pack_brings_the_same_registrations(town: Town) -> None:
    """S17: unpacked by the same walk, and without the registrar's word there are none."""
    anchor = town.realm.pin(MINISTRY)
    for superiors, found in (((MINISTRY, REGISTRAR), {COUNCIL}), ((MINISTRY,), set())):
        artefacts = {each.sha256: each for each in town.realm.artefacts(*superiors)}
        snapshots = [parse_snapshot(each.data.decode()) for each in artefacts.values() if each.media_type == SNAPSHOT]
        federation = Federation((anchor,), unpack(anchor, snapshots, artefacts, {}, at=AT))
        policy = Policy.sealed(TrustAnchors(federation=(anchor,)), {}, federation=federation)
        assert registered(policy, Register(), at=AT).keys() == found


# --- the organisation's own key ----------------------------------------------------------------------------------------------------------


def own(town: Town, signer: Signer) -> Register:
    from support.airplane import registration

    one: RpCertificate = parse_rp_certificate(registration(town.counter, public=signer.public))
    return Register({one.entity: one})


def test_a_registrar_does_not_speak_against_a_pinned_anchor(town: Town) -> None:
    assert town.found(own(town, town.world.council.by.signer)).keys() == {COUNCIL}
    assert town.found(own(town, Signer.new())) == {}


def as_body(town: Town, signer: Signer, *superiors: str) -> Realm:
    """The council is in the federation itself."""
    town.realm.members[COUNCIL] = Member(COUNCIL, superiors=superiors, keys={Role.RELYING_PARTY: signer})
    for each in superiors:
        town.realm.again(each, at=AT - 20)
    return town.realm


def test_a_registrar_does_not_speak_against_superiors(town: Town) -> None:
    as_body(town, town.world.council.by.signer, MINISTRY)
    assert town.found().keys() == {COUNCIL}
    as_body(town, Signer.new(), MINISTRY)
    town.realm.again(MINISTRY, at=AT - 10)
    assert town.found() == {}


def test_a_body_that_is_known_as_no_asker_or_ended_leaves_the_registrar_alone(town: Town) -> None:
    as_body(town, Signer.new(), MINISTRY).members[COUNCIL].keys = {Role.CREDENTIAL_ISSUER: Signer.new()}
    assert town.found().keys() == {COUNCIL}
    town.realm.members[COUNCIL].claims = {"exp": AT - 30}
    town.realm.again(MINISTRY, at=AT - 10)
    assert town.found().keys() == {COUNCIL}


def test_a_key_of_the_organisation_that_superiors_ended(town: Town) -> None:
    as_body(town, town.world.council.by.signer, MINISTRY)
    town.realm[MINISTRY].end(town.world.council.by.signer, state=KeyState.COMPROMISED, until=AT - 40)
    assert town.found() == {}


# --- who asks online ---------------------------------------------------------------------------------------------------------------------


def knowing(town: Town, **how: Any) -> Policy:
    """As of a wallet that pinned the ministry alone, and has listened."""
    return replace(town.policy(), registered=town.found(), **how)


def test_whom_a_registrar_registered_is_known_by_that_key_and_those_names(town: Town) -> None:
    x5c = town.world.council.by.x5c
    for entity in (None, COUNCIL):
        leaf = knowing(town).check_relying_party(x5c, AT, entity=entity)
        assert (leaf.subject, leaf.uris, leaf.public) == (town.world.council.name, (COUNCIL,), town.world.council.by.signer.public)
    with pytest.raises(Untrusted):
        knowing(town).check_relying_party(x5c, AT, entity=BANK)
    with pytest.raises(Untrusted):
        knowing(town).check_relying_party(town.world.bank.by.x5c, AT)
    with pytest.raises(Untrusted):
        knowing(town).check_relying_party((), AT)
    with pytest.raises(Untrusted):
        town.policy().check_relying_party(x5c, AT)


def test_another_key_in_the_name_of_whoever_is_registered_is_not_known(town: Town) -> None:
    other = Authority.new(COUNCIL, role=Role.RELYING_PARTY)
    with pytest.raises(Untrusted):
        knowing(town).check_relying_party(other.x5c, AT)


def test_a_registration_counts_online_until_it_ends(town: Town) -> None:
    policy, x5c = knowing(town), town.world.council.by.x5c
    policy.check_relying_party(x5c, AT + 6 * DAY)
    with pytest.raises(Expired):
        policy.check_relying_party(x5c, AT + 7 * DAY)


def test_ended_in_one_path_ended_in_both_for_who_asks(town: Town) -> None:
    """S16: what superiors or anchors say of the end of its key holds, whatever a registrar says."""
    found, by = town.found(), town.world.council.by
    as_body(town, by.signer, MINISTRY)
    town.realm[MINISTRY].end(by.signer, state=KeyState.COMPROMISED, until=AT - 40)
    with pytest.raises(CertificateRevoked):
        replace(town.policy(), registered=found).check_relying_party(by.x5c, AT)
    town.realm[MINISTRY].end(by.signer, state=KeyState.ENDED, until=AT - 40)
    town.realm.again(MINISTRY, at=AT - 10)
    with pytest.raises(Untrusted):
        replace(town.policy(), registered=found).check_relying_party(by.x5c, AT)


@pytest.mark.parametrize("code", ["", "gb", "GBR", "G1", "ÄÖ", "G"])
def test_a_country_is_two_capital_letters(code: str) -> None:
    with pytest.raises(Malformed):
        check_country(code)
    assert check_country("GB") == "GB"


def test_a_key_of_a_registrar_is_told_apart() -> None:
    town = Town()
    town.enter()
    by: RegistrarKey = town.found()[COUNCIL].by
    assert by.since < by.until
