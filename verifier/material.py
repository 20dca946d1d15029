"""What verification answers itself from: fetched in advance, kept in the database, handed out as one consistent picture.

Visits to issuers happen on a timer and when an operator asks, for the whole issuer, and never because somebody showed something (security
rule S21).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.errors import Rejected, StatusUnknown, Unavailable, Undecided, VcError
from shared.flow import Fetch, Fetched, arun
from shared.keys import Role
from shared.status.memory import StatusMemory
from shared.status.token_status_list import MEDIA_TYPE, VerifiedStatusToken, verify_origin
from shared.storage import Tx
from shared.trust.policy import Policy
from shared.verify import Material
from verifier.desk import Desk
from verifier.records import knowledge
from verifier.records.knowledge import Description, KeptList, Visit
from verifier.survey import Survey, survey

Fetching = Callable[[Fetch], Awaitable[Fetched]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything that one verification needs, as of one moment."""

    material: Material
    lists: Mapping[str, str] = field(repr=False)

    def answer(self, fetch: Fetch) -> Fetched:
        """A driver of flows: what was fetched in advance, or ``Unavailable``. There is no way out of it to any network."""
        token = self.lists.get(fetch.url)
        if token is None or fetch.method != "GET":
            raise Unavailable("this list was not fetched in advance")
        return Fetched(status=200, headers={"content-type": MEDIA_TYPE}, body=token.encode("ascii"))


@dataclass(slots=True)
class Store:
    """The kept material of one desk. Tokens stay in memory until the database has a newer one."""

    desk: Desk
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)  # one picture at a time
    _visiting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tokens: dict[str, tuple[int, str]] = field(default_factory=dict)

    async def picture(self) -> Picture:
        """The material as it is now."""

        async def unit(tx: Tx) -> tuple[dict[str, str], StatusMemory]:
            tokens = {each.uri: await self._token(tx, each) for each in await knowledge.lists(tx)}
            return tokens, await knowledge.memory(tx)

        tokens, memory = await self.desk.storage.read(unit)
        hours = self.desk.settings.max_status_hours
        return Picture(
            material=Material(
                policy=Policy(self.desk.trust),
                types=self.desk.types,
                memory=memory,
                max_status_age=hours * 3_600 or None,
            ),
            lists=tokens,
        )

    async def _token(self, tx: Tx, kept: KeptList) -> str:
        known = self._tokens.get(kept.uri)
        if known is None or known[0] != kept.iat:
            known = self._tokens[kept.uri] = (kept.iat, await knowledge.token(tx, kept.uri))
        return known[1]

    async def refresh(self, fetch: Fetching) -> list[Visit]:
        """Visit every trusted issuer that has an address, and keep what is genuine."""
        entities = issuers(self.desk)
        async with self._visiting:
            for entity in entities:
                found = await arun(survey(entity, plain_http=self.desk.plain_http), fetch)
                await self._keep(found)

        async def unit(tx: Tx) -> list[Visit]:
            await knowledge.forget_issuers(tx, entities)
            return await knowledge.visits(tx)

        return await self.desk.storage.write(unit, point="refresh")

    async def _keep(self, found: Survey) -> None:
        at = self.desk.clock()
        genuine = self._genuine(found, at)

        async def unit(tx: Tx) -> None:
            known = await knowledge.memory(tx)
            await knowledge.learn(tx, known.lessons(found.entity, *genuine), at)
            for token in genuine:
                await knowledge.keep_list(tx, found.entity, token, at)
            for vct, data in found.descriptions.items():
                await knowledge.keep_description(tx, Description(entity=found.entity, vct=vct, data=data), at)
            await knowledge.note_visit(tx, found.entity, at, found.faults)

        await self.desk.storage.write(unit, point="keep-material")

    def _genuine(self, found: Survey, at: int) -> list[VerifiedStatusToken]:
        """The lists that the issuer itself signed: whoever serves an address cannot put another list in the place of a good one."""
        genuine = []
        for uri, token in found.lists.items():
            try:
                genuine.append(self._verify(found, token.x5c, uri, at))
            except VcError as error:
                found.faults.append(f"the list {uri}: {error.detail}")
        return genuine

    def _verify(self, found: Survey, x5c: Sequence[bytes], uri: str, at: int) -> VerifiedStatusToken:
        policy = Policy(self.desk.trust)
        fault: Rejected | Undecided = StatusUnknown("its issuer makes no document that is known here")
        for vct in found.vcts:
            try:
                leaf = policy.check_issuer(x5c, found.entity, vct, at)
                return verify_origin(found.lists[uri], uri=uri, key=leaf.public, at=at)
            except (Rejected, Undecided) as error:
                fault = error
        raise fault

    def issuers(self) -> list[str]:
        """The issuers that are visited."""
        return issuers(self.desk)

    async def visits(self) -> list[Visit]:
        """How the last visits went."""
        return await self.desk.storage.read(knowledge.visits)


def issuers(desk: Desk) -> list[str]:
    """The addresses of trusted issuers. One that is trusted without an address can be checked only with what holders bring along."""
    return sorted({each.entity for each in desk.trust.with_role(Role.CREDENTIAL_ISSUER) if each.entity is not None})
