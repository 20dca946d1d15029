"""What a wallet refuses on its way through a sign-in: other issuers, other servers, other answers, other addresses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from support.signing import Signer
from support.strict_wallet import BACK, Visit, visit

from shared.errors import (
    AccessDenied,
    InvalidClientAttestation,
    InvalidGrant,
    Malformed,
    Missing,
    Refused,
    Unavailable,
    VcError,
)
from shared.jose.jws import parse_jws
from shared.openid4vci import AuthorizationCodeGrant, render_as_metadata, render_issuer_metadata
from shared.urls import with_query
from wallet import invite, sign_in
from wallet.sessions import Granted, Offered, Sent


async def left(here: Visit) -> tuple[str, str]:
    """An invitation whose holder is at the issuer, and where that is."""
    invitation = await here.invite()
    return invitation, await here.leave(invitation)


# --- what comes back -----------------------------------------------------------------------------------------------------------------


async def test_an_answer_by_another_server_is_refused_and_its_code_goes_nowhere(tmp_path: Path) -> None:
    async with visit(tmp_path, issuers=2) as here:
        invitation, url = await left(here)
        with pytest.raises(Refused) as refused:
            await here.come_back(here.issuer.agree(url, issuer=here.issuers[1].base))
        assert refused.value.where == "iss"
        assert isinstance((await here.look(invitation)).state, Offered)
        assert not [call for issuer in here.issuers for call in issuer.calls("/token")]


@pytest.mark.parametrize("bend", [lambda base: base + "/", lambda base: base.upper(), lambda _: ""], ids=["slash", "case", "empty"])
async def test_the_name_of_the_server_is_compared_exactly(tmp_path: Path, bend: Callable[[str], str]) -> None:
    async with visit(tmp_path) as here:
        _, url = await left(here)
        with pytest.raises(Refused):
            await here.come_back(here.issuer.agree(url, issuer=bend(here.issuer.base)))
        assert not here.issuer.calls("/token")


async def test_an_answer_without_the_name_of_its_server(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        invitation, url = await left(here)
        sent = (await here.look(invitation)).state
        assert isinstance(sent, Sent)
        with pytest.raises(Refused):
            await here.come_back(with_query(BACK, {"code": "code", "state": sent.sign_in.state}))
        assert url


@pytest.mark.parametrize("state", ["", "another", None])
async def test_another_state_is_no_answer_and_changes_nothing(tmp_path: Path, state: str | None) -> None:
    async with visit(tmp_path) as here:
        invitation, url = await left(here)
        answer = {"code": "code", "iss": here.issuer.base} | ({} if state is None else {"state": state})
        with pytest.raises(Missing):
            await here.come_back(with_query(BACK, answer))
        await here.come_back(here.issuer.agree(url))
        assert isinstance((await here.look(invitation)).state, Granted)


async def test_an_answer_is_good_once(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        _, url = await left(here)
        answer = here.issuer.agree(url)
        await here.come_back(answer)
        with pytest.raises(Missing):
            await here.come_back(answer)
        assert len([body for _, body in here.issuer.calls("/token")]) <= 2, "and one of them for a nonce"


async def test_a_code_of_somebody_else_is_of_no_use(tmp_path: Path) -> None:
    """Code injection: the code of another wallet's sign-in, put into the answer to ours. PKCE is what tells them apart."""
    async with visit(tmp_path) as here:
        invitation, url = await left(here)
        theirs = here.issuer.agree(await here.leave(await here.invite(here.issuer.link(authorization_code=None))))
        code = theirs.partition("code=")[2].partition("&")[0]
        with pytest.raises(InvalidGrant):
            await here.come_back(here.issuer.agree(url, code=code))
        assert isinstance((await here.look(invitation)).state, Offered)
        assert await here.wallet.documents() == []


