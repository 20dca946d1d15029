"""What ends with something else: documents that follow a death, and those that follow an authority that was shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._claim import ClaimPath, Reason, Text
from ._model import Follow

REPRESENTATION = "urn:fdc:vct.example:2027:representation:1"
LIFE_EVENT = "urn:fdc:vct.example:2027:life-event:1"
DEATH: Mapping[ClaimPath, tuple[Any, ...]] = {("event_type",): ("death",), ("registration_state",): ("registered",)}
_PERSON: tuple[ClaimPath, ...] = (("given_name",), ("family_name",), ("birthdate",))

FOLLOWED = (
    Reason("authority-ended", Text("The authority that was shown has ended", "Daeth yr awdurdod a ddangoswyd i ben"), ("cancel",)),
    Reason(
        "authority-on-hold",
        Text(
            "The authority that was shown is on hold, or was reported lost",
            "Mae’r awdurdod a ddangoswyd wedi’i atal, neu dywedwyd ei fod ar goll",
        ),
        ("hold",),
    ),
    Reason(
        "authority-changed",
        Text(
            "The authority that was shown counts no longer: it ended, or was corrected",
            "Nid yw’r awdurdod a ddangoswyd yn cyfrif mwyach: daeth i ben, neu fe’i cywirwyd",
        ),
        ("hold",),
    ),
    Reason("authority-in-force", Text("The authority is in force again", "Mae’r awdurdod mewn grym eto"), ("reinstate",)),
)
"""Reasons of types that have ``after_authority``."""


def same_person(own: ClaimPath, other: ClaimPath, *, by: tuple[ClaimPath, ...] = _PERSON) -> tuple[tuple[ClaimPath, ClaimPath], ...]:
    """Pairs of the details below ``own`` and below ``other`` by which a person is known again."""
    return tuple(((*own, *name), (*other, *name)) for name in by)


def after_death(own: ClaimPath, reason: str, *, postcode: bool = True) -> Follow:
    """Documents end when the death of the person below ``own`` is shown; an interim certificate ends nothing for good."""
    by = (*_PERSON, ("address", "postal_code")) if postcode else _PERSON
    return Follow(vct=LIFE_EVENT, on="shown", action="cancel", reason=reason, match=same_person(own, ("subject",), by=by), values=DEATH)


def after_authority(donor: ClaimPath, attorney: ClaimPath) -> tuple[Follow, ...]:
    """Documents wait and go on with the power of attorney that they rest on, or with another one that is shown anew.

    A list says the same of a copy that was cancelled and of one that a corrected copy replaced: no document ends for good by it alone.
    """
    names = _PERSON[:2]
    match = (*same_person(donor, ("represented",), by=names), *same_person(attorney, ("proxy",), by=names))
    steps = (
        ("cancelled", "hold", "authority-changed"),
        ("on-hold", "hold", "authority-on-hold"),
        ("valid", "reinstate", "authority-in-force"),
        ("shown", "reinstate", "authority-in-force"),
    )
    return tuple(Follow(vct=REPRESENTATION, on=on, action=action, reason=reason, match=match) for on, action, reason in steps)
