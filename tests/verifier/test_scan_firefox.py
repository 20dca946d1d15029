"""The checking page in Debian's Firefox: set up, opened again with the service gone, asked, and answered by a picture file."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
from support.desk import Template, serving
from support.firefox import Firefox, firefox
from support.scan_page import PASSPHRASE, answer, as_code
from support.signing import AT

from shared.codec import qr
from shared.ovp.challenge import Challenge, parse_challenge
from shared.ovp.envelope import CHALLENGE, parse_text

pytestmark = pytest.mark.real

_CANVAS = "document.querySelector('canvas[data-part=code]').toDataURL('image/png').split(',')[1]"


async def test_airplane_mode_in_firefox(template: Template, tmp_path: Path) -> None:
    async with firefox(tmp_path / "firefox") as window:
        await _clock(window)
        async with serving(template, tmp_path / "desk", local=True) as desk:
            page = f"{desk.base}/desk/scan/"
            await window.goto(f"{desk.base}/desk/sign-in?next=/desk/scan/")
            await _fill(window, name="Bea Clerk", passphrase="correct-horse-battery")
            await window.run("(document.querySelector('[name=passphrase]').form.requestSubmit(), 1)")
            await _view(window, "enrol")
            await _fill(window, name="Counter 3", passphrase=PASSPHRASE, again=PASSPHRASE)
            await _click(window, "[data-on-submit=enrol] [type=submit]")
            await _view(window, "home")
            await window.until("document.querySelector('[data-part=knowledge]').textContent.includes('dated')")
            await window.until("navigator.serviceWorker.ready.then(() => true)")
        await window.goto(page)
        await _view(window, "locked")
        await _fill(window, passphrase=PASSPHRASE)
        await _click(window, "[data-on-submit=unlock] [type=submit]")
        await _view(window, "home")
        challenge = await _ask(window)
        picture = tmp_path / "answer.png"
        picture.write_bytes(qr.png(as_code(answer(challenge)), ec="L"))
        await window.give_file("#scan input[type=file]", picture)
        await _view(window, "result")
        said = await window.run("document.querySelector('main').innerText")
        assert "You can rely on this" in said
        assert "Checked by this desk alone" in said
        assert await window.run("document.querySelector('[data-part=verdict]').dataset.level") == "3"


async def _clock(window: Firefox) -> None:
    """The window's clock shows the time of the small world."""
    away = (AT - int(time.time())) * 1000  # noqa: TID251 - the browser's own clock is the real one
    script = f"() => {{ const real = Date.now.bind(Date); Date.now = () => real() + {away}; }}"
    await window.command("script.addPreloadScript", functionDeclaration=script)


async def _ask(window: Firefox) -> Challenge:
    """Choose what for, and read the square code as it is drawn."""
    await window.run("([...document.querySelectorAll('[data-on=use]')].find((one) => one.textContent.includes('Bank account')).click(), 1)")
    await _view(window, "ask")
    (text,) = qr.read(base64.b64decode(await window.run(_CANVAS)))
    prefix, data = parse_text(text)
    assert prefix == CHALLENGE
    return parse_challenge(data)


async def _fill(window: Firefox, **fields: str) -> None:
    for name, value in fields.items():
        await window.run(f"(document.querySelector('main [name={name}]').value = {json.dumps(value)}, 1)")


async def _click(window: Firefox, selector: str) -> None:
    await window.run(f"(document.querySelector({json.dumps(selector)}).click(), 1)")


async def _view(window: Firefox, name: str) -> None:
    await window.until(f"document.querySelector('#scan')?.dataset.view === '{name}'")
