from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import AddressRefused, ConfigError, TooLarge, Unavailable
from shared.flow import Fetch, Flow, arun
from shared.web.fetch import CheckedResolver, Fetcher, check_public
from shared.web.settings import Common

PLAIN = Fetcher()
SEEN: web.AppKey[list[dict[str, str]]] = web.AppKey("SEEN")


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application()
    seen: list[dict[str, str]] = []

    async def echo(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        answer = web.json_response({"method": request.method, "body": (await request.read()).decode(), "query": request.query_string})
        answer.set_cookie("spy", "1")
        return answer

    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 10_001)

    async def bomb(request: web.Request) -> web.Response:
        size = int(request.query["size"])
        return web.Response(body=gzip.compress(b"\0" * size), headers={"Content-Encoding": "gzip"})

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1_000)
            await asyncio.sleep(0)

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(10)
        return web.Response()

    async def odd(request: web.Request) -> web.Response:
        kind = request.query["kind"]
        return web.Response(body=b"not gzip" if kind != "cut" else gzip.compress(b"x" * 999)[:-6], headers={"Content-Encoding": "gzip"})

    async def brotli(_: web.Request) -> web.Response:
        return web.Response(body=b"x", headers={"Content-Encoding": "br"})

    for path, handler in {
        "/echo": echo,
        "/redirect": redirect,
        "/large": large,
        "/bomb": bomb,
        "/endless": endless,
        "/slow": slow,
        "/odd": odd,
        "/br": brotli,
    }.items():
        app.router.add_route("*", path, handler)
    app[SEEN] = seen
    started = TestServer(app, host="127.0.0.1")
    await started.start_server()
    yield started
    await started.close()


@pytest.fixture
async def fetcher(server: TestServer) -> AsyncIterator[Fetcher]:
    made = Fetcher(allow=[f"localhost:{server.port}", f"127.0.0.1:{server.port}"], seconds=1.0)
    yield made
    await made.close()


def url(server: TestServer, path: str) -> str:
    return f"http://localhost:{server.port}{path}"


async def test_what_is_listed_is_called(server: TestServer, fetcher: Fetcher) -> None:
    fetched = await fetcher(Fetch(url=url(server, "/echo?a=1#part"), method="POST", body=b"hello", headers={"accept": "application/json"}))
    assert fetched.status == 200
    assert fetched.body == b'{"method": "POST", "body": "hello", "query": "a=1"}'
    assert fetched.headers["content-type"] == "application/json; charset=utf-8"
    again = await fetcher(Fetch(url=url(server, "/echo")))
    assert again.status == 200
    assert all("Cookie" not in headers and headers["User-Agent"] == "muniment" for headers in server.app[SEEN])


async def test_it_drives_a_flow(server: TestServer, fetcher: Fetcher) -> None:
    def flow() -> Flow[int]:
        fetched = yield Fetch(url=url(server, "/echo"))
        try:
            yield Fetch(url="http://10.0.0.1/")
        except AddressRefused:
            return fetched.status
        return 0

    assert await arun(flow(), fetcher) == 200


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://[::1]/",
        "https://[::]/",
        "https://0.0.0.0/",
        "https://0/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://[0:0:0:0:0:ffff:127.0.0.1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:0:7f00:1::]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fec0::1]/",
        "https://[fd00:ec2::254]/",
        "https://[ff02::1]/",
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://100.100.100.200/",
        "https://169.254.169.254/latest/meta-data/",
        "https://168.63.129.16/",
        "https://198.18.0.1/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://localhost/",
        "https://localhost./",
        "https://LOCALHOST/",
        "https://ⓛocalhost/",
        "https://127.0.0.1:443/",
    ],
)
async def test_private_addresses_are_refused_however_they_are_written(address: str) -> None:
    fetcher = Fetcher(seconds=2.0)
    with pytest.raises(AddressRefused):
        await fetcher(Fetch(url=address))
    await fetcher.close()


@pytest.mark.parametrize(
    "address",
    [
        "http://issuer.example/",
        "ftp://issuer.example/",
        "file:///etc/passwd",
        "gopher://issuer.example/",
        "https:///path",
        "https://user@issuer.example/",
        "https://user:pass@issuer.example/",
        "https://:pass@issuer.example/",
        "https://issuer.example:22/",
        "https://issuer.example:6379/",
        "https://issuer.example:99999/",
        "https://issuer.example:port/",
        "https://[issuer/",
        "issuer.example",
        "/relative",
        "",
        "https://",
        "//issuer.example/",
        "javascript:alert(1)",
    ],
)
async def test_other_addresses_than_plain_https_are_refused(address: str) -> None:
    fetcher = Fetcher()
    with pytest.raises(AddressRefused):
        await fetcher(Fetch(url=address))


async def test_only_get_and_post_go_out() -> None:
    with pytest.raises(AddressRefused):
        await Fetcher()(Fetch(url="https://issuer.example/", method="DELETE"))


