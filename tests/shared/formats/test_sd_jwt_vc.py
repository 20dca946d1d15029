from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.forge import (
    BINDING,
    ENDS,
    HOLDER,
    ISSUER,
    LPA_1,
    MADE,
    REPRESENTATION,
    STRANGER,
    bound,
    credential,
    disclosure,
    entropy,
    envelope,
    hashed,
    issue,
    lpa,
    sd_jwt,
    show,
    unb64,
)
from support.signing import AT

from shared.credentials import Claim, Disclosure, Kind, Text
from shared.credentials._derive import integrity
from shared.errors import (
    BadDisclosure,
    Expired,
    Malformed,
    NotBound,
    NotYetValid,
    OtherPresentation,
    StaleBinding,
    VcError,
    WrongAudience,
    WrongNonce,
    WrongTyp,
)
from shared.formats import Claims, formats
from shared.formats._sd_jwt import Redaction
from shared.formats._type import redact
from shared.jose.jwk import render_jwk
from shared.keys import KeyId

FORM = formats()["dc+sd-jwt"]
NAME = ("represented", "given_name")
POSTCODE = ("represented", "address", "postal_code")
ALIAS = ("represented", "also_known_as", 1)


def verify(wire: str, **changes: Any) -> Claims:
    at = changes.pop("at", AT)
    return FORM.verify(FORM.parse(wire), ISSUER.public, binding=replace(BINDING, **changes), at=at)


def received(wire: str) -> Claims:
    return FORM.check_received(FORM.parse(wire), ISSUER.public, holder=HOLDER.public, at=AT)


# --- what is issued ------------------------------------------------------------------------------------------------------------------


def test_the_signed_part() -> None:
    parsed = FORM.parse(issue())
    assert dict(parsed.header) == {"alg": "ES256", "typ": "dc+sd-jwt"}
    payload = dict(parsed.payload)
    assert payload["vct#integrity"] == integrity(REPRESENTATION)
    assert payload["cnf"] == {"jwk": render_jwk(HOLDER.public)}
    assert payload["status"] == {"status_list": {"idx": 4711, "uri": "https://opg.example/status/1"}}
    assert (payload["iat"], payload["exp"], payload["_sd_alg"]) == (MADE, ENDS, "sha-256")
    assert payload["_sd"] == sorted(payload["_sd"])
    assert len(payload["_sd"]) == 3  # grant, registration, entry
    assert [list(element) for element in payload["powers"]] == [["..."], ["..."]]
    assert set(payload["represented"]) == {"_sd", "address"}
    assert len(payload["represented"]["_sd"]) == 4  # two names, birth date, all other names together
    assert set(payload["represented"]["address"]) == {"_sd"}


def test_limits_always_disclosed() -> None:
    payload = FORM.parse(issue()).payload
    for claim in REPRESENTATION.claims:
        if claim.disclosure is Disclosure.ALWAYS and claim.path[0] in LPA_1:
            assert payload[str(claim.path[0])] == LPA_1[str(claim.path[0])]
    bare = verify(show(FORM, FORM.disclose(FORM.parse(issue()), [])))
    assert bare.claims == {
        **{name: value for name, value in LPA_1.items() if name in payload and name not in ("powers", "represented", "proxy")},
        "powers": [],
        "represented": {"address": {}},
        "proxy": {},
    }
    evidence = {"attested_by": "Hale & Finch LLP", "attested_on": "2026-11-01"}
    inspected = issue(claims=lpa(attestation_basis="inspection", evidence=evidence))
    assert FORM.parse(inspected).payload["evidence"] == evidence


def test_nothing_in_the_wire_tells_a_withheld_value() -> None:
    wire = show(FORM, FORM.disclose(FORM.parse(issue()), [NAME]))
    clear = "".join(unb64(part).decode("latin-1") for part in wire.replace("~", ".").split("."))
    assert "Margaret" in clear
    for value in ("Ashdown", "1938-11-02", "ZZ99 4CD", "Peggy", "Nora", "banking", "M-7890"):
        assert value not in clear


