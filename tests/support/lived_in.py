"""A whole house in which people have lived: every kind of dealing once, with values of people that occur nowhere else."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from aiohttp import ClientSession, CookieJar
from support.deeds import Nora, opened
from support.house import House

from demo.joan import ARTHUR
from demo.poa import LPA_1
from demo.tom import GRANT
from shared.clock import DAY, system_clock
from shared.credentials import by_id
from shared.private_file import write_whole
from verifier.config import USES

MARGARET = {
    "given_name": "Margarethe-Canary",
    "family_name": "Ashdown-Canary",
    "birthdate": "1938-11-02",
    "address": {"postal_code": "ZQ99 4XJ"},
    "also_known_as": ["Greta-Canary"],
}
NORA = {"given_name": "Noreen-Canary", "family_name": "Ashdowne-Canary", "birthdate": "1968-03-14", "appointment_type": "original"}
POWER = LPA_1 | {
    "represented": MARGARET,
    "proxy": NORA,
    "powers": [*LPA_1["powers"], "property.sale", "telecare"],
    "grant_date": "2025-07-19",
    "registration_date": "2026-03-03",
    "register_entry": "urn:fdc:opg.example:2027:lpa:M-5551-0400-4999",
}
LIMITED = POWER | {
    "has_restrictions": True,
    "restrictions_text": "Not to sell Canary Court while I live",
    "grant_date": "2025-07-21",
    "registration_date": "2026-03-06",
    "register_entry": "urn:fdc:opg.example:2027:lpa:M-5552-0400-4998",
}
DIED = ARTHUR | {
    "subject": {
        "given_name": "Arturo-Canary",
        "family_name": "Penhale-Canary",
        "birthdate": "1931-04-21",
        "address": {"postal_code": "ZQ98 2AX"},
    },
    "death_date": {"value": "2026-02-03"},
    "registered_at": "2026-02-06",
    "register_entry": "urn:fdc:gro.example:2026:death:5551-123457",
    **{name: LPA_1[name] for name in ("issuing_authority", "issuing_country", "issuing_jurisdiction")},
}
CAUSE = {
    name: DIED[name]
    for name in ("event_type", "death_date", "register_entry", "issuing_authority", "issuing_country", "issuing_jurisdiction")
} | {
    "subject": {name: DIED["subject"][name] for name in ("given_name", "family_name", "birthdate")},
    "cause_of_death": "1a. Pneumonia-Canary",
    "certified_by": "Dr Canary-Grace",
    "place_of_death": "Canary Cottage Hospital",
    "occupation": "Breeder of Canary birds",
    "informant": {"given_name": "Johanna-Canary", "family_name": "Penhalewick-Canary", "capacity": "Widow"},
}
ESTATE = {name: value for name, value in GRANT.items() if name != "estate_net_value_band"} | {  # a word of the software
    "deceased": {name: DIED["subject"][name] for name in ("given_name", "family_name", "birthdate")} | {"death_date": "2026-02-03"},
    "representative": {"given_name": "Tomos-Canary", "family_name": "Penhallow-Canary"},
    "grant_date": "2026-05-21",
    "grant_number": "5551-0008-4711",
    **{name: LPA_1[name] for name in ("issuing_authority", "issuing_country", "issuing_jurisdiction")},
}
LOOKED = "Canary Carers of Anytown"
WRONG = "He died on the 2nd, says the neighbour in Canary Mews."
KNOWN = {
    "name": "Noreen Canary-Ashdown", "address": "Flat 99, Canary Court", "telephone": "01632 960777", "email": "noreen@canary.example",
    "how": "by Canary post, after six",
}  # fmt: skip
REFERENCE = "CASE-CANARY-4711"
PERMITTED = {
    "type": "representation", "query": "council-tax", "recipient": "https://dwp.example", "recipient_name": "the Pensions department",
    "categories": ["care-contribution-assessment"], "purpose": "so that her Pension Credit is right",
}  # fmt: skip
KEPT = ("Donor’s last name", "a note of who called")
DAYS = 30
CLAIMS = (POWER, LIMITED, DIED, CAUSE, ESTATE)


def label(kind: str, path: str) -> str:
    """What people call a detail, by its path as a verdict has it."""
    (found,) = [claim.label.en for claim in by_id(kind).claims if "/".join(str(step) for step in claim.path if step is not None) == path]
    return found


def settle(house: House) -> dict[str, tuple[str, ...]]:
    """The council gives documents of its own by the registry, says what it keeps, and has a group of staff for deaths; everybody may have a wallet."""
    write_whole(house.folder / "council" / "own-issuer.key", house.registry["api_key"].encode())
    (house.folder / "council" / USES).write_text('["tell-of-death"]\nteam = "Bereavement"\n')
    kept = (f"claims_kept = {json.dumps(KEPT, ensure_ascii=False)}", f"retention_days = {DAYS}", f'own_issuer = "{house.issuer}"')
    return {"council/verifier.toml": kept, "nora/wallet.toml": ("open_to_all = true",)}


@dataclass
class Pages:
    """A browser without JavaScript at one service."""

    http: ClientSession
    base: str
    text: str = ""
    path: str = ""
    status: int = 0

    async def open(self, path: str, **query: str) -> str:
        async with self.http.get(self.base + path, params=query) as answer:
            self.text, self.path, self.status = unescape(await answer.text(errors="replace")), answer.url.path, answer.status
        return self.text

    async def send(self, path: str, **fields: str) -> str:
        """With the token of the page at hand."""
        token = re.search(r'name="form_token" value="([^"]*)"', self.text)
        sent = fields | ({"form_token": token[1]} if token else {})
        async with self.http.post(self.base + path, data=sent) as answer:
            self.text, self.path, self.status = unescape(await answer.text()), answer.url.path, answer.status
        return self.text


def browser() -> ClientSession:
    return ClientSession(cookie_jar=CookieJar(unsafe=True))


async def signed_in(http: ClientSession, house: House, service: str, *, name: str = "", passphrase: str = "") -> Pages:
    """Whoever may see most there, unless another one is named."""
    base, at, made, field_ = {
        "registry": (house.issuer, "/console/sign-in", house.registry, "name"),
        "council": (house.desk, "/desk/sign-in", house.council, "name"),
        "nora": (house.wallet, "/sign-in", house.nora, "holder"),
    }[service]
    who = {field_: name or made[{"name": "operator"}.get(field_, field_)], "passphrase": passphrase or made["passphrase"], "next": ""}
    pages = Pages(http, base)
    await pages.open(at)
    await pages.send(at, **who)
    assert (pages.status, pages.path != at) == (200, True), pages.text
    return pages


@dataclass(slots=True, kw_only=True)
class Lived:
    """What came of it: ``receipts`` are those that were signed for Nora, ``secrets`` what opens something; ``words`` open locked copies."""

    nora: Nora
    made: dict[str, Any]
    shown: dict[str, Any]
    copy: bytes
    receipts: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


async def live(house: House) -> Lived:
    """Documents made, collected, shown, sent, told, recorded, corrected and removed; nobody's clock is moved."""
    nora = await opened(house)
    made = await nora.collect(**POWER)
    await _for_the_donor(house, made)
    await house.call("POST", f"{house.desk}/api/refresh", key=house.council["api_key"])
    shown = await nora.share()
    assert shown["verdict"]["decision"] == "accepted"
    await _record(house, nora, shown)
    permitted = await _permit(house, nora)
    copy = await nora.copy_for(house.council["entity"], "Anytown Borough Council", "council-tax")
    brought = await house.call("POST", f"{house.desk}/api/copies", key=house.council["api_key"], body=json.loads(copy))
    lived = Lived(nora=nora, made=made, shown=shown, copy=copy, receipts=[shown["receipt"], permitted, brought["receipt"]])
    lived.receipts += await _tell(house, nora)
    lived.receipts.append(await _lock(house, nora, lived.words))
    await _remove(house, nora)
    lived.secrets += lived.words
    lived.secrets += [made["code"], nora.token, *(each["passphrase"] for each in (house.nora, house.council, house.registry))]
    lived.secrets += [house.council["api_key"], house.registry["api_key"], made["invitation_link"].rpartition("/")[2]]
    return lived


