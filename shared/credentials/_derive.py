"""Everything that is derived from a type's data: JSON Schema, type metadata, issuer metadata, ready queries.

``type_metadata_bytes`` are the very bytes that are served and that ``vct#integrity`` covers: they may differ only with the type.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from ..codec import strict_json
from ..errors import Malformed
from ._claim import Claim, ClaimPath, Disclosure, Kind, Text
from ._model import CredentialType, ReadyQuery
from ._tree import MAX_INTEGER, MAX_PORTRAIT_URL, PORTRAIT, Node, grow, pointer
from ._tree import leaves as _leaves

SCHEMA = "https://json-schema.org/draft/2020-12/schema"
LOCALES = ("en-GB", "cy-GB")
VCDM_FORMATS = frozenset({"vc+jwt", "vc+sd-jwt"})
GROUPED_FORMAT = "dc+sd-cwt"
"""The format that shows details by whole groups."""
MDOC_FORMAT = "mso_mdoc"
"""The format whose details are elements of one namespace, each list one of them."""
VCDM_ROOT = "credentialSubject"
VCDM_CREDENTIAL = "https://www.w3.org/2018/credentials#VerifiableCredential"
"""The type that every W3C credential has, expanded (VCDM 2.0 appendix B.1)."""
_HASHES = ("sha512", "sha384", "sha256")  # strongest first


def leaves(rules: CredentialType, claims: Mapping[str, Any]) -> list[tuple[ClaimPath, Claim, Any]]:
    """Each leaf of ``claims`` that the type knows, in its order: the path with numbers, what it is, and its value."""
    return list(_leaves(rules.tree, claims))


def whole_groups(rules: CredentialType, paths: Iterable[ClaimPath]) -> tuple[ClaimPath, ...]:
    """Every leaf of each group that one of ``paths`` touches, as its path in the type: the compact format shows no less of a group."""
    plain = [tuple(None if isinstance(part, int) else part for part in path) for path in paths]
    numbered = {group.id for group in rules.groups if group.cwt}
    touched = {
        claim.group
        for claim in rules.claims
        for path in plain
        if claim.group in numbered and all(one == two for one, two in zip(path, claim.path, strict=False))
    }
    return tuple(claim.path for claim in rules.claims if claim.group in touched)


# --- JSON Schema ---------------------------------------------------------------------------------------------------------------------


def json_schema(rules: CredentialType) -> dict[str, Any]:
    """JSON Schema 2020-12 of the whole claim tree as an office writes it: closed objects, everything bounded. Rules between claims are in
    ``check``.
    """
    return {
        "$schema": SCHEMA,
        "$id": f"{rules.vct}:claims",
        "title": rules.title.en,
        "description": rules.description.en,
        **_schema(grow(rules.claims)),
    }


def _schema(node: Node) -> dict[str, Any]:
    if node.claim is not None:
        return _leaf_schema(node.claim)
    if node.items is not None:
        return {"type": "array", "minItems": 1, "maxItems": node.max_items, "items": _schema(node.items)}
    return {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {name: _schema(child) for name, child in node.members.items()},
        "required": [name for name, child in node.members.items() if child.required],
    }


def _leaf_schema(claim: Claim) -> dict[str, Any]:
    return {"title": claim.label.en, **({"description": claim.hint.en} if claim.hint else {}), **_FORMS[claim.kind](claim)}


_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_FORMS: Mapping[Kind, Callable[[Claim], dict[str, Any]]] = {
    # The second half of the pattern keeps out what nobody can see: the same set as in ``_tree``.
    Kind.TEXT: lambda claim: {
        "type": "string",
        "minLength": 1,
        "maxLength": claim.max_length,
        "pattern": "^[^\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f]*$",
    },
    Kind.DATE: lambda _claim: {"type": "string", "format": "date", "pattern": f"^{_DAY}$"},
    Kind.PARTIAL_DATE: lambda _claim: {"type": "string", "pattern": f"^([0-9]{{4}}|[0-9]{{4}}-(0[1-9]|1[0-2])|{_DAY})$"},
    Kind.INTEGER: lambda _claim: {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER},
    Kind.BOOLEAN: lambda _claim: {"type": "boolean"},
    Kind.CODE: lambda claim: {"type": "string", "enum": [choice.value for choice in claim.choices]},
    Kind.PORTRAIT: lambda _claim: {
        "type": "string",
        "pattern": f"^{PORTRAIT}UklGR[A-Za-z0-9+/]*={{0,2}}$",  # begins with RIFF
        "maxLength": MAX_PORTRAIT_URL,
    },
}


# --- type metadata -------------------------------------------------------------------------------------------------------------------


def type_metadata(rules: CredentialType) -> dict[str, Any]:
    """SD-JWT VC type metadata: names, and for each leaf path, labels, whether it must be there and whether it may be withheld."""
    return {
        "vct": rules.vct,
        "name": rules.title.en,
        "description": rules.description.en,
        "display": [
            {"locale": locale, "name": _words(rules.title, locale), "description": _words(rules.description, locale)} for locale in LOCALES
        ],
        "claims": [_claim_metadata(claim) for claim in rules.claims],
    }


def _claim_metadata(claim: Claim) -> dict[str, Any]:
    return {
        "path": list(claim.path),
        "display": [_claim_display(claim, locale, "label") for locale in LOCALES],
        "mandatory": claim.required,
        "sd": "never" if claim.disclosure is Disclosure.ALWAYS else "always",
    }


def _claim_display(claim: Claim, locale: str, name: str) -> dict[str, str]:
    shown = {"locale": locale, name: _words(claim.label, locale)}
    if claim.hint is not None and name == "label":
        shown["description"] = _words(claim.hint, locale)
    return shown


def _words(text: Text, locale: str) -> str:
    return text.in_(locale[:2])


def type_metadata_bytes(rules: CredentialType) -> bytes:
    """The one rendering that is served at ``/types/{vct}``: compact UTF-8, members in order."""
    return strict_json.dumps(type_metadata(rules))


def integrity(rules: CredentialType) -> str:
    """``vct#integrity``: the hash of ``type_metadata_bytes`` as a W3C SRI expression (SD-JWT VC, "Integrity of Referenced Documents")."""
    known = _INTEGRITY.get(rules.vct)
    if known is None or known[0] is not rules:
        known = _INTEGRITY[rules.vct] = (rules, _expression("sha256", type_metadata_bytes(rules)))
    return known[1]


