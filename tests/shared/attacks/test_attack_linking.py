"""May two bodies that compare their books tell which of their visitors are the same person (security rule S22)?

A thousand holders show one copy to each of two bodies. Everything shown on purpose is equal: what is left is what the format gives away,
leaf by leaf, of any length, with the sizes and the order of things and the times. Whoever matches with all of that must do no better than
by chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import cbor2
import numpy as np
import pytest
from support.forge import DAY, ENDS, HANDOVER, ISSUER, LEAF, MADE, REPRESENTATION, credential, entropy, lpa, show
from support.signing import AT, Signer

from shared.codec import base64url, cbor, strict_json
from shared.credentials._derive import path_in
from shared.formats import Binding, CredentialFormat, StatusReference, formats
from shared.keys import KeyId

HOLDERS = 1_000
WHOLE = "vc+jwt"
"""Here everything is shown, so that everybody is known by it."""
FORMATS = pytest.mark.parametrize("form", [form for name, form in formats().items() if name != WHOLE], ids=lambda form: form.name)
ALIKE = ("dc+sd-jwt", "vc+sd-jwt")
"""Here everybody has the same details, with other values: the number of an SD-JWT's digests tells how many there are (docs/limits.md)."""
CBOR = ("dc+sd-cwt", "mso_mdoc")
NAMES = ("Ann", "Bartholomew", "Cai", "Delyth", "Eirlys", "Fitzgerald", "Gwenllian", "Hugh")
Leaf = tuple[str, Any]


class Visits(NamedTuple):
    """The decoded leaves and sizes of each holder's presentation, at one body and at the other."""

    first: list[dict[str, Any]]
    second: list[dict[str, Any]]


@cache
def visits(name: str) -> Visits:
    """Holders differ in all that they do not show, down to whether there is such a detail at all."""
    form, dice = formats()[name], np.random.default_rng(7)
    books = Visits([], [])
    for number in range(HOLDERS):
        claims = _claims(dice, alike=name in ALIKE)
        for book in books:
            wire = _present(form, claims, dice, seed=f"{number}/{len(books.second)}/{book is books.first}")
            book.append(dict(_leaves(form, wire)) | {"size": len(wire)})
    return books


def _claims(dice: np.random.Generator, *, alike: bool) -> dict[str, Any]:
    donor: dict[str, Any] = {
        "given_name": NAMES[dice.integers(8)],
        "family_name": NAMES[dice.integers(8)] * int(dice.integers(1, 4)),
        "birthdate": f"19{dice.integers(20, 60)}-0{dice.integers(1, 10)}-1{dice.integers(10)}",
    }
    if alike or dice.random() < 0.5:
        donor["address"] = {"postal_code": f"LS{dice.integers(1, 30)} {dice.integers(1, 10)}AB"}
    if alike or dice.random() < 0.3:
        donor["also_known_as"] = [NAMES[each] for each in dice.integers(8, size=dice.integers(1, 5))]
    proxy = {"given_name": NAMES[dice.integers(8)], "family_name": NAMES[dice.integers(8)]}
    if alike or dice.random() < 0.5:
        proxy |= {"birthdate": f"19{dice.integers(60, 100)}-01-01", "appointment_type": "original"}
    entry = f"urn:fdc:opg.example:2027:lpa:M-{dice.integers(10**12):012d}" if alike or dice.random() < 0.8 else ...
    return _shuffled(lpa(represented=donor, proxy=proxy, register_entry=entry), dice)


def _shuffled(claims: Mapping[str, Any], dice: np.random.Generator) -> dict[str, Any]:
    """As this holder's office wrote it, the same for all copies."""
    names = [list(claims)[each] for each in dice.permutation(len(claims))]
    return {name: _shuffled(claims[name], dice) if isinstance(claims[name], Mapping) else claims[name] for name in names}


def _present(form: CredentialFormat, claims: Mapping[str, Any], dice: np.random.Generator, *, seed: str) -> str:
    """A copy of its own: keys, salts, place in the status list; shown some time within the month."""
    holder = Signer.new()
    status = StatusReference(uri="https://opg.example/status/1", idx=int(dice.integers(1 << 20)))
    unsigned = form.prepare(
        credential(claims=claims, status=status, x5c=(LEAF,)), key=KeyId("issuer"), holder=holder.public, entropy=entropy(seed + form.name)
    )
    parsed = form.parse(ISSUER.finish(unsigned))
    nonce = base64url.encode(entropy(f"nonce {seed}")(32))
    binding = Binding(audience="a:https://body.example", nonce=nonce, handover=HANDOVER if form.name == "mso_mdoc" else None)
    shown = form.disclose(parsed, [path_in(REPRESENTATION, ("powers", None), form.name)])
    return show(form, shown, binding, holder=holder, at=AT + int(dice.integers(20 * DAY)))


