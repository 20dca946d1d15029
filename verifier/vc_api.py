"""``POST /credentials/verify`` and ``/presentations/verify``: W3C documents judged for whoever has an API key. Off unless the setting says so.

Answered from what was fetched in advance, as every check is: nothing is asked of anybody because a document came (security rule S21).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from msgspec import Meta, Struct

from shared import vc_api
from shared.codec import strict_json
from shared.flow import Flow, run
from shared.vc_api import Verification
from shared.verify import Knowledge
from shared.web.openapi import Route
from shared.web.problem import PROBLEM, speak
from verifier.desk import SCOPES, Desk
from verifier.material import Store
from verifier.records import knowledge

SCOPE = SCOPES[2]
Check = Callable[[bytes, Knowledge], Flow[Verification]]


class Options(Struct, frozen=True):
    """What the holder signed for; that each challenge is good once is for you to see to."""

    challenge: Annotated[str, Meta(min_length=1)]
    domain: Annotated[str, Meta(min_length=1)]


class CredentialToVerify(Struct, frozen=True, rename="camel"):
    verifiable_credential: Annotated[dict[str, Any], Meta(description="An `EnvelopedVerifiableCredential`: `vc+jwt` or `vc+sd-jwt`.")]


class PresentationToVerify(Struct, frozen=True, rename="camel"):
    verifiable_presentation: Annotated[dict[str, Any], Meta(description="An `EnvelopedVerifiablePresentation`: `vp+jwt`.")]
    options: Options


class Verified(Struct, frozen=True):
    verified: bool


class NotVerified(Struct, frozen=True, rename="camel"):
    """`problemDetails` are as RFC 9457 has it, with the names of the data model."""

    verified: bool
    problem_details: list[dict[str, Any]]


class VcApi:
    """The routes of one desk."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    def speak(self, app: web.Application) -> None:
        """Errors of these addresses are JSON, whether they are served or not."""
        base = self._base()
        speak(app, PROBLEM, f"{base}/credentials", f"{base}/presentations")

    def routes(self) -> list[Route]:
        """Nothing at all where the setting ``vc_api`` is off."""
        if not self._desk.settings.vc_api:
            return []
        base = self._base()
        common: dict[str, Any] = {"out": Verified, "refused": NotVerified, "raw": ("application/json",), "scope": SCOPE}
        common["max_body"] = vc_api.MAX_BODY

        async def verify_credential(_: web.Request, *, body: bytes) -> web.Response:
            return await self._judge(vc_api.check_credential_request, body)

        async def verify_presentation(_: web.Request, *, body: bytes) -> web.Response:
            return await self._judge(vc_api.check_presentation_request, body)

        return [
            Route(
                "POST",
                f"{base}/credentials/verify",
                verify_credential,
                body=CredentialToVerify,
                summary="Verify a W3C credential",
                **common,
            ),
            Route(
                "POST",
                f"{base}/presentations/verify",
                verify_presentation,
                body=PresentationToVerify,
                summary="Verify a W3C presentation",
                **common,
            ),
        ]

    def _base(self) -> str:
        return urlsplit(self._desk.settings.public_url).path

    async def _judge(self, check: Check, body: bytes) -> web.Response:
        """What lists have taught on the way is kept, whatever the answer (security rule S19)."""
        picture, at = await self._store.picture(), self._desk.clock()
        known = Knowledge(material=picture.material, staples=(), at=max(at, picture.material.floor))
        found = run(check(body, known), picture.answer)
        if knowledge.teaches(picture.material.memory, known.learnt):
            await self._desk.storage.write(lambda tx: knowledge.learn(tx, known.learnt, at), point="learn")
        said = strict_json.dumps(found.render())
        return web.Response(status=found.status, body=said, content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"})
