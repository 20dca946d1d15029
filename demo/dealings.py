"""What the bodies of story ``federation`` do with the holder: make a document, hand it over, ask for it, check it, with and without a network."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.config import environment
from demo.poa import LPA_1
from demo.realm import REPRESENTATION, WALLET, Body, Realm
from demo.stage import StageError
from shared.clock import system_entropy

_NOT_OF_THE_COURT = ("instrument_type", "usable_when", "registration_date", "register_entry")
COURT_ORDER: dict[str, Any] = {
    **{name: value for name, value in LPA_1.items() if name not in _NOT_OF_THE_COURT},
    "representation_kind": "deputyship",
    "attestation_basis": "court-order",
    "decision_rule": "alone",
    "powers": ["benefits", "banking", "council-tax"],
    "represented": {"given_name": "Owen", "family_name": "Ashdown", "birthdate": "1941-06-30", "address": {"postal_code": "ZZ99 4CE"}},
}
INSPECTED: dict[str, Any] = {
    **{name: value for name, value in LPA_1.items() if name not in {"registration_date", "register_entry"}},
    "instrument_type": "ordinary",
    "attestation_basis": "inspection",
    "evidence": {"attested_by": "Morag Pritchard", "attested_on": "2026-02-11"},
    "grant_date": "2026-02-09",
    "powers": ["utilities", "council-tax"],
    "represented": {"given_name": "Una", "family_name": "Reid", "birthdate": "1950-01-17", "address": {"postal_code": "ZZ99 4CF"}},
    "issuing_jurisdiction": "GB-SCT",
}
PERSON: dict[str, Any] = {
    "given_name": "Nora",
    "family_name": "Ashdown",
    "birthdate": "1968-03-14",
    "age_over_18": True,
    "issuing_country": "GB",
    "issuing_jurisdiction": "GB-SCT",
}
DOCUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "guardian": ("representation", LPA_1),
    "court": ("representation", COURT_ORDER),
    "solicitor": ("representation", INSPECTED),
    "registrar": ("person", PERSON),
}
"""What each office makes: the kind of document, and what it says."""
_MORE = (("represented", "birthdate"), ("proxy", "birthdate"))
_PLAIN = (("represented", "given_name"), ("represented", "family_name"), ("represented", "address", "postal_code"), ("powers", None))
OVER: dict[str, Any] = {
    "credentials": [
        {
            "id": "power",
            "format": "dc+sd-jwt",
            "meta": {"vct_values": [REPRESENTATION]},
            "claims": [{"path": list(path)} for path in (*_PLAIN, *_MORE)],
        }
    ]
}
"""A question that goes beyond what Fenland Water registered."""
REPRESENTATIONS = {"council": "guardian", "bank": "guardian", "pensions": "court", "water": "solicitor", "lender": "guardian"}
"""Whose document each desk is shown."""


async def mint(realm: Realm, office: str, *, claims: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An invitation to collect what the office makes, or says here, and the code for it."""
    kind, own = DOCUMENTS[office]
    body = {"type": kind, "claims": {**(own if claims is None else claims), "issuing_authority": realm.bodies[office].name}}
    made: dict[str, Any] = await realm.stage.call(
        "POST",
        realm.url(office) + "/api/credentials",
        key=realm.key(office),
        body=body,
        headers={"Idempotency-Key": system_entropy(16).hex()},
    )
    return made


async def collect(realm: Realm, made: Mapping[str, Any]) -> str:
    """The wallet fetches it; the document's name there."""
    body = {"link": made["invitation_link"], "code": made["code"]}
    kept = await realm.stage.call("POST", realm.url(WALLET) + "/api/receive", key=realm.wallet_key, body=body)
    return str(kept["document"])


async def issue(realm: Realm, office: str) -> None:
    """The office makes its document, and the holder has it."""
    realm.documents[office] = await collect(realm, await mint(realm, office))


async def cards(realm: Realm) -> list[dict[str, Any]]:
    """All that the wallet holds."""
    found: list[dict[str, Any]] = (await realm.stage.call("GET", realm.url(WALLET) + "/api/cards", key=realm.wallet_key))["cards"]
    return found


async def ask(realm: Realm, desk: Body, **question: Any) -> dict[str, Any]:
    """A request of the desk: its ready question about one kind of document, unless ``question`` says what else."""
    body = question or {"type": "representation", "query": desk.use}
    made: dict[str, Any] = await realm.stage.call(
        "POST", f"{realm.url(desk.folder)}/api/presentation-requests", key=realm.key(desk.folder), body=body
    )
    return made