async def _collect(nora: Nora, made: dict[str, Any]) -> str:
    return str((await nora.call("POST", "/api/receive", {"link": made["invitation_link"], "code": made["code"]}))["document"])


async def _for_the_donor(house: House, made: dict[str, Any]) -> None:
    """Margaret has a wallet in the same house, and what shows her what is done for her."""
    hers = {"holder": "Margarethe", "passphrase": "seven-words-that-nobody-would-guess"}
    await house.call("POST", f"{house.wallet}/api/wallets", key="", body=hers)
    margaret = Nora(house=house, token=(await house.call("POST", f"{house.wallet}/api/session", key="", body=hers))["token"])
    granted = await house.call("POST", f"{house.issuer}/api/credentials/{made['id']}/donor", key=house.registry["api_key"], body={})
    await _collect(margaret, granted)


async def _record(house: House, nora: Nora, shown: dict[str, Any]) -> None:
    """The council records the authority, and comes to know her."""
    names = {"proxy_given_name": NORA["given_name"], "proxy_family_name": NORA["family_name"], "case_ref": REFERENCE}
    path = f"{house.desk}/api/presentation-requests/{shown['id']}/record"
    await _collect(nora, await house.call("POST", path, key=house.council["api_key"], body=names))
    async with browser() as http:
        clerk = await signed_in(http, house, "council")
        form = await clerk.open("/desk/known/new")
        wish = re.search(r'name="wish" value="([^"]+)"', form)
        assert wish is not None
        await clerk.send("/desk/known/new", wish=wish[1], after="", **KNOWN)
        assert clerk.path == f"/desk/known/{wish[1]}", clerk.text


