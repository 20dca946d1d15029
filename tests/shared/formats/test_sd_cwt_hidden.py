"""What may be hidden in a ``dc+sd-cwt``, what may not, and what a copy must not tell (S3, S22)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import cbor2
import pytest
from support.cwt_forge import (
    FORM,
    SIMPLE_59,
    changed,
    digest,
    disclosure,
    document,
    payload_of,
    receive,
    shown,
    taken_apart,
    token,
    verify,
    wire,
)
from support.forge import (
    ENDS,
    LPA_1,
    MADE,
    STATUS,
    issue,
    lpa,
    show,
    unb64,
)
from support.signing import Signer

from shared.codec import cbor
from shared.errors import (
    BadDisclosure,
    Malformed,
    UnknownCredentialType,
    VcError,
)
from shared.formats import StatusReference

# --- S3 --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leave_digest", [True, False])
@pytest.mark.parametrize("key", [1, 5, 8, 9, 12])
def test_limits_always_disclosed_in_numbers_too(key: int, *, leave_digest: bool) -> None:
    """A limit behind a digest, shown or not, is no limit."""
    claims = payload_of(issue(FORM))[-70_000]
    raw = disclosure(claims[key], key)
    digests = sorted([digest(raw), *claims[SIMPLE_59]]) if leave_digest else claims[SIMPLE_59]
    for listed in ([raw], []):
        item = document(claims={key: ..., SIMPLE_59: digests}, disclosures=listed)
        with pytest.raises((Malformed, BadDisclosure)):
            verify(wire(token(item)))


def test_redacted_status_or_vct_refused_in_numbers_too() -> None:
    """At the top, one and two levels down; shown or not."""
    payload = payload_of(issue(FORM))
    raw: dict[Any, bytes] = {key: disclosure(payload[key], key) for key in (1, 2, 4, 6, 8, 11, 65_535, -70_000)}
    hidden: list[dict[Any, Any]] = [{key: ..., SIMPLE_59: [digest(each)]} for key, each in raw.items()]
    for name in ("idx", "uri"):
        raw[name] = disclosure(payload[65_535]["status_list"][name], name)
        listed = changed(payload[65_535]["status_list"], {name: ..., SIMPLE_59: [digest(raw[name])]})
        hidden.append({65_535: {"status_list": listed}})
    raw["list"] = disclosure(payload[65_535]["status_list"], "status_list")
    hidden += [
        {65_535: {SIMPLE_59: [digest(raw["list"])]}},
        {65_535: {**payload[65_535], SIMPLE_59: [bytes(32)]}},
        {65_535: {"status_list": {**payload[65_535]["status_list"], SIMPLE_59: [bytes(32)]}}},
        {8: {1: {**payload[8][1], SIMPLE_59: [bytes(32)]}}},
        {8: {**payload[8], SIMPLE_59: [bytes(32)]}},
        {SIMPLE_59: [bytes(32)]},
        {65_535: ...},  # gone for good
    ]
    for changes in hidden:
        for shown_too in ([], list(raw.values())[:1], list(raw.values())):
            with pytest.raises(VcError):
                verify(wire(token(document(changes, disclosures=shown_too))))


def test_unexplained_digest_refused_by_wallet_in_numbers_too() -> None:
    text = issue(FORM)
    receive(cbor2.loads(unb64(text)))
    listed = taken_apart(text)[1][17]
    for missing in range(len(listed)):
        with pytest.raises(BadDisclosure):
            receive(document(disclosures=[*listed[:missing], *listed[missing + 1 :]]))
    with pytest.raises(BadDisclosure):
        receive(document(disclosures=[]))
    claims = payload_of(text)[-70_000]
    with pytest.raises(BadDisclosure):
        receive(document(claims={SIMPLE_59: sorted([*claims[SIMPLE_59], bytes(32)])}))


def test_a_wallet_refuses_a_copy_that_tells_it_from_others() -> None:
    """S22: days, the number of digests and their order are the same for everybody."""
    claims = payload_of(issue(FORM))[-70_000]
    spare = disclosure()
    listed = taken_apart(issue(FORM))[1][17]
    for changes, inside, more in (
        ({6: MADE + 1}, {}, []),
        ({4: ENDS - 1}, {}, []),
        ({}, {SIMPLE_59: claims[SIMPLE_59][::-1]}, []),
        ({}, {SIMPLE_59: sorted([*claims[SIMPLE_59], digest(spare)])}, [spare]),
        ({}, {SIMPLE_59: claims[SIMPLE_59][1:]}, ...),
    ):
        shorter = [raw for raw in listed if digest(raw) != claims[SIMPLE_59][0]]
        with pytest.raises(VcError):
            receive(document(changes, claims=inside, disclosures=shorter if more is ... else [*listed, *more]))
    for subject in ("abc", "abcdefg", "Peter!", 7, b"abcdef", None):
        with pytest.raises(Malformed):
            receive(document({2: subject}))


def leaves(value: Any) -> set[Any]:
    """Every leaf of any length, byte strings opened where they hold CBOR."""
    if isinstance(value, cbor2.CBORTag):
        return leaves(value.value)
    if isinstance(value, Mapping):
        return set().union(*(leaves(each) for pair in value.items() for each in pair), set())
    if isinstance(value, list | tuple):
        return set().union(*(leaves(each) for each in value), set())
    if isinstance(value, bytes) and len(value) > 20:
        with suppress(VcError):
            return {value} | leaves(cbor.loads(value, redacted=True))
    return {value}


def test_no_short_stable_value_in_two_copies() -> None:
    """S22, leaf by leaf: copies of one document share what all documents of their issuer share, and nothing else."""

    def copy(seed: str, idx: int, claims: Mapping[str, Any]) -> set[Any]:
        holder = Signer.new()
        status = StatusReference(uri=STATUS.uri, idx=idx)
        text = issue(FORM, seed=seed, holder=holder, status=status, claims=claims)
        return leaves(cbor2.loads(unb64(show(FORM, FORM.disclose(FORM.parse(text), []), holder=holder))))

    other = lpa(represented={"given_name": "Edith", "family_name": "Rees", "birthdate": "1931-04-01"}, register_entry="another")
    one, two, somebody = copy("a", 70_001, LPA_1), copy("b", 80_002, LPA_1), copy("c", 90_003, other)
    assert one & two == one & somebody == two & somebody


# --- disclosures -----------------------------------------------------------------------------------------------------------------------


def test_disclosures_that_do_not_fit() -> None:
    text = issue(FORM)
    (donor,), (further,), (powers,) = shown(1), shown(7), shown(5)
    entry = shown(12)[0]
    claims = payload_of(text)[-70_000]
    digests = claims[SIMPLE_59]
    strange = {
        name: disclosure(*parts) for name, parts in {"group": ({15: "M"}, -13), "text": ({15: "M"}, "donor"), "element": ("M",)}.items()
    }
    twice = disclosure({15: "Peter", 16: "Pan"}, -1)
    wrong: list[list[Any]] = [
        [donor, donor],
        [entry],
        [disclosure({15: "M", 16: "A"}, -1)],
        [*strange.values()],
        *[[each] for each in strange.values()],
    ]
    wrong += [
        [b""],
        ["text"],
        [b"\x80"],
        [b"\x84" + donor[1:] + b"\x00"],
        [cbor2.dumps(["salt", 1, -1])],
        [cbor2.dumps([b"short", {}, -1])],
    ]
    wrong += [[donor + b"\0"], [b"\x9f" + donor[1:] + b"\xff"], [cbor2.dumps([bytes(16), {}, -1.0])], [disclosure(1, True)], [donor] * 501]
    for listed in wrong:
        with pytest.raises((BadDisclosure, Malformed)):
            verify(wire(token(document(disclosures=listed))))
    for key, raw in {**strange, "group twice": twice}.items():
        item = document(claims={SIMPLE_59: sorted([*digests, digest(raw)])}, disclosures=[donor, raw])
        with pytest.raises((BadDisclosure, Malformed)):
            pytest.fail(f"{key}: {verify(wire(token(item)))}")
    assert verify(wire(token(document(disclosures=[donor, powers, further, entry])))).claims["powers"] == LPA_1["powers"]
    assert verify(wire(token(document(disclosures=[entry, further])))).claims["register_entry"] == LPA_1["register_entry"]
    with pytest.raises(Malformed):
        FORM.parse(wire(token(document(unprotected={17: []}))))


def test_digests_that_are_none() -> None:
    digests = payload_of(issue(FORM))[-70_000][SIMPLE_59]
    for spoilt in ([*digests, digests[0]], [*digests, b"short"], [*digests, "text"], [*digests, 5], {1: 2}, b"", 5, None):
        with pytest.raises((Malformed, BadDisclosure)):
            verify(wire(token(document(claims={SIMPLE_59: spoilt}, disclosures=shown(1)))))


def test_a_decoy_is_for_the_holders_eyes() -> None:
    decoys = [raw for raw in taken_apart(issue(FORM))[1][17] if len(cbor2.loads(raw)) == 1]
    assert len(decoys) == 4  # no restrictions, no picture, nobody acts together, and no donor is told
    with pytest.raises(BadDisclosure):
        verify(wire(token(document(disclosures=decoys[:1]))))


@pytest.mark.parametrize(
    "claims",
    [
        {-5: {21: [1]}},  # a group in clear
        {21: [1]},  # a detail of a group in clear
        {40: 1}, {0: 1}, {"x": 1}, {b"x": 1}, {-15: {}},
        {1: 3}, {1: -1}, {1: True}, {1: "power_of_attorney"}, {5: [1]}, {9: 0}, {6: "2"}, {12: 5}, {12: b"x"}, {1: {}},
        {11: 20_000}, {11: cbor2.CBORTag(100, 2**40)}, {11: cbor2.CBORTag(1004, "2020-01-01")}, {11: cbor2.CBORTag(100, "2020-01-01")},
        {12: cbor2.CBORTag(60, bytes(32))}, {12: [cbor2.CBORTag(60, bytes(32))]}, {12: cbor2.CBORTag(24, cbor2.CBORTag(60, bytes(32)))},
        {12: {SIMPLE_59: [bytes(32)]}},
    ],
)  # fmt: skip
def test_claims_that_the_type_lacks(claims: dict[Any, Any]) -> None:
    for listed in ([], shown(1)):
        with pytest.raises((Malformed, BadDisclosure)):
            verify(wire(token(document(claims=claims, disclosures=listed))))
    with pytest.raises((Malformed, BadDisclosure)):
        receive(document(claims=claims))


def test_what_was_refused_once_is_refused_again() -> None:
    """A document without its status, looked at before it is checked."""
    parsed = FORM.parse(wire(document({65_535: ...})))
    for _ in range(2):
        with pytest.raises(Malformed):
            FORM.peek(parsed)


@pytest.mark.parametrize(
    "changes",
    [
        {1: ""}, {1: 5}, {1: "x" * 2_049}, {4: "soon"}, {4: -1}, {4: 1.5}, {4: 2**60}, {6: None}, {11: "urn:x"}, {11: -1}, {11: True},
        {11: 2**53}, {-70_000: [1]}, {-70_000: 5}, {3: "aud"}, {5: 0}, {7: b"id"}, {39: b"n"}, {"x": 1}, {65_535: {}}, {65_535: 5},
        {65_535: {"status_list": {"idx": -1, "uri": "u"}}}, {65_535: {"status_list": {"idx": 1, "uri": ""}}},
        {65_535: {"status_list": {"idx": 1, "uri": "u"}, "other": {}}}, {2: ...}, {6: ...},
    ],
)  # fmt: skip
def test_payloads_that_are_not_of_the_profile(changes: dict[Any, Any]) -> None:
    with pytest.raises(Malformed):
        FORM.parse(wire(document(changes)))
    with pytest.raises(Malformed):
        FORM.parse(wire(token(document(changes, disclosures=[]))))


def test_a_type_that_nobody_here_knows() -> None:
    item = token(document({11: 65_000}, disclosures=[]))
    parsed = FORM.parse(wire(item))
    assert parsed.vct == "vct:65000"
    for use in (lambda: verify(wire(item)), lambda: FORM.peek(parsed), lambda: FORM.disclose(parsed, [])):
        with pytest.raises(UnknownCredentialType):
            use()
