"""The bodies of story ``federation``: who there is, how each is set up, and how they come below one another.

Every body is a process of its own with its own data folder. None of them is needed by two others at the moment of use.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from demo.stage import Stage, StageError, other_ports
from shared.clock import floor_day, system_clock, system_entropy
from shared.credentials import by_id
from shared.private_file import write_whole
from shared.trust.chain import configuration_url
from shared.web.passphrases import generate_passphrase
from shared.web.setup import toml_text

REPRESENTATION, PERSON = (by_id(name).vct for name in ("representation", "person"))
SECOND = "Ana"  # who looks at what the first operator of a superior proposed
WALLET = "wallet"
AT_ONCE = 4  # programs that are started together


def says(vct: str, **limits: Sequence[str]) -> dict[str, Any]:
    """Terms by which a body may make documents of one type from today on, of some jurisdictions or on some basis only."""
    return {"entitlements": [{"vct": vct, "from": floor_day(system_clock()), **limits}]}


@dataclass(frozen=True, slots=True)
class Body:
    """``folder`` is what it is called on stage, ``superior`` who invites it, ``terms`` what that grants it."""

    folder: str
    name: str
    program: str = "issuer"
    superior: str = ""
    terms: Mapping[str, Any] = field(default_factory=dict)
    use: str = ""  # what a desk asks for
    registrar: str = ""  # who has registered it for that


def bodies() -> tuple[Body, ...]:
    """Two anchors with those below them, three levels deep, and five desks."""
    accredits = {"accredits": [{"vct": REPRESENTATION, "from": floor_day(system_clock())}]}
    registers = {"may_register": ["GB"]}
    return (
        Body("ministry", "Ministry of Justice (test)"),
        Body("guardian", "Public Guardian (test)", superior="ministry", terms=says(REPRESENTATION, attestation_basis=["register"])),
        Body("courts", "Court Service (test)", superior="ministry", terms=accredits | registers),
        Body("court", "Court of Protection (test)", superior="courts", terms=says(REPRESENTATION, attestation_basis=["court-order"])),
        Body("registries", "Devolved Registries (test)"),
        Body("registrar", "Registrar General (test)", superior="registries", terms=says(PERSON) | registers),
        Body("solicitor", "Pritchard and Hughes, solicitors (test)", superior="registries",
             terms=says(REPRESENTATION, attestation_basis=["inspection"], jurisdiction=["GB-SCT"])),
        Body("council", "Anytown Borough Council", "verifier", use="council-tax", registrar="courts"),
        Body("bank", "Northwold Bank", "verifier", use="bank", registrar="registrar"),
        Body("pensions", "Pensions Office (test)", "verifier", use="pensions", registrar="courts"),
        Body("water", "Fenland Water", "verifier", use="utility", registrar="registrar"),
        Body("lender", "Quick Loans Direct", "verifier", "registries", use="bank"),
    )  # fmt: skip


@dataclass(slots=True)
class Realm:
    """All bodies on one stage, and a wallet. ``made`` is what setting each of them up made."""

    stage: Stage
    bodies: dict[str, Body] = field(default_factory=lambda: {each.folder: each for each in bodies()})
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    wallet_key: str = ""
    documents: dict[str, str] = field(default_factory=dict)  # what the wallet holds of each office

    def of(self, program: str) -> list[Body]:
        return [each for each in self.bodies.values() if each.program == program]

    @property
    def anchors(self) -> list[Body]:
        return [each for each in self.of("issuer") if not each.superior]

    @property
    def superiors(self) -> list[Body]:
        """Those who speak for others, or register who asks."""
        named = {name for each in self.bodies.values() for name in (each.superior, each.registrar)}
        return [each for each in self.bodies.values() if each.folder in named]

    @property
    def registered(self) -> list[Body]:
        """The desks that somebody has registered."""
        return [each for each in self.bodies.values() if each.registrar]

    def below(self) -> list[Body]:
        return [each for each in self.bodies.values() if each.superior]

    def url(self, name: str) -> str:
        return self.stage.url(name)

    def key(self, name: str) -> str:
        """The API key of a body."""
        return str(self.made[name]["api_key"])

    def path(self, *parts: str) -> Path:
        return self.stage.folder.joinpath(*parts)

    def file(self, anchor: Body) -> Path:
        """What an anchor hands to those who are to trust it: its own word about itself."""
        return self.path(f"{anchor.folder}.federation")

    async def run(self, program: str, folder: str, *arguments: str) -> str:
        """What a command said; it breaks the story off if it is refused."""
        done = await asyncio.to_thread(self.stage.command, program, *arguments, "--dir", str(self.path(folder)))
        if done.returncode:
            raise StageError(f"{program} {' '.join(arguments)} in {folder} ended with {done.returncode}:\n{done.stderr}{done.stdout}")
        return done.stdout

    async def start(self, name: str) -> None:
        """Start one of them and wait until it is ready."""
        program = WALLET if name == WALLET else self.bodies[name].program
        self.stage.serve(name, name, program=program)
        await self.stage.ready(name, name)


async def together(works: Sequence[Awaitable[object]]) -> None:
    """A few at a time: each starts a program."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(work: Awaitable[object]) -> None:
        async with turn:
            await work

    await asyncio.gather(*map(one, works))


