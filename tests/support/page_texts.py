"""The texts of the services' pages, read from their sources: templates and code, marked for translation or not."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parents[2]
SITES = ("shared", "issuer", "wallet", "verifier")
FOR_DEVELOPERS = {"api_docs.html", "error_codes.html"}
SEEN = {"alt", "title", "aria-label", "placeholder", "data-copied", "data-failed", "label"}
MARKERS = {"_", "gettext", "ngettext", "N_", "translate", "words"}
Marked = tuple[str, ...]
"""One text, or a text and its plural."""


class Visible(HTMLParser):
    """What a person reads of a piece of HTML; everything else is an address, a class or a name."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code += tag in {"script", "style"}
        self.texts += [value for name, value in attrs if name in SEEN and value]

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.texts.append(data)


def _parsed(source: str) -> nodes.Template:
    return Environment(autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"]).parse(source)


def unmarked_in_template(source: str) -> Iterator[str]:
    """What stands in a template as it is, the rest as ``…``; also ``{"text": "…"}`` of the govuk macros."""
    tree, visible = _parsed(source), Visible()
    parts = [part for output in tree.find_all(nodes.Output) for part in output.nodes]
    visible.feed("".join(part.data if isinstance(part, nodes.TemplateData) else "…" for part in parts))
    yield from visible.texts
    for pair in tree.find_all(nodes.Pair):
        if (
            isinstance(pair.key, nodes.Const)
            and str(pair.key.value).endswith(("text", "Text", "html"))
            and isinstance(pair.value, nodes.Const)
        ):
            yield str(pair.value.value)


def marked_in_template(source: str) -> Iterator[Marked]:
    """The texts that a template has translated."""
    for call in _parsed(source).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in MARKERS:
            yield from _texts(call.node.name, [arg.value for arg in call.args if isinstance(arg, nodes.Const)])


def named_twice(source: str) -> list[object]:
    """Names that one table of a template gives more than once: the last of them counts, and the others are lost without a word."""
    tables = [
        [pair.key.value for pair in table.items if isinstance(pair.key, nodes.Const)] for table in _parsed(source).find_all(nodes.Dict)
    ]
    return [name for names in tables for name in dict.fromkeys(names) if names.count(name) > 1]


def marked_in_code(source: str) -> Iterator[Marked]:
    """The texts that code marks or has translated, also by a method: ``spoken.translate("…")``."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name | ast.Attribute):
            name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
            if name in MARKERS:
                yield from _texts(name, [arg.value for arg in call.args if isinstance(arg, ast.Constant)])


def _texts(marker: str, values: Sequence[object]) -> Iterator[Marked]:
    texts = [value for value in values if isinstance(value, str)]
    yield from [tuple(texts)] if marker == "ngettext" and texts else [(text,) for text in texts]


def templates(site: str) -> list[Path]:
    """The templates of a service, or those that all share."""
    return sorted((ROOT / site / "web" / "templates").rglob("*.html"))


def code(site: str) -> list[Path]:
    """The code of a service, or that which all share."""
    return sorted((ROOT / site).rglob("*.py"))


def marked(site: str) -> set[Marked]:
    """All texts of a service that are marked for translation."""
    found = [text for path in templates(site) for text in marked_in_template(path.read_text("utf-8"))]
    return {*found, *(text for path in code(site) for text in marked_in_code(path.read_text("utf-8")))}