def test_elements_inside_arrays_of_objects() -> None:
    """No type of ours has them yet; the rules for them are the same."""
    words = Text("x", "y")

    def claim(*path: str | None, always: bool = False, required: bool = False) -> Claim:
        disclosed = Disclosure.ALWAYS if always else Disclosure.SELECTIVE
        return Claim(path=path, kind=Kind.TEXT, label=words, group="g", disclosure=disclosed, required=required)

    claims = (
        claim("rows", None, "limit", always=True),
        claim("rows", None, "name"),
        claim("posts", None, "name"),
        claim("tags", None, always=True),
        claim("held", None, required=True),
    )
    rules = replace(REPRESENTATION, claims=claims)
    value = {"rows": [{"limit": "l", "name": "n"}, {"limit": "m"}], "posts": [{"name": "p"}], "tags": ["t"], "held": ["h"]}
    redaction = Redaction(entropy())
    payload = redact(rules, value, redaction)
    assert payload["tags"] == ["t"]
    assert payload["rows"][0]["limit"] == "l"
    assert set(payload["rows"][0]) == {"limit", "_sd"}
    assert payload["rows"][1] == {"limit": "m"}
    assert set(payload["held"][0]) == {"..."}
    assert "posts" not in payload
    opened = FORM.peek(FORM.parse(sd_jwt(envelope(**payload), redaction.disclosures)))
    assert opened.claims == value
    with pytest.raises(Malformed) as caught:
        redact(rules, {"rows": [{"more": 1}]}, Redaction(entropy()))
    assert caught.value.where == "/more"


# --- what is shown -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paths", "shown"),
    [
        ([], []),
        ([NAME], [NAME]),
        ([("decision_rule",)], []),
        (
            [("represented",)],
            [("represented", name) for name in ("given_name", "family_name", "birthdate")] + [POSTCODE, (*ALIAS[:2], 0), ALIAS],
        ),
        ([POSTCODE, ("powers", None)], [POSTCODE, ("powers", 0), ("powers", 1)]),
        ([("powers", 1)], [("powers", 0)]),  # withheld elements leave no gap
        ([ALIAS], [(*ALIAS[:2], 0)]),
        ([("represented", "also_known_as")], [(*ALIAS[:2], 0), ALIAS]),
        ([("grant_date",), NAME, NAME], [("grant_date",), NAME]),
    ],
)
def test_exactly_what_was_agreed_is_shown(paths: list[Any], shown: list[Any]) -> None:
    chosen = FORM.disclose(FORM.parse(issue()), paths)
    facts = verify(show(FORM, chosen))
    assert sorted(facts.disclosed) == sorted(shown)
    assert facts.document["represented"]["address"] == ({"postal_code": "ZZ99 4CD"} if POSTCODE in shown else {})
    again = FORM.disclose(chosen, paths if ALIAS not in paths and ("powers", 1) not in paths else [])
    assert len(again.disclosures) <= len(chosen.disclosures)


def test_the_chosen_element_is_the_right_one() -> None:
    assert verify(show(FORM, FORM.disclose(FORM.parse(issue()), [("powers", 1)]))).claims["powers"] == ["banking"]
    assert verify(show(FORM, FORM.disclose(FORM.parse(issue()), [ALIAS]))).claims["represented"]["also_known_as"] == ["Margaret Penhale"]


def test_a_presentation_can_be_shown_again_with_less() -> None:
    parsed = FORM.parse(show(FORM, FORM.parse(issue())))
    less = FORM.disclose(parsed, [NAME])
    assert less.binding_token is None
    assert verify(show(FORM, less)).disclosed == (NAME,)


def test_peeking_reads_times_that_are_fractions_or_missing() -> None:
    peeked = FORM.peek(FORM.parse(sd_jwt(envelope(iat=MADE + 0.5, exp=...))))
    assert (peeked.issued_at, peeked.expires_at) == (MADE, 0)
    with pytest.raises(Malformed):
        FORM.peek(FORM.parse(sd_jwt(envelope(exp="tomorrow"))))


