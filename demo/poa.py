"""Story ``poa``: a registry makes a power of attorney, the attorney carries it, relying parties check it, one with the network off."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.config import environment
from demo.script import Script
from demo.stage import Stage
from shared.codec import qr
from verifier.words import OPEN, PASSED, REASONS, REMARKS

REGISTRY = "Office of the Public Guardian (test registry)"
COUNCIL = "Anytown Borough Council"
BANK = "Northwold Bank"
BANK_ENTITY = "https://northwold-bank.example"
BANK_PURPOSE = "bank"
REFERENCE = "M-7890-0400-4000"
MARKS = {"passed": "yes ", "failed": "NO  ", "unchecked": "  ? "}

LPA_1: dict[str, Any] = json.loads(Path(__file__).with_name("lpa-1.json").read_text(encoding="utf-8"))


@dataclass(slots=True)
class Cast:
    """What the set-up made: sign-ins and keys of this one performance."""

    registry: dict[str, Any]
    nora: dict[str, Any]
    council: dict[str, Any]
    wallet_key: str = ""


async def play(stage: Stage, script: Script) -> list[str]:
    """Play the whole story and return the addresses and sign-ins to look around with."""
    script.title("A power of attorney: signed once, carried by the attorney, checked by those who rely on it")
    (stage.folder / "offline").mkdir(exist_ok=True)
    cast = await set_up(stage, script)
    made = await make(stage, script, cast)
    await collect(stage, script, cast, made)
    await pack(stage, script, "checking-pack-before", "The bank fetches a checking pack while it has a network")
    await ask(stage, script, cast, expected="accepted")
    await copy_for_bank(stage, script, cast)
    await check_offline(stage, script, "copy.json", "checking-pack-before", "The bank checks the file", expected="exit 0: accepted")
    await check_offline(
        stage, script, "copy.png", "checking-pack-before", "The bank checks the printed picture", expected="exit 0: accepted"
    )
    await cancel(stage, script, cast, made)
    await ask(stage, script, cast, expected="rejected: revoked")
    await check_offline(
        stage,
        script,
        "copy.json",
        "checking-pack-before",
        "The bank checks again with the old pack",
        expected="exit 0: accepted, saying how old its knowledge is",
        aged=True,
    )
    await pack(stage, script, "checking-pack-after", "The bank fetches a new checking pack")
    await check_offline(
        stage,
        script,
        "copy.json",
        "checking-pack-after",
        "The bank checks with the new pack",
        expected="exit 1: rejected: revoked",
    )
    leave_offline_kit(stage)
    return [
        f"the registry's desk    {stage.url('issuer')}/console/   sign in as {cast.registry['operator']} with {cast.registry['passphrase']}",
        f"Nora's wallet          {stage.url('wallet')}/   sign in as {cast.nora['holder']} with {cast.nora['passphrase']}",
        f"the council's desk     {stage.url('verifier')}/desk/   sign in as {cast.council['operator']} with {cast.council['passphrase']}",
    ]


async def set_up(stage: Stage, script: Script) -> Cast:
    with script.step(
        "Set up a registry, a wallet, a council and a bank, and start the services", expected="four set up, three running"
    ) as step:
        registry = await asyncio.to_thread(
            stage.init, "issuer", "registry", "--name", REGISTRY, "--public-url", stage.url("issuer"), "--port", str(stage.ports["issuer"])
        )
        trust_issuer = f"{registry['anchor']}:credential-issuer:{stage.url('issuer')}"
        council, _bank = await asyncio.gather(
            asyncio.to_thread(
                stage.init, "verifier", "council", "--name", COUNCIL, "--public-url", stage.url("verifier"),
                "--port", str(stage.ports["verifier"]), "--trust", trust_issuer,
            ),
            asyncio.to_thread(stage.init, "verifier", "bank", "--name", BANK, "--entity", BANK_ENTITY, "--trust", trust_issuer),
        )  # fmt: skip
        nora = await asyncio.to_thread(
            stage.init, "wallet", "nora", "--holder", "Nora Ashdown", "--public-url", stage.url("wallet"),
            "--port", str(stage.ports["wallet"]), "--trust", trust_issuer, "--trust", f"{council['anchor']}:relying-party:{stage.url('verifier')}",
        )  # fmt: skip
        services = (("issuer", "registry"), ("wallet", "nora"), ("verifier", "council"))
        for service, folder in services:
            stage.serve(service, folder)
        await asyncio.gather(*(stage.ready(service, folder) for service, folder in services))
        session = await stage.call(
            "POST", stage.url("wallet") + "/api/session", body={"holder": nora["holder"], "passphrase": nora["passphrase"]}
        )
        step.came("four set up, three running")
    return Cast(registry, nora, council, session["token"])


async def make(stage: Stage, script: Script, cast: Cast, *, reference: str = REFERENCE) -> dict[str, Any]:
    with script.step("The registry makes Nora's document: acting for Margaret Ashdown", expected="invitation made") as step:
        made: dict[str, Any] = await stage.call(
            "POST", stage.url("issuer") + "/api/credentials", key=cast.registry["api_key"],
            headers={"Idempotency-Key": reference}, body={"type": "representation", "claims": LPA_1, "reference": reference},
        )  # fmt: skip
        script.say(f"{REGISTRY} signs nothing yet: it invites Nora to collect. The invitation goes by post or on a screen:")
        script.show(made["invitation_link"])
        script.show(qr.terminal(made["invitation_link"]))
        script.say(f"The collection code goes to her separately: {made['code']}")
        (stage.folder / "invitation.png").write_bytes(qr.png(made["invitation_link"]))
        script.say(f"The same code as a picture: {stage.folder / 'invitation.png'}")
        step.came("invitation made")
    return made


async def collect(stage: Stage, script: Script, cast: Cast, made: dict[str, Any]) -> None:
    with script.step("Nora's wallet reads the picture, and she types the code", expected="1 card: Power of attorney") as step:
        picture = base64.b64encode((stage.folder / "invitation.png").read_bytes()).decode()
        await stage.call(
            "POST", stage.url("wallet") + "/api/receive", key=cast.wallet_key, body={"picture_base64": picture, "code": made["code"]}
        )
        cards = (await stage.call("GET", stage.url("wallet") + "/api/cards", key=cast.wallet_key))["cards"]
        for card in cards:
            script.say(
                f"{card['title']} from {card['issuer_name']}: {card['state']}, until {card['expires_on']}, {card['copies_left']} uses."
            )
            script.show("\n".join(f"{line['label']}: {line['value']}" for line in card["details"]))
        step.came(f"{len(cards)} card: {cards[0]['title'] if cards else ''}")


async def ask(stage: Stage, script: Script, cast: Cast, *, expected: str) -> None:
    name = "Anytown council-tax asks, and Nora agrees" if expected == "accepted" else "The council refreshes its list and asks again"
    verifier, wallet = stage.url("verifier"), stage.url("wallet")
    with script.step(name, expected=expected) as step:
        await stage.call("POST", f"{verifier}/api/refresh", key=cast.council["api_key"])
        request = await stage.call(
            "POST", f"{verifier}/api/presentation-requests", key=cast.council["api_key"],
            body={"type": "representation", "query": "council-tax"},
        )  # fmt: skip
        view = await stage.call("POST", f"{wallet}/api/requests", key=cast.wallet_key, body={"link": request["link"]})
        script.say(f"On Nora's screen: {view['sentence']}")
        script.show("\n".join(f"would be shown: {line['label']}: {line['value']}" for line in view["details"]))
        script.show("\n".join(f"not shown: {label}" for label in view["not_shown"]))
        answer = await stage.call(
            "POST",
            f"{wallet}/api/requests/{view['id']}/agree",
            key=cast.wallet_key,
            body={name: view[name] for name in ("documents", "seen", "ways")},
        )
        state = await stage.call("GET", f"{verifier}/api/presentation-requests/{request['id']}", key=cast.council["api_key"])
        verdict = state["verdict"]
        script.say(f"The council's verdict, a line a check (Nora has its receipt: {answer['receipt'] is not None}):")
        show_checks(script, verdict)
        step.came(verdict["decision"] if verdict["decision"] == "accepted" else f"{verdict['decision']}: {verdict['code']}")


def show_checks(script: Script, verdict: dict[str, Any]) -> None:
    """The verdict as the desk's page says it, a line a check."""
    for check in verdict["checks"]:
        why = REASONS[check["code"]].why if check["code"] in REASONS else ""
        words = {"passed": PASSED[check["name"]], "failed": why, "unchecked": f"{OPEN[check['name']]} {why}"}[check["state"]]
        remark = f" {REMARKS[check['code']]}" if check["state"] == "passed" and check["code"] in REMARKS else ""
        script.show(f"{MARKS[check['state']]} {words}{remark}")


