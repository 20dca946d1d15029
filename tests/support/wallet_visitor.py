"""Somebody at the wallet's pages without JavaScript."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from aiohttp import FormData
from support.wallets import Site
from support.world import CODE

COLLECTING = "Collecting your document and checking every copy…"


class Visitor:
    """A browser without JavaScript that keeps cookies and fills in the hidden fields of the page that it is on."""

    def __init__(self, site: Site) -> None:
        self.site, self.text, self.status, self.path = site, "", 0, "/"

    async def get(self, path: str) -> str:
        async with self.site.http.get(self.site.base + path) as answer:
            self.text, self.status, self.path = await answer.text(), answer.status, answer.url.path
        return self.text

    def hidden(self) -> dict[str, str]:
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.text)
        return {name: value.replace("&amp;", "&") for name, value in found}

    async def post(
        self,
        path: str,
        fields: dict[str, str] | None = None,
        *,
        files: dict[str, bytes] | None = None,
        keep: bool = True,
        wait: bool = True,
    ) -> str:
        """Where the page says that it is still collecting, the visitor looks again until it is done, unless ``wait`` is false."""
        data: Any = {**(self.hidden() if keep else {}), **(fields or {})}
        if files is not None:
            form = FormData()
            for name, value in data.items():
                form.add_field(name, value)
            for name, content in files.items():
                form.add_field(name, content, filename="code.png", content_type="image/png")
            data = form
        async with self.site.http.post(self.site.base + path, data=data) as answer:
            self.text, self.status, self.path = await answer.text(), answer.status, answer.url.path
        async with asyncio.timeout(60):
            while wait and COLLECTING in self.text:
                await asyncio.sleep(0.1)
                await self.get(self.path)
        return self.text

    async def enter(self) -> None:
        await self.get("/sign-in")
        await self.post("/sign-in", {"holder": self.site.made.holder, "passphrase": self.site.made.passphrase})
        assert "My documents" in self.text

    async def collect(self) -> None:
        await self.get("/receive")
        await self.post("/receive", {"link": self.site.world.office.link()}, files={})
        await self.post(self.path, {"code": CODE})
        assert "Document collected" in self.text

    async def share(self, link: str) -> None:
        """What is demanded by that link, and no more."""
        await self.get("/present")
        await self.post("/present", {"link": link}, files={})
        await self.post(self.path, {"decision": "share"})
