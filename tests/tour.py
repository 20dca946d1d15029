"""Renew the pictures of docs/tour.md out of those that ``make screens`` has just made: the top of each page, small."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
MADE, KEPT = ROOT / ".screens", ROOT / "docs" / "tour"
COLOURS, HIGHEST = 24, {320: 900, 1280: 860}  # of a picture, and its height in pixels by its width
PICTURES = {
    "nora-asked": "in-use/e2e/at_c02/at_c02_5*/wallet-first-of-two-320.png",
    "bank-one-of-two": "in-use/e2e/at_c02/at_c02_5*/desk-one-of-two-1280.png",
    "margaret-sees": "in-use/wallet/donor_browser/*-en-1280/reported-320.png",
    "nora-stopped": "in-use/e2e/at_c02/at_c02_10*/wallet-stopped-by-the-donor-320.png",
    "joan-whom": "in-use/e2e/at_c05/at_c05_1*/chosen-320.png",
    "joan-each-learns": "in-use/e2e/at_c05/at_c05_1*/each-learns-1280.png",
    "joan-answers": "in-use/e2e/at_c05/at_c05_1*/over-1280.png",
    "joan-answers-in-welsh": "in-use/e2e/at_c05/at_c05_1*/over-welsh-320.png",
    "joan-wrong-in-welsh": "in-use/e2e/joans_walk/*-cy-320/wrong-320.png",
    "tom-as-executor": "in-use/e2e/at_c06/at_c06_1*/wallet-as-executor-320.png",
    "bank-needs-the-grant": "in-use/e2e/at_c06/at_c06_1*/desk-needs-the-grant-release-1280.png",
    "tom-through-solicitors": "in-use/e2e/at_c06/at_c06_2*/wallet-as-solicitor-320.png",
}


def shrink(source: Path, target: Path) -> None:
    """Its top, in few colours."""
    with Image.open(source) as picture:
        top = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, HIGHEST[picture.width])))
        top.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def main() -> int:
    KEPT.mkdir(exist_ok=True)
    for name, made in PICTURES.items():
        sources = sorted(MADE.glob(made))
        if not sources:
            sys.stderr.write(f"no picture for {name}: {made}\n")
            return 1
        shrink(sources[0], KEPT / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
