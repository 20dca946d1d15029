from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.signing import AT, Signer, anchor, leaf

from shared.errors import InvalidDpopProof, UseAttestationChallenge, UseDpopNonce
from shared.flow import Fetch, Fetched, arun
from shared.jose.jwk import thumbprint
from shared.keys import KeyId, Role, Unsigned
from shared.oauth import prepare_attestation, verify_client_attestation, verify_dpop
from shared.openid4vci import (
    AsMetadata,
    ClientKeys,
    Configuration,
    IssuerMetadata,
    KeyPair,
    Metadata,
    PreAuthorizedRequest,
    Protected,
    TokenResponse,
    credential_request,
    fetch_token,
    fresh_nonce,
    request_credentials,
)
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.policy import Policy

ISSUER = "https://opg.example/lpa"
SERVER = "https://as.example"
ROOT, MAKER, INSTANCE, DPOP = Signer.new(), Signer.new(), Signer.new(), Signer.new()
ANCHOR = anchor(ROOT)
CHAIN = (leaf(MAKER, ANCHOR, ROOT, role=Role.WALLET_PROVIDER, uri="https://provider.example"),)
POLICY = Policy(TrustAnchors(anchors=(Anchor(certificate=ANCHOR, role=Role.WALLET_PROVIDER, name="provider"),)))
SIGNERS = {KeyId("instance"): INSTANCE, KeyId("dpop"): DPOP}
KEYS = ClientKeys(
    client_id="wallet",
    dpop=KeyPair(KeyId("dpop"), DPOP.public),
    instance=KeyPair(KeyId("instance"), INSTANCE.public),
    attestation=MAKER.finish(
        prepare_attestation(key=KeyId("maker"), alg="ES256", x5c=CHAIN, client_id="wallet", instance=INSTANCE.public, at=AT, lifetime=3_600)
    ),
)
LPA = Configuration(id="lpa", format="dc+sd-jwt", vct="urn:poa", binding_methods=("jwk",), proof_algs=("ES256",))
ABOUT = IssuerMetadata(
    issuer=ISSUER, credential_endpoint=f"{ISSUER}/credential", nonce_endpoint=f"{ISSUER}/nonce", configurations={"lpa": LPA}
)
AS = AsMetadata(
    issuer=SERVER,
    token_endpoint=f"{SERVER}/token",
    par_endpoint=f"{SERVER}/par",
    challenge_endpoint=f"{SERVER}/challenge",
    auth_methods=("attest_jwt_client_auth",),
    dpop_algs=("ES256",),
)
TOKEN = TokenResponse(access_token="t", token_type="DPoP")


async def sign(unsigned: Unsigned[str]) -> str:
    return SIGNERS[unsigned.key].finish(unsigned)


def answer(members: Any, status: int = 200, **headers: str) -> Fetched:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fetched(status=status, headers={"content-type": "application/json", **named}, body=json.dumps(members).encode())


GIVEN = answer({"access_token": "t", "token_type": "DPoP"})
COPIES = answer({"credentials": [{"credential": "a~"}]})