_INTEGRITY: dict[str, tuple[CredentialType, str]] = {}


def _expression(name: str, data: bytes) -> str:
    return f"{name}-{b64encode(hashlib.new(name, data).digest()).decode()}"


def check_type_metadata(data: bytes, *, vct: str, expected: str | None) -> dict[str, Any]:
    """Fetched type metadata, parsed. ``Malformed`` unless it is for ``vct`` and, where ``expected`` is given, has that integrity.

    Of several expressions those with the strongest hash that we know count, and one of them has to fit.
    """
    if expected is not None:
        parts = expected.split()
        strongest = next((name for name in _HASHES if any(part.startswith(f"{name}-") for part in parts)), None)
        if strongest is None or _expression(strongest, data) not in [part.partition("?")[0] for part in parts]:
            raise Malformed("the description of this type is not the one that its issuer meant", where="/vct#integrity")
    metadata = strict_json.load_object(data, max_bytes=262_144)
    if metadata.get("vct") != vct:
        raise Malformed("the description is of another type", where="/vct")
    return metadata


# --- OpenID4VCI ----------------------------------------------------------------------------------------------------------------------


def credential_metadata(rules: CredentialType, format_name: str = "dc+sd-jwt") -> dict[str, Any]:
    """``credential_metadata`` of a credential configuration (OpenID4VCI 1.0 section 12.2.4 and appendix B.2)."""
    placed: dict[ClaimPath, Claim] = {}
    for claim in rules.claims:
        placed.setdefault(path_in(rules, claim.path, format_name), claim)
    return {
        "display": [
            {"name": _words(rules.title, locale), "locale": locale, "description": _words(rules.description, locale)} for locale in LOCALES
        ],
        "claims": [
            {
                "path": list(path),
                "mandatory": claim.required,
                "display": [_claim_display(claim, locale, "name") for locale in LOCALES],
            }
            for path, claim in placed.items()
        ],
    }


