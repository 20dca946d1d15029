"""Story ``nora``: a daughter acts for her mother, who sees it and can stop it."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from demo.realm import WALLET
from demo.script import Script
from demo.stage import RefusedError, Stage, StageError
from demo.town import House, Town, found, said, tell_view, tell_what_is_kept
from shared.clock import floor_day, monotonic, system_clock

NORA, PETER, MARGARET = "Nora Ashdown", "Peter Ashdown", "Margaret Ashdown"
KIND = "representation"
HOUSES = (
    House("guardian", "Office of the Public Guardian (test)", "issuer"),
    House("records", "Anytown Borough Council, records", "issuer"),
    House(
        "council",
        "Anytown Borough Council",
        more=('claims_kept = ["names", "postcode", "power"]', "retention_days = 2190"),
        office="records",
    ),
    House("electoral", "Anytown electoral services", more=('claims_kept = ["names"]', "retention_days = 365")),
    House("county", "Westshire County Council", more=('claims_kept = ["names", "power"]', "retention_days = 730")),
    House("pensions", "Pensions department (test)", more=('claims_kept = ["names", "date of birth", "power"]', "retention_days = 730")),
    House("bank", "Northwold Bank", more=('claims_kept = ["names", "power", "limits"]', "retention_days = 2190")),
)
LPA_1: dict[str, Any] = json.loads(Path(__file__).with_name("lpa-1.json").read_text(encoding="utf-8")) | {
    "powers": ["council-tax", "benefits", "banking", "care-contract"]
}
LPA_2: dict[str, Any] = LPA_1 | {
    "decision_rule": "jointly",
    "cardinality": 2,
    "powers": ["banking", "property.sale"],
    "register_entry": "urn:fdc:opg.example:2027:lpa:M-7890-0400-4018",
    "attorney_number": 1,
}
SECOND = {"given_name": "Peter", "family_name": "Ashdown", "birthdate": "1971-07-30", "appointment_type": "original"}
WRITES = (("council", "council-tax"), ("county", "social-care"), ("pensions", "pensions"))


async def play(stage: Stage, script: Script) -> list[str]:
    """Play the whole story and return the addresses and sign-ins to look around with."""
    script.title("Nora acts for her mother: once made, shown where it is needed, seen by Margaret, stopped by Margaret")
    with script.step(
        "The Public Guardian, a council with two departments, a county, pensions, a bank, and three wallets", expected="all there"
    ) as step:
        town = await found(stage, *HOUSES)
        for person in (NORA, PETER, MARGARET):
            await town.open_wallet(person)
        step.came("all there")
    document, hers = await both_sides(town, script)
    await writes(town, script, document)
    await offline(town, script, document)
    await record(town, script, document)
    await permission(town, script, document)
    await together(town, script)
    await reported(town, script, document, hers)
    await margaret(town, script, document, hers)
    await at_the_end(town, script)
    operator, passphrase = (town.made["guardian"][name] for name in ("operator", "passphrase"))
    return [
        f"the registry's desk    {town.url('guardian')}/console/   sign in as {operator} with {passphrase}",
        *(f"{person}   {town.url(WALLET)}/   passphrase {town.passphrases[person]}" for person in (NORA, PETER, MARGARET)),
        f"the council's desk     {town.url('council')}/desk/   sign in as {town.made['council']['operator']} with {town.made['council']['passphrase']}",
    ]


async def both_sides(town: Town, script: Script) -> tuple[str, str]:
    """What Nora holds, and what Margaret holds of the same."""
    with script.step(
        "The registered power: Nora gets the document to show, Margaret one to see and to stop", expected="1 card and 1 card"
    ) as step:
        made = await town.make("guardian", KIND, LPA_1)
        document = await town.collect(NORA, made)
        hers = await town.collect(MARGARET, await town.at("guardian", "POST", f"/api/credentials/{made['id']}/donor", {}))
        cards = [(await town.by(person, "GET", "/api/cards"))["cards"] for person in (NORA, MARGARET)]
        for (card,), person in zip(cards, (NORA, MARGARET), strict=True):
            script.say(f"{person} holds: {card['title']}.")
        step.came(" and ".join(f"{len(each)} card" for each in cards))
    return document, hers


async def writes(town: Town, script: Script, document: str) -> None:
    """One choice and one yes for three bodies."""
    with script.step("Nora tells the council, the county and pensions, from one screen", expected="accepted, accepted, accepted") as step:
        wish: dict[str, Any] = {"document": document, "to": [{"entity": town.url(body), "use": use} for body, use in WRITES]}
        plan = await town.by(NORA, "POST", "/api/organisations/look", wish)
        for part in plan["parts"]:
            script.show(f"{town.name(part['entity'])} learns: {', '.join(label for label, _ in part['learns'])}")
        told = await town.answers(NORA, await town.by(NORA, "POST", "/api/tell", wish | {"seen": plan["seen"]}))
        step.came(", ".join(letter["state"] for letter in told["letters"]))


async def offline(town: Town, script: Script, document: str) -> None:
    """The bank's computer is cut off."""
    with script.step("The bank's line is down: she brings a copy on a memory stick", expected="accepted", network=False) as step:
        await town.run("bank", "bundle", "make", "--out", str(town.path("bank.pack")))
        script.say(await town.copy(NORA, "bank", KIND, "bank", document, file="nora.json"))
        step.came(said(await town.check("bank", "nora.json", "bank.pack")))


