"""A stolen log against somebody who can try every name with every date of birth (domain check T-AU-4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from hashlib import sha256

from support.desk import Running, make_copy

from shared import addressed
from shared.codec import base64url
from shared.web import log
from verifier import copies

GIVEN = ("Margaret", "Nora", "Joan", "Ada", "Arthur", "Tom", "Peter", "Leila", "Callum", "Ewan", "Isla", "Wren", "Sam", "Dean", "Hilda")
STEMS = ("Ashdown", "Penhale", "Hart", "Okafor", "Reid", "Voss", "Marlow", "Hale", "Finch", "Pryce")
ENDS = ("", "e", "s", "son", "ley", "ton", "by", "man", "ford", "well")
DAYS = tuple(date.fromordinal(day).isoformat().encode() for day in range(date(1930, 1, 1).toordinal(), date(1950, 1, 28).toordinal()))


def guesses() -> Iterator[bytes]:
    """Each of 1,500 names with each of 7,332 days, as its digest."""
    for given in GIVEN:
        for name in (f"{given} {stem}{end} ".encode() for stem in STEMS for end in ENDS):
            begun = sha256(name)
            for day in DAYS:
                tried = begun.copy()
                tried.update(day)
                yield tried.digest()


async def test_t_au_4_eleven_million_guesses_recover_nobody(desk: Running) -> None:
    """Of a log with bare digests every person is found in the same run; of ours none, though the person was there."""
    people = [f"{given} {stem}{end} 1938-11-02" for given, stem, end in zip(GIVEN, STEMS * 2, ENDS * 2, strict=False)]
    bare = {sha256(each.encode()).digest() for each in people}
    outcome = await copies.bring(desk.desk, desk.store, addressed.render_file(make_copy()), made_by="desk")
    assert outcome.decision.decision == "accepted"
    (line,) = await desk.desk.storage.read(lambda tx: log.page(tx, before=9, limit=9))
    assert line.entry.entry is not None
    ours = {base64url.decode(line.entry.entry["presentation_mac"]), line.entry.commitment}
    assert len(GIVEN) * len(STEMS) * len(ENDS) * len(DAYS) >= 10_998_000
    found = {digest for digest in guesses() if digest in bare or digest in ours}
    assert found == bare
