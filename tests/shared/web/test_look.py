"""The parts of pages in a real browser: accessible, whole at 320 px, by keyboard alone, without JavaScript, within the policy."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route, expect
from support.browser import LAPTOP, Open, Watched
from support.gallery import gallery
from support.trial_web import Build, Client, Serve

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("chromium")]


@pytest.fixture
async def site(app_of: Build, serve: Serve) -> Client:
    return await serve(gallery(app_of))


def address(site: Client, path: str = "/") -> str:
    return str(site.make_url(path))


async def visit(browser: Browser, complaints: list[str], **options: object) -> Page:
    context = await browser.new_context(**options)  # type: ignore[arg-type]
    page = await context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
async def test_axe_finds_nothing_and_nothing_sticks_out(chromium: Browser, site: Client, width: int, scheme: str) -> None:
    complaints: list[str] = []
    page = await visit(chromium, complaints, viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
    session = await page.context.new_cdp_session(page)
    for path, status in (("/", 200), ("/?lang=cy", 200), ("/wrong", 400), ("/nowhere", 404), ("/errors", 200)):
        complaints.clear()
        await session.send("Page.setBypassCSP", {"enabled": False})
        answer = await page.goto(address(site, path))
        assert answer is not None
        assert answer.status == status
        await expect(page.locator("body.govuk-frontend-supported")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await Watched(page).check_still()
        assert [line for line in complaints if "the server responded with a status" not in line] == []
        await session.send("Page.setBypassCSP", {"enabled": True})  # axe brings its own script
        await page.reload()
        found = (await Axe().run(page)).response["violations"]
        assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []


async def test_by_keyboard_alone(chromium: Browser, site: Client) -> None:
    page = await visit(chromium, [])
    await page.goto(address(site))
    await page.keyboard.press("Tab")
    await expect(page.locator(".govuk-skip-link")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main-content")).to_be_focused()
    await page.goto(address(site, "/wrong"))
    await expect(page.locator(".govuk-error-summary")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#reference")).to_be_focused()
    reached = set()
    for _ in range(40):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("document.activeElement.textContent.trim().slice(0, 30)"))
    assert {"Continue", "Save for later", "Cancel this document", "Go back without doing this", "Copy"} <= reached


async def test_live_state_and_copying(chromium: Browser, site: Client) -> None:
    page = await visit(chromium, [])
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(address(site))
    await expect(page.get_by_text("Look again", exact=True)).to_be_hidden()
    await expect(page.get_by_role("status")).to_have_text("The wallet has answered")
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert (await page.evaluate("navigator.clipboard.readText()")).startswith("https://issuer.example/offer/")


async def test_whole_without_javascript(chromium: Browser, site: Client) -> None:
    page = await visit(chromium, [], java_script_enabled=False)
    await page.goto(address(site))
    await expect(page.get_by_role("link", name="Look again")).to_be_visible()
    await expect(page.get_by_role("button", name="Copy")).to_be_hidden()
    await expect(page.get_by_role("button", name="Show")).to_be_hidden()
    await expect(page.get_by_label("Passphrase", exact=True)).to_be_editable()
    await page.get_by_role("link", name="Cymraeg").click()
    await expect(page.locator("html")).to_have_attribute("lang", "cy")


async def test_the_code_stays_dark_on_white_in_the_dark(chromium: Browser, site: Client) -> None:
    page = await visit(chromium, [], color_scheme="dark")
    await page.goto(address(site))
    plate = page.locator(".mu-qr__plate")
    assert await plate.evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(255, 255, 255)"
    assert await plate.evaluate("one => parseFloat(getComputedStyle(one).paddingTop)") >= 16


async def test_the_policy_holds_against_injected_markup(chromium: Browser, site: Client) -> None:
    complaints: list[str] = []
    page = await visit(chromium, complaints)
    await page.goto(address(site))
    refused = await page.evaluate(
        """() => { try { document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>'); return false; } catch { return true; } }"""
    )
    assert refused
    assert any("TrustedHTML" in line for line in complaints)


async def test_a_page_that_goes_on_by_itself_is_looked_at_when_it_has(open_page: Open) -> None:
    watched, came = await open_page(LAPTOP), list[str]()

    async def answer(route: Route) -> None:
        came.append(route.request.url)
        further = f"<script>setTimeout(() => location.assign('/{len(came)}'), 50)</script>" if len(came) < 4 else ""
        page = f"<!doctype html><html lang=en><title>Here</title><main><h1>Here</h1></main>{further}"
        await route.fulfill(body=page, content_type="text/html")

    await watched.page.route("**/*", answer)
    await watched.page.goto("http://localhost:1/")
    while len(came) < 4:
        await watched.check()
    await watched.check()


async def test_what_is_wrong_is_not_forgiven_where_the_page_stays(open_page: Open) -> None:
    watched = await open_page(LAPTOP)
    await watched.page.set_content("<!doctype html><html lang=en><title>Here</title><main><p>No heading</p></main>")
    with pytest.raises(AssertionError):
        await watched.check_shape()
