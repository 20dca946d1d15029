"""Whether a type that somebody wrote is one that everything derived from it can rely on. Types of this package are held to the same by a test."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ..errors import Malformed, VcError
from ._claim import Claim, ClaimPath, Disclosure, Kind, Text
from ._issued_by import issued_by
from ._model import CredentialType, Follow, ReadyQuery
from ._rules_read import check_rules
from ._tree import MAX_INTEGER, Node, check_shape

LONGEST_DAYS: Final = 31
"""Days that copies live at most: so long a key verifies after it stopped signing (S15)."""
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MEMBER: Final = re.compile(r"[a-z][a-z0-9_]*")
_VCT: Final = re.compile(r"(urn:[a-z0-9][a-z0-9-]{0,31}:|https://)[!$-;=@-Z_a-z~]{1,180}")
_DOCTYPE: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_TAKEN: Final = frozenset(["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cti", "cnf", "vct", "status", "id", "type"])
"""Members that formats put beside the details."""
_ISSUER: Final = frozenset(claim.path for claim in issued_by(1))
_ACTIONS: Final = ("cancel", "hold", "reinstate")
_STATES: Final = ("valid", "on-hold", "cancelled", "never")
_DAY: Final = 86_400

Fault = tuple[bool, str, str]
"""Whether it is one, where, and what is wrong."""


def check_sound(rules: CredentialType) -> None:
    """``Malformed`` with a JSON pointer to the first fault."""
    for part in (_names, _groups, _claims, _questions, _life, _changes):
        for wrong, where, words in part(rules):
            if wrong:
                raise Malformed(words, where=where)
    for name in ("limits", "said", "uses"):
        check_rules(getattr(rules, name), rules.tree, f"/{name}")


def _names(rules: CredentialType) -> Iterator[Fault]:
    yield not _fits(_NAME, rules.id, 40), "/id", "small letters, digits and single hyphens, 40 at most"
    yield not _fits(_VCT, rules.vct, 200), "/vct", "a name that begins with urn: or https:// and has no query"
    yield not 1 <= rules.vct_int < 2**32, "/vct_int", "a number from 1"
    yield not _fits(_DOCTYPE, rules.doctype, 100), "/doctype", "small words with dots between, as of a host turned round"
    yield from _texts((("/title", rules.title), ("/description", rules.description)))
    yield from _texts((f"/cancelled_by/{at}", text) for at, text in enumerate(rules.cancelled_by))


def _fits(pattern: re.Pattern[str], text: str, most: int) -> bool:
    return len(text) <= most and pattern.fullmatch(text) is not None


def _texts(texts: Iterable[tuple[str, Text]]) -> Iterator[Fault]:
    for where, text in texts:
        for locale in ("en", "cy"):
            words: str = getattr(text, locale)
            plain = words.strip() and len(words) <= 1_000 and words.isprintable()
            yield not plain, f"{where}/{locale}", "words for people, in both languages"


def _once(values: Iterable[Any], where: str) -> Iterator[Fault]:
    listed = list(values)
    counted = Counter(listed)
    for at, value in enumerate(listed):
        yield counted[value] > 1, where.format(at), "this is there twice"


# --- groups and details ------------------------------------------------------------------------------------------------------------------


def _groups(rules: CredentialType) -> Iterator[Fault]:
    numbers = {group.id: group.cwt for group in rules.groups}
    inside = {group.id: group.within for group in rules.groups}
    yield not rules.groups, "/groups", "there is none"
    yield from _once((group.id for group in rules.groups), "/groups/{}/id")
    yield from _once(((group.cwt, 0 if group.cwt else at) for at, group in enumerate(rules.groups)), "/groups/{}/cwt")
    for at, group in enumerate(rules.groups):
        where = f"/groups/{at}"
        yield not _fits(_NAME, group.id, 40), f"{where}/id", "small letters, digits and single hyphens, 40 at most"
        yield not 0 <= group.cwt <= 255, f"{where}/cwt", "a number from 1, or 0 for what is always in clear"
        yield from _texts([(f"{where}/label", group.label)])
        if group.within:
            yield not (group.cwt and numbers.get(group.within)), f"{where}/within", "both groups have to be there, and to have numbers"
            yield _turns_back(group.id, inside), f"{where}/within", "it would be within itself"


def _turns_back(start: str, inside: Mapping[str, str]) -> bool:
    seen, at = {start}, inside[start]
    while at and at not in seen:
        seen.add(at)
        at = inside.get(at, "")
    return bool(at)


def _claims(rules: CredentialType) -> Iterator[Fault]:
    yield not rules.claims, "/claims", "there is none"
    yield from _once((claim.path for claim in rules.leaves), "/claims/{}/path")
    yield from _once((claim.cwt for claim in rules.leaves), "/claims/{}/cwt")
    numbers = {group.id: group.cwt for group in rules.groups}
    leaves = {claim.path for claim in rules.leaves}
    for at, claim in enumerate(rules.claims):
        where = f"/claims/{at}"
        yield from _path(claim, leaves, where)
        yield from _form(claim, where)
        yield claim.group not in numbers, f"{where}/group", "there is no such group"
        clear, told = claim.disclosure is Disclosure.ALWAYS, "what is always in clear has a group without a number, and nothing else has"
        yield (numbers.get(claim.group, 0) == 0) is not clear, f"{where}/group", told
        yield claim.cwt < 1 or claim.cwt > 65_535, f"{where}/cwt", "a number from 1"
        yield claim.path in _ISSUER and not (clear and claim.required), where, "who made a document is always in clear"
    yield from _once((claim.mdoc_element for claim in rules.leaves), "/claims/{}/mdoc")
    yield not leaves >= _ISSUER, "/claims", "issuing_authority, issuing_country and issuing_jurisdiction are needed"


def _path(claim: Claim, leaves: set[tuple[str | None, ...]], where: str) -> Iterator[Fault]:
    names = [part for part in claim.path if part is not None]
    yield not names or len(claim.path) > 6, f"{where}/path", "one to six names"
    yield None in claim.path[:-1], f"{where}/path", "only the last part can stand for all of a list"
    for at, name in enumerate(names):
        yield not _fits(_MEMBER, name, 40) or name in _TAKEN, f"{where}/path/{at}", "small letters, digits and _, and no word of a format"
    yield any(claim.path[:size] in leaves for size in range(1, len(claim.path))), f"{where}/path", "it lies inside another detail"
    several = any(leaf[: len(names)] == tuple(names) for leaf in leaves - {claim.path}) and claim.path[-1] is None
    yield several, f"{where}/path", "a list holds nothing else"
    yield not (claim.mdoc == "" or _fits(_MEMBER, claim.mdoc, 60)), f"{where}/mdoc", "small letters, digits and _"


def _form(claim: Claim, where: str) -> Iterator[Fault]:
    yield from _texts([(f"{where}/label", claim.label), *([(f"{where}/hint", claim.hint)] if claim.hint else [])])
    yield bool(claim.choices) is not (claim.kind is Kind.CODE), f"{where}/choices", "a code has choices, and nothing else has"
    yield len(claim.choices) > 256, f"{where}/choices", "256 at most"
    yield from _once((choice.value for choice in claim.choices), f"{where}/choices/{{}}/value")
    for at, choice in enumerate(claim.choices):
        yield not re.fullmatch(r"[!-~]{1,60}", choice.value), f"{where}/choices/{at}/value", "one word, 60 characters at most"
        yield from _texts([(f"{where}/choices/{at}/label", choice.label)])
    yield not 1 <= claim.max_length <= 10_000, f"{where}/max_length", "from 1 to 10000"
    yield not 1 <= claim.max_items <= 256, f"{where}/max_items", "from 1 to 256"


# --- questions ---------------------------------------------------------------------------------------------------------------------------


def _questions(rules: CredentialType) -> Iterator[Fault]:
    yield from _once((query.id for query in rules.queries), "/queries/{}/id")
    for at, query in enumerate(rules.queries):
        yield from _question(rules, query, f"/queries/{at}")


def _question(rules: CredentialType, query: ReadyQuery, where: str) -> Iterator[Fault]:
    yield not _fits(_NAME, query.id, 40), f"{where}/id", "small letters, digits and single hyphens, 40 at most"
    yield from _texts(((f"{where}/title", query.title), (f"{where}/purpose", query.purpose)))
    yield not query.paths, f"{where}/paths", "there is none"
    yield from _known(rules, query.paths, f"{where}/paths")
    yield from _known(rules, query.optional, f"{where}/optional")
    yield from _once((*query.paths, *query.optional), f"{where}/paths")
    yield len(query.optional) > 3, f"{where}/optional", "three at most"
    for at, (path, values) in enumerate(query.values.items()):
        leaf = Node(claim=rules.claim(path))
        yield path not in query.paths, f"{where}/values/{at}/0", "this is not asked for"
        yield not values or any(not _is_value(leaf, each) for each in values), f"{where}/values/{at}/1", "values that the detail can have"
    for name, value in query.use.items():
        listed = value if isinstance(value, list | tuple) else [value]
        yield not all(_is_scalar(each) for each in listed), f"{where}/use/{name}", "a word, a number, true or false, or a list of them"


def _known(rules: CredentialType, paths: Iterable[ClaimPath], where: str) -> Iterator[Fault]:
    for at, path in enumerate(paths):
        yield rules.claim(path) is None or any(type(part) is int for part in path), f"{where}/{at}", "there is no such detail"


def _is_value(leaf: Node, value: Any) -> bool:
    try:
        check_shape(leaf, value, whole=True)
    except VcError:
        return False
    return True


def _is_scalar(value: Any) -> bool:
    return type(value) in {str, bool} or (type(value) is int and abs(value) <= MAX_INTEGER)


# --- life and changes --------------------------------------------------------------------------------------------------------------------


def _life(rules: CredentialType) -> Iterator[Fault]:
    yield not 1 <= rules.copy_days <= LONGEST_DAYS, "/copy_days", f"from 1 to {LONGEST_DAYS}"
    yield not 1 <= rules.batch_size <= 100, "/batch_size", "from 1 to 100"
    yield rules.status_bits not in {0, 1, 2}, "/status_bits", "2 where documents can be put on hold, 1 where only cancelled, 0 for neither"
    yield set(rules.status_max_age) != {"low", "high"}, "/status_max_age", "seconds for low and for high"
    for name, seconds in rules.status_max_age.items():
        yield not 60 <= seconds <= LONGEST_DAYS * _DAY, f"/status_max_age/{name}", "from a minute to a month, in seconds"
    for name, prefix in (("represents", rules.represents), ("about", rules.about), ("holder", rules.holder or ())):
        known = any(claim.path[: len(prefix)] == prefix and len(claim.path) > len(prefix) for claim in rules.claims)
        yield not known, f"/{name}", "no detail lies there"
    yield rules.retention not in {"until-collected", "sealed", "ask-register"}, "/retention", "until-collected, sealed or ask-register"
    yield rules.successors not in {"anybody", "public-body", "nobody"}, "/successors", "anybody, public-body or nobody"
    yield rules.kept_days is not None and not 0 <= rules.kept_days <= 36_525, "/kept_days", "from 0 to 36525"


def _changes(rules: CredentialType) -> Iterator[Fault]:
    yield from _once((reason.value for reason in rules.reasons), "/reasons/{}/value")
    holds = {"", *(reason.value for reason in rules.reasons_for("hold"))}
    for at, reason in enumerate(rules.reasons):
        where = f"/reasons/{at}"
        yield not _fits(_NAME, reason.value, 60), f"{where}/value", "small letters, digits and single hyphens, 60 at most"
        yield from _texts([(f"{where}/label", reason.label)])
        yield not reason.actions or not set(reason.actions) <= set(_ACTIONS), f"{where}/actions", f"of {', '.join(_ACTIONS)}"
        yield reason.others not in holds, f"{where}/others", "a reason of this type to hold"
    for word, state in rules.states.items():
        yield state not in _STATES, f"/states/{word}", f"one of {', '.join(_STATES)}"
    for at, word in enumerate(rules.of_holder):
        yield word not in rules.states, f"/of_holder/{at}", "one of the words in states"
    for at, follow in enumerate(rules.follows):
        yield from _follow(rules, follow, f"/follows/{at}")


def _follow(rules: CredentialType, follow: Follow, where: str) -> Iterator[Fault]:
    """Of the other type nothing is known here but its name."""
    yield not _fits(_VCT, follow.vct, 200), f"{where}/vct", "the name of a kind of document"
    yield follow.on not in {"shown", *_STATES[:3]}, f"{where}/on", "shown, valid, on-hold or cancelled"
    reasons = {reason.value for reason in rules.reasons_for(follow.action)}
    yield follow.reason not in reasons, f"{where}/reason", "a reason of this type for this action"
    yield not follow.match, f"{where}/match", "there is none"
    yield from _known(rules, (own for own, _ in follow.match), f"{where}/match")
