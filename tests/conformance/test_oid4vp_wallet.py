"""Our re-creation of the official modules for wallets of OpenID4VP 1.0: each test is named after its module and does what that does.

The wallet is the real service, asked by its holder over HTTP; the verifier is emulated, and lives in a network of memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from support.holdings import SHOWABLE, put_document
from support.suite_verifier import GIVEN_NAME, HOST, Suite, wanted
from support.wallets import Site, serve_wallet
from support.world import COUNCIL

from shared.codec import base64url
from shared.formats import Claims
from shared.jose import jwe
from shared.openid4vp import MULTISIGNED, SIGNED, UNSIGNED, VpResponse, WalletRefusal

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEVERAL = ("post", "value", UNSIGNED, SIGNED, MULTISIGNED)
FAMILY = ("represented", "family_name")


@dataclass
class Table:
    """A verifier and a holder with an open wallet."""

    suite: Suite
    site: Site

    async def ask(self, begun: Any) -> tuple[int, Any]:
        """The wallet reads the request."""
        if isinstance(begun, str):
            return await self.site.call("POST", "/api/requests", {"link": begun})
        body = {"protocol": self.suite.way, "data": begun, "origin": COUNCIL}
        return await self.site.call("POST", "/api/platform-requests", body)

    async def share(self, begun: Any) -> dict[str, Any]:
        """The holder agrees to what is asked; the answer is with the verifier."""
        status, view = await self.ask(begun)
        assert (status, view["problem"]) == (200, ""), view
        status, done = await self.site.call("POST", f"/api/requests/{view['id']}/agree", looked_at(view))
        assert (status, done["state"], done["refusal"]) == (200, "answered", ""), done
        if done["handed"] is not None:
            self.suite.take(done["handed"])
        shown: dict[str, Any] = done
        return shown

    async def refused(self, begun: Any, *codes: str) -> None:
        """The wallet refuses; nothing is shown, and whoever is told anything is told one of ``codes``."""
        status, told = await self.ask(begun)
        assert 400 <= status < 500, told
        assert not [answer for answer in self.suite.answers if isinstance(answer, VpResponse)]
        assert [answer.error for answer in self.suite.answers if isinstance(answer, WalletRefusal)] in ([], *([code] for code in codes))


def looked_at(view: Mapping[str, Any]) -> dict[str, Any]:
    """What a program echoes of what it showed."""
    return {name: view[name] for name in ("documents", "ways", "seen")}


def seen(facts: Claims) -> dict[str, Any]:
    """What can be read of the donor."""
    return {name: value for name, value in facts.claims.get("represented", {}).items() if value}


Lay = Callable[..., Awaitable[Table]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sites(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mapping[bool, Site]]:
    """One wallet service as it comes, and one in low assurance."""
    async with AsyncExitStack() as stack:
        found = {}
        for low in (False, True):
            folder = tmp_path_factory.mktemp("low" if low else "high")
            found[low] = await stack.enter_async_context(serve_wallet(folder, accept_unsigned=low))
            await found[low].open()
        yield found


@pytest.fixture
def lay(sites: Mapping[bool, Site]) -> Lay:
    async def table(*forms: str, low: bool = False, **how: Any) -> Table:
        site = sites[low]
        suite = Suite(site.world.clock, **how)
        if not suite.posts:
            suite.mode = suite.mode.replace("direct_post", "dc_api")
        site.world.council = suite
        site.world.log.clear()
        [vault] = site.host.unlocked.vaults()
        await put_document(site.host.means, vault, forms or ("dc+sd-jwt",))
        return Table(suite, site)

    return table


# --- what a wallet answers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", SHOWABLE)
@pytest.mark.parametrize("mode", ["direct_post.jwt", "direct_post", UNSIGNED, SIGNED, MULTISIGNED])
async def test_oid4vp_1final_wallet_happy_flow(lay: Lay, form: str, mode: str) -> None:
    """``state`` is left out."""
    how = {"mode": mode} if mode.startswith("direct") else {"way": mode}
    table = await lay(form, query={"credentials": [wanted(form)]}, **how)
    await table.share(table.suite.begin(state=None))
    assert seen(table.suite.verified()["document"]) == {"given_name": GIVEN_NAME}


@pytest.mark.parametrize("mode", ["x509_hash", "x509_san_dns", "redirect_uri", SIGNED, UNSIGNED])
async def test_oid4vp_1final_wallet_alternate_happy_flow(lay: Lay, mode: str) -> None:
    """A long state and nonce, members that nobody knows, another ``iss``, a key without ``use``, reordered parameters, a redirect."""
    how = {"way": mode} if mode.startswith("openid4vp") else {"prefix": mode}
    back = f"{COUNCIL}/cb#response_code=091535f699ea575c7937fa5f0f454aee"
    table = await lay(low=mode == "redirect_uri", redirect=back, **how)
    suite = table.suite
    key = {name: value for name, value in jwe.public_half(suite.private_jwk).items() if name != "use"}
    claims: dict[str, Any] = {"iss": "https://somebody.example", "random_parameter": "ignored"}
    if mode == "redirect_uri":
        claims["response_uri"] = None
    if mode == UNSIGNED:
        suite.tells = True
        claims |= {"client_id": "unknown_prefix:somebody", "expected_origins": ["https://somebody.example"]}
    link = suite.begin(
        claims=claims,
        link={"random_parameter": "ignored"},
        state="s" * 64 if suite.posts else None,
        nonce=suite.private_jwk["x"],
        encryption_keys=(key,),
    )
    if isinstance(link, str):
        scheme, _, query = link.partition("?")
        link = f"{scheme}?{'&'.join(reversed(query.split('&')))}"
    done = await table.share(link)
    assert seen(suite.verified()["document"]) == {"given_name": GIVEN_NAME}
    assert done["redirect_uri"] == (back if suite.posts else None)


@pytest.mark.parametrize("form", SHOWABLE)
async def test_oid4vp_1final_wallet_no_claims_in_dcql_query(lay: Lay, form: str) -> None:
    query = wanted(form)
    del query["claims"]
    table = await lay(form, query={"credentials": [query]})
    await table.share(table.suite.begin())
    facts = table.suite.verified()["document"]
    assert seen(facts) == {}
    assert facts.disclosed == ()


@pytest.mark.parametrize("form", SHOWABLE)
async def test_oid4vp_1final_wallet_fewer_claims_than_available(lay: Lay, form: str) -> None:
    paths = (("represented", "given_name"), FAMILY)
    table = await lay(form)
    for some in (paths, paths[1:]):
        table.suite.query, table.suite.answers = {"credentials": [wanted(form, some)]}, []
        await table.share(table.suite.begin(nonce=f"nonce-of-{len(some)}-claims-AAAAAA"))
        assert set(seen(table.suite.verified()["document"])) == {path[1] for path in some}


@pytest.mark.parametrize("way", ["get", SIGNED])
async def test_oid4vp_1final_wallet_optional_credential_set(lay: Lay, way: str) -> None:
    other = wanted(id="other", meta={"vct_values": ["urn:example:not-held"]})
    sets = [{"options": [["document"]]}, {"options": [["other"]], "required": False}]
    table = await lay(way=way, query={"credentials": [wanted(), other], "credential_sets": sets})
    await table.share(table.suite.begin())
    assert list(table.suite.verified()) == ["document"]


@pytest.mark.parametrize("way", ["get", SIGNED])
async def test_oid4vp_1final_wallet_ignores_unusable_encryption_key(lay: Lay, way: str) -> None:
    table = await lay(way=way)
    unusable = (
        {"kty": "AKP", "alg": "ML-KEM-9999", "use": "enc", "kid": "post-quantum", "pub": "AAAA"},
        {"kty": "MADE-UP", "alg": "ECDH-ES", "use": "enc", "kid": "made-up", "x": "AAAA"},
    )
    key = jwe.public_half(table.suite.private_jwk)
    await table.share(table.suite.begin(encryption_keys=(*unusable, key)))
    assert table.suite.verified()


async def test_oid4vp_1final_wallet_request_uri_method_post(lay: Lay) -> None:
    table = await lay(way="post")
    await table.share(table.suite.begin())
    assert table.suite.asked_by == ["POST"]
    assert table.suite.verified()


@pytest.mark.parametrize("spoiled", [0, 1])
async def test_oid4vp_1final_wallet_multisigned_one_invalid_signature(lay: Lay, spoiled: int) -> None:
    table = await lay(way=MULTISIGNED, spoil=(spoiled,))
    done = await table.share(table.suite.begin())
    assert table.suite.verified()
    assert done["asker"]["proved"] is (spoiled == 0)


# --- what a wallet refuses -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["get", SIGNED])
async def test_oid4vp_1final_wallet_negative_test_required_non_matching_credential(lay: Lay, way: str) -> None:
    """Nothing at all is shown, in whole or in part; once the holder has read why, the verifier is told ``access_denied``."""
    other = wanted(id="other", meta={"vct_values": ["urn:example:not-held"]})
    sets = [{"options": [["document"]]}, {"options": [["other"]]}]
    table = await lay(way=way, query={"credentials": [wanted(), other], "credential_sets": sets})
    status, view = await table.ask(table.suite.begin())
    assert (status, view["parts"], view["problem"]) == (200, [], "Nothing in your wallet answers what they ask for.")
    status, told = await table.site.call("POST", f"/api/requests/{view['id']}/agree", looked_at(view))
    assert (status, told["code"]) == (403, "access_denied")
    assert table.suite.answers == []
    status, done = await table.site.call("POST", f"/api/requests/{view['id']}/refuse")
    assert (status, done["state"]) == (200, "withheld")
    if done["handed"] is not None:
        table.suite.take(done["handed"])
    assert [answer.error for answer in table.suite.answers if isinstance(answer, WalletRefusal)] == ["access_denied"]


@pytest.mark.parametrize("way", ["get", *SEVERAL])
async def test_oid4vp_1final_wallet_negative_test_unknown_transaction_data_type(lay: Lay, way: str) -> None:
    table = await lay(way=way)
    entry = base64url.encode(b'{"type":"urn:example:unrecognised","credential_ids":["document"]}')
    await table.refused(table.suite.begin(claims={"transaction_data": [entry]}), "invalid_transaction_data")
    assert len(table.suite.answers) == (1 if way == "get" else len(table.suite.answers))


@pytest.mark.parametrize("prefix", ["redirect_uri", "x509_san_dns"])
@pytest.mark.parametrize("uri", ["https://northwold-bank.example/response", f"https://{HOST}.evil.example/response/0"])
async def test_oid4vp_1final_wallet_negative_test_response_uri_not_client_id(lay: Lay, prefix: str, uri: str) -> None:
    table = await lay(low=True, prefix=prefix)
    await table.refused(table.suite.begin(claims={"response_uri": uri}))
    assert not [url for _, _, url in table.site.world.log if url.startswith(uri)]


@pytest.mark.parametrize("way", ["get", *SEVERAL])
async def test_oid4vp_1final_wallet_negative_test_missing_nonce(lay: Lay, way: str) -> None:
    table = await lay(way=way)
    await table.refused(table.suite.begin(claims={"nonce": None}), "invalid_request")


@pytest.mark.parametrize("way", [SIGNED, MULTISIGNED])
async def test_oid4vp_1final_wallet_negative_test_wrong_expected_origins(lay: Lay, way: str) -> None:
    table = await lay(way=way)
    for origins in (["https://somebody.example"], [f"{COUNCIL}/"], []):
        await table.refused(table.suite.begin(claims={"expected_origins": origins}))


@pytest.mark.parametrize("way", ["get", "post", "value", SIGNED, MULTISIGNED])
async def test_oid4vp_1final_wallet_negative_test_invalid_request_object_signature(lay: Lay, way: str) -> None:
    table = await lay(way=way, spoil=(0, 1))
    await table.refused(table.suite.begin())
    assert table.suite.answers == []


@pytest.mark.parametrize("way", ["get", "post", "value"])
async def test_oid4vp_1final_wallet_negative_test_mismatched_client_id(lay: Lay, way: str) -> None:
    table = await lay(way=way)
    for other in (f"x509_san_dns:{HOST}", "x509_hash:AAAA", table.suite.client_id.removeprefix("x509_hash:"), f"{table.suite.client_id} "):
        await table.refused(table.suite.begin(claims={"client_id": other}))
        assert table.suite.answers == []


@pytest.mark.parametrize("mode", ["direct_post.jwt", "direct_post"])
async def test_oid4vp_1final_wallet_negative_test_redirect_uri_with_direct_post(lay: Lay, mode: str) -> None:
    table = await lay(mode=mode)
    await table.refused(table.suite.begin(claims={"redirect_uri": f"{COUNCIL}/cb"}), "invalid_request")
    assert [answer.error for answer in table.suite.answers if isinstance(answer, WalletRefusal)] == ["invalid_request"]


@pytest.mark.parametrize("prefix", ["invalid_scheme", "origin", "x509_san_uri", "X509_HASH"])
@pytest.mark.parametrize("low", [False, True])
async def test_oid4vp_1final_wallet_negative_test_invalid_client_id_prefix(lay: Lay, prefix: str, low: bool) -> None:
    table = await lay(low=low, prefix=prefix)
    await table.refused(table.suite.begin())
    assert table.suite.answers == []
