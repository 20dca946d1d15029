"""People never see developers' words: the table "On the page" of the architecture, held against every template and marked text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parents[3]
SITES = ("shared", "issuer", "wallet", "verifier")
FOR_DEVELOPERS = {"api_docs.html", "error_codes.html"}
BANNED = re.compile(
    r"\b(credentials?|mint(s|ed|ing)?|offers?|offering|tx_code|presentations?|relying part(y|ies)|vcts?|jwts?|jws|sd-jwt|tokens?|claims?|nonces?|"
    r"dcql|openid4\w+|oauth|json|payloads?|endpoints?|metadata|disclosures?|over-asking|intended uses?|undecided|unchecked|revo(ke|kes|ked|cation)|"
    r"suspend(s|ed)?|supersed(e|es|ed)|trust (bundle|anchor)s?|bundles?|sealed links?|predicates?|schemas?|subjects?|mandates?|representations?|"
    r"key binding|holder binding|wrong_audience|needs_more_attorneys|restricted_undisclosed|status lists?|pre-authorized|issuer id|uuid|sha-?256)\b",
    re.IGNORECASE,
)
SEEN = {"alt", "title", "aria-label", "placeholder", "data-copied", "data-failed", "label"}
MARKERS = {"_", "gettext", "ngettext", "N_", "translate"}


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


def texts_of_template(source: str) -> Iterator[str]:
    tree = Environment(autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"]).parse(source)
    visible = Visible()
    visible.feed("".join(part.data if isinstance(part, nodes.TemplateData) else "…" for part in outputs(tree)))
    yield from visible.texts
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in MARKERS:
            yield from (arg.value for arg in call.args if isinstance(arg, nodes.Const) and isinstance(arg.value, str))
    for pair in tree.find_all(nodes.Pair):  # {"text": "…"} of the govuk macros, unmarked
        if (
            isinstance(pair.key, nodes.Const)
            and str(pair.key.value).endswith(("text", "Text", "html"))
            and isinstance(pair.value, nodes.Const)
        ):
            yield str(pair.value.value)


def outputs(tree: nodes.Node) -> Iterator[nodes.Node]:
    for output in tree.find_all(nodes.Output):
        yield from output.nodes


def banned_in(text: str) -> re.Match[str] | None:
    """The first banned word; an address that the page shows, or the path of one, is no word."""
    return BANNED.search(re.sub(r"[a-z][a-z0-9+.-]*://\S*|(?<![\w])/[\w/…-]+|…/[\w/…-]+", " ", text))


def texts_of_code(source: str) -> Iterator[str]:
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MARKERS:
            yield from (arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))


def sources() -> list[Path]:
    templates = [path for site in SITES for path in sorted((ROOT / site / "web" / "templates").rglob("*.html"))]
    code = [path for site in SITES for path in sorted((ROOT / site).rglob("*.py"))]
    return [path for path in templates if path.name not in FOR_DEVELOPERS] + code


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_people_never_see_developers_words(path: Path) -> None:
    source = path.read_text("utf-8")
    texts = texts_of_template(source) if path.suffix == ".html" else texts_of_code(source)
    found = {(match[0], " ".join(text.split())[:90]) for text in texts if (match := banned_in(text))}
    assert not found


def test_the_test_finds_what_it_should() -> None:
    page = """<p class="credential">Your {{ token }} document</p>
      <a href="/offer/1" title="an offer">{{ _("the relying party") }}</a>{% call x({"text": "a JWT"}) %}claims{% endcall %}<script>token</script>"""
    found = {match[0] for text in texts_of_template(page) if (match := banned_in(text))}
    assert found == {"offer", "relying party", "JWT", "claims"}
    assert list(texts_of_code('N_("a nonce") + _("x") + other("token")')) == ["a nonce", "x"]
    assert not banned_in("Your document is cancelled; the organisation asking")
    assert not banned_in("…/offer/…")
    assert banned_in("documents/tokens")
