"""A credential type as a JSON file, so that a type can live outside this package: its members are those of the dataclasses, and no others.

Texts are ``{"en": …, "cy": …}``; what is keyed by a path is a list of pairs, as JSON has no such keys: ``[[["powers", null], ["banking"]]]``.
Members with a default may be left out. What was read is held against ``_sound`` before anybody uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, NoReturn, get_args, get_origin, get_type_hints

from ..codec import strict_json
from ..errors import Malformed
from ._model import CredentialType
from ._sound import check_sound

MAX_BYTES: Final = 262_144


def parse_type(data: bytes | str) -> CredentialType:
    """The type in a file; ``Malformed`` (``TooLarge``) with a JSON pointer to the first thing that is wrong with it."""
    found: CredentialType = _read(CredentialType, strict_json.load_object(data, max_bytes=MAX_BYTES), "")
    check_sound(found)
    return found


def render_type(rules: CredentialType) -> bytes:
    """The file of a type: what ``parse_type`` reads."""
    return strict_json.dumps(_plain(rules))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        told = {name: getattr(value, name) for name, (_, default) in _members(type(value)).items() if getattr(value, name) != default}
        return {name: _plain(each) for name, each in told.items()}
    if isinstance(value, Mapping):
        by_path = any(isinstance(key, tuple) for key in value)
        return (
            [[_plain(key), _plain(each)] for key, each in value.items()] if by_path else {key: _plain(each) for key, each in value.items()}
        )
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


@cache
def _members(kind: type) -> Mapping[str, tuple[Any, Any]]:
    """The form and the default of each member that a file can have; ``MISSING`` where it has to have it."""
    hints = get_type_hints(kind)
    found = {}
    for each in fields(kind):
        if each.init:
            found[each.name] = hints[each.name], each.default if each.default_factory is MISSING else each.default_factory()
    return found


def _read(form: Any, value: Any, where: str) -> Any:
    """``value`` in the form that a dataclass's member is said to have."""
    if form is Any:
        return value
    if isinstance(form, type) and is_dataclass(form):
        return _read_members(form, _object(value, where), where)
    if isinstance(form, type) and issubclass(form, StrEnum):
        return form(value) if value in list(form) else _refuse(f"one of these: {', '.join(form)}", where)
    origin, arguments = get_origin(form), get_args(form)
    if origin is UnionType:
        return _read_either(arguments, value, where)
    if origin is tuple:
        return _read_list(arguments, value, where)
    if origin is not None:
        return _read_mapping(arguments, value, where)
    return value if type(value) is form else _refuse(_WORDS[form], where)


_WORDS: Final[Mapping[type, str]] = {str: "words", int: "a whole number", bool: "true or false"}


def _read_members(kind: type, value: Mapping[str, Any], where: str) -> Any:
    known = _members(kind)
    for name in value:
        if name not in known:
            raise Malformed("there is no such member here", where=f"{where}/{name}")
    for name, (_, default) in known.items():
        if default is MISSING and name not in value:
            raise Malformed("this is needed", where=f"{where}/{name}")
    return kind(**{name: _read(known[name][0], each, f"{where}/{name}") for name, each in value.items()})


def _read_either(forms: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and NoneType in forms:
        return None
    others = [form for form in forms if form is not NoneType]
    return _read(next((form for form in others if type(value) is form), others[0]), value, where)


def _read_list(forms: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    each_ = [forms[0]] * len(_list(value, where)) if forms[-1] is Ellipsis else forms
    if len(each_) != len(_list(value, where)):
        _refuse("a pair", where)
    return tuple(_read(form, each, f"{where}/{at}") for at, (form, each) in enumerate(zip(each_, value, strict=True)))


def _read_mapping(forms: tuple[Any, ...], value: Any, where: str) -> Mapping[Any, Any]:
    key, form = forms
    if key is str:
        return {name: _read(form, each, f"{where}/{name}") for name, each in _object(value, where).items()}
    pairs = [_read_list((key, form), each, f"{where}/{at}") for at, each in enumerate(_list(value, where))]
    return dict(pairs) if len(dict(pairs)) == len(pairs) else _refuse("each path once", where)


def _list(value: Any, where: str) -> list[Any]:
    return value if isinstance(value, list) else _refuse("a list", where)


def _object(value: Any, where: str) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _refuse("an object", where)


def _refuse(what: str, where: str) -> NoReturn:
    raise Malformed(f"{what} belongs here", where=where)