async def set_up(stage: Stage) -> Realm:
    """All bodies with data folders of their own, and running."""
    realm = Realm(stage)
    usual = {"issuer": "ministry", "verifier": "council", "wallet": WALLET}  # the three that people look around in
    names = [each for each in realm.bodies if each not in usual.values()]
    stage.ports = {usual[name]: port for name, port in stage.ports.items()} | other_ports(names)
    await together([_init(realm, each) for each in realm.bodies.values()])
    await together([realm.start(each) for each in realm.bodies])
    return realm


def _place(realm: Realm, name: str) -> tuple[str, ...]:
    return "--public-url", realm.url(name), "--port", str(realm.stage.ports[name])


async def _init(realm: Realm, body: Body) -> None:
    """Set it up, and say in its settings who is above it and that everybody is on this machine."""
    init = realm.stage.init
    realm.made[body.folder] = await asyncio.to_thread(init, body.program, body.folder, "--name", body.name, *_place(realm, body.folder))
    lines = ['outbound_allow = ["localhost:*"]']
    if body.superior:
        lines.append(f"authority_hints = [{toml_text(realm.url(body.superior))}]")
    if body in realm.superiors:
        lines.append("superior = true")
    if body.use:
        lines.append(f"purposes = [{toml_text(body.use)}]")
    with realm.path(body.folder, f"{body.program}.toml").open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


# --- coming below a superior -----------------------------------------------------------------------------------------------------------


async def enrol(realm: Realm) -> None:
    """Every body below its superior: invited by one person, joined by itself, approved by another."""
    await together([_second_person(realm, each) for each in realm.superiors])
    await together([_invite_and_join(realm, each) for each in realm.below()])
    await together([approve_all(realm, each) for each in realm.superiors])


async def register(realm: Realm) -> None:
    """Every desk but one with its registrar: invited, applied with the key with which it asks, approved by a second person."""
    await together([_invite_and_apply(realm, each) for each in realm.registered])
    await together([approve_all(realm, each, "register") for each in realm.superiors])


async def _second_person(realm: Realm, office: Body) -> None:
    """The first operator signs in on the pages and lets another in, who chooses a passphrase that nobody else knows."""
    made, first, second = realm.made[office.folder], realm.path(f"{office.folder}.first"), realm.path(f"{office.folder}.second")
    write_whole(first, str(made["passphrase"]).encode())
    write_whole(second, generate_passphrase(system_entropy).encode())
    handed = generate_passphrase(system_entropy)
    console = realm.url(office.folder) + "/console"
    async with aiohttp.ClientSession() as browser:
        await _post(browser, f"{console}/sign-in", f"{console}/sign-in", name=str(made["operator"]), passphrase=str(made["passphrase"]))
        await _post(browser, f"{console}/settings", f"{console}/settings/people", name=SECOND, role="approver", passphrase=handed)
    async with aiohttp.ClientSession() as browser:
        await _post(browser, f"{console}/sign-in", f"{console}/sign-in", name=SECOND, passphrase=handed)
        await _post(browser, f"{console}/passphrase", f"{console}/passphrase", passphrase=handed, new=second.read_text())


async def _post(browser: aiohttp.ClientSession, page: str, action: str, **fields: str) -> None:
    """Fill in a form of a page and send it."""
    async with browser.get(page) as answer:
        hidden = dict(re.findall(r'name="(form_token)" value="([^"]+)"', await answer.text()))
    async with browser.post(action, data={**hidden, **fields}) as answer:
        if not answer.ok or "govuk-error-summary" in await answer.text():
            raise StageError(f"{action} did not take the form: {answer.status}")


