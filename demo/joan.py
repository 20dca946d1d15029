"""Story ``joan``: a widow tells fourteen organisations once, from one screen, and each of them answers."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from demo.script import Script
from demo.stage import Stage
from demo.town import House, Town, found, said, tell_what_is_kept
from shared.addressed import render_file
from shared.private_file import write_whole
from shared.sealed_link import find, open_with_words

JOAN = "Joan Penhale"
REGISTRY = "General Register Office (test)"
KIND, USE = "life-event", "tell-of-death"
ARTHUR: dict[str, Any] = {
    "event_type": "death",
    "registration_state": "registered",
    "subject": {
        "given_name": "Arthur",
        "family_name": "Penhale",
        "birthdate": "1931-04-20",
        "address": {"postal_code": "ZZ99 2AB"},
    },
    "death_date": {"value": "2027-02-03"},
    "registered_at": "2027-02-05",
    "register_entry": "urn:fdc:gro.example:2027:death:123456",
}
_BODIES = {
    "council": ("Anytown Borough Council", 2_190),
    "water": ("Brightwater Utilities", 730),
    "driving": ("Driver Records (test)", 365),
    "library": ("Fenfield Library", 90),
    "telecare": ("Lifeline-at-Home", 365),
    "bank": ("Northwold Bank", 2_190),
    "scheme": ("Northwold Pensions", 2_190),
    "passports": ("Passport Records (test)", 365),
    "pensions": ("Pensions Office (test)", 730),
    "landlord": ("Poplar Court Homes", 365),
    "insurer": ("Saxon Mutual", 2_190),
    "tax": ("Tax Records (test)", 2_190),
    "travel": ("Town Travel Cards", 90),
    "county": ("Westshire County Council", 730),
}
KEPT = 'claims_kept = ["First names", "Last name", "Date of death"]'
DOWN, BY_HAND = "library", "telecare"


def houses() -> tuple[House, ...]:
    """The registry, and fourteen bodies; one of them has no inbox."""
    bodies = (
        House(folder, name, more=(KEPT, f"retention_days = {days}", *(("inbox = false",) if folder == BY_HAND else ())))
        for folder, (name, days) in _BODIES.items()
    )
    return House("registry", REGISTRY, "issuer"), *bodies


async def play(stage: Stage, script: Script) -> list[str]:
    """Play the whole story and return the addresses and sign-ins to look around with."""
    script.title("Joan tells fourteen organisations once that Arthur has died")
    with script.step("A registry, fourteen organisations, and a wallet for Joan", expected="all there") as step:
        town = await found(stage, *houses())
        await town.open_wallet(JOAN)
        await town.stage.stop_one(DOWN)
        script.say(f"{_BODIES[DOWN][0]}'s computer is off today. {_BODIES[BY_HAND][0]} takes nothing by inbox.")
        step.came("all there")
    document, number = await registers(town, script)
    wish = await picks(town, script, document)
    copies = await agrees(town, script, wish)
    await by_hand(town, script, copies)
    await mistake(town, script, document, number)
    await at_the_end(town, script)
    operator, passphrase = (town.made["registry"][name] for name in ("operator", "passphrase"))
    return [
        f"the registry's desk    {town.url('registry')}/console/   sign in as {operator} with {passphrase}",
        f"Joan's wallet          {town.url('wallet')}/   sign in as {JOAN} with {town.passphrases[JOAN]}",
        f"the council's desk     {town.url('council')}/desk/   sign in as {town.made['council']['operator']} with {town.made['council']['passphrase']}",
    ]


async def registers(town: Town, script: Script) -> tuple[str, str]:
    """The document in Joan's wallet, and its name at the registry."""
    with script.step(
        "The registrar enters Arthur's death. Joan collects the proof before she leaves the office", expected="collected"
    ) as step:
        made = await town.make("registry", KIND, ARTHUR)
        document = await town.collect(JOAN, made)
        card = await town.by(JOAN, "GET", f"/api/cards/{document}")
        script.show("\n".join(f"{line['label']}: {line['value']}" for line in card["details"]))
        script.say("Why he died is not in it: that is a document of its own, which nobody is asked for by accident.")
        step.came((await town.at("registry", "GET", f"/api/credentials/{made['id']}"))["state"])
    return document, str(made["id"])


async def picks(town: Town, script: Script, document: str) -> dict[str, Any]:
    """What agreeing would do."""
    with script.step(
        "She opens one list: who has registered to be told of a death, and what each would learn", expected="14 organisations"
    ) as step:
        listed = (await town.by(JOAN, "GET", f"/api/organisations?document={document}"))["bodies"]
        picked = [each for each in listed if each["use"] == USE]
        wish = {"document": document, "to": [{"entity": each["entity"], "use": each["use"]} for each in picked]}
        plan = await town.by(JOAN, "POST", "/api/organisations/look", wish)
        learns = {part["entity"]: ", ".join(label for label, _ in part["learns"]) for part in plan["parts"]}
        for each in picked:
            script.show(f"{each['name']}: keeps it {each['keeps_days']} days{'' if each['way'] == 'inbox' else ', and gets it by hand'}")
        for what in dict.fromkeys(learns.values()):
            script.say(f"{len([each for each in learns.values() if each == what])} of them learn: {what}.")
        step.came(f"{len(picked)} organisations")
    return wish | {"seen": plan["seen"]}


