from __future__ import annotations

import gzip
import re
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from multidict import MultiDict, MultiDictProxy
from support.gallery import gallery
from support.trial_web import Build, Serve

from shared.web import i18n, pages, unbrand
from shared.web.assets import Assets
from shared.web.dates import Dates, instant
from shared.web.forms import Form
from shared.web.i18n import negotiate
from shared.web.pages import Pages

ROOT = Path(__file__).resolve().parents[3]
SITES = ("shared", "issuer", "wallet", "verifier")


# --- rendering ---------------------------------------------------------------------------------------------------------------------


async def test_a_page_speaks_the_readers_language_and_remembers(app_of: Build, serve: Serve) -> None:
    client = await serve(gallery(app_of))
    english = await client.get("/nowhere", headers={"Accept-Language": "fr, en;q=0.5"})
    assert 'lang="en"' in await english.text()
    assert english.headers["Content-Language"] == "en"
    assert "Page not found" in await english.text()
    browser = await client.get("/nowhere", headers={"Accept-Language": "cy-GB, en;q=0.8"})
    assert "Heb ddod o hyd" in await browser.text()
    assert "Draft translation" not in await browser.text()
    assert "Cyfieithiad drafft" in await browser.text()
    chosen = await client.get("/?lang=cy&a=1")
    page = await chosen.text()
    assert 'href="/?a=1&amp;lang=en"' in page
    assert "Documents" in page  # what has no Welsh yet is there in English
    assert "Cyfrinymadrodd" in page
    assert 'lang="cy"' in await (await client.get("/")).text()


@pytest.mark.parametrize("film", ["", "https://films.example/bsl?a=1&b=2"])
async def test_t_ex_3_every_page_leads_to_sign_language_where_there_is_some(app_of: Build, serve: Serve, film: str) -> None:
    """T-EX-3: a film or an interpreter in British Sign Language, one press away from every page, errors too, in both languages."""
    client = await serve(gallery(app_of, sign_language=film))
    for path, language, words in (
        ("/", "en", "British Sign Language (BSL)"),
        ("/nowhere", "cy", "Iaith Arwyddion Prydain (BSL)"),
        ("/wrong", "en", "British Sign Language (BSL)"),
    ):
        page = await (await client.get(path, headers={"Accept-Language": language})).text()
        link = f'<a class="govuk-link" href="https://films.example/bsl?a=1&amp;b=2" hreflang="bfi">{words}</a>'
        assert (link in page) == bool(film), path
        assert (words in page) == bool(film)


def test_t_ex_3_no_size_of_text_is_fixed() -> None:
    """T-EX-3: whoever has set large print in the browser gets it: sizes follow the reader's own, and no page forbids to enlarge."""
    for site in SITES:
        for style in (ROOT / site / "web" / "static").rglob("*.css"):
            if "vendor" not in style.parts:
                screen = re.sub(r"@media print[^\n]*|clamp\([^)]*\)", "", style.read_text("utf-8"))  # codes are large, and fit the screen
                assert re.findall(r"font(?:-size)?:[^;}]*\d(?:px|pt)\b[^;}]*", screen) == [], style.name
        for template in (ROOT / site / "web").rglob("*.html"):
            assert not re.search(r"user-scalable|maximum-scale|style=", template.read_text("utf-8")), template.name


async def test_an_answer_to_a_form_switches_language_where_it_can(app_of: Build, serve: Serve) -> None:
    app = gallery(app_of)

    async def post(request: web.Request) -> web.Response:
        again = {"/look": pages.Again("look", "/look"), "/there": "/asked?x=2"}.get(request.path)
        return await pages.render(request, "gallery.html", src="", sent_again=again)

    for path in ("/form", "/asked", "/look", "/there"):
        app.router.add_post(path, post)
    app.router.add_get("/asked", post)
    client = await serve(app)
    assert 'href="/?lang=cy"' in await (await client.post("/form?x=1")).text()
    assert 'href="/asked?x=1&amp;lang=cy"' in await (await client.post("/asked?x=1")).text()
    looked = await (await client.post("/look")).text()
    assert re.search(r'<button [^>]*form="look" formaction="/look\?lang=cy"[^>]* name="again" value="yes" lang="cy">', looked)
    assert 'hreflang="cy"' not in looked
    assert 'href="/asked?x=2&amp;lang=cy"' in await (await client.post("/there?x=1")).text()
    nowhere = await (await client.post("/nowhere")).text()
    assert 'href="/?lang=cy"' in nowhere


