"""Story ``tom``: a son settles his father's estate: as named executor, with the grant, through solicitors, and while somebody objects."""

from __future__ import annotations

from typing import Any

from demo.script import Script
from demo.stage import RefusedError, Stage
from demo.town import House, Town, found, said, tell_view, tell_what_is_kept

TOM, FIRM = "Tom Penhale", "Hale and Finch LLP"
ARTHUR = {"given_name": "Arthur", "family_name": "Penhale", "birthdate": "1931-04-20", "death_date": "2027-02-03"}
EXECUTOR: dict[str, Any] = {
    "authority_level": "named-executor",
    "decision_rule": "alone",
    "acts_for_another": False,
    "has_limits": False,
    "acts": ["general"],
    "deceased": ARTHUR,
    "representative": {"given_name": "Tom", "family_name": "Penhale"},
}
GRANT: dict[str, Any] = EXECUTOR | {
    "authority_level": "grant-of-probate",
    "grant_date": "2027-05-02",
    "registry": "Winchester",
    "grant_number": "1547-0001",
    "estate_net_value_band": "up-to-325000",
}
SOLICITOR: dict[str, Any] = GRANT | {
    "acts_for_another": True,
    "acts": ["pensions"],
    "representative": {"given_name": "Miriam", "family_name": "Hale"},
    "acting_for": {"given_name": "Tom", "family_name": "Penhale"},
}
HOUSES = (
    House("probate", "Probate Registry (test)", "issuer"),
    House(
        "bank",
        "Northwold Bank",
        more=('claims_kept = ["name and date of death of the customer", "name of the executor"]', "retention_days = 2190"),
    ),
    House("pensions", "Pensions Office (test)", more=('claims_kept = ["name and date of death", "whom to pay"]', "retention_days = 730")),
)
KIND = "estate-authority"


async def play(stage: Stage, script: Script) -> list[str]:
    """Play the whole story and return the addresses and sign-ins to look around with."""
    script.title("Tom settles his father's estate: what an executor may do, and what needs the grant")
    with script.step("A probate registry, a bank, a pensions office, and wallets for Tom and his solicitors", expected="all there") as step:
        town = await found(stage, *HOUSES)
        for person in (TOM, FIRM):
            await town.open_wallet(person)
        step.came("all there")
    executor = await named_executor(town, script)
    await asks(town, script, TOM, "bank", "freeze", document=executor, expected="accepted")
    await asks(town, script, TOM, "bank", "release", document=executor, expected="rejected: needs_grant")
    grant, number = await with_the_grant(town, script)
    await asks(town, script, TOM, "bank", "release", document=grant, expected="accepted")
    await offline(town, script, grant, "before", expected="accepted")
    await solicitors(town, script)
    await objection(town, script, grant, number)
    await at_the_end(town, script)
    return [
        f"the registry's desk    {town.url('probate')}/console/   sign in as {town.made['probate']['operator']} with {town.made['probate']['passphrase']}",
        f"Tom's wallet           {town.url('wallet')}/   sign in as {TOM} with {town.passphrases[TOM]}",
        f"the bank's desk        {town.url('bank')}/desk/   sign in as {town.made['bank']['operator']} with {town.made['bank']['passphrase']}",
    ]


async def named_executor(town: Town, script: Script) -> str:
    with script.step("Arthur's will names his son. The registry writes to Tom, and he collects", expected="1 card") as step:
        document = await town.collect(TOM, await town.make("probate", KIND, EXECUTOR))
        cards = (await town.by(TOM, "GET", "/api/cards"))["cards"]
        for card in cards:
            script.say(f"{card['title']} from {card['issuer_name']}.")
            script.show("\n".join(f"{line['label']}: {line['value']}" for line in card["details"]))
        step.came(f"{len(cards)} card")
    return document


