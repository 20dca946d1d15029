"""What somebody would have admitted in the place of what was shown, out of the detail of a check that said ``wrong_instrument``."""

from __future__ import annotations

from typing import Final

from .credentials import all_types
from .errors import WrongInstrument

SAYS: Final = "accepted here: "
_NAMES: Final = frozenset({"instrument_type", "representation_kind", "attestation_basis", "event_type", "registration_state"})


def admitted(detail: str, locale: str) -> list[str]:
    """Its codes as labels of the installed kinds; a code that none has stays. Empty where the detail says something else."""
    if not detail.startswith(SAYS):
        return []
    labels = _labels(locale)
    return [labels.get(code, code) for code in detail.removeprefix(SAYS).split(", ")]


def admitted_elsewhere(words: str, locale: str) -> list[str]:
    """The same out of what another body says, with its error code before it or not: empty unless all of it is codes that have labels here, so
    that nobody's own words are told as ours.
    """
    said, labels = words.removeprefix(f"{WrongInstrument.code}: "), _labels(locale)
    known = said.startswith(SAYS) and all(code in labels for code in said.removeprefix(SAYS).split(", "))
    return admitted(said, locale) if known else []


def _labels(locale: str) -> dict[str, str]:
    claims = [claim for kind in all_types().values() for claim in kind.claims if str(claim.path[-1]) in _NAMES]
    return {choice.value: choice.label.in_(locale) for claim in claims for choice in claim.choices}
