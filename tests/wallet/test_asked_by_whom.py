"""Who may ask for what, as a wallet holds it against every question: domain checks T-FC and T-OA, acceptance tests AT-C23."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.airplane import ATTORNEY, COUNCIL_TAX, DONOR, KIND, POSTCODE, POWERS, Counter
from support.registrars import RegisteredCounter
from support.trial_verify import VCT
from support.wallet_visitor import Visitor
from support.wallets import EASY, PASSPHRASE, Wallet, open_wallet, serve_wallet
from support.world import COUNCIL, World

from shared.credentials import Text, all_types, by_id
from shared.credentials._derive import dcql
from shared.errors import OverDisclosed, PurposeMismatch, VcError
from shared.formats import formats
from shared.openid4vp import IntendedUse, render_use
from shared.trust.anchors import render_trust
from shared.trust.registered_use import RegisteredUse, Want
from shared.trust.relying_party import Registrar
from wallet import register
from wallet.consent import Consent
from wallet.means import TrustFile
from wallet.present import agree, refuse
from wallet.records import KNOWN_USES

ROOT = Path(__file__).resolve().parents[2]
NARROW = replace(
    COUNCIL_TAX,
    wants=(Want(vct=KIND.vct_int, required=(DONOR, POSTCODE, POWERS), optional=(8,)),),
    benefit=Text("You write to us once, and not to each department.", "Rydych yn ysgrifennu atom unwaith."),
    could_stop=Text("Not while the tax is charged to a person.", "Nid tra codir y dreth ar berson."),
    authority=Text("Data Regulator (test)", "Rheoleiddiwr Data (prawf)"),
    authority_contact="complaints@regulator.example",
)
"""The council's registration without the donor's date of birth, for which its ready question asks as well."""
WIDE = replace(NARROW, wants=(Want(vct=KIND.vct_int, required=(DONOR, POSTCODE, POWERS, ATTORNEY), optional=(8, 2)),), retention_days=90)


@dataclass
class Town:
    """A wallet that has heard what the council registered, and can hear it again."""

    wallet: Wallet
    made: type[Counter] = Counter
    counter: Counter = field(init=False)

    def __post_init__(self) -> None:
        self.counter = self.made(self.wallet.world, self.wallet.world.council)

    async def hear(self, *uses: RegisteredUse) -> None:
        self.wallet.world.clock.at += 600 if self.counter.seq > 1 else 0
        self.counter.uses = uses
        self.counter.seq += 1
        self.counter.register()
        await register.refresh(self.wallet.means, now=True)

    async def ask(self, query: Any = "council-tax", **changes: Any) -> Consent:
        return await self.wallet.ask(self.wallet.world.council.ask(query, **changes))

    def shown(self, at: int = -1) -> dict[str, Any]:
        ((wire,),) = self.wallet.world.council.got[at].values()
        claims: dict[str, Any] = dict(formats()["dc+sd-jwt"].peek(formats()["dc+sd-jwt"].parse(wire)).claims)
        return claims


@pytest.fixture(params=[Counter, RegisteredCounter], ids=["anchor", "registrar"])
def made(request: pytest.FixtureRequest) -> type[Counter]:
    """Registered by the organisation's own anchor, or by a registrar of a federation."""
    counter: type[Counter] = request.param
    return counter


@pytest.fixture
async def town(sqlite_uri: str, made: type[Counter]) -> AsyncIterator[Town]:
    async with open_wallet(sqlite_uri) as opened:
        town = Town(opened, made)
        await opened.collect()
        await town.hear(NARROW)
        yield town


def purpose(use_id: str, words: str = "Something else") -> Any:
    return (render_use(IntendedUse(identifier=use_id, purpose=Text(words, words))),)


# --- function creep ----------------------------------------------------------------------------------------------------------------------


