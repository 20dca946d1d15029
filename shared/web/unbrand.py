"""Take the government's brand out of govuk-frontend (MIT): ``python -m shared.web.unbrand UNPACKED_PACKAGE TARGET_FOLDER``.

The typeface GDS Transport, the crown and the crest belong to GOV.UK alone and may not be shipped; the rest is free. Written for 6.3.0,
the release that the macros of govuk-frontend-jinja 4.1 follow; it fails rather than guess when a later release looks different.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

FONT = "system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,Ubuntu,Cantarell,Helvetica Neue,Arial,sans-serif"


def unbrand_css(css: str) -> str:
    """The style sheet without typeface, crest, crown and source map; the font becomes the reader's own."""
    css = re.sub(r"/\*! Copyright \(c\) 2011 by Margaret Calvert.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"@font-face\{[^}]*\}", "", css)
    css = re.sub(r"GDS Transport,\s*arial,\s*sans-serif", FONT, css, flags=re.IGNORECASE)
    css = re.sub(r"[^{}]*(?:copyright-logo|footer__crown|header__logotype)[^{}]*\{[^{}]*\}", "", css)
    css = re.sub(r"@(?:media|supports)[^{}]*\{\s*\}", "", css)
    css = re.sub(r"/\*# sourceMappingURL.*?\*/", "", css)
    for mark in ("GDS Transport", "crest", "crown", "url(/assets", "@font-face"):
        if mark in css:
            raise SystemExit(f"{mark!r} is still in the style sheet: look at what changed in this release")
    return css


def unbrand_js(script: str) -> str:
    """The script as it is, without the address of its source map."""
    return re.sub(r"//# sourceMappingURL=\S+\s*$", "\n", script)


def main(package: Path, target: Path) -> None:
    """Read ``dist/govuk`` of the unpacked npm package and write the two files."""
    source = package / "dist" / "govuk"
    target.mkdir(parents=True, exist_ok=True)
    (target / "govuk-frontend.css").write_text(unbrand_css((source / "govuk-frontend.min.css").read_text("utf-8")), "utf-8")
    (target / "govuk-frontend.js").write_text(unbrand_js((source / "govuk-frontend.min.js").read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