async def test_errors_stand_beside_the_field_and_on_top(app_of: Build, serve: Serve) -> None:
    client = await serve(gallery(app_of))
    answer = await client.get("/wrong")
    page = await answer.text()
    assert answer.status == 400
    assert "<title>Error: Power of attorney" in page
    assert '<a href="#reference">Enter the reference' in page
    assert 'id="reference-error"' in page
    assert 'aria-describedby="reference-hint reference-error"' in page


async def test_what_people_type_is_text(app_of: Build, serve: Serve) -> None:
    app = gallery(app_of)

    async def post(request: web.Request) -> web.Response:
        return await pages.render(request, "gallery.html", form=Form({"reference": '"><script>alert(1)</script>'}), src="")

    app.router.add_get("/evil", post)
    page = await (await (await serve(app)).get("/evil")).text()
    assert "<script>alert" not in page
    assert "&#34;&gt;&lt;script&gt;alert" in page


def test_a_name_that_nobody_passed_is_a_bug() -> None:
    environment = Pages(package="", title="x")._environments["en"]
    for source in ("{{ missing }}", "{{ form.missing }}", "{{ missing.classes }}"):
        with pytest.raises(UndefinedError):
            environment.from_string(source).render(form=Form())
    assert environment.from_string("{{ {}.missing }}{% if {}.a.b %}x{% endif %}").render() == ""


async def test_the_translator_of_a_request(app_of: Build, serve: Serve) -> None:
    app = gallery(app_of)

    async def say(request: web.Request) -> web.Response:
        return web.Response(text=pages.translator(request)("Passphrase"))

    app.router.add_get("/say", say)
    assert await (await (await serve(app)).get("/say?lang=cy")).text() == "Cyfrinymadrodd"


# --- static files ------------------------------------------------------------------------------------------------------------------


async def test_static_files_are_kept_for_ever_under_their_build(app_of: Build, serve: Serve) -> None:
    app = gallery(app_of)
    client = await serve(app)
    address = app[pages.PAGES].assets.url("app.css")
    answer = await client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "--mu-deep" in await answer.text()
    plain = await client.get(address, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    old = await client.get("/static/0123456789ab/js/app.js")
    assert (old.status, old.headers["Cache-Control"]) == (200, "no-cache")
    assert old.headers["Content-Type"] == "text/javascript; charset=utf-8"
    for path in ("/static/x/none.css", "/static/x/../auth.py", "/static/x/%2e%2e/auth.py", "/static/x/"):
        assert (await client.get(path)).status == 404


def test_the_build_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.css").write_text("one " * 100)
    before = Assets([tmp_path / "a"])
    packed = before._files["x.css"].packed
    assert packed is not None
    assert gzip.decompress(packed) == b"one " * 100
    (tmp_path / "a" / "x.css").write_text("two")
    after = Assets([tmp_path / "a"])
    assert before.build != after.build
    assert after._files["x.css"].packed is None
    with pytest.raises(KeyError):
        after.url("y.css")
    with pytest.raises(ValueError, match="two static files"):
        Assets([tmp_path / "a", tmp_path / "a"])


def test_nothing_of_the_government_is_shipped() -> None:
    for path in (ROOT / "shared/web/static").rglob("*"):
        if path.is_file() and path.name != "LICENSE.txt":
            text = path.read_bytes().decode("latin-1")  # pictures and WebAssembly too
            for mark in ("GDS Transport", "crest", "crown", "@font-face", "url(/assets", "sourceMappingURL", "www.gov.uk"):
                assert mark not in text, (path.name, mark)
    assert "Permission is hereby granted" in (ROOT / "shared/web/static/vendor/LICENSE.txt").read_text("utf-8")


def test_unbrand_fails_rather_than_guess(tmp_path: Path) -> None:
    assert "system-ui" in unbrand.unbrand_css(".a{font-family:GDS Transport,arial,sans-serif}")
    with pytest.raises(SystemExit):
        unbrand.unbrand_css(".a{background:url(/assets/new-thing.svg)}")
    source = tmp_path / "package" / "dist" / "govuk"
    source.mkdir(parents=True)
    (source / "govuk-frontend.min.css").write_text("@font-face{x}.a{color:red}")
    (source / "govuk-frontend.min.js").write_text("export{};//# sourceMappingURL=x.map")
    unbrand.main(tmp_path / "package", tmp_path / "out")
    assert (tmp_path / "out" / "govuk-frontend.css").read_text() == ".a{color:red}"
    assert (tmp_path / "out" / "govuk-frontend.js").read_text() == "export{};\n"


def test_scripts_never_make_markup_from_text() -> None:
    for path in (ROOT / "shared/web/static/js").glob("*.js"):
        text = path.read_text("utf-8")
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "setTimeout('",
            'setTimeout("',
        ):
            assert way not in text, (path.name, way)


