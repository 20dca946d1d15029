"""Command lines: names of keys that begin with a dash are names; everything else that begins with one is an option or wrong."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from shared.terminal import USAGE, Parser, add_key_options, moment

KID, CODE, THUMBPRINT = "-en1YUB8zUY", "-bQ3xkY0nL5vR2sT8uW1zA", "-J9cWsGS6vPXd7WQeU17Vt39Z_5tYOIjydhA7DANqMq"


def parser() -> Parser:
    whole = Parser(prog="office")
    below = whole.add_subparsers(dest="command", required=True)
    keys = below.add_parser("keys")
    add_key_options(keys, show="list")
    keys.add_argument("--thumbprint", default="")
    keys.add_argument("--published", action="store_true")
    return whole


@pytest.mark.parametrize("name", [KID, THUMBPRINT, CODE, "--8-8-8-8-8", "Aen1YUB8zUY", "12"])
def test_a_name_may_begin_with_a_dash(name: str) -> None:
    for words in (["keys", "retire", name, "--reason", "a new one"], ["keys", "--reason", "a new one", "retire", name]):
        found = parser().parse_args(words)
        assert (found.what, found.name, found.reason) == ("retire", name, "a new one")
    assert parser().parse_args(["keys", "--thumbprint", name]).thumbprint == name


def test_options_stay_options(capsys: pytest.CaptureFixture[str]) -> None:
    found = parser().parse_args(["keys", "--published"])  # as long as the name of a key
    assert (found.published, found.name) == (True, "")
    for wrong in ("-x", "-reason", "--unknown", f"{KID}x"):
        with pytest.raises(SystemExit) as left:
            parser().parse_args(["keys", "retire", wrong])
        assert left.value.code == USAGE
        assert "unrecognized arguments" in capsys.readouterr().err


def test_a_moment_is_in_utc_unless_it_says_otherwise() -> None:
    noon = 1_800_014_400
    for text in ("2027-01-15T12:00", "2027-01-15 12:00:00Z", "2027-01-15T13:00+01:00"):
        assert moment(text) == noon
    assert moment("2027-01-15") == noon - 43_200
    for wrong in ("", "noon", "2027-13-01"):
        with pytest.raises(ArgumentTypeError, match="a moment is written as"):
            moment(wrong)
