"""A body's own issuer, as its desk speaks with it: makes a document once for each key, as the API does; and a desk that gives a record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.receiver import Receiver

from shared.flow import Fetch, Fetched
from verifier import giving
from verifier import request as requests
from verifier.desk import Desk
from verifier.giving import Offer
from verifier.sessions import Answered
from verifier.settle import open_verdict

OWN = "https://documents.northwold-bank.example"
KEY = "mun_the-key-of-the-desk"


@dataclass
class OwnOffice(Receiver):
    """The bank's own issuer beside the registry's site. What it was asked for is written down in ``folder``, where there is one."""

    status: int = 201
    folder: Path | None = None
    orders: list[Fetch] = field(default_factory=list)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def __call__(self, fetch: Fetch) -> Fetched:
        if not fetch.url.startswith(OWN):
            return await super().__call__(fetch)
        self.orders.append(fetch)
        if fetch.headers["authorization"] != f"Bearer {KEY}":
            return Fetched(status=401)
        if self.status != 201:
            return Fetched(status=self.status, body=b'{"detail": "this detail is needed"}')
        if not fetch.url.endswith("/api/credentials"):
            self._write_down("changes", fetch.url.removeprefix(f"{OWN}/api/credentials/"))
            return Fetched(status=200, body=b"{}")
        key = fetch.headers["idempotency-key"]
        self._write_down("orders", key)
        number = hashlib.sha256(key.encode()).hexdigest()[:16].upper()
        made = {"id": number, "invitation_link": f"{OWN}/offer/{number}", "code": "123456", "expires_at": "2027-01-29T08:00:00Z"}
        made = self.documents.setdefault(key, made)
        return Fetched(status=201, body=json.dumps(made).encode())

    def _write_down(self, name: str, line: str) -> None:
        if self.folder is not None:
            with (self.folder / name).open("a") as file:
                file.write(f"{line}\n")

    def order(self, number: int = -1) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.orders[number].body or b"")
        return found


async def record(desk: Desk, office: OwnOffice, exchange: str) -> Offer:
    """Give a record of what was accepted."""
    found = await requests.find(desk, exchange)
    assert isinstance(found, Answered)
    opened = await open_verdict(desk, found)
    assert opened is not None
    return await giving.give(desk, office, exchange, giving.completed(giving.draft(desk, found, opened), {}))
