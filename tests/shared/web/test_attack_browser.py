"""A real browser on a network without TLS: it sends no `Sec-Fetch-Site` there, so `Origin` has to tell that a form is ours."""

from __future__ import annotations

import shutil

import pytest
from aiohttp import web
from playwright.async_api import async_playwright
from support.browser import FLAGS
from support.ports import free_port
from support.trial_web import Build

from shared.web import app as serving
from shared.web import auth
from shared.web.context import SETTINGS

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("chromium")]

PAGE = '<!doctype html><title>form</title><form method="post"><button name="sent" value="yes">Send</button></form>'


async def test_forms_work_over_plain_http(app_of: Build) -> None:
    port = free_port()
    here, there = f"http://desk.test:{port}", f"http://other.test:{port}"
    app = app_of(public_url=here, port=port, trusted_proxies=("127.0.0.0/8",))  # so that the other name is answered as well

    async def show(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def read(request: web.Request) -> web.Response:
        form = await auth.read_form(request, signed_in=False)
        return web.Response(text=f"<!doctype html><title>{form['sent']}</title>", content_type="text/html")

    auth.use_auth(app)
    app.router.add_get("/", show)
    app.router.add_post("/", read)

    async def browse() -> None:
        async with async_playwright() as driver:
            rules = "--host-resolver-rules=MAP *.test 127.0.0.1"
            browser = await driver.chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS, rules])
            page = await browser.new_page()
            for address, status in ((here, 200), (there, 403)):
                await page.goto(address)
                async with page.expect_navigation() as answered:
                    await page.get_by_role("button").click()
                answer = await answered.value
                assert answer is not None
                assert answer.status == status
            await browser.close()

    await serving.serve(app, app[SETTINGS], until=browse())
