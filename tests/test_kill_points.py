"""Every write of a service that has a name is named by a test that kills that service at it, read from the sources; or has a reason why not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHERE = {"issuer": ("issuer",), "verifier": ("verifier",), "wallet": ("wallet", "e2e")}
"""In which folders of tests each service is killed."""

REASONS = {
    "issuer": {
        "begin-list": "upkeep: a new status list before one is full; two are no fault, and the next round looks again",
        "mark": "upkeep: marks computed from what is stored already, for a version of the document; the next round does the rest",
        "prove": "a mark that a proof was used: whoever got no answer proves anew",
        "register-heard": "upkeep: what an address said, noted with a version; it is visited again",
        "service-key": "upkeep: a key where there is none of this month; the one that another process made serves as well",
        "sweep": "upkeep: what has had its time goes; the next round takes what is left",
    },
    "verifier": {
        "drop-pieces": "upkeep: the beginning of a pack that is fetched anew",
        "inbox-key": "upkeep: a key under its number, of which there is one; the file that tells of it is written in each round",
        "keep-bitstring": "upkeep: a list that is fetched again",
        "keep-did": "upkeep: a document that is fetched again",
        "keep-piece": "upkeep: a part of a pack at its place; the next visit goes on from what is kept",
        "learn": "what a list has taught, whatever the answer; the same check teaches it again",
        "note-download": "upkeep: what was fetched last; the next visit asks again",
        "refresh": "upkeep: issuers that are pinned no more go; the next round does it",
        "serve-pack": "upkeep: the pack that is served, made anew where there is none; its number is taken at `pack`",
    },
    "wallet": {
        "addressed-over": "upkeep: copies that nobody can use any more leave; the next round takes what is left",
        "forgotten": "upkeep: what was asked or offered long ago leaves; the next round takes what is left",
        "log-due": "upkeep: when the log of a body is looked at first; drawn once and kept",
        "log-looked": "upkeep: how far the history was looked through; the next round looks again",
        "log-seen": "upkeep: how far the log of a body was followed; the next visit follows it again",
        "sign-in-over": "what went wrong ended it; whoever comes back by the same address is told so again, and it ends then",
    },
}
"""No effect that a person asked for or waits for, and nothing that anybody is told."""


@pytest.mark.parametrize("service", WHERE)
def test_every_named_write_is_killed_at(service: str) -> None:
    missing = points(service) - killed(service) - set(REASONS[service])
    assert not missing, f"no test kills the {service} at {sorted(missing)}"


@pytest.mark.parametrize("service", WHERE)
def test_a_reason_is_for_a_write_that_no_test_kills_at(service: str) -> None:
    assert not set(REASONS[service]) - points(service), "there is no such write any more"
    assert not set(REASONS[service]) & killed(service), "it needs no reason any more"


def test_the_reading_finds_what_is_there() -> None:
    """Names that are written out, made of a table and a moment, of a prefix and a table, and handed to whatever kills."""
    for service, names in {
        "issuer": {"report-box", "make", "approve", "recall-begin", "federation-invite", "register-apply", "succession-drop", "push"},
        "verifier": {"together-look", "letter-due", "webhook-told", "given-made"},
        "wallet": {"telling", "outbox-dropped", "reported", "receive-token", "receipt-given"},
    }.items():
        assert names - {"federation-invite"} <= points(service)
        assert names <= killed(service)
    assert "nobody" not in killed("issuer")


# --- the reading ---

_MAY_KILL = re.compile(r":before|:after|:\{|DiedError|KilledError")


@cache
def points(service: str) -> frozenset[str]:
    """The names of a service's writes, where they stand as they are."""
    texts = (text for file in (ROOT / service).rglob("*.py") if "point=" in (text := file.read_text(encoding="utf-8")))
    calls = (node for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    values = (keyword.value for call in calls for keyword in call.keywords if keyword.arg == "point")
    return frozenset(str(value.value) for value in values if isinstance(value, ast.Constant))


@cache
def killed(service: str) -> frozenset[str]:
    """What the tests in that service's folders kill it at."""
    files = (file for folder in WHERE[service] for file in (ROOT / "tests" / folder).glob("test_*.py"))
    texts = (text for file in files if _MAY_KILL.search(text := file.read_text(encoding="utf-8")))
    return frozenset(name for text in texts for name in _killed_in(ast.parse(text)))


def _killed_in(tree: ast.Module) -> Iterator[str]:
    whole = [match[1] for text in _texts(tree) if (match := re.fullmatch(r"([a-z][a-z-]*):(?:before|after)?", text))]
    prefixes = [match[1] for text in _texts(tree) if (match := re.fullmatch(r"([a-z]+-)", text))]
    tables = [text for node in ast.walk(tree) for table in _tables(node) for text in _texts(table)]
    moments = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) and _is_a_moment(node)]
    yield from whole
    yield from (text for node in moments for text in _texts(node.values[0]))
    if whole or moments or _has_died(tree):
        yield from tables
        yield from (prefix + name for prefix, name in product(prefixes, tables))


def _is_a_moment(node: ast.JoinedStr) -> bool:
    """``f"{point}:{moment}"``"""
    return any(isinstance(part, ast.Constant) and part.value == ":" for part in node.values)


def _has_died(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.Name) and node.id in {"DiedError", "KilledError"} for node in ast.walk(tree))


def _tables(node: ast.AST) -> Iterator[ast.AST]:
    """Where names of writes are listed: what a test is parametrised by, goes round by, keeps in a table, or hands to what kills."""
    match node:
        case ast.Call(func=ast.Attribute(attr="parametrize"), args=[names, *values]) if {"point", "step"} & set(_words(names)):
            yield from values
        case ast.Call(func=ast.Name(id="killed" | "Dying") | ast.Attribute(attr="dying" | "dies"), args=[first, *_]):
            yield first
        case ast.For(target=target, iter=values) | ast.comprehension(target=target, iter=values) if "point" in ast.unparse(target):
            yield values
        case ast.Assign(targets=[ast.Name(id="POINTS" | "STEPS" | "SUCCESSION" | "points" | "ends")], value=value):
            yield value
        case _:
            pass


def _words(node: ast.AST) -> list[str]:
    return [word for text in _texts(node) for word in re.findall(r"\w+", text)]


def _texts(node: ast.AST) -> Iterator[str]:
    return (each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str))
