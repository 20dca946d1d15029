"""SD-CWT: issue, present and verify a power of attorney, beside the raw signatures and hashes that nobody can avoid.

Twelve groups and decoys, of which two are shown: donor and attorney by name, what every desk asks. There is no peer: no library for
Python reads the current draft.
"""

from __future__ import annotations

import hashlib
from functools import cache

from benchmarks.jws import SHA256, raw
from benchmarks.measure import Row, interleaved, row
from benchmarks.sd_jwt import DAY, ISSUER, NOW, keys
from demo.poa import LPA_1
from shared.clock import system_entropy
from shared.codec import base64url
from shared.cose import kid_of
from shared.credentials import by_id
from shared.formats import Binding, Credential, Parsed, StatusReference, formats
from shared.keys import KeyId

FORMAT = formats()["dc+sd-cwt"]
BINDING = Binding(audience="l:" + "A" * 43, nonce=base64url.encode(bytes(32)), max_age=None)
SHOWN = [(person, name) for person in ("represented", "proxy") for name in ("given_name", "family_name")]
HASHES = 12


@cache
def kid() -> bytes:
    return kid_of(keys().issuer_public)


def issue_ours() -> str:
    credential = Credential(
        type=by_id("representation"), claims=LPA_1, issuer=ISSUER, issued_at=DAY, expires_at=DAY + 30 * 86_400,
        status=StatusReference(uri=f"{ISSUER}/s/1", idx=4711), kid=kid(),
    )  # fmt: skip
    unsigned = FORMAT.prepare(credential, key=KeyId("issuer"), holder=keys().holder_public, entropy=system_entropy)
    return unsigned.complete(raw(keys().issuer, unsigned.signing_input))


def _present(chosen: Parsed) -> str:
    unsigned = FORMAT.present(chosen, BINDING, key=KeyId("holder"), at=NOW)
    return unsigned.complete(raw(keys().holder, unsigned.signing_input))


def issue() -> Row:
    """Floor: one raw signature and a SHA-256 for each group."""
    block, private = b"x" * 80, keys().issuer

    def floor() -> None:
        private.sign(block, SHA256)
        for _ in range(HASHES):
            hashlib.sha256(block).digest()

    return row("sd-cwt issue", interleaved({"floor": floor, "ours": issue_ours}), bar=0.30)


def present() -> Row:
    """Floor: one raw signature. From a document in hand with its groups chosen."""
    chosen = FORMAT.disclose(FORMAT.parse(issue_ours()), SHOWN)
    private = keys().holder
    figures = interleaved({"floor": lambda: private.sign(b"x" * 700, SHA256), "ours": lambda: _present(chosen)})
    return row("sd-cwt present", figures, bar=0.55)


def verify() -> Row:
    """Floor: two raw verifications. Ours reads the bytes and makes all checks of the draft, the two signatures among them."""
    shown = _present(FORMAT.disclose(FORMAT.parse(issue_ours()), SHOWN))
    private, native = keys().issuer, keys().issuer.public_key()
    block = b"x" * 700
    der = private.sign(block, SHA256)

    def floor() -> None:
        native.verify(der, block, SHA256)
        native.verify(der, block, SHA256)

    def ours() -> None:
        FORMAT.verify(FORMAT.parse(shown), keys().issuer_public, binding=BINDING, at=NOW)

    return row("sd-cwt verify", interleaved({"floor": floor, "ours": ours}), bar=0.70)