def _leaves(form: CredentialFormat, wire: str) -> Iterator[Leaf]:
    """Every value inside, however deep, by its path; and beside each the length of what has one, and the order of its members."""
    if form.name in CBOR:
        yield from _walk(cbor2.loads(base64url.decode(wire)), "")
        return
    parts = wire.split("~")
    yield from _walk([part.split(".") for part in parts], "")


def _walk(value: Any, path: str) -> Iterator[Leaf]:
    if isinstance(value, cbor2.CBORTag):
        yield from _walk(value.value, f"{path}/tag{value.tag}")
    elif isinstance(value, Mapping):
        yield f"{path}#", len(value)
        yield f"{path}@", " ".join(map(str, value))
        for name, member in value.items():
            yield from _walk(member, f"{path}/{name}")
    elif isinstance(value, list | tuple):
        yield f"{path}#", len(value)
        for position, member in enumerate(value):
            yield from _walk(member, f"{path}/{position}")
    else:
        yield path, value
        if isinstance(value, str | bytes):
            yield f"{path}#", len(value)
            yield from _inside(value, path)


def _inside(value: str | bytes, path: str) -> Iterator[Leaf]:
    """What is wrapped: CBOR in byte strings, JSON in base64url."""
    try:
        inner = cbor.loads(value, redacted=True) if isinstance(value, bytes) else strict_json.loads(base64url.decode(value))
    except Exception:  # noqa: BLE001 - not wrapped
        return
    if isinstance(inner, cbor2.CBORTag | Mapping | list | tuple):
        yield from _walk(inner, f"{path}>")


@FORMATS
def test_no_short_stable_value(form: CredentialFormat) -> None:
    """Nothing but issuer-wide constants and what was shown is the same in two presentations of one holder, but by coincidence."""
    first, second = visits(form.name)
    paths = {path for leaves in (*first, *second) for path in leaves}
    guilty = []
    for path in sorted(paths):
        own = sum(_same(a, b, path) for a, b in zip(first, second, strict=True)) / HOLDERS
        others = sum(_same(first[i], second[(i + shift) % HOLDERS], path) for shift in (1, 2, 3) for i in range(HOLDERS)) / (3 * HOLDERS)
        if own > others + 0.08:  # five standard deviations of a coin
            guilty.append((path, own, others))
    assert guilty == []


def _same(one: Mapping[str, Any], other: Mapping[str, Any], path: str) -> bool:
    return path in one and path in other and bool(one[path] == other[path])


@FORMATS
def test_no_long_value_is_ever_shared(form: CredentialFormat) -> None:
    """Of what has 64 bits or more, only constants of the issuer and of the request occur in two presentations."""
    first, second = visits(form.name)
    seen = Counter(value for leaves in (*first, *second) for value in {v for v in leaves.values() if isinstance(v, str | bytes)})
    shared = {value for value, times in seen.items() if 1 < times < HOLDERS and len(value) >= 8}
    assert shared == set()


@FORMATS
def test_linking_game_at_chance(form: CredentialFormat) -> None:
    """For each visitor of the first body the likeliest of the second's, by all fields, lengths and times that agree, rare ones most."""
    first, second = visits(form.name)
    score = np.zeros((HOLDERS, HOLDERS), np.float32)
    for path in sorted({path for leaves in first for path in leaves}):
        here, there, weight = _columns([each.get(path) for each in first], [each.get(path) for each in second])
        score += (here[:, None] == there[None, :]) * weight[here][:, None]
    score += np.random.default_rng(1).random(score.shape, np.float32) * 1e-3  # equally likely ones are guessed among
    hits = int((score.argmax(axis=1) == np.arange(HOLDERS)).sum())
    assert hits <= 8, f"{hits} of {HOLDERS} recognised; chance recognises one"  # one in a million games goes beyond by luck


def _columns(first: Sequence[Any], second: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Values as numbers, and for each number how surprising it is that two agree in it."""
    codes: dict[str, int] = {}
    here = np.array([codes.setdefault(repr(value), len(codes)) for value in first])
    there = np.array([codes.setdefault(repr(value), len(codes)) for value in second])
    counts = np.bincount(np.concatenate([here, there]), minlength=len(codes))
    return here, there, -np.log(counts / counts.sum()).astype(np.float32)


def test_the_game_is_won_where_something_is_stable() -> None:
    """The matcher is no straw man: with one shared index it knows everybody."""
    first = [{"idx": number, "sig": str(number)} for number in range(50)]
    second = [{"idx": number, "sig": str(-number - 1)} for number in range(50)]
    score = np.zeros((50, 50), np.float32)
    for path in ("idx", "sig"):
        here, there, weight = _columns([each[path] for each in first], [each[path] for each in second])
        score += (here[:, None] == there[None, :]) * weight[here][:, None]
    assert (score.argmax(axis=1) == np.arange(50)).all()


def test_the_books_are_about_the_same_document() -> None:
    assert ENDS - MADE == 30 * DAY
    assert REPRESENTATION.claim(("powers", None)) is not None
