"""What somebody would have admitted in the place of what was shown, out of the detail of a check that said ``wrong_instrument``."""

from __future__ import annotations

from typing import Final

from .credentials import all_types

SAYS: Final = "accepted here: "
_NAMES: Final = frozenset({"instrument_type", "representation_kind", "attestation_basis", "event_type", "registration_state"})


def admitted(detail: str, locale: str) -> list[str]:
    """Its codes as labels of the installed kinds; a code that none has stays. Empty where the detail says something else."""
    _, says, codes = detail.partition(SAYS)
    if not says:
        return []
    claims = [claim for kind in all_types().values() for claim in kind.claims if str(claim.path[-1]) in _NAMES]
    labels = {choice.value: choice.label.in_(locale) for claim in claims for choice in claim.choices}
    return [labels.get(code, code) for code in codes.split(", ")]
