"""What strangers may put into a form, an address or a header before anybody knows who they are."""

from __future__ import annotations

import asyncio
import re
from time import monotonic

import aiohttp
import pytest
from aiohttp import web
from support.gallery import gallery
from support.ports import free_port
from support.trial_web import Build, Client, Serve

from shared.clock import system_entropy
from shared.errors import WrongPassphrase
from shared.web import app as serving
from shared.web import auth, passphrases
from shared.web.context import SETTINGS

SHUFFLED = "a" + "\u0301\u0323" * 100_000
"""Marks in the wrong order: bringing this to one spelling takes minutes, during which nothing else runs in the process."""


@pytest.fixture
async def client(app_of: Build, serve: Serve) -> Client:
    app = app_of(public_url="http://192.0.2.7:8102")

    async def read(request: web.Request) -> web.Response:
        return web.json_response(dict(await auth.read_form(request, signed_in=False)))

    auth.use_auth(app)
    app.router.add_post("/read", read)
    return await serve(app)


def test_a_passphrase_in_many_pieces_costs_nothing() -> None:
    phc = passphrases.hash_passphrase("correct-horse-battery", system_entropy)
    begun = monotonic()
    with pytest.raises(WrongPassphrase):
        passphrases.check_passphrase(SHUFFLED, phc)
    assert monotonic() - begun < 10  # on a busy machine; bringing it to one spelling takes half a minute of a quick one


@pytest.mark.parametrize("charset", ["bogus", "zlib_codec", "undefined"])
async def test_text_that_nobody_can_decode_is_no_bug_of_ours(client: Client, charset: str) -> None:
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    assert (await client.post("/read", data=b"name=a", headers={"Content-Type": kind})).status == 400


@pytest.mark.parametrize("line", ["Content-Transfer-Encoding: bogus", "Content-Type: text/plain; charset=bogus"])
async def test_a_part_that_nobody_can_decode_is_no_bug_of_ours(client: Client, line: str) -> None:
    body = f'--x\r\nContent-Disposition: form-data; name="name"\r\n{line}\r\n\r\na\r\n--x--\r\n'.encode()
    answer = await client.post("/read", data=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status == 400


async def test_links_of_a_page_stay_here_whatever_its_address(app_of: Build, serve: Serve) -> None:
    client = await serve(gallery(app_of))
    async with aiohttp.ClientSession() as http:
        for path in ("//evil.example/x", "///evil.example", "/%2F/evil.example", "/a%3Fb%22%3E"):
            async with http.get(f"http://{client.host}:{client.port}" + path) as answer:
                text = await answer.text()
            assert answer.status == 404
            assert not re.search(r'(?:href|action|src)="(?://|/\\|[a-z]+:)', text.replace("data:", "")), path


async def test_forms_of_ours_work_where_browsers_tell_only_their_origin(client: Client) -> None:
    """Over plain http on a network address there is no `Sec-Fetch-Site`, and under "no-referrer" a browser says `Origin: null`."""
    answer = await client.post("/read", data={"name": "a"}, headers={"Origin": "http://192.0.2.7:8102"})
    assert answer.status == 200
    assert answer.headers["Referrer-Policy"] == "same-origin"
    for other in ("null", "http://192.0.2.7:8103", "https://192.0.2.7:8102"):
        assert (await client.post("/read", data={"name": "a"}, headers={"Origin": other})).status == 403


@pytest.mark.parametrize("begun", [b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
async def test_a_connection_that_asks_nothing_is_closed(app_of: Build, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(serving, "SILENCE", 0.2)
    port = free_port()
    app = app_of(port=port)

    async def dawdle() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()

    await serving.serve(app, app[SETTINGS], until=dawdle())
