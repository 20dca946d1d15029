"""The phone's page in Debian's Firefox: kept, opened again with the service gone, and shown, without a camera."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from support.firefox import Firefox, firefox
from support.pockets import Place, open_place
from support.wallets import PASSPHRASE
from support.world import BATCH

from shared.codec import qr
from shared.codec.frames import Assembly
from shared.ovp.envelope import of_message

pytestmark = pytest.mark.real

_CANVAS = "document.querySelector('canvas').toDataURL('image/png').split(',')[1]"


async def test_airplane_mode_in_firefox(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, firefox(tmp_path / "firefox") as window:
        await _clock(window, place)
        await _sign_in(window, place)
        await window.goto(f"{place.site.base}/phone/#keep/{place.document}")
        await _view(window, "keep")
        await _fill(window, new_passphrase=PASSPHRASE, repeat=PASSPHRASE)
        await _click(window, "form[data-form=keep] [type=submit]")
        await _view(window, "kept")
        await _click(window, "[data-do=home]")
        await _view(window, "home")
        await window.until("!document.querySelector('#ready').hidden")
        await place.site.stop()
        await window.goto(f"{place.site.base}/phone/")
        await _view(window, "unlock")
        await _fill(window, passphrase=PASSPHRASE)
        await _click(window, "form [type=submit]")
        await _view(window, "home")
        await _click(window, "[data-do=scan]")
        await window.until("document.querySelector('details[data-ways][open]') !== null")
        picture = tmp_path / "question.png"
        picture.write_bytes(qr.png(place.counter.ask()))
        await window.give_file("#picture", picture)
        await _view(window, "consent")
        await _click(window, "form[data-form=consent] [type=submit]")
        await _view(window, "frames")
        claims = place.counter.judge_live(await _read(window))
        assert claims.claims["proxy"]["given_name"] == "Nora"
        await _click(window, "[data-do=done]")
        await _view(window, "shown")
        assert str(BATCH - 1) in await window.run("document.querySelector('#view').innerText")


async def _clock(window: Firefox, place: Place) -> None:
    """The window's clock shows the time of the small world."""
    away = place.world.clock() * 1000 - int(time.time() * 1000)  # noqa: TID251 - the browser's own clock is the real one
    script = f"() => {{ const real = Date.now.bind(Date); Date.now = () => real() + {away}; }}"
    await window.command("script.addPreloadScript", functionDeclaration=script)


async def _sign_in(window: Firefox, place: Place) -> None:
    await window.goto(f"{place.site.base}/sign-in")
    await _fill(window, holder=place.site.made.holder, passphrase=place.site.made.passphrase)
    await _click(window, 'form[action="/sign-in"] button.govuk-button:not(.govuk-password-input__toggle)')
    await window.until("location.pathname === '/' && document.readyState === 'complete'")


async def _fill(window: Firefox, **fields: str) -> None:
    for name, value in fields.items():
        await window.run(f"(document.querySelector('#{name}').value = {value!r}, 1)")


async def _click(window: Firefox, selector: str) -> None:
    await window.run(f"(document.querySelector({selector!r}).click(), 1)")


async def _view(window: Firefox, name: str) -> None:
    try:
        await window.until(f"document.querySelector('#view').dataset.view === '{name}'")
    except AssertionError as error:
        shown = await window.run("document.querySelector('#view').innerText")
        raise AssertionError(f"the page does not come to {name}, it shows: {shown}") from error


async def _read(window: Firefox) -> bytes:
    """The content of the answer, from the squares as they are drawn."""
    assembly = Assembly()
    for _ in range(200):
        for text in qr.read(base64.b64decode(await window.run(_CANVAS))):
            message = assembly.add(text)
            if message is not None:
                return of_message(message)[1]
    raise AssertionError("the squares never said all")
