"""This office comes below a superior: its one-time code and what the office says of itself, in one message."""

from __future__ import annotations

from issuer.federation.own import JOIN, entity_of
from issuer.office import Office
from shared.codec import strict_json
from shared.errors import ConfigError, Missing
from shared.flow import Fetch
from shared.urls import LOOPBACK, check_identifier
from shared.web.fetch import Fetcher
from shared.web.handing import refusal_of


async def join(office: Office, superior: str, code: str) -> None:
    """``ConfigError`` where the settings do not name the superior or there is no key; ``Refused`` with its words if it does not take us."""
    check_identifier(superior, where="superior", plain_http=LOOPBACK)
    if superior not in office.settings.authority_hints:
        raise ConfigError(f'name it first: authority_hints = ["{superior}"] in issuer.toml, then start the service again', where="superior")
    try:
        configuration = await entity_of(office).configure()
    except Missing as error:
        raise ConfigError("there is no federation key: run `keys create`") from error
    body = strict_json.dumps({"code": code, "configuration": configuration})
    fetcher = Fetcher.of(office.settings)
    try:
        got = await fetcher(
            Fetch(url=superior.removesuffix("/") + JOIN, method="POST", headers={"content-type": "application/json"}, body=body)
        )
    finally:
        await fetcher.close()
    if got.status != 202:
        raise refusal_of(got)


async def fingerprint(office: Office) -> str:
    """What its people compare."""
    return (await entity_of(office).key()).kid