# --- ready queries -------------------------------------------------------------------------------------------------------------------


def dcql(rules: CredentialType, query_id: str, format_name: str = "dc+sd-jwt") -> dict[str, Any]:
    """The ready query ``query_id`` as a DCQL query (OpenID4VP 1.0 section 6) with one credential, whose id is the query's.

    Optional details give one claim set for each choice that a person has, the fullest first. In a format that shows whole groups,
    each group is one choice.
    """
    ready = rules.query(query_id)
    if ready is None:
        raise Malformed("this type has no such ready question", where="/query")
    return question(rules, ready, format_name)


def question(rules: CredentialType, ready: ReadyQuery, format_name: str) -> dict[str, Any]:
    """As ``dcql``, for a question that need not be one of the type's own."""
    asked = _whole(rules, ready.paths) if format_name == GROUPED_FORMAT else ready.paths
    offered = _offered(rules, asked, ready.optional) if format_name == GROUPED_FORMAT else [(path,) for path in ready.optional]
    required = [f"c{at}" for at in range(len(asked))]
    paths, choices = list(asked), []
    for together in offered:
        choices.append([f"c{len(paths) + at}" for at in range(len(together))])
        paths += together
    query: dict[str, Any] = {
        "id": ready.id,
        "format": format_name,
        "meta": _meta(rules, format_name),
        "claims": [_claim_query(rules, ready, path, f"c{at}", format_name) for at, path in enumerate(paths)],
    }
    if choices:
        query["claim_sets"] = [required + [name for names in chosen for name in names] for chosen in _subsets(choices)]
    return {"credentials": [query]}


def _whole(rules: CredentialType, paths: Sequence[ClaimPath]) -> tuple[ClaimPath, ...]:
    """``paths`` and what every document has beside them in their groups: what some lack could not be demanded."""
    always = {claim.path for claim in rules.claims if claim.required}
    return tuple(dict.fromkeys((*paths, *(path for path in whole_groups(rules, paths) if path in always))))


def _offered(rules: CredentialType, asked: Sequence[ClaimPath], optional: Sequence[ClaimPath]) -> list[tuple[ClaimPath, ...]]:
    """One entry for each group that is offered and not asked for anyway."""
    seen = set(whole_groups(rules, asked))
    offered = []
    for path in optional:
        if path not in seen:
            offered.append(_whole(rules, [path]))
            seen.update(whole_groups(rules, [path]))
    return offered


def _subsets(choices: list[list[str]]) -> Iterator[tuple[list[str], ...]]:
    for size in range(len(choices), -1, -1):
        yield from combinations(choices, size)


def _meta(rules: CredentialType, format_name: str) -> dict[str, Any]:
    if format_name in VCDM_FORMATS:
        return {"type_values": [[VCDM_CREDENTIAL, rules.vct]]}
    return {"doctype_value": rules.doctype} if format_name == MDOC_FORMAT else {"vct_values": [rules.vct]}


def _claim_query(rules: CredentialType, ready: ReadyQuery, path: ClaimPath, claim_id: str, format_name: str) -> dict[str, Any]:
    """Of a list in an mdoc no value is asked for: it would have to be all of the list (OpenID4VP 1.0 section 6.3)."""
    query: dict[str, Any] = {"id": claim_id, "path": list(path_in(rules, path, format_name))}
    if path in ready.values and not (format_name == MDOC_FORMAT and None in path):
        query["values"] = list(ready.values[path])
    return query


def path_in(rules: CredentialType, path: ClaimPath, format_name: str) -> ClaimPath:
    """Where a claim stands in the document of a format; the same tree hangs below ``credentialSubject`` in a W3C credential.

    ``Malformed`` for a path that is no claim of the type, where that has to be known.
    """
    if format_name in VCDM_FORMATS:
        return (VCDM_ROOT, *path)
    if format_name != MDOC_FORMAT:
        return path
    claim = rules.claim(path)
    if claim is None:
        raise Malformed("this type of document has no such detail", where=pointer(path))
    return rules.doctype, claim.mdoc_element
