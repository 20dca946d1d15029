"""Who somebody is, as one of several bodies that check identities says it.

Member names are those of the EU's person identification data. There is no number and nothing else that stays the same from one
organisation to the next: who needs to know a person again later uses a key of that one relationship.
"""

from __future__ import annotations

from ._claim import NO_FIXED_ADDRESS, Claim, Group, Kind, Reason, Text
from ._follows import after_death
from ._issued_by import issued_by
from ._model import CredentialType, ReadyQuery

GROUPS = (
    Group(id="name", label=Text("Name", "Enw"), cwt=1),
    Group(id="birthdate", label=Text("Date of birth", "Dyddiad geni"), cwt=2),
    Group(id="address", label=Text("Address", "Cyfeiriad"), cwt=3),
    Group(id="postcode", label=Text("Postcode", "Cod post"), cwt=4),
    Group(id="portrait", label=Text("Photo", "Llun"), cwt=5),
    Group(id="age", label=Text("Age", "Oedran"), cwt=6),
    Group(id="birth-name", label=Text("Name at birth", "Enw adeg geni"), cwt=7),
    Group(id="issuer", label=Text("Who made this document", "Pwy wnaeth y ddogfen hon")),
)

CLAIMS = (
    Claim(path=("given_name",), kind=Kind.TEXT, label=Text("First names", "Enwau cyntaf"), group="name", required=True, cwt=4),
    Claim(path=("family_name",), kind=Kind.TEXT, label=Text("Last name", "Cyfenw"), group="name", required=True, cwt=5),
    Claim(path=("birthdate",), kind=Kind.DATE, label=Text("Date of birth", "Dyddiad geni"), group="birthdate", required=True, cwt=6),
    Claim(path=("address", "street_address"), kind=Kind.TEXT, label=Text("House and street", "Tŷ a stryd"), group="address", cwt=7),
    Claim(path=("address", "locality"), kind=Kind.TEXT, label=Text("Town or city", "Tref neu ddinas"), group="address", cwt=8),
    Claim(
        path=("address", "postal_code"),
        kind=Kind.TEXT,
        label=Text("Postcode", "Cod post"),
        group="postcode",
        hint=NO_FIXED_ADDRESS,
        max_length=10,
        cwt=9,
    ),
    Claim(
        path=("portrait",),
        kind=Kind.PORTRAIT,
        label=Text("Photo", "Llun"),
        group="portrait",
        hint=Text("A small picture of the face, for a person to compare", "Llun bach o’r wyneb, i berson ei gymharu"),
        cwt=10,
    ),
    Claim(path=("age_over_16",), kind=Kind.BOOLEAN, label=Text("Is 16 or over", "Yn 16 oed neu’n hŷn"), group="age", cwt=11),
    Claim(path=("age_over_18",), kind=Kind.BOOLEAN, label=Text("Is 18 or over", "Yn 18 oed neu’n hŷn"), group="age", cwt=12),
    Claim(
        path=("birth_family_name",),
        kind=Kind.TEXT,
        label=Text("Last name at birth", "Cyfenw adeg geni"),
        group="birth-name",
        cwt=13,
    ),
    *issued_by(1),
)

_NAME = (("given_name",), ("family_name",))

QUERIES = (
    ReadyQuery(
        id="same-person",
        title=Text("Who is presenting", "Pwy sy’n cyflwyno"),
        purpose=Text(
            "Check that you are the person named in the other document",
            "Gwirio mai chi yw’r person a enwir yn y ddogfen arall",
        ),
        paths=_NAME,
        optional=(("portrait",),),
    ),
    ReadyQuery(
        id="over-18",
        title=Text("Over 18", "Dros 18"),
        purpose=Text("Check that you are 18 or over", "Gwirio eich bod yn 18 oed neu’n hŷn"),
        paths=(("age_over_18",),),
        values={("age_over_18",): (True,)},
    ),
)

REASONS = (
    Reason("died", Text("The person has died", "Mae’r person wedi marw"), ("cancel",)),
    Reason("proofing-error", Text("The identity was not checked rightly", "Ni wiriwyd yr hunaniaeth yn gywir"), ("cancel",)),
    Reason("corrected", Text("Replaced by a corrected document", "Disodlwyd gan ddogfen wedi’i chywiro"), ("cancel",)),
    Reason("made-in-error", Text("Made in error", "Gwnaed mewn camgymeriad"), ("cancel",)),
    Reason("device-lost", Text("The device was lost", "Collwyd y ddyfais"), ("hold",)),
    Reason("device-found", Text("The device was found", "Daethpwyd o hyd i’r ddyfais"), ("reinstate",)),
    Reason("held-in-error", Text("Held in error", "Ataliwyd mewn camgymeriad"), ("reinstate",)),
)

TYPE: CredentialType = CredentialType(
    id="person",
    vct="urn:fdc:vct.example:2027:person:1",
    vct_int=65_010,
    doctype="example.vct.2027.person.1",
    title=Text("Proof of identity", "Prawf hunaniaeth"),
    description=Text("Shows who somebody is", "Yn dangos pwy yw rhywun"),
    groups=GROUPS,
    claims=CLAIMS,
    queries=QUERIES,
    copy_days=14,
    batch_size=20,
    status_bits=2,
    status_max_age={"low": 7 * 86_400, "high": 86_400},
    holder=(),
    cancelled_by=(Text("the person", "y person"), Text("the body that checked the identity", "y corff a wiriodd yr hunaniaeth")),
    reasons=REASONS,
    follows=(after_death((), "died"),),
    kept_days=30,
    retention="sealed",  # copies live two weeks and are renewed; the check of the identity lasts for years
)
