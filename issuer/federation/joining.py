"""This office comes below a superior: its one-time code and what the office says of itself, in one message."""

from __future__ import annotations

from issuer.federation.own import JOIN, entity_of
from issuer.office import Office
from shared.codec import reader, strict_json
from shared.errors import ConfigError, Refused, Unavailable, VcError
from shared.flow import Fetch, Fetched
from shared.urls import LOOPBACK, check_identifier
from shared.web.fetch import Fetcher


async def join(office: Office, superior: str, code: str) -> None:
    """``ConfigError`` where the settings do not name the superior or there is no key; ``Refused`` with its words if it does not take us."""
    check_identifier(superior, where="superior", plain_http=LOOPBACK)
    if superior not in office.settings.authority_hints:
        raise ConfigError(f'name it first: authority_hints = ["{superior}"] in issuer.toml, then start the service again', where="superior")
    own = entity_of(office)
    await own.examine()
    body = strict_json.dumps({"code": code, "configuration": await own.configure()})
    fetcher = Fetcher.of(office.settings)
    try:
        got = await fetcher(
            Fetch(url=superior.removesuffix("/") + JOIN, method="POST", headers={"content-type": "application/json"}, body=body)
        )
    finally:
        await fetcher.close()
    if got.status != 202:
        raise _refusal(got)


def _refusal(got: Fetched) -> VcError:
    if got.status >= 500:
        return Unavailable("the superior does not answer now")
    try:
        words = reader.get_str(strict_json.load_object(got.body), "error_description", max_length=300)
    except VcError:
        words = f"it answered {got.status}"
    return Refused(f"the superior did not take it: {words}")


async def fingerprint(office: Office) -> str:
    """What its people compare."""
    return (await entity_of(office).key()).kid
