"""What an organisation admits for a use beyond what kinds of document ask (AT-C02-8)."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.desk import PATHS, Running, Template, opened
from support.trial_verify import CLAIMS

from shared.errors import ConfigError
from verifier import admission, registering
from verifier.admission import INSTRUMENT

EPA = {name: value for name, value in CLAIMS.items() if name != "attestation_basis"} | {
    "instrument_type": "epa",
    "authority_current": True,
}


async def test_what_is_listed_is_asked_and_held_against_answers(desk: Running) -> None:
    directory, settings = desk.desk.directory, desk.desk.settings
    registering.state(
        directory, settings, "bank", {"bases": ("register", "court-order"), "instruments": ("lpa-property-and-affairs", "epa")}
    )
    registering.state(directory, settings, "bank", {"benefit": "No paper."})  # what was listed stays
    request = await desk.read(await desk.ask())
    (named,) = [claim for claim in request.query.credentials[0].claims or () if claim.path == INSTRUMENT]
    assert named.values == ("lpa-property-and-affairs", "epa")
    asked = await desk.ask()
    await desk.answer(asked, paths=(*PATHS[:-1], ("powers", 1)), claims=EPA)
    state = await desk.state(asked)
    assert (state["decision"], state["code"]) == ("rejected", "wrong_instrument")
    assert admission.accepted_here(state["verdict"], "en") == ["Entry in the register", "Court order"]
    good = await desk.ask()
    await desk.answer(good)
    state = await desk.state(good)
    assert state["decision"] == "accepted"
    assert admission.accepted_here(state["verdict"], "en") == []
    plain = await desk.ask(query="utility")
    paths = (*(path for path in PATHS if path[0] == "represented" and path[-1] != "birthdate"), ("powers", 0))
    claims = EPA | {"powers": ["utilities"]}
    await desk.answer(plain, paths=paths, claims=claims)
    assert (await desk.state(plain))["decision"] == "accepted"  # the utility admits a power that was inspected


async def test_what_holds_for_one_holds_for_several(template: Template, tmp_path: Path) -> None:
    async with opened(template, tmp_path / "desk") as desk:
        registering.state(desk.directory, desk.settings, "bank", {"instruments": ("lpa-property-and-affairs",)})
        named = {use.query.id: INSTRUMENT in use.query.paths for use in desk.uses() if use.type.id == "representation"}
        assert (named["bank"], named["bank-together"], named["utility"]) == (True, True, False)
        registering.state(desk.directory, desk.settings, "bank", {"instruments": ("lpa-property-and-affairs", "deputyship")})
        (use,) = [use for use in desk.uses() if use.query.id == "bank" and use.type.id == "representation"]
        assert INSTRUMENT not in use.query.paths  # a deputy has no instrument
        assert use.query.use["instruments"] == ("lpa-property-and-affairs", "deputyship")
        with pytest.raises(ConfigError, match="unknown code"):
            registering.state(desk.directory, desk.settings, "bank", {"bases": ("hearsay",)})


def test_a_file_that_cannot_be_read_lists_nothing(tmp_path: Path) -> None:
    file = tmp_path / "uses.toml"
    assert admission.read(file) == {}
    file.write_text("instruments = [")
    assert admission.read(file) == {}
    file.write_text('x = 7\n[bank]\nbases = ["register"]\ninstruments = []\n')
    assert admission.read(file) == {"bank": {"bases": ("register",)}}


def test_a_verdict_about_something_else_says_nothing_of_it() -> None:
    line = {"code": "wrong_instrument", "detail": "this kind of document cannot give the power banking"}
    assert admission.accepted_here({"checks": [line]}, "en") == []
    assert admission.accepted_here({"checks": [line | {"detail": "accepted here: new"}]}, "cy") == ["new"]
