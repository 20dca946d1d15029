"""Two whole flows of HAIP 1.0 over the real services on loopback: a document issued by authorization code, and two documents shown.

Rates are per second of the CPU that the *service's* process takes, so that the wallet, the holder and waiting do not count; without TLS,
which ends before the service or is not ours. ``floor`` is the rate if the raw cryptography that nobody can avoid were all that the
service did (as measured in the same round, every key of a stranger read anew), so that the ratio is cryptography's share of the CPU.
"""

from __future__ import annotations

import asyncio
import hashlib
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from benchmarks.issuing import cpu
from benchmarks.jws import SHA256, raw
from benchmarks.measure import Row, interleaved
from demo.poa import LPA_1
from demo.stage import Stage, free_ports
from issuer import app as composition
from issuer import authorization, config
from issuer.office import Office
from shared.clock import DAY, system_clock, system_entropy
from shared.credentials import by_id
from shared.flow import arun
from shared.formats import formats
from shared.keys import KeyId, PublicKey, Role, Unsigned
from shared.oauth import parse_pushed_reference, prepare_attestation
from shared.openid4vci import (
    AUTHORIZATION_CODE,
    ClientKeys,
    Configuration,
    KeyPair,
    Metadata,
    Proofs,
    Protected,
    TokenResponse,
    ask_copies,
    fetch_metadata,
    finish_sign_in,
    prepare_key_proof,
    prepare_sign_in,
    push,
    redeem_code,
    sign_in_url,
)
from shared.openid4vp import post_response, render_response, resolve_request
from shared.private_file import write_whole
from shared.trust.anchors import Anchor, TrustAnchors, render_trust
from shared.trust.policy import Policy
from shared.urls import LOOPBACK
from shared.web.fetch import Fetcher
from shared.web.setup import read_anchor
from shared.x509 import load_certificate, prepare_anchor, prepare_leaf

ROUNDS, FLOWS, AT_ONCE = 5, 60, 8
MAKER, CALLBACK = "https://wallet-maker.example", "https://wallet.example/callback"
POWER, PERSON = by_id("representation"), by_id("person")
CLAIMS: dict[str, dict[str, Any]] = {
    "representation": LPA_1,
    "person": {name: LPA_1["proxy"][name] for name in ("given_name", "family_name", "birthdate")}
    | {name: LPA_1[name] for name in ("issuing_authority", "issuing_country", "issuing_jurisdiction")},
}
SHOWN: dict[str, list[tuple[str | int, ...]]] = {
    "power": [(who, name) for who in ("represented", "proxy") for name in ("given_name", "family_name")] + [("powers", 2)],
    "person": [(PERSON.doctype, "given_name"), (PERSON.doctype, "family_name")],
}
QUERY = {
    "credentials": [
        {
            "id": "power", "format": "dc+sd-jwt", "meta": {"vct_values": [POWER.vct]},
            "claims": [{"path": [*path]} for path in SHOWN["power"][:-1]] + [{"path": ["powers", None], "values": ["banking"]}],
        },
        {
            "id": "person", "format": "mso_mdoc", "meta": {"doctype_value": PERSON.doctype},
            "claims": [{"path": [*path]} for path in SHOWN["person"]],
        },
    ]
}  # fmt: skip
ISSUED: dict[str, int] = {
    # pushed request and token request: attestation and its proof and DPoP each; credential request: DPoP
    "verify": 2, "verify anew": 5,
    # the answer and the request are encrypted
    "agree": 2, "generate": 1,
}  # fmt: skip
COPY: dict[str, int] = {"verify anew": 1, "sign": 1}
"""Of each copy, beside a hash for each of its disclosures: the key proof, and what the issuer signs."""
VERIFIED: dict[str, int] = {
    # the request object and the receipt; the issuer's and the holder's signature on either document; the answer is encrypted
    "sign": 2, "verify": 2, "verify anew": 2, "agree": 1, "generate": 1,
    # what is shown, in either document
    "hash": sum(map(len, SHOWN.values())),
}  # fmt: skip