async def pack(stage: Stage, script: Script, name: str, words: str) -> None:
    with script.step(words, expected="pack made") as step:
        out = stage.folder / "offline" / f"{name}.pack"
        done = await asyncio.to_thread(stage.command, "verifier", "bundle", "make", "--dir", str(stage.folder / "bank"), "--out", str(out))
        script.show(done.stdout.strip() or done.stderr.strip())
        step.came("pack made" if done.returncode == 0 and out.exists() else f"exit {done.returncode}")


async def copy_for_bank(stage: Stage, script: Script, cast: Cast) -> None:
    with script.step("Nora makes a copy made out to Northwold Bank, as a file and as a picture", expected="copy made") as step:
        body = {"to": BANK_ENTITY, "to_name": BANK, "purpose_id": BANK_PURPOSE, "type": "representation", "query": BANK_PURPOSE}
        copy = await stage.call("POST", stage.url("wallet") + "/api/addressed", key=cast.wallet_key, body=body)
        offline = stage.folder / "offline"
        (offline / "copy.json").write_text(json.dumps(copy["file"], indent=1) + "\n", encoding="utf-8")
        (offline / "copy.png").write_bytes(base64.b64decode(copy["qr_png_base64"]))
        shutil.copy(stage.folder / "bank" / "trust.json", offline / "trust.json")
        script.say(f"{copy['sentence']}")
        step.came("copy made")


