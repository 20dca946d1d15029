"""Ten digits for a desk without a camera that the wallet could scan (security rule S7; docs/ovp.md section 9).

Eight random digits, and two that depend on the organisation and its use: a wallet notices 99 of 100 mistakes in typing the digits or in
picking whom they are for, before anything is signed.
"""

from __future__ import annotations

import hashlib
from typing import Final

from ..clock import Entropy
from ..codec import base64url, cbor
from ..cose import thumbprint
from ..errors import Malformed
from ..keys import PublicKey

SECONDS: Final = 180
"""How long a code can be answered."""
_DIGITS: Final = 8
_ALL: Final = 10


def make_code(*, entity: str, use: str, entropy: Entropy) -> str:
    """A new code to read out or to type: ten digits."""
    number = f"{int.from_bytes(entropy(8), 'big') % 10**_DIGITS:08d}"
    return number + _check_digits(number, entity, use)


def parse_code(typed: str, *, entity: str, use: str) -> str:
    """The ten digits, freed of spaces and hyphens; ``Malformed`` unless they were made for ``entity`` and ``use``."""
    code = typed.replace(" ", "").replace("-", "")
    if len(code) != _ALL or not code.isascii() or not code.isdigit():
        raise Malformed("a code has ten digits", where="code")
    if code[_DIGITS:] != _check_digits(code[:_DIGITS], entity, use):
        raise Malformed("this is not a code of that organisation for that use", where="code")
    return code


def code_nonce(code: str, *, entity: str, use: str) -> bytes:
    """What the answer's ``cnonce`` is."""
    return hashlib.sha256(b"OVP1 answer" + _bound(code[:_DIGITS], entity, use)).digest()


def code_audience(public: PublicKey) -> str:
    """Of a relying party, from the thumbprint of its registered key; its first letters say the mode (S6)."""
    return f"c:{base64url.encode(thumbprint(public))}"


def _check_digits(number: str, entity: str, use: str) -> str:
    head = hashlib.sha256(b"OVP1 code" + _bound(number, entity, use)).digest()[:4]
    return f"{int.from_bytes(head, 'big') % 100:02d}"


def _bound(number: str, entity: str, use: str) -> bytes:
    return cbor.dumps([number, entity, use])