async def asks(town: Town, script: Script, person: str, desk: str, query: str, *, document: str, expected: str) -> None:
    """A body asks what its use needs; what it decides."""
    name = town.houses[desk].name
    words = {
        "freeze": f"{name} is asked to freeze Arthur's account",
        "release": f"{name} is asked for the £40,000 in it",
        "estate-pensions": f"{name} is asked to settle Arthur's pension",
    }[query]
    with script.step(words, expected=expected) as step:
        view, verdict = await town.show(person, desk, KIND, query, document)
        tell_view(script, view)
        step.came(said(verdict))


async def with_the_grant(town: Town, script: Script) -> tuple[str, str]:
    """The document in Tom's wallet, and its name at the registry."""
    with script.step("The court grants probate. Tom collects the new document", expected="collected") as step:
        made = await town.make("probate", KIND, GRANT, reference="1547-0001")
        document = await town.collect(TOM, made)
        step.came((await town.at("probate", "GET", f"/api/credentials/{made['id']}"))["state"])
    return document, str(made["id"])


async def offline(town: Town, script: Script, document: str, when: str, *, expected: str) -> None:
    """Tom sends a copy by e-mail; the bank checks it without a network."""
    with script.step("Tom e-mails a copy made out to the bank, which checks it", expected=expected, network=False) as step:
        script.say(await town.copy(TOM, "bank", KIND, "release", document, file=f"copy-{when}.json"))
        await town.run("bank", "bundle", "make", "--out", str(town.path(f"{when}.pack")))
        script.say(f"The process that checks has {town.stage.isolation.how}.")
        step.came(said(await town.check("bank", f"copy-{when}.json", f"{when}.pack")))


async def solicitors(town: Town, script: Script) -> None:
    """Hale and Finch act for Tom, for the pension and nothing else."""
    with script.step(
        "Tom instructs Hale and Finch, for the pension only. Their document says so, and for whom", expected="collected"
    ) as step:
        made = await town.make("probate", KIND, SOLICITOR)
        document = await town.collect(FIRM, made)
        step.came((await town.at("probate", "GET", f"/api/credentials/{made['id']}"))["state"])
    await asks(town, script, FIRM, "pensions", "estate-pensions", document=document, expected="accepted")
    with script.step("They try it at the bank, for the money in the account", expected="their wallet shows nothing: access_denied") as step:
        request = await town.ask("bank", KIND, "release")
        view = await town.look(FIRM, request)
        try:
            await town.agree(FIRM, view, document=document)
            step.came("their wallet showed something")
        except RefusedError as error:
            script.say(f"The wallet says: {error.detail}.")
            step.came(f"their wallet shows nothing: {error.code}")
    with script.step("They send it all the same, as a copy by e-mail", expected="rejected: outside_scope", network=False) as step:
        await town.copy(FIRM, "bank", KIND, "estate-pensions", document, file="copy-firm.json", purpose="release")
        step.came(said(await town.check("bank", "copy-firm.json", "before.pack")))


async def objection(town: Town, script: Script, grant: str, number: str) -> None:
    """A caveat: on hold, and in force again when it is lifted."""
    with script.step("Somebody enters a caveat: the registry puts the grant on hold", expected="on_hold") as step:
        state = await town.at("probate", "POST", f"/api/credentials/{number}/hold", {"reason": "caveat"})
        await town.hear("bank", "pensions")
        step.came(state["state"])
    await offline(town, script, grant, "held", expected="rejected: suspended")
    with script.step("The caveat is lifted", expected="collected") as step:
        state = await town.at("probate", "POST", f"/api/credentials/{number}/reinstate", {"reason": "caveat-lifted"})
        await town.hear("bank", "pensions")
        step.came(state["state"])
    await asks(town, script, TOM, "bank", "release", document=grant, expected="accepted")


async def at_the_end(town: Town, script: Script) -> None:
    with script.step(
        "What each body now holds of Tom and his solicitors, by their own signed receipts", expected="receipts from 2 bodies"
    ) as step:
        _, bodies = await tell_what_is_kept(script, town, TOM, FIRM)
        script.say("The registry holds what it always held, and knows of none of these: nobody asked it anything.")
        step.came(f"receipts from {bodies} bodies")
