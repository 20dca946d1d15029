"""docs/ovp.md says what the code does: its worked vectors and its sizes."""

from __future__ import annotations

import re
from pathlib import Path

from support.counter import Counter
from support.ovp_presentations import NAMES, POWERS, TYPE, Scene

from shared.codec.frames import split
from shared.cose import kid_of, parse_cose_key, thumbprint
from shared.ovp import code, envelope
from shared.ovp.seal import OVERHEAD

TEXT = (Path(__file__).parents[3] / "docs" / "ovp.md").read_text(encoding="utf-8")


def test_thumbprint_and_kid() -> None:
    x, y = re.findall(r"-[23]: h'([0-9a-f]{64})'", TEXT)
    public = parse_cose_key({1: 2, -1: 1, -2: bytes.fromhex(x), -3: bytes.fromhex(y)})
    assert f"thumbprint {thumbprint(public).hex()}   kid {kid_of(public).hex()}" in TEXT


def test_text_and_frames() -> None:
    assert f"`6965746621` as a challenge: `{envelope.render_text(envelope.CHALLENGE, b'ietf!')}`" in TEXT
    shown = split(bytes(range(10)), chunk=4)
    for number in (0, 3):
        assert re.search(rf"frame {number}  1f825aa2 .*   {re.escape(shown[number])}\n", TEXT)


def test_code() -> None:
    made = code.make_code(entity="https://bank.example", use="bank-account", entropy=lambda _size: (31_415_926).to_bytes(8, "big"))
    nonce = code.code_nonce(made, entity="https://bank.example", use="bank-account").hex()
    assert f"code    {made}\ncnonce  {nonce}\n" in TEXT


def test_sizes() -> None:
    scene = Scene()
    wire = scene.issue()
    everything = tuple(group.id for group in TYPE.groups if group.cwt)
    bank = (*NAMES, *POWERS, "donor-birthdate", "donor-postcode")
    assert f"| challenge | {len(Counter().challenge())} |" in TEXT
    receipts = (Counter().receipt(), Counter().receipt(decision="rejected", code="revoked", pack=bytes(32)))
    for size, version in zip(map(len, receipts), (13, 14), strict=True):
        assert f" | {size} | {_characters(size)} | {version} | 2 |" in TEXT
    for groups in ((), NAMES, (*NAMES, *POWERS), bank, everything):
        size = len(scene.show(wire, groups=groups))
        shown = f"{size:,}, sealed {size + OVERHEAD + 1:,}"
        assert f"| {shown} |" in TEXT
        assert f"{_characters(size):,}, {_characters(size + OVERHEAD + 1):,} |" in TEXT


def _characters(size: int) -> int:
    """With the prefix, where nothing is compressed."""
    return len(envelope.render_text(envelope.SEALED, bytes(size)))


def test_claims_of_the_type() -> None:
    """A stranger needs no other file to read a document of this type."""
    numbers = {group.id: group.cwt for group in TYPE.groups}
    assert f"`{TYPE.vct}`" in TEXT
    for claim in TYPE.claims:
        path = "/".join("*" if step is None else str(step) for step in claim.path)
        kind = f"code: {' · '.join(f'`{choice.value}`' for choice in claim.choices)}" if claim.choices else claim.kind.value
        needed = " yes |" if claim.required else " |"
        assert f"| {claim.cwt} | `{path}` | {kind} | {numbers[claim.group] or 'clear'} |{needed}\n" in TEXT


def test_numbers() -> None:
    for each in (envelope.MAX_TEXT, envelope.MAX_CONTENT):
        assert f"{each:,}" in TEXT
    for prefix in envelope.PREFIXES:
        assert f"| `{prefix}` |" in TEXT
