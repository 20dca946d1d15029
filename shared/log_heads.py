"""The head of a log as its service signs it once a day (security rule S25).

A JWT ``{iss, iat, size, digest}`` by the service's own certified key, of typ ``log-head+jwt`` where it asks and ``issuer-log-head+jwt`` where it
makes documents. Between two heads lie the commitments of the entries, which tell nothing of them: with those, whoever kept a head sees
whether the log has grown out of it (``receipts.verify_log``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from .clock import DAY
from .codec import base64url, reader, strict_json
from .errors import HistoryRewritten, Malformed, Unavailable, Untrusted, WrongTyp
from .flow import Fetch, Fetched, Flow
from .jose import jwt
from .keys import KeyId, Role, Unsigned
from .receipts import EMPTY_HEAD, LogEntry, LogHead, verify_log
from .trust.policy import Policy
from .urls import check_https
from .x509 import parse_x5c, x5c_header

TYPS: Final[Mapping[Role, str]] = MappingProxyType(
    {Role.RELYING_PARTY: "log-head+jwt", Role.CREDENTIAL_ISSUER: "issuer-log-head+jwt"},
)
"""No typ is of two roles (S1)."""
MAX_BYTES: Final = 65_536
HEADS_PAGE: Final = 31
PAGE: Final = 1_000  # commitments
MAX_FOLLOWED: Final = 100_000
"""Entries that one visit follows a log over; the next one goes on from where it stood (``Followed.reached``)."""
STALE: Final = 2 * DAY
"""Seconds after which a newest head is old: one is signed each day, whether or not anything was entered."""
LEEWAY: Final = 300
"""Seconds between the instant that a decision names and its entry in the log: decisions of one time are entered in any order."""
_SIZE = 32  # bytes of a digest or a commitment
_MAX_PAGE = 1_000_000  # bytes
_MAX_PAGES = 60  # of heads: five years
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_BEGINNING = LogHead(size=0, digest=EMPTY_HEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """Where the log of ``entity`` stood at ``at``, by its own word: in a signed head, or in a receipt."""

    entity: str
    at: int
    head: LogHead


def prepare_log_head(said: SignedHead, *, role: Role, key: KeyId, x5c: Sequence[bytes], alg: str = "ES256") -> Unsigned[str]:
    """The head, lacking its signature by the key that signs receipts, or documents, at present."""
    claims = {"iss": said.entity, "iat": said.at, "size": said.head.size, "digest": base64url.encode(said.head.digest)}
    return jwt.prepare_jwt(claims, typ=TYPS[role], key=key, alg=alg, header={"x5c": x5c_header(x5c)})


def verify_log_head(token: str, *, policy: Policy, role: Role, entity: str, at: int) -> SignedHead:
    """The head, if ``entity`` signed it, as somebody who asks or makes documents (``role``).

    Raises ``WrongTyp``, ``BadSignature``, ``NotYetValid``, ``Untrusted`` and the other classes of a chain, or ``Malformed``.
    """
    parsed, chain = _open(token)
    if role is Role.RELYING_PARTY:
        signer = policy.check_relying_party(chain, at, entity=entity)
    else:
        signer = policy.check_metadata_signer(chain, entity, at)
    said = _read(jwt.verify_jwt(parsed, signer.public, typ=TYPS[role], at=at))
    if said.entity != entity:
        raise Untrusted("this is the log of somebody else", where="/iss")
    return said


def peek_log_head(token: str) -> SignedHead:
    """What a signed head says, unverified."""
    return _read(_open(token)[0].claims)


def _open(token: str) -> tuple[jwt.Jwt, tuple[bytes, ...]]:
    parsed = jwt.parse_jwt(token, max_bytes=MAX_BYTES)
    if parsed.header.get("typ") not in TYPS.values():
        raise WrongTyp("this is not the head of a log", where="/typ")
    return parsed, parse_x5c(parsed.header.get("x5c"), "/x5c")


def _read(claims: dict[str, object]) -> SignedHead:
    digest = base64url.decode(reader.get_str(claims, "digest"), where="/digest")
    if len(digest) != _SIZE:
        raise Malformed(f"{_SIZE} bytes are demanded here", where="/digest")
    return SignedHead(
        entity=reader.get_str(claims, "iss", max_length=2_048),
        at=reader.get_int(claims, "iat"),
        head=LogHead(size=reader.get_int(claims, "size"), digest=digest),
    )


# --- following a log -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A log as far as it was followed: the newest signed head, the earlier one from which the way to it was taken, and the way itself.

    Unless it is ``whole`` the way ends before the newest head, where no head is signed: the next visit takes it up from what was ``reached``.
    """

    token: str
    newest: SignedHead
    start: LogHead
    commitments: tuple[bytes, ...]

    @property
    def whole(self) -> bool:
        """Whether the way leads to the newest head."""
        return self.start.size + len(self.commitments) >= self.newest.head.size

    @property
    def reached(self) -> LogHead:
        """Where the way ends."""
        return self._walk(())

    def _walk(self, heads: Sequence[LogHead]) -> LogHead:
        return verify_log([LogEntry(commitment=each) for each in self.commitments], heads=heads, start=self.start)

    def older(self, signed: SignedHead) -> bool:
        """Whether the newest head is from before one that the same body ``signed``: what became of its log since, it does not show."""
        return (self.newest.at, self.newest.head.size) < (signed.at, signed.head.size)

    def check(self, told: Collection[SignedHead], signed: Collection[SignedHead] = ()) -> None:
        """``HistoryRewritten`` unless the way has on it the newest head, if it is ``whole``, and all known ones that it passes.

        Longer ones are from after the newest head; who was ``told`` one well before it, or has one that was ``signed`` before it, holds the proof
        that entries are gone.
        """
        end = min(self.start.size + len(self.commitments), self.newest.head.size)
        on_it = [each.head for each in (*told, *signed) if self.start.size <= each.head.size <= end]
        longer = [each for each in told if each.at < self.newest.at - LEEWAY] + [each for each in signed if each.at < self.newest.at]
        if any(each.head.size > self.newest.head.size for each in longer):
            raise HistoryRewritten("the log has lost entries that an earlier head speaks of", where=f"/{self.newest.head.size}")
        self._walk((self.newest.head, *on_it) if self.whole else on_it)