async def test_t_fc_1_a_use_that_is_not_registered_is_refused_and_nothing_is_shown(town: Town) -> None:
    view = await town.ask(verifier_info=purpose("parking"))
    assert (view.standing, view.parts, view.registered) == ("other-use", (), None)
    assert "have not registered" in view.problem
    with pytest.raises(PurposeMismatch):
        await agree(town.wallet.means, town.wallet.vault, view.id)
    assert town.wallet.world.council.got == []
    assert not [copy for copy in (await town.wallet.document()).copies if copy.shown_to]
    await refuse(town.wallet.means, town.wallet.vault, view.id)
    line = (await town.wallet.lines())[-1].entry
    assert line.registered
    assert (line.transaction_result, line.registered.standing) == ("declined", "other-use")
    without = await town.ask(use=False)
    assert without.standing == "other-use"


async def test_t_fc_2_a_new_purpose_needs_a_fresh_yes(town: Town) -> None:
    """What was agreed to for one purpose answers no other request, nor the same one twice."""
    await town.hear(NARROW, replace(NARROW, id="parking", purpose=Text("To send you a permit", "I anfon trwydded atoch")))
    first = await town.ask()
    await agree(town.wallet.means, town.wallet.vault, first.id)
    second = await town.ask(verifier_info=purpose("parking", "Just as before"))
    assert (second.state, second.purpose) == ("asked", "To send you a permit")
    assert len(town.wallet.world.council.got) == 1
    await agree(town.wallet.means, town.wallet.vault, first.id)
    assert len(town.wallet.world.council.got) == 1
    assert (await town.wallet.look(second.id)).state == "asked"


async def test_t_fc_3_a_wider_registration_is_marked_in_every_wallet(sqlite_uri: str, tmp_path: Path, made: type[Counter]) -> None:
    world = World()
    async with open_wallet(sqlite_uri, world=world) as one, open_wallet(f"sqlite:///{tmp_path}/2.db", world=world, holder="Peter") as two:
        towns = [Town(one, made), Town(two, made)]
        for at, town in enumerate(towns):
            await town.wallet.collect(f"pre-{at}")
            await town.hear(NARROW)
        agreed_at = world.clock()
        for town in towns:
            view = await town.ask()
            assert view.registered is not None
            assert (view.registered.more, view.registered.keeps_longer) == ((), False)
        await agree(one.means, one.vault, (await towns[0].ask()).id)
        for town in towns:
            await town.hear(WIDE)
        for town in towns:
            view = await town.ask()
            assert view.registered is not None
            assert view.registered.more == ("Donor’s date of birth", "Attorney’s name")
            assert (view.registered.keeps_longer, view.registered.since) == (True, agreed_at)
        await agree(one.means, one.vault, (await towns[0].ask()).id)
        for town, marked in zip(towns, (False, True), strict=True):
            view = await town.ask()
            assert view.registered is not None
            assert bool(view.registered.more) is marked, "who agreed to more has seen it"


def test_t_fc_4_no_rule_is_relaxed_for_a_public_body() -> None:
    """``isPSB`` of the European register, under any name, stands in no line that decides."""
    code = [path for folder in ("shared", "verifier", "wallet", "issuer") for path in (ROOT / folder).rglob("*.py")]
    code += list((ROOT / "shared" / "web" / "static" / "js").rglob("*.js"))
    named = [
        str(path) for path in code if any(word in path.read_text(encoding="utf-8").lower() for word in ("ispsb", "is_psb", "public_body"))
    ]
    assert len(code) > 200
    assert named == []


def test_t_fc_5_nothing_is_presented_but_by_an_act_of_the_holder() -> None:
    """Who signs a presentation, and who calls those: forms, the holder's API and commands. No timer, no bulk."""
    called: dict[str, set[str]] = {}
    for path in (ROOT / "wallet").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for name in names & {"sign_presentation", "agree", "make_out", "give", "carry_on", "carry_on_all"}:
            called.setdefault(name, set()).add(str(path.relative_to(ROOT)))
    to_the_issuer = {
        "wallet/at_office.py",
        "wallet/corrections.py",
        "wallet/permissions.py",
    }  # and to those who have it already
    assert called["sign_presentation"] == {"wallet/present.py", "wallet/share.py", "wallet/answer.py"} | to_the_issuer
    assert "ask" not in {
        node.attr for node in ast.walk(ast.parse((ROOT / "wallet/both_sides.py").read_text())) if isinstance(node, ast.Attribute)
    }
    callers = called["agree"] | called["make_out"] | called["give"]
    assert callers <= {
        "wallet/pages/asking.py", "wallet/pages/copies.py", "wallet/holder_api.py", "wallet/at_terminal.py", "wallet/at_counter.py",
        "wallet/pages/tell.py", "wallet/pages/moving.py",  # the last agrees to a move to another phone, and presents nothing
    }  # fmt: skip
    # Many are told at once, once agreed to, and for some days (test_telling.test_t_fc_5_nobody_is_told_by_the_clock_once_the_days_are_over).
    # A program of the holder's that says it once more by the same key has what it agreed to carried on.
    assert called["carry_on"] == {"wallet/telling.py", "wallet/tell_api.py"}
    assert called["carry_on_all"] == {"wallet/app.py", "wallet/at_tell.py"}


