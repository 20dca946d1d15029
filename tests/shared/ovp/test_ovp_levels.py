"""Security rule S6: the desk opens a mode, and what comes is of that mode or nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from support.counter import Counter
from support.ovp_presentations import BANK, CODE, ISSUER, LIST, MADE, TYPE, VALID, WANT, Scene, _list
from support.signing import AT
from support.trial_verify import CLAIMS, DAY, expectation

from shared.clock import system_entropy
from shared.codec import base64url
from shared.credentials import all_types
from shared.dcql import parse_query
from shared.errors import Malformed, Replayed, UnknownCredentialType
from shared.flow import Fetch, Fetched, run
from shared.formats import Binding, Credential, StatusReference, formats
from shared.keys import KeyId, Role
from shared.ovp.answer import (
    Answer,
    asked_of,
    code_binding,
    find_open,
    live_binding,
    open_answer,
    parse_answer,
    peek_answer,
    seal_answer,
)
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.certificates import chains_of
from shared.trust.policy import Policy
from shared.trust.relying_party import Want
from shared.verify import Asked, Decision, Expectation, Level, Material, replayed, verify

MODES = ("live", "code", "copy")
LEVELS = {"live": Level.LIVE, "code": Level.RELAYABLE, "copy": Level.ADDRESSED}


@cache
def scene() -> Scene:
    return Scene()


def expected(mode: str) -> Binding:
    own: Binding = getattr(scene(), mode)
    return Binding(audience=own.audience, nonce=None, max_age=14 * DAY, extra={"purpose_id": "bank"}) if mode == "copy" else own


def decide(data: bytes | str, mode: str, *, form: str = "dc+sd-cwt") -> Decision:
    pinned = parse_anchor(scene().pinned.der, role=Role.CREDENTIAL_ISSUER, entity=ISSUER)
    material = Material(
        policy=Policy(TrustAnchors(anchors=(pinned,))), types=all_types(), certificates=chains_of(scene().chains.values(), [pinned])
    )
    asked = asked_of([WANT], all_types())
    want = Expectation(query=None, asked=asked, binding=expected(mode), use={"powers": ("banking",)}, format=form)
    wire = data if isinstance(data, str) else base64url.encode(data)

    def answer(fetch: Fetch) -> Fetched:
        assert fetch.url == LIST
        return Fetched(status=200, body=_list(scene(), LIST, AT - 3_600))

    return run(verify({"shown": [wire]}, want, material, at=AT), answer)


@pytest.mark.parametrize("made", MODES)
@pytest.mark.parametrize("opened", MODES)
def test_mode_swap_matrix(made: str, opened: str) -> None:
    decision = decide(scene().show(scene().issue(), binding=getattr(scene(), made)), opened)
    assert decision.level is LEVELS[opened]
    assert (decision.decision, decision.code) == (("accepted", "") if made == opened else ("rejected", "wrong_audience"))


def test_consumed_nonce_never_lower_level() -> None:
    """Answered once, the sealed answer opens no more; and opened by whoever kept it, it is no answer to a code and no copy either."""
    one = Counter().open_challenge()
    shown = scene().show(scene().issue(), binding=live_binding(one.challenge))
    answer = Answer("dc+sd-cwt", base64url.encode(shown))
    sealed = seal_answer(answer, one.challenge, entropy=system_entropy)
    assert open_answer(sealed, [one]) == (one, answer)
    with pytest.raises(Replayed):
        open_answer(sealed, [])
    for mode in ("code", "copy"):
        assert decide(shown, mode).code == "wrong_audience"
    code = scene().show(scene().issue(), binding=scene().code)
    asked = peek_answer(Answer("dc+sd-cwt", base64url.encode(code)))
    assert find_open(asked.nonce, {str(scene().code.nonce): "open"}) == "open"
    with pytest.raises(Replayed):
        find_open(asked.nonce, {})
    again = replayed(decide(code, "code"))
    assert (again.decision, again.code, again.level) == ("rejected", "replayed", Level.RELAYABLE)


def test_sd_jwt_on_the_carrier() -> None:
    """S13: the same audience and nonce rules; by groups, whatever the format."""
    form = formats()["dc+sd-jwt"]
    parsed = form.parse(_sd_jwt())
    paths = [("represented", "given_name"), ("represented", "family_name"), ("proxy", "given_name"), ("proxy", "family_name"), ("powers",)]
    for mode in ("live", "code"):
        unsigned = form.present(form.disclose(parsed, paths), getattr(scene(), mode), key=KeyId("k"), at=AT)
        wire = scene().nora.finish(unsigned)
        assert peek_answer(Answer("dc+sd-jwt", wire)).audience == getattr(scene(), mode).audience
        assert decide(wire, mode, form="dc+sd-jwt").decision == "accepted"
        assert decide(wire, "live" if mode == "code" else "code", form="dc+sd-jwt").code == "wrong_audience"
        assert decide(wire, "copy", form="dc+sd-jwt").code == "wrong_audience"
    partly = form.present(form.disclose(parsed, paths[1:]), scene().live, key=KeyId("k"), at=AT)
    assert decide(scene().nora.finish(partly), "live", form="dc+sd-jwt").code == "request_not_satisfied"  # half a group is none


def _sd_jwt() -> str:
    made = Credential(
        type=TYPE,
        claims=CLAIMS,
        issuer=ISSUER,
        issued_at=MADE,
        expires_at=MADE + 30 * DAY,
        status=StatusReference(uri=LIST, idx=VALID),
        x5c=(scene().chains["ES256"],),
    )
    unsigned = formats()["dc+sd-jwt"].prepare(made, key=KeyId("k"), holder=scene().nora.public, entropy=system_entropy)
    return scene().issuers["ES256"].finish(unsigned)


def test_what_an_answer_says_of_itself() -> None:
    shown = scene().show(scene().issue(), binding=scene().copy)
    answer = parse_answer("OVP1:", shown)
    assert peek_answer(answer) == (f"a:{BANK}", scene().copy.nonce, "bank", scene().copy.extra["jti"])
    live = parse_answer("OVP1:", scene().show(scene().issue()))
    assert peek_answer(live).purpose_id == ""
    counter = Counter()
    silent = scene().bind(scene().item(scene().issue()), {6: AT})
    for content in (counter.challenge(), silent, scene().bind(scene().item(scene().issue()), [1])):
        with pytest.raises(Malformed):
            peek_answer(parse_answer("OVP1:", content))
    assert code_binding(CODE, entity=BANK, use="bank", public=scene().counter.bank.public) == scene().code


def test_numbers_become_names() -> None:
    types = all_types()
    (asked,) = asked_of([Want(vct=65_001, required=(1, 10), optional=(8,))], types)
    assert asked == Asked(
        vct="urn:fdc:vct.example:2027:representation:1", required=("donor-name", "attorney-birthdate"), optional=("restrictions",)
    )
    with pytest.raises(UnknownCredentialType):
        asked_of([Want(vct=1, required=(1,))], types)
    with pytest.raises(Malformed):
        asked_of([Want(vct=65_001, required=(99,))], types)


def test_one_question_at_a_time() -> None:
    query = parse_query({"credentials": [{"id": "a", "format": "dc+sd-jwt", "meta": {"vct_values": ["x"]}}]})
    with pytest.raises(ValueError, match="one question"):
        replace(expectation(), query=query, asked=(Asked(vct="x", required=()),))
