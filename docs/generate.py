"""Write what of the documents is made from the code: ``make docs``. Settings, commands, errors, types, conformance; tables in README.md and interop.md."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from shared import errors
from shared.clock import DAY
from shared.credentials import CredentialType, Disclosure, all_types
from shared.web.settings import Common, describe

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
README, INTEROP = ROOT / "README.md", FOLDER / "interop.md"
CONFORMANCE = ROOT / "tests" / "conformance"
SERVICES = ("issuer", "wallet", "verifier")
SECRETS = {
    "issuer": (
        "The secret that opens the keys is in the file that `MUNIMENT_ISSUER_PASSPHRASE_FILE` names, else in the service manager's credential",
        "`muniment-issuer`, else in `key-file` in the data folder.\n",
    ),
    "wallet": (
        "The secret that opens the host's keys is in the service manager's credential `muniment-wallet`, else in `key-file` in the data folder.",
        "The holder's passphrase is asked for at the terminal, unless `MUNIMENT_WALLET_PASSPHRASE_FILE` names a file with it.\n",
    ),
    "verifier": (
        "The secret that opens the keys is in the file that `MUNIMENT_VERIFIER_PASSPHRASE_FILE` names, else in the service manager's credential",
        "`muniment-verifier`, else in `key-file` in the data folder.\n",
    ),
}


def settings() -> str:
    """One table a service."""
    parts = [
        "# Settings\n",
        "Each stands in the service's TOML file in its data folder or in the environment, which wins. Lists are comma-separated in the",
        "environment. A name that does not exist is refused, and the error says which one may have been meant.\n",
    ]
    for service in SERVICES:
        config = importlib.import_module(f"{service}.config")
        parts.append(f"## {service}\n")
        parts.append(
            f"File `{service}.toml`, environment `{config.PREFIX}_<NAME>`; the data folder itself is `--dir` or `{config.PREFIX}_DIR`.\n"
        )
        parts += SECRETS[service]
        parts.append("| setting | kind | default | what it does |\n|---|---|---|---|")
        parts += [
            f"| `{each.name}` | {cell(each.kind)} | `{each.default}` | {cell(each.doc)} |"
            for each in describe(settings_of(config), config.PREFIX)
        ]
        parts.append("")
    return "\n".join(parts)


def settings_of(config: ModuleType) -> type[Common]:
    """The one Struct of settings that a service's config module defines."""
    own = (each for each in vars(config).values() if isinstance(each, type) and each.__module__ == config.__name__)
    (kind,) = (each for each in own if issubclass(each, Common))
    return kind


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def tree(kind: type[errors.VcError]) -> Iterator[type[errors.VcError]]:
    """Those that have a code of their own; a module's private kind of one is told as that one."""
    yield kind
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from tree(each)


def error_table() -> str:
    """Every code once, in the order of the tree."""
    parts = [
        "# Errors\n",
        "Every refusal carries a stable `code` of ours, the `error` that the protocol registered, and an HTTP status. Operators and relying",
        "parties get it as `application/problem+json` with a JSON pointer to the fault, wallets as the JSON of OAuth, people as a page, a terminal",
        "as one line and an exit code (1 refused, 64 usage, 78 set-up; `check`: 0 accepted, 1 rejected, 2 undecided). In a verdict the code stands",
        "at the line that it decided.\n",
        "| code | protocol error | status | what it means |\n|---|---|---|---|",
    ]
    for kind in tree(errors.VcError):
        meaning = " ".join(inspect.cleandoc(kind.__doc__ or "").replace("``", "`").split())
        parts.append(f"| `{kind.code}` | `{kind.error}` | {kind.status} | {cell(meaning)} |")
    return "\n".join([*parts, ""])


def short_settings() -> str:
    """Every setting once, for the README: where it counts and what it is if nobody says otherwise."""
    found: dict[str, dict[str, str]] = {}
    for service in SERVICES:
        config = importlib.import_module(f"{service}.config")
        for each in describe(settings_of(config), config.PREFIX):
            found.setdefault(each.name, {})[service] = each.default
    rows = ["| setting | of | default |", "|---|---|---|"]
    for name, defaults in found.items():
        where = "all" if len(defaults) == len(SERVICES) else ", ".join(defaults)
        rows.append(f"| `{name}` | {where} | {', '.join(f'`{default}`' for default in dict.fromkeys(defaults.values()))} |")
    return "\n".join(rows)


def short_errors() -> str:
    """Every code once, for the README, by the status that it is told with."""
    found: dict[int, list[str]] = {}
    for kind in tree(errors.VcError):
        found.setdefault(kind.status, []).append(f"`{kind.code}`")
    rows = ["| status | codes |", "|---|---|"]
    rows += [f"| {status} | {' '.join(codes)} |" for status, codes in sorted(found.items())]
    return "\n".join(rows)