def test_templates_have_no_inline_script_or_style() -> None:
    for site in SITES:
        for path in (ROOT / site / "web" / "templates").rglob("*.html"):
            text = path.read_text("utf-8")
            assert " style=" not in text, path
            assert "<style" not in text, path
            assert "<script>" not in text, path
            assert " onclick=" not in text, path
            assert "|safe" not in text.replace(" ", ""), path


# --- languages ---------------------------------------------------------------------------------------------------------------------


def test_translations_of_several_folders(tmp_path: Path) -> None:
    (tmp_path / "cy.po").write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Copy"\nmsgstr "Arall"\n')
    both = i18n.load_translations([tmp_path, ROOT / "shared/web/locale"], "cy")
    assert both.gettext("Copy") == "Arall"
    assert both.gettext("Show") == "Dangos"
    assert both.gettext("Nothing known") == "Nothing known"
    assert i18n.load_translations([tmp_path], "en").gettext("Copy") == "Copy"


def test_a_guess_of_a_tool_is_not_shown(tmp_path: Path) -> None:
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (tmp_path / "cy.po").write_text(f'{head}#, fuzzy\nmsgid "Copy"\nmsgstr "Arall"\n\nmsgid "Day"\nmsgstr "Diwrnod"\n')
    loaded = i18n.load_translations([tmp_path], "cy")
    assert (loaded.gettext("Copy"), loaded.gettext("Day")) == ("Copy", "Diwrnod")


@pytest.mark.parametrize(
    ("asked", "remembered", "accept", "locale"),
    [
        (None, None, "", "en"),
        ("cy", "en", "en", "cy"),
        ("xx", "cy", "en", "cy"),
        (None, "xx", "cy", "cy"),
        (None, None, "fr, cy;q=0.4, en;q=0.3", "cy"),
        (None, None, "en;q=0.3, cy;q=0.4", "cy"),
        (None, None, "cy;q=0, en", "en"),
        (None, None, "cy;q=much, *", "en"),
    ],
)
def test_negotiation(asked: str | None, remembered: str | None, accept: str, locale: str) -> None:
    assert negotiate(asked, remembered, accept) == locale


@given(st.text(max_size=80), st.text(max_size=5) | st.none())
def test_any_header_gives_a_language(accept: str, asked: str | None) -> None:
    assert negotiate(asked, None, accept) in {"en", "cy"}


def test_dates_as_people_read_them() -> None:
    at = int(datetime(2026, 7, 22, 14, 5, tzinfo=UTC).timestamp())
    assert Dates("en", "Europe/London").moment(at) == "22 July 2026 at 15:05"
    assert Dates("cy", "Europe/London").moment(at) == "22 Gorffennaf 2026 am 15:05"
    assert Dates("en", "No/Where").moment(at) == "22 July 2026 at 14:05 UTC"
    assert Dates("en", "../etc").time(at) == "14:05 UTC"
    for zone, hour in (("Europe/London", 15), ("No/Where", 14)):
        assert instant(date(2026, 7, 22), time(hour, 5), zone) == at


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_moment_that_no_calendar_has_breaks_no_page(zone: str) -> None:
    assert Dates("en", zone).date(2**53 - 1).endswith(" December 9999")


# --- forms -------------------------------------------------------------------------------------------------------------------------


def test_a_form_keeps_what_was_typed() -> None:
    form = Form(MultiDictProxy(MultiDict([("name", " Nora "), ("power", "a"), ("power", "b")])))
    assert form.value("name") == "Nora"
    assert form.value("other", "default") == "default"
    assert form.values("power") == ["a", "b"]
    assert Form({"power": "a"}).values("power") == ["a"]
    assert Form().values("power") == []
    assert form.need("name", "Enter a name") == "Nora"
    assert not form.wrong
    assert form.need("other", "Enter the other") == ""
    form.error("other", "second error")
    form.error("power", "Choose one", anchor="power-1")
    assert form.wrong
    assert form.message("other") == {"text": "Enter the other"}
    assert form.message("name") is None
    assert list(form.summary()) == [{"text": "Enter the other", "href": "#other"}, {"text": "Choose one", "href": "#power-1"}]


@pytest.mark.parametrize(
    ("typed", "date"),
    [({}, ""), ({"day": "2", "month": "11", "year": "1938"}, "1938-11-02"), ({"year": "1938"}, "1938"), ({"day": "2"}, "--02"), ({"day": "8", "year": "2027"}, "2027--08"),
     ({"day": "x", "month": "1", "year": "1938"}, "1938-01-0x")],
)  # fmt: skip
def test_a_day_in_three_boxes_is_never_guessed_at(typed: dict[str, str], date: str) -> None:
    assert Form({f"born.{part}": text for part, text in typed.items()}).date("born") == date