# --- what a wallet refuses -----------------------------------------------------------------------------------------------------------


def test_unexplained_digest_refused_by_wallet() -> None:
    assert received(sd_jwt(envelope(plain=1))).claims == {"plain": 1}
    text = disclosure("salt", "a", 1)
    assert received(sd_jwt(envelope(_sd=[hashed(text)]), [text])).claims == {"a": 1}
    inner = disclosure("s", "o", {"_sd": [hashed("nothing")]})
    for payload, texts in (
        ({"_sd": [hashed(text), hashed("decoy")]}, [text]),
        ({"deep": {"_sd": [hashed("decoy")]}}, []),
        ({"list": [{"...": hashed("decoy")}]}, []),
        ({"_sd": [hashed(inner)]}, [inner]),
    ):
        with pytest.raises(BadDisclosure):
            received(sd_jwt(envelope(**payload), texts))
    wire = issue()
    withheld = "~".join(part for at, part in enumerate(wire.split("~")) if at != 3)
    with pytest.raises(BadDisclosure):
        received(withheld)


def test_a_binding_from_an_issuer_is_refused() -> None:
    with pytest.raises(Malformed):  # RFC 9901 section 7.2
        received(bound(sd_jwt(envelope())))


def test_an_issuer_breaking_the_rules_of_the_type() -> None:
    with pytest.raises(Malformed) as caught:
        received(issue(claims=lpa(powers=["health-decisions"])))
    assert caught.value.where == "/powers/0"


# --- what may never be hidden --------------------------------------------------------------------------------------------------------

KNOWN: dict[str, Any] = {
    "vct": REPRESENTATION.vct,
    "status": {"status_list": {"idx": 1, "uri": "https://opg.example/status/1"}},
    **{name: value for name, value in LPA_1.items() if name not in ("powers", "represented", "proxy")},
}
REFERENCE = {"idx": 1, "uri": "https://opg.example/status/1"}
JWK = render_jwk(HOLDER.public)


def hide(payload: dict[str, Any], *path: str, shown: bool) -> str:
    """A signed credential in which the member at ``path`` is hidden, and shown by its disclosure or not."""
    payload = json.loads(json.dumps(payload))
    parent: dict[str, Any] = payload
    for part in path[:-1]:
        parent = parent[part]
    text = disclosure("salt", path[-1], parent.pop(path[-1]))
    parent["_sd"] = [hashed(text)]
    return sd_jwt(payload, [text] if shown else [])


SHOWN = pytest.mark.parametrize("shown", [True, False], ids=["shown", "withheld"])


@SHOWN
@pytest.mark.parametrize(
    "path",
    [
        ("vct",),
        ("status",),
        ("status", "status_list"),
        ("status", "status_list", "idx"),
        ("status", "status_list", "uri"),
        ("cnf", "jwk"),
        ("cnf", "jwk", "x"),
    ],
)
def test_redacted_status_or_vct_refused(path: tuple[str, ...], *, shown: bool) -> None:
    wire = hide(envelope(**KNOWN), *path, shown=shown)
    with pytest.raises(Malformed):
        verify(bound(wire))
    with pytest.raises(Malformed):
        received(wire)


@pytest.mark.parametrize("name", ["iss", "nbf", "exp", "cnf", "vct#integrity", "aka_vcts", "status"])
def test_what_sd_jwt_vc_never_lets_hide(name: str) -> None:
    members = {"nbf": MADE, "vct#integrity": "sha256-AAAA", "aka_vcts": ["urn:general"], "status": {"status_list": REFERENCE}}
    with pytest.raises(Malformed) as caught:
        verify(bound(hide(envelope(**members), name, shown=True)))
    assert caught.value.where == f"/{name}"