def readme(text: str) -> str:
    """README.md with its two tables as the code has them."""
    return filled(text, {"settings": short_settings(), "errors": short_errors()})


def interop(text: str) -> str:
    """docs/interop.md with its table as the tests and the locks have it."""
    return filled(text, {"counterparts": counterparts()})


def filled(text: str, tables: Mapping[str, str]) -> str:
    for name, table in tables.items():
        begin, end = f"<!-- {name}: make docs -->\n", f"<!-- /{name} -->"
        before, after = text[: text.index(begin)], text[text.index(end) :]
        text = f"{before}{begin}\n{table}\n\n{after}"
    return text


def counterparts() -> str:
    """One row for each program by others and each file of tests that names it in ``COUNTERPARTS``; what is tested is what tests are called."""
    versions = locked()
    rows = []
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        if "COUNTERPARTS = {" in (text := file.read_text(encoding="utf-8")):
            tree = ast.parse(text)
            told = "; ".join(each.name.removeprefix("test_").replace("_", " ") for each in tests_in(tree))
            rows += [f"| `{name}` {versions[name]} | {role} | {told} | `{file.relative_to(ROOT)}` |" for name, role in named(tree).items()]
    return "\n".join(["| counterpart | is the | what is tested | where |", "|---|---|---|---|", *sorted(rows)])


