"""Who made a document and under which law: always in clear, and the same three leaves in every type."""

from __future__ import annotations

from ._claim import Choice, Claim, Disclosure, Kind, Text

_COUNTRIES = (Choice("GB", Text("United Kingdom", "Y Deyrnas Unedig")),)
_JURISDICTIONS = (
    Choice("GB-EAW", Text("England and Wales", "Cymru a Lloegr")),
    Choice("GB-SCT", Text("Scotland", "Yr Alban")),
    Choice("GB-NIR", Text("Northern Ireland", "Gogledd Iwerddon")),
)


def issued_by(cwt: int) -> tuple[Claim, ...]:
    """The leaves, in the group ``issuer``; ``cwt`` is the key of the first in the compact form, the others follow."""
    return (
        Claim(
            path=("issuing_authority",),
            kind=Kind.TEXT,
            label=Text("Issuing authority", "Awdurdod cyhoeddi"),
            group="issuer",
            disclosure=Disclosure.ALWAYS,
            required=True,
            cwt=cwt,
        ),
        Claim(
            path=("issuing_country",),
            kind=Kind.CODE,
            choices=_COUNTRIES,
            label=Text("Country", "Gwlad"),
            group="issuer",
            disclosure=Disclosure.ALWAYS,
            required=True,
            cwt=cwt + 1,
        ),
        Claim(
            path=("issuing_jurisdiction",),
            kind=Kind.CODE,
            choices=_JURISDICTIONS,
            label=Text("Law that applies", "Y gyfraith sy’n berthnasol"),
            group="issuer",
            disclosure=Disclosure.ALWAYS,
            required=True,
            cwt=cwt + 2,
        ),
    )