async def test_t_fc_5_open_questions_are_never_answered_by_the_clock(town: Town) -> None:
    views = [await town.ask() for _ in range(3)]
    for _ in range(6):
        await town.wallet.upkeep()
        town.wallet.world.clock.at += 3_600
    assert town.wallet.world.council.got == []
    assert {(await town.wallet.look(view.id)).state for view in views} == {"asked"}


# --- over-asking -------------------------------------------------------------------------------------------------------------------------


async def test_t_oa_1_one_detail_too_many_is_named_and_left_out(town: Town) -> None:
    asked = dcql(all_types()[VCT], "council-tax")
    asked["credentials"][0].pop("claim_sets")
    asked["credentials"][0]["claims"] = [claim for claim in asked["credentials"][0]["claims"] if "restrictions_text" not in claim["path"]]
    view = await town.ask(asked)
    assert view.registered is not None
    assert view.registered.left_out == ("Donor’s date of birth",)
    assert "Donor’s date of birth" in view.not_shown
    await agree(town.wallet.means, town.wallet.vault, view.id)
    assert "birthdate" not in town.shown()["represented"]
    line = (await town.wallet.lines())[-1].entry
    assert line.registered
    assert line.registered.left_out == ("Donor’s date of birth",)
    assert "represented/birthdate" in line.claims_requested[0].claims
    (known,) = await town.wallet.storage.read(lambda tx: KNOWN_USES.all(tx, town.wallet.vault))
    assert known.value.over_asked == 1
    await town.ask(asked)
    (known,) = await town.wallet.storage.read(lambda tx: KNOWN_USES.all(tx, town.wallet.vault))
    assert known.value.over_asked == 2


async def test_t_oa_2_optional_details_are_off_by_default(town: Town) -> None:
    await town.hear(WIDE)
    asked = dcql(all_types()[VCT], "council-tax")
    del asked["credentials"][0]["claim_sets"]  # demands the date of birth, which is registered as optional
    asked["credentials"][0]["claims"] = [claim for claim in asked["credentials"][0]["claims"] if "restrictions_text" not in claim["path"]]
    view = await town.ask(asked)
    assert view.registered is not None
    assert view.registered.freed == ("Donor’s date of birth",)
    assert [extra.label for extra in view.optional] == ["Donor’s date of birth"]
    await agree(town.wallet.means, town.wallet.vault, view.id)
    assert "birthdate" not in town.shown()["represented"]
    again = await town.ask(asked)
    await agree(town.wallet.means, town.wallet.vault, again.id, optional=[again.optional[0].key])
    assert town.shown()["represented"]["birthdate"] == "1938-11-02"


def test_t_oa_3_an_age_check_asks_for_the_age() -> None:
    """The ready question asks for ``age_over_18`` alone, and what it registers does not cover a date of birth."""
    from shared.dcql import parse_query
    from wallet.narrow import narrow

    person = by_id("person")
    ready = person.query("over-18")
    assert ready is not None
    assert (ready.paths, ready.optional) == ((("age_over_18",),), ())
    age = replace(COUNCIL_TAX, id="over-18", wants=(Want(vct=person.vct_int, required=(6,)),))
    asked = dcql(person, "over-18")
    asked["credentials"][0]["claims"].append({"path": ["birthdate"]})
    assert [label.en for label in narrow(parse_query(asked), age).left_out] == ["Date of birth"]
    reasoned = replace(age, wants=(Want(vct=person.vct_int, required=(6, 2)),))
    assert narrow(parse_query(asked), reasoned).left_out == ()


