"""How many camera frames until a verdict: each standard presentation, as a loop of codes and as one code, before simulated cameras.

``make bench BENCH=scan`` writes docs/scan-table.md anew. The presentations are real ones, made here, and the verdict is real as well: a
frame counts until the message is whole and the answer in it has been opened and verified.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import zxingcpp
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from benchmarks.jws import raw
from benchmarks.measure import Row
from demo.camera import MEDIOCRE, POOR, Camera, film
from shared.clock import system_clock, system_entropy
from shared.codec import base64url, frames, qr
from shared.cose import kid_of
from shared.credentials import by_id
from shared.errors import Malformed
from shared.formats import Binding, Claims, Credential, StatusReference, formats
from shared.keys import KeyId, PublicKey
from shared.ovp import seal
from shared.ovp.answer import Answer, parse_answer, render_answer
from shared.ovp.envelope import SEALED, of_message, render_text, to_message

MILLIMETRES = 62.0  # a telephone's width, quiet zone included
DISTANCES = (0.20, 0.25, 0.30, 0.35)
MAX_PORTRAIT = 800
MOST = 45  # frames until it is given up: three seconds
HOLD = 3  # camera frames a code, at 15 camera frames and 5 codes a second
ROUNDS = 3  # each cell is filmed so often, with other poses, beginning at another code
TABLE = Path("docs/scan-table.md")
DEVICES = Path("docs/devices")
"""Files as the page “Try your camera” saves them, one a device."""
NOW = system_clock()
DAY = NOW - NOW % 86_400
ISSUER = "https://opg.example"
FORMAT = formats()["dc+sd-cwt"]
CLAIMS: dict[str, Any] = {
    "representation_kind": "power_of_attorney",
    "instrument_type": "lpa-property-and-affairs",
    "attestation_basis": "register",
    "decision_rule": "jointly-and-severally",
    "usable_when": "when-has-capacity",
    "substitution": "not_allowed",
    "has_restrictions": True,
    "restrictions_text": "My attorneys must ask my daughter before they sell my house, and must keep a list of what they sell.",
    "powers": ["council-tax", "benefits", "banking", "property.sale"],
    "represented": {
        "given_name": "Margaret Eleanor",
        "family_name": "Hargreaves",
        "birthdate": "1948-03-17",
        "address": {"postal_code": "LS6 3AB"},
    },
    "proxy": {
        "given_name": "Jonathan Peter",
        "family_name": "Hargreaves-Whitmore",
        "birthdate": "1979-11-02",
        "appointment_type": "original",
    },
    "grant_date": "2023-11-30",
    "registration_date": "2024-05-21",
    "register_entry": "7000-4821-9033",
    "issuing_authority": "Office of the Public Guardian",
    "issuing_country": "GB",
    "issuing_jurisdiction": "GB-EAW",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """One presentation of the table. ``most_bytes`` and ``most_frames`` are what it may cost within reach, where that is promised."""

    name: str
    groups: tuple[str, ...]
    most_bytes: int | None = None
    most_frames: int | None = None


STANDARDS = (
    Standard(name="limits alone", groups=()),
    Standard(name="donor’s name, attorney’s name, instrument", groups=("donor-name", "attorney-name"), most_bytes=900, most_frames=15),
    Standard(name="the same, donor’s birth date and powers", groups=("donor-name", "donor-birthdate", "attorney-name", "powers")),
    Standard(name="the same three, with portrait", groups=("donor-name", "attorney-name", "portrait"), most_bytes=1_700, most_frames=25),
    Standard(
        name="everything but the portrait",
        groups=(
            "donor-name",
            "donor-birthdate",
            "donor-postcode",
            "attorney-name",
            "powers",
            "restrictions",
            "attorney-birthdate",
            "dates",
            "register-entry",
        ),
    ),
)
REACH = ((MEDIOCRE, 0.35), (POOR, 0.25))
"""Where the promised figures have to hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What travels: the answer sealed to a desk, and how that desk opens and judges it."""

    standard: Standard
    clear: int
    message: bytes
    judge: Callable[[bytes], Claims]

    @property
    def sent(self) -> int:
        """Bytes in the codes, without the frames' own heads."""
        return len(self.message) - 1