@pytest.mark.parametrize(
    "payload",
    [
        envelope(status={"status_list": REFERENCE, "_sd": [hashed("x")]}),
        envelope(status={"status_list": {**REFERENCE, "_sd": []}}),
        envelope(status={"status_list": {**REFERENCE, "more": [{"...": hashed("x")}]}}),
        envelope(cnf={"jwk": {**JWK, "_sd": [hashed("x")]}}),
        envelope(cnf={"jwk": JWK, "_sd": [hashed("x")]}),
        envelope(aka_vcts=[{"...": hashed("x")}]),
        envelope(vct={"_sd": [hashed("x")]}),
        envelope(**{"vct#integrity": [{"...": hashed("x")}]}),
    ],
)
def test_a_digest_inside_them_without_its_disclosure(payload: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        verify(bound(sd_jwt(payload)))


@SHOWN
@pytest.mark.parametrize(
    "name",
    [
        "representation_kind",
        "instrument_type",
        "attestation_basis",
        "decision_rule",
        "usable_when",
        "has_restrictions",
        "substitution",
        "issuing_authority",
        "issuing_country",
        "issuing_jurisdiction",
    ],
)
def test_a_hidden_limit_is_refused(name: str, *, shown: bool) -> None:
    wire = bound(hide(envelope(**KNOWN), name, shown=shown))
    claim = REPRESENTATION.claim((name,))
    assert claim is not None
    if shown or claim.required:
        with pytest.raises(Malformed) as caught:
            verify(wire)
        assert caught.value.where == f"/{name}"
    else:  # nobody can tell that it is there: the type's own rules miss it
        facts = verify(wire)
        with pytest.raises(VcError):
            REPRESENTATION.judge(facts.claims, {})


@SHOWN
@pytest.mark.parametrize("path", [("evidence",), ("evidence", "attested_by")])
def test_limits_two_levels_down(path: tuple[str, ...], *, shown: bool) -> None:
    evidence = {"attested_by": "Hale & Finch LLP", "attested_on": "2026-11-01"}
    wire = hide(envelope(**KNOWN | {"attestation_basis": "inspection", "evidence": evidence}), *path, shown=shown)
    if path == ("evidence",) and not shown:
        with pytest.raises(VcError):
            REPRESENTATION.judge(verify(bound(wire)).claims, {})
        return
    with pytest.raises(Malformed):
        verify(bound(wire))


def test_a_limit_that_is_half_an_object() -> None:
    for odd in ({"_sd": [hashed("x")]}, [{"...": hashed("x")}]):
        with pytest.raises(Malformed):
            verify(bound(sd_jwt(envelope(**KNOWN | {"decision_rule": odd}))))


def test_a_known_type_has_its_status_in_clear() -> None:
    assert verify(bound(sd_jwt(envelope(**KNOWN)))).status is not None
    with pytest.raises(Malformed) as caught:
        verify(bound(sd_jwt(envelope(**KNOWN | {"status": ...}))))
    assert caught.value.where == "/status"


def test_limits_in_mixed_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    words = Text("x", "y")
    claims = (
        Claim(path=("rows", None, "limit"), kind=Kind.TEXT, label=words, group="g", disclosure=Disclosure.ALWAYS, required=True),
        Claim(path=("rows", None, "name"), kind=Kind.TEXT, label=words, group="g"),
        Claim(path=("box", "limit"), kind=Kind.TEXT, label=words, group="g", disclosure=Disclosure.ALWAYS),
        Claim(path=("box", "name"), kind=Kind.TEXT, label=words, group="g"),
    )
    rules = replace(REPRESENTATION, vct="urn:rows", claims=claims, status_bits=0)
    monkeypatch.setattr("shared.formats.sd_jwt_vc.all_types", lambda: {"urn:rows": rules})
    name = disclosure("s", "name", "n")
    good = {"vct": "urn:rows", "rows": [{"limit": "l", "_sd": [hashed(name)]}], "box": {"limit": "b"}}
    assert verify(bound(sd_jwt(envelope(**good), [name]))).claims == {"rows": [{"limit": "l", "name": "n"}], "box": {"limit": "b"}}
    assert verify(bound(sd_jwt(envelope(**good | {"box": ...})))).claims == {"rows": [{"limit": "l"}]}
    row, limit, box, rows = (
        disclosure("s", {"limit": "l"}),
        disclosure("s", "limit", "l"),
        disclosure("s", "box", {"limit": "b"}),
        disclosure("s", "rows", []),
    )
    for change, texts in (
        ({"rows": [{"...": hashed(row)}]}, [row]),
        ({"rows": [{"...": hashed(row)}]}, []),
        ({"rows": [{"_sd": [hashed(limit)]}]}, [limit]),
        ({"rows": [{"_sd": [hashed(limit)]}]}, []),
        ({"rows": ...}, []),
        ({"rows": "all"}, []),
        ({"rows": ["all"]}, []),
        ({"rows": ..., "_sd": [hashed(rows)]}, [rows]),
        ({"box": ..., "_sd": [hashed(box)]}, [box]),
        ({"box": {"_sd": [hashed(limit)]}}, [limit]),
        ({"box": []}, []),
    ):
        with pytest.raises(Malformed):
            verify(bound(sd_jwt(envelope(**good | change), texts)))


# --- hints and forms -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"vct": ...}, "/vct"),
        ({"vct": 1}, "/vct"),
        ({"vct": ""}, "/vct"),
        ({"vct": "x" * 3000}, "/vct"),
        ({"iss": None}, "/iss"),
        ({"iss": ["x"]}, "/iss"),
        ({"status": "valid"}, "/status/status_list"),
        ({"status": {}}, "/status/status_list"),
        ({"status": {"identifier_list": {}}}, "/status/status_list"),
        ({"status": {"status_list": {"idx": 1}}}, "/status/status_list/uri"),
        ({"status": {"status_list": {"idx": 1, "uri": ""}}}, "/status/status_list/uri"),
        ({"status": {"status_list": {"idx": -1, "uri": "u"}}}, "/status/status_list/idx"),
        ({"status": {"status_list": {"idx": True, "uri": "u"}}}, "/status/status_list/idx"),
        ({"status": {"status_list": {"idx": 1.0, "uri": "u"}}}, "/status/status_list/idx"),
    ],
)
def test_hints_of_the_wrong_form(members: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        FORM.parse(sd_jwt(envelope(**members)))
    assert caught.value.where == where


@pytest.mark.parametrize("x5c", ["AAAA", [], [1], ["AAAA", 1], ["!"], ["AAAA"] * 9, {}])
def test_certificates_of_the_wrong_form(x5c: Any) -> None:
    with pytest.raises(Malformed):
        FORM.parse(sd_jwt(envelope(), x5c=x5c))


@pytest.mark.parametrize("typ", ["vc+sd-jwt", "example+sd-jwt", "JWT", "dc+SD-JWT", "application/dc+sd-jwt", ..., ""])
def test_the_typ_is_exact(typ: Any) -> None:
    with pytest.raises(WrongTyp):
        FORM.parse(sd_jwt(envelope(), typ=typ))


@pytest.mark.parametrize(
    "cnf", [None, {}, {"kid": "1"}, {"jwk": "x"}, {"jwk": {}}, {"jwk": {**JWK, "d": "AAAA"}}, {"jwk": {**JWK, "x": JWK["y"]}}, [JWK]]
)
def test_holder_keys_that_are_none(cnf: Any) -> None:
    for step in (lambda wire: verify(bound(wire)), received, lambda wire: FORM.peek(FORM.parse(wire))):
        with pytest.raises(Malformed) as caught:
            step(sd_jwt(envelope(cnf=cnf)))
        assert caught.value.where.startswith("/cnf/jwk")


def test_without_a_holder_it_is_not_bound() -> None:
    wire = sd_jwt(envelope(cnf=...))
    assert FORM.peek(FORM.parse(wire)).holder is None
    for step in (received, verify, lambda wire: verify(bound(wire))):
        with pytest.raises(NotBound):
            step(wire)


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"exp": AT - 60}, Expired),
        ({"exp": AT - 60.5}, Expired),
        ({"nbf": AT + 61}, NotYetValid),
        ({"iat": AT + 61}, NotYetValid),
        ({"exp": "soon"}, Malformed),
        ({"exp": None}, Malformed),
        ({"nbf": True}, Malformed),
    ],
)
def test_times(members: dict[str, Any], error: type[VcError]) -> None:
    with pytest.raises(error):
        verify(bound(sd_jwt(envelope(**members))))