async def look(realm: Realm, request: Mapping[str, Any]) -> dict[str, Any]:
    """The request as the holder sees it."""
    view: dict[str, Any] = await realm.stage.call(
        "POST", realm.url(WALLET) + "/api/requests", key=realm.wallet_key, body={"link": request["link"]}
    )
    return view


async def agree(realm: Realm, view: Mapping[str, Any], office: str) -> dict[str, Any]:
    """The holder shows what she has of that office, where several documents answer."""
    documents, seen = dict(view["documents"]), dict(view["seen"])
    for part in view["parts"]:
        for choice in part["choices"]:
            if choice["document"] == realm.documents[office]:
                documents[part["query"]], seen[part["query"]] = choice["document"], choice["seen"]
    body = {"documents": documents, "seen": seen, "ways": view["ways"]}
    done: dict[str, Any] = await realm.stage.call(
        "POST", f"{realm.url(WALLET)}/api/requests/{view['id']}/agree", key=realm.wallet_key, body=body
    )
    return done


async def refuse(realm: Realm, view: Mapping[str, Any]) -> None:
    """The holder shares nothing."""
    await realm.stage.call("POST", f"{realm.url(WALLET)}/api/requests/{view['id']}/refuse", key=realm.wallet_key)


async def state(realm: Realm, desk: Body, request: Mapping[str, Any]) -> dict[str, Any]:
    """How the request stands at the desk."""
    found: dict[str, Any] = await realm.stage.call(
        "GET", f"{realm.url(desk.folder)}/api/presentation-requests/{request['id']}", key=realm.key(desk.folder)
    )
    return found


async def show(realm: Realm, desk: Body) -> dict[str, Any]:
    """The desk asks, the holder agrees; the verdict."""
    request = await ask(realm, desk)
    await agree(realm, await look(realm, request), REPRESENTATIONS[desk.folder])
    verdict: dict[str, Any] | None = (await state(realm, desk, request))["verdict"]
    if verdict is None:
        raise StageError(f"nothing came to {desk.name}")
    return verdict


def said(verdict: Mapping[str, Any]) -> str:
    """The decision, and why if it is no yes."""
    return f"{verdict['decision']}: {verdict['code']}" if verdict["code"] else str(verdict["decision"])


# --- without a network -------------------------------------------------------------------------------------------------------------------


async def make_pack(realm: Realm, desk: Body, name: str) -> str:
    """What a checking pack of the desk came to, from what it heard before; the pack is ``name``."""
    return await realm.run("verifier", desk.folder, "bundle", "make", "--no-fetch", "--out", str(realm.path(name)))


async def make_copy(realm: Realm, desk: Body, office: str, name: str) -> None:
    """A copy made out to a desk, of the document of that office; the file is ``name``."""
    body = {
        "to": realm.url(desk.folder), "to_name": desk.name, "purpose_id": desk.use, "type": "representation", "query": desk.use,
        "document": realm.documents[office],
    }  # fmt: skip
    copy = await realm.stage.call("POST", realm.url(WALLET) + "/api/addressed", key=realm.wallet_key, body=body)
    realm.path(name).write_text(json.dumps(copy["file"]), encoding="utf-8")
    if copy.get("qr_png_base64"):
        realm.path(name).with_suffix(".png").write_bytes(base64.b64decode(copy["qr_png_base64"]))


async def check_offline(realm: Realm, desk: Body, copy: str, pack: str) -> tuple[int, dict[str, Any]]:
    """How ``check`` ended in a process that has no network, and its verdict."""
    return await asyncio.to_thread(_check, realm, desk, realm.path(copy), realm.path(pack))


def _check(realm: Realm, desk: Body, copy: Path, pack: Path) -> tuple[int, dict[str, Any]]:
    trust = str(realm.path(desk.folder, "trust.json"))
    arguments = ("check", str(copy), "--bundle", str(pack), "--as", realm.url(desk.folder), "--trust", trust, "--json")
    command = realm.stage.isolation.python("verifier", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, env=environment({}), check=False)
    if not done.stdout.startswith("{"):
        raise StageError(f"the check without a network said nothing ({done.returncode}):\n{done.stderr}")
    verdict: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, verdict