class Rebinding(CheckedResolver):
    """A name server that answers with a public address first and with loopback afterwards."""

    def __init__(self) -> None:
        super().__init__(())
        self.answers = [["93.184.215.14"], ["127.0.0.1"], ["93.184.215.14", "10.0.0.7"]]
        self.given: list[list[str]] = []

    async def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        assert family in {socket.AF_INET, socket.AF_INET6, socket.AF_UNSPEC}
        hosts = self.answers.pop(0)
        self.given.append(hosts)
        kind = int(socket.AF_INET)
        return [ResolveResult(hostname=host, host=one, port=port, family=kind, proto=0, flags=int(socket.AI_NUMERICHOST)) for one in hosts]


async def test_a_name_cannot_turn_inwards_between_check_and_call() -> None:
    resolver = Rebinding()
    checked = await resolver.resolve("rebind.example", 443)
    assert [one["host"] for one in checked] == ["93.184.215.14"]  # this list itself is what aiohttp connects to
    with pytest.raises(AddressRefused):
        await resolver.resolve("rebind.example", 443)
    with pytest.raises(AddressRefused):  # one private address among public ones refuses them all
        await resolver.resolve("rebind.example", 443)


async def test_each_connection_asks_the_checked_resolver_once() -> None:
    resolver = Rebinding()
    resolver.answers = [["127.0.0.1"], ["127.0.0.1"]]
    fetcher = Fetcher(resolver=resolver)
    for _ in range(2):
        with pytest.raises(AddressRefused):
            await fetcher(Fetch(url="https://rebind.example/"))
    assert len(resolver.given) == 2
    await fetcher.close()


async def test_a_redirect_is_an_answer_that_nobody_follows(server: TestServer, fetcher: Fetcher) -> None:
    fetched = await fetcher(Fetch(url=url(server, "/redirect")))
    assert fetched.status == 302


async def test_sizes_are_bounded_on_the_wire_and_inflated(server: TestServer, fetcher: Fetcher) -> None:
    with pytest.raises(TooLarge):
        await fetcher(Fetch(url=url(server, "/large"), max_bytes=10_000))
    assert len((await fetcher(Fetch(url=url(server, "/large"), max_bytes=10_001))).body) == 10_001
    with pytest.raises(TooLarge):
        await fetcher(Fetch(url=url(server, "/bomb?size=20000000")))
    assert len((await fetcher(Fetch(url=url(server, "/bomb?size=1000000")))).body) == 1_000_000
    with pytest.raises(TooLarge):
        await fetcher(Fetch(url=url(server, "/endless"), max_bytes=50_000))


async def test_time_is_bounded(server: TestServer, fetcher: Fetcher) -> None:
    with pytest.raises(Unavailable):
        await fetcher(Fetch(url=url(server, "/slow")))


@pytest.mark.parametrize("path", ["/odd?kind=wrong", "/odd?kind=cut", "/br"])
async def test_an_encoding_that_lies_is_unavailable(server: TestServer, fetcher: Fetcher, path: str) -> None:
    with pytest.raises(Unavailable):
        await fetcher(Fetch(url=url(server, path)))


async def test_nobody_there_is_unavailable(server: TestServer) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    fetcher = Fetcher(allow=[f"127.0.0.1:{port}", f"127.0.0.1:{server.port}", f"no-such-name.invalid:{port}"])
    for address in (f"http://127.0.0.1:{port}/", f"http://no-such-name.invalid:{port}/", f"https://127.0.0.1:{server.port}/"):
        with pytest.raises(Unavailable):
            await fetcher(Fetch(url=address))
    await fetcher.close()


async def test_a_host_may_be_listed_at_any_port(server: TestServer) -> None:
    fetcher = Fetcher(allow=["localhost:*"])
    assert (await fetcher(Fetch(url=url(server, "/echo")))).status == 200
    for address in (f"http://127.0.0.1:{server.port}/", "http://localhost.evil.example/", "http://xlocalhost/"):
        with pytest.raises(AddressRefused):
            await fetcher(Fetch(url=address))
    await fetcher.close()


def test_a_ca_file_that_is_none_is_told() -> None:
    with pytest.raises(ConfigError, match="outbound_ca_file"):
        Fetcher(ca_file="/nowhere.pem")


def test_the_settings_reach_it() -> None:
    made = Fetcher.of(Common(outbound_allow=("Localhost:1",), outbound_ports=(9,), outbound_seconds=3.0))
    assert (made._allow, made._ports, made._timeout.total) == (frozenset({"localhost:1"}), frozenset({9}), 3.0)
    assert made._tls.verify_mode is ssl.CERT_REQUIRED


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z0-9.:@%\[\]/-]{0,30}", fullmatch=True))
def test_any_text_is_an_address_or_a_refusal(text: str) -> None:
    with contextlib.suppress(AddressRefused):
        PLAIN._checked(Fetch(url=text))


@given(st.ip_addresses())
def test_every_address_is_public_or_refused(address: object) -> None:
    with contextlib.suppress(AddressRefused):
        check_public(str(address))
