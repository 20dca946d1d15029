"""Two offices that run, one below the other, and a stranger who hears of both from the upper one."""

from __future__ import annotations

from aiohttp import ClientSession
from support.registry import Registry
from support.superior import ANA, BEN, pin

from issuer.federation import collect, enrol, publish
from issuer.federation.own import entity_of
from issuer.federation.terms import Terms
from shared.flow import Fetch, Fetched, arun
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.superiors import Gathered, gather
from shared.web.context import FETCHER

HOST = ("localhost:*",)


async def come_below(ministry: Registry, courts: Registry, terms: Terms) -> None:
    code = await enrol.invite(ministry.office, courts.url, "Court Service", terms, ANA)
    joined = await enrol.join(ministry.office, code, await entity_of(courts.office).configure(), published=True)
    await enrol.approve(ministry.office, courts.url, BEN, version=joined.version)
    await hear(ministry)


async def hear(ministry: Registry) -> None:
    await ministry.office.storage.write(lambda tx: tx.execute("UPDATE subordinate SET tried_at = NULL"))
    await collect.visit(ministry.office, ministry.app[FETCHER])
    await publish.publish(ministry.office)


async def gathered(ministry: Registry, anchor: FederationAnchor | None = None) -> Gathered:
    """By a stranger who has the key of the ministry, or what is pinned as ``anchor``, and nothing else."""
    async with ClientSession() as http:

        async def fetch(wanted: Fetch) -> Fetched:
            async with http.get(wanted.url) as answer:
                return Fetched(status=answer.status, body=await answer.read())

        return await arun(gather(anchor or await pin(ministry), at=ministry.clock()), fetch)
