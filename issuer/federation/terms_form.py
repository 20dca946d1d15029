"""Terms as a person fills them in, read into what a statement grants, and filled in again as they stand."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from issuer.federation.terms import MAX_BYTES, Choice, Terms, but_end, is_over, parse_terms, render_terms
from shared.clock import DAY, floor_day
from shared.codec import strict_json
from shared.credentials import all_types
from shared.errors import Malformed, VcError
from shared.trust.constraints import parse_constraints
from shared.trust.entitlements import Entitlement, Grants
from shared.web.forms import Form
from shared.web.granted_view import KINDS

Words = Callable[[str], str]
LISTS: Final = ("says", "accredits", "registers", "registrars", "marks", "jurisdiction", "basis", "kinds", "permitted", "excluded")
_APART = re.compile(r"[\s,]+")
_FIELDS: Final = {  # where parse_terms finds a fault: which field is meant
    "/entitlements": "says",
    "/accredits": "accredits",
    "/may_register": "registers",
    "/accredits_registrars": "registrars",
    "/trust_marks": "marks",
    "/constraints/naming_constraints/permitted": "permitted",
    "/constraints/naming_constraints/excluded": "excluded",
    "/constraints/allowed_entity_types": "kinds",
    "/constraints": "levels",
    "/metadata_policy": "policy",
}


@dataclass(frozen=True, slots=True)
class Filled:
    """``texts`` of the fields, ``ticked`` boxes by name; ``mixed`` where the terms differ from type to type, which the form cannot say."""

    texts: dict[str, str]
    ticked: dict[str, tuple[str, ...]]
    mixed: bool


def read(form: Form, before: Terms, at: int, words: Words) -> Terms | None:
    """What was typed and ticked; ``None`` with what is wrong in the form. What is granted already keeps its beginning."""
    lists = {name: _lines(form, name) for name in LISTS}
    since, until = _day(form, "since", words), _day(form, "until", words)
    if since is not None and since < floor_day(at):
        form.error("since", words("Enter today or a later day"))
    if until is not None and until + DAY <= at:
        form.error("until", words("Enter a day that is not over"))
    elif until is not None and since is not None and until < since:
        form.error("until", words("Enter a day that is not before the first one"))
    countries = [each for name in ("registers", "registrars") for each in lists[name] if not re.fullmatch("[A-Z]{2}", each)]
    if countries:
        form.error(
            "registers" if set(countries) & set(lists["registers"]) else "registrars", words("Write each country as two capital letters")
        )
    constraints, policy = _constraints(form, lists, words), _policy(form, words)
    if form.wrong:
        return None
    wanted = {name: lists[name] for name in ("says", "accredits", "registers", "marks")}
    choice = Choice(**wanted, until=None if until is None else until + DAY)
    try:
        chosen = choice.terms(before, at)
        grants = _limited(chosen.grants, running(before, at), lists, since, floor_day(at), keep=form.value("keep") == "yes")
        return parse_terms(render_terms(replace(chosen, grants=grants, constraints=constraints or None, policy=policy or None)))
    except VcError as error:
        field = next((name for place, name in _FIELDS.items() if error.where.startswith(place)), "says")
        form.error(field, words("One of these entries cannot be granted: check each of them"))
        return None


def _lines(form: Form, name: str) -> list[str]:
    """What was ticked, then what was typed, each once."""
    typed = [each for each in _APART.split(form.value(name)) if each]
    return list(dict.fromkeys([*form.values(f"{name}_known"), *typed]))


def _day(form: Form, name: str, words: Words) -> int | None:
    """The second at which that day begins (UTC)."""
    if not form.value(name):
        return None
    try:
        day = dt.date.fromisoformat(form.value(name))
    except ValueError:
        form.error(name, words("Enter a date such as 2028-03-31"))
        return None
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())


def _constraints(form: Form, lists: dict[str, list[str]], words: Words) -> dict[str, Any]:
    """In the form in which they are sent; empty where nothing is limited."""
    found: dict[str, Any] = {}
    if levels := form.value("levels"):
        if not re.fullmatch("[0-7]", levels):
            form.error("levels", words("Enter a number from 0 to 7"))
            return found
        found["max_path_length"] = int(levels)
    if lists["kinds"]:
        found["allowed_entity_types"] = lists["kinds"]
    names = {name: lists[name] for name in ("permitted", "excluded") if lists[name]}
    try:
        parse_constraints({"naming_constraints": names})
    except VcError as error:
        form.error(
            "excluded" if "excluded" in error.where else "permitted",
            words("Write each as a name such as courts.example, or .courts.example"),
        )
    return found | ({"naming_constraints": names} if names else {})


def _policy(form: Form, words: Words) -> dict[str, Any]:
    text = form.value("policy")
    if not text:
        return {}
    try:
        policy = strict_json.load_object(text.encode(), max_bytes=MAX_BYTES)
        parse_terms(strict_json.dumps({"metadata_policy": policy}))
    except VcError as error:
        form.error("policy", words("This cannot be read as a policy, at %(place)s") % {"place": error.where or "/"})
        return {}
    return policy


def _limited(grants: Grants, before: Grants, lists: dict[str, list[str]], since: int | None, today: int, *, keep: bool) -> Grants:
    """With the limits on what it may make, and the first day of what is new, also within other limits; ``keep`` leaves what is granted
    already, ``before``, as it is.
    """
    standing, old = {but_end(each) for each in before.entitlements}, {each.vct for each in (*before.entitlements, *before.accredits)}

    def begun(each: Entitlement) -> Entitlement:
        found = each if since is None or each.vct in old else replace(each, since=since)
        if found.until is not None and found.until <= found.since:
            raise Malformed("it ends before it begins", where="/entitlements")
        return found

    jurisdiction, basis = tuple(lists["jurisdiction"]) or None, tuple(lists["basis"]) or None

    def limited(each: Entitlement) -> Entitlement:
        found = replace(begun(each), jurisdiction=jurisdiction, attestation_basis=basis)
        return found if but_end(found) in standing else replace(found, since=max(found.since, today))

    said, let = ({each.vct: each for each in one} if keep else {} for one in (before.entitlements, before.accredits))
    return replace(
        grants,
        entitlements=tuple(said.get(each.vct) or limited(each) for each in grants.entitlements),
        accredits=tuple(let.get(each.vct) or begun(each) for each in grants.accredits),
        accredits_registrars=tuple(lists["registrars"]),
    )


def running(terms: Terms, at: int) -> Grants:
    """What is granted at ``at``, or will be: without what has ended."""
    return replace(
        terms.grants,
        entitlements=tuple(each for each in terms.grants.entitlements if not is_over(each, at)),
        accredits=tuple(each for each in terms.grants.accredits if not is_over(each, at)),
    )


def ending(before: Terms, after: Terms, at: int) -> Terms:
    """What is granted now and would be no more, or within other limits only."""
    now, then = running(before, at), running(after, at)
    gone = Grants(
        entitlements=tuple(each for each in now.entitlements if but_end(each) not in map(but_end, then.entitlements)),
        accredits=tuple(each for each in now.accredits if but_end(each) not in map(but_end, then.accredits)),
        may_register=tuple(each for each in now.may_register if each not in then.may_register),
        accredits_registrars=tuple(each for each in now.accredits_registrars if each not in then.accredits_registrars),
    )
    return Terms(grants=gone, trust_marks=tuple(each for each in before.trust_marks if each not in after.trust_marks))


def fill(terms: Terms, at: int) -> Filled:
    """The fields as the terms stand."""
    grants, limits = running(terms, at), parse_constraints(terms.constraints or {})
    ends = {each.until for each in (*grants.entitlements, *grants.accredits)}
    kept = {(each.jurisdiction, each.attestation_basis) for each in grants.entitlements}
    mixed = len(ends) > 1 or len(kept) > 1
    until = next(iter(ends)) if len(ends) == 1 else None
    jurisdiction, basis = next(iter(kept)) if len(kept) == 1 else (None, None)
    says, accredits = [each.vct for each in grants.entitlements], [each.vct for each in grants.accredits]
    known, kinds = {each.vct for each in all_types().values()}, limits.types or frozenset()
    texts: dict[str, Sequence[str]] = {
        "says": [each for each in says if each not in known],
        "accredits": [each for each in accredits if each not in known],
        "registers": grants.may_register,
        "registrars": grants.accredits_registrars,
        "marks": terms.trust_marks,
        "jurisdiction": jurisdiction or (),
        "basis": basis or (),
        "kinds": sorted(kinds - KINDS.keys()),
        "permitted": limits.permitted or (),
        "excluded": limits.excluded,
    }
    plain = {
        "until": "" if until is None else dt.datetime.fromtimestamp(until - DAY, dt.UTC).date().isoformat(),
        "levels": "" if limits.max_path_length is None else str(limits.max_path_length),
        "policy": strict_json.dumps(dict(terms.policy)).decode() if terms.policy else "",
    }
    return Filled(
        texts={name: "\n".join(each) for name, each in texts.items()} | plain,
        ticked={"says": tuple(says), "accredits": tuple(accredits), "kinds": tuple(kinds)},
        mixed=mixed,
    )
