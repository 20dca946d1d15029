"""Status lists: publishing one cancellation, checking cold and warm, and what a list takes in memory and on the wire.

A cancelled document changes its twenty copies and some hundred entries that belong to nobody (security rule S23), all over the list. To
publish it is to write the list anew, sign both its forms, and pack the text for the wire.
"""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.jws import raw
from benchmarks.measure import Row, interleaved, row
from issuer.publish import _gzip
from shared.clock import system_clock, system_entropy
from shared.cose import kid_of
from shared.keys import KeyId, PublicKey
from shared.status import token_status_list
from shared.status._budget import Budget
from shared.status.deflated import Deflated
from shared.status.token_status_list import (
    StatusList,
    VerifiedStatusToken,
    parse_token,
    prepare_cwt,
    prepare_token,
    status_at,
    verify_token,
)

ENTRIES, PART = 10_000_000, 100  # one in a hundred is cancelled
CHANGES = 116  # twenty copies and the average of decoys
LIMIT = 140_000  # bytes of the whole compressed list
URI, KEY, NOW = "https://registry.example/status/1", KeyId("issuer"), system_clock()


@cache
def signer() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _drawn(count: int, below: int) -> list[int]:
    words = system_entropy(8 * count)
    return [int.from_bytes(words[at : at + 8], "big") % below for at in range(0, len(words), 8)]


def _list(bits: int, entries: int) -> tuple[StatusList, bytearray]:
    data = bytearray(entries * bits // 8)
    filled = StatusList(bits, entries, data)
    cancelled: set[int] = set()
    while len(cancelled) < entries // PART:
        cancelled.update(_drawn(entries // PART - len(cancelled), entries))
    for index in cancelled:
        filled.set(index, 1)
    return filled, data


class Published:
    """A list that is kept up."""

    def __init__(self, bits: int) -> None:
        self.statuses, self.data = _list(bits, ENTRIES)
        self.deflated = Deflated(self.data)

    def cancel(self, count: int = CHANGES) -> bytes:
        """The compressed list with so many entries cancelled more."""
        places = set()
        for index in _drawn(count, self.statuses.size):
            self.statuses.set(index, 1)
            places.add(index * self.statuses.bits >> 3)
        self.deflated.rewrite(places)
        return self.deflated.stream()

    def publish(self, count: int = CHANGES) -> None:
        sign_both(self.statuses, self.cancel(count))


def sign_both(filled: StatusList, compressed: bytes | None = None) -> tuple[str, bytes]:
    private = signer()
    jwt = prepare_token(list=filled, uri=URI, iat=NOW, key=KEY, compressed=compressed)
    cwt = prepare_cwt(list=filled, uri=URI, iat=NOW, key=KEY, kid=kid_of(PublicKey.of(private.public_key())), compressed=compressed)
    text = jwt.complete(raw(private, jwt.signing_input))
    _gzip(text.encode())
    return text, cwt.complete(raw(private, cwt.signing_input))


def publish() -> Row:
    """Floor: the whole list through zlib at its highest level, as everybody does; of it alone, nothing signed."""
    one, two = Published(1), Published(2)
    figures = interleaved(
        {
            "floor": lambda: zlib.compress(one.data, 9),
            "ours": one.publish,
            "of one entry": lambda: one.publish(1),
            "of two bits": two.publish,
        },
        rounds=7,
    )
    return row("status publish", figures, bar=50)


def size() -> Row:
    """Bytes of the compressed list of one bit: as first made, and after one and two cancellations beside."""
    one, two = Published(1), Published(2)
    whole = len(one.deflated.stream())
    peers = {
        "after one": len(one.cancel()),
        "after two": len(one.cancel()),
        "two bits": len(two.deflated.stream()),
        "zlib -9": len(zlib.compress(one.data, 9)),
        "zlib -9, two bits": len(zlib.compress(two.data, 9)),
    }
    return Row(name="status size", unit="bytes", ours=whole, floor=LIMIT, ratio=round(LIMIT / whole, 3), bar=1.0, peers=peers)


def cold() -> Row:
    """A list of a million entries never seen before: read, verified, unpacked, looked up. Floor: to unpack it."""
    filled, data = _list(1, 1_000_000)
    compressed = Deflated(data).stream()
    jwt, cwt = sign_both(filled, compressed)
    public = PublicKey.of(signer().public_key())

    def check(token: str | bytes) -> int:
        token_status_list._VERIFIED = Budget(256 << 20)  # noqa: SLF001 - as in a process that has just begun
        return status_at(verify_token(parse_token(token), uri=URI, key=public, at=NOW), 4711)

    signature = raw(signer(), b"x" * 200)
    figures = interleaved(
        {
            "floor": lambda: zlib.decompress(compressed),
            "ours": lambda: check(cwt),
            "as JWT": lambda: check(jwt),
            "a signature": lambda: public.verify(signature, b"x" * 200),
        }
    )
    return row("status check cold 1M", figures, bar=None)


def warm() -> Row:
    """Another document of a list that is in memory. Floor: a look into a byte."""
    filled, data = _list(1, 1_000_000)
    _, cwt = sign_both(filled, Deflated(data).stream())
    public = PublicKey.of(signer().public_key())
    token: VerifiedStatusToken = verify_token(parse_token(cwt), uri=URI, key=public, at=NOW)
    status_at(token, 0)

    def again() -> int:
        return status_at(verify_token(parse_token(cwt), uri=URI, key=public, at=NOW), 4711)

    figures = interleaved(
        {"floor": lambda: data[4711 >> 3] >> (4711 & 7) & 1, "ours": lambda: status_at(token, 4711), "from its bytes": again}
    )
    return row("status check warm", figures, bar=None)


def memory() -> Row:
    """Bytes that a list of ten million entries of two bits takes where documents are checked, and where it is published. Floor: its bits."""
    filled, data = _list(2, ENTRIES)
    compressed = Deflated(data).stream()
    _, cwt = sign_both(filled, compressed)
    public = PublicKey.of(signer().public_key())
    checking = _held(lambda: verify_token(parse_token(cwt), uri=URI, key=public, at=NOW).statuses)
    publishing = _held(lambda: Deflated(data))
    floor = len(data)
    return Row(
        name="status memory",
        unit="bytes",
        ours=checking,
        floor=floor,
        ratio=round(floor / checking, 3),
        peers={"publishing": floor + publishing},
    )


def _held(make: Callable[[], object]) -> int:
    tracemalloc.start()
    kept = make()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return held
