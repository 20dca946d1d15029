"""Digital Credentials Query Language (OpenID4VP 1.0 sections 6 and 7): what a verifier asks, and what of it a wallet can answer.

``match`` is the wallet's side and yields, per credential query, which held documents answer it and with exactly which claims;
``check_satisfied`` is the verifier's side.
"""

from ._query import (
    ClaimQuery,
    CredentialQuery,
    CredentialSet,
    DcqlQuery,
    Scalar,
    TrustedAuthority,
    parse_path,
    parse_query,
    render_query,
)
from ._select import Selected, related, select
from ._verifier import check_satisfied
from ._wallet import Candidate, Held, Match, Selection, SetChoice, match

__all__ = [
    "Candidate",
    "ClaimQuery",
    "CredentialQuery",
    "CredentialSet",
    "DcqlQuery",
    "Held",
    "Match",
    "Scalar",
    "Selected",
    "Selection",
    "SetChoice",
    "TrustedAuthority",
    "check_satisfied",
    "match",
    "parse_path",
    "parse_query",
    "related",
    "render_query",
    "select",
]
