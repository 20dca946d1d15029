"""The scripts in real browsers, under the policy of their pages: the same answers as in Node, codes drawn and read, nothing fetched elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright
from support import judging, twins
from support.bends import BENDS
from support.browser import FLAGS
from support.browser import chromium as chromium  # noqa: PLC0414 - a fixture
from support.firefox import firefox
from support.signing import Signer
from support.trial_verify import status_cwt
from support.twins import Case, Draft

from shared.codec import base64url, qr
from shared.jose.jwk import render_jwk
from shared.web.security import policy

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[3]
PAGE = "<!doctype html><html lang='en'><title>Trial</title><h1>Trial</h1><canvas id='code' width='400'></canvas><div id='svg'></div>"
WASM = {"script-src": "'wasm-unsafe-eval'", "media-src": "blob:"}
TEXT = "OVP1:" + "0123456789ABCDEF $%*+-./:" * 12


@pytest.fixture
async def served() -> AsyncIterator[Callable[[str], str]]:
    """The files of the project, and pages with the policy of our pages: ``/wasm`` with WebAssembly, ``/plain`` without."""

    async def page(request: web.Request) -> web.Response:
        extra = WASM if request.path == "/wasm" else {}
        return web.Response(text=PAGE, content_type="text/html", headers={"Content-Security-Policy": policy(extra)})

    app = web.Application()
    app.router.add_get("/wasm", page)
    app.router.add_get("/plain", page)
    app.router.add_static("/shared/web/static", ROOT / "shared" / "web" / "static")
    app.router.add_static("/tests/js", ROOT / "tests" / "js")
    app.router.add_get("/favicon.ico", page)
    async with TestServer(app) as server:
        yield lambda path: str(server.make_url(path))


def cases() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Of every kind some, and what Node says of them."""
    dice = judging.dice(31)
    packs = {"plain": twins.pack([status_cwt({5: 1, 6: 2}, by=twins.registry())])}
    copy = twins.issue()
    asked = [*twins.keep(packs), twins.script_case(Case("good", "plain", Draft.of(copy).content()), packs)]
    for bend in BENDS.values():
        draft = Draft.of(copy)
        bend(draft, dice)
        asked.append(twins.script_case(Case("bent", "plain", draft.content()), packs))
    for alg in ("ES256", "EdDSA"):
        signer = Signer.new(alg)
        good = signer.raw(b"m")
        common = {"op": "signature", "jwk": render_jwk(signer.public), "message": b"m".hex()}
        spelt = (good, good[:-1], bytes(64), good[:32] + bytes(32), good[:63] + bytes((good[63] ^ 1,)), good + b"\0")
        asked += [{**common, "signature": each.hex()} for each in spelt]
    asked += EDGES
    return asked, judging.judge(asked)


def edwards(y: int) -> str:
    return base64url.encode(y.to_bytes(32, "little"))


