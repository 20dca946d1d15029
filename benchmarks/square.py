"""Square codes: writing one as a picture and reading it out of one, beside what zxing-cpp needs by itself."""

from __future__ import annotations

import io
from functools import cache

import zxingcpp
from PIL import Image

from benchmarks.measure import Row, interleaved, row
from shared.codec import base45, qr

TEXT = "OVE1:" + base45.encode(bytes(range(256)) * 3 + bytes(116))
"""As long as names and powers, sealed: one code of version 21 (docs/ovp.md section 13)."""


def write() -> Row:
    """Floor: the modules alone. Ours is a PNG as well, eight pixels a module."""
    return row("qr write", interleaved({"floor": _modules, "ours": lambda: qr.png(TEXT, ec="L")}), bar=0.20)


def read() -> Row:
    """Floor: reading in grey pixels that lie in memory. Ours opens the PNG first."""
    grey, picture, kinds = _grey(), _picture(), zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    return row(
        "qr read",
        interleaved({"floor": lambda: zxingcpp.read_barcodes(grey, formats=kinds), "ours": lambda: qr.read(picture)}),
        bar=0.50,
    )


def _modules() -> object:
    return zxingcpp.create_barcode(TEXT, zxingcpp.BarcodeFormat.QRCode, ec_level="L").to_image(scale=1)


@cache
def _picture() -> bytes:
    return qr.png(TEXT, ec="L")


def _grey() -> Image.Image:
    return Image.open(io.BytesIO(_picture())).convert("L")
