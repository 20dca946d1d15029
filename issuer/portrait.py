"""A small picture of a person, made from whatever photo a clerk or a program has: for people to compare, never for machines."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Any

from shared.credentials import CredentialType, Kind
from shared.credentials._tree import MAX_PORTRAIT, portrait_bytes, portrait_url
from shared.errors import Malformed, TooLarge

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES = 6_000_000
_MAX_PIXELS = 40_000_000
_FORMATS = ("JPEG", "PNG", "WEBP")
_SIZE = (48, 60)  # pixels
_CENTRE = (0.5, 0.4)  # a face stands above the middle
_ONE_AT_A_TIME = Lock()  # unfolded, a photo takes up to 160 MB and as much again while it is turned


def make_portrait(photo: bytes) -> str:
    """The ``data:`` URL of a WebP of 48 by 60 pixels and 800 bytes at most, without a word of where and when the photo was taken.

    ``TooLarge`` past ``MAX_BYTES`` or 40 million pixels, seen before the picture is unfolded; ``Malformed`` for what is none.
    """
    if len(photo) > MAX_BYTES:
        raise TooLarge(f"a picture of more than {MAX_BYTES // 1_000_000} MB")
    with _ONE_AT_A_TIME:
        small = _small(photo)
    from PIL import ImageFilter  # noqa: PLC0415 - off the import path of programs that show no picture

    softer, data = 0.0, _fit(small)
    while data is None:  # what has more detail than fits, noise for instance, gets less
        softer = softer * 2 or 0.5
        data = _fit(small.filter(ImageFilter.GaussianBlur(softer)))
    return portrait_url(data)


def _small(photo: bytes) -> Image:
    """The upright photo, cut and scaled; nothing of the file but its pixels remains."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - as above

    try:
        picture = Image.open(BytesIO(photo), formats=_FORMATS)
        if picture.width * picture.height > _MAX_PIXELS:
            raise TooLarge(f"a picture of more than {_MAX_PIXELS // 1_000_000} million pixels")
        upright = ImageOps.exif_transpose(picture)
        clear = ImageOps.fit(upright.convert("RGBA"), _SIZE, Image.Resampling.LANCZOS, centering=_CENTRE)
    except TooLarge:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLarge(f"a picture of more than {_MAX_PIXELS // 1_000_000} million pixels") from error
    except UnidentifiedImageError as error:
        raise Malformed("this is not a JPEG, PNG or WebP picture") from error
    except Exception as error:  # decoders of broken pictures fail in many ways, SyntaxError included
        raise Malformed("the picture is broken") from error
    paper = Image.new("RGB", _SIZE, "white")
    paper.paste(clear, mask=clear.getchannel("A"))
    return paper


def _fit(small: Image) -> bytes | None:
    """The best quality that fits, or ``None``."""
    for quality in range(90, 9, -5):
        out = BytesIO()
        small.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= MAX_PORTRAIT:
            return out.getvalue()
    return None


def settle_portraits(kind: CredentialType, claims: Mapping[str, Any], *, where: str = "/claims") -> Mapping[str, Any]:
    """``claims`` with each photo, in base64 or as a ``data:`` URL, made small; whatever is no text stays for the checks that follow.

    ``Malformed`` or ``TooLarge`` with a pointer that begins with ``where``.
    """
    settled = dict(claims)
    for claim in kind.claims:
        if claim.kind is Kind.PORTRAIT:
            path = [str(part) for part in claim.path]
            _settle(settled, path, where + "".join(f"/{part}" for part in path))
    return settled


def _settle(tree: dict[str, Any], path: list[str], where: str) -> None:
    *above, last = path
    for part in above:
        inner = tree.get(part)
        if not isinstance(inner, Mapping):
            return
        tree[part] = tree = dict(inner)
    value = tree.get(last)
    if isinstance(value, str) and portrait_bytes(value) is None:
        try:
            tree[last] = make_portrait(_photo(value))
        except Malformed as error:
            raise error.within(where) from error.__cause__


def _photo(text: str) -> bytes:
    """The file in a text. The bound is seen before the text is read."""
    plain = text.partition(",")[2] if text.startswith("data:image/") else text
    if len(plain) > MAX_BYTES // 3 * 4 + 4:
        raise TooLarge(f"a picture of more than {MAX_BYTES // 1_000_000} MB")
    try:
        return b64decode(plain, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("this is not a picture in base64") from error