# --- C23 ---------------------------------------------------------------------------------------------------------------------------------


async def test_at_c23_1_who_is_not_registered_gets_a_warning_and_a_no_first(tmp_path: Path) -> None:
    async with serve_wallet(tmp_path / "wallet") as site:
        visitor = Visitor(site)
        await visitor.enter()
        await visitor.collect()
        await visitor.get("/present")
        await visitor.post("/present", {"link": site.world.council.ask()}, files={})
        assert "Nobody whom your wallet trusts has registered what they may ask for" in visitor.text
        assert visitor.text.index("Don’t share") < visitor.text.index("Share once, although nobody registered it")
        await visitor.post(visitor.path, {"decision": "refuse"})
        assert site.world.council.got == []


async def test_at_c23_2_what_goes_beyond_is_left_out_or_refused_and_counted(town: Town) -> None:
    other = by_id("person")
    view = await town.ask(dcql(other, "over-18"))
    assert "did not register to ask for this kind of document" in view.problem
    assert view.registered is not None
    assert view.registered.left_out == ("Proof of identity",)
    with pytest.raises(VcError):
        await agree(town.wallet.means, town.wallet.vault, view.id)
    assert town.wallet.world.council.got == []
    (known,) = await town.wallet.storage.read(lambda tx: KNOWN_USES.all(tx, town.wallet.vault))
    assert known.value.over_asked == 1


async def test_at_c23_2_a_document_that_holds_nothing_back_is_not_shown_beyond_its_registration(
    sqlite_uri: str, made: type[Counter]
) -> None:
    async with open_wallet(sqlite_uri) as wallet:
        wallet.world.office.formats = ("vc+jwt",)
        await wallet.collect()
        town = Town(wallet, made)
        await town.hear(NARROW)
        claims = [{"path": ["credentialSubject", "powers", None]}]
        query = {
            "credentials": [
                {"id": "w", "format": "vc+jwt", "meta": {"type_values": [["VerifiableCredential"], [KIND.vcdm_type]]}, "claims": claims}
            ]
        }
        view = await town.ask(query)
        assert "Nothing in this document can be held back" in view.problem
        with pytest.raises(OverDisclosed):
            await agree(wallet.means, wallet.vault, view.id)
        assert wallet.world.council.got == []


async def test_at_c23_3_looking_somebody_up_in_the_kept_register_reveals_nothing(tmp_path: Path, made: type[Counter]) -> None:
    world = World()
    async with serve_wallet(tmp_path / "wallet", world=world) as site:
        visitor = Visitor(site)
        await visitor.enter()
        assert "Nobody is in it yet" in await visitor.get("/who")
        made(world, world.council, uses=(NARROW,)).register()
        await register.refresh(site.host.means, now=True)
        fetched = len(world.log)
        assert "Anytown Borough Council" in await visitor.get("/who")
        assert "Nobody fits" in await visitor.get("/who?q=nobody")
        assert "Council tax" in await visitor.get("/who?q=tax")
        page = await visitor.get(f"/who?entity={COUNCIL}")
        for words in (
            "Not while the tax is charged",
            "Data Regulator (test)",
            "complaints@regulator.example",
            "Donor’s postcode",
            "30 days",
            "They have not said.",
        ):
            assert words in page, words
        await visitor.get("/who?entity=https://nobody.example")
        assert visitor.status == 404
        assert len(world.log) == fetched


