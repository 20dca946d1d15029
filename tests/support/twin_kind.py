"""A second kind of document with the same ready questions as the first, for requests that name several kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from support.trial_verify import VCT, credential_type

from shared.credentials import CredentialType, Text

TWIN_VCT = "urn:fdc:vct.example:2027:deputyship:1"


@cache
def twin() -> CredentialType:
    return replace(
        credential_type(),
        id="deputyship",
        vct=TWIN_VCT,
        vct_int=99,
        doctype="example.deputyship.1",
        title=Text("Deputyship", "Dirprwyaeth"),
    )


def both_kinds(_: object = ()) -> Mapping[str, CredentialType]:
    return MappingProxyType({VCT: credential_type(), TWIN_VCT: twin()})
