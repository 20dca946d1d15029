"""An issuer of mdocs in another country: a document signer under an IACA, neither of which knows anything of our roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cbor2
from support.chains import document_signer, iaca
from support.forge import b64, unb64
from support.signing import AT, Signer, anchor, leaf
from support.trial_verify import DAY, ISSUER, LIST, Authority, credential_type, issue, status_cwt

from shared.codec import cbor
from shared.keys import Role
from shared.trust.anchors import ISO_18013_5, Anchor

ROOT = iaca()
SIGNER, _OURS = Signer.new(), Signer.new()
DS = document_signer(ROOT, key=SIGNER.private)
DOCTYPE = credential_type().doctype
_NAMES = {(who, each) for who in ("represented", "proxy") for each in ("given_name", "family_name")}
_ASKED = {("represented", "birthdate"), ("represented", "address", "postal_code"), *_NAMES}
# what the bank's ready question asks of the trial document
ELEMENTS = [(DOCTYPE, "powers"), *((DOCTYPE, each.mdoc_element) for each in credential_type().claims if each.path in _ASKED)]
_REGISTRY = anchor(_OURS, at=AT - 30 * DAY)
UTOPIA = Authority(_OURS, _REGISTRY, SIGNER, (leaf(SIGNER, _REGISTRY, _OURS, uri=ISSUER, at=AT - 30 * DAY),), ISSUER)
"""The same signer as our own code wants it, with a certificate that nobody trusts."""


def pin(**changes: Any) -> Anchor:
    members: dict[str, Any] = {"name": "Utopia", "entity": ISSUER, "vcts": (DOCTYPE,), "profile": ISO_18013_5, "certificate": ROOT.ours}
    return Anchor(**({"role": Role.CREDENTIAL_ISSUER, **members} | changes))


def certified(wire: str, ds: bytes = DS) -> str:
    """A copy with the certificate of a document signer in the place of ours: it stands in an unprotected header."""
    issued = cbor.loads(unb64(wire))
    issued["issuerAuth"][1][33] = ds
    return b64(cbor2.dumps(issued))


def made(ds: bytes = DS, **changes: Any) -> str:
    """The trial document."""
    return certified(issue("mso_mdoc", by=UTOPIA, seed="utopia", **changes), ds)


def a_list(values: Mapping[int, int] | None = None, *, ds: bytes = DS, by: Signer = SIGNER, uri: str = LIST, **changes: Any) -> bytes:
    """What became of its documents."""
    authority = Authority(_OURS, _REGISTRY, by, (ds,), ISSUER)
    return status_cwt(values, by=authority, uri=uri, **{"bits": 1, **changes})
