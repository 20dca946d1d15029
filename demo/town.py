"""Offices that make documents, bodies that rely on them, and people with wallets: what the people's stories are played with."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo.config import environment
from demo.realm import WALLET, together
from demo.script import Script
from demo.stage import Stage, StageError, other_ports
from shared.clock import monotonic, system_entropy
from shared.private_file import write_whole
from shared.receipts import Receipt, peek_receipt
from shared.web.passphrases import generate_passphrase
from shared.web.setup import toml_text


@dataclass(frozen=True, slots=True)
class House:
    """One body on stage: ``folder`` is what it is called there, ``program`` what it runs, ``office`` what makes documents for it.

    ``more``: lines of its settings.
    """

    folder: str
    name: str
    program: str = "verifier"
    more: tuple[str, ...] = ()
    office: str = ""


@dataclass(slots=True)
class Town:
    """All houses and people of one story. ``made`` is what setting a house up made, ``people`` the keys of open wallets."""

    stage: Stage
    houses: dict[str, House]
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    passphrases: dict[str, str] = field(default_factory=dict)

    def url(self, name: str) -> str:
        return self.stage.url(name)

    def key(self, name: str) -> str:
        return str(self.made[name]["api_key"])

    def path(self, *parts: str) -> Path:
        return self.stage.folder.joinpath(*parts)

    def name(self, entity: str) -> str:
        """What a body is called, by its identifier."""
        return next((each.name for each in self.houses.values() if self.url(each.folder) == entity), entity)

    def of(self, program: str) -> list[House]:
        return [each for each in self.houses.values() if each.program == program]

    async def at(self, house: str, method: str, path: str, body: object = None, *, once: bool = False) -> Any:
        """Speak JSON with a house, as its own program. ``once``: with a key of its own, so that it is done once however often it is sent."""
        headers = {"Idempotency-Key": system_entropy(16).hex()} if once else None
        return await self.stage.call(method, self.url(house) + path, key=self.key(house), body=body, headers=headers)

    async def by(self, person: str, method: str, path: str, body: object = None) -> Any:
        """Do something with somebody's wallet."""
        return await self.stage.call(method, self.url(WALLET) + path, key=self.people[person], body=body)

    async def run(self, house: str, *arguments: str) -> str:
        """What a command of a house said; it breaks the story off if it is refused."""
        program = WALLET if house == WALLET else self.houses[house].program
        done = await asyncio.to_thread(self.stage.command, program, *arguments, "--dir", str(self.path(house)))
        if done.returncode:
            raise StageError(f"{program} {' '.join(arguments)} in {house} ended with {done.returncode}:\n{done.stderr}{done.stdout}")
        return done.stdout

    async def start(self, name: str, *, ahead: int = 0) -> None:
        self.stage.serve(name, name, program=WALLET if name == WALLET else self.houses[name].program, ahead=ahead)
        await self.stage.ready(name, name)

    async def later(self, seconds: int, *names: str) -> None:
        """So much later at these houses: their clocks have gone on. Where the wallets are among them, all are closed."""
        await together([self.stage.stop_one(name) for name in names])
        await together([self.start(name, ahead=seconds) for name in names])

    # --- what people do

    async def open_wallet(self, person: str) -> None:
        """Somebody makes a wallet, and is signed in."""
        passphrase = self.passphrases.setdefault(person, generate_passphrase(system_entropy))
        await self.stage.call("POST", self.url(WALLET) + "/api/wallets", body={"holder": person, "passphrase": passphrase})
        await self.sign_in(person)

    async def sign_in(self, person: str) -> None:
        body = {"holder": person, "passphrase": self.passphrases[person]}
        self.people[person] = (await self.stage.call("POST", self.url(WALLET) + "/api/session", body=body))["token"]

    async def make(self, office: str, kind: str, claims: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """The office makes a document: an invitation, and the code for it."""
        order = {"type": kind, "claims": {**claims, **self.signs(office)}, **more}
        made: dict[str, Any] = await self.at(office, "POST", "/api/credentials", order, once=True)
        return made

    def signs(self, office: str) -> dict[str, str]:
        """Who says what a document says."""
        return {"issuing_authority": self.houses[office].name, "issuing_country": "GB", "issuing_jurisdiction": "GB-EAW"}

    async def collect(self, person: str, made: Mapping[str, Any]) -> str:
        """Somebody collects it; the document's name in the wallet."""
        body = {"link": made["invitation_link"], "code": made["code"]}
        return str((await self.by(person, "POST", "/api/receive", body))["document"])

    async def ask(self, desk: str, kind: str, query: str, **more: Any) -> dict[str, Any]:
        """A body asks its ready question."""
        made: dict[str, Any] = await self.at(desk, "POST", "/api/presentation-requests", {"type": kind, "query": query, **more})
        return made

    async def look(self, person: str, request: Mapping[str, Any]) -> dict[str, Any]:
        view: dict[str, Any] = await self.by(person, "POST", "/api/requests", {"link": request["link"]})
        return view

    async def agree(self, person: str, view: Mapping[str, Any], **chosen: str) -> dict[str, Any]:
        """Somebody shows what was asked for; ``chosen``: which document, where several answer a part."""
        documents, seen = dict(view["documents"]), dict(view["seen"])
        for part in view["parts"]:
            for choice in part["choices"]:
                if choice["document"] in chosen.values():
                    documents[part["query"]], seen[part["query"]] = choice["document"], choice["seen"]
        body = {"documents": documents, "seen": seen, "ways": view["ways"]}
        done: dict[str, Any] = await self.by(person, "POST", f"/api/requests/{view['id']}/agree", body)
        return done

    async def state(self, desk: str, request: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = await self.at(desk, "GET", f"/api/presentation-requests/{request['id']}")
        return found

    async def show(self, person: str, desk: str, kind: str, query: str, document: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """A body asks, somebody shows a document: what was agreed to, and the verdict."""
        request = await self.ask(desk, kind, query)
        view = await self.look(person, request)
        await self.agree(person, view, document=document)
        verdict = (await self.state(desk, request))["verdict"]
        if verdict is None:
            raise StageError(f"nothing came to {self.houses[desk].name}")
        return view, verdict

    async def answers(self, person: str, told: dict[str, Any], *, silent: int = 0) -> dict[str, Any]:
        """How letters stand once all but the ``silent`` were answered; a minute is more than they need."""
        until = monotonic() + 60
        while monotonic() < until and sum(letter["state"] == "waiting" for letter in told["letters"]) > silent:
            await asyncio.sleep(0.3)
            told = await self.by(person, "GET", f"/api/tell/{told['id']}")
        return told

    async def copy(self, person: str, desk: str, kind: str, query: str, document: str, *, file: str, purpose: str = "") -> str:
        """A copy made out to a body as a file, for what the question is for or another ``purpose``; the sentence that goes with it."""
        body = {
            "to": self.url(desk), "to_name": self.houses[desk].name, "purpose_id": purpose or query, "type": kind, "query": query, "document": document,
        }  # fmt: skip
        made = await self.by(person, "POST", "/api/addressed", body)
        self.path(file).write_text(json.dumps(made["file"]), encoding="utf-8")
        return str(made["sentence"])

    async def check(self, desk: str, file: str, pack: str, *more: str) -> dict[str, Any]:
        """The verdict about a copy by a process of that body that has no network."""
        return await asyncio.to_thread(self._check, desk, file, pack, *more)

    def _check(self, desk: str, file: str, pack: str, *more: str) -> dict[str, Any]:
        trust = str(self.path(desk, "trust.json"))
        arguments = (
            "check",
            str(self.path(file)),
            "--bundle",
            str(self.path(pack)),
            "--as",
            self.url(desk),
            "--trust",
            trust,
            "--json",
            *more,
        )
        done = subprocess.run(
            self.stage.isolation.python("verifier", *arguments), capture_output=True, text=True, env=environment({}), check=False
        )
        if not done.stdout.startswith("{"):
            raise StageError(f"the check without a network said nothing ({done.returncode}):\n{done.stderr}")
        verdict: dict[str, Any] = json.loads(done.stdout)
        return verdict

    async def hear(self, *desks: str) -> None:
        """Bodies fetch the lists of cancelled documents, as they do by the clock."""
        await asyncio.gather(*(self.at(desk, "POST", "/api/refresh") for desk in desks))


async def found(stage: Stage, *houses: House, down: Sequence[str] = ()) -> Town:
    """Every house set up and started but those that are ``down``, each trusting the offices; a host of wallets that knows them all."""
    town = Town(stage, {each.folder: each for each in houses})
    offices, desks = town.of("issuer"), town.of("verifier")
    usual = {"issuer": offices[0].folder, "verifier": desks[0].folder, "wallet": WALLET}  # the three that people look around in
    names = [each for each in town.houses if each not in usual.values()]
    stage.ports = {usual[name]: port for name, port in stage.ports.items()} | other_ports(names)
    await together([_init(town, each) for each in offices])
    trusted = [
        word for each in offices for word in ("--trust", f"{town.made[each.folder]['anchor']}:credential-issuer:{town.url(each.folder)}")
    ]
    await together([_init(town, each, *trusted) for each in desks])
    await together([town.start(each.folder) for each in houses if each.folder not in down])
    asking = [word for each in desks for word in ("--trust", f"{town.made[each.folder]['anchor']}:relying-party:{town.url(each.folder)}")]
    town.made[WALLET] = await asyncio.to_thread(stage.init, "wallet", WALLET, "--open-to-all", *_place(town, WALLET), *trusted, *asking)
    await town.start(WALLET)
    await town.hear(*(each.folder for each in desks if each.folder not in down))
    return town


async def _init(town: Town, house: House, *trusted: str) -> None:
    init = town.stage.init
    town.made[house.folder] = await asyncio.to_thread(
        init, house.program, house.folder, "--name", house.name, *_place(town, house.folder), *trusted
    )
    lines = list(house.more)
    if house.office:
        lines.append(f"own_issuer = {toml_text(town.url(house.office))}")
        write_whole(town.path(house.folder, "own-issuer.key"), town.key(house.office).encode())
    with town.path(house.folder, f"{house.program}.toml").open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _place(town: Town, name: str) -> tuple[str, ...]:
    return "--public-url", town.url(name), "--port", str(town.stage.ports[name])


def tell_view(script: Script, view: Mapping[str, Any]) -> None:
    """What stands before whoever is asked."""
    script.say(f"On the screen: {view['sentence']}")
    script.show("\n".join(f"would be shown: {line['label']}: {line['value']}" for line in view["details"]))
    if view["not_shown"]:
        script.say(f"Not shown: {', '.join(view['not_shown'])}.")


def said(verdict: Mapping[str, Any]) -> str:
    """The decision, and why if it is no yes."""
    return f"{verdict['decision']}: {verdict['code']}" if verdict["code"] else str(verdict["decision"])


def _kept(receipt: Receipt) -> str:
    if receipt.decision == "rejected":
        return "nothing is kept"
    kept = ", ".join(receipt.claims_kept) or "the details that were shown, sealed"
    until = f"until {datetime.fromtimestamp(receipt.retain_until, UTC):%d %B %Y}" if receipt.retain_until else "without an end"
    return f"{kept}, {until}"


async def tell_what_is_kept(script: Script, town: Town, *people: str) -> tuple[int, int]:
    """By their receipts: what each body keeps of each person now, and until when. How many receipts, of how many bodies.

    A body that gave none is named too.
    """
    told = [
        peek_receipt(line["receipt"])
        for person in people
        for line in reversed((await town.by(person, "GET", "/api/history"))["entries"])
        if line.get("receipt")
    ]
    lines: dict[str, Counter[str]] = {each.name: Counter() for each in town.of("verifier")}
    for receipt in told:
        lines[town.name(receipt.entity)][f"{receipt.purpose_id}, {receipt.decision}: {_kept(receipt)}"] += 1
    for name, kept in lines.items():
        for line, count in kept.items():
            script.show(f"{name}, {line}" if count == 1 else f"{name}, {line} ({count} receipts)")
        if not kept:
            script.show(f"{name}: nothing, and it gave no receipt")
    return len(told), len({receipt.entity for receipt in told})