class World:
    """Both servers. Each wants the nonce and the challenge that it gave last, if it gave any, and checks every proof."""

    def __init__(self, *, challenge_first: bool = False) -> None:
        self.challenge_first = challenge_first
        self.asked: list[Fetch] = []
        self.nonces: dict[str, str] = {}  # wanted, by host
        self.challenges: list[str] = []  # given by the endpoint, newest last
        self.wanted: str | None = None  # a challenge
        self.seen: set[str] = set()  # jti

    def client(self, server: AsMetadata = AS, keys: ClientKeys = KEYS) -> Protected:
        drawn = iter(range(1_000))
        return Protected(
            keys, server, sign=sign, fetch=self.fetch, clock=lambda: AT, entropy=lambda size: next(drawn).to_bytes(size, "big")
        )

    async def fetch(self, want: Fetch) -> Fetched:
        self.asked.append(want)
        name = want.url.rpartition("/")[2]
        if name == "challenge":
            self.challenges.append(f"c{len(self.challenges)}")
            self.wanted = self.challenges[-1]
            return answer({"attestation_challenge": self.wanted})
        if name == "nonce":
            return answer({"c_nonce": "n"}, dpop_nonce=self.nonces.get("opg.example", ""), oauth_client_attestation_challenge="evil")
        try:
            self.check(want)
        except UseDpopNonce as error:
            return answer({"error": error.error}, 400 if name == "token" else 401, dpop_nonce=self.nonces[want.url.split("/")[2]])
        except UseAttestationChallenge as error:
            return answer({"error": error.error}, 400, oauth_client_attestation_challenge=self.wanted or "")
        return COPIES if name == "credential" else GIVEN

    def check(self, want: Fetch) -> None:
        for check in (self.check_client, self.check_dpop) if self.challenge_first else (self.check_dpop, self.check_client):
            check(want)

    def check_dpop(self, want: Fetch) -> None:
        nonce = self.nonces.get(want.url.split("/")[2])
        proof = verify_dpop(
            want.headers["dpop"],
            method=want.method,
            url=want.url,
            at=AT,
            nonce_ok=lambda found: nonce in (None, found),
            access_token=want.headers.get("authorization", "").partition(" ")[2] or None,
        )
        assert proof.jkt == KEYS.jkt
        if proof.jti in self.seen:
            raise InvalidDpopProof("seen before")
        self.seen.add(proof.jti)

    def check_client(self, want: Fetch) -> None:
        if "oauth-client-attestation" not in want.headers:
            return
        client = verify_client_attestation(
            want.headers["oauth-client-attestation"],
            want.headers["oauth-client-attestation-pop"],
            check_provider=POLICY.check_wallet_provider,
            audience=SERVER,
            at=AT,
            challenge_ok=lambda found: self.wanted in (None, found),
        )
        assert (client.client_id, client.jkt) == ("wallet", thumbprint(INSTANCE.public))

    def paths(self) -> list[str]:
        return [want.url.rpartition("/")[2] for want in self.asked]


async def get_token(client: Protected, server: AsMetadata = AS) -> TokenResponse:
    return await arun(fetch_token(server, PreAuthorizedRequest(code="c")), client)


async def get_copies(client: Protected, token: TokenResponse = TOKEN) -> None:
    await arun(request_credentials(Metadata(ABOUT, AS), token, credential_request(LPA, token, ["p"])), client)


async def test_a_token_is_asked_for_with_attestation_challenge_and_proof() -> None:
    world = World()
    assert await get_token(world.client()) == TOKEN
    assert world.paths() == ["challenge", "token"]
    assert "oauth-client-attestation" in world.asked[1].headers


async def test_every_request_has_its_own_challenge() -> None:
    world = World()
    client = world.client()
    await get_token(client)
    await get_token(client)
    assert world.challenges == ["c0", "c1"]


async def test_a_nonce_of_the_server_is_taken_once_and_remembered() -> None:
    world = World()
    world.nonces["as.example"] = "n1"
    client = world.client()
    await get_token(client)
    assert world.paths() == ["challenge", "token", "challenge", "token"]
    await get_token(client)
    assert world.paths()[4:] == ["challenge", "token"]


async def test_each_server_has_its_own_nonce() -> None:
    world = World()
    world.nonces = {"as.example": "n1", "opg.example": "n2"}
    client = world.client()
    await get_token(client)
    await get_copies(client)
    assert world.paths()[4:] == ["credential", "credential"]
    await get_copies(client)
    await get_token(client)
    assert world.paths()[6:] == ["credential", "challenge", "token"]


async def test_the_nonce_endpoint_may_bring_the_nonce_of_the_credential_endpoint() -> None:
    world = World()
    world.nonces["opg.example"] = "n2"
    client = world.client()
    await arun(fresh_nonce(Metadata(ABOUT, AS)), client)
    assert "dpop" not in world.asked[0].headers
    await get_copies(client)
    assert world.paths() == ["nonce", "credential"]
    await get_token(client)  # a challenge that an issuer slips in is not taken for one of the server
    assert world.paths()[2:] == ["challenge", "token"]


async def test_a_challenge_may_come_with_the_refusal() -> None:
    server = replace(AS, challenge_endpoint=None)
    world = World()
    world.wanted = "given"
    assert await get_token(world.client(server), server) == TOKEN
    assert world.paths() == ["token", "token"]


