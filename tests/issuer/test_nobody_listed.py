"""Everything that anybody can fetch from offices and desks, read to its last byte (domain check T-CE-3): no list of names comes of it."""

from __future__ import annotations

from pathlib import Path

from aiohttp import ClientSession, CookieJar
from support.offices import ACCOUNT, BANK, DIED, ENTRY, GRO, NINE, OPG, bring, copy_for, given, open_street
from support.reading import clear, open_to_all
from support.registry import LPA_1

from issuer.app import one_round as office_round
from verifier.app import one_round as desk_round

MARGARET = {
    "given_name": "Margarethe-Canary",
    "family_name": "Ashdown-Canary",
    "birthdate": "1938-11-07",
    "address": {"postal_code": "ZQ99 4XJ"},
}
VALUES = ("Margarethe-Canary", "Ashdown-Canary", "1938-11-07", "ZQ99 4XJ", "Noreen-Canary", "CASE-4711")


BESIDE = ("/status/1", "/status/2", "/log/commitments?from=1&to=100")


async def test_t_ce_3_what_everybody_can_fetch_names_nobody(tmp_path: Path) -> None:
    async with open_street(tmp_path, at=NINE) as street:
        claims = LPA_1 | {"represented": MARGARET, "proxy": LPA_1["proxy"] | {"given_name": "Noreen-Canary"}}
        nora = await given(street, OPG, "representation", claims, reference="CASE-4711")
        joan = await given(street, GRO, "life-event", ENTRY | {"subject": MARGARET})
        for carried, purpose, paths in ((nora, "bank", ACCOUNT), (joan, "donor-died", DIED)):
            file = copy_for(BANK, carried, purpose=purpose, paths=paths, at=street.clock(), seed=purpose)
            assert (await bring(street, BANK, file)).decision.decision == "accepted"
        street.clock.at += 86_400
        for office in street.offices.values():
            await office_round(office.app)
        for desk in street.desks.values():
            await desk_round(desk.app)
        await street.cycle()
        read: dict[str, int] = {}
        async with ClientSession(cookie_jar=CookieJar()) as http:  # nobody's
            offices = [(name, each.base, each.app) for name, each in street.offices.items()]
            for name, base, app in [*offices, *((name, each.base, each.app) for name, each in street.desks.items())]:
                for path in (*open_to_all(app), *BESIDE):
                    async with http.get(base + path, allow_redirects=False) as answer:
                        told = clear(await answer.read())
                    read[name + path] = answer.status
                    assert not [value for value in VALUES if value.encode() in told], path
    good = [path for path, status in read.items() if status == 200]
    assert len(good) > 30
    assert {OPG + "/status/1", OPG + "/log/heads", BANK + "/log/heads", BANK + "/register.json"} <= set(good)