def test_times_that_may_be_missing_or_disclosed() -> None:
    bare = verify(bound(sd_jwt(envelope(iat=..., exp=..., iss=...))))
    assert (bare.issued_at, bare.expires_at, bare.issuer) == (0, 0, "")
    made = disclosure("salt", "iat", MADE)
    assert verify(bound(sd_jwt(envelope(iat=..., _sd=[hashed(made)]), [made]))).issued_at == MADE
    for value, error in ((AT + 61, NotYetValid), ("today", Malformed)):
        made = disclosure("salt", "iat", value)
        with pytest.raises(error):
            verify(bound(sd_jwt(envelope(iat=..., _sd=[hashed(made)]), [made])))


# --- key binding ---------------------------------------------------------------------------------------------------------------------

BARE = sd_jwt(envelope(_sd=[hashed(disclosure("s", "a", 1))]))
WITH_A = BARE + disclosure("s", "a", 1) + "~"


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        (bound(BARE, typ="JWT"), NotBound),
        (bound(BARE, typ="vp+jwt"), NotBound),
        (bound(BARE, holder=STRANGER), NotBound),
        (bound(BARE, aud=[BINDING.audience]), WrongAudience),
        (bound(BARE, aud=...), WrongAudience),
        (bound(BARE, aud=1), WrongAudience),
        (bound(BARE, nonce=...), WrongNonce),
        (bound(BARE, nonce=1), WrongNonce),
        (bound(BARE, iat=...), StaleBinding),
        (bound(BARE, iat=str(AT)), StaleBinding),
        (bound(BARE, iat=float(AT)), StaleBinding),
        (bound(BARE, iat=True), StaleBinding),
        (bound(BARE, exp=AT), StaleBinding),
        (bound(BARE, nbf=AT + 61), StaleBinding),
        (bound(BARE, sd_hash=...), OtherPresentation),
        (bound(BARE, sd_hash=hashed(WITH_A)), OtherPresentation),
        (bound(BARE, sd_hash=hashed(BARE[:-1])), OtherPresentation),
        (bound(BARE, sd_hash=hashed(BARE) + "="), OtherPresentation),
        (bound(BARE, sd_hash=hashed(BARE, "sha512")), OtherPresentation),
        (WITH_A + bound(BARE).rpartition("~")[2], OtherPresentation),
        (BARE + bound(WITH_A).rpartition("~")[2], OtherPresentation),
    ],
)
def test_bindings_that_are_none(wire: str, error: type[VcError]) -> None:
    with pytest.raises(error):
        verify(wire)


