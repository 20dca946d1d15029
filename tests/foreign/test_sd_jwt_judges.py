"""@sd-jwt (npm, 0.19.0) judges what we make, and we what it makes; then both judge what is broken.

Where it takes what it should refuse, ``TAKEN`` names the section that says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from support.foreign import Peer, Refused, secret_jwk
from support.forge import HOLDER, ISSUER
from support.grown import AUD, BREAKS, DAY, MADE, NONCE, Break, Dice, envelope, grown, members

from shared.clock import system_clock
from shared.errors import OtherPresentation, VcError
from shared.formats import Binding, formats
from shared.formats._sd_jwt import Redaction
from shared.jose.jwk import render_jwk

COUNTERPARTS = {"@sd-jwt/sd-jwt-vc": "judge and mint of SD-JWT VCs"}
pytestmark = pytest.mark.real

FORM = formats()["dc+sd-jwt"]
BINDING = Binding(audience=AUD, nonce=NONCE)
JWK = render_jwk(ISSUER.public)
GOOD, EACH = 120, 12


def ours(wire: str) -> Mapping[str, Any] | None:
    try:
        return FORM.verify(FORM.parse(wire), ISSUER.public, binding=BINDING, at=system_clock()).document
    except VcError:
        return None


def theirs(judge: Peer, wires: Sequence[str]) -> list[Mapping[str, Any] | None]:
    """Its verdicts; whom a presentation is for is compared by its caller, and so here."""
    answers = judge.ask_all("sd_jwt", [{"wire": wire, "nonce": NONCE, "jwk": JWK} for wire in wires])
    return [None if isinstance(each, Refused) or each["kb"]["payload"]["aud"] != AUD else each["claims"] for each in answers]


def test_it_opens_what_we_open(their_judge: Peer) -> None:
    wires = [grown(f"npm {at}").wire() for at in range(GOOD)]
    for wire, answer in zip(wires, theirs(their_judge, wires), strict=True):
        assert answer is not None
        assert answer == ours(wire)


TAKEN = {
    "repeat_disclosure": "RFC 9901 section 7.1 step 5: one of the two is referenced by nothing that is left",
    "unreferenced": "RFC 9901 section 7.1 step 5",
    "digest_twice": "RFC 9901 section 7.1 step 4",
    "digest_in_two_places": "RFC 9901 section 7.1 step 4",
    "digest_twice_in_arrays": "RFC 9901 section 7.1 step 4",
    "digest_of_member_in_array_too": "RFC 9901 section 7.1 step 4",
    "collision_in_clear": "RFC 9901 section 7.1 step 3.3.2.3",
    "collision_of_disclosures": "RFC 9901 section 7.1 step 3.3.2.3",
    "element_as_member": "RFC 9901 section 7.1 step 3.3.2.1",
    "member_as_element": "RFC 9901 section 7.1 step 3.3.3.1",
    "name_no_string": "RFC 9901 section 4.2.1: the claim name is a string",
    "name_sd": "RFC 9901 section 7.1 step 3.3.2.2",
    "name_dots": "RFC 9901 section 7.1 step 3.3.2.2",
    "unknown_hash": "RFC 9901 section 4.1.1: the names are those of the registry, as they are written there",
    "digest_no_string": "RFC 9901 section 4.2.4.1: an array of strings",
    "stale_binding": "RFC 9901 section 7.3 step 5.5: left to its caller",
    "future_binding": "RFC 9901 section 7.3 step 5.5: left to its caller",
    "other_typ": "SD-JWT VC, JOSE Header",
    "no_vct": "SD-JWT VC, Registered JWT Claims: vct is required",
    "hidden_vct": "SD-JWT VC, Registered JWT Claims: never in a disclosure",
    "hidden_exp": "SD-JWT VC, Registered JWT Claims: never in a disclosure",
    "hidden_status": "SD-JWT VC, Registered JWT Claims: never in a disclosure",
    "critical_header": "RFC 7515 section 4.1.11",
}


@pytest.mark.parametrize("spoil", BREAKS, ids=lambda spoil: spoil.__name__)
def test_both_refuse_what_is_broken(their_judge: Peer, spoil: Break) -> None:
    cases = [grown(f"{spoil.__name__} {at}") for at in range(EACH)]
    for at, case in enumerate(cases):
        spoil(case, Dice(f"break {at}"))
        assert ours(case.wire()) is None
    took = sum(answer is not None for answer in theirs(their_judge, [case.wire() for case in cases]))
    assert (took > 0) == (spoil.__name__ in TAKEN), (took, EACH)


def test_neither_takes_a_stripped_binding(their_judge: Peer) -> None:
    presented = [grown(f"strip {at}").presented for at in range(EACH)]
    assert not [wire for wire in presented if ours(wire) is not None]
    answers = their_judge.ask_all("sd_jwt", [{"wire": wire, "nonce": NONCE, "jwk": JWK} for wire in presented])
    assert all(isinstance(each, Refused) and "Key Binding JWT not exist" in each.detail for each in answers)


# --- what it makes -------------------------------------------------------------------------------------------------------------------


def framed(dice: Dice, plain: Any) -> Any:
    """A disclosure frame of @sd-jwt: names to hide under ``_sd``, frames of what lies deeper, decoys."""
    if not isinstance(plain, dict | list) or not plain:
        return None
    names = list(plain) if isinstance(plain, dict) else [str(at) for at in range(len(plain))]
    below = {name: framed(dice, plain[name] if isinstance(plain, dict) else plain[int(name)]) for name in names}
    frame: dict[str, Any] = {name: each for name, each in below.items() if each}
    hidden = [name for name in names if dice.below(2)]
    if hidden:
        frame["_sd"] = hidden
    if dice.below(3) == 0:
        frame["_sd_decoy"] = 1 + dice.below(3)
    return frame


def test_we_open_what_it_makes_and_shows(their_mint: Peer, their_judge: Peer) -> None:
    made = []
    for at in range(GOOD // 2):
        dice = Dice(f"npm makes {at}")
        plain = {name: each for name, each in members(dice, Redaction(dice.bytes), 2)[1].items() if each != "_sd"}
        made.append((plain, {"payload": envelope() | plain, "frame": framed(dice, plain) or {}, "issuer": secret_jwk(ISSUER)}))
    wires = their_mint.ask_all("sd_jwt", [case for _, case in made])
    shown = their_mint.ask_all(
        "sd_jwt_shown",
        [
            {"wire": wire, "output": plain, "holder": secret_jwk(HOLDER), "audience": AUD, "nonce": NONCE}
            for (plain, _), wire in zip(made, wires, strict=True)
        ],
    )
    verdicts = [ours(wire) for wire in shown]
    assert verdicts == theirs(their_judge, shown)
    assert sum(each is not None for each in verdicts) > GOOD // 3
    refused = [wire for wire, verdict in zip(shown, verdicts, strict=True) if verdict is None]
    assert all(_signed_another_selection(wire) for wire in refused), "RFC 9901 section 4.3.1"


def _signed_another_selection(wire: str) -> bool:
    """Now and then it hashes nested disclosures in another form than it sends, and its own verifier refuses that too."""
    with pytest.raises(OtherPresentation):
        FORM.verify(FORM.parse(wire), ISSUER.public, binding=BINDING, at=system_clock())
    return True


@pytest.mark.parametrize(
    "bend",
    [{"nonce": "another"}, {"aud": "x509_hash:another"}, {"aud": [AUD]}, {"iat": MADE - 400 * DAY}, {"iat": MADE + 400 * DAY}],
    ids=["nonce", "audience", "list-of-audiences", "a-year-ago", "in-a-year"],
)
def test_we_refuse_what_it_binds_to_something_else(their_mint: Peer, bend: dict[str, Any]) -> None:
    wire = their_mint.ask("sd_jwt", payload=envelope() | {"a": 1}, frame={"_sd": ["a"]}, issuer=secret_jwk(ISSUER))
    shown = {"wire": wire, "output": {"a": 1}, "holder": secret_jwk(HOLDER), "audience": AUD, "nonce": NONCE}
    assert ours(their_mint.ask("sd_jwt_shown", **shown)) is not None
    assert ours(their_mint.ask("sd_jwt_shown", **shown, bend=bend)) is None