async def record(town: Town, script: Script, document: str) -> None:
    """The council says that it has checked, and another department relies on that."""
    with script.step("The council hands her a record of what it checked; electoral services rely on it", expected="accepted") as step:
        asked = await town.ask("council", KIND, "council-tax")
        await town.agree(NORA, await town.look(NORA, asked), document=document)
        names = {"proxy_given_name": "Nora", "proxy_family_name": "Ashdown"}
        offered = await town.at("council", "POST", f"/api/presentation-requests/{asked['id']}/record", names)
        kept = await town.collect(NORA, offered)
        view, verdict = await town.show(NORA, "electoral", "mandate-receipt", "already-recorded", kept)
        tell_view(script, view)
        script.say("Electoral services asked neither the council nor the Public Guardian.")
        step.came(said(verdict))


async def permission(town: Town, script: Script, document: str) -> None:
    """One thing, once, to one body."""
    with script.step(
        "The county may tell pensions one thing: what Margaret pays for her care", expected="told once; outside_permission; withdrawn"
    ) as step:
        until = dt.datetime.fromtimestamp(floor_day(system_clock()), dt.UTC).date() + dt.timedelta(days=90)
        wish = {
            "type": KIND,
            "query": "social-care",
            "recipient": town.url("pensions"),
            "recipient_name": town.houses["pensions"].name,
            "categories": ["care-contribution-assessment"],
            "purpose": "so that Margaret’s Pension Credit is right",
            "until": until.isoformat(),
        }
        asked = await town.at("county", "POST", "/api/permission-requests", wish)
        view = await town.look(NORA, asked)
        script.say(f"Nora reads: {view['sentence']}")
        await town.agree(NORA, view, document=document)
        (given,) = (await town.at("county", "GET", "/api/permissions"))["items"]
        uses = f"/api/permissions/{given['id']}/uses"
        refused = await refusal(town, uses, {"categories": ["care-contribution-assessment", "savings"]})
        told = await town.at("county", "POST", uses, {"categories": ["care-contribution-assessment"], "reference": "first"})
        (hers,) = (await town.by(NORA, "GET", "/api/permissions"))["items"]
        script.say(f"What she agreed to: {hers['statement']}")
        over = await town.by(NORA, "POST", f"/api/permissions/{hers['id']}/withdraw")
        script.say("The county tried to add her savings: its own program refused, and wrote that down.")
        step.came(f"{'told once' if not told['code'] else told['code']}; {refused}; {over['state']}")


