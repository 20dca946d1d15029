"""What people do on the three sites, step by step: the clerk, Nora, and the council's counter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import expect
from support.house import House
from support.walk import PATIENCE, Walker

CHOICES = {
    "representation_kind": "Power of attorney",
    "instrument_type": "Lasting power of attorney: property and financial affairs",
    "attestation_basis": "Entry in the register",
    "decision_rule": "Jointly and severally: any one may act",
    "usable_when": "While the donor can decide, and after",
    "has_restrictions": "No",
}
POWERS = ("Council tax", "Benefits and pensions", "Bank and building society accounts")
DONOR = {"represented.given_name": "Margaret", "represented.family_name": "Ashdown"}
ATTORNEY = {"proxy.given_name": "Nora", "proxy.family_name": "Ashdown"}
REFERENCE = "M-7890-0400-4000"


async def clerk_signs_in(walker: Walker, house: House) -> None:
    await walker.go(f"{house.issuer}/console/")
    await sign_in(walker, "Your name", house.registry["operator"], house.registry["passphrase"], "Sign in")


async def desk_signs_in(walker: Walker, house: House) -> None:
    await walker.go(f"{house.desk}/desk/")
    await sign_in(walker, "Your name", house.council["operator"], house.council["passphrase"], "Sign in")


async def nora_signs_in(walker: Walker, house: House) -> None:
    await walker.go(f"{house.wallet}/sign-in")
    await sign_in(walker, "Name of your wallet", house.nora["holder"], house.nora["passphrase"], "Open")


async def sign_in(walker: Walker, label: str, name: str, passphrase: str, button: str) -> None:
    await walker.write(label, name)
    await walker.write("Passphrase", passphrase)
    await walker.press(button)


async def fill_in_document(walker: Walker) -> None:
    """LPA-1, as it lies before the clerk on paper, from top to bottom."""
    page = walker.page
    for name, label in CHOICES.items():
        option = page.locator(f'input[name="detail.{name}"] + label', has_text=label).first.locator("xpath=../input")
        await walker.tick(option)
    for label in POWERS:
        await walker.tick(page.get_by_role("checkbox", name=label))
    for name, text in DONOR.items():
        await walker.fill(page.locator(f'[id="detail.{name}"]'), text)
    await _write_date(walker, "represented.birthdate", "2", "11", "1938")
    await walker.fill(page.locator('[id="detail.represented.address.postal_code"]'), "ZZ99 4CD")
    for name, text in ATTORNEY.items():
        await walker.fill(page.locator(f'[id="detail.{name}"]'), text)
    await _write_date(walker, "proxy.birthdate", "14", "3", "1968")
    await walker.fill(page.locator('[id="detail.register_entry"]'), f"urn:fdc:opg.example:2027:lpa:{REFERENCE}")
    await walker.choose("England and Wales")
    await walker.fill(page.locator('[id="reference"]'), REFERENCE)


async def _write_date(walker: Walker, name: str, *parts: str) -> None:
    for part, value in zip(("day", "month", "year"), parts, strict=True):
        await walker.fill(walker.page.locator(f'[id="detail.{name}.{part}"]'), value)


async def nora_collects(walker: Walker, house: House, made: dict[str, str]) -> str:
    """Collect the document of an invitation; the address of its card."""
    await walker.go(f"{house.wallet}/receive")
    await walker.write("Link of the invitation", made["invitation_link"])
    await walker.press("Continue")
    await type_code(walker, made["code"])
    return await collected(walker)


async def type_code(walker: Walker, code: str) -> None:
    await walker.write("Collection code", code)
    await walker.press("Collect the document")


async def collected(walker: Walker) -> str:
    """Wait until the document is there; without JavaScript the page has to be asked. The address of its card."""
    done, again = walker.page.get_by_role("heading", name="Document collected"), walker.page.get_by_role("link", name="Look again")
    for _ in range(PATIENCE // 1000):
        await expect(done.or_(walker.page.locator("[data-poll]")).first).to_be_visible(timeout=PATIENCE)
        if await done.is_visible():
            return walker.page.url.partition("?")[0]
        await walker.page.wait_for_timeout(1000)
        if await again.is_visible():
            await walker.enter(again)
    raise AssertionError(f"{walker.page.url}: the document never came")


async def nora_opens_request(walker: Walker, house: House, link: str) -> None:
    """Paste the link of a request; the consent page comes."""
    await walker.go(f"{house.wallet}/present")
    await walker.write("Link of the request", link)
    await walker.press("Continue")


async def open_in_wallet(walker: Walker, house: House) -> None:
    """On an invitation or a request: the wallet's address, unless this browser knows it already, and the way there."""
    host = house.wallet.removeprefix("http://")
    way = walker.page.get_by_role("button", name=f"Open in {host}")
    if not await way.is_visible():
        await walker.write("Open in my wallet", host)
        await walker.press("Use this wallet")
    await walker.enter(way)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy made out to somebody, as it lies in Nora's downloads: the file and the picture."""

    page: str
    file: Path
    picture: Path


async def nora_makes_copy(walker: Walker, house: House) -> Copy:
    """A copy made out to the council, about council tax."""
    await walker.go(f"{house.wallet}/copies/new")
    await walker.write("Organisation", "Anytown Borough Council")
    await walker.write("The organisation’s own address", house.council["entity"])
    await walker.choose("Council tax")
    await walker.press("Look at it first")
    await walker.press("Make this copy")
    await expect(walker.page.get_by_role("heading", name="Copy for Anytown Borough Council")).to_be_visible()
    file = await _download(walker, "Save the copy as a file, to send by e-mail", house.folder / "copy.json")
    picture = await _download(walker, "Save the square code as a picture", house.folder / "copy.png")
    return Copy(page=walker.page.url, file=file, picture=picture)


async def _download(walker: Walker, link: str, target: Path) -> Path:
    async with walker.page.expect_download() as waiting:
        await walker.hit(walker.page.get_by_role("link", name=link))
    await (await waiting.value).save_as(target)
    return target


async def desk_asks(walker: Walker, house: House) -> str:
    """About council tax; the page with the square code waits, the link is returned."""
    await walker.go(f"{house.desk}/desk/ask")
    await walker.choose("Council tax")
    await walker.press("Show the square code")
    return await walker.page.locator("#request-link").inner_text()


async def desk_checks_copy(walker: Walker, house: House, copy: Path) -> None:
    await walker.go(f"{house.desk}/desk/copies")
    await walker.upload(copy)
    await walker.press("Check it")


async def desk_fetches_lists(walker: Walker, house: House) -> None:
    await walker.go(f"{house.desk}/desk/trust")
    await walker.press("Fetch all lists now")