class Signer:
    """A key, and what it signs."""

    def __init__(self, name: str) -> None:
        self.key, self.private = KeyId(name), ec.generate_private_key(ec.SECP256R1())
        self.public = PublicKey.of(self.private.public_key())

    def finish(self, unsigned: Unsigned[Any]) -> Any:
        return unsigned.complete(raw(self.private, unsigned.signing_input))


@dataclass(frozen=True, slots=True)
class Maker:
    """Who vouches for wallets."""

    signer: Signer
    leaf: bytes
    anchor: Anchor

    @classmethod
    def new(cls, at: int) -> Maker:
        signer, above = Signer("maker"), Signer("above")
        root = load_certificate(above.finish(prepare_anchor(subject="Maker", public=above.public, key=above.key, at=at, days=9, serial=1)))
        leaf = prepare_leaf(
            subject="Wallets", uris=[MAKER], role=Role.WALLET_PROVIDER, public=signer.public, issuer=root, key=above.key, at=at, days=9,
            serial=2,
        )  # fmt: skip
        return cls(signer, above.finish(leaf), Anchor(certificate=root, role=Role.WALLET_PROVIDER, name="Maker", entity=MAKER))

    def vouch(self, instance: PublicKey) -> str:
        unsigned = prepare_attestation(
            key=self.signer.key, alg="ES256", x5c=(self.leaf,), client_id=MAKER, instance=instance, at=system_clock(), lifetime=3_600,
            name="A wallet",
        )  # fmt: skip
        token: str = self.signer.finish(unsigned)
        return token


@dataclass(frozen=True, slots=True)
class Copy:
    """A document in a wallet, with its key."""

    wire: str
    holder: Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Services that run; ``office`` is the issuer's, opened once more, so that holders can be signed in without a browser."""

    stage: Stage
    fetcher: Fetcher
    maker: Maker
    made: Mapping[str, Any]
    office: Office
    metadata: Metadata

    async def make(self, kind: str) -> str:
        """A document that waits for its holder; its number."""
        body, once = {"type": kind, "claims": CLAIMS[kind]}, {"Idempotency-Key": system_entropy(8).hex()}
        key = self.made["issuer"]["api_key"]
        made = await self.stage.call("POST", self.stage.url("issuer") + "/api/credentials", key=key, body=body, headers=once)
        return str(made["id"])

    async def issue(self, name: str, number: str) -> list[Copy]:
        """To a wallet that was never here before, from the pushed request to a full batch of copies."""
        metadata, configuration = self.metadata, self.metadata.issuer.configurations[name]
        protected = self._protected()
        sign_in, request = prepare_sign_in(metadata, [configuration], client_id=MAKER, redirect_uri=CALLBACK, entropy=system_entropy)
        url = await self._agree(number, sign_in_url(metadata.server, MAKER, await arun(push(metadata.server, request), protected)))
        token = await arun(redeem_code(metadata.server, sign_in, finish_sign_in(metadata.server, sign_in, url)), protected)
        return await self._copies(configuration, token, protected)

    def _protected(self) -> Protected:
        signers = {KeyId(name): Signer(name) for name in ("dpop", "instance")}
        dpop, instance = (KeyPair(key, signer.public) for key, signer in signers.items())

        async def sign(unsigned: Unsigned[str]) -> str:
            signed: str = signers[unsigned.key].finish(unsigned)
            return signed

        keys = ClientKeys(client_id=MAKER, dpop=dpop, instance=instance, attestation=self.maker.vouch(instance.public))
        return Protected(keys, self.metadata.server, sign=sign, fetch=self.fetcher, clock=system_clock, entropy=system_entropy)

    async def _agree(self, number: str, url: str) -> str:
        """What the browser does once the holder has signed in and agreed."""
        reference = parse_pushed_reference(url.partition("?")[2])
        pending = await authorization.begin(self.office, reference.client_id, reference.request_uri)
        return await authorization.grant(self.office, pending.id, [number])

    async def _copies(self, configuration: Configuration, token: TokenResponse, protected: Protected) -> list[Copy]:
        about = self.metadata.issuer
        holders = [Signer(str(number)) for number in range(about.batch_size)]

        async def prove(nonce: str | None) -> Proofs:
            at, to = system_clock(), about.issuer
            return [
                one.finish(prepare_key_proof(key=one.key, public=one.public, audience=to, nonce=nonce, at=at, client_id=MAKER))
                for one in holders
            ]

        answer = await ask_copies(self.metadata, token, configuration, prove=prove, fetch=protected, encrypted=True)
        return [Copy(wire, holder) for wire, holder in zip(answer.credentials, holders, strict=True)]

    async def present(self, copies: Mapping[str, Copy], policy: Policy) -> None:
        """The organisation asks, a wallet fetches the request and answers it, the organisation hears that it can rely on it."""
        api, key = self.stage.url("verifier") + "/api/presentation-requests", self.made["verifier"]["api_key"]
        asked = await self.stage.call("POST", api, key=key, body={"dcql_query": QUERY, "purpose": "To open an account"})
        nonce, at = system_entropy(16).hex(), system_clock()
        flow = resolve_request(asked["scheme_link"], wallet_nonce=nonce, policy=policy, at=at, plain_http=LOOPBACK)
        request = (await arun(flow, self.fetcher)).request
        token = {}
        for each in request.query.credentials:
            form, copy = formats()[each.format], copies[each.id]
            chosen = form.disclose(form.parse(copy.wire), SHOWN[each.id])
            token[each.id] = [copy.holder.finish(form.present(chosen, request.binding(), key=copy.holder.key, at=at))]
        await arun(post_response(request, render_response(request, token), plain_http=LOOPBACK), self.fetcher)
        state = await self.stage.call("GET", f"{api}/{asked['id']}", key=key)
        if state["decision"] != "accepted":
            raise RuntimeError(f"{state['decision']}: {state['verdict']}")


