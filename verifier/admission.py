"""What this organisation admits for a use, beyond what kinds of document ask by themselves: which instruments, and how established.

It stands in ``uses.toml`` beside what is said of the use. Where only some instruments are admitted the question names them, so that a wallet
shows no other and nothing of anybody is disclosed in vain. Checking packs carry it too, in their description of the kinds for pages, so that a desk
without a network judges as the service does.

    [bank]
    instruments = ["lpa-property-and-affairs"]
    bases = ["register", "court-order"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from shared.admitted import admitted
from shared.codec import strict_json
from shared.codec.reader import get_object, get_objects, get_str, get_strings
from shared.credentials import ClaimPath, CredentialType, all_types
from shared.errors import ConfigError, WrongInstrument
from shared.private_file import Stamp, stamp
from shared.trust.bundle import MAX_ARTEFACT
from verifier.uses import Use, alone, served

INSTRUMENT: Final[ClaimPath] = ("instrument_type",)
_KIND: Final[ClaimPath] = ("representation_kind",)
_BASIS: Final[ClaimPath] = ("attestation_basis",)
_BY_INSTRUMENT: Final = "power_of_attorney"
MEMBERS: Final[Mapping[str, tuple[ClaimPath, ...]]] = {"instruments": (INSTRUMENT, _KIND), "bases": (_BASIS,)}
"""By member of ``uses.toml``: the details whose codes it lists."""


def codes(member: str) -> set[str]:
    """What can be listed there."""
    claims = (kind.claim(path) for kind in all_types().values() for path in MEMBERS[member])
    return {choice.value for claim in claims if claim is not None for choice in claim.choices}


def choices(kinds: Iterable[CredentialType], use: str, member: str, locale: str) -> list[tuple[str, str]]:
    """Codes that a person may list there for a use, with their labels; none where the use asks for no authority to act for somebody.

    A power of attorney is listed by its instrument, never as such: that would admit one whose instrument was kept back.
    """
    named = [kind for kind in kinds if kind.claim(INSTRUMENT) is not None and any(query.id == use for query in kind.queries)]
    claims = (kind.claim(path) for kind in named for path in MEMBERS[member])
    found = {choice.value: choice.label.in_(locale) for claim in claims if claim is not None for choice in claim.choices}
    return [(code, label) for code, label in found.items() if code != _BY_INSTRUMENT]


def read(file: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """By use, what is listed; ``ConfigError`` for a file that cannot be read: what it may have meant to leave out is not admitted meanwhile."""
    try:
        text = file.read_text(encoding="utf-8")
        found = tomllib.loads(text) if any(member in text for member in MEMBERS) else {}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file.name}: {error}", where=file.name) from error
    return {name: _listed_in(name, said) for name, said in found.items()}


@dataclass(slots=True)
class AdmittedFile:
    """The uses of these kinds of document, with what the file lists for each: made again when its owner has changed it."""

    file: Path
    types: Iterable[CredentialType]
    _stamp: Stamp | None = None
    _uses: tuple[Use, ...] = ()

    def uses(self) -> tuple[Use, ...]:
        """As of now; errors as ``read``, each time until somebody has put the file right."""
        try:
            seen = stamp(self.file.stat())
        except OSError:
            seen = None  # the reader says what that means
        if seen is None or seen != self._stamp:
            self._uses, self._stamp = tuple(admitting(served(self.types), read(self.file))), seen
        return self._uses


def _listed_in(name: str, said: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(said, Mapping):
        raise ConfigError(f"{name} is no table of a use", where=name)
    found: dict[str, tuple[str, ...]] = {}
    for member in MEMBERS:
        listed = said.get(member, [])
        if not isinstance(listed, list) or not all(isinstance(code, str) for code in listed):
            raise ConfigError(f"{name}: {member} is a list of codes", where=member)
        if listed:
            found[member] = tuple(listed)
    return found


def of_pack(descriptions: Iterable[bytes]) -> dict[str, dict[str, tuple[str, ...]]]:
    """By use, what whoever made a checking pack admits; ``Malformed`` for what describes no kinds of document."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    kinds = {kind.vct for kind in all_types().values() if kind.claim(INSTRUMENT) is not None}
    for data in descriptions:
        for kind in get_objects(strict_json.load_object(data, max_bytes=MAX_ARTEFACT), "types"):
            for query in get_objects(kind, "queries") if kind.get("vct") in kinds else ():
                use = get_object(query, "use")
                found[get_str(query, "id")] = {member: get_strings(use, member) for member in MEMBERS if use.get(member)}
    return found


def admitting(uses: Iterable[Use], listed: Mapping[str, Mapping[str, tuple[str, ...]]]) -> list[Use]:
    """The uses with what is listed for each; what is listed for one person holds for several who act together."""
    return [_admitting(use, {**listed.get(alone(use.query.id), {}), **listed.get(use.query.id, {})}) for use in uses] if listed else [*uses]


def accepted_here(verdict: Mapping[str, Any], locale: str) -> list[str]:
    """What would have been admitted, where something else was shown; in words."""
    return admitted(next((line["detail"] for line in verdict["checks"] if line["code"] == WrongInstrument.code), ""), locale)


def _admitting(use: Use, listed: Mapping[str, tuple[str, ...]]) -> Use:
    if not listed or use.type.claim(INSTRUMENT) is None:
        return use
    query = replace(use.query, use={**use.query.use, **listed})
    wanted = listed.get("instruments", ())
    if wanted and set(wanted) <= _instruments(use.type):
        values: Mapping[ClaimPath, tuple[Any, ...]] = {**query.values, INSTRUMENT: wanted}
        query = replace(query, paths=(*query.paths, INSTRUMENT), values=values)
    return replace(use, query=query)


def _instruments(kind: CredentialType) -> set[str]:
    """Where another kind of authority is admitted beside them, the question cannot name any: it has no instrument."""
    claim = kind.claim(INSTRUMENT)
    return set() if claim is None else {choice.value for choice in claim.choices}