@pytest.mark.parametrize("challenge_first", [True, False])
async def test_nonce_and_challenge_are_each_tried_once(challenge_first: bool) -> None:
    server = replace(AS, challenge_endpoint=None)
    world = World(challenge_first=challenge_first)
    world.wanted, world.nonces["as.example"] = "given", "n1"
    assert await get_token(world.client(server), server) == TOKEN
    assert world.paths() == ["token"] * 3


@pytest.mark.parametrize(("code", "kind"), [("use_dpop_nonce", UseDpopNonce), ("use_attestation_challenge", UseAttestationChallenge)])
async def test_a_server_that_is_never_content_is_given_up(code: str, kind: type[Exception]) -> None:
    asked: list[Fetch] = []

    async def fetch(want: Fetch) -> Fetched:
        asked.append(want)
        if want.url.endswith("challenge"):
            return answer({"attestation_challenge": "c"})
        return answer({"error": code}, 400, dpop_nonce=f"n{len(asked)}", oauth_client_attestation_challenge="c")

    client = Protected(KEYS, AS, sign=sign, fetch=fetch, clock=lambda: AT, entropy=bytes)
    with pytest.raises(kind):
        await arun(fetch_token(AS, PreAuthorizedRequest(code="c")), client)
    assert len([want for want in asked if want.url.endswith("token")]) == 2


@pytest.mark.parametrize(
    ("code", "headers"), [("use_dpop_nonce", {}), ("use_attestation_challenge", {}), ("invalid_grant", {"dpop_nonce": "n"})]
)
async def test_without_anything_new_nothing_is_sent_again(code: str, headers: dict[str, str]) -> None:
    server = replace(AS, challenge_endpoint=None)
    asked: list[Fetch] = []

    async def fetch(want: Fetch) -> Fetched:
        asked.append(want)
        return answer({"error": code}, 400, **headers)

    client = Protected(KEYS, server, sign=sign, fetch=fetch, clock=lambda: AT, entropy=bytes)
    assert (await client(Fetch(url=AS.token_endpoint, method="POST", body=b""))).status == 400
    assert len(asked) == 1


async def test_nothing_is_proved_to_strangers_or_to_servers_that_do_not_ask() -> None:
    asked: list[Fetch] = []

    async def fetch(want: Fetch) -> Fetched:
        asked.append(want)
        return GIVEN

    plain = AsMetadata(issuer=SERVER, token_endpoint=f"{SERVER}/token")
    bare = replace(KEYS, instance=None)
    other = replace(AS, dpop_algs=("EdDSA",), challenge_endpoint=None)
    for server, keys in (
        (plain, KEYS),
        (replace(other, auth_methods=("none",)), KEYS),
        (other, bare),
        (other, replace(KEYS, attestation=None)),
    ):
        client = Protected(keys, server, sign=sign, fetch=fetch, clock=lambda: AT, entropy=bytes)
        await arun(fetch_token(server, PreAuthorizedRequest(code="c")), client)
        await client(Fetch(url="https://evil.example/token", method="POST", body=b""))
        await client(Fetch(url=server.token_endpoint))
    assert not [want for want in asked if {"dpop", "oauth-client-attestation"} & set(want.headers)]


async def test_a_bearer_token_is_shown_without_a_proof() -> None:
    world = World()

    async def fetch(want: Fetch) -> Fetched:
        world.asked.append(want)
        return COPIES

    client = Protected(KEYS, AS, sign=sign, fetch=fetch, clock=lambda: AT, entropy=bytes)
    await get_copies(client, TokenResponse(access_token="b"))
    assert world.asked[0].headers["authorization"] == "Bearer b"
    assert "dpop" not in world.asked[0].headers


async def test_overlong_nonces_and_challenges_are_not_remembered() -> None:
    sent: list[Fetch] = []

    async def fetch(want: Fetch) -> Fetched:
        sent.append(want)
        return answer({"access_token": "t", "token_type": "DPoP"}, dpop_nonce="n" * 2_000, oauth_client_attestation_challenge="c" * 2_000)

    server = replace(AS, challenge_endpoint=None)
    client = Protected(KEYS, server, sign=sign, fetch=fetch, clock=lambda: AT, entropy=bytes)
    for _ in range(2):
        await arun(fetch_token(server, PreAuthorizedRequest(code="c")), client)
    assert len(sent[1].headers["dpop"]) == len(sent[0].headers["dpop"])
