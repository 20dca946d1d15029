"""What ends with something else: documents that follow a death, and those that follow an authority that was shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._claim import ClaimPath, Reason, Text
from ._model import Follow

REPRESENTATION = "urn:fdc:vct.example:2027:representation:1"
LIFE_EVENT = "urn:fdc:vct.example:2027:life-event:1"
_DEATH: Mapping[ClaimPath, tuple[Any, ...]] = {("event_type",): ("death",), ("registration_state",): ("registered",)}
_PERSON: tuple[ClaimPath, ...] = (("given_name",), ("family_name",), ("birthdate",))

FOLLOWED = (
    Reason("authority-ended", Text("The authority that was shown has ended", "Daeth yr awdurdod a ddangoswyd i ben"), ("cancel",)),
    Reason("authority-on-hold", Text("The authority that was shown is on hold", "Mae’r awdurdod a ddangoswyd wedi’i atal"), ("hold",)),
    Reason("authority-in-force", Text("The authority is in force again", "Mae’r awdurdod mewn grym eto"), ("reinstate",)),
)
"""Reasons of types that have ``after_authority``."""


def same_person(own: ClaimPath, other: ClaimPath, *, by: tuple[ClaimPath, ...] = _PERSON) -> tuple[tuple[ClaimPath, ClaimPath], ...]:
    """Pairs of the details below ``own`` and below ``other`` by which a person is known again."""
    return tuple(((*own, *name), (*other, *name)) for name in by)


def after_death(own: ClaimPath, reason: str, *, postcode: bool = True) -> Follow:
    """Documents end when the death of the person below ``own`` is shown; an interim certificate ends nothing for good."""
    by = (*_PERSON, ("address", "postal_code")) if postcode else _PERSON
    return Follow(vct=LIFE_EVENT, on="shown", action="cancel", reason=reason, match=same_person(own, ("subject",), by=by), values=_DEATH)


def after_authority(donor: ClaimPath, attorney: ClaimPath) -> tuple[Follow, ...]:
    """Documents end, wait and go on with the power of attorney that they rest on."""
    names = _PERSON[:2]
    match = (*same_person(donor, ("represented",), by=names), *same_person(attorney, ("proxy",), by=names))
    steps = (("cancelled", "cancel", FOLLOWED[0]), ("on-hold", "hold", FOLLOWED[1]), ("valid", "reinstate", FOLLOWED[2]))
    return tuple(Follow(vct=REPRESENTATION, on=on, action=action, reason=reason.value, match=match) for on, action, reason in steps)
