"""Debian's Firefox on both sides, every service ended: the question and the answer travel as picture files."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.firefox import Firefox, firefox
from support.house import House, close_house, open_house
from support.two_pages import DESK_PASSPHRASE, PHONE_PASSPHRASE, SCREENS, settle

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("firefox-offline")]
BANK = "Bank account"
TAKEN = """number => {
  if (!document.querySelector("[data-view=ask]")) return "whole";
  const [have, need] = document.querySelector("[data-slot=progress]").textContent.match(/\\d+/g) ?? [];
  return Number(have) === number && have !== need ? "more" : "";
}"""
"""Whether the desk's page has read so many pieces, or has all that it needs."""


async def press(window: Firefox, text: str) -> None:
    """The button or choice with that text, once there is one."""
    found = f"[...document.querySelectorAll('button, a')].find((each) => each.textContent.trim().startsWith({json.dumps(text)}))"
    await window.until(f"Boolean({found})")
    await window.run(f"{found}.click() ?? true")


async def fill(window: Firefox, **fields: str) -> None:
    """Fields by id, with ``_`` for ``-``; then the form that they are in is sent."""
    names = {name.replace("_", "-") if name.startswith("scan") else name: value for name, value in fields.items()}
    for name, value in names.items():
        await window.until(f"Boolean(document.getElementById('{name}'))")
        await window.run(f"document.getElementById('{name}').value = {json.dumps(value)}")
    await window.run(f"document.getElementById('{next(iter(names))}').form.requestSubmit() ?? true")


async def view(window: Firefox, name: str) -> None:
    await window.until(f"document.querySelector('[data-view={name}]') !== null")


async def drawn(window: Firefox, selector: str, file: Path) -> Path:
    """What the page draws, as somebody would photograph it."""
    address = await window.run(f"document.querySelector('{selector}').toDataURL()")
    await asyncio.to_thread(file.write_bytes, base64.b64decode(address.partition(",")[2]))
    return file


async def test_firefox_by_pictures(tmp_path: Path) -> None:
    """From nothing to level 3: the phone's page and the desk's page, each in its own tab."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    house = await open_house(tmp_path / "house", known=True)
    try:
        await settle(house)
        async with firefox(tmp_path / "profile") as phone:
            made = await phone.command("browsingContext.create", type="tab")
            desk = replace(phone, context=made["context"])
            await keep(phone, house)
            await make_a_desk(desk, house)
            close_house(house)
            await meet(phone, desk, house, tmp_path)
    finally:
        close_house(house)


async def keep(phone: Firefox, house: House) -> None:
    await phone.goto(f"{house.wallet}/sign-in?next=/phone/")
    await phone.run(
        f"document.querySelector('form[action*=sign-in] input[type=text], main input[type=text]').value = {json.dumps(house.nora['holder'])}"
    )
    await fill(phone, passphrase=house.nora["passphrase"])
    await view(phone, "empty")
    await press(phone, "Keep on this phone")
    await view(phone, "keep")
    await fill(phone, new_passphrase=PHONE_PASSPHRASE, repeat=PHONE_PASSPHRASE)
    await view(phone, "kept")
    await phone.until("!document.querySelector('#ready').hidden")


async def make_a_desk(desk: Firefox, house: House) -> None:
    await desk.goto(f"{house.desk}/desk/sign-in?next=/desk/scan/")
    await desk.run(f"document.querySelector('main input[type=text]').value = {json.dumps(house.council['operator'])}")
    await fill(desk, passphrase=house.council["passphrase"])
    await view(desk, "enrol")
    await fill(desk, scan_name="Counter 4", scan_passphrase=DESK_PASSPHRASE, scan_again=DESK_PASSPHRASE)
    await view(desk, "home")
    await desk.until("document.body.textContent.includes('Checking pack: dated')")
    await desk.until("navigator.serviceWorker.ready.then(() => true)")


async def meet(phone: Firefox, desk: Firefox, house: House, folder: Path) -> None:
    """Both pages are opened again, with nobody there to serve them."""
    await phone.goto(f"{house.wallet}/phone/")
    await view(phone, "unlock")
    await fill(phone, passphrase=PHONE_PASSPHRASE)
    await view(phone, "home")
    await desk.goto(f"{house.desk}/desk/scan/")
    await view(desk, "locked")
    await fill(desk, scan_passphrase=DESK_PASSPHRASE)
    await view(desk, "home")
    await press(desk, BANK)
    await view(desk, "ask")
    question = await drawn(desk, "[data-part=code]", folder / "question.png")
    await press(phone, "Show at a desk")
    await phone.until("document.querySelector('details[data-ways][open]') !== null")
    await phone.give_file("#picture", question)
    await view(phone, "consent")
    await phone.picture(SCREENS / "firefox-consent.png")
    await press(phone, "Show once")
    await view(phone, "frames")
    await press(phone, "Pause")
    label = await phone.run("document.querySelector('canvas').getAttribute('aria-label')")
    for number in range(max(map(int, re.findall(r"\d+", label)))):
        await desk.give_file("#scan input[type=file]", await drawn(phone, "canvas", folder / f"answer-{number}.png"))
        if await desk.until(f"({TAKEN})({number + 1})") == "whole":
            break
        await press(phone, "Next square")
    await view(desk, "result")
    await desk.picture(SCREENS / "firefox-verdict.png")
    assert await desk.run("document.querySelector('[data-part=verdict]').dataset.level") == "3"
    said = " ".join((await desk.run("document.querySelector('[data-part=verdict]').innerText")).split())
    assert said.startswith("You can rely on this")
    assert "Checked by this desk alone, without the service." in said
