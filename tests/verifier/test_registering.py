"""What an organisation registers and says of it: settings, file, commands, doctor, and the register that anybody reads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.desk import URL, Running, Template, opened, place, settings_of
from support.trial_web import Watch

from shared.clock import system_entropy
from shared.errors import ConfigError
from shared.openid4vp import find_use
from shared.trust.publication import parse_publication
from shared.trust.registered_use import RegisteredUse
from shared.trust.relying_party import parse_rp_certificate
from shared.web import own_trust
from verifier import registering, upkeep
from verifier.app import one_round
from verifier.cli import main
from verifier.records import registrations
from verifier.registering import FILE, read, registered

SAID = {"benefit": "You need not send papers.", "benefit_cy": "Nid oes raid i chi anfon papurau.", "could_stop": "Not yet."}


def test_every_use_is_registered_with_what_is_asked_beside_it(template: Template) -> None:
    settings = settings_of(template.directory)
    uses = {use.id: use for use in registered(template.directory, settings)}
    assert [want.vct for want in uses["bank"].wants] == [65_001, 65_010]
    assert [want.vct for want in uses["council-tax"].wants] == [65_001]
    assert uses["over-18"].lacks()[:3] == ("retention_days", "privacy_policy", "contact")


def test_what_settings_and_file_say_is_registered(template: Template, tmp_path: Path) -> None:
    place(template, tmp_path / "desk")
    settings = settings_of(
        tmp_path / "desk", supervisory_authority="Regulator", supervisory_authority_contact="a@b.example", support="https://x.example",
        privacy_policy="https://x.example/privacy", contact="x", retention_days=30,
    )  # fmt: skip
    registering.state(tmp_path / "desk", settings, "bank", SAID | {"evidence": "https://x.example/e", "retention_days": 0})
    registering.state(tmp_path / "desk", settings, "bank", {"could_stop_cy": "Ddim eto."})
    bank = next(use for use in registered(tmp_path / "desk", settings) if use.id == "bank")
    assert bank.lacks() == ()
    assert (bank.benefit.cy if bank.benefit else "", bank.retention_days) == ("Nid oes raid i chi anfon papurau.", 0)
    assert bank.could_stop is not None
    assert (bank.could_stop.en, bank.could_stop.cy) == ("Not yet.", "Ddim eto.")
    assert bank.authority is not None
    assert bank.authority.cy == "Regulator"
    assert set(read(tmp_path / "desk")) == {"bank"}


def test_fewer_days_than_what_is_shown_is_kept_are_not_written(template: Template, tmp_path: Path) -> None:
    """A file that says so would keep the service from starting."""
    place(template, tmp_path / "desk")
    settings = settings_of(tmp_path / "desk", keep_minutes=2_880)
    registering.state(tmp_path / "desk", settings, "bank", {"retention_days": 2})
    with pytest.raises(ConfigError, match="keep_minutes is longer"):
        registering.state(tmp_path / "desk", settings, "bank", {"retention_days": 1})
    assert next(use for use in registered(tmp_path / "desk", settings) if use.id == "bank").retention_days == 2


@pytest.mark.parametrize(
    "text",
    [
        "[bank",
        "[bank]\nwhat = 1",
        "[bank]\nbenefit = 1",
        '[bank]\nevidence = "x"',
        "[bank]\nretention_days = -2",
        f'[bank]\nbenefit = "{"x" * 1001}"',
    ],
)
def test_a_file_that_is_not_right(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ConfigError):
        read(tmp_path)


def test_a_use_that_is_not_served_has_nothing_to_say(template: Template, tmp_path: Path) -> None:
    place(template, tmp_path / "desk")
    with pytest.raises(ConfigError):
        registering.state(tmp_path / "desk", settings_of(tmp_path / "desk"), "allotments", {})
    assert read(tmp_path / "desk") == {}


def test_the_commands_tell_what_is_lacking(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place(template, tmp_path / "desk")
    folder = str(tmp_path / "desk")
    assert main(["uses", "state", "bank", "--dir", folder, "--benefit", "Less paper", "--could-stop", "No"]) == 0
    assert "lacks" in capsys.readouterr().out
    assert main(["uses", "show", "--dir", folder]) == 0
    said = capsys.readouterr().out
    assert "could we stop asking?: No" in said
    assert "lacks the evidence that it helps (--evidence)" in said
    assert "Power of attorney: Donor’s name" in said
    assert main(["uses", "show", "--json", "--dir", folder]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["identifier"] == settings_of(tmp_path / "desk").entity_id
    assert main(["uses", "state", "allotments", "--dir", folder]) != 0


async def test_doctor_names_what_a_use_lacks(template: Template, tmp_path: Path) -> None:
    place(template, tmp_path / "desk")
    settings = settings_of(tmp_path / "desk")
    findings = await upkeep.examine(tmp_path / "desk", settings, clock=Watch(1_800_000_000), entropy=system_entropy)
    (found,) = [each for each in findings if each.what == "what may be asked"]
    assert found.ok
    assert "bank does not say" in found.detail
    assert "“could we stop asking?”" in found.detail


async def test_a_change_is_certified_published_and_noted_as_a_version(desk: Running) -> None:
    folder, storage = desk.desk.directory, desk.desk.storage
    await one_round(desk.app)
    before = await storage.read(registrations.versions)
    registering.state(folder, desk.desk.settings, "bank", SAID)
    await one_round(desk.app)
    await one_round(desk.app)
    versions = await storage.read(registrations.versions)
    assert len(versions) == len(before) + 1
    request = await desk.read(await desk.ask())
    use = find_use(request.verifier_info)
    assert use is not None
    assert use.registration is not None
    party = parse_rp_certificate(use.registration)
    assert party.use("bank") == next(each for each in versions[-1].uses if each.id == "bank")
    assert party.registrar is not None
    assert party.registrar.address == f"{URL}/register.json"
    known = await storage.read(own_trust.last)
    assert known is not None
    assert known.document is not None
    assert use.registration in [each.data for each in parse_publication(known.document).artefacts]
    (folder / FILE).write_text("[bank")
    await one_round(desk.app)
    assert await storage.read(registrations.versions) == versions


async def test_nothing_is_carried_before_anything_is_published(template: Template, tmp_path: Path) -> None:
    from verifier.request import registration

    async with opened(template, tmp_path / "desk") as desk:
        assert await registration(desk) is not None
        await desk.storage.write(lambda tx: tx.execute("DELETE FROM own_publication"))
        assert await registration(desk) is None


async def test_anybody_reads_and_downloads_the_register(desk: Running) -> None:
    """AT-C23-3: public and downloadable, the same for everybody; what widened stands in it (T-FC-3)."""
    await one_round(desk.app)
    narrow = [replace(use, wants=tuple(replace(want, optional=()) for want in use.wants)) for use in desk_uses(desk)]
    await desk.desk.storage.write(lambda tx: tx.execute("DELETE FROM registration_version"))
    await desk.desk.storage.write(lambda tx: registrations.note(tx, narrow, at=desk.clock()))
    await one_round(desk.app)
    async with desk.http.get(f"{desk.base}/register.json") as answer:
        told = await answer.json()
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    (party,) = told["parties"]
    assert {use["intendedUseIdentifier"] for use in party["intendedUse"]} >= {"bank", "council-tax", "over-18"}
    first, second = told["versions"]
    assert {each["change"] for each in first["changes"]} == {"added"}
    bank = next(each for each in second["changes"] if each["intendedUseIdentifier"] == "bank")
    assert bank["change"] == "widened"
    assert "Restrictions" in [words["content"] for label in bank["asks_more"] for words in label]
    async with desk.http.get(f"{desk.base}/register") as answer:
        page = await answer.text()
    assert answer.status == 200
    for words in ("Version 2", "asks for more", "Restrictions", "They have not said.", "Save the register as a file"):
        assert words in page, words


def desk_uses(desk: Running) -> list[RegisteredUse]:
    return registered(desk.desk.directory, desk.desk.settings)