async def _invite_and_join(realm: Realm, body: Body) -> None:
    """The code goes to the body by another way; somebody there enters it on its superior's page, which reads what the body says of itself."""
    options = ("--name", body.name, "--terms", _terms(realm, body, body.terms))
    code = _code(await _decide(realm, body.superior, body, "invite", *options), r"the code (\S+) at")
    page = realm.url(body.superior) + "/federated/join"
    async with aiohttp.ClientSession() as browser:
        await _post(browser, page, page, code=code)


async def _invite_and_apply(realm: Realm, desk: Body) -> None:
    """Likewise; the desk applies by a command, with all that it asks for."""
    told = await _decide(realm, desk.registrar, desk, "register", "invite", "--name", desk.name, "--country", "GB")
    await realm.run("verifier", desk.folder, "uses", "apply", realm.url(desk.registrar), _code(told, r"uses apply \S+ (\S+)"))


def _code(told: str, pattern: str) -> str:
    found = re.search(pattern, told)
    if found is None:
        raise StageError(f"no code in the invitation:\n{told}")
    return found[1]


def _terms(realm: Realm, body: Body, terms: Mapping[str, Any]) -> str:
    file = realm.path(f"{body.folder}.terms")
    write_whole(file, json.dumps(terms).encode())
    return str(file)


async def propose(realm: Realm, body: Body, terms: Mapping[str, Any]) -> None:
    """The first person of its superior proposes other terms."""
    await _decide(realm, body.superior, body, "entitle", "--terms", _terms(realm, body, terms))


async def approve_all(realm: Realm, office: Body, *what: str) -> None:
    """The second person of an office looks at what waits, and lets it count."""
    found = json.loads(await realm.run("issuer", office.folder, "federation", *what, "list", "--json"))
    versions = {each["entity"]: str(each["version"]) for each in found if each["wanted" if what else "waiting"] is not None}
    for body in realm.bodies.values():
        if realm.url(body.folder) in versions:
            await _decide(realm, office.folder, body, *what, "approve", "--version", versions[realm.url(body.folder)], by=SECOND)


async def end(realm: Realm, body: Body, reason: str) -> None:
    """One person of its superior is told that its keys are in other hands, and ends it at once."""
    await _decide(realm, body.superior, body, "end", "--compromised", "--reason", reason)


async def _decide(realm: Realm, office: str, body: Body, *words: str, by: str = "") -> str:
    """What a person of an office does about a body, and what the command said."""
    who = (
        "--by",
        by or str(realm.made[office]["operator"]),
        "--passphrase-file",
        str(realm.path(f"{office}.{'second' if by else 'first'}")),
    )
    return await realm.run("issuer", office, "federation", *words, *who, realm.url(body.folder))


# --- those who rely on them --------------------------------------------------------------------------------------------------------------


async def open_doors(realm: Realm) -> None:
    """Each desk and the wallet pin the two anchors, nobody else, and hear them."""
    for anchor in realm.anchors:
        async with realm.stage.http.get(configuration_url(realm.url(anchor.folder))) as answer:
            realm.file(anchor).write_bytes(await answer.read())
    init = realm.stage.init
    realm.made[WALLET] = await asyncio.to_thread(init, "wallet", WALLET, "--holder", "Nora Ashdown", *_place(realm, WALLET))
    await together([pin(realm, each.program, each.folder) for each in realm.of("verifier")])
    await pin(realm, "wallet", WALLET)
    await asyncio.gather(*(listen(realm, each) for each in realm.of("verifier")), realm.start(WALLET))
    await sign_in(realm)


async def pin(realm: Realm, program: str, folder: str) -> None:
    """Both anchors, from the files that they handed over."""
    for anchor in realm.anchors:
        await realm.run(program, folder, "trust", "add", str(realm.file(anchor)), "--name", anchor.name)


async def listen(realm: Realm, desk: Body) -> list[dict[str, Any]]:
    """What the desk hears now of anchors and issuers; how each visit went."""
    told = await realm.stage.call("POST", realm.url(desk.folder) + "/api/refresh", key=realm.key(desk.folder))
    visits: list[dict[str, Any]] = told["issuers"]
    return visits


async def sign_in(realm: Realm) -> None:
    """Nora opens her wallet."""
    body = {name: realm.made[WALLET][name] for name in ("holder", "passphrase")}
    realm.wallet_key = (await realm.stage.call("POST", realm.url(WALLET) + "/api/session", body=body))["token"]
