"""Invented faces as photo files of any form."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw


def photo(form: str = "JPEG", *, size: tuple[int, int] = (400, 500), mode: str = "RGB", **options: Any) -> bytes:
    """A head on a plain ground."""
    width, height = size
    picture = Image.new("RGB", size, (190, 205, 215))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.28, height * 0.15, width * 0.72, height * 0.7), fill=(222, 184, 160))
    draw.ellipse((width * 0.3, height * 0.12, width * 0.7, height * 0.34), fill=(92, 64, 51))
    draw.rectangle((width * 0.15, height * 0.75, width * 0.85, height), fill=(46, 72, 110))
    for eye in (0.42, 0.58):
        draw.ellipse((width * (eye - 0.02), height * 0.4, width * (eye + 0.02), height * 0.43), fill=(40, 40, 40))
    draw.line((width * 0.43, height * 0.58, width * 0.57, height * 0.58), fill=(150, 70, 70), width=max(1, width // 80))
    out = BytesIO()
    picture.convert(mode).save(out, form, **options)
    return out.getvalue()
