"""Addresses and form bodies as strangers send them: one value a name, bounded, and no plain HTTP but where a deployment says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from .errors import Malformed, TooLarge, VcError

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""What a demonstration on one machine passes as ``plain_http``."""

_MAX_URL = 8_192  # characters; a request by value in a link is the longest that we meet
_MAX_FIELDS = 64
_SHARED = frozenset({
    "gov.uk", "service.gov.uk", "co.uk", "org.uk", "ac.uk", "nhs.uk", "police.uk", "sch.uk", "ltd.uk", "plc.uk", "net.uk", "me.uk",
    "gov.wales", "nhs.wales", "llyw.cymru", "gig.cymru", "gov.scot", "nhs.scot", "gov.ie", "gouv.fr", "gov.it", "gob.es", "gov.pt", "gov.gr",
    "gov.pl", "com.pl", "gov.mt", "com.mt", "gov.cy", "com.cy", "com.au", "gov.au", "org.au", "edu.au", "co.nz", "govt.nz", "org.nz", "co.za", "gov.za",
})  # fmt: skip
"""Names below which many have names of their own: of the public suffixes those below which offices, and the bodies that ask, mostly stand."""


@dataclass(frozen=True, slots=True)
class Links:
    """The same thing twice: an https page for everybody's camera, a scheme link for whoever registered the scheme."""

    https: str
    scheme: str


def check_https(url: str, *, where: str = "", plain_http: Collection[str] = ()) -> str:
    """Return ``url`` if it is an absolute https URL without credentials or fragment, else raise ``Malformed``.

    ``plain_http`` names the hosts (``host`` or ``host:port``) that may be spoken to without TLS.
    """
    if "#" in check_link(url, where=where, plain_http=plain_http):
        raise Malformed("an address here has no fragment", where=where)
    return url


def check_link(url: str, *, where: str = "", plain_http: Collection[str] = ()) -> str:
    """As ``check_https``, but a fragment is allowed: somewhere to send a person, not a program."""
    parts = split(url, where=where)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise Malformed("an https address is needed here", where=where)
    if parts.username is not None or parts.password is not None:
        raise Malformed("an address here has no credentials", where=where)
    if parts.scheme == "http" and not _allowed(parts, plain_http):
        raise Malformed("an address here uses https", where=where)
    return url


def check_identifier(url: str, *, where: str = "", plain_http: Collection[str] = ()) -> str:
    """As ``check_https``, and no query: the form of issuer identifiers (OpenID4VCI section 12.2.1, RFC 8414 section 2)."""
    if "?" in check_https(url, where=where, plain_http=plain_http):
        raise Malformed("an identifier has no query", where=where)
    return url


def split(url: str, *, where: str = "") -> SplitResult:
    """The parts of an address that is printable ASCII throughout; ``Malformed`` otherwise."""
    if len(url) > _MAX_URL:
        raise TooLarge("this address is too long", where=where)
    if not url.isascii() or any(not "!" <= char <= "~" or char in '"<>\\^`{|}' for char in url):
        raise Malformed("an address is made of printable ASCII characters", where=where)
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        raise Malformed("this is not an address", where=where) from error
    return parts


def same_house(one: str, other: str) -> bool:
    """Whether two addresses seem to be of one organisation: one port, and one host, or hosts below the same registered name; not where either is none.

    A registered name has one part more than what is shared, which is one of a few names (``council.gov.uk``), or the last part else (``council.de``).
    """
    try:
        first, second = split(one), split(other)
    except VcError:
        return False
    if not first.hostname or not second.hostname or _port(first) != _port(second):
        return False
    short, long = sorted((each.hostname.rstrip(".").split(".")[::-1] for each in (first, second) if each.hostname), key=len)
    if short == long:
        return True
    if ":" in first.hostname + second.hostname or short[0].isdigit() or len(short) == 1:  # numbers have no names above them
        return False
    shared = max((parts for parts in (2, 3) if ".".join(short[parts - 1 :: -1]) in _SHARED), default=1)
    return len(short) > shared and short[: shared + 1] == long[: shared + 1]


def _port(parts: SplitResult) -> int:
    return parts.port or (80 if parts.scheme == "http" else 443)


def _allowed(parts: SplitResult, hosts: Collection[str]) -> bool:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host in hosts or f"{host}:{parts.port or 80}" in hosts


def well_known(identifier: str, name: str) -> str:
    """``/.well-known/<name>`` inserted between host and path (OpenID4VCI section 12.2.2, RFC 8414 section 3.1).

    RFC 8414 takes a final slash away first; OpenID4VCI does not, but for a path that is nothing else.
    """
    parts = urlsplit(identifier)
    path = "" if parts.path == "/" else parts.path
    if name == "oauth-authorization-server":
        path = path.removesuffix("/")
    return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{path}"


def with_query(base: str, parameters: Mapping[str, str]) -> str:
    """``base`` with ``parameters`` added to its query."""
    return f"{base}{'&' if '?' in base else '?'}{urlencode(parameters, quote_via=quote)}"


def query_of(link: str, *, where: str = "") -> dict[str, str]:
    """The query parameters of a link of any scheme; a repeated name is ``Malformed``."""
    return parse_form(split(link, where=where).query, where=where)


def parse_form(body: bytes | str, *, where: str = "", max_bytes: int = 1_000_000) -> dict[str, str]:
    """``application/x-www-form-urlencoded`` with one value a name (RFC 6749 section 3.2: parameters are not repeated)."""
    if len(body) > max_bytes:
        raise TooLarge("this form is too large", where=where)
    try:
        text = body if isinstance(body, str) else body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise Malformed("this is not a form of names and values", where=where) from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Malformed("a parameter is repeated", where=where)
    return form


def render_form(parameters: Mapping[str, str]) -> bytes:
    """The body of a form post."""
    return urlencode(parameters).encode("ascii")
