"""Only who showed a document can ask about what came of it."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer
from support.trial_verify import BANK, DAY, Dice, holder, issue, show

from shared import asks
from shared.asks import DAYS, TOLD, WITHDRAW, Ask, Told, check_ask, check_told, make_binding, read_ask, render_ask, render_told
from shared.codec import strict_json
from shared.errors import Malformed, NotBound, PurposeMismatch, StaleBinding, VcError, WrongAudience, WrongTyp

ABOUT = "AAECAwQFBgcICQoLDA0ODw"


def posted(
    what: str = WITHDRAW, *, to: str = BANK, by: Signer | None = None, at: int = AT, about: str = ABOUT, form: str = "dc+sd-jwt"
) -> bytes:
    binding = make_binding(what, about, entity=to, at=at, entropy=Dice("ask"))
    wire = show(issue(form), format_name=form, paths=(), binding=binding, at=at, by=by)
    return render_ask(wire, form, what=what, about=about, entity=to)


def signed(data: bytes) -> Ask:
    ask = read_ask(data)
    assert isinstance(ask, Ask)
    return ask


def test_who_showed_it_asks() -> None:
    ask = signed(posted())
    assert (ask.what, ask.about) == (WITHDRAW, ABOUT)
    check_ask(ask, entity=BANK, holder=holder().public, at=AT)
    check_ask(ask, entity=BANK, holder=holder().public, at=AT + DAYS * DAY - 1)


def test_what_was_told_is_asked_with_a_ticket_of_what_was_shown() -> None:
    shown = b'{"poa":["a~b~c"]}'
    data = render_told(ABOUT, shown)
    told = read_ask(data)
    assert isinstance(told, Told)
    assert (told.about, len(told.ticket)) == (ABOUT, 32)
    check_told(told, presentation=shown)
    with pytest.raises(NotBound):
        check_told(told, presentation=shown + b" ")
    assert render_told(ABOUT, shown) == data
    assert b"a~b~c" not in data
    assert sha256(shown).digest() != told.ticket


def test_it_may_have_run_out_since() -> None:
    later = AT + 170 * DAY
    check_ask(signed(posted(at=later)), entity=BANK, holder=holder().public, at=later)


def test_the_other_form() -> None:
    check_ask(signed(posted(form="vc+sd-jwt")), entity=BANK, holder=holder().public, at=AT)


def test_nothing_new_is_in_it() -> None:
    assert b"Margaret" not in posted()
    document = strict_json.load_object(posted())
    (wire,) = document["vp_token"]["ask"]
    assert wire.count("~") == 1


def test_nobody_else_asks() -> None:
    ask = signed(posted(by=Signer.new()))
    with pytest.raises(NotBound):
        check_ask(ask, entity=BANK, holder=holder().public, at=AT)


def test_not_of_somebody_else() -> None:
    ask = signed(posted(to="https://dwp.example"))
    with pytest.raises(WrongAudience):
        check_ask(ask, entity=BANK, holder=holder().public, at=AT)
    moved = replace(ask, copy=replace(ask.copy, aud=f"a:{BANK}"))
    with pytest.raises(WrongAudience):
        check_ask(moved, entity=BANK, holder=holder().public, at=AT)


def test_not_about_something_else() -> None:
    with pytest.raises(PurposeMismatch):
        check_ask(replace(signed(posted()), about="another"), entity=BANK, holder=holder().public, at=AT)
    with pytest.raises(PurposeMismatch):
        check_ask(replace(signed(posted()), what=TOLD), entity=BANK, holder=holder().public, at=AT)


def test_two_weeks_later_it_is_asked_anew() -> None:
    with pytest.raises(StaleBinding):
        check_ask(signed(posted()), entity=BANK, holder=holder().public, at=AT + (DAYS + 1) * DAY)


def test_another_form_than_it_says() -> None:
    ask = signed(posted())
    with pytest.raises(WrongTyp):
        check_ask(replace(ask, copy=replace(ask.copy, format="vc+sd-jwt")), entity=BANK, holder=holder().public, at=AT)


@pytest.mark.parametrize(
    "change",
    [
        {"purpose_id": "bank"},
        {"purpose_id": f"{WITHDRAW}:"},
        {"purpose_id": WITHDRAW},
        {"purpose_id": f"{TOLD}:{ABOUT}"},
        {"ask": TOLD},
        {"ask": TOLD, "about": ABOUT, "ticket": "no base64!"},
        {"ask": TOLD, "about": "x" * 201, "ticket": "AAAA"},
        {"format": "mso_mdoc"},
        {"vp_token": {"other": ["x"]}},
        {"vp_token": {"ask": ["x", "y"]}},
    ],
)
def test_what_is_no_ask(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        read_ask(strict_json.dumps(strict_json.load_object(posted()) | change))


@given(st.binary())
def test_an_ask_or_an_error(data: bytes) -> None:
    with pytest.raises(VcError):
        asks.read_ask(data)
