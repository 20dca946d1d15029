"""The only door outwards: drives the flows of the core over the network, and refuses addresses that a stranger must not make us call.

    fetched = await fetcher(Fetch(url="https://issuer.example/.well-known/openid-credential-issuer"))
    metadata = await arun(fetch_metadata(offer), fetcher)

https only, public addresses only, few ports, no redirects, no cookies, no sign-in in the address, bounded size and time. The name is
resolved once and the checked address is the one that is called, so that a name cannot point elsewhere a moment later. What the
operator lists in ``outbound_allow`` as ``host:port`` or ``host:*`` may be private and may be called without TLS.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import zlib
from collections.abc import Collection
from functools import cache
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ..errors import AddressRefused, ConfigError, TooLarge, Unavailable
from ..flow import Fetch, Fetched
from .settings import Common

_METHODS: Final = frozenset({"GET", "POST"})
_REFUSED_NETWORKS: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # a cloud's metadata and wire server on a public address
        "192.88.99.0/24",  # 6to4 relays
        "2002::/16",  # 6to4: carries an IPv4 address of the caller's choice
        "2001::/32",  # Teredo, likewise
        "fec0::/10",  # site-local, deprecated and still routed in places
    )
)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def check_public(address: str) -> None:
    """Raise ``AddressRefused`` unless ``address`` is a public unicast address, also when it hides inside an IPv6 one."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or (ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF) if parsed in _NAT64 else None)
        parsed = inner or parsed
    refused = any(parsed in network for network in _REFUSED_NETWORKS if network.version == parsed.version)
    if refused or not parsed.is_global or parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified:
        raise AddressRefused("this address is not a public one, and it is not listed in outbound_allow")


def listed(host: str, port: int, allow: Collection[str]) -> bool:
    """Whether the operator lists this address, at this port or at any."""
    return f"{host}:{port}" in allow or f"{host}:*" in allow


class CheckedResolver(AbstractResolver):
    """Resolves a name once and hands on only addresses that passed; aiohttp connects to exactly these."""

    def __init__(self, allow: Collection[str]) -> None:
        self._allow = allow

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """All addresses of ``host``; one bad address among them refuses the name."""
        found = await self.look_up(host, port, family)
        if not listed(host, port, self._allow):
            for one in found:
                check_public(one["host"])
        return found

    async def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        """The operating system's answer."""
        loop = asyncio.get_running_loop()
        flags = socket.AI_ADDRCONFIG
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=flags)
        return [
            ResolveResult(
                hostname=host,
                host=str(sockaddr[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, sockaddr in found
        ]

    async def close(self) -> None:
        """Nothing is held."""


class Fetcher:
    """One session a service. ``await fetcher(fetch)`` raises ``AddressRefused``, ``Unavailable`` or ``TooLarge``, nothing else."""

    def __init__(
        self,
        *,
        allow: Collection[str] = (),
        ports: Collection[int] = (443, 8443),
        ca_file: str = "",
        seconds: float = 10.0,
        resolver: CheckedResolver | None = None,
    ) -> None:
        self._allow = frozenset(pair.lower() for pair in allow)
        self._ports = frozenset(ports)
        self._tls = _tls(ca_file)
        self._timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=min(5.0, seconds))
        self._resolver = resolver if resolver is not None else CheckedResolver(self._allow)
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def of(cls, settings: Common) -> Fetcher:
        """As the settings ``outbound_…`` say."""
        return cls(
            allow=settings.outbound_allow,
            ports=settings.outbound_ports,
            ca_file=settings.outbound_ca_file,
            seconds=settings.outbound_seconds,
        )

    async def __call__(self, fetch: Fetch) -> Fetched:
        """Make one request. A redirect is an answer like any other: nobody follows it."""
        url = self._checked(fetch)
        headers = {"Accept-Encoding": "gzip, identity", "User-Agent": "muniment", **fetch.headers}
        try:
            async with self._open().request(
                fetch.method, url, headers=headers, data=fetch.body, allow_redirects=False, max_redirects=0
            ) as response:
                body = await _read(response, fetch.max_bytes)
                names = {name.lower() for name in response.headers}
                joined = {name: ", ".join(response.headers.getall(name)) for name in names}
                return Fetched(status=response.status, headers=joined, body=body)
        except AddressRefused:
            raise
        except aiohttp.InvalidURL as error:
            raise AddressRefused("this is not an address that can be called") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise Unavailable(f"{url.host} has no certificate that we trust") from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unavailable(f"{url.host} did not answer as it should") from error

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _checked(self, fetch: Fetch) -> URL:
        try:
            url = URL(fetch.url)
            host, port = (url.host or "").lower(), url.port or 0
        except (ValueError, TypeError) as error:
            raise AddressRefused("this is not an address that can be called") from error
        if url.scheme not in {"https", "http"} or not host or host.endswith(".") or fetch.method not in _METHODS:
            raise AddressRefused("only https addresses can be called")
        if url.user is not None or url.password is not None:
            raise AddressRefused("an address here has no sign-in")
        named = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if listed(f"[{host}]" if ":" in host else host, port, self._allow):
            return url.with_fragment(None)
        if url.scheme != "https":
            raise AddressRefused(f"{named} is not called without TLS, unless it is listed in outbound_allow")
        if port not in self._ports:
            raise AddressRefused(f"port {port} is not called, unless the address is listed in outbound_allow")
        if _is_literal(host):
            check_public(host)  # aiohttp asks no resolver about these
        return url.with_fragment(None)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(resolver=self._resolver, ssl=self._tls, limit=64, limit_per_host=16, use_dns_cache=False)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=8_190,
                max_field_size=16_380,
            )
        return self._session


def _tls(ca_file: str) -> ssl.SSLContext:
    if not ca_file:
        return _usual()
    context = _new()
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("outbound_ca_file cannot be read as certificates", where="outbound_ca_file") from error
    return context


def _new() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@cache
def _usual() -> ssl.SSLContext:
    """With the authorities that the machine trusts and no others: reading them takes a tenth of a second, and nobody changes it."""
    return _new()


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The body, never more than ``max_bytes`` of it, on the wire and inflated."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip"}:
        raise Unavailable("the answer is encoded in a way that was not asked for")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in encoding else None
    body = bytearray()
    wire = 0
    async for chunk in response.content.iter_chunked(16_384):
        wire += len(chunk)
        body += _inflated(inflate, chunk, max_bytes - len(body) + 1) if inflate else chunk
        if max(wire, len(body)) > max_bytes:
            raise TooLarge(f"the answer is larger than {max_bytes} bytes")
    if inflate and not inflate.eof:
        raise Unavailable("the answer ended too early")
    return bytes(body)


def _inflated(inflate: zlib._Decompress, chunk: bytes, room: int) -> bytes:
    try:
        return inflate.decompress(chunk, room)
    except zlib.error as error:
        raise Unavailable("the answer is not the gzip that it says it is") from error