async def agrees(town: Town, script: Script, wish: dict[str, Any]) -> dict[str, str]:
    """The copy for each body by its identifier."""
    expected = "accepted 12, by-hand 1, waiting 1"
    with script.step(
        "She agrees once. Fourteen copies are made, each for one body alone; the answers come back", expected=expected
    ) as step:
        told = await town.answers(JOAN, await town.by(JOAN, "POST", "/api/tell", wish), silent=1)
        for letter in told["letters"]:
            script.show(f"{letter['name']}: {letter['state']}{', with its signed receipt' if letter['receipt'] else ''}")
        script.say(f"To {_BODIES[DOWN][0]} the wallet tries again by itself, for as long as the copy is good.")
        step.came(in_words(told))
    return {letter["entity"]: letter["copy"] for letter in told["letters"]}


async def by_hand(town: Town, script: Script, copies: dict[str, str]) -> None:
    """A locked page by e-mail, its words by telephone; opened where there is no network."""
    name = _BODIES[BY_HAND][0]
    with script.step(f"{name} gets a locked page by e-mail, and seven words by telephone", expected="accepted", network=False) as step:
        made = await town.by(JOAN, "POST", f"/api/addressed/{copies[town.url(BY_HAND)]}/locked-links", {})
        town.path("locked.html").write_text(made["html"], encoding="utf-8")
        write_whole(town.path("words"), made["words"].encode())
        script.say(f"The words are: {made['words']}")
        await town.run(BY_HAND, "bundle", "make", "--out", str(town.path("telecare.pack")))
        step.came(said(await town.check(BY_HAND, "locked.html", "telecare.pack", "--words", str(town.path("words")))))
    with script.step(
        f"{name} puts what was in it before its desk, and mails her a receipt, which she takes in", expected="accepted"
    ) as step:
        link = open_with_words(find(made["html"]) or "", made["words"])
        checked = await town.at(BY_HAND, "POST", "/api/copies", json.loads(render_file(link.copy)))
        lines = (await town.by(JOAN, "GET", "/api/history"))["entries"]
        seq = next(line["seq"] for line in lines if line["transactionType"] == "addressed-copy" and of_whom(line) == town.url(BY_HAND))
        taken = await town.by(JOAN, "POST", f"/api/history/{seq}/receipt", {"text": checked["receipt"]})
        script.say("Her wallet holds it against the copy that it made: it is for that one, and signed by them.")
        step.came(taken["problem"] or taken["decision"])


def of_whom(line: dict[str, Any]) -> str:
    """The body of a line of the history, by its identifier."""
    return str(line["interactingPartyIdentifier"]["identifier"])


async def mistake(town: Town, script: Script, document: str, number: str) -> None:
    """A slip in the date of death is put right; the wallet, not the registry, knows who was told."""
    with script.step(
        "Joan sees a slip in the date of death and says so from the card; the registrar puts it right", expected="2 February 2027"
    ) as step:
        said_wrong = {"detail": "death_date/value", "words": "He died on the 2nd, before midnight."}
        ticket = await town.by(JOAN, "POST", f"/api/cards/{document}/corrections", said_wrong)
        right = {**ARTHUR, **town.signs("registry"), "death_date": {"value": "2027-02-02"}}
        order = {"claims": right, "reason": "typing error", "answers": ticket["reference"]}
        await town.at("registry", "POST", f"/api/credentials/{number}/correction", order)
        await town.by(JOAN, "POST", f"/api/corrections/{ticket['id']}/ask")
        card = await town.by(JOAN, "GET", f"/api/cards/{document}")
        script.say(
            f"Her message has the number {ticket['reference']}; until it was answered, new copies would have said that a detail is disputed."
        )
        step.came(next(line["value"] for line in card["details"] if line["label"] == "Date of death"))
    with script.step("Her wallet offers to tell those who were told, and she agrees", expected="accepted 12, waiting 1") as step:
        listed = (await town.by(JOAN, "GET", f"/api/organisations?document={document}"))["bodies"]
        wish = {
            "document": document,
            "about": document,
            "to": [{"entity": each["entity"], "use": each["use"]} for each in listed if each["stale"] and each["way"] == "inbox"],
        }
        plan = await town.by(JOAN, "POST", "/api/organisations/look", wish)
        told = await town.answers(JOAN, await town.by(JOAN, "POST", "/api/tell", wish | {"seen": plan["seen"]}), silent=1)
        script.say("Each gets a new copy that names the one before. The registry is told of none of them.")
        step.came(in_words(told))


def in_words(told: dict[str, Any]) -> str:
    """How many letters stand how."""
    states = Counter(letter["state"] for letter in told["letters"])
    return ", ".join(f"{state} {count}" for state, count in sorted(states.items()))


async def at_the_end(town: Town, script: Script) -> None:
    with script.step("What each body now holds of Arthur, by their own signed receipts", expected="receipts from 13 bodies") as step:
        _, bodies = await tell_what_is_kept(script, town, JOAN)
        script.say(
            f"{_BODIES[DOWN][0]} is still off, and holds nothing. To {_BODIES[BY_HAND][0]} she still has to bring the corrected copy, as she did the first."
        )
        script.say("The registry holds the entry, as it always did, and knows of nobody who was told.")
        step.came(f"receipts from {bodies} bodies")