EDGES = [
    {"op": "signature", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": edwards(y)}, "message": "00", "signature": (r + bytes(32)).hex()}
    for y in (0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18, 2**256 - 1, 2, 4)
    for r in (bytes(32), (1).to_bytes(32, "little"))
]
JUDGE = """(async () => {
  const ops = await import(location.origin + "/tests/js/ops.mjs");
  const answers = [];
  for (const { op, ...given } of %s) {
    try { answers.push({ ok: await ops[op](given) }); }
    catch (error) { if (!error.code || typeof error.code !== "string") throw error; answers.push({ code: error.code, where: error.where }); }
  }
  return answers;
})()"""


async def test_chromium_judges_as_node(chromium: Browser, served: Callable[[str], str]) -> None:
    asked, expected = cases()
    page = await chromium.new_page()
    await page.goto(served("/wasm"))
    assert await page.evaluate(JUDGE % json.dumps(asked)) == expected


async def test_firefox_judges_as_node(tmp_path: Path, served: Callable[[str], str]) -> None:
    asked, expected = cases()
    async with firefox(tmp_path / "profile") as window:
        await window.goto(served("/wasm"))
        assert await window.run(JUDGE % json.dumps(asked)) == expected


OPEN = """async () => {
  globalThis.scan = await import("/shared/web/static/js/ovp/scan.js");
  globalThis.draw = await import("/shared/web/static/js/ovp/draw.js");
  globalThis.envelope = await import("/shared/web/static/js/ovp/envelope.js");
  globalThis.reader = await scan.openReader();
  return reader.name;
}"""
READ = """async ([text, level]) => {
  const canvas = document.getElementById("code");
  const version = draw.draw(canvas, text, { level });
  const file = await new Promise((done) => canvas.toBlob(done));
  return [version, await scan.readPicture(reader, file)];
}"""


async def watched(chromium: Browser, address: str) -> tuple[Page, list[str], list[str]]:
    """The page, what it asked for, and what its console complained of."""
    page = await chromium.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(address)
    return page, asked, faults


async def test_codes_are_drawn_and_read_and_nothing_comes_from_elsewhere(chromium: Browser, served: Callable[[str], str]) -> None:
    page, asked, faults = await watched(chromium, served("/wasm"))
    assert await page.evaluate(OPEN) == "zxing"
    assert await page.evaluate(READ, [TEXT, "low"]) == [9, [TEXT]]
    assert await page.evaluate(READ, [TEXT, "medium"]) == [10, [TEXT]]
    shot = await page.locator("#code").screenshot()
    assert list(qr.read(shot)) == [TEXT]
    assert await page.evaluate("async () => scan.readPicture(reader, new Blob(['no picture'])).catch(({ kind }) => kind)") == "picture"
    assert faults == []
    assert all(each.startswith(served("/")) for each in asked)
    assert any(each.endswith("zxing_reader.wasm") for each in asked)


async def test_the_plain_reader_where_webassembly_is_refused(chromium: Browser, served: Callable[[str], str]) -> None:
    page, asked, _ = await watched(chromium, served("/plain"))
    assert await page.evaluate(OPEN) == "qr"
    assert await page.evaluate(READ, [TEXT, "low"]) == [9, [TEXT]]
    assert all(each.startswith(served("/")) for each in asked)


LOOP = """async () => {
  const canvas = document.getElementById("code");
  const content = crypto.getRandomValues(new Uint8Array(1700));
  const texts = await envelope.codesFor(envelope.PRESENTATION, content);
  const reception = new envelope.Reception();
  const loop = new draw.Loop(canvas, texts);
  const sizes = new Set();
  for (let shown = 0; shown < texts.length; shown += 1) {
    sizes.add(canvas.width);
    const file = await new Promise((done) => canvas.toBlob(done));
    for (const text of await scan.readPicture(reader, file)) {
      const got = await reception.add(text);
      if (got) return { frames: shown + 1, of: texts.length, sizes: sizes.size, same: got.content.every((byte, at) => byte === content[at]), left: reception.progress };
    }
    if (shown !== 1) loop.step(); else { loop.step(); loop.step(); }
  }
}"""


async def test_a_loop_of_frames_with_one_missed(chromium: Browser, served: Callable[[str], str]) -> None:
    page, _, faults = await watched(chromium, served("/wasm"))
    await page.evaluate(OPEN)
    result = await page.evaluate(LOOP)
    assert result == {"frames": 6, "of": 12, "sizes": 1, "same": True, "left": [6, 6]}
    assert faults == []


async def test_a_code_to_print_is_an_svg_that_zxing_reads(chromium: Browser, served: Callable[[str], str]) -> None:
    page, _, faults = await watched(chromium, served("/wasm"))
    await page.evaluate(OPEN)
    await page.evaluate(
        "(text) => { const svg = draw.toSvg(text); svg.setAttribute('width', '600'); document.getElementById('svg').append(svg); }", TEXT
    )
    assert list(qr.read(await page.locator("#svg svg").screenshot())) == [TEXT]
    assert faults == []


async def test_no_camera_is_told_apart_from_one_that_was_denied(chromium: Browser, served: Callable[[str], str]) -> None:
    page, _, _ = await watched(chromium, served("/wasm"))
    await page.evaluate(OPEN)
    kind = await page.evaluate(
        "async () => new scan.Camera(document.createElement('video'), reader, () => {}).start().catch((error) => error.kind ?? String(error))"
    )
    assert kind in {"denied", "missing"}
    assert await page.evaluate("() => scan.cleaned('  ovp1:ab c\\r\\n')") == "OVP1:AB C"


async def test_frames_from_a_camera(served: Callable[[str], str]) -> None:
    """Chromium's own test pattern holds no code; that frames are looked at and the camera is let go is what counts here."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "Chromium is not installed: `make system` brings it"
    fake = [*FLAGS, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=fake)
        page, _, faults = await watched(browser, served("/wasm"))
        await page.evaluate(OPEN)
        frames = await page.evaluate(
            """async () => {
              const video = document.createElement("video");
              const seen = [];
              const camera = new scan.Camera(video, reader, (texts) => seen.push(texts));
              await camera.start();
              while (seen.length < 3) await new Promise((done) => setTimeout(done, 20));
              camera.stop();
              return [seen.length >= 3, camera.frames >= 3, camera.stream, video.srcObject];
            }"""
        )
        await browser.close()
    assert frames == [True, True, None, None]
    assert faults == []
