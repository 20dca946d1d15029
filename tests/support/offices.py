"""A small street in one process: the registrar of deaths, the Public Guardian with a desk of its own, and a bank's desk; no hub between them.

Everybody has the clock of the street, and speaks with everybody else by public names.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientSession, CookieJar, web
from support import desk as desks
from support.desk import Running, Site
from support.own_verifier import DEATH
from support.ports import free_port
from support.registry import Holder, Registry, collect
from support.signing import Signer
from support.thrift import easy_seal
from support.trial_verify import Dice, show
from support.trial_web import Watch

from issuer import app as issuing
from issuer import config as issuer_config
from issuer import init as issuer_init
from shared import addressed
from shared.addressed import AddressedPresentation
from shared.clock import system_entropy
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.jose.jwk import thumbprint
from shared.openid4vp import render_response
from shared.web.settings import load
from shared.web.setup import read_certificate
from verifier import copies, watching, webhooks
from verifier import init as verifier_init
from verifier.app import FOLLOWER
from verifier.settle import Outcome

PASSPHRASE = "correct-horse-battery"
RECORDS, COUNCIL = "https://records.anytown-bc.example", "https://anytown-bc.example"
GRO, OPG, GUARDIAN, BANK = "https://gro.example", "https://opg.example", "https://desk.opg.example", "https://northwold-bank.example"
TOLD = (
    "event_type", "registration_state", "subject/given_name", "subject/family_name", "subject/birthdate", "subject/address/postal_code",
    "death_date/value",
)  # fmt: skip
"""What the Public Guardian's desk tells its office of a death."""

NINE = 1_803_891_600  # 2027-03-01T09:00:00Z
ACCOUNT = (
    ("represented", "given_name"), ("represented", "family_name"), ("represented", "birthdate"), ("represented", "address", "postal_code"),
    ("proxy", "given_name"), ("proxy", "family_name"), ("powers", 1),
)  # fmt: skip
DIED = (
    ("event_type",), ("subject", "given_name"), ("subject", "family_name"), ("subject", "birthdate"), ("subject", "address", "postal_code"),
    ("death_date", "value"),
)  # fmt: skip
ENTRY = {
    **DEATH,
    "death_date": {"value": "2027-02-27"},
    "registered_at": "2027-03-01",
    "register_entry": "urn:fdc:gro.example:2027:death:123457",
    "issuing_authority": "General Register Office (test)",
    "issuing_country": "GB",
    "issuing_jurisdiction": "GB-EAW",
}


@dataclass(kw_only=True)
class Street(Site):
    """Who is where: public names, and where they truly listen. ``asked`` is what went over the network between them."""

    clock: Watch
    http: ClientSession
    offices: dict[str, Registry] = field(default_factory=dict)
    desks: dict[str, Running] = field(default_factory=dict)

    async def __call__(self, wanted: Fetch) -> Fetched:
        """The network."""
        listens = {name: each.base for name, each in self.offices.items()} | {name: each.base for name, each in self.desks.items()}
        url = next((wanted.url.replace(name, base, 1) for name, base in listens.items() if wanted.url.startswith(name)), "")
        if not url:
            raise Unavailable("nobody answers")
        self.asked.append(wanted.url)
        headers = dict(wanted.headers)
        async with self.http.request(wanted.method, url, headers=headers, data=wanted.body, allow_redirects=False) as answer:
            told = {name.lower(): value for name, value in answer.headers.items()}
            return Fetched(status=answer.status, headers=told, body=await answer.read())

    async def cycle(self) -> None:
        """One list cycle: offices sign their lists anew, desks visit them, and tell their own offices what they know."""
        for office in self.offices.values():
            await issuing.one_round(office.app)
        for desk in self.desks.values():
            await desk.store.refresh(self)
            await watching.look(desk.desk, desk.store)
            await desk.app[FOLLOWER].follow(desk.desk, desk.store, self)
            await self.tell(desk)

    async def tell(self, desk: Running) -> None:
        """What is due to be told to its own office."""
        await webhooks.deliver(desk.desk, self)


@asynccontextmanager
async def open_street(folder: Path, *, at: int) -> AsyncIterator[Street]:
    """Made and open at ``at``; what is shown at the Public Guardian's desk is told to its office."""
    clock = Watch(at)
    kinds = {GRO: ("life-event", "estate-authority"), OPG: ("representation", "representation-granted")}
    names = {GRO: "General Register Office (test)", OPG: "Office of the Public Guardian (test)"}
    with easy_seal():
        made = {name: await set_up_office(folder / name[8:11], name, names[name], clock) for name in kinds}
        trust = tuple(f"{one.anchor}:credential-issuer:{name}" for name, one in made.items())
        told = {
            name: await set_up_desk(folder / name[8:12], name, title, trust, clock)
            for name, title in ((GUARDIAN, names[OPG]), (BANK, "Northwold Bank"))
        }
    own = thumbprint(read_certificate(told[GUARDIAN].directory / "relying-party.pem").public)
    async with AsyncExitStack() as stack:
        street = Street(clock=clock, http=await stack.enter_async_context(ClientSession()))
        for name, types in kinds.items():
            settings: dict[str, Any] = {"types": types, "listens_to": (own,) if name == OPG else ()}
            street.offices[name] = await stack.enter_async_context(open_office(folder / name[8:11], name, made[name], clock, **settings))
        for name, template in told.items():
            hook: dict[str, Any] = {"webhook_url": f"{OPG}/api/events", "webhook_details": TOLD} if name == GUARDIAN else {}
            serving = desks.serving(template, template.directory, site=street, clock=clock, refresh=False, public_url=name, **hook)
            street.desks[name] = await stack.enter_async_context(serving)
        await street.cycle()
        yield street


