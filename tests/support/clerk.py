"""A clerk at the desk, with a browser without JavaScript."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from aiohttp import FormData
from support.desk import Running


@dataclass
class Clerk:
    """Reads pages and fills in forms."""

    desk: Running

    async def get(self, path: str, *, status: int = 200) -> str:
        async with self.desk.http.get(self.desk.base + path) as answer:
            assert answer.status == status, path
            return unescape(await answer.text())

    async def post(self, path: str, data: Any, *, status: int = 200) -> str:
        async with self.desk.http.post(self.desk.base + path, data=data) as answer:
            assert answer.status == status, await answer.text()
            self.at = answer.url.path
            return unescape(await answer.text())

    async def token(self, path: str = "/desk/ask") -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', await self.get(path))
        assert found is not None
        return found[1]

    async def sign_in(self) -> Clerk:
        page = await self.post("/desk/sign-in", {"name": "Bea Clerk", "passphrase": "correct-horse-battery", "next": ""})
        assert self.desk.desk.settings.name in page
        return self

    async def ask(self, use: str = "representation/bank") -> dict[str, Any]:
        await self.post("/desk/ask", {"form_token": await self.token(), "use": use})
        identifier = self.at.rpartition("/")[2]
        page = await self.get(self.at)
        link = re.search(r'<code id="request-link">([^<]+)</code>', page)
        assert link is not None
        return {"id": identifier, "link": link[1]}

    async def bring(self, data: bytes, name: str = "copy.json", *, status: int = 200) -> str:
        return await self.upload("/desk/copies", data, name, status=status, text="")

    async def upload(self, path: str, data: bytes, name: str, *, status: int = 200, **fields: str) -> str:
        """Send a file with the form of the page at ``path``."""
        form = FormData()
        form.add_field("form_token", await self.token(path))
        form.add_field("file", data, filename=name)
        for field, value in fields.items():
            form.add_field(field, value)
        return await self.post(path, form, status=status)
