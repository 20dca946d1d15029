"""Two tabs of one phone: what one shows is not sent from copies that the other has fetched meanwhile, if they say something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.pockets import SMALL, open_place, open_pocket
from support.trial_verify import CLAIMS
from support.wallets import PASSPHRASE

pytestmark = pytest.mark.real

MAUD = {**CLAIMS, "represented": {**CLAIMS["represented"], "given_name": "Maud"}}


async def test_a_phone_shows_what_its_page_showed(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile", size=SMALL) as pocket:
        await pocket.sign_in()
        await pocket.keep(place.document)
        await pocket.paste(place.counter.ask())
        await pocket.wait("consent")
        place.world.office.claims = MAUD
        other = await pocket.context.new_page()
        await other.goto(f"{place.site.base}/phone/")
        await other.locator("#passphrase").fill(PASSPHRASE)
        await other.get_by_role("button", name="Unlock", exact=True).click()
        await other.locator('#signal[data-reach="online"]').wait_for()
        await other.get_by_role("button", name="Get new copies now").click()
        await other.locator('#view[data-view="keep"]').wait_for()
        await other.get_by_role("button", name="Keep on this phone", exact=True).click()
        await other.locator('#view[data-view="kept"]').wait_for()
        await pocket.page.bring_to_front()
        await pocket.press("Show once")
        await pocket.page.get_by_text("The document has changed since you looked").wait_for()
        await pocket.look("changed-since-you-looked")
        assert place.counter.judge_live(await pocket.agree()).claims["represented"]["given_name"] == "Maud"
