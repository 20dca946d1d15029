"""Mdocs that others sign: who may say this type, where the certificate names a purpose and nobody (ISO/IEC 18013-5 annex B).

Only anchors that are pinned with that profile are asked here, and they are asked nowhere else: neither does a certificate with our role serve
under one of them, nor one of a document signer under any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..errors import NotEntitled, Rejected, SnapshotMissing, StatusUnknown, Undecided, Untrusted
from ..formats import Parsed
from ..keys import PublicKey
from ..status.token_status_list import CWT_MEDIA_TYPE, StatusToken
from ..x509 import Cert, Crl, load_certificate, verify_document_signer
from ..x509.document_signer import country_of
from .anchors import Anchor
from .policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSigner:
    """A document signer in force. It is its ``anchor`` that says whom it signs for; what its certificate says of that counts for nothing."""

    leaf: Cert
    anchor: Anchor

    @property
    def entity(self) -> str:
        """The issuer of what it signs."""
        return self.anchor.entity or ""

    @property
    def subject(self) -> str:
        """The issuer's name for people, by its pin."""
        return self.anchor.name

    @property
    def public(self) -> PublicKey:
        return self.leaf.public

    def check_said(self, claims: Mapping[str, Any]) -> None:
        """``NotEntitled`` for a document that says it is of another country than its signer (ISO/IEC 18013-5 section 9.3.1)."""
        said = claims.get("issuing_country")
        if said is not None and said != country_of(self.leaf):
            raise NotEntitled("the document says that it is of another country than its signer", where="/issuing_country")

    def name(self, parsed: Parsed) -> Parsed:
        """What it signed, with its issuer."""
        return msgspec.structs.replace(parsed, issuer=self.entity)


def check_document_signer(policy: Policy, x5c: Sequence[bytes], doctype: str, at: int, crls: Sequence[Crl] = ()) -> DocumentSigner:
    """The signer, if it is right below an authority that is pinned for documents of that ``doctype``, at that time.

    ``Untrusted``, ``CertificateRevoked``; ``NotEntitled`` for another doctype, or a certificate that is not as the annex has it; ``CrlStale``
    and, in a checking pack, ``SnapshotMissing`` where nobody can tell.
    """
    closest: Rejected | Undecided = Untrusted("the document signer is under no authority that is trusted here")
    for anchor in policy.anchors.iacas:
        try:
            leaf = _below(policy, anchor, x5c, at, crls)
            if doctype not in (anchor.vcts or ()):
                raise NotEntitled("the issuer is trusted, but not for this type of document")
        except Untrusted:
            continue
        except (Rejected, Undecided) as error:
            closest = error
        else:
            return DocumentSigner(leaf=leaf, anchor=anchor)
    raise closest


def check_list_signer(policy: Policy, anchor: Anchor, token: StatusToken, at: int, crls: Sequence[Crl] = ()) -> PublicKey:
    """The key of a list of mdocs' states, which is a CWT of one bit each, with its certificate, by a signer under the documents' own authority.

    ``StatusUnknown`` for another kind of list, else errors as above.
    """
    if token.media_type != CWT_MEDIA_TYPE or token.bits != 1 or not token.x5c:
        raise StatusUnknown("a status list of mdocs is a CWT of one bit each, with the certificate of its signer")
    return _below(policy, anchor, token.x5c, at, crls).public


def list_key(policy: Policy, entity: str, token: StatusToken, at: int) -> PublicKey | None:
    """As above, under any authority that is pinned as ``entity``; ``None`` where no document signer signed the list."""
    if not token.x5c or not load_certificate(token.x5c[0], "/x5c/0").is_document_signer:
        return None
    closest: Rejected | Undecided = Untrusted("the document signer is under no authority that is trusted here")
    for anchor in policy.anchors.iacas:
        if anchor.entity == entity:
            try:
                return check_list_signer(policy, anchor, token, at)
            except (Rejected, Undecided) as error:
                closest = error
    raise closest


def _below(policy: Policy, anchor: Anchor, x5c: Sequence[bytes], at: int, crls: Sequence[Crl]) -> Cert:
    leaf = verify_document_signer(x5c, anchor.certificate, at=at, crls=(*policy.crls, *crls))
    if anchor.fingerprint in policy.needs:
        raise SnapshotMissing("this issuer never says which of its certificates are in force; it may be pinned as one without")
    return leaf
