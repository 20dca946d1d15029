"""What this organisation admits for a use, beyond what kinds of document ask by themselves: which instruments, and how established.

It stands in ``uses.toml`` beside what is said of the use. Where only some instruments are admitted the question names them, so that a wallet
shows no other and nothing of anybody is disclosed in vain.

    [bank]
    instruments = ["lpa-property-and-affairs"]
    bases = ["register", "court-order"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from shared.credentials import Claim, ClaimPath, CredentialType, all_types
from shared.errors import WrongInstrument
from verifier.uses import Use, alone

INSTRUMENT: Final[ClaimPath] = ("instrument_type",)
_KIND: Final[ClaimPath] = ("representation_kind",)
_BASIS: Final[ClaimPath] = ("attestation_basis",)
MEMBERS: Final[Mapping[str, tuple[ClaimPath, ...]]] = {"instruments": (INSTRUMENT, _KIND), "bases": (_BASIS,)}
"""By member of ``uses.toml``: the details whose codes it lists."""


def codes(member: str) -> set[str]:
    """What can be listed there."""
    claims = (kind.claim(path) for kind in all_types().values() for path in MEMBERS[member])
    return {choice.value for claim in claims if claim is not None for choice in claim.choices}


def read(file: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """By use, what is listed; nothing of a file that cannot be read, which says so elsewhere."""
    try:
        text = file.read_text(encoding="utf-8")
        found = tomllib.loads(text) if any(member in text for member in MEMBERS) else {}
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    return {
        name: {member: tuple(map(str, said[member])) for member in MEMBERS if isinstance(said.get(member), list) and said[member]}
        for name, said in found.items()
        if isinstance(said, Mapping)
    }


def admitting(uses: Iterable[Use], listed: Mapping[str, Mapping[str, tuple[str, ...]]]) -> list[Use]:
    """The uses with what is listed for each; what is listed for one person holds for several who act together."""
    return [_admitting(use, listed.get(use.query.id) or listed.get(alone(use.query.id)) or {}) for use in uses] if listed else [*uses]


_ACCEPTED: Final = "accepted here: "


def accepted_here(verdict: Mapping[str, Any], locale: str) -> list[str]:
    """What would have been admitted, where something else was shown; in words."""
    said = next((line["detail"] for line in verdict["checks"] if line["code"] == WrongInstrument.code), "")
    if not said.startswith(_ACCEPTED):
        return []
    labels = {choice.value: choice.label.in_(locale) for claim in _listed() for choice in claim.choices}
    return [labels.get(code, code) for code in said.removeprefix(_ACCEPTED).split(", ")]


def _listed() -> list[Claim]:
    """The details whose codes can be listed."""
    found = (kind.claim(path) for kind in all_types().values() for paths in MEMBERS.values() for path in paths)
    return [claim for claim in found if claim is not None]


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
