"""What an organisation admits for a use beyond what kinds of document ask (AT-C02-8)."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clerk import Clerk
from support.desk import BANK, PATHS, Running, Template, copy_file, opened, serving
from support.signing import AT
from support.trial_verify import CLAIMS

from shared.credentials.representation import TYPE
from shared.errors import ConfigError, VcError
from shared.trust.artefact import PAGE_TYPES
from shared.trust.bundle import parse_bundle
from verifier import admission, packs, registering
from verifier.admission import INSTRUMENT
from verifier.offline import Memory, decide, read_trust

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


async def test_a_desk_without_a_network_admits_what_the_service_admits(template: Template, tmp_path: Path) -> None:
    """The signed pack carries it, for the command and for pages; a pack that says nothing of it admits all."""
    found = {}
    async with serving(template, tmp_path / "desk") as running:
        desk, trust = running.desk, read_trust(tmp_path / "desk" / "trust.json")
        for name, said in (("all", {}), ("some", {"bases": ("court-order",)}), ("other", {"instruments": ("epa",)})):
            if said:
                registering.state(desk.directory, desk.settings, "bank", said)
            pack, data = await packs.make(desk), copy_file(seed=name)
            judged, _ = decide([data], pack.data, Memory(), trust=trust, entity=BANK, at=AT)
            headers = {"Authorization": f"Bearer {running.api_key}", "content-type": "application/json"}
            async with running.http.post(f"{running.base}/api/copies", data=data, headers=headers) as answer:
                online = await answer.json()
            assert (judged.decision.decision, judged.decision.code) == (online["decision"], online["code"])
            types = json.loads(parse_bundle(pack.data).of(PAGE_TYPES)[0])["types"]
            uses = {query["id"]: query["use"] for kind in types if kind["vct"] == TYPE.vct for query in kind["queries"]}
            found[name] = (online["code"], uses["bank"].get("bases"), uses["bank-together"].get("instruments"))
    assert found == {
        "all": ("", None, None),
        "some": ("wrong_instrument", ["court-order"], None),
        "other": ("wrong_instrument", ["court-order"], ["epa"]),
    }


@given(st.binary() | st.from_regex(rb'\{"types":\[\{"vct":.*', fullmatch=True))
def test_what_describes_no_kinds_of_document_is_refused(data: bytes) -> None:
    with suppress(VcError):
        admission.of_pack([data])


def test_a_file_that_lists_nothing_admits_what_the_kinds_do(tmp_path: Path) -> None:
    file = tmp_path / "uses.toml"
    assert admission.read(file) == {}
    file.write_text('[bank]\nbases = ["register"]\ninstruments = []\n[council-tax]\nbenefit = "x"\n')
    assert admission.read(file) == {"bank": {"bases": ("register",)}, "council-tax": {}}


@pytest.mark.parametrize(
    "text", ["instruments = [", 'instruments = ["x"]', '[bank]\nbases = "register"', "[bank]\nbases = [7]", "[bank]\nbases = true"]
)
async def test_a_file_that_cannot_be_read_lifts_no_limit(desk: Running, text: str) -> None:
    """Nothing is asked or judged until somebody has put it right; one that nobody has changed is not read again."""
    registering.state(desk.desk.directory, desk.desk.settings, "bank", {"bases": ("register",)})
    assert all(now is before for now, before in zip(desk.desk.uses(), desk.desk.uses(), strict=True))
    (desk.desk.directory / registering.FILE).write_text(text)
    with pytest.raises(ConfigError):
        desk.desk.uses()
    (desk.desk.directory / registering.FILE).write_bytes(b"bases \xff")
    with pytest.raises(ConfigError):
        desk.desk.uses()


def test_a_verdict_about_something_else_says_nothing_of_it() -> None:
    line = {"code": "wrong_instrument", "detail": "this kind of document cannot give the power banking"}
    assert admission.accepted_here({"checks": [line]}, "en") == []
    assert admission.accepted_here({"checks": [line | {"detail": "accepted here: new"}]}, "cy") == ["new"]


async def test_staff_list_on_the_page_what_they_admit(template: Template, tmp_path: Path) -> None:
    """By its instrument, never a power of attorney as such; a use without an authority has nothing to list, and a made-up code is refused."""
    async with serving(template, tmp_path / "desk", local=True) as desk:
        clerk, folder = await Clerk(desk).sign_in(), desk.desk.directory
        page = await clerk.get("/desk/uses/bank")
        assert "Which authority do you admit?" in page
        assert 'value="deputyship"' in page
        assert 'value="power_of_attorney"' not in page
        assert "Which authority do you admit?" not in await clerk.get("/desk/uses/welcome-back")
        said = {"form_token": await clerk.token("/desk/uses/bank"), "instruments": "epa", "bases": "register"}
        await clerk.post("/desk/uses/bank", said)
        argued = registering.read(folder)["bank"]
        assert (argued.instruments, argued.bases) == (("epa",), ("register",))
        assert re.search(r'value="epa"[^>]* checked', await clerk.get("/desk/uses/bank"))
        page = await clerk.post("/desk/uses/bank", said | {"bases": "hearsay"}, status=400)
        assert "Choose from the list" in page
        assert registering.read(folder)["bank"] == argued
        registering.state(folder, desk.desk.settings, "bank", {"instruments": ("power_of_attorney", "epa")})
        await clerk.post("/desk/uses/bank", said | {"instruments": "ordinary"})
        assert registering.read(folder)["bank"].instruments == ("ordinary", "power_of_attorney"), "what has no box stays"
        registering.state(folder, desk.desk.settings, "bank", {"instruments": ("epa",)})
        page = await clerk.get("/desk/uses/bank-together")
        assert re.search(r'value="epa"[^>]* checked', page)
        assert "None ticked: as for one person. Tick all to admit all." in page
        registering.state(
            folder, desk.desk.settings, "bank", {"team": "Estates", "decides": "person", "retention_days": 30, "benefit": "No paper. "}
        )
        shown = {"team": "Estates", "decides": "person", "benefit": "No paper.", "instruments": "epa", "bases": "register"}
        file = (folder / registering.FILE).read_bytes()
        await clerk.post("/desk/uses/bank-together", shown | {"form_token": said["form_token"]})
        assert (folder / registering.FILE).read_bytes() == file, "who changes nothing chooses nothing"
        steps = 'Lift the  freeze.\r\n\r\nPay the "missed" payments: C:\\bills.\r\n'
        await clerk.post("/desk/uses/bank-together", shown | {"form_token": said["form_token"], "decides": "itself", "undo": steps})
        kept = 'Lift the freeze.\nPay the "missed" payments: C:\\bills.'
        assert registering.read(folder)["bank-together"].undo == kept, "a step a line"
        assert "Lift the freeze.\nPay the " in await clerk.get("/desk/uses/bank-together")
        lines = {"form_token": said["form_token"], "decides": "itself", "undo": kept.replace("\n", " ")}
        await clerk.post("/desk/uses/bank-together", shown | lines)
        assert "\n" not in registering.read(folder)["bank-together"].undo, "lines alone are a change"
        registering.state(folder, desk.desk.settings, "bank", {"team": "Deaths", "retention_days": 7})
        argued = registering.read(folder)["bank-together"]
        assert (argued.decides, argued.team, argued.retention_days, argued.bases) == ("itself", "Deaths", 7, ("register",))
        registering.state(folder, desk.desk.settings, "bank", {"team": "", "decides": "itself", "retention_days": -1, "benefit": ""})
        both = {"form_token": said["form_token"], "instruments": "ordinary"}
        await clerk.post("/desk/uses/bank-together", both)
        (joint,) = [use.query.use for use in desk.desk.uses() if (use.type.id, use.query.id) == ("representation", "bank-together")]
        assert (joint["instruments"], joint["bases"]) == (("ordinary",), ("register",)), (
            "what is said of one person holds where no more is said"
        )
        del said["instruments"], said["bases"]
        await clerk.post("/desk/uses/bank", said)
        assert registering.read(folder)["bank"].instruments == ()
