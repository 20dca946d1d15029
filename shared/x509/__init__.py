"""Certificates (RFC 5280): who certifies whose key for which role, at what time, and what was withdrawn since.

An anchor certifies leaves, a leaf has exactly one role (security rule S1), and a chain travels in ``x5c`` without its anchor
(OpenID4VC HAIP 1.0 section 6.1.1). Document signers of others (ISO/IEC 18013-5 annex B) have rules of their own. Certificates are signed with P-256 and P-384.
"""

from __future__ import annotations

from .certificate import ROLE_OIDS, Cert, load_certificate, parse_x5c, render_pem, x5c_header
from .chain import MAX_CERTIFICATES, leads_elsewhere, verify_chain, verify_document_signer
from .crl import Crl, parse_crl, parse_crls, prepare_crl
from .document_signer import check_iaca
from .prepare import prepare_anchor, prepare_leaf

__all__ = [
    "MAX_CERTIFICATES",
    "ROLE_OIDS",
    "Cert",
    "Crl",
    "check_iaca",
    "leads_elsewhere",
    "load_certificate",
    "parse_crl",
    "parse_crls",
    "parse_x5c",
    "prepare_anchor",
    "prepare_crl",
    "prepare_leaf",
    "render_pem",
    "verify_chain",
    "verify_document_signer",
    "x5c_header",
]