async def check_offline(
    stage: Stage,
    script: Script,
    what: str,
    pack_name: str,
    words: str,
    *,
    expected: str,
    aged: bool = False,
) -> None:
    with script.step(words, expected=expected, network=False) as step:
        script.say(f"This process has {stage.isolation.how}.")
        done = await asyncio.to_thread(_check, stage, what, pack_name)
        verdict: dict[str, Any] = (
            json.loads(done.stdout) if done.stdout.startswith("{") else {"decision": done.stderr.strip(), "code": "", "checks": []}
        )
        show_checks(script, verdict)
        script.say(verdict.get("knowledge", ""))
        code = f": {verdict['code']}" if verdict["code"] else ""
        age = ", saying how old its knowledge is" if aged and " old" in verdict.get("knowledge", "") else ""
        step.came(f"exit {done.returncode}: {verdict['decision']}{code}{age}")


def _check(stage: Stage, what: str, pack_name: str) -> subprocess.CompletedProcess[str]:
    offline = stage.folder / "offline"
    arguments = (
        "check", str(offline / what), "--bundle", str(offline / f"{pack_name}.pack"), "--as", BANK_ENTITY,
        "--trust", str(offline / "trust.json"), "--json",
    )  # fmt: skip
    return subprocess.run(stage.isolation.python("verifier", *arguments), capture_output=True, text=True, env=environment({}), check=False)


async def cancel(stage: Stage, script: Script, cast: Cast, made: dict[str, Any]) -> None:
    with script.step("The registry cancels the power", expected="cancelled") as step:
        url = f"{stage.url('issuer')}/api/credentials/{made['id']}/cancel"
        state = await stage.call("POST", url, key=cast.registry["api_key"], body={"reason": "donor-revoked"})
        step.came(state["state"])


def leave_offline_kit(stage: Stage) -> None:
    """So that anyone can repeat the check, for instance under ``unshare -n .demo/offline/check.sh``."""
    script = Path(stage.folder / "offline" / "check.sh")
    script.write_text(
        "#!/bin/sh\n"
        "# Repeat the bank's check without a network: unshare -n .demo/offline/check.sh [copy.json|copy.png] [pack]\n"
        f"# During the demo it ran with {stage.isolation.how}.\n"
        'cd "$(dirname "$0")" || exit 69\n'
        'exec ../../.venv/bin/python -m verifier check "${1:-copy.json}" --bundle "${2:-checking-pack-before.pack}" \\\n'
        f"  --as {BANK_ENTITY} --trust trust.json\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