async def _permit(house: House, nora: Nora) -> str:
    """May the council tell the Pensions department something? It may, and does. The receipt for what was shown with it."""
    key = house.council["api_key"]
    until = dt.datetime.fromtimestamp(system_clock() + 90 * DAY, dt.UTC).date()
    asked = await house.call("POST", f"{house.desk}/api/permission-requests", key=key, body=PERMITTED | {"until": until.isoformat()})
    seen = await nora.call("POST", "/api/requests", {"link": asked["link"]})
    documents = dict(seen["documents"]) | {part["query"]: part["choices"][0]["document"] for part in seen["parts"] if part["choices"]}
    agreed = {"documents": documents, "seen": seen["seen"], "ways": seen["ways"]}
    await nora.call("POST", f"/api/requests/{seen['id']}/agree", agreed)
    (given,) = (await house.call("GET", f"{house.desk}/api/permissions", key=key))["items"]
    use = {"categories": PERMITTED["categories"], "reference": "letter 7"}
    assert not (await house.call("POST", f"{house.desk}/api/permissions/{given['id']}/uses", key=key, body=use))["code"]
    return str((await house.call("GET", f"{house.desk}/api/presentation-requests/{asked['id']}", key=key))["receipt"])


async def _tell(house: House, nora: Nora) -> list[str]:
    """An entry about a death, of which the council is told by its inbox; then a detail of it is called wrong. The receipt."""
    order = {"type": "life-event", "claims": DIED, "reference": REFERENCE}
    made = await house.call(
        "POST", f"{house.issuer}/api/credentials", key=house.registry["api_key"], headers={"Idempotency-Key": "death"}, body=order
    )
    document = await _collect(nora, made)
    letter = await nora.tell(document, "tell-of-death")
    await nora.call("POST", f"/api/cards/{document}/corrections", {"detail": "death_date/value", "words": WRONG})
    return [letter["receipt"]]


async def _lock(house: House, nora: Nora, words: list[str]) -> str:
    """What a registrar's entry says beside the death is shown by the wallet to whoever has the words, five times at most and once so far; a copy of
    the power is sent locked, and the council opens it. The receipt. And there is an authority over the estate, which nobody is shown.
    """
    key = house.council["api_key"]
    for kind, claims in (("life-event-full", CAUSE), ("estate-authority", ESTATE)):
        path, headers = f"{house.issuer}/api/credentials", {"Idempotency-Key": kind}
        body = {"type": kind, "claims": claims}
        await _collect(nora, await house.call("POST", path, key=house.registry["api_key"], headers=headers, body=body))
    shown = await _locked(house, nora, "life-event-full", "life-insurance", uses=5)
    async with browser() as anybody:
        carer = Pages(anybody, house.wallet)
        await carer.open("/view/" + shown["link"].rpartition("/")[2])
        await carer.send(carer.path, words=shown["words"], organisation=LOOKED)
        assert "Pneumonia-Canary" in carer.text, carer.text
    sent = await _locked(house, nora, "representation", "council-tax")
    brought = await house.call("POST", f"{house.desk}/api/locked-links", key=key, body={"link": sent["html"], "words": sent["words"]})
    assert brought["verdict"]["decision"] == "accepted", brought
    words += [shown["words"], sent["words"]]
    return str(brought["receipt"])


async def _locked(house: House, nora: Nora, kind: str, use: str, **how: int) -> dict[str, Any]:
    wish = {"to": house.council["entity"], "to_name": "Anytown Borough Council", "purpose_id": use, "type": kind, "query": use}
    copy = await nora.call("POST", "/api/addressed", wish)
    made: dict[str, Any] = await nora.call("POST", f"/api/addressed/{copy['id']}/locked-links", {"words": "uses" not in how} | how)
    return made


async def _remove(house: House, nora: Nora) -> None:
    """A document with limits goes out of the wallet again, shown to nobody."""
    limited = await _collect(nora, await house.invite(**LIMITED))
    async with browser() as http:
        pages = await signed_in(http, house, "nora")
        await pages.open(f"/cards/{limited}/remove")
        await pages.send(f"/cards/{limited}/remove", told="yes")
    assert limited not in {card["id"] for card in (await nora.call("GET", "/api/cards"))["cards"]}
