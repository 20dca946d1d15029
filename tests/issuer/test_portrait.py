"""Photos of a person: made small, stripped of everything but their pixels, and refused where they would be too much."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from time import sleep
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from support.photos import photo
from support.registry import LPA_1, NOON, Registry, collect

from issuer.portrait import MAX_BYTES, make_portrait, settle_portraits
from shared.clock import system_entropy
from shared.credentials import by_id
from shared.credentials._tree import portrait_bytes, portrait_url
from shared.errors import Malformed, TooLarge, VcError
from shared.formats import formats
from shared.x509 import load_certificate

KIND = by_id("representation")


def opened(url: str) -> Image.Image:
    data = portrait_bytes(url)
    assert data is not None
    assert len(data) <= 800
    return Image.open(BytesIO(data), formats=["WEBP"])


def noise(width: int, height: int) -> bytes:
    out = BytesIO()
    Image.frombytes("RGB", (width, height), system_entropy(width * height * 3)).save(out, "PNG")
    return out.getvalue()


def sized(width: int, height: int) -> bytes:
    """The beginning of a PNG that says how large it is."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return start + struct.pack(">I", 1_000) + b"IDAT" + bytes(1_004)


def test_photos_are_unfolded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes hundreds of megabytes while it is open, however many are sent at once."""
    inside, most, fit = [0], [0], ImageOps.fit

    def slow(*arguments: Any, **how: Any) -> Image.Image:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        sleep(0.02)
        inside[0] -= 1
        return fit(*arguments, **how)

    monkeypatch.setattr(ImageOps, "fit", slow)
    whole = photo("PNG", size=(90, 120))
    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(make_portrait, [whole] * 12))
    assert (len(made), most) == (1, [1])
    with pytest.raises(Malformed):
        make_portrait(b"broken")
    assert make_portrait(whole) in made


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("size", "mode"), [((400, 500), "RGB"), ((1600, 900), "L"), ((30, 400), "RGB"), ((48, 60), "RGB")])
def test_any_photo_becomes_48_by_60(form: str, size: tuple[int, int], mode: str) -> None:
    assert opened(make_portrait(photo(form, size=size, mode=mode))).size == (48, 60)


@pytest.mark.parametrize("mode", ["RGBA", "P", "1", "I;16", "LA"])
def test_every_kind_of_pixel(mode: str) -> None:
    assert opened(make_portrait(photo("PNG", mode=mode))).mode == "RGB"


def test_what_has_too_much_detail_is_made_softer() -> None:
    assert opened(make_portrait(noise(48, 60))).size == (48, 60)


def test_nothing_but_pixels_remains() -> None:
    """Where and when a photo was taken, and by which camera, is nobody's business; which side is up is."""
    exif = Image.Exif()
    exif[0x0110], exif[0x0112] = "Camera of Nora Ashdown", 6  # lies on its side
    exif.get_ifd(0x8825)[1] = "N"
    turned = make_portrait(photo("JPEG", size=(500, 400), exif=exif.tobytes(), icc_profile=b"profile"))
    data = portrait_bytes(turned)
    assert data is not None
    for piece in (b"Camera", b"EXIF", b"ICCP", b"XMP"):
        assert piece not in data
    assert data[12:16] == b"VP8 "  # one chunk, without extensions
    assert turned != make_portrait(photo("JPEG", size=(500, 400)))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", Malformed),
        (b"GIF89a" + bytes(40), Malformed),
        (photo("GIF"), Malformed),
        (photo("JPEG")[:600], Malformed),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Malformed),
        (sized(10_000, 10_000), TooLarge),
        (sized(100_000, 100_000), TooLarge),
        (bytes(MAX_BYTES + 1), TooLarge),
    ],
)
def test_what_is_no_photo_is_refused(data: bytes, error: type[VcError]) -> None:
    with pytest.raises(error):
        make_portrait(data)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x10\x00\x00\x00WEBPVP8 "]))
def test_any_bytes_give_a_portrait_or_a_vc_error(data: bytes, head: bytes) -> None:
    try:
        opened(make_portrait(head + data))
    except VcError as error:
        assert error.detail  # noqa: PT017 - there may be none


def with_photo(value: Any) -> dict[str, Any]:
    return LPA_1 | {"proxy": LPA_1["proxy"] | {"portrait": value}}


def test_a_small_portrait_stays_as_it_is() -> None:
    small = make_portrait(photo())
    assert settle_portraits(KIND, with_photo(small)) == with_photo(small)
    for untouched in (LPA_1, with_photo(5), LPA_1 | {"proxy": "Nora"}, {}):
        assert settle_portraits(KIND, untouched) == untouched


def test_a_text_that_is_too_long_is_not_read() -> None:
    with pytest.raises(TooLarge) as caught:
        settle_portraits(KIND, with_photo("A" * (MAX_BYTES // 3 * 4 + 8)))
    assert caught.value.where == "/claims/proxy/portrait"


@pytest.mark.parametrize("prefix", ["", "data:image/jpeg;base64,"])
async def test_the_api_takes_any_photo(registry: Registry, prefix: str) -> None:
    claims = with_photo(prefix + b64encode(photo()).decode())
    holder = await collect(registry, await registry.make(claims=claims))
    wire = (await holder.copies(1)).credentials[0]
    form, issuer = formats()["dc+sd-jwt"], load_certificate(registry.office.signer.x5c[0]).public
    told = form.check_received(form.parse(wire), issuer, holder=holder.keys[0].public, at=NOON).claims
    assert told["proxy"] == with_photo(make_portrait(photo()))["proxy"]
    assert claims["proxy"]["portrait"].startswith(prefix)  # what the caller has is not changed


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("Nora.jpg", "malformed"),
        (b64encode(b"GIF89a").decode(), "malformed"),
        (portrait_url(b"RIFF"), "malformed"),
        (b64encode(sized(10_000, 10_000)).decode(), "too_large"),
        (7, "malformed"),
    ],
)
async def test_the_api_points_at_what_is_no_photo(registry: Registry, value: Any, code: str) -> None:
    order = {"type": "representation", "claims": with_photo(value)}
    status, problem = await registry.call("POST", "/api/credentials", order, headers={"Idempotency-Key": "1"})
    assert (status, problem["code"], problem["pointer"]) == (413 if code == "too_large" else 400, code, "/claims/proxy/portrait")