def render_heads(tokens: Sequence[str], following: str | None) -> bytes:
    """A page of signed heads, newest first; ``following`` is the day (ISO 8601) before which the next page begins."""
    return strict_json.dumps({"heads": list(tokens), **({"before": following} if following else {})})


def render_commitments(first: int, commitments: Sequence[bytes]) -> bytes:
    """Those of the entries from number ``first`` on."""
    return strict_json.dumps({"from": first, "commitments": [base64url.encode(each) for each in commitments]})


def follow_log(
    site: str,
    *,
    oldest: int,
    check: Callable[[str], SignedHead],
    plain_http: Collection[str] = (),
    reached: LogHead | None = None,
) -> Flow[Followed | None]:
    """The log of the body at ``site``, from a signed head on that has at most ``oldest`` entries, else from its beginning; ``None`` if it publishes none.

    ``check`` verifies the newest head; earlier ones are only where the way begins. Requests are whole pages of days, the same from everybody
    who looks that far back (security rule S21). ``MAX_FOLLOWED`` entries are followed at once; with ``reached`` the way begins where an earlier
    visit left off, and ``oldest`` says nothing.
    """
    got = yield _request(f"{site}/log/heads", plain_http)
    if got.status in {404, 410}:
        return None
    tokens, before = _heads_in(_body(got))
    if not tokens:
        return None
    token, newest = tokens[0], check(tokens[0])
    start = reached or (yield from _begin(site, tokens, before, oldest, plain_http))
    end = min(newest.head.size, start.size + MAX_FOLLOWED)
    found: list[bytes] = []
    for first in range(start.size + 1, end + 1, PAGE):
        last = min(first + PAGE - 1, end)
        page = _commitments_in(_body((yield _request(f"{site}/log/commitments?from={first}&to={last}", plain_http))))
        if len(page) != last - first + 1:
            raise HistoryRewritten("entries that the newest head counts are missing", where=f"/{first}")
        found += page
    return Followed(token=token, newest=newest, start=start, commitments=tuple(found))


def _begin(site: str, tokens: Sequence[str], before: str, oldest: int, plain_http: Collection[str]) -> Flow[LogHead]:
    """The newest signed head with at most ``oldest`` entries that ends a page, from the page of ``tokens`` back; else the beginning."""
    start = peek_log_head(tokens[-1]).head
    for _ in range(_MAX_PAGES):
        if start.size <= oldest or not before:
            break
        tokens, before = _heads_in(_body((yield _request(f"{site}/log/heads?before={before}", plain_http))))
        start = peek_log_head(tokens[-1]).head if tokens else _BEGINNING
    return start if start.size <= oldest else _BEGINNING


def _request(url: str, plain_http: Collection[str]) -> Fetch:
    return Fetch(url=check_https(url, plain_http=plain_http), headers={"accept": "application/json"}, max_bytes=_MAX_PAGE)


def _body(got: Fetched) -> dict[str, Any]:
    if got.status != 200:
        raise Unavailable(f"it answered {got.status}")
    return strict_json.load_object(got.body, max_bytes=_MAX_PAGE)


def _heads_in(page: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    before = reader.get_str(page, "before", optional=True, max_length=10) or ""
    if before and not _DAY.fullmatch(before):
        raise Malformed("a day is demanded here", where="/before")
    return reader.get_strings(page, "heads", max_items=HEADS_PAGE), before


def _commitments_in(page: Mapping[str, Any]) -> list[bytes]:
    found = [base64url.decode(each, where="/commitments") for each in reader.get_strings(page, "commitments", max_items=PAGE)]
    if any(len(each) != _SIZE for each in found):
        raise Malformed(f"{_SIZE} bytes are demanded here", where="/commitments")
    return found
