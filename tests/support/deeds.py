"""What people and their programs do in a whole house, by the JSON interfaces alone."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from support.house import House

from shared.clock import monotonic


@dataclass(slots=True, kw_only=True)
class Nora:
    """Her wallet in ``house``, open."""

    house: House
    token: str

    async def call(self, method: str, path: str, body: object = None) -> Any:
        return await self.house.call(method, self.house.wallet + path, key=self.token, body=body)

    async def collect(self, **changes: object) -> dict[str, Any]:
        """A document that the registry has just made, with LPA-1's details but for ``changes``: as the registry's program sees it."""
        made = await self.house.invite(**changes)
        await self.call("POST", "/api/receive", {"link": made["invitation_link"], "code": made["code"]})
        return made

    async def share(self, query: str = "council-tax", **how: Any) -> dict[str, Any]:
        """The council asks, she agrees; the state of the request as the council's program sees it."""
        asked = await self.house.ask(query, **how)
        seen = await self.call("POST", "/api/requests", {"link": asked["link"]})
        await self.call("POST", f"/api/requests/{seen['id']}/agree", {name: seen[name] for name in ("documents", "seen", "ways")})
        state: dict[str, Any] = await self.house.call(
            "GET", f"{self.house.desk}/api/presentation-requests/{asked['id']}", key=self.house.council["api_key"]
        )
        return state

    async def tell(self, document: str, use: str) -> dict[str, Any]:
        """A letter about a ``document`` to the council's inbox, which accepts it by itself: how it stands then, with its receipt."""
        wish = {"document": document, "to": [{"entity": self.house.council["entity"], "use": use}]}
        plan = await self.call("POST", "/api/organisations/look", wish)
        told = await self.call("POST", "/api/tell", wish | {"seen": plan["seen"]})
        until = monotonic() + 60
        while told["letters"][0]["state"] == "waiting" and monotonic() < until:
            await asyncio.sleep(0.3)
            told = await self.call("GET", f"/api/tell/{told['id']}")
        letter: dict[str, Any]
        (letter,) = told["letters"]
        assert letter["state"] == "accepted", letter
        return letter

    async def copy_for(self, entity: str, name: str, query: str) -> bytes:
        """A copy made out to somebody, as the file that she would send."""
        wish = {"to": entity, "to_name": name, "purpose_id": query, "type": "representation", "query": query}
        return json.dumps((await self.call("POST", "/api/addressed", wish))["file"]).encode()


async def opened(house: House) -> Nora:
    """Nora signs in."""
    body = {"holder": house.nora["holder"], "passphrase": house.nora["passphrase"]}
    return Nora(house=house, token=(await house.call("POST", f"{house.wallet}/api/session", key="", body=body))["token"])