def test_sd_hash_follows_sd_alg() -> None:
    for alg in ("sha384", "sha512"):
        wire = sd_jwt(envelope(_sd_alg=f"sha-{alg[3:]}"))
        assert verify(bound(wire, sd_hash=hashed(wire, alg))).holder == HOLDER.public
        parsed = FORM.parse(wire)
        assert verify(show(FORM, parsed)).holder == HOLDER.public
        with pytest.raises(OtherPresentation):
            verify(bound(wire))


def test_a_binding_none_signed() -> None:
    unsigned: Callable[[str], str] = lambda token: token.rpartition(".")[0] + "."  # noqa: E731 - one of many of its type
    with pytest.raises(VcError):
        verify(unsigned(bound(BARE)))


def test_unknown_types_are_read_all_the_same() -> None:
    """Whether a type is known is the verifier's question; nothing is looked up here."""
    facts = verify(bound(WITH_A))
    assert (facts.vct, facts.claims, facts.disclosed, facts.status) == ("https://types.example/other", {"a": 1}, (("a",),), None)
    assert facts.document["vct"] == facts.vct


def test_an_own_presentation_needs_no_holder_to_be_prepared() -> None:
    with pytest.raises(NotBound):
        FORM.prepare(credential(), key=KeyId("issuer"), holder=None, entropy=entropy())
