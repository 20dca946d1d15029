"""Operators who sign in with an account elsewhere: there and back, and what their groups make of them here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web

from ..codec import base64url
from ..errors import Missing, Refused, SignInRequired, Unavailable, VcError
from ..flow import arun
from ..storage import Tx
from . import auth, door, oidc, operator_logins, rates
from .context import FETCHER, entropy, now, storage
from .forms import Form
from .operator_logins import Coming
from .operators import Operator
from .pages import translator
from .security import client_address
from .staff_login import Elsewhere, name_in
from .ways import BACK, WAYS

if TYPE_CHECKING:
    from .entrance import Entrance

logger = logging.getLogger("muniment.web")


class LoginPages:
    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    def add_to(self, app: web.Application) -> None:
        """Routes of this part."""
        app.router.add_post(f"{self._entrance.home}sign-in/login", self.go)
        app.router.add_get(f"{self._entrance.home}{BACK}", self.come_back)

    async def go(self, request: web.Request) -> web.StreamResponse:
        """A link, for browsers forbid forms to lead elsewhere."""
        elsewhere, entry = _elsewhere(request), await door.find(request)
        if entry is None:
            return await self._refuse(request, "", translator(request)("This page was open for too long. Try again"))
        await door.read_form(request, entry)
        await rates.allow(storage(request), auth.SIGN_IN_BY_ADDRESS, client_address(request), at=now(request))
        try:
            metadata = await arun(oidc.fetch_provider(elsewhere.provider), request.config_dict[FETCHER])
        except VcError as error:
            return await self._failed(request, entry, error)
        address = oidc.sign_in_url(elsewhere.provider, metadata, entry.attempt)
        return await self._entrance.render(request, "onward", address=address, host=urlsplit(address).netloc, name=elsewhere.name)

    async def come_back(self, request: web.Request) -> web.StreamResponse:
        """With the provider's answer. What her groups make of her is asked at each sign-in."""
        elsewhere, entry, _ = _elsewhere(request), await door.find(request), translator(request)
        if entry is None:
            return await self._refuse(request, "", _("This page was open for too long. Try again"))
        url = elsewhere.provider.redirect_uri + ("?" + request.rel_url.raw_query_string if request.query_string else "")
        fetch = request.config_dict[FETCHER]
        if not oidc.is_answer(entry.attempt, url):
            return await self._failed(request, entry, Refused("this is the answer to another sign-in", where="state"))
        await rates.allow(storage(request), auth.SIGN_IN_BY_ADDRESS, client_address(request), at=now(request))
        try:
            metadata = await arun(oidc.fetch_provider(elsewhere.provider), fetch)
            claims = await arun(oidc.finish_with_claims(elsewhere.provider, metadata, entry.attempt, url, at=now(request)), fetch)
            operator = await self._admit(request, entry, elsewhere, claims)
        except SignInRequired:
            return await self._refuse(request, entry.after, _("You were removed here. Ask an admin"))
        except VcError as error:
            return await self._failed(request, entry, error)
        if operator is None:
            words = _("Your account at %(name)s is in no group that may sign in here. Ask whoever looks after the groups there")
            return await self._refuse(request, entry.after, words % {"name": elsewhere.name})
        raise await self._entrance.let_in(request, operator, entry.after, hours=elsewhere.hours)

    async def _admit(self, request: web.Request, entry: door.Door, elsewhere: Elsewhere, claims: Mapping[str, Any]) -> Operator | None:
        at, provider = now(request), elsewhere.provider.issuer
        coming = Coming(
            login=await request.config_dict[WAYS].mac(f"{provider}\0{claims['sub']}"),
            provider=provider,
            name=name_in(claims) or elsewhere.name,
            role=elsewhere.role_of(claims),
            id=base64url.encode(entropy(request)(12)),
        )

        async def unit(tx: Tx) -> Operator | None:
            operator = await operator_logins.admit(tx, coming, at, self._entrance.leaves)
            if operator is not None:
                await door.close(tx, entry, at)
            return operator

        return await storage(request).write(unit)

    async def _failed(self, request: web.Request, entry: door.Door, error: VcError) -> web.StreamResponse:
        """She tries again, or signs in in another way; whoever looks after the service finds the reason in the log."""
        logger.warning("an operator was not signed in elsewhere: %s (%s) at %s", error.code, error.detail, error.where or "-")
        _ = translator(request)
        if isinstance(error, Unavailable):
            words = _("%(name)s does not answer at this moment. Try again later, or sign in in another way")
        else:
            words = _("You were not signed in at %(name)s. Try again, or sign in in another way")
        return await self._refuse(request, entry.after, words % {"name": _elsewhere(request).name})

    async def _refuse(self, request: web.Request, after: str, message: str) -> web.StreamResponse:
        form = Form()
        form.error("login", message)
        return await self._entrance.ask(request, form, after)


def _elsewhere(request: web.Request) -> Elsewhere:
    found = request.config_dict[WAYS].elsewhere
    if found is None:
        raise Missing("there is nothing at this address")
    return found
