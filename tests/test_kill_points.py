"""Every write of a service that has a name is named by a test that kills that service at it, read from the sources; or has a reason why not.

To be killed is to be ended by a signal, as a process that was begun with a failpoint: an exception at that place ends nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHERE = {
    "issuer": ("issuer",),
    "verifier": ("verifier",),
    "wallet": ("wallet", "e2e"),
    "shared": ("shared", "issuer", "verifier", "wallet", "e2e"),
}
"""In which folders of tests each service is killed, and in which the writes that they share."""

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
        "certify-desk": "upkeep: how long a desk's certificate lasts; a desk that got none asks again",
        "drop-pieces": "upkeep: the beginning of a pack that is fetched anew",
        "inbox-key": "upkeep: a key under its number, of which there is one; the file that tells of it is written in each round",
        "keep-bitstring": "upkeep: a list that is fetched again",
        "keep-did": "upkeep: a document that is fetched again",
        "keep-piece": "upkeep: a part of a pack at its place; the next visit goes on from what is kept",
        "known-slip": "a line of the log before anything is shown: whoever saw nothing looks again, and both stand there",
        "learn": "what a list has taught, whatever the answer; the same check teaches it again",
        "note-download": "upkeep: what was fetched last; the next visit asks again",
        "refresh": "upkeep: issuers that are pinned no more go; the next round does it",
        "serve-pack": "upkeep: the pack that is served, made anew where there is none; its number is taken at `pack`",
    },
    "wallet": {
        "forgotten": "upkeep: what was asked or offered long ago leaves; the next round takes what is left",
        "outbox-over": "upkeep: answers that nobody fetched; the next round takes what is left",
        "phone-lease": "a lease on one attempt, which ends by itself; the same attempt is made again",
        "promise-later": "upkeep: when what was promised is asked for again; the next round asks",
        "promise-token": "as `renew-token`: the office takes the token before it again until this one was used",
        "renew-later": "upkeep: when it is tried again; the next round tries",
        "log-due": "upkeep: when the log of a body is looked at first; drawn once and kept",
        "log-looked": "upkeep: how far the history was looked through; the next round looks again",
        "log-seen": "upkeep: how far the log of a body was followed; the next visit follows it again",
        "sign-in-over": "what went wrong ended it; whoever comes back by the same address is told so again, and it ends then",
    },
    "shared": {
        "begin-key": "upkeep: a key is entered where none is; whatever it signs next enters it",
        "certify": "upkeep: a certificate in the folder is entered; each publication enters what is not there yet",
        "federation-above": "upkeep: what those above said, noted; they are asked again",
        "hear-anchor": "upkeep: what an anchor said, noted; it is asked again",
        "hear-forget": "upkeep: of anchors that are pinned no more; the next round does it",
        "note-pin": "the history is written before the file of whom we trust, so that nobody is trusted of whom it says nothing",
        "publish-trust": "upkeep: what is in force, signed anew under the next number; the next round does it",
    },
}
"""No effect that a person asked for or waits for, and nothing that anybody is told."""


UNNAMED = {
    "issuer/init.py": "setting up: nobody uses it before its settings are there, which are written last",
    "issuer/pages/settings.py": "one row of who may sign in or call; the page shows whether it is there",
    "issuer/pages/visit.py": "a visit of some minutes; whoever lost it begins again",
    "shared/web/auth.py": "one sign-in, and what counts its tries; whoever lost it signs in again",
    "shared/web/entrance.py": "one sign-in; whoever lost it signs in again",
    "shared/web/heard.py": "upkeep: how a visit went; it is made again",
    "shared/web/login_pages.py": "one sign-in; whoever lost it signs in again",
    "shared/web/operators.py": "setting up: the first who may sign in, and a key to call with",
    "shared/web/passkey_pages.py": "one passkey or one sign-in; the page shows whether it is there",
    "shared/web/rates.py": "a count of tries",
    "verifier/webhooks.py": "an event that means nothing, for a try",
}
"""Where writes have no name, and nobody could be killed at them."""


@pytest.mark.parametrize("service", WHERE)
def test_every_write_has_a_name_or_a_reason(service: str) -> None:
    assert set(_unnamed(service)) == {name for name in UNNAMED if name.startswith(f"{service}/")}


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
        "wallet": {"telling", "outbox-dropped", "reported", "receive-token", "receipt-given", "renew-token", "permission-answer"},
        "shared": {"log-head", "withdraw", "hear-federation"},
    }.items():
        assert names - {"federation-invite"} <= points(service)
        assert names <= killed(service)
    assert "nobody" not in killed("issuer")


def test_an_exception_ends_nothing() -> None:
    """What only raises at a write is no process that was killed there, whatever it is called."""
    dying = 'POINTS = ("telling",)\nstorage.dies(f"{point}:{moment}")\n'
    assert "telling" in _killed_in(ast.parse(dying))
    assert not _for_real(ast.parse(f"from support.letters import joan\n{dying}"))
    for real in (
        "from support import forking",
        "from support.mortal import mortal",
        "from support.desk_killed import die",
        "signal.SIGKILL",
    ):
        assert _for_real(ast.parse(f"{real}\n{dying}"))


# --- the reading ---

_MAY_KILL = re.compile(r":before|:after|:\{")


@cache
def points(service: str) -> frozenset[str]:
    """The names of a service's writes: where they stand as they are, one of two, or handed to a function that takes one."""
    trees = [tree for _, tree in _sources(service)]
    takes = {name: place for tree in trees for name, place in _takes_a_point(tree)}
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    values = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "point"]
    values += [call.args[place] for call in calls if len(call.args) > (place := takes.get(_called(call), 99))]
    return frozenset(name for value in values for name in _names_in(value))


