"""Only who showed a document can ask about what came of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer
from support.trial_verify import BANK, DAY, Dice, holder, issue, show

from shared import asks
from shared.asks import TOLD, WITHDRAW, check_ask, make_binding, read_ask, render_ask
from shared.codec import strict_json
from shared.errors import Malformed, NotBound, PurposeMismatch, StaleBinding, VcError, WrongAudience, WrongTyp

ABOUT = "AAECAwQFBgcICQoLDA0ODw"


def posted(
    what: str = WITHDRAW, *, to: str = BANK, by: Signer | None = None, at: int = AT, about: str = ABOUT, form: str = "dc+sd-jwt"
) -> bytes:
    binding = make_binding(what, about, entity=to, at=at, entropy=Dice("ask"))
    wire = show(issue(form), format_name=form, paths=(), binding=binding, at=at, by=by)
    return render_ask(wire, form, what=what, about=about, entity=to)


@pytest.mark.parametrize("what", [WITHDRAW, TOLD])
def test_who_showed_it_asks(what: str) -> None:
    ask = read_ask(posted(what))
    assert (ask.what, ask.about) == (what, ABOUT)
    check_ask(ask, entity=BANK, holder=holder().public, at=AT)
    check_ask(ask, entity=BANK, holder=holder().public, at=AT + DAY - 1)


def test_it_may_have_run_out_since() -> None:
    later = AT + 170 * DAY
    check_ask(read_ask(posted(at=later)), entity=BANK, holder=holder().public, at=later)


def test_the_other_form() -> None:
    check_ask(read_ask(posted(form="vc+sd-jwt")), entity=BANK, holder=holder().public, at=AT)


def test_nothing_new_is_in_it() -> None:
    assert b"Margaret" not in posted()
    document = strict_json.load_object(posted())
    (wire,) = document["vp_token"]["ask"]
    assert wire.count("~") == 1


def test_nobody_else_asks() -> None:
    ask = read_ask(posted(by=Signer.new()))
    with pytest.raises(NotBound):
        check_ask(ask, entity=BANK, holder=holder().public, at=AT)


def test_not_of_somebody_else() -> None:
    ask = read_ask(posted(to="https://dwp.example"))
    with pytest.raises(WrongAudience):
        check_ask(ask, entity=BANK, holder=holder().public, at=AT)
    moved = replace(ask, copy=replace(ask.copy, aud=f"a:{BANK}"))
    with pytest.raises(WrongAudience):
        check_ask(moved, entity=BANK, holder=holder().public, at=AT)


def test_not_about_something_else() -> None:
    with pytest.raises(PurposeMismatch):
        check_ask(replace(read_ask(posted()), about="another"), entity=BANK, holder=holder().public, at=AT)
    with pytest.raises(PurposeMismatch):
        check_ask(replace(read_ask(posted()), what=TOLD), entity=BANK, holder=holder().public, at=AT)


def test_a_day_later_it_is_asked_anew() -> None:
    with pytest.raises(StaleBinding):
        check_ask(read_ask(posted()), entity=BANK, holder=holder().public, at=AT + 2 * DAY)


def test_another_form_than_it_says() -> None:
    ask = read_ask(posted())
    with pytest.raises(WrongTyp):
        check_ask(replace(ask, copy=replace(ask.copy, format="vc+sd-jwt")), entity=BANK, holder=holder().public, at=AT)


@pytest.mark.parametrize(
    "change",
    [
        {"purpose_id": "bank"},
        {"purpose_id": f"{WITHDRAW}:"},
        {"purpose_id": WITHDRAW},
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
