"""What ties the two sides of a power of attorney together, so that its use can be reported to the donor (security rule S27).

The donor's document has a secret, the attorney's the SHA-256 of it. Each stands in a group of its own, and nobody ever asks for either:
the attorney's wallet leaves its reports under the one, the donor's collects them by the other.
"""

from __future__ import annotations

from ._claim import Claim, ClaimPath, Disclosure, Group, Kind, Text

TAG: ClaimPath = ("report_tag",)
SECRET: ClaimPath = ("report_secret",)
GROUP = "reports"
"""No page shows what is in it: it tells people nothing."""
_TAG_CHARACTERS, _SECRET_CHARACTERS = 43, 22
_HINT = Text("Leave it out: it is made here, and shown to nobody", "Gadewch ef allan: fe’i gwneir yma, ac ni ddangosir ef i neb")


def reports(cwt: int, within: str = "") -> Group:
    """The group, by its number in the compact form."""
    return Group(id=GROUP, label=Text("For telling the donor", "Ar gyfer rhoi gwybod i’r rhoddwr"), cwt=cwt, within=within)


def tag_claim(cwt: int) -> Claim:
    """The attorney's half."""
    return Claim(
        path=("report_tag",),
        kind=Kind.TEXT,
        label=Text("Mark for reports to the donor", "Marc ar gyfer adroddiadau i’r rhoddwr"),
        group=GROUP,
        disclosure=Disclosure.ONCE,
        max_length=_TAG_CHARACTERS,
        hint=_HINT,
        cwt=cwt,
    )


def secret_claim(cwt: int) -> Claim:
    """The donor's half."""
    return Claim(
        path=("report_secret",),
        kind=Kind.TEXT,
        label=Text("Key to the reports", "Allwedd i’r adroddiadau"),
        group=GROUP,
        disclosure=Disclosure.ONCE,
        max_length=_SECRET_CHARACTERS,
        hint=_HINT,
        cwt=cwt,
    )