async def refusal(town: Town, path: str, body: Mapping[str, Any]) -> str:
    """The code with which the county's program is refused."""
    try:
        await town.at("county", "POST", path, body)
    except RefusedError as error:
        return error.code
    raise StageError("nothing was refused")


async def together(town: Town, script: Script) -> None:
    """Two who must act together."""
    with script.step(
        "The other power says that Nora and Peter must both agree. Nora shows hers", expected="undecided: needs_more_attorneys"
    ) as step:
        first = await town.collect(NORA, await town.make("guardian", KIND, LPA_2))
        second = await town.collect(PETER, await town.make("guardian", KIND, LPA_2 | {"proxy": SECOND, "attorney_number": 2}))
        asked = await town.ask("bank", KIND, "bank-together")
        view = await town.look(NORA, asked)
        script.say(f"On the screen: {view['sentence']}")
        await town.agree(NORA, view, document=first)
        step.came(said((await town.state("bank", asked))["verdict"]))
    with script.step("Peter shows his, for the same act", expected="accepted: 2 of 2") as step:
        following = await town.at("bank", "POST", f"/api/presentation-requests/{asked['id']}/next")
        await town.agree(PETER, await town.look(PETER, following), document=second)
        state = await town.state("bank", following)
        agreed = state["together"]
        step.came(f"{said(state['verdict'])}: {agreed['agreed']} of {agreed['needed']}")


async def reported(town: Town, script: Script, document: str, hers: str) -> None:
    """What Nora's wallet reports, at an hour that was settled when she collected the document."""
    with script.step(
        "Weeks later, at an hour settled on the first day, Nora's wallet reports. Margaret reads what was done in her name",
        expected="6 uses",
    ) as step:
        due = await until(lambda: town.by(NORA, "GET", f"/api/cards/{document}/donor"), "next_report_at")
        await town.later(due["next_report_at"] - system_clock() + 60, "guardian", "council", WALLET)
        day = dt.datetime.fromtimestamp(due["next_report_at"], dt.UTC)
        script.say(f"It is {day:%d %B %Y} now, by the clocks of the wallets, the Public Guardian and the council.")
        for person in (NORA, MARGARET, PETER):
            await town.sign_in(person)
        seen = await until(lambda: town.by(MARGARET, "GET", f"/api/cards/{hers}/donor"), "uses")
        for use in seen["uses"]:
            day = dt.datetime.fromtimestamp(use["at"], dt.UTC)
            script.show(f"{day:%d %B}: {use['name']}. {use['purpose']}")
        script.say("Nora's wallet wrote this, locked for Margaret's alone. The Public Guardian passed it on and could not read it.")
        step.came(f"{len(seen['uses'])} uses")


async def until(look: Callable[[], Awaitable[dict[str, Any]]], what: str) -> dict[str, Any]:
    """What is seen once there is such a thing; wallets look after their documents three times a minute."""
    ends = monotonic() + 120
    while not (seen := await look())[what]:
        if monotonic() > ends:
            raise StageError(f"there is no {what}")
        await asyncio.sleep(0.3)
    return seen


async def margaret(town: Town, script: Script, document: str, hers: str) -> None:
    """She stops it."""
    with script.step("Margaret stops it for now, from her own wallet", expected="on-hold") as step:
        state = await town.by(MARGARET, "POST", f"/api/cards/{hers}/donor", {"ask": "hold"})
        await town.hear("council")
        step.came(state["standing"])
    with script.step("Nora tries the council once more", expected="rejected: suspended") as step:
        _, verdict = await town.show(NORA, "council", KIND, "council-tax", document)
        script.say("Her wallet finds out by the clock. Then it says that Margaret asked for this, and where Nora can turn.")
        step.came(said(verdict))


async def at_the_end(town: Town, script: Script) -> None:
    with script.step("What each body now holds, by its own signed receipts", expected="receipts from 5 bodies") as step:
        _, bodies = await tell_what_is_kept(script, town, NORA, PETER)
        script.say("The Public Guardian holds the two powers, and knows of no body that was shown one.")
        step.came(f"receipts from {bodies} bodies")
