"""Stolen digests against somebody who can try every name with every date of birth (domain check T-AU-4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path

from support import registry
from support.desk import PURPOSE, Running, make_copy
from support.registry import LPA_1

from issuer.office import REFERENCES
from shared import addressed
from shared.codec import base64url, strict_json
from shared.marks import BORN
from shared.web import log
from verifier import copies, facts
from verifier.desk import LOG
from verifier.settle import open_verdict

GIVEN = ("margaret", "nora", "joan", "ada", "arthur", "tom", "peter", "leila", "callum", "ewan", "isla", "wren", "sam", "dean", "hilda")
STEMS = ("ashdown", "penhale", "hart", "okafor", "reid", "voss", "marlow", "hale", "finch", "pryce")
ENDS = ("", "e", "s", "son", "ley", "ton", "by", "man", "ford", "well")
DAYS = tuple(date.fromordinal(day).isoformat() for day in range(date(1930, 1, 1).toordinal(), date(1950, 1, 28).toordinal()))
NAMES = tuple(" ".join(sorted((given, stem + end))) for given in GIVEN for stem in STEMS for end in ENDS)
"""In the one spelling in which both compare them."""


def named(name: str, day: str = "") -> bytes:
    """What the office makes the digest of, where it knows whom a power is given by."""
    return f"person\0representation\0represented\0{BORN}\0{name}\0{day}".encode()


def fact(name: str) -> bytes:
    """What the desk makes the key of, for this donor with NORA, whom the thief knows."""
    return b"fact\0" + strict_json.dumps([PURPOSE, sorted([name, "ashdown nora"])])


def guesses() -> Iterator[bytes]:
    """Each of 1,500 names with each of 7,332 days, as the digest of what the office knows; and each name as the digest of what the desk knows."""
    days = [day.encode() for day in DAYS]
    for name in NAMES:
        yield sha256(fact(name)).digest()
        begun = sha256(named(name))
        for day in days:
            tried = begun.copy()
            tried.update(day)
            yield tried.digest()


async def test_t_au_4_eleven_million_guesses_recover_nobody(desk: Running, tmp_path: Path) -> None:
    """Of bare digests of the same texts every person is found in the same run; of ours none, though the person was there: neither of the desk's
    log, nor of what it has recorded, nor of whom the office's documents name.
    """
    outcome = await copies.bring(desk.desk, desk.store, addressed.render_file(make_copy()), made_by="desk")
    assert outcome.decision.decision == "accepted"
    opened = await open_verdict(desk.desk, outcome.answered)
    assert opened is not None
    recorded = await facts.fact_of(desk.desk, outcome.answered.asked, opened.verdict["credentials"])
    (line,) = await desk.desk.storage.read(lambda tx: log.page(tx, before=9, limit=9))
    assert line.entry.entry is not None
    template = await registry.make_template(tmp_path / "office-template")
    async with registry.serving(template, tmp_path / "office") as office:
        await office.make(claims=LPA_1)
        known = await office.office.custodian.mac(REFERENCES, named(NAMES[0], "1938-11-02"))
        rows = await office.office.storage.read(lambda tx: tx.fetch("SELECT kind, digest FROM named WHERE side = 'represented'"))
    assert known in {bytes(row["digest"]) for row in rows}, "these are the office's very texts"
    assert recorded == await desk.desk.custodian.mac(LOG, fact(NAMES[0])), "and these the desk's"
    ours = {
        base64url.decode(line.entry.entry["presentation_mac"]),
        line.entry.commitment,
        recorded,
        *(bytes(row["digest"]) for row in rows),
    }
    bare = {sha256(each).digest() for name in NAMES[::107] for each in (fact(name), named(name, "1938-11-02"))}
    assert len(NAMES) * len(DAYS) >= 10_998_000
    found = {digest for digest in guesses() if digest in bare or digest in ours}
    assert found == bare
