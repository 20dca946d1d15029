"""What an entry in a civil register may say, and what it is good for, as rules (``_rules`` says how they are read).

``USES`` are told ``events`` and ``states`` (codes that this relying party admits, default all), ``died_by`` (a day: whether the person died on
it or before) and ``full_date`` (true where the very day is needed). A date that is known in part answers a question about days only where
each day that it may mean gives the same answer; else nobody can tell yet (``not_determined``), and no day is made up.
"""

from __future__ import annotations

from ._rules import Expression, Rule, answer, fault, not_admitted, said

_EVENT: Expression = ["claim", "event_type"]
_STATE: Expression = ["claim", "registration_state"]
_DIED: Expression = ["claim", "death_date", "value"]
_WHOLE: Expression = ["is", ["first-day", _DIED], ["last-day", _DIED]]
_BORN: Expression = ["claim", "subject", "birthdate"]
_REGISTERED: Expression = ["claim", "registered_at"]
_IS_DEATH: Expression = ["is", _EVENT, "death"]
_BY: Expression = ["use", "died_by"]

LIMITS: tuple[Rule, ...] = (fault("/registration_state", ["not", said("registration_state")], "this limit is missing"),)

SAID: tuple[Rule, ...] = (
    {
        "when": _IS_DEATH,
        "rules": [
            fault(
                "/death_date",
                ["not", ["any", said("death_date", "value"), said("death_date_free_format")]],
                "say when the person died, as far as it is known",
            ),
            fault("/death_date/description", ["all", ["not", ["has", _DIED]], said("death_date", "description")], "it describes no date"),
            # Each detail can be shown without the others: beside a whole day, words such as "on or about" could be kept back.
            fault(
                "/death_date/value",
                ["all", ["has", _DIED], said("death_date", "description"), _WHOLE],
                "the day is not known then: leave it out, and name it in the words",
            ),
            fault(
                "/registered_at",
                ["all", ["has", _DIED], ["before", _REGISTERED, ["first-day", _DIED]]],
                "it was registered before the death",
            ),
            fault(
                "/death_date/value",
                ["all", ["has", _DIED], ["has", _BORN], ["before", ["last-day", _DIED], ["first-day", _BORN]]],
                "the person died before they were born",
            ),
            *(fault(f"/{name}", said(name), "an entry of a death does not say this") for name in ("partner", "event_date")),
        ],
    },
    {
        "when": ["not", _IS_DEATH],
        "rules": [
            *(fault(f"/{name}", said(name), "only an entry of a death says this") for name in ("death_date", "death_date_free_format")),
            fault("/event_date", ["not", said("event_date")], "say when it was"),
            fault("/partner", ["not", ["all", said("partner", "given_name"), said("partner", "family_name")]], "name the partner"),
        ],
    },
    fault(
        "/registration_state", ["all", ["is", _STATE, "interim"], ["not", _IS_DEATH]], "only a death is certified before it is registered"
    ),
)


def _dated(unknown: Expression) -> tuple[Rule, ...]:
    """What is asked of the date of a death; ``unknown``: the very day is not known."""
    return (
        {
            "when": ["is", ["use", "full_date"], True],
            "rules": [answer("not_determined", "/death_date", unknown, "the day of death is not known")],
        },
        {
            "when": ["has", _BY],
            "rules": [
                answer(
                    "not_determined", "/death_date", ["not", ["has", _DIED]], "the date of death was not shown, or is known in words only"
                ),
                answer("outside_scope", "/death_date", ["before", _BY, ["first-day", _DIED]], "the person died after {}", of=_BY),
                answer(
                    "not_determined",
                    "/death_date",
                    ["before", _BY, ["last-day", _DIED]],
                    "it is not known whether the person had died by {}",
                    of=_BY,
                ),
            ],
        },
    )


DATED: tuple[Rule, ...] = _dated(["any", ["not", ["has", _DIED]], ["not", _WHOLE]])
"""The same of the rest of an entry, which describes no date in words."""


USES: tuple[Rule, ...] = (
    answer(
        "wrong_instrument",
        "/event_type",
        ["all", said("event_type"), not_admitted("events", _EVENT)],
        "accepted here: {}",
        of=["use", "events"],
    ),
    answer(
        "outside_scope",
        "/event_type",
        ["all", ["has", ["use", "events"]], ["not", said("event_type")]],
        "what was registered was not shown",
    ),
    answer("wrong_instrument", "/registration_state", not_admitted("states", _STATE), "accepted here: {}", of=["use", "states"]),
    *_dated(["any", ["not", ["has", _DIED]], said("death_date", "description"), ["not", _WHOLE]]),
)