async def test_an_answer_to_another_address(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        _, url = await left(here)
        with pytest.raises(Refused):
            await here.come_back(here.issuer.agree(url).replace("wallet.example", "wa11et.example"))
        assert not here.issuer.calls("/token")


async def test_a_refusal_there_is_no_document_here(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        invitation, url = await left(here)
        with pytest.raises(AccessDenied):
            await here.come_back(here.issuer.deny(url, AccessDenied("no")))
        assert isinstance((await here.look(invitation)).state, Offered)
        await here.come_back(here.issuer.agree(await here.leave(invitation)))
        assert (await here.take(invitation)).value.copies


async def test_a_parameter_that_comes_twice(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        _, url = await left(here)
        with pytest.raises(Malformed):
            await here.come_back(here.issuer.agree(url) + "&code=code-0")


async def test_a_sign_in_of_another_wallet_is_none_of_ours(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        _, url = await left(here)
        other = await here.wallet.doors.make("Peter Ashdown", "another long passphrase")
        with pytest.raises(Missing):
            await sign_in.finish(here.wallet.means, other.vault, here.issuer.agree(url))


# --- two issuers, two servers -----------------------------------------------------------------------------------------------------------


async def test_two_servers_of_one_issuer_are_not_mixed_up(tmp_path: Path) -> None:
    """The issuer names both, the holder signs in at the first, the answer is by the second."""
    async with visit(tmp_path, issuers=2) as here:
        first, second = here.issuers
        first.ways.servers = (first.base, second.base)
        _, url = await left(here)
        with pytest.raises(Refused):
            await here.come_back(first.agree(url, issuer=second.base))
        invitation = await here.invite(first.link(authorization_code=AuthorizationCodeGrant(authorization_server=second.base)))
        url = await here.leave(invitation)
        assert url.startswith(f"{second.base}/authorize?")
        with pytest.raises(Refused):
            await here.come_back(second.agree(url, issuer=first.base))
        assert not first.calls("/token")
        assert not second.calls("/token")


async def test_a_server_that_the_issuer_does_not_name(tmp_path: Path) -> None:
    async with visit(tmp_path, issuers=2, path="/as") as here:
        first, second = here.issuers
        with pytest.raises(Malformed):
            await here.invite(first.link(authorization_code=AuthorizationCodeGrant(authorization_server=second.server)))


async def test_a_token_given_at_one_issuer_is_of_no_use_to_another(tmp_path: Path) -> None:
    """An issuer that names the server of another one gets a token that is tied to a key, with a proof for its own address alone."""
    async with visit(tmp_path, issuers=2) as here:
        honest, evil = here.issuers
        evil.ways.servers = (honest.base,)
        invitation = await here.invite(evil.link())
        await here.come_back(honest.agree(await here.leave(invitation)))
        with pytest.raises(VcError):
            await here.take(invitation)
        headers, _ = evil.calls("/credential")[-1]
        async with ClientSession() as http, http.post(f"{honest.base}/credential", headers=stolen(headers), data=b"{}") as answer:
            assert answer.status in {400, 401}
        assert [type(error).__name__ for error in honest.refused][-1] == "InvalidDpopProof"


def stolen(headers: dict[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in ("authorization", "dpop", "content-type")}


# --- discovery ---------------------------------------------------------------------------------------------------------------------------


def says(document: dict[str, Any]) -> Callable[[web.Request], web.StreamResponse]:
    return lambda _: web.json_response(document)


ISSUER_PATH, SERVER_PATH = "/.well-known/openid-credential-issuer", "/.well-known/oauth-authorization-server"


@pytest.mark.parametrize("suffix", ["/", "/other", "?a=b"])
async def test_an_issuer_that_calls_itself_something_else(tmp_path: Path, suffix: str) -> None:
    async with visit(tmp_path) as here:
        document = render_issuer_metadata(here.issuer.metadata())
        here.issuer.instead[ISSUER_PATH] = says(document | {"credential_issuer": here.issuer.base + suffix})
        with pytest.raises(Malformed):
            await here.invite()
        assert not here.issuer.calls(SERVER_PATH)


@pytest.mark.parametrize("suffix", ["/", "/other", "#"])
async def test_a_server_that_calls_itself_something_else(tmp_path: Path, suffix: str) -> None:
    async with visit(tmp_path) as here:
        document = render_as_metadata(here.issuer.as_metadata())
        here.issuer.instead[SERVER_PATH] = says(document | {"issuer": here.issuer.base + suffix})
        with pytest.raises(Malformed):
            await here.invite()


@pytest.mark.parametrize("path", ["", "/as"])
async def test_openid_configuration_is_never_asked_for(tmp_path: Path, path: str) -> None:
    async with visit(tmp_path, path=path) as here:
        here.issuer.instead[SERVER_PATH + path] = lambda _: web.Response(status=404)
        with pytest.raises(VcError):
            await here.invite()
        asked = [what for what, _, _ in here.issuer.log]
        assert asked == [f"GET {ISSUER_PATH}", f"GET {SERVER_PATH}{path}"]


UNSAFE = {
    "no pushed requests": {"pushed_authorization_request_endpoint": None},
    "no page": {"authorization_endpoint": None},
    "no S256": {"code_challenge_methods_supported": ["plain"]},
    "no codes": {"grant_types_supported": ["implicit"]},
    "a page that is a program": {"authorization_endpoint": "javascript:alert(1)"},
    "a page without TLS": {"authorization_endpoint": "http://registry.example/authorize"},
    "tokens without TLS": {"token_endpoint": "http://registry.example/token"},
}


@pytest.mark.parametrize("members", UNSAFE.values(), ids=list(UNSAFE))
async def test_a_server_that_nobody_should_sign_in_at(tmp_path: Path, members: dict[str, Any]) -> None:
    async with visit(tmp_path) as here:
        document = render_as_metadata(here.issuer.as_metadata()) | members
        here.issuer.instead[SERVER_PATH] = says({name: value for name, value in document.items() if value is not None})
        with pytest.raises((Malformed, Refused)):
            await here.invite()
        with pytest.raises((Malformed, Refused)):
            await invite.look_at(here.wallet.means, here.issuer.base)
        assert await here.wallet.invitations() == []


# --- other addresses ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ISSUER_PATH, SERVER_PATH, "/offers/1", "/par", "/token", "/nonce", "/credential", "/notification"])
@pytest.mark.parametrize("status", [302, 307])
async def test_nobody_is_followed_to_another_host(tmp_path: Path, path: str, status: int) -> None:
    async with visit(tmp_path, issuers=2) as here:
        first, second = here.issuers
        first.instead[path] = lambda request: web.Response(status=status, headers={"Location": f"{second.base}{request.path_qs}"})
        try:
            await here.collect(first.reference())
        except VcError:
            assert await here.wallet.documents() == []
        else:
            assert path == "/notification", "nothing of ours depends on that"
        assert second.log == []


# --- tokens, proofs, copies ----------------------------------------------------------------------------------------------------------------


def token(request: web.Request, kind: str = "Bearer") -> web.StreamResponse:
    del request
    return web.json_response({"access_token": "access", "token_type": kind, "expires_in": 60})


async def test_a_token_for_whoever_holds_it_where_one_tied_to_us_was_promised(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        here.issuer.instead["/token"] = token
        _, url = await left(here)
        with pytest.raises(Refused):
            await here.come_back(here.issuer.agree(url))
        assert not here.issuer.calls("/credential")


async def test_a_wallet_that_nobody_knows_is_told_so(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        here.issuer.maker = lambda _x5c, _at: (_ for _ in ()).throw(InvalidClientAttestation("who is that?"))
        with pytest.raises(InvalidClientAttestation):
            await left(here)


async def test_a_server_that_wants_one_nonce_after_the_other_is_left_alone(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:

        def never(_: web.Request) -> web.StreamResponse:
            return web.json_response({"error": "use_dpop_nonce"}, status=400, headers={"DPoP-Nonce": "n"})

        invitation = await here.invite()
        here.issuer.instead["/par"] = never
        with pytest.raises(Refused):
            await here.leave(invitation)
        assert len(here.issuer.calls("/par")) == 2


async def test_an_issuer_that_does_not_answer_is_asked_again_by_the_holder_alone(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        invitation, url = await left(here)
        here.issuer.instead["/token"] = lambda _: web.Response(status=503)
        with pytest.raises(Unavailable):
            await here.come_back(here.issuer.agree(url))
        assert len(here.issuer.calls("/token")) == 1
        assert isinstance((await here.look(invitation)).state, Offered)


async def test_a_copy_for_a_key_that_is_not_ours(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        invitation, issuer = await here.granted(), here.issuer
        usual = issuer._copies
        issuer._copies = lambda what, keys: usual(what, (*keys[1:], Signer.new().public))  # type: ignore[method-assign] # a bad office
        with pytest.raises(VcError):
            await here.take(invitation)
        assert await here.wallet.documents() == []
        assert [each["event"] for each in issuer.notified] == ["credential_failure"]


async def test_proofs_name_who_asks_and_whom(tmp_path: Path) -> None:
    """The client id stands in key proofs where the token was given to one (appendix F.1), and only there."""
    async with visit(tmp_path) as here:
        await here.collect()
        (_, body) = here.issuer.calls("/credential")[-1]
        said = json.loads(parse_jws(json.loads(body)["proofs"]["jwt"][0]).payload)
        assert (said["iss"], said["aud"]) == ("https://wallet.example", here.issuer.base)


async def test_nothing_is_signed_in_for_twice(tmp_path: Path) -> None:
    async with visit(tmp_path) as here:
        invitation = await here.granted()
        await here.take(invitation)
        with pytest.raises(VcError):
            await here.leave(invitation)


@pytest.mark.parametrize("lacks", [{"names_itself": False}, {"dpop": False}], ids="-".join)
async def test_a_server_of_lower_assurance_is_asked_for_nothing(tmp_path: Path, lacks: dict[str, Any]) -> None:
    """One that does not promise its name in its answers could be mixed up with another, one without DPoP gives tokens that anybody can use."""
    async with visit(tmp_path, **lacks) as here:
        with pytest.raises(Refused):
            await here.invite()
        assert here.issuer.calls("/par") == here.issuer.calls("/token") == []
