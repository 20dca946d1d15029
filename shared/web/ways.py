"""The ways in for operators: a passphrase, a passkey, an account elsewhere; what a service brings for them, and whether they lead in.

ways = ways_of(settings, directory, name=…, ranks=…, home="/desk/", mac=…)      once, when the service is put together
await ways.take_passphrases(storage, at)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from ..codec import reader, strict_json
from ..errors import ConfigError, Malformed
from ..flow import Fetch, Flow, arun
from ..storage import Storage
from . import oidc, operator_logins
from .fetch import Fetcher
from .passkeys import AtHome
from .settings import Common, OperatorSettings
from .staff_login import Elsewhere, elsewhere_of

BACK = "sign-in/login/back"
Mac = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """``passphrases`` is what the settings wish; ``mac`` an HMAC under a key of the service that serves this purpose alone."""

    at_home: AtHome
    elsewhere: Elsewhere | None
    passphrases: bool
    mac: Mac

    async def take_passphrases(self, storage: Storage, at: int) -> bool:
        """Whether a passphrase lets somebody in: always while no admin could come in without one."""
        if self.passphrases:
            return True
        elsewhere = self.elsewhere
        provider = "" if elsewhere is None or "admin" not in elsewhere.roles.values() else elsewhere.provider.issuer
        return not await storage.read(lambda tx: operator_logins.another_way(tx, provider, host=self.at_home.host, at=at))


WAYS: web.AppKey[Ways] = web.AppKey("WAYS", Ways)


def ways_of(settings: OperatorSettings, directory: Path, *, name: str, ranks: Sequence[str], home: str, mac: Mac) -> Ways:
    """As the settings say; ``ConfigError``. ``name`` is what passkeys are said to be for, ``home`` the first page of operators."""
    return Ways(
        at_home=AtHome(urlsplit(settings.public_url).hostname or "", settings.origin, name),
        elsewhere=elsewhere_of(settings, directory, ranks=ranks, back=f"{settings.origin}{home}{BACK}"),
        passphrases=settings.operator_passphrases,
        mac=mac,
    )


async def examine(ways: Ways, storage: Storage, settings: Common, at: int) -> str:
    """For ``doctor``: the provider answers under its own name and has keys; passphrases are off where they are to be. Raises ``VcError``."""
    told = "passphrases and passkeys"
    if ways.elsewhere is not None:
        fetcher = Fetcher.of(settings)
        try:
            keys = await arun(_keys(ways.elsewhere), fetcher)
        finally:
            await fetcher.close()
        told = f"{ways.elsewhere.name} answers, with {keys} key(s); {len(ways.elsewhere.roles)} group(s) are let in"
    if not ways.passphrases and await ways.take_passphrases(storage, at):
        raise ConfigError(
            "operator_passphrases is false, but no admin has a passkey for this host, and none came in from elsewhere lately, where a group "
            "makes admins: passphrases are still taken"
        )
    return told


def _keys(elsewhere: Elsewhere) -> Flow[int]:
    metadata = yield from oidc.fetch_provider(elsewhere.provider)
    got = yield Fetch(url=metadata.jwks_uri)
    keys = reader.get_list(strict_json.load_object(got.body), "keys") if got.status == 200 else []
    if not keys:
        raise Malformed("the provider of operators' sign-ins has no keys", where="/keys")
    return len(keys)