async def test_registered_words_stand_on_the_consent_page_and_in_the_history(tmp_path: Path, made: type[Counter]) -> None:
    world = World()
    made(world, world.council, uses=(NARROW,)).register()
    async with serve_wallet(tmp_path / "wallet", world=world) as site:
        await register.refresh(site.host.means, now=True)
        visitor = Visitor(site)
        await visitor.enter()
        await visitor.collect()
        await visitor.get("/present")
        await visitor.post("/present", {"link": world.council.ask()}, files={})
        for words in (
            "To talk to you about Margaret’s council tax",
            "Registered by",
            "Asks for more than it registered for",
            "Not while the tax is charged",
        ):
            assert words in visitor.text, words
        assert "No register has checked them" not in visitor.text
        where = visitor.path
        world.clock.at += 600
        made(world, world.council, uses=(WIDE,), seq=2).register()
        await register.refresh(site.host.means, now=True)
        await visitor.post("/present", {"link": world.council.ask()}, files={})
        assert "This organisation now asks for more" in visitor.text
        assert "Attorney’s name" in visitor.text
        assert "asks for more than before" in await visitor.get(f"/who?entity={COUNCIL}")
        await visitor.get(where)
        await visitor.post(where, {"decision": "refuse"})
        page = await visitor.get("/history/2")
        for words in (
            "registered to ask for this",
            "Not while the tax is charged",
            "Data Regulator (test)",
            "without having registered it",
        ):
            assert words in page, words


async def test_whoever_a_registrar_alone_vouches_for_is_known_and_asked_about(sqlite_uri: str, tmp_path: Path) -> None:
    """The wallet's host pinned the ministry above the registrar, and nobody else who asks."""
    async with open_wallet(sqlite_uri) as wallet:
        await wallet.collect()
        town = Town(wallet, RegisteredCounter)
        assert (await town.ask()).asker.proved
        wallet.world.strangers.add(COUNCIL)
        file = tmp_path / "trust.json"
        file.write_bytes(render_trust(wallet.world.policy().anchors))
        trust = TrustFile(file)
        wallet.means = replace(wallet.means, trust=trust, learn=trust.learn)
        assert not (await town.ask()).asker.proved
        await town.hear(NARROW)
        view = await town.ask()
        assert (view.asker.proved, view.standing, view.asker.name) == (True, "registered", wallet.world.council.name)
        await agree(wallet.means, wallet.vault, view.id)
        assert len(wallet.world.council.got) == 1


# --- a registration that comes along -----------------------------------------------------------------------------------------------------


def carried(town: Town, **changes: Any) -> Any:
    """The council's certificate inside its request."""
    from support.airplane import registration

    data = registration(town.counter, **changes)
    return (render_use(IntendedUse(identifier="council-tax", purpose=Text("x", "y"), registration=data)),)


async def test_a_carried_certificate_counts_until_its_anchor_is_heard(sqlite_uri: str) -> None:
    async with open_wallet(sqlite_uri) as wallet:
        await wallet.collect()
        town = Town(wallet)
        town.counter.uses = (NARROW,)
        named = Registrar(entity="https://registrar.example", name=Text("Registrar (test)", "Cofrestrydd (prawf)"))
        view = await town.ask(verifier_info=carried(town, registrar=named))
        assert (view.standing, view.purpose) == ("registered", "To talk to you about Margaret’s council tax")
        assert view.registered is not None
        assert view.registered.registrar == "Registrar (test)"
        assert (await town.ask(verifier_info=carried(town, entity="https://other.example"))).standing == "unregistered"
        broken = (render_use(IntendedUse(identifier="council-tax", purpose=Text("x", "y"), registration=b"x")),)
        assert (await town.ask(verifier_info=broken)).standing == "unregistered"
        wide = carried(town, uses=(WIDE,))
        await town.hear(NARROW)
        view = await town.ask(verifier_info=wide)
        assert view.registered is not None
        assert view.registered.left_out == ("Donor’s date of birth",), "the register that was heard knows better"


async def test_what_was_known_of_organisations_comes_along_in_a_backup(town: Town) -> None:
    from wallet.backup import BackupTools, open_backup, restore

    await town.ask()
    wallet = town.wallet
    tools = BackupTools(storage=wallet.storage, hardness=EASY, clock=wallet.world.clock, entropy=wallet.means.entropy)
    data = await tools.back_up(wallet.vault, holder="Nora Ashdown", passphrase=PASSPHRASE)
    content = await open_backup(data, PASSPHRASE)
    again = await restore(
        wallet.doors,
        content,
        holder="Nora again",
        passphrase=PASSPHRASE,
        at=wallet.world.clock(),
        entropy=wallet.means.entropy,
    )
    await town.hear(WIDE)
    wallet.opened = again
    view = await town.ask()
    assert view.registered is not None
    assert view.registered.more
