"""Our relying party of OpenID Connect against a provider by others, over https on loopback, with the login page that it brings."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from aiohttp import ClientSession, CookieJar, TCPConnector
from jwcrypto.jwk import JWK
from support.attested import CALLBACK, MAKER, attested, trust
from support.console import Browser
from support.foreign import Peer, node, secret_jwk
from support.ports import free_port
from support.registry import Registry, Template, serving
from support.signing import Signer, anchor, leaf
from support.trial_verify import Authority as Maker
from support.visitor import visitor
from yarl import URL

from demo.authority import Authority
from issuer import upkeep
from shared.clock import system_clock, system_entropy
from shared.keys import Role
from shared.private_file import write_whole

COUNTERPARTS = {"oidc-provider": "OpenID provider where holders and operators sign in"}
pytestmark = pytest.mark.real
SECRET = "for trying it out, long enough"


@pytest.fixture
def provider() -> Iterator[Peer]:
    peer = node("provider")
    yield peer
    peer.close()


@pytest.fixture(params=["ES256", "RS256"])
async def office(
    office_folder: Template, tmp_path: Path, authority: Authority, provider: Peer, request: pytest.FixtureRequest
) -> AsyncIterator[Registry]:
    """An office whose holders may sign in at the provider, which signs with the algorithm of the test."""
    port = free_port()
    issuer, folder = f"https://localhost:{port}", tmp_path / "registry"
    folder.mkdir()
    write_whole(folder / "login.secret", SECRET.encode() + b"\n")
    settings: dict[str, Any] = {
        "login_issuer": issuer,
        "login_client_id": "office",
        "login_name": "Citizen Account",
        "outbound_allow": (f"localhost:{port}",),
        "outbound_ca_file": str(authority.ca),
    }
    staff: dict[str, Any] = {
        "operator_login_issuer": issuer,
        "operator_login_client_id": "office",
        "operator_login_name": "Staff Account",
        "operator_login_secret_file": "login.secret",
        "operator_login_scopes": ("profile", "groups"),
        "operator_login_roles": ("clerks=clerk", "seconds=approver", "heads=admin"),
    }
    async with serving(office_folder, folder, local=True, tls=authority, **settings, **staff) as running:
        rsa = JWK.generate(kty="RSA", size=2048, kid="r").export(private_key=True, as_dict=True)
        client = {
            "client_id": "office",
            "client_secret": SECRET,
            "redirect_uris": [f"{running.url}/authorize/login/back", f"{running.url}/console/sign-in/login/back"],
            "id_token_signed_response_alg": request.param,
        }
        files = {"key": authority.key.read_text("utf-8"), "cert": authority.certificate.read_text("utf-8")}
        keys = {"keys": [secret_jwk(Signer.new()) | {"kid": "e", "use": "sig"}, rsa | {"use": "sig"}]}
        await provider.call("open", issuer=issuer, port=port, jwks=keys, clients=[client], **files)
        yield running


def maker() -> Maker:
    """A maker of wallets whose certificate is in force by the real clock, which the provider reads too."""
    at, above, key = system_clock() - 3_600, Signer.new(), Signer.new()
    root = anchor(above, at=at)
    return Maker(above, root, key, (leaf(key, root, above, role=Role.WALLET_PROVIDER, uri=MAKER, at=at),), MAKER)


async def log_in(authority: Authority, address: str, name: str) -> str:
    """Go through the provider's own pages; where they send the browser in the end."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True), connector=TCPConnector(ssl=authority.client())) as http:
        answer = await http.get(address, allow_redirects=False)
        for _ in range(12):
            if answer.status in {302, 303}:
                address = urljoin(str(answer.url), answer.headers["Location"])
                if "/login/back?" in address:
                    return address
                answer = await http.get(address, allow_redirects=False)
                continue
            page = html.unescape(await answer.text())
            action = re.search(r'action="([^"]+)"', page)
            assert action is not None, page
            fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)) | {"login": name, "password": "x"}
            answer = await http.post(urljoin(str(answer.url), action[1]), data=fields, allow_redirects=False)
    raise AssertionError(address)


async def test_account_elsewhere_opens_what_was_made_for_it(office: Registry, authority: Authority) -> None:
    """Two documents for one account; another account gets nothing; the same answer serves once, and in her browser only."""
    made = [await office.make(account="nora") for _ in range(2)]
    trust(office, vouching := maker())
    wallet = await attested(office, vouching)
    sign_in, pushed = await wallet.push()
    async with visitor(office, authority) as nora, visitor(office, authority) as thief:
        assert "Sign in with Citizen Account" in await nora.come(wallet, pushed)
        page = await nora.send("/authorize/login")
        asked = re.findall(r'href="([^"]*state=[^"]*)"', page)[0]
        back = await log_in(authority, asked, "somebody else")
        assert "Nothing was made here for that account" in await nora.open(back)
        back = await log_in(authority, asked, "nora")
        await thief.come(wallet, pushed)
        assert "You were not signed in there" in await thief.open(back)
        await nora.open(back)
        assert nora.path == "/authorize/documents"
        assert "You were not signed in there" in await nora.open(back)  # her cookie is another by now
        await nora.choose(made[1]["id"])
        await nora.agree(made[1]["id"])
        assert nora.left.startswith(f"{CALLBACK}?code=")
        token = await wallet.change(sign_in, nora.left)
    assert (await wallet.copies(token)).credentials


async def through_the_provider(browser: Browser, authority: Authority, name: str) -> str:
    await browser.open("/console/sign-in")
    page = html.unescape(await browser.send("/console/sign-in/login", {}))
    asked = re.search(r'href="(https://localhost:[0-9]+/auth[?][^"]+)"', page)
    assert asked is not None, page
    back = await log_in(authority, asked[1], name)
    return await browser.open(back.removeprefix(browser.registry.url))


async def test_groups_of_an_account_elsewhere_say_the_role(office: Registry, authority: Authority, provider: Peer) -> None:
    """A clerk is a clerk, a head an admin; who is in no group any more is out, and so is her session."""
    people = {"cora": {"name": "Cora Far", "groups": ["clerks", "all"]}, "hedd": {"name": "Hedd Far", "groups": ["heads"]}}
    await provider.call("tell", people=people)
    cora = Browser(office)
    await through_the_provider(cora, authority, "cora")
    assert cora.path == "/console/"
    await cora.open("/console/waiting")
    assert cora.status == 403
    held = {cookie.key: cookie.value for cookie in office.http.cookie_jar}
    office.http.cookie_jar.clear()
    page = await through_the_provider(Browser(office), authority, "stranger")
    assert "is in no group that may sign in here" in page
    hedd = Browser(office)
    await through_the_provider(hedd, authority, "hedd")
    page = await hedd.open("/console/passkeys/everybody")
    assert "Cora Far" in page
    assert "stranger" not in page
    office.http.cookie_jar.clear()
    await provider.call("tell", people=people | {"cora": {"name": "Hedd Far", "groups": ["all"]}})
    assert "is in no group that may sign in here" in await through_the_provider(Browser(office), authority, "cora")
    office.http.cookie_jar.clear()
    office.http.cookie_jar.update_cookies(held, URL(office.base))
    await cora.open("/console/")
    assert cora.path == "/console/sign-in"
    told = {
        each.what: each
        for each in await upkeep.examine(office.directory, office.office.settings, clock=system_clock, entropy=system_entropy)
    }
    assert told["sign-in of operators"].ok, told["sign-in of operators"].detail
    assert "Staff Account answers, with 2 key(s); 3 group(s) are let in" in told["sign-in of operators"].detail
