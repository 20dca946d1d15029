"""QR codes as SVG, PNG and terminal text, and out of pictures. The libraries are imported when first needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING, Literal, cast

from ..errors import Malformed, TooLarge

if TYPE_CHECKING:
    from PIL.Image import Image

ErrorCorrection = Literal["L", "M", "Q", "H"]
MAX_BYTES = 20_000_000
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
_SMALL = 4_000_000  # pixels up to which a picture is worth a second and a third look
_BLACK_ON_WHITE, _PLAIN = "\x1b[107;30m", "\x1b[0m"


def svg(text: str, *, ec: ErrorCorrection = "M") -> str:
    """An SVG element with a white ground, sized by its container: no style attribute, no script, no XML prologue.

    ``TooLarge`` if ``text`` does not fit in one code. The template adds the role and the label.
    """
    rows = _modules(text, ec)
    size = len(rows)
    path = "".join(_row_path(row, y) for y, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="qr" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path fill="#000" d="{path}"/></svg>'
    )


def png(text: str, *, ec: ErrorCorrection = "M", scale: int = 8) -> bytes:
    """A black and white PNG, ``scale`` pixels a module, with its quiet zone."""
    out = BytesIO()
    _picture(text, ec, scale).save(out, "PNG")
    return out.getvalue()


def gif(texts: Sequence[str], *, scale: int = 6, milliseconds: int = 200) -> bytes:
    """A loop of codes of level L for ever, each shown for ``milliseconds``."""
    from PIL import Image  # noqa: PLC0415 - as below

    codes = [_picture(text, "L", scale) for text in texts]
    size = max(code.width for code in codes)
    pages = [Image.new("1", (size, size), 1) for _ in codes]
    for page, code in zip(pages, codes, strict=True):
        page.paste(code, ((size - code.width) // 2, (size - code.height) // 2))
    out = BytesIO()
    pages[0].save(out, "GIF", save_all=True, append_images=pages[1:], duration=milliseconds, loop=0)
    return out.getvalue()


def _picture(text: str, ec: ErrorCorrection, scale: int) -> Image:
    from PIL import Image  # noqa: PLC0415 - off the import path of programs that show no picture

    rows = _modules(text, ec)
    size = len(rows)
    grey = Image.frombytes("L", (size, size), b"".join(rows)).resize((size * scale, size * scale), Image.Resampling.NEAREST)
    return grey.convert("1")


def terminal(text: str) -> str:
    """Half blocks, two modules a character, black on white whatever the colours of the terminal."""
    rows = _modules(text, "L")
    rows.append(b"\xff" * len(rows))  # a code has an odd number of rows
    blocks = {(0, 0): "█", (0, 255): "▀", (255, 0): "▄", (255, 255): " "}
    lines = ("".join(blocks[pair] for pair in zip(upper, lower, strict=True)) for upper, lower in zip(rows[::2], rows[1::2], strict=True))
    return "".join(f"{_BLACK_ON_WHITE}{line}{_PLAIN}\n" for line in lines)


def read(image: bytes, *, max_pixels: int = 40_000_000) -> list[str]:
    """The texts of all QR codes in a PNG, JPEG, WebP, GIF or BMP picture, at least one.

    ``TooLarge`` past ``max_pixels`` or ``MAX_BYTES``, seen before the picture is unfolded; ``Malformed`` for everything else that fails.
    """
    if len(image) > MAX_BYTES:
        raise TooLarge(f"a picture of more than {MAX_BYTES} bytes")
    grey = _open(image, max_pixels)
    for look in _looks(grey):
        texts = _texts(look)
        if texts:
            return texts
    raise Malformed("no QR code in this picture")


def read_loop(image: bytes, *, max_pixels: int = 120_000_000) -> list[str]:
    """The texts of all codes on all pages of a moving picture, each once, at least one; of a still one as ``read``.

    ``max_pixels`` counts all pages together. Errors as ``read``.
    """
    if len(image) > MAX_BYTES:
        raise TooLarge(f"a picture of more than {MAX_BYTES} bytes")
    texts = dict.fromkeys(text for page in _pages(image, max_pixels) for text in _texts(page))
    return list(texts) or read(image)


def _modules(text: str, ec: ErrorCorrection) -> list[bytes]:
    """Rows of one byte a module, 0 for black and 255 for white, with a quiet zone of four."""
    import zxingcpp  # noqa: PLC0415 - as above

    try:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=ec)
    except ValueError as error:
        raise TooLarge("the text does not fit in one QR code") from error
    grid = code.to_image(scale=1)
    size: int = grid.shape[0]
    flat = bytes(cast("bytes", grid))
    return [flat[start : start + size] for start in range(0, size * size, size)]


def _row_path(row: bytes, y: int) -> str:
    parts = []
    x = 0
    for module, run in groupby(row):
        length = len(list(run))
        if not module:
            parts.append(f"M{x} {y}h{length}v1h-{length}z")
        x += length
    return "".join(parts)


def _open(image: bytes, max_pixels: int) -> Image:
    return next(_pages(image, max_pixels, last=1))


def _pages(image: bytes, max_pixels: int, *, last: int | None = None) -> Iterator[Image]:
    """The pages of a picture up to number ``last``, in grey. What is too large is seen before it is unfolded."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - as above

    try:
        picture = Image.open(BytesIO(image), formats=_FORMATS)
        count = last or int(getattr(picture, "n_frames", 1))
        if picture.width * picture.height * count > max_pixels:
            raise TooLarge(f"a picture of more than {max_pixels} pixels")
        for number in range(count):
            picture.seek(number)
            yield _grey(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLarge(f"a picture of more than {max_pixels} pixels") from error
    except TooLarge:
        raise
    except UnidentifiedImageError as error:
        raise Malformed("not a picture that can be read here") from error
    except Exception as error:  # decoders of broken pictures fail in many ways, SyntaxError included
        raise Malformed("the picture is broken") from error


def _grey(picture: Image) -> Image:
    from PIL import Image  # noqa: PLC0415 - as above

    if picture.mode.startswith("I"):  # 16 bits a pixel
        return picture.convert("I").point(lambda value: value / 256).convert("L")
    if picture.has_transparency_data:
        # What shines through is paper, not ink.
        clear = picture if picture.mode in {"LA", "RGBA"} else picture.convert("RGBA")
        paper = Image.new("L", picture.size, 255)
        paper.paste(clear.convert("L"), mask=clear.getchannel("A"))
        return paper
    return picture.convert("L")


def _looks(grey: Image) -> Iterator[Image]:
    """The picture, and where that gives nothing and it is small enough, improved copies for dim, tiny and blurred ones."""
    from PIL import Image, ImageFilter, ImageOps  # noqa: PLC0415 - as above

    yield grey
    if grey.width * grey.height <= _SMALL:
        clear = ImageOps.autocontrast(grey, cutoff=2)
        yield clear.filter(ImageFilter.UnsharpMask(radius=4, percent=250, threshold=0))
        yield clear.resize((grey.width * 2, grey.height * 2), Image.Resampling.BICUBIC)
        yield clear.resize((max(1, grey.width // 2), max(1, grey.height // 2)), Image.Resampling.BOX)


def _texts(grey: Image) -> list[str]:
    import zxingcpp  # noqa: PLC0415 - as above

    try:
        found = zxingcpp.read_barcodes(
            grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode), text_mode=zxingcpp.TextMode.Plain
        )
        return [code.text for code in found if code.text]
    except ValueError as error:
        raise Malformed("the picture is broken") from error
