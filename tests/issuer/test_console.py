from __future__ import annotations

import re

import pytest
from support.registry import Registry


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

    async def send(self, path: str, fields: dict[str, str] | list[tuple[str, str]], *, token: bool = True) -> str:
        data = list(fields.items()) if isinstance(fields, dict) else list(fields)
        if token and "form_token" in self.hidden():
            data.append(("form_token", self.hidden()["form_token"]))
        async with self.registry.http.post(self.registry.base + path, data=data) as answer:
            self.text, self.status, self.path = await answer.text(), answer.status, answer.url.path
        return self.text

    async def sign_in(self) -> None:
        await self.open("/console/sign-in")
        await self.send("/console/sign-in", {"name": "iris admin", "passphrase": self.registry.passphrase, "next": ""})
        assert self.path == "/console/", self.text


@pytest.fixture
def browser(registry: Registry) -> Browser:
    return Browser(registry)


async def test_walk(browser: Browser) -> None:
    await browser.sign_in()
    for path in (
        "/console/make",
        "/console/make/representation",
        "/console/documents",
        "/console/settings",
        "/console/many",
        "/console/passphrase",
    ):
        await browser.open(path)
        assert browser.status == 200, (path, browser.text)
