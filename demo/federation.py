"""Story ``federation``: twelve bodies below two anchors, a holder whom four of them serve, and five desks, of which two ask what they may not.

Nobody is needed by two others at the moment of use: in the middle of it every office is switched off, and the desks go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

from demo import dealings
from demo.dealings import DOCUMENTS, OVER, said
from demo.poa import show_checks
from demo.realm import WALLET, Body, Realm, approve_all, end, enrol, listen, open_doors, propose, register, set_up, together
from demo.script import Script
from demo.stage import RefusedError, Stage
from shared.credentials import all_types

WORDS = {"entitlements": "may make", "accredits": "may let others make"}


async def play(stage: Stage, script: Script) -> list[str]:
    """Play the whole story and return the addresses and sign-ins to look around with."""
    script.title("A federation: who may say what, who may ask for what, and nobody in the middle")
    realm = await found(stage, script)
    await come_below(script, realm)
    await argue(script, realm)
    await pin(script, realm)
    await collect(script, realm)
    await overstep(script, realm)
    await show(script, realm, "council", "The council asks. It has never heard of the Public Guardian, and pinned only the two anchors")
    await show_two(script, realm)
    await show_deep(script, realm)
    await ask_too_much(script, realm)
    await ask_unregistered(script, realm)
    await check_offline(script, realm, "before", expected="exit 0: accepted")
    await switch_off(script, realm)
    await end_authority(script, realm)
    await worst_day(script, realm)
    await check_offline(script, realm, "after", expected="exit 1: rejected: untrusted")
    ministry, council, nora = (realm.made[each] for each in ("ministry", "council", WALLET))
    return [
        f"the Ministry's desk    {realm.url('ministry')}/console/federation   sign in as {ministry['operator']} with {ministry['passphrase']}",
        f"what everybody sees    {realm.url('ministry')}/federated",
        f"Nora's wallet          {realm.url(WALLET)}/   sign in as {nora['holder']} with {nora['passphrase']}",
        f"the council's desk     {realm.url('council')}/desk/   sign in as {council['operator']} with {council['passphrase']}",
    ]


async def found(stage: Stage, script: Script) -> Realm:
    with script.step(
        "Seven offices and five desks set themselves up, each with its own database and its own keys", expected="12 running"
    ) as step:
        realm = await set_up(stage)
        step.came(f"{len(realm.stage.running)} running")
    return realm


async def come_below(script: Script, realm: Realm) -> None:
    with script.step(
        "Six of them come below a superior: one person there invites, the body joins, a second person approves", expected="6 in force"
    ) as step:
        await enrol(realm)
        for anchor in realm.anchors:
            script.show("\n".join(_tree(realm, anchor)))
        in_force = [await _below(realm, each) for each in realm.superiors]
        step.came(f"{sum(in_force)} in force")


async def _below(realm: Realm, office: Body) -> int:
    """How many bodies a superior says that it has below it."""
    return len(await realm.stage.call("GET", realm.url(office.folder) + "/federation/list"))


def _tree(realm: Realm, body: Body, depth: int = 0) -> list[str]:
    """A body and those below it, a line each, with what their superior lets them do."""
    titles = {vct: each.title.en for vct, each in all_types().items()}
    allowed = [
        f"{words}: {titles[each['vct']]}"
        + "".join(f", {limit}" for name in ("attestation_basis", "jurisdiction") for limit in each.get(name, ()))
        for member, words in WORDS.items()
        for each in body.terms.get(member, ())
    ]
    if body.terms.get("may_register"):
        allowed.append("may register who asks")
    lines = [f"{'   ' * depth}{body.name}{f' ({chr(59).join(allowed)})' if allowed else ''}"]
    for each in realm.below():
        if each.superior == body.folder:
            lines += _tree(realm, each, depth + 1)
    return lines


async def argue(script: Script, realm: Realm) -> None:
    with script.step(
        "Two registrars, one below each anchor, register what four of the desks may ask for; the fifth never applied",
        expected="4 registered",
    ) as step:
        await register(realm)
        script.show("\n".join(f"{each.name}: {each.use}, registered by {realm.bodies[each.registrar].name}" for each in realm.registered))
        kept = [await realm.stage.call("GET", realm.url(each) + "/registered.json") for each in ("courts", "registrar")]
        step.came(f"{sum(len(each['parties']) for each in kept)} registered")


async def pin(script: Script, realm: Realm) -> None:
    with script.step("Each desk and Nora's wallet pin the two anchors, and nobody else", expected="4 issuers heard") as step:
        await open_doors(realm)
        heard = await listen(realm, realm.bodies["council"])
        names = {realm.url(each.folder): each.name for each in realm.bodies.values()}
        script.say("By their word the council knows who else there is to listen to:")
        script.show("\n".join(names[each["entity"]] for each in heard))
        step.came(f"{len([each for each in heard if not each['faults']])} issuers heard")


async def collect(script: Script, realm: Realm) -> None:
    with script.step("Nora collects four documents, of four bodies that her wallet had never heard of", expected="4 cards") as step:
        for office in DOCUMENTS:
            await dealings.issue(realm, office)
        cards = await dealings.cards(realm)
        script.show("\n".join(f"{card['title']} from {card['issuer_name']}" for card in cards))
        step.came(f"{len(cards)} cards")


async def overstep(script: Script, realm: Realm) -> None:
    with script.step(
        "The solicitor signs that she read it in a register. The Devolved Registries let her say only what she inspected",
        expected="refused by the wallet: not_entitled",
    ) as step:
        claims = {**DOCUMENTS["guardian"][1], "issuing_jurisdiction": "GB-SCT"}
        made = await dealings.mint(realm, "solicitor", claims=claims)
        step.came(await _refused(script, dealings.collect(realm, made)))


async def _refused(script: Script, work: Awaitable[object]) -> str:
    try:
        await work
    except RefusedError as error:
        script.say(f"Nora reads: {error.detail}.")
        return f"refused by the wallet: {error.code}"
    return "taken by the wallet"


# --- the desks ask -----------------------------------------------------------------------------------------------------------------------


async def show(script: Script, realm: Realm, desk: str, words: str) -> None:
    with script.step(words, expected="accepted") as step:
        verdict = await dealings.show(realm, realm.bodies[desk])
        show_checks(script, verdict)
        step.came(said(verdict))


def show_telling(script: Script, verdict: Mapping[str, Any]) -> None:
    """Of the lines of a verdict those that say something: why it is a no, or a remark beside a yes."""
    checks = [each for each in verdict["checks"] if each["code"] and each["code"] != "not_reached"]
    show_checks(script, {"checks": checks})


async def show_two(script: Script, realm: Realm) -> None:
    desk = realm.bodies["bank"]
    with script.step(
        "The bank asks for the power and for proof of identity at once: one of each federation", expected="accepted, by 2 issuers"
    ) as step:
        request = await dealings.ask(realm, desk, query=desk.use)
        view = await dealings.look(realm, request)
        script.say(f"On Nora's screen: {desk.name} asks. {view['purpose']}.")
        await dealings.agree(realm, view, "guardian")
        verdict = (await dealings.state(realm, desk, request))["verdict"]
        script.show("\n".join(f"shown: {each['vct']} by {each['issuer_name']}" for each in verdict["credentials"]))
        step.came(f"{said(verdict)}, by {len({each['issuer'] for each in verdict['credentials']})} issuers")


async def show_deep(script: Script, realm: Realm) -> None:
    with script.step(
        "The Pensions Office asks, and Nora shows the order of the court, which is three levels down",
        expected="accepted, below the Ministry",
    ) as step:
        verdict = await dealings.show(realm, realm.bodies["pensions"])
        (shown,) = verdict["credentials"]
        court = next(each for each in realm.bodies.values() if realm.url(each.folder) == shown["issuer"])
        service = realm.bodies[court.superior]
        script.show(f"shown: {shown['vct']} by {court.name}, below {service.name}, below {realm.bodies[service.superior].name}")
        step.came(f"{said(verdict)}, below {'the Ministry' if service.superior == 'ministry' else 'somebody else'}")


async def ask_too_much(script: Script, realm: Realm) -> None:
    desk = realm.bodies["water"]
    with script.step(
        "Fenland Water asks for two dates of birth beside what it registered, and gets neither; then it asks as it should",
        expected="2 details left out: rejected: request_not_satisfied; as registered: accepted",
    ) as step:
        request = await dealings.ask(realm, desk, dcql_query=OVER, purpose="To deal with the account", purpose_id=desk.use)
        view = await dealings.look(realm, request)
        left_out = view["registered"]["left_out"]
        script.say("On Nora's screen: they ask for more than they have registered. It is left out, whatever she does:")
        script.show("\n".join(left_out))
        await dealings.agree(realm, view, "solicitor")
        decision = said((await dealings.state(realm, desk, request))["verdict"])
        step.came(f"{len(left_out)} details left out: {decision}; as registered: {said(await dealings.show(realm, desk))}")


async def ask_unregistered(script: Script, realm: Realm) -> None:
    desk = realm.bodies["lender"]
    with script.step(
        "Quick Loans Direct asks. The Devolved Registries know who it is; nobody has registered what it may ask",
        expected="unregistered, and declined",
    ) as step:
        request = await dealings.ask(realm, desk)
        view = await dealings.look(realm, request)
        script.say("On Nora's screen: nobody has registered what they may ask for. “Don’t share” stands first, and she takes it.")
        await dealings.refuse(realm, view)
        step.came(f"{view['standing']}, and {(await dealings.state(realm, desk, request))['state']}")


# --- without a network, and without the offices ------------------------------------------------------------------------------------------


async def check_offline(script: Script, realm: Realm, pack: str, *, expected: str) -> None:
    """The copy is made in the first of the two checks, and the same in the second."""
    desk = realm.bodies["pensions"]
    with script.step(
        f"The Pensions Office checks a copy of the court's order, {pack} the worst day", expected=expected, network=False
    ) as step:
        if pack == "before":
            await dealings.make_copy(realm, desk, "court", "copy.json")
        script.show((await dealings.make_pack(realm, desk, f"{pack}.pack")).strip())
        script.say(f"The check has {realm.stage.isolation.how}.")
        code, verdict = await dealings.check_offline(realm, desk, "copy.json", f"{pack}.pack")
        (show_checks if code == 0 else show_telling)(script, verdict)
        script.say(verdict.get("knowledge", ""))
        step.came(f"exit {code}: {said(verdict)}")


async def switch_off(script: Script, realm: Realm) -> None:
    offices = [each.folder for each in realm.of("issuer")]
    with script.step(
        "Lights out: both anchors, the Court Service and all issuers are switched off. The desks go on", expected="4 of 4 accepted"
    ) as step:
        await asyncio.gather(*map(realm.stage.stop_one, offices))
        desks = realm.registered
        for desk in desks:
            await listen(realm, desk)  # nobody answers
        verdicts = [await dealings.show(realm, desk) for desk in desks]
        script.say(verdicts[0].get("knowledge", ""))
        await together([realm.start(each) for each in ("ministry", "courts", "registries")])  # the issuers stay dark
        step.came(f"{[said(each) for each in verdicts].count('accepted')} of {len(desks)} accepted")


async def end_authority(script: Script, realm: Realm) -> None:
    desk = realm.bodies["water"]
    with script.step(
        "The Devolved Registries end the solicitor's authority: one person proposes, another approves",
        expected="accepted, and told: authority_ended",
    ) as step:
        await propose(realm, realm.bodies["solicitor"], {})
        await approve_all(realm, realm.bodies["registries"])
        await listen(realm, desk)
        verdict = await dealings.show(realm, desk)
        script.say("What she rightly said before stands, for as long as a copy lives, and the desk is told both:")
        show_telling(script, verdict)
        step.came(f"{said(verdict)}, and told: {', '.join({each['code'] for each in verdict['checks'] if each['code']})}")


async def worst_day(script: Script, realm: Realm) -> None:
    desk = realm.bodies["pensions"]
    with script.step(
        "The worst day: the court's keys are in other hands. One person at the Court Service ends it",
        expected="the court's order: rejected: untrusted; the Public Guardian's power: accepted",
    ) as step:
        await end(realm, realm.bodies["court"], "keys stolen")
        await listen(realm, desk)
        order = await dealings.show(realm, desk)
        show_telling(script, order)
        power = await dealings.show(realm, realm.bodies["council"])
        step.came(f"the court's order: {said(order)}; the Public Guardian's power: {said(power)}")
