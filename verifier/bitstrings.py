"""Bitstring Status Lists of others. No metadata announces them, so the settings name them; the clock alone decides when they are fetched.

What came with a document never adds to them: whoever serves a list would learn that somebody showed a document of it (security rule S21).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from shared.errors import Rejected, StatusUnknown, Unavailable, Undecided, Untrusted
from shared.flow import Fetch, Fetched, run
from shared.status.bitstring import MEDIA_TYPE, Bitstring, VerifiedBitstring, parse_bitstring, verify_bitstring
from shared.status.token_status_list import MAX_TOKEN
from shared.trust.anchors import TrustAnchors
from shared.urls import check_https
from shared.verify import Knowledge, check_issuer
from verifier.desk import Desk

Answer = Callable[[Fetch], Fetched]
Fetching = Callable[[Fetch], Awaitable[Fetched]]
MOST: Final = 64


async def fetch_list(desk: Desk, uri: str, fetch: Fetching, known: Knowledge, answer: Answer, *, kept: str = "") -> VerifiedBitstring:
    """The list at ``uri``, if somebody who is trusted here signed it for that address. Raises as fetching, parsing and verifying do.

    ``kept`` is what it said before: while that lasts, nobody but its issuer has a word there, whatever else he is trusted for.
    """
    check_https(uri, plain_http=desk.plain_http)
    got = await fetch(Fetch(url=uri, headers={"accept": MEDIA_TYPE}, max_bytes=MAX_TOKEN))
    if got.status != 200:
        raise Unavailable(f"it answered {got.status}")
    found = _verify(parse_bitstring(got.body), uri, _kinds(desk.trust, desk.types), known, answer)
    before = parse_bitstring(kept.encode()) if kept else found
    if before.issuer != found.issuer and known.at < before.exp:
        raise Untrusted("it is the list of another issuer than the one that is kept")
    return found


def _kinds(trust: TrustAnchors, types: Iterable[str]) -> list[str]:
    """The kinds of document that whoever is trusted may make: a list names none itself, and is judged again with each document."""
    named = [*(pin.vcts for pin in trust.dids), *(anchor.vcts for anchor in trust.anchors)]
    return list(dict.fromkeys((*types, *(vct for vcts in named for vct in vcts or ()))))


def _verify(token: Bitstring, uri: str, kinds: Sequence[str], known: Knowledge, answer: Answer) -> VerifiedBitstring:
    """Whoever serves an address cannot put another list in the place of a good one."""
    fault: Rejected | Undecided = StatusUnknown("nobody is trusted to make any document here")
    for vct in kinds:
        try:
            issuer = run(check_issuer(token.issuer, vct, token.x5c, known, name=token.kid), answer)
            verified = verify_bitstring(token, uri=uri, issuer=token.issuer, key=issuer.public, at=known.at)
        except (Rejected, Undecided) as error:
            fault = error
        else:
            _ = verified.data  # one that cannot be unpacked says nothing, and teaches nothing
            return verified
    raise fault