def _sources(service: str) -> list[tuple[str, ast.Module]]:
    files = sorted((ROOT / service).rglob("*.py"))
    return [(str(file.relative_to(ROOT)), ast.parse(file.read_text(encoding="utf-8"))) for file in files]


def _takes_a_point(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions that are handed the name of a write, and at which place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [each.arg for each in node.args.args if each.arg != "self"]
            if "point" in names:
                yield node.name, names.index("point")


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _names_in(value: ast.expr) -> list[str]:
    match value:
        case ast.Constant(value=str(name)):
            return [name]
        case ast.IfExp(body=one, orelse=other):
            return [*_names_in(one), *_names_in(other)]
        case _:
            return []


def _unnamed(service: str) -> list[str]:
    """The files in which something is written without a name."""
    return [
        name
        for name, tree in _sources(service)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "write"
        if "storage" in ast.unparse(node.func.value).lower() and "point" not in {keyword.arg for keyword in node.keywords}
    ]


@cache
def killed(service: str) -> frozenset[str]:
    """What the tests in that service's folders kill it at."""
    files = (file for folder in WHERE[service] for file in (ROOT / "tests" / folder).rglob("test_*.py"))
    texts = (text for file in files if _MAY_KILL.search(text := file.read_text(encoding="utf-8")))
    return frozenset(name for text in texts if _for_real(tree := ast.parse(text)) for name in _killed_in(tree))


def _for_real(tree: ast.Module) -> bool:
    """Whether they see processes end by the signal, or leave it to support that does."""
    return _sees_it(tree) or not _support_of(tree).isdisjoint(_kills())


@cache
def _kills() -> frozenset[str]:
    """The modules of support that see processes end by the signal, and those that have it from the one that forks."""
    trees = {file.stem: ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "tests" / "support").glob("*.py")}
    return frozenset(name for name, tree in trees.items() if _sees_it(tree) or "forking" in _support_of(tree))


def _sees_it(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == "SIGKILL" for node in ast.walk(tree))


def _support_of(tree: ast.Module) -> set[str]:
    """The modules of support that it imports, or imports something of."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    whole = {each.name for node in found if node.module == "support" for each in node.names}
    return whole | {node.module.removeprefix("support.") for node in found if node.module and node.module.startswith("support.")}


def _killed_in(tree: ast.Module) -> Iterator[str]:
    whole = [match[1] for text in _texts(tree) if (match := re.fullmatch(r"([a-z][a-z-]*):(?:before|after)?", text))]
    prefixes = [match[1] for text in _texts(tree) if (match := re.fullmatch(r"([a-z]+-)", text))]
    tables = [text for node in ast.walk(tree) for table in _tables(node) for text in _texts(table)]
    moments = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) and _is_a_moment(node)]
    yield from whole
    yield from (text for node in moments for text in _texts(node.values[0]))
    if whole or moments:
        yield from tables
        yield from (prefix + name for prefix, name in product(prefixes, tables))


def _is_a_moment(node: ast.JoinedStr) -> bool:
    """``f"{point}:{moment}"``"""
    return any(isinstance(part, ast.Constant) and part.value == ":" for part in node.values)


def _tables(node: ast.AST) -> Iterator[ast.AST]:
    """Where names of writes are listed: what a test is parametrised by, goes round by, keeps in a table, or hands to what kills."""
    match node:
        case ast.Call(func=ast.Attribute(attr="parametrize"), args=[names, *values]) if {"point", "step"} & set(_words(names)):
            yield from values
        case ast.Call(func=ast.Name(id="killed") | ast.Attribute(attr="dies"), args=[first, *_]):
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
