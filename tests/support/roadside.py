"""Sites on real sockets of this machine that answer as they should, or as sites do that are down, slow, lying or hostile.

One raw server a site, because no library answers as badly as these have to.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Stream = asyncio.StreamWriter
Answer = Callable[[Stream, bytes], Awaitable[None]]
"""Writes an answer to the socket; the bytes are what would be the truth, empty where there is none."""


def head(status: str = "200 OK", **fields: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in {"connection": "close", **fields}.items()]
    return f"HTTP/1.1 {status}\r\n{''.join(lines)}\r\n".encode()


def whole(body: bytes, status: str = "200 OK", **fields: str) -> bytes:
    return head(status, content_length=str(len(body)), **fields) + body


async def truth(to: Stream, said: bytes) -> None:
    to.write(whole(said) if said else whole(b"", "404 Not Found"))


async def silent(_to: Stream, _said: bytes) -> None:
    """Takes the question, and says nothing for ever."""
    await asyncio.sleep(3_600)


async def drip(to: Stream, said: bytes) -> None:
    """The truth, one byte at a time: each comes before anybody would call it idle."""
    to.write(head(content_length=str(len(said))))
    await _slowly(to, said)


async def drip_head(to: Stream, said: bytes) -> None:
    """As ``drip``, from the first byte of the header on."""
    await _slowly(to, whole(said))


async def _slowly(to: Stream, data: bytes) -> None:
    for each in data:
        to.write(bytes((each,)))
        await to.drain()
        await asyncio.sleep(0.02)


async def cut(to: Stream, said: bytes) -> None:
    """The line is cut in the middle."""
    to.write(head(content_length=str(len(said))) + said[: len(said) // 2])
    await to.drain()
    to.transport.abort()


async def babble(to: Stream, said: bytes) -> None:
    """Another protocol."""
    to.write(b"SSH-2.0-OpenSSH_9.2\r\n" + said[:40])


async def broken(to: Stream, said: bytes) -> None:
    to.write(whole(said, "500 Internal Server Error"))


async def nonsense(to: Stream, _: bytes) -> None:
    to.write(whole(b'{"snapshot": "a.b.c", "artefacts": {}}'))


async def oversized(to: Stream, said: bytes) -> None:
    """The truth, and more after it without end."""
    to.write(head(transfer_encoding="chunked"))
    part = b"%x\r\n%s\r\n" % (len(said), said)
    filler = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    while True:
        to.write(part)
        part = filler
        await to.drain()


async def bomb(to: Stream, _: bytes) -> None:
    """Sixty kilobytes that unfold to sixty millions."""
    to.write(whole(gzip.compress(bytes(60_000_000), compresslevel=9), content_encoding="gzip"))


def redirect(to_address: str) -> Answer:
    """Elsewhere."""

    async def answer(to: Stream, _: bytes) -> None:
        to.write(whole(b"", "302 Found", location=to_address))

    return answer


def always(body: bytes) -> Answer:
    """That, whatever would be the truth."""

    async def answer(to: Stream, _: bytes) -> None:
        to.write(whole(body))

    return answer


BAD: Mapping[str, Answer] = {
    "silent": silent,
    "slow": drip,
    "slow_from_the_first_byte": drip_head,
    "cut_in_the_middle": cut,
    "another_protocol": babble,
    "broken": broken,
    "nonsense": nonsense,
    "oversized": oversized,
    "gzip_bomb": bomb,
}
"""What any site may do, whoever it is."""


@dataclass
class Place:
    """One site. ``say`` gives what is true at a path; ``answer`` how it is told; ``asked`` are the paths that were asked for."""

    url: str
    server: asyncio.Server
    say: Callable[[str], bytes] = field(default=lambda _: b"")
    answer: Answer = truth
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: Stream) -> None:
        with suppress(OSError, EOFError):
            path = (await reader.readline()).split(b" ")[1].decode()
            while (await reader.readline()).strip():
                pass
            self.asked.append(path)
            await self.answer(writer, self.say(path))
            await writer.drain()
        writer.close()

    async def down(self) -> None:
        """Nobody listens there any more."""
        self.server.close()


@asynccontextmanager
async def street(count: int) -> AsyncIterator[list[Place]]:
    """So many sites, closed at the end with everything that they are still saying."""
    places: list[Place] = []
    running: dict[asyncio.Task[None], Stream] = {}

    def door(number: int) -> Callable[[asyncio.StreamReader, Stream], None]:
        def come_in(reader: asyncio.StreamReader, writer: Stream) -> None:
            running[asyncio.ensure_future(places[number].serve(reader, writer))] = writer

        return come_in

    for number in range(count):
        server = await asyncio.start_server(door(number), "127.0.0.1", 0)
        places.append(Place(f"http://localhost:{server.sockets[0].getsockname()[1]}", server))
    try:
        yield places
    finally:
        for each in places:
            each.server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for writer in running.values():
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()
