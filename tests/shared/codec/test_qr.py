from __future__ import annotations

import re
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from shared.codec import qr
from shared.errors import Malformed, TooLarge, VcError

TEXT = "https://issuer.example/offer/" + "a1" * 30


def picture(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("L")


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


CLEAN = picture(qr.png(TEXT))


@pytest.mark.parametrize("ec", ["L", "M", "Q", "H"])
@pytest.mark.parametrize("text", [TEXT, "OVJ1:%69 VD92EX0", "Ŵyn 😀"])
def test_png_round_trip(text: str, ec: qr.ErrorCorrection) -> None:
    assert qr.read(qr.png(text, ec=ec)) == [text]


@pytest.mark.parametrize("scale", [1, 2, 3, 20])
def test_png_scale(scale: int) -> None:
    data = qr.png(TEXT, scale=scale)
    assert picture(data).width == CLEAN.width // 8 * scale
    assert qr.read(data) == [TEXT]


def test_svg_draws_the_same_modules_without_style() -> None:
    text = qr.svg(TEXT)
    assert text.startswith("<svg ")
    assert not re.search(r"style=|<style|<script|<\?xml|<!|role=", text)
    size = CLEAN.width // 8
    assert f'viewBox="0 0 {size} {size}"' in text
    drawn = Image.new("L", (size, size), 255)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", text.replace(f"M0 0h{size}v{size}H0z", "")):
        drawn.paste(0, (int(x), int(y), int(x) + int(length), int(y) + 1))
    assert qr.read(encoded(drawn.resize((size * 4, size * 4), Image.Resampling.NEAREST))) == [TEXT]


@pytest.mark.parametrize("text", ["https://x.example/abc", "A" * 60])
def test_terminal_draws_the_same_modules(text: str) -> None:
    lines = qr.terminal(text).splitlines()
    halves = {"█": (0, 0), "▀": (0, 255), "▄": (255, 0), " ": (255, 255)}
    width = len(lines[0]) - len("\x1b[107;30m\x1b[0m")
    drawn = Image.new("L", (width, len(lines) * 2), 255)
    for row, line in enumerate(lines):
        assert line.startswith("\x1b[107;30m")
        assert line.endswith("\x1b[0m")
        for column, character in enumerate(line.removeprefix("\x1b[107;30m").removesuffix("\x1b[0m")):
            for offset, value in enumerate(halves[character]):
                drawn.putpixel((column, 2 * row + offset), value)
    assert qr.read(encoded(drawn.resize((drawn.width * 4, drawn.height * 4), Image.Resampling.NEAREST))) == [text]


@pytest.mark.parametrize("write", [qr.svg, qr.png, qr.terminal])
def test_too_long_for_one_code(write: Any) -> None:
    with pytest.raises(TooLarge):
        write("A" * 5000)


@pytest.mark.parametrize("angle", [7, 45, 90, 133, 180, 270])
def test_rotated(angle: int) -> None:
    assert qr.read(encoded(CLEAN.rotate(angle, expand=True, fillcolor=255))) == [TEXT]


@pytest.mark.parametrize(
    "worse",
    [
        CLEAN.filter(ImageFilter.GaussianBlur(3)),
        CLEAN.point(lambda value: 120 + value // 20),  # dim
        CLEAN.point(lambda value: 255 - value),  # light on dark
        CLEAN.resize((CLEAN.width // 5, CLEAN.height // 5), Image.Resampling.BILINEAR),
        CLEAN.convert("P"),
        CLEAN.convert("RGB"),
        CLEAN.convert("LA"),
        CLEAN.convert("1"),
    ],
    ids=["blurred", "dim", "inverted", "tiny", "palette", "colour", "alpha", "bits"],
)
def test_poor_pictures(worse: Image.Image) -> None:
    assert qr.read(encoded(worse)) == [TEXT]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF", "BMP"])
def test_other_kinds_of_picture(kind: str) -> None:
    assert qr.read(encoded(CLEAN, kind)) == [TEXT]


def test_transparent_ground_is_paper() -> None:
    drawn = Image.new("RGBA", CLEAN.size, (0, 0, 0, 0))
    drawn.paste((0, 0, 0, 255), mask=CLEAN.point(lambda value: 255 - value))
    assert qr.read(encoded(drawn)) == [TEXT]
    palette = CLEAN.point(lambda value: value // 255).convert("L")
    palette.putpalette([0, 0, 0, 0, 0, 0])
    assert qr.read(encoded(palette.convert("P"), transparency=1)) == [TEXT]


def test_sixteen_bits_a_pixel() -> None:
    deep = Image.frombytes("I;16", CLEAN.size, b"".join((value * 257).to_bytes(2, "little") for value in CLEAN.tobytes()))
    assert qr.read(encoded(deep)) == [TEXT]


def test_several_codes() -> None:
    both = Image.new("L", (2 * CLEAN.width, CLEAN.height), 255)
    both.paste(CLEAN, (0, 0))
    both.paste(picture(qr.png("second")), (CLEAN.width, 0))
    assert sorted(qr.read(encoded(both))) == sorted([TEXT, "second"])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        qr.png(TEXT)[:100],
        qr.png(TEXT)[:-30],
        encoded(CLEAN, "JPEG")[:500],
        encoded(Image.new("L", (1, 1))),
        encoded(Image.new("L", (300, 300), 255)),
        encoded(CLEAN.filter(ImageFilter.GaussianBlur(30))),
        encoded(CLEAN, "TIFF"),
    ],
)
def test_no_code_to_read(data: bytes) -> None:
    with pytest.raises(Malformed):
        qr.read(data)


def test_large_picture_without_a_code_gets_one_look_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[tuple[int, int]] = []

    def look(grey: Image.Image) -> list[str]:
        looks.append(grey.size)
        return []

    monkeypatch.setattr(qr, "_texts", look)
    with pytest.raises(Malformed):
        qr.read(encoded(Image.new("1", (2001, 2000), 1)))
    assert looks == [(2001, 2000)]


def png_of_size(width: int, height: int) -> bytes:
    """A tiny file that claims to unfold to ``width`` x ``height`` pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x01\x00\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_000, 10_000, 60_000])
def test_decompression_bombs(side: int) -> None:
    with pytest.raises(TooLarge):
        qr.read(png_of_size(side, side))


def test_bounds() -> None:
    with pytest.raises(TooLarge):
        qr.read(bytes(qr.MAX_BYTES + 1))
    with pytest.raises(TooLarge):
        qr.read(qr.png(TEXT), max_pixels=1000)


def test_a_fault_of_the_reader_is_told_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise ValueError

    monkeypatch.setattr("zxingcpp.read_barcodes", fail)
    with pytest.raises(Malformed):
        qr.read(qr.png(TEXT))


@settings(max_examples=60)
@given(st.integers(0, 700), st.integers(0, 255), st.integers(0, 60))
def test_a_damaged_picture_gives_texts_or_an_error(place: int, value: int, cut: int) -> None:
    data = bytearray(qr.png("short", scale=2))
    data[place % len(data)] = value
    try:
        texts = qr.read(bytes(data[: len(data) - cut]))
    except VcError:
        return
    assert texts


def test_a_loop_of_codes_goes_round_and_comes_back() -> None:
    texts = [f"{number}: {'x' * number}" for number in range(1, 60, 7)]
    assert qr.read_loop(qr.gif(texts, scale=3)) == texts
    assert qr.read_loop(qr.gif([TEXT, TEXT])) == [TEXT]
    assert qr.read_loop(qr.png(TEXT)) == [TEXT]


def test_loops_that_are_none() -> None:
    with pytest.raises(Malformed):
        qr.read_loop(b"GIF89a")
    with pytest.raises(Malformed):
        qr.read_loop(encoded(Image.new("1", (40, 40), 1)))
    with pytest.raises(TooLarge):
        qr.read_loop(bytes(qr.MAX_BYTES + 1))
    with pytest.raises(TooLarge):
        qr.read_loop(qr.gif(["one", "two"]), max_pixels=60_000)


@settings(max_examples=30)
@given(st.integers(0, 3_000), st.integers(0, 255), st.integers(0, 60))
def test_a_damaged_loop_gives_texts_or_an_error(place: int, value: int, cut: int) -> None:
    data = bytearray(LOOP)
    data[place % len(data)] = value
    try:
        texts = qr.read_loop(bytes(data[: len(data) - cut]))
    except VcError:
        return
    assert texts


LOOP = qr.gif(["one", "two"], scale=2)