@asynccontextmanager
async def open_council(street: Street, folder: Path) -> AsyncIterator[None]:
    """Anytown's council joins: its desk accepts powers of attorney, its own office records them, its other departments rely on both."""
    with easy_seal():
        made = await set_up_office(folder / "records", RECORDS, "Anytown Borough Council", street.clock)
        trust = [f"{each.directory / 'anchor.pem'}:credential-issuer:{name}" for name, each in street.offices.items()]
        trust.append(f"{made.anchor}:credential-issuer:{RECORDS}")
        desk = await set_up_desk(folder / "council", COUNCIL, "Anytown Borough Council", trust, street.clock)
    key = desk.directory / "own-issuer.key"
    key.touch(mode=0o600)
    key.write_text(made.api_key)
    async with open_office(folder / "records", RECORDS, made, street.clock, types=("mandate-receipt",)) as office:
        street.offices[RECORDS] = office
        serving = desks.serving(
            desk, desk.directory, site=street, clock=street.clock, refresh=False, public_url=COUNCIL, own_issuer=RECORDS
        )
        async with serving as council:
            street.desks[COUNCIL] = council
            await street.cycle()
            yield


async def set_up_office(directory: Path, url: str, name: str, clock: Watch) -> issuer_init.SetUp:
    wish = issuer_init.Wish(
        directory=directory, name=name, public_url=url, port=8101, storage="", operator="Iris Admin", passphrase=PASSPHRASE
    )
    return await issuer_init.set_up(wish, clock=Watch(clock() - 3600), entropy=system_entropy)


async def set_up_desk(directory: Path, url: str, name: str, trust: Sequence[str], clock: Watch) -> desks.Template:
    wish = verifier_init.Wish(
        directory=directory,
        name=name,
        public_url=url,
        port=8103,
        entity=url,
        operator="Bea Clerk",
        passphrase=PASSPHRASE,
        trust=tuple(trust),
    )
    return desks.Template(directory, await verifier_init.set_up(wish, clock=Watch(clock() - 3600), entropy=system_entropy))


@asynccontextmanager
async def open_office(
    directory: Path, url: str, made: issuer_init.SetUp, clock: Watch, *, port: int = 0, **settings: Any
) -> AsyncIterator[Registry]:
    """Served; at a ``port`` of its own for browsers, which go to its public address."""
    port = port or free_port()
    plain = load(issuer_config.Settings, issuer_config.toml(directory), {}, issuer_config.PREFIX)
    known = msgspec.structs.replace(issuer_config.settle(plain, directory), **settings)
    office = issuing.open_office(directory, known, clock=clock)
    app = issuing.build(office)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        try:
            yield Registry(
                office=office, app=app, directory=directory, clock=clock, api_key=made.api_key, passphrase=PASSPHRASE, url=url,
                base=f"http://127.0.0.1:{port}", http=http,
            )  # fmt: skip
        finally:
            await runner.cleanup()


# --- people ----------------------------------------------------------------------------------------------------------------------------


@dataclass
class Carried:
    """A document that somebody collected: copies, and the key of each."""

    holder: Holder
    made: Mapping[str, Any]
    wires: list[str]
    keys: list[Signer]

    def one(self) -> tuple[str, Signer]:
        """A fresh copy, which is shown once."""
        return self.wires.pop(), self.keys.pop()


async def given(street: Street, office: str, kind: str, claims: Mapping[str, Any], **more: Any) -> Carried:
    """Made by an office and collected."""
    return await collected(street, office, kind, await street.offices[office].make(type=kind, claims=claims, **more))


async def collected(street: Street, office: str, kind: str, made: Mapping[str, Any], *, copies: int = 4) -> Carried:
    """What an office made, as its API told it."""
    holder = await collect(_through(street.offices[office], street), made)
    response = await holder.copies(copies, f"{kind}-sd-jwt")
    return Carried(holder, made, [str(each) for each in response.credentials], list(holder.keys))


def _through(registry: Registry, street: Street) -> Registry:
    """A wallet speaks with the office by its public name."""

    class Through(Registry):
        async def fetch(self, wanted: Fetch) -> Fetched:
            return await street(wanted)

    return Through(**{name: getattr(registry, name) for name in Registry.__dataclass_fields__})


def copy_for(desk: str, carried: Carried, *, purpose: str, paths: Sequence[Any], at: int, seed: str) -> bytes:
    """The file of a copy made out to a body, as it goes by e-mail."""
    wire, key = carried.one()
    binding = addressed.make_binding(entity=desk, purpose_id=purpose, at=at, entropy=Dice(seed), days=14)
    shown = show(wire, paths=paths, binding=binding, by=key, at=at)
    copy = AddressedPresentation(
        format="dc+sd-jwt", aud=addressed.audience(desk), purpose_id=purpose, vp_token={purpose: (shown,)}, status_list_tokens=()
    )
    return addressed.render_file(copy)


async def bring(street: Street, desk: str, file: bytes, **more: Any) -> Outcome:
    """Somebody at the desk opens the file, and may need ``more`` to be known of it."""
    running = street.desks[desk]
    return await copies.bring(running.desk, running.store, file, made_by="desk", more=more)


async def show_live(
    street: Street, desk: str, carried: Carried, order: Mapping[str, Any], paths: Sequence[Any], *, refused: bool = False
) -> dict[str, Any]:
    """Show it online at a desk that asked; how it stands then. ``refused``: the wallet is told so."""
    running = street.desks[desk]
    asked = await running.ask(**order)
    request = await running.read(asked)
    wire, key = carried.one()
    told = desks.present(request, at=street.clock(), paths=paths, wire=wire, by=key)
    status, body = await running.post(asked, render_response(request, told))
    assert status == (400 if refused else 200), body
    return await running.state(asked)