def tests_in(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_")]


def named(tree: ast.Module) -> dict[str, str]:
    """The constant ``COUNTERPARTS`` of a file of tests: package -> what it is there."""
    found = (each.value for each in tree.body if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "COUNTERPARTS")
    value: dict[str, str] = ast.literal_eval(next(found))
    return value


def locked() -> dict[str, str]:
    """The versions of all packages in the locks of the tests."""
    npm = json.loads((ROOT / "tests" / "foreign" / "js" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    locks = "".join((ROOT / ".ci" / f"{name}.lock").read_text(encoding="utf-8") for name in ("judges", "dev"))
    python = re.findall(r"(?m)^([a-z0-9._-]+)==(\S+)", locks)
    return dict(python) | {name.rpartition("node_modules/")[2]: each["version"] for name, each in npm.items() if name}


def conformance() -> str:
    """One table a group of official modules: what each is for, our test of its name, and the state of that."""
    parts = [
        "# Official modules and our tests\n",
        "The OpenID Foundation's conformance suite is a program of its own, which judges a running service. This is not a run of it: it is our",
        "re-creation of the official modules. Each module has a test of ours with its name, `-` and `.` as `_`, that does what the module does.",
        "`green` says that this test is in the tree, that nothing skips it, and that `make test`, which CI runs on every change, fails when it",
        "fails; this table is made by `make docs` and cannot know more. There is one other state, `not applicable`, which gives its reason.\n",
    ]
    where = conformance_tests()
    for group in tomllib.loads((CONFORMANCE / "modules.toml").read_text(encoding="utf-8"))["groups"]:
        parts.append(f"## {group['title']}\n")
        parts.append("| module | what it is for | our test | state |\n|---|---|---|---|")
        parts += [conformance_row(module, purpose, where) for module, purpose in group["modules"].items()]
        parts.append("")
    return "\n".join(parts)


def conformance_row(module: str, purpose: str, where: Mapping[str, str]) -> str:
    """A module that is not applicable has its reason after those words, in the place of what it is for."""
    test = "test_" + re.sub(r"[-.]", "_", module)
    if test in where:
        return f"| `{module}` | {cell(purpose)} | `{test}` in `{where[test]}` | green |"
    return f"| `{module}` | | | {cell(purpose) if purpose.startswith('not applicable: ') else 'missing'} |"


def conformance_tests() -> dict[str, str]:
    """Every test that re-creates a module and always runs -> its file."""
    found: dict[str, str] = {}
    for file in sorted(CONFORMANCE.glob("test_*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found |= {each.name: file.name for each in tests_in(tree) if not {"skip", "skipif", "xfail"} & words(tree, each)}
    return found


def words(tree: ast.Module, test: ast.AST) -> set[str]:
    """The attributes that a test and the marks of its file name, e.g. ``skip``."""
    marks = [each for each in tree.body if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "pytestmark"]
    return {each.attr for top in (*marks, test) for each in ast.walk(top) if isinstance(each, ast.Attribute)}


def commands() -> str:
    parts = ["# Commands\n", "`--help` after any of them says the same.\n"]
    for service in SERVICES:
        parser = importlib.import_module(f"{service}.cli").parser()
        parts.append(f"## muniment-{service}\n")
        parts.append((parser.description or "") + "\n")
        parts += list(command(parser, f"muniment-{service}"))
    return "\n".join(parts)


def command(parser: argparse.ArgumentParser, path: str) -> Iterator[str]:
    """The table of one command, then its sub-commands."""
    rows, children = [], []
    for action in parser._actions:  # noqa: SLF001 - argparse offers no other way to list what it knows
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no public name for it
            children = list(action.choices.items())
        elif action.dest != "help":
            name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
            rows.append(f"| `{name}` | {cell(action.help or '')} |")
    if rows:
        yield f"### `{path}`\n"
        if parser.description:
            yield parser.description + "\n"
        yield "| option | |\n|---|---|"
        yield from rows
        yield ""
    for name, child in children:
        yield from command(child, f"{path} {name}")


def types() -> str:
    """Every kind of document of the package: what it says, what is asked of it, how long it lives, and what becomes of it."""
    parts = [
        "# Kinds of document\n",
        "Each is one file of data in `shared/credentials`; forms, cards, questions, metadata and this page are made of it. A kind of your own is a",
        "JSON file with the same members: `muniment-issuer type show person` writes one down to begin with, `type check FILE` says what is wrong with",
        "it, and the setting `credential_types` of each service names it. *Clear* is what nobody can hide, *once* what is asked for in the named case",
        "only; a number is the group that the compact form shows together.\n",
        "A document of any kind can say `disputed` in clear, beside what stands here: that its holder says a detail is wrong, and the issuer has not",
        "answered yet. No type has a detail of that name, or the number 63.\n",
    ]
    known = sorted(all_types().values(), key=lambda each: each.vct_int)
    titles = {each.vct: each.title.en for each in known}
    for rules in known:
        parts += [*of_type(rules, titles), ""]
    return "\n".join(parts)


SUCCESSORS = {
    "anybody": "Whoever takes over from its issuer keeps it.",
    "public-body": "Only a public body that takes over from its issuer keeps it.",
    "nobody": "Nobody takes it over from its issuer: copies run out, and no other body can make new ones or say what became of it.",
}
QUESTIONS = "\n| question | asks for | the holder may add |\n|---|---|---|"


def of_type(rules: CredentialType, titles: Mapping[str, str]) -> Iterator[str]:
    numbers = {group.id: group.cwt for group in rules.groups}
    yield f"## {rules.title.en}\n"
    yield f"`{rules.id}`, `{rules.vct}`, {rules.vct_int}, `{rules.doctype}`. {rules.description.en}.\n"
    ages = " and ".join(f"{days(seconds // DAY)} at {stakes} stakes" for stakes, seconds in rules.status_max_age.items())
    kept = "" if rules.kept_days is None else f" Who sees it usually keeps it for {days(rules.kept_days)} at most."
    yield f"A copy lives {days(rules.copy_days)}; a list of cancelled ones may be as old as {ages}.{kept}"
    yield f"It can be ended by {', '.join(text.en for text in rules.cancelled_by)}. {SUCCESSORS[rules.successors]}\n"
    yield "| detail | | shown |\n|---|---|---|"
    for claim in rules.claims:
        shown = (
            "clear"
            if claim.disclosure is Disclosure.ALWAYS
            else f"{numbers[claim.group]}{', once' if claim.disclosure is Disclosure.ONCE else ''}"
        )
        path = "/".join(part or "*" for part in claim.path)
        yield f"| `{path}` | {claim.label.en}{'' if claim.required else ' (may be missing)'} | {shown} |"
    yield "\nNo question asks for it: its holder shows it to nobody but whoever made it." if rules.private else QUESTIONS
    for query in rules.queries:
        asked, more = (
            ", ".join(f"`{'/'.join(str(part or '*') for part in path)}`" for path in paths) for paths in (query.paths, query.optional)
        )
        yield f"| `{query.id}`: {query.title.en} | {asked} | {more} |"
    changes = {action: ", ".join(f"`{reason.value}`" for reason in rules.reasons_for(action)) for action in ("cancel", "hold", "reinstate")}
    yield f"\nReasons to cancel: {changes['cancel']}. To hold: {changes['hold'] or 'none'}. To reinstate: {changes['reinstate'] or 'none'}."
    if rules.states:
        yield f"A register's own words: {', '.join(f'`{word}` is {state}' for word, state in rules.states.items())}."
    if rules.of_holder:
        yield f"Said of one holder's documents only: {', '.join(f'`{word}`' for word in rules.of_holder)}."
    for follow in rules.follows:
        said = " that says " + " and ".join(f"`{values[0]}`" for values in follow.values.values()) if follow.values else ""
        when = "is shown to its issuer" if follow.on == "shown" else f"becomes {follow.on}"
        yield f"Follows *{titles[follow.vct]}*{said}: once that {when}, {follow.action} with `{follow.reason}`."


def days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


DOCUMENTS = {"settings.md": settings, "errors.md": error_table, "commands.md": commands, "conformance.md": conformance, "types.md": types}


if __name__ == "__main__":
    for file, write in DOCUMENTS.items():
        (FOLDER / file).write_text(write(), encoding="utf-8")
    for page, fill in ((README, readme), (INTEROP, interop)):
        page.write_text(fill(page.read_text(encoding="utf-8")), encoding="utf-8")
