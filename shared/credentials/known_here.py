"""That somebody is known to a body already: made by that body for its own use, so that nobody has to start again.

It is of one relationship alone: nothing in it is the same at another body.
"""

from __future__ import annotations

from ._claim import Choice, Claim, Group, Kind, Reason, Text
from ._issued_by import issued_by
from ._model import CredentialType, ReadyQuery

LANGUAGES = (Choice("en", Text("English", "Saesneg")), Choice("cy", Text("Welsh", "Cymraeg")))
ADJUSTMENTS = (
    Choice("large-print", Text("Large print", "Print bras")),
    Choice("braille", Text("Braille", "Braille")),
    Choice("easy-read", Text("Easy read", "Hawdd ei ddeall")),
    Choice("audio", Text("Audio", "Sain")),
    Choice("sign-language", Text("British Sign Language", "Iaith Arwyddion Prydain")),
    Choice("text-relay", Text("Text relay", "Cyfnewid testun")),
    Choice("no-telephone", Text("No telephone calls", "Dim galwadau ffôn")),
    Choice("home-visit", Text("Visit at home", "Ymweliad â’r cartref")),
    Choice("more-time", Text("More time", "Mwy o amser")),
)
GROUPS = (
    Group(id="since", label=Text("Known since", "Yn hysbys ers"), cwt=1),
    Group(id="case", label=Text("Reference", "Cyfeirnod"), cwt=2),
    Group(id="language", label=Text("Language", "Iaith"), cwt=3),
    Group(id="adjustments", label=Text("What helps", "Beth sy’n helpu"), cwt=4),
    Group(id="issuer", label=Text("Who made this document", "Pwy wnaeth y ddogfen hon")),
)

CLAIMS = (
    Claim(path=("known_since",), kind=Kind.DATE, label=Text("Known since", "Yn hysbys ers"), group="since", required=True, cwt=4),
    Claim(
        path=("case_ref",),
        kind=Kind.TEXT,
        label=Text("Your reference here", "Eich cyfeirnod yma"),
        group="case",
        required=True,
        max_length=60,
        hint=Text("Only this body can do anything with it", "Dim ond y corff hwn a all wneud rhywbeth ag ef"),
        cwt=5,
    ),
    Claim(
        path=("preferred_language",),
        kind=Kind.CODE,
        choices=LANGUAGES,
        label=Text("Language", "Iaith"),
        group="language",
        cwt=6,
    ),
    Claim(
        path=("adjustments", None),
        kind=Kind.CODE,
        choices=ADJUSTMENTS,
        label=Text("What helps", "Beth sy’n helpu"),
        group="adjustments",
        max_items=9,
        cwt=7,
    ),
    *issued_by(1),
)

QUERIES = (
    ReadyQuery(
        id="welcome-back",
        title=Text("We know you already", "Rydym yn eich adnabod yn barod"),
        purpose=Text(
            "Let you go on where you were, so you don’t have to start again", "Gadael i chi fynd ymlaen, fel nad oes rhaid dechrau eto"
        ),
        paths=(("case_ref",),),
        optional=(("preferred_language",), ("adjustments", None)),
    ),
)

REASONS = (
    Reason("asked-to-delete", Text("The person asked to be forgotten", "Gofynnodd y person am gael ei anghofio"), ("cancel",)),
    Reason("left", Text("No longer a customer", "Nid yw’n gwsmer mwyach"), ("cancel",)),
    Reason("corrected", Text("Replaced by a corrected document", "Disodlwyd gan ddogfen wedi’i chywiro"), ("cancel",)),
    Reason("made-in-error", Text("Made in error", "Gwnaed mewn camgymeriad"), ("cancel",)),
    Reason("device-lost", Text("The device was lost", "Collwyd y ddyfais"), ("cancel", "hold")),
    Reason("held-in-error", Text("Held in error", "Ataliwyd mewn camgymeriad"), ("reinstate",)),
)

TYPE: CredentialType = CredentialType(
    id="known-here",
    vct="urn:fdc:vct.example:2027:known-here:1",
    vct_int=65_007,
    doctype="example.vct.2027.known-here.1",
    title=Text("Known here", "Yn hysbys yma"),
    description=Text("Shows that a body knows somebody already", "Yn dangos bod corff yn adnabod rhywun yn barod"),
    groups=GROUPS,
    claims=CLAIMS,
    queries=QUERIES,
    copy_days=30,
    batch_size=20,
    status_bits=2,
    status_max_age={"low": 7 * 86_400, "high": 86_400},
    cancelled_by=(Text("the person", "y person"), Text("the body that made it", "y corff a’i gwnaeth")),
    reasons=REASONS,
    kept_days=1,  # it knows all of it already
    retention="sealed",
    successors="nobody",  # who knows somebody is the body itself: another one asks anew
)
