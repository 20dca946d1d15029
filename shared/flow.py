"""Work that needs several fetches is a generator that yields ``Fetch`` and receives ``Fetched``.

One core, three drivers: the network (``arun`` with ``shared.web.fetch``), an offline bundle (``run`` with ``Bundle.answer``), a
test's dictionary. There is no second, "offline" code path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One request that the core wants made. ``max_bytes`` bounds the answer's body, in bytes."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    max_bytes: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came back; header names in lower case. ``status`` 0 never occurs: no answer raises ``Unavailable`` in the driver."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Flow = Generator[Fetch, Fetched, T]


def run(flow: Flow[T], answer: Callable[[Fetch], Fetched]) -> T:
    """Drive ``flow`` from something that answers at once: a bundle, a store, a dictionary."""
    try:
        want = next(flow)
        while True:
            want = _step(flow, want, answer)
    except StopIteration as done:
        value: T = done.value
        return value


def _step(flow: Flow[T], want: Fetch, answer: Callable[[Fetch], Fetched]) -> Fetch:
    try:
        got = answer(want)
    except Exception as error:  # noqa: BLE001 - the flow decides what a failed fetch means
        return flow.throw(error)
    return flow.send(got)


async def arun(flow: Flow[T], fetch: Callable[[Fetch], Awaitable[Fetched]]) -> T:
    """Drive ``flow`` over the network."""
    try:
        want = next(flow)
        while True:
            try:
                got = await fetch(want)
            except Exception as error:  # noqa: BLE001 - the flow decides what a failed fetch means
                want = flow.throw(error)
            else:
                want = flow.send(got)
    except StopIteration as done:
        value: T = done.value
        return value
