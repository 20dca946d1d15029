"""What a page cannot tell by itself is told by the pack: how long it may be believed, and how old a word its owner relies on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.desk import Site, Template, opened, refreshed
from support.signing import AT
from support.trial_verify import DAY, registry
from support.trusting import Publisher, crl_by

from shared.credentials import all_types
from shared.trust.artefact import PAGE_TYPES
from shared.trust.bundle import Bundle, parse_bundle
from verifier import packs


async def made(template: Template, folder: Path, publisher: Publisher | None = None, **settings: Any) -> Bundle:
    async with opened(template, folder, **settings) as desk:
        await refreshed(desk, Site(trust=publisher or Publisher()))
        return parse_bundle((await packs.make(desk)).data)


async def test_a_pack_ends_with_the_first_list_of_withdrawn_certificates(template: Template, tmp_path: Path) -> None:
    """The service calls what such a list left open undecided; a page would go on saying yes."""
    for days, ends in ((2, AT - 60 + 2 * DAY), (30, AT - 60 + 7 * DAY)):
        crls = (crl_by(registry().certificate, registry().root, days=days),)
        bundle = await made(template, tmp_path / str(days), Publisher(crls=crls), pack_days=30)
        assert bundle.exp == ends


@pytest.mark.parametrize(("hours", "low", "high"), [(0, None, None), (2, 7_200, 7_200), (48, 172_800, 172_800)])
async def test_pages_rely_on_no_older_list_than_their_owner_allows(
    template: Template, tmp_path: Path, hours: int, low: int | None, high: int | None
) -> None:
    bundle = await made(template, tmp_path / "desk", max_status_hours=hours)
    for told in json.loads(bundle.of(PAGE_TYPES)[0])["types"]:
        own = {"low": 7 * DAY, "high": DAY, **all_types()[told["vct"]].status_max_age}
        assert told["status_max_age"] == {"low": min(own["low"], low or own["low"]), "high": min(own["high"], high or own["high"])}