# --- the rows ----------------------------------------------------------------------------------------------------------------------------


def issuance(rounds: int = ROUNDS, flows: int = FLOWS) -> Row:
    """Pushed request with attestation, code, token with attestation and DPoP, nonce, and a full batch of copies, encrypted both ways.

    Every flow is by a wallet that the issuer has not met. Its holder's sign-in and agreement are not in it.
    """
    return asyncio.run(_issuance(rounds, flows))


async def _issuance(rounds: int, flows: int) -> Row:
    async with _scene("issuer") as scene:
        name = "representation-sd-jwt"
        copies = await scene.issue(name, await scene.make("representation"))
        spent = {kind: ISSUED.get(kind, 0) + len(copies) * COPY.get(kind, 0) for kind in {*ISSUED, *COPY}}
        spent["hash"] = len(copies) * (copies[0].wire.count("~") - 1)
        figures = []
        for _ in range(rounds):
            ready = [partial(scene.issue, name, await scene.make("representation")) for _ in range(flows)]
            figures.append(await _round(scene.stage.running["issuer"].pid, ready, spent))
        return _row("haip issuance", figures, {"copies a flow": len(copies)})


def presentation(rounds: int = ROUNDS, flows: int = FLOWS) -> Row:
    """A question, its signed request fetched, an encrypted answer with an SD-JWT VC and an mdoc, and the verdict fetched."""
    return asyncio.run(_presentation(rounds, flows))


async def _presentation(rounds: int, flows: int) -> Row:
    async with _scene("issuer", "verifier") as scene:
        council = read_anchor(Path(scene.made["verifier"]["anchor"]), Role.RELYING_PARTY)
        policy = Policy(TrustAnchors(anchors=(council,)))
        figures = []
        for _ in range(rounds):
            held = [await _held(scene, kind, form, flows) for kind, form in (("representation", "sd-jwt"), ("person", "mdoc"))]
            await scene.stage.call("POST", scene.stage.url("verifier") + "/api/refresh", key=scene.made["verifier"]["api_key"])
            ready = [partial(scene.present, {"power": power, "person": person}, policy) for power, person in zip(*held, strict=True)]
            figures.append(await _round(scene.stage.running["verifier"].pid, ready, VERIFIED))
        return _row("haip presentation", figures, {"documents a flow": len(SHOWN)})


