"""The console as somebody with a browser without JavaScript sees it, and more people to sit there."""

from __future__ import annotations

import re

from support.registry import LPA_1, Registry

from shared.clock import system_entropy
from shared.web import operators
from shared.web.passphrases import hash_passphrase


class Browser:
    """Follows forms as a browser without JavaScript does."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.text = ""
        self.status = 0
        self.path = ""

    async def open(self, path: str) -> str:
        async with self.registry.http.get(self.registry.base + path) as answer:
            self.text, self.status, self.path = await answer.text(), answer.status, answer.url.path
        return self.text

    def hidden(self) -> dict[str, str]:
        return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', self.text))

    async def send(self, path: str, fields: list[tuple[str, str]] | dict[str, str], **headers: str) -> str:
        data = list(fields.items()) if isinstance(fields, dict) else list(fields)
        hidden = self.hidden()
        data += [(name, hidden[name]) for name in ("form_token", "version") if name not in dict(data) and name in hidden]
        async with self.registry.http.post(self.registry.base + path, data=data, headers=headers) as answer:
            self.text, self.status, self.path = await answer.text(), answer.status, answer.url.path
        return self.text

    async def sign_in(self, name: str = "iris  ADMIN", passphrase: str = "") -> None:
        await self.open("/console/sign-in")
        await self.send("/console/sign-in", {"name": name, "passphrase": passphrase or self.registry.passphrase, "next": ""})

    def errors(self) -> list[str]:
        summary = re.search(r'govuk-error-summary__list">(.*?)</ul>', self.text, re.DOTALL)
        return re.findall(r'<a href="#([^"]+)">', summary[1]) if summary else []


async def add(registry: Registry, name: str, role: str) -> None:
    operator = operators.Operator(
        id=name, name=name, role=role, passphrase=hash_passphrase("correct-horse-battery", system_entropy), made_at=0, ended_at=None
    )
    await registry.office.storage.write(lambda tx: operators.add(tx, operator))


def answered(**changes: str) -> list[tuple[str, str]]:
    """LPA-1 as a clerk fills it in."""
    texts: dict[str, str] = {
        "represented.given_name": "Margaret",
        "represented.family_name": "Ashdown",
        "represented.birthdate.day": "2",
        "represented.birthdate.month": "11",
        "represented.birthdate.year": "1938",
        "represented.address.postal_code": "ZZ99 1AB",
        "represented.also_known_as": "",
        "proxy.given_name": "Nora",
        "proxy.family_name": "Ashdown",
        "proxy.birthdate.day": "14",
        "proxy.birthdate.month": "03",
        "proxy.birthdate.year": "1968",
        "proxy.appointment_type": "original",
        "grant_date.day": "4",
        "grant_date.month": "5",
        "grant_date.year": "2021",
        "registration_date.day": "19",
        "registration_date.month": "7",
        "registration_date.year": "2021",
        "representation_kind": "power_of_attorney",
        "instrument_type": "lpa-property-and-affairs",
        "attestation_basis": "register",
        "authority_current": "",
        "decision_rule": "jointly-and-severally",
        "cardinality": "",
        "usable_when": "when-has-capacity",
        "substitution": "not_allowed",
        "has_restrictions": "false",
        "restrictions_text": "",
        "register_entry": LPA_1["register_entry"],
        "issuing_authority": LPA_1["issuing_authority"],
        "issuing_country": "GB",
        "issuing_jurisdiction": "GB-EAW",
    }
    fields = [(f"detail.{name}", changes.get(name, value)) for name, value in texts.items()]
    powers = [("detail.powers", power) for power in changes.get("powers", " ".join(LPA_1["powers"])).split()]
    plain = {"once": "once", "code": "yes", "reference": "case 1", "step": "check"}
    return [*fields, *powers, *((name, changes.get(name, value)) for name, value in plain.items())]
