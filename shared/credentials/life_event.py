"""What a registrar has entered about somebody's life: a death, a marriage, a civil partnership. The type's name says none of them.

Members are named as in ``person``; in the vocabulary of the UK's life events they are ``subject.name`` and its parts, ``birthDate``,
``deathDate`` with its ``description``, ``freeFormatDeathDate``, ``deathRegistrationTime`` and ``deathRegistration``. Dates may be partial and
are never completed. Cause, certifier, place, occupation, informant and relatives stand in ``life-event-full``, which is made apart, so that
nobody gets them along with the fact.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import _life_event_rules as rules
from ._claim import NO_FIXED_ADDRESS, Choice, Claim, ClaimPath, Disclosure, Group, Kind, Reason, Text
from ._issued_by import issued_by
from ._model import CredentialType, ReadyQuery

ALWAYS = Disclosure.ALWAYS

EVENTS = (
    Choice("death", Text("Death", "Marwolaeth")),
    Choice("marriage", Text("Marriage", "Priodas")),
    Choice("civil-partnership", Text("Civil partnership", "Partneriaeth sifil")),
)
ENTRY_STATES = (
    Choice("registered", Text("Registered", "Wedi’i gofrestru")),
    Choice("interim", Text("Interim: the coroner has not finished", "Dros dro: nid yw’r crwner wedi gorffen")),
)
SEXES = (
    Choice("female", Text("Female", "Benyw")),
    Choice("male", Text("Male", "Gwryw")),
    Choice("not-recorded", Text("Not recorded", "Heb ei gofnodi")),
)
GROUPS = (
    Group(id="state", label=Text("The entry", "Y cofnod")),
    Group(id="event", label=Text("What was registered", "Beth a gofrestrwyd"), cwt=1),
    Group(id="name", label=Text("Name of the person", "Enw’r person"), cwt=2),
    Group(id="birthdate", label=Text("Date of birth", "Dyddiad geni"), cwt=3),
    Group(id="postcode", label=Text("Postcode", "Cod post"), cwt=4),
    Group(id="death-date", label=Text("Date of death", "Dyddiad y farwolaeth"), cwt=5),
    Group(id="address", label=Text("Last address", "Cyfeiriad olaf"), cwt=7, within="further"),
    Group(id="earlier-names", label=Text("Earlier names", "Enwau blaenorol"), cwt=8, within="further"),
    Group(id="sex", label=Text("Sex", "Rhyw"), cwt=9, within="further"),
    Group(id="union", label=Text("Marriage or partnership", "Priodas neu bartneriaeth"), cwt=10, within="further"),
    Group(id="registration", label=Text("Registration", "Cofrestru"), cwt=11, within="further"),
    Group(id="register-entry", label=Text("Register entry", "Cofnod yn y gofrestr"), cwt=12, within="further"),
    Group(id="further", label=Text("Further details", "Manylion pellach"), cwt=6),
    Group(id="issuer", label=Text("Who made this document", "Pwy wnaeth y ddogfen hon")),
)

CLAIMS = (
    Claim(
        path=("registration_state",),
        kind=Kind.CODE,
        choices=ENTRY_STATES,
        label=Text("State of the entry", "Cyflwr y cofnod"),
        group="state",
        disclosure=ALWAYS,
        required=True,
        cwt=1,
    ),
    Claim(
        path=("event_type",),
        kind=Kind.CODE,
        choices=EVENTS,
        label=Text("What was registered", "Beth a gofrestrwyd"),
        group="event",
        required=True,
        cwt=5,
    ),
    Claim(path=("subject", "given_name"), kind=Kind.TEXT, label=Text("First names", "Enwau cyntaf"), group="name", required=True, cwt=6),
    Claim(path=("subject", "family_name"), kind=Kind.TEXT, label=Text("Last name", "Cyfenw"), group="name", required=True, cwt=7),
    Claim(
        path=("subject", "birthdate"),
        kind=Kind.PARTIAL_DATE,
        label=Text("Date of birth", "Dyddiad geni"),
        group="birthdate",
        hint=Text(
            "As far as it is known: leave out the day, or day and month",
            "Cyn belled ag y gwyddys: gadewch allan y diwrnod, neu’r diwrnod a’r mis",
        ),
        cwt=8,
    ),
    Claim(
        path=("subject", "address", "postal_code"),
        kind=Kind.TEXT,
        label=Text("Postcode", "Cod post"),
        group="postcode",
        hint=NO_FIXED_ADDRESS,
        max_length=10,
        cwt=9,
    ),
    Claim(
        path=("subject", "address", "street_address"),
        kind=Kind.TEXT,
        label=Text("House and street", "Tŷ a stryd"),
        group="address",
        cwt=10,
    ),
    Claim(path=("subject", "address", "locality"), kind=Kind.TEXT, label=Text("Town or city", "Tref neu ddinas"), group="address", cwt=11),
    Claim(
        path=("subject", "earlier_names", None),
        kind=Kind.TEXT,
        label=Text("Earlier name", "Enw blaenorol"),
        group="earlier-names",
        max_items=8,
        hint=Text("With what it was, such as: Reid (before marriage)", "Gyda’r hyn ydoedd, megis: Reid (cyn priodi)"),
        cwt=12,
    ),
    Claim(path=("subject", "sex"), kind=Kind.CODE, choices=SEXES, label=Text("Sex", "Rhyw"), group="sex", cwt=13),
    Claim(
        path=("death_date", "value"),
        kind=Kind.PARTIAL_DATE,
        label=Text("Date of death", "Dyddiad y farwolaeth"),
        group="death-date",
        hint=Text(
            "As far as it is known: leave out the day rather than guess it",
            "Cyn belled ag y gwyddys: gadewch allan y diwrnod yn hytrach na’i ddyfalu",
        ),
        cwt=14,
    ),
    Claim(
        path=("death_date", "description"),
        kind=Kind.TEXT,
        label=Text("What is said of that date", "Yr hyn a ddywedir am y dyddiad hwnnw"),
        group="death-date",
        hint=Text("Such as: On or about 8 February 2027", "Megis: Ar neu oddeutu 8 Chwefror 2027"),
        cwt=15,
    ),
    Claim(
        path=("death_date_free_format",),
        kind=Kind.TEXT,
        label=Text("Date of death in words", "Dyddiad y farwolaeth mewn geiriau"),
        group="death-date",
        cwt=16,
    ),
    Claim(
        path=("event_date",),
        kind=Kind.PARTIAL_DATE,
        label=Text("Date of the marriage or partnership", "Dyddiad y briodas neu’r bartneriaeth"),
        group="union",
        cwt=17,
    ),
    Claim(
        path=("partner", "given_name"),
        kind=Kind.TEXT,
        label=Text("Partner’s first names", "Enwau cyntaf y partner"),
        group="union",
        cwt=18,
    ),
    Claim(path=("partner", "family_name"), kind=Kind.TEXT, label=Text("Partner’s last name", "Cyfenw’r partner"), group="union", cwt=19),
    Claim(
        path=("registered_at",),
        kind=Kind.DATE,
        label=Text("Registered on", "Cofrestrwyd ar"),
        group="registration",
        required=True,
        cwt=20,
    ),
    Claim(
        path=("registration_district",),
        kind=Kind.TEXT,
        label=Text("Registration district", "Dosbarth cofrestru"),
        group="registration",
        cwt=21,
    ),
    Claim(
        path=("register_entry",),
        kind=Kind.TEXT,
        label=Text("Register entry", "Cofnod yn y gofrestr"),
        group="register-entry",
        disclosure=Disclosure.ONCE,
        hint=Text("Shown only where a body must name the entry", "Dim ond lle mae’n rhaid i gorff enwi’r cofnod"),
        cwt=22,
    ),
    *issued_by(2),
)

_NAME = (("subject", "given_name"), ("subject", "family_name"))
_EVENT: ClaimPath = ("event_type",)
_BIRTHDATE, _POSTCODE = ("subject", "birthdate"), ("subject", "address", "postal_code")
_DEATH_DATE = ("death_date", "value")
_DEATH: Mapping[ClaimPath, tuple[str, ...]] = {_EVENT: ("death",)}

QUERIES = (
    ReadyQuery(
        id="tell-of-death",
        title=Text("A customer has died", "Mae cwsmer wedi marw"),
        purpose=Text("Close or change the account of the person who died", "Cau neu newid cyfrif y person a fu farw"),
        paths=(_EVENT, *_NAME, _POSTCODE, _DEATH_DATE),
        optional=(_BIRTHDATE,),
        values=_DEATH,
        use={"events": ("death",)},
    ),
    ReadyQuery(
        id="death-for-pension",
        title=Text("Pension or benefit of a person who died", "Pensiwn neu fudd-dal person a fu farw"),
        purpose=Text("Stop payments from the right day and see what is owed", "Atal taliadau o’r diwrnod cywir a gweld beth sy’n ddyledus"),
        paths=(_EVENT, *_NAME, _BIRTHDATE, _DEATH_DATE),
        optional=(_POSTCODE,),
        values=_DEATH,
        use={"events": ("death",)},
    ),
    ReadyQuery(
        id="donor-died",
        title=Text("A donor has died", "Mae rhoddwr wedi marw"),
        purpose=Text("End the powers of attorney that this person gave", "Dod â’r atwrneiaethau a roddodd y person hwn i ben"),
        paths=(_EVENT, *_NAME, _BIRTHDATE, _DEATH_DATE),
        optional=(_POSTCODE,),
        values=_DEATH,
        use={"events": ("death",), "states": ("registered",)},
    ),
    ReadyQuery(
        id="change-of-name",
        title=Text("Change of name after marriage", "Newid enw ar ôl priodi"),
        purpose=Text("Put your new name on your account", "Rhoi eich enw newydd ar eich cyfrif"),
        paths=(_EVENT, *_NAME, ("event_date",), ("partner", "family_name")),
        values={_EVENT: ("marriage", "civil-partnership")},
        use={"events": ("marriage", "civil-partnership")},
    ),
)

REASONS = (
    Reason("entry-cancelled", Text("The entry was cancelled", "Canslwyd y cofnod"), ("cancel",)),
    Reason("corrected", Text("Replaced by a corrected document", "Disodlwyd gan ddogfen wedi’i chywiro"), ("cancel",)),
    Reason("made-in-error", Text("Made in error", "Gwnaed mewn camgymeriad"), ("cancel",)),
    Reason(
        "interim-ended",
        Text("The coroner has finished: a new document is made", "Mae’r crwner wedi gorffen: gwneir dogfen newydd"),
        ("cancel",),
    ),
    Reason("under-review", Text("The interim entry is under review", "Mae’r cofnod dros dro dan adolygiad"), ("hold",)),
    Reason("review-ended", Text("The review has ended", "Daeth yr adolygiad i ben"), ("reinstate",)),
    Reason("device-lost", Text("The device was lost", "Collwyd y ddyfais"), ("cancel", "hold")),
    Reason("held-in-error", Text("Held in error", "Ataliwyd mewn camgymeriad"), ("reinstate",)),
)

INTERIM = frozenset({"interim-ended", "under-review", "review-ended"})
"""Reasons of entries that the coroner has not finished with."""
STATES = {
    "registered": "valid",
    "cancelled": "cancelled",
    # What was cancelled stays so: these give the holder a new document.
    **dict.fromkeys(("cancellation_removed", "formal_correction", "typographical", "quality_assurance"), "cancelled"),
}
"""Why a registrar writes again about an entry, and what becomes of the documents made of it before."""

TYPE: CredentialType = CredentialType(
    id="life-event",
    vct="urn:fdc:vct.example:2027:life-event:1",
    vct_int=65_004,
    doctype="example.vct.2027.life-event.1",
    title=Text("Entry in a civil register", "Cofnod mewn cofrestr sifil"),
    description=Text("Shows what a registrar has entered about somebody", "Yn dangos yr hyn y mae cofrestrydd wedi’i gofnodi am rywun"),
    groups=GROUPS,
    claims=CLAIMS,
    queries=QUERIES,
    copy_days=30,  # and renewed: a retired key could back-date for as long as the longest copy lives (S15)
    batch_size=20,
    status_bits=2,
    status_max_age={"low": 7 * 86_400, "high": 7 * 86_400},
    about=("subject",),
    cancelled_by=(
        Text("the registrar", "y cofrestrydd"),
        Text("whoever told the registrar", "pwy bynnag a hysbysodd y cofrestrydd"),
        Text("whoever deals with the estate", "pwy bynnag sy’n delio â’r ystad"),
    ),
    reasons=REASONS,
    states=STATES,
    kept_days=366,
    retention="sealed",  # an entry has no end
    limits=rules.LIMITS,
    said=rules.SAID,
    uses=rules.USES,
)