@cache
def portrait() -> str:
    """48 by 60 pixels with as much detail as 800 bytes can hold."""
    plain = Image.effect_mandelbrot((48, 60), (-0.75, -0.1, -0.65, 0.1), 100)
    picture = Image.blend(plain, Image.effect_noise((48, 60), 90), 0.4).convert("RGB")
    made = (_webp(picture, quality) for quality in range(100, -1, -1))
    data = next(each for each in made if len(each) <= MAX_PORTRAIT)
    return "data:image/webp;base64," + base64.b64encode(data).decode("ascii")


def _webp(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=quality, method=6)
    return out.getvalue()


@cache
def _issued() -> tuple[str, ec.EllipticCurvePrivateKey, PublicKey]:
    issuer, holder = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    credential = Credential(
        type=by_id("representation"),
        claims={**CLAIMS, "proxy": {**CLAIMS["proxy"], "portrait": portrait()}},
        issuer=ISSUER,
        issued_at=DAY,
        expires_at=DAY + 30 * 86_400,
        status=StatusReference(uri=f"{ISSUER}/s/1", idx=481_903),
        kid=kid_of(PublicKey.of(issuer.public_key())),
    )
    unsigned = FORMAT.prepare(credential, key=KeyId("issuer"), holder=PublicKey.of(holder.public_key()), entropy=system_entropy)
    return unsigned.complete(raw(issuer, unsigned.signing_input)), holder, PublicKey.of(issuer.public_key())


def show(standard: Standard) -> Shown:
    """One presentation, live and sealed."""
    wire, holder, issuer = _issued()
    kind = by_id("representation")
    parsed = FORMAT.parse(wire)
    paths = [claim.path for claim in kind.claims if claim.group in standard.groups]
    binding = Binding(audience="l:" + base64url.encode(system_entropy(32)), nonce=base64url.encode(system_entropy(32)), max_age=None)
    unsigned = FORMAT.present(FORMAT.disclose(parsed, paths), binding, key=KeyId("holder"), at=NOW)
    presented = unsigned.complete(raw(holder, unsigned.signing_input))
    private, public = seal.generate(system_entropy)
    prefix, content = render_answer(Answer(FORMAT.name, presented))
    clear = to_message(prefix, content)
    sealed = to_message(SEALED, seal.seal(clear, public, b"bench", entropy=system_entropy))

    def judge(message: bytes) -> Claims:
        _, body = of_message(message)
        answer = parse_answer(*of_message(seal.open_sealed(body, private, b"bench")))
        return FORMAT.verify(FORMAT.parse(answer.wire), issuer, binding=binding, at=NOW)

    return Shown(standard=standard, clear=len(clear) - 1, message=sealed, judge=judge)


# --- filming ---------------------------------------------------------------------------------------------------------------------------


def pictures(texts: Sequence[str]) -> list[Image.Image]:
    return [Image.open(io.BytesIO(qr.png(text, ec="L", scale=1))) for text in texts]


def seen(screens: Sequence[Image.Image], camera: Camera, distance: float, seed: int) -> Iterator[list[str]]:
    """What is read in each camera frame, for ever."""
    for turn in itertools.count():
        for jpeg in film(screens, camera, millimetres=MILLIMETRES, distance=distance, hold=HOLD, seed=1_000 * seed + 100 * turn):
            yield [each.text for each in zxingcpp.read_barcodes(Image.open(io.BytesIO(jpeg)).convert("L"))]


def until_verdict(shown: Shown, camera: Camera, distance: float, *, seed: int, still: bool = False) -> int | None:
    """Camera frames from the first look to the verdict; ``None`` if there is none within ``MOST``."""
    texts = [render_text(SEALED, shown.message[1:])] if still else frames.split(shown.message)
    start = seed % len(texts)
    assembly = frames.Assembly()
    for number, found in enumerate(itertools.islice(seen(pictures(texts[start:] + texts[:start]), camera, distance, seed), MOST), 1):
        for text in found:
            try:
                message = shown.message if still and text == texts[0] else assembly.add(text)
            except Malformed:
                continue
            if message is not None:
                shown.judge(message)
                return number
    return None


def cell(shown: Shown, camera: Camera, distance: float, *, still: bool = False) -> list[int | None]:
    """One figure a round; where most are nothing, the rest are not filmed."""
    found: list[int | None] = []
    while len(found) < ROUNDS and found.count(None) * 2 < ROUNDS:
        found.append(until_verdict(shown, camera, distance, seed=len(found), still=still))
    return found


# --- the table -------------------------------------------------------------------------------------------------------------------------


