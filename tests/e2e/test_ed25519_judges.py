"""Security rule S4: what Python takes for an Ed25519 signature, the browser takes for one, and nothing else (a desk may judge in either)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.async_api import Browser
from support.signing import Signer

from shared.codec import base64url
from shared.errors import BadSignature
from shared.jose.jwk import parse_public_jwk, render_jwk

pytestmark = pytest.mark.real
ORDER = 2**252 + 27742317777372353535851937790883648493
JUDGE = """async (cases) => {
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const verdicts = [];
  for (const [x, signature, message] of cases) {
    const key = await crypto.subtle.importKey("jwk", {kty: "OKP", crv: "Ed25519", x}, "Ed25519", false, ["verify"]);
    verdicts.push(await crypto.subtle.verify("Ed25519", key, bytes(signature), bytes(message)));
  }
  return verdicts;
}"""


class Case(NamedTuple):
    x: str
    signature: bytes
    message: bytes

    def python(self) -> bool:
        try:
            parse_public_jwk({"kty": "OKP", "crv": "Ed25519", "x": self.x}).verify(self.signature, self.message)
        except BadSignature:
            return False
        return True


def made_here() -> Iterator[Case]:
    """A good signature and all that is near to it."""
    signer = Signer.new("EdDSA")
    x, message = str(render_jwk(signer.public)["x"]), b"muniment"
    good = signer.raw(message)
    r, s = good[:32], int.from_bytes(good[32:], "little")
    for again in (s, s + ORDER, s | 1 << 253, s | 1 << 255, 0, ORDER - s, ORDER):
        yield Case(x, r + (again % 2**256).to_bytes(32, "little"), message)
    for y in (0, 1, 2**255 - 19, 2**255 - 20, 2**255 - 18, 2**256 - 1):  # points of small order, and y beyond the field
        yield Case(x, y.to_bytes(32, "little") + good[32:], message)
        yield Case(x, y.to_bytes(32, "little") + bytes(32), message)
    for other in (b"", good[:-1], good + b"\0", good[32:] + good[:32], bytes(64), bytes((good[0] ^ 1,)) + good[1:]):
        yield Case(x, other, message)
    yield Case(x, good, b"muniments")


async def judge(chromium: Browser, cases: list[Case]) -> list[bool]:
    page = await chromium.new_page()
    await page.route("https://desk.example/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    await page.goto("https://desk.example/")  # Web Crypto is for secure pages only
    sent = [(case.x, base64url.encode(case.signature), base64url.encode(case.message)) for case in cases]
    verdicts: list[bool] = await page.evaluate(JUDGE, sent)
    return verdicts


async def test_ed25519_edge_vectors_python_equals_js(chromium: Browser) -> None:
    cases = list(made_here())
    verdicts = await judge(chromium, cases)
    assert verdicts == [case.python() for case in cases]
    assert verdicts.count(True) == 1


@pytest.mark.vectors
async def test_ed25519_vectors_by_others_python_equals_js(chromium: Browser, vectors: Callable[[str], Path]) -> None:
    groups = json.loads(vectors("wycheproof/ed25519_test.json").read_bytes())["testGroups"]
    cases = [
        Case(base64url.encode(bytes.fromhex(group["publicKey"]["pk"])), bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
        for group in groups
        for case in group["tests"]
    ]
    assert await judge(chromium, cases) == [case.python() for case in cases]
