"""Operators' passkeys: signing in by one, adding and removing one's own, and, for an admin, who has which."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..codec import base64url, reader
from ..errors import Conflict, Forbidden, Malformed, Missing, SignInRequired
from ..storage import Tx
from . import auth, door, operator_logins, operators, passkeys, rates, sessions
from .context import entropy, now, storage
from .forms import Form
from .operators import Operator
from .pages import translator
from .passkeys import Passkey
from .seat import OPERATOR, check_admin, seated
from .security import client_address
from .ways import WAYS

if TYPE_CHECKING:
    from .entrance import Entrance

FRESH = 10 * 60  # seconds after a sign-in in which a passkey may be added: nobody adds hers at a desk that was left open
_CHALLENGE = "passkey"


class PasskeyPages:
    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    def add_to(self, app: web.Application) -> None:
        """Routes of this part."""
        home = self._entrance.home
        app.router.add_post(f"{home}sign-in/passkey", self.sign_in)
        app.router.add_get(f"{home}passkeys", seated(self.show))
        app.router.add_post(f"{home}passkeys", seated(self.add))
        app.router.add_post(f"{home}passkeys/remove", seated(self.remove))
        app.router.add_get(f"{home}passkeys/everybody", seated(self.show_everybody, check=check_admin))
        app.router.add_post(f"{home}passkeys/everybody/remove", seated(self.remove_anybodys, check=check_admin))
        app.router.add_post(f"{home}passkeys/everybody/end", seated(self.end_person, check=check_admin))

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Whoever is not known, and whatever is not right, reads the same."""
        form, _ = Form(), translator(request)
        entry = await door.find(request)
        if entry is None:
            form.error("passkey", _("This page was open for too long. Try again"))
            return await self._entrance.ask(request, form, "")
        posted = await door.read_form(request, entry)
        await rates.allow(storage(request), auth.SIGN_IN_BY_ADDRESS, client_address(request), at=now(request))
        try:
            operator = await self._answered(request, entry, posted.get("passkey", ""))
        except SignInRequired:
            form.error("passkey", _("That passkey does not sign anybody in here. Sign in in another way"))
            return await self._entrance.ask(request, form, entry.after)
        raise await self._entrance.let_in(request, operator, entry.after)

    async def _answered(self, request: web.Request, entry: door.Door, text: str) -> Operator:
        """The operator whose passkey answered, before a door that is closed by it; ``SignInRequired``."""
        identifier, at = passkeys.peek_id(text), now(request)
        known = await storage(request).read(lambda tx: passkeys.find(tx, identifier))
        if known is None:
            raise SignInRequired("this passkey is not known here")
        at_home = request.config_dict[WAYS].at_home
        uses = passkeys.check_answer(at_home, text, entry.challenge, known)

        async def unit(tx: Tx) -> Operator:
            await door.close(tx, entry, at)
            operator = await operators.by_id(tx, operators.of_subject(known.subject))
            if operator is None or not await passkeys.note_use(tx, known, uses, at, host=at_home.host):
                raise SignInRequired("this passkey signs nobody in here")
            return operator

        return await storage(request).write(unit)

    # --- one's own -----------------------------------------------------------------------------------------------------------------------

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._show(request, Form())

    async def _show(self, request: web.Request, form: Form) -> web.StreamResponse:
        """With a new challenge, which the session keeps."""
        operator, session, ways = request[OPERATOR], await auth.require_session(request), request.config_dict[WAYS]
        challenge = entropy(request)(passkeys.CHALLENGE_SIZE)
        fresh = now(request) < session.created_at + FRESH
        data = {**session.data, _CHALLENGE: base64url.encode(challenge)}

        async def unit(tx: Tx) -> list[Passkey]:
            await sessions.store(tx, session, data)
            return await passkeys.of(tx, operators.subject(operator.id))

        known = await storage(request).write(unit)
        options = passkeys.creation_options(ways.at_home, challenge, handle=_handle(challenge), name=operator.name, known=known)
        return await self._entrance.render(
            request,
            "passkeys",
            form=form,
            known=[shown(each) for each in known],
            options=options if fresh and not operator.elsewhere else None,
            minutes=FRESH // 60,
            elsewhere="" if ways.elsewhere is None else ways.elsewhere.name,
        )

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Only soon after she signed in, and not for somebody whose groups elsewhere are to be asked at each sign-in."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        operator, session, at = request[OPERATOR], await auth.require_session(request), now(request)
        if operator.elsewhere or at >= session.created_at + FRESH:
            raise Forbidden("a passkey is added soon after signing in, by somebody who signs in here")
        name = form.value("name")[:60] or _("Passkey")
        try:
            challenge = base64url.decode(reader.get_str(session.data, _CHALLENGE))
            at_home = request.config_dict[WAYS].at_home
            identifier, data, uses = passkeys.check_creation(at_home, form.value("passkey"), challenge)
            new = Passkey(
                id=identifier,
                subject=operators.subject(operator.id),
                handle=_handle(challenge),
                data=data,
                uses=uses,
                name=name,
                made_at=at,
                used_at=None,
                host=at_home.host,
            )
            await storage(request).write(lambda tx: passkeys.add(tx, new))
        except (Malformed, Conflict):
            form.error("name", _("That passkey could not be added. Try again"))
            return await self._show(request, form)
        raise web.HTTPSeeOther(f"{self._entrance.home}passkeys")

    async def remove(self, request: web.Request) -> web.StreamResponse:
        posted = await auth.read_form(request)
        await self._remove(request, request[OPERATOR].id, posted.get("id", ""))
        raise web.HTTPSeeOther(f"{self._entrance.home}passkeys")

    async def _remove(self, request: web.Request, operator: str, identifier: str) -> None:
        """Whoever came in by it is out, except whoever removes it. ``Missing``, ``Malformed``."""
        known, own = base64url.decode(identifier), await auth.require_session(request)

        async def unit(tx: Tx) -> None:
            if not await passkeys.remove(tx, operators.subject(operator), known):
                raise Missing("there is no such passkey")
            await sessions.end_all(tx, operator, but=own.key)

        await storage(request).write(unit)

    # --- everybody's ---------------------------------------------------------------------------------------------------------------------

    async def show_everybody(self, request: web.Request) -> web.StreamResponse:
        """Who signs in how."""
        ways = request.config_dict[WAYS]

        async def unit(tx: Tx) -> list[dict[str, Any]]:
            out = await operator_logins.refused(tx)
            people = [each for each in await operators.everybody(tx) if each.ended_at is None]
            return [
                {
                    "person": each,
                    "out": each.id in out,
                    "passkeys": [shown(one) for one in await passkeys.of(tx, operators.subject(each.id))],
                }
                for each in people
            ]

        return await self._entrance.render(
            request,
            "everybody",
            rows=await storage(request).read(unit),
            roles=self._entrance.roles,
            elsewhere="" if ways.elsewhere is None else ways.elsewhere.name,
            passphrases=await ways.take_passphrases(storage(request), now(request)),
        )

    async def remove_anybodys(self, request: web.Request) -> web.StreamResponse:
        posted = await auth.read_form(request)
        await self._remove(request, posted.get("operator", ""), posted.get("id", ""))
        raise web.HTTPSeeOther(f"{self._entrance.home}passkeys/everybody")

    async def end_person(self, request: web.Request) -> web.StreamResponse:
        """Out at once, and to stay out, whatever her groups say."""
        identifier, at = (await auth.read_form(request)).get("operator", ""), now(request)

        async def unit(tx: Tx) -> None:
            await operators.end(tx, identifier, at)
            await self._entrance.leaves(tx, identifier, at)

        await storage(request).write(unit)
        raise web.HTTPSeeOther(f"{self._entrance.home}passkeys/everybody")


def _handle(challenge: bytes) -> bytes:
    """Random, and for no other passkey."""
    return sha256(challenge).digest()


def shown(known: Passkey) -> dict[str, Any]:
    """What pages need of a passkey."""
    return {"id": base64url.encode(known.id), "name": known.name, "made_at": known.made_at, "used_at": known.used_at}