def scan() -> Row:
    """Fill the table; the row is the promised presentation at its worst promised place, against its bar of frames."""
    lines: list[str] = []
    ratios: list[float] = []
    for shown in map(show, STANDARDS):
        lines += [_line(shown, still=False), _line(shown, still=True)]
        ratios += promised(shown)
    TABLE.write_text(_document(lines), encoding="utf-8")
    worst = min(ratios)
    return Row(name="scan", unit="camera frames", ours=round(15 / worst, 1), floor=15, ratio=round(worst, 3), bar=1.0)


def promised(shown: Shown) -> list[float]:
    """How far within its promises it stays, bytes and frames: 1 is just."""
    standard = shown.standard
    if standard.most_bytes is None or standard.most_frames is None:
        return []
    needed = [_middle(cell(shown, camera, distance)) for camera, distance in REACH]
    return [standard.most_bytes / shown.sent, *(standard.most_frames / each if each else 0.0 for each in needed)]


def _middle(counts: Sequence[int | None]) -> float | None:
    """The median, with what never came as the longest."""
    found = statistics.median([MOST + 1 if each is None else each for each in counts])
    return None if found > MOST else found


def _line(shown: Shown, *, still: bool) -> str:
    figures = []
    for camera in (MEDIOCRE, POOR):
        for distance in DISTANCES:
            found = _middle(cell(shown, camera, distance, still=still))
            figures.append("–" if found is None else f"{found:g}")
    text = [render_text(SEALED, shown.message[1:])] if still else frames.split(shown.message)
    carrier = f"one code, {_modules(text[0])}" if still else f"loop, k = {frames_needed(shown)}, {_modules(text[0])}"
    return f"| {shown.standard.name} | {shown.clear} | {shown.sent} | {carrier} | {' | '.join(figures)} |"


def frames_needed(shown: Shown) -> int:
    return -(-len(shown.message) // frames.CHUNK)


def _modules(text: str) -> str:
    side = pictures([text])[0].width - 8
    return f"version {(side - 17) // 4}"


def real_devices(folder: Path) -> list[str]:
    """The table of real telephones and cameras, from the files that people saved."""
    files = sorted(folder.glob("*.json"))
    figures = [each for file in files for each in json.loads(file.read_text(encoding="utf-8"))]
    head = [
        "## Real devices",
        "",
        (
            "Measured by people on the page “Try your camera” with a trial code of 880 bytes. To add a device, save its figures there as a file, "
            f"put the file into `{DEVICES.as_posix()}/`, and make this page anew."
        ),
        "",
    ]
    if not figures:
        return [*head, "Nobody has sent figures yet."]
    columns = ("device", "pictures until read", "seconds", "codes in the loop", "camera picture", "read by")
    rows = [
        f"| {_cell(each['device'])} | {each['pictures']} | {each['seconds']:.2f} | {each['parts']} | {_cell(each['size'])} | {_cell(each['reader'])} |"
        for each in sorted(figures, key=lambda each: str(each["device"]))
    ]
    return [*head, f"| {' | '.join(columns)} |", f"|{'--|' * len(columns)}", *rows]


def _cell(text: object) -> str:
    return str(text).replace("|", "/").replace("\n", " ")


def _document(lines: Sequence[str]) -> str:
    heads = [f"{camera.name} {round(distance * 100)} cm" for camera in (MEDIOCRE, POOR) for distance in DISTANCES]
    return "\n".join(
        [
            "# How fast a desk reads a telephone",
            "",
            (
                "Made by `make bench BENCH=scan`; do not change it by hand. Camera frames from the first look to the verdict, median of "
                f"{ROUNDS} films; – means not within {MOST} frames. A camera takes 15 frames a second here and the telephone shows 5 codes a second, "
                f"{MILLIMETRES:g} mm wide, so that 15 frames are one second. “Clear” and “sent” are bytes: before sealing, and in the codes."
            ),
            "",
            (
                "The cameras are simulated (`demo/camera.py` says what is modelled): a fixed-focus 720p webcam in mediocre and in poor light. "
                "The figures compare designs; the page “Try your camera” of the desk measures a real device."
            ),
            "",
            f"| what is shown | clear | sent | carrier | {' | '.join(heads)} |",
            f"|{'--|' * (4 + len(heads))}",
            *lines,
            "",
            *real_devices(DEVICES),
            "",
        ]
    )