async def _held(scene: Scene, kind: str, form: str, count: int) -> list[Copy]:
    copies: list[Copy] = []
    while len(copies) < count:
        copies += await scene.issue(f"{kind}-{form}", await scene.make(kind))
    return copies[:count]


@asynccontextmanager
async def _scene(*services: str) -> AsyncIterator[Scene]:
    """The issuer, which trusts the maker of the wallets, and perhaps a verifier that trusts the issuer."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muniment-bench-")))
        stage = Stage(await stack.enter_async_context(aiohttp.ClientSession()), free_ports(), folder)
        fetcher, maker = Fetcher(allow=("localhost:*",)), Maker.new(system_clock() - DAY)
        made: dict[str, dict[str, Any]] = {}
        stack.push_async_callback(fetcher.close)
        stack.callback(stage.stop)
        for service in services:
            more = ("--trust", f"{made['issuer']['anchor']}:credential-issuer:{stage.url('issuer')}") if made else ()
            where = ("--public-url", stage.url(service), "--port", str(stage.ports[service]))
            made[service] = stage.init(service, service, *where, *more)
            if service == "issuer":
                write_whole(config.trust(folder / service), render_trust(TrustAnchors(anchors=(maker.anchor,))))
            stage.serve(service, service)
            await stage.ready(service, service)
        office = composition.open_office(folder / "issuer", config.read(folder / "issuer"))
        stack.push_async_callback(composition.stop, office)
        metadata = await arun(fetch_metadata(stage.url("issuer"), grant=AUTHORIZATION_CODE, plain_http=LOOPBACK), fetcher)
        yield Scene(stage=stage, fetcher=fetcher, maker=maker, made=made, office=office, metadata=metadata)


# --- figures -----------------------------------------------------------------------------------------------------------------------------


async def _round(pid: int, ready: Sequence[Callable[[], Awaitable[object]]], spent: Mapping[str, int]) -> tuple[float, float]:
    """Seconds of CPU that one flow took the service, and that its raw cryptography takes now."""
    queue = list(ready)
    before = cpu(pid)

    async def wallet() -> None:
        while queue:
            await queue.pop()()

    await asyncio.gather(*(wallet() for _ in range(AT_ONCE)))
    took = (cpu(pid) - before) / len(ready)
    prices = {kind: statistics.median(times) * 1e-6 for kind, times in interleaved(_primitives(), rounds=5).items()}
    return took, sum(prices[kind] * count for kind, count in spent.items())


def _primitives() -> Mapping[str, Callable[[], object]]:
    curve, block = ec.SECP256R1(), b"x" * 500
    private = ec.generate_private_key(curve)
    public, numbers = private.public_key(), private.public_key().public_numbers()
    signature = raw(private, block)
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    return {
        "sign": lambda: private.sign(block, SHA256),
        "verify": lambda: public.verify(der, block, SHA256),
        "verify anew": lambda: ec.EllipticCurvePublicNumbers(numbers.x, numbers.y, curve).public_key().verify(der, block, SHA256),
        "agree": lambda: private.exchange(ec.ECDH(), public),
        "generate": lambda: ec.generate_private_key(curve),
        "hash": lambda: hashlib.sha256(block[:80]).digest(),
    }


def _row(name: str, figures: Sequence[tuple[float, float]], more: Mapping[str, float]) -> Row:
    ours, floor = (statistics.median(1 / seconds for seconds in column) for column in zip(*figures, strict=True))
    share = statistics.median(raw_seconds / took for took, raw_seconds in figures)
    return Row(
        name=name, unit="flows per core-second", ours=round(ours, 1), floor=round(floor, 1), ratio=round(share, 3),
        peers={"share in cryptography": round(share, 3), **more},
    )  # fmt: skip
