"""A wallet that somebody vouches for, towards strict issuers on loopback, over its real door outwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from support.signing import Signer, anchor
from support.strict_issuer import StrictIssuer, strict_issuer
from support.trial_web import Watch
from support.wallets import Site, Wallet, open_wallet, serve_wallet
from support.world import World

from shared.clock import DAY, system_entropy
from shared.custody.memory import MemoryCustodian
from shared.flow import Fetch, Fetched
from shared.keys import KeyId, Role
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.policy import Policy
from shared.urls import LOOPBACK
from shared.web.fetch import Fetcher
from shared.web.setup import read_anchor
from shared.web.signer import Signer as KeySigner
from shared.web.signer import Signing
from shared.x509 import Cert, load_certificate, prepare_leaf
from wallet import sign_in
from wallet.attester import ATTESTER, Attester, OwnAttester
from wallet.invite import read_invitation
from wallet.records import RECEIVING, Item
from wallet.sessions import Document, Receiving, Sent
from wallet.upkeep import collect_and_look

HOST = "https://wallet.example"
BACK = HOST + sign_in.RETURN_PATH


@dataclass
class Maker:
    """Who vouches for the wallet."""

    attester: OwnAttester
    anchor: Anchor

    @property
    def policy(self) -> Policy:
        return Policy(TrustAnchors(anchors=(self.anchor,)))


async def make_maker(clock: Watch, entity: str = HOST) -> Maker:
    root, custodian = Signer.new(), MemoryCustodian(entropy=system_entropy)
    above = anchor(root, subject="Maker", at=clock() - DAY)
    await custodian.create(ATTESTER, Role.WALLET_PROVIDER)
    unsigned = prepare_leaf(
        subject="Wallets", uris=[entity], role=Role.WALLET_PROVIDER, public=await custodian.public(ATTESTER),
        issuer=above, key=KeyId("anchor"), at=clock() - DAY, days=900, serial=2,
    )  # fmt: skip
    pin = Anchor(certificate=above, role=Role.WALLET_PROVIDER, name="Maker", entity=entity)
    signer = KeySigner.of(ATTESTER, load_certificate(root.finish(unsigned)))
    return Maker(OwnAttester(custodian, Signing(signer), entity, clock), pin)


@dataclass
class Visit:
    """A wallet and the strict issuers that it trusts; the first of them is ``issuer``."""

    wallet: Wallet
    issuers: Sequence[StrictIssuer]
    maker: Maker

    @property
    def issuer(self) -> StrictIssuer:
        return self.issuers[0]

    @property
    def clock(self) -> Watch:
        return self.wallet.world.clock

    async def invite(self, link: str = "") -> str:
        return (await read_invitation(self.wallet.means, self.wallet.vault, link or self.issuer.link())).id

    async def leave(self, invitation: str) -> str:
        """Where the holder is sent."""
        item = await sign_in.begin(self.wallet.means, self.wallet.vault, invitation, redirect_uri=BACK)
        assert isinstance(item.value.state, Sent)
        return item.value.state.url

    async def come_back(self, url: str) -> Item[Receiving]:
        return await sign_in.finish(self.wallet.means, self.wallet.vault, url)

    async def look(self, invitation: str) -> Receiving:
        wallet = self.wallet
        return (await wallet.storage.read(lambda tx: RECEIVING.get(tx, wallet.vault, invitation))).value

    async def granted(self, link: str = "") -> str:
        """An invitation, signed in for."""
        invitation = await self.invite(link)
        await self.come_back(self.issuer.agree(await self.leave(invitation)))
        return invitation

    async def take(self, invitation: str) -> Item[Document]:
        return await collect_and_look(self.wallet.means, self.wallet.vault, invitation, None)

    async def collect(self, link: str = "") -> Item[Document]:
        """From the link to the document."""
        return await self.take(await self.granted(link))


@asynccontextmanager
async def visit(folder: Path, *, issuers: int = 1, attester: Attester | None = None, **ways: Any) -> AsyncIterator[Visit]:
    world = World()
    async with AsyncExitStack() as stack:
        maker = await make_maker(world.clock)
        check = maker.policy.check_wallet_provider
        met = [await stack.enter_async_context(strict_issuer(check, clock=world.clock, **ways)) for _ in range(issuers)]
        wallet = await stack.enter_async_context(open_wallet(f"sqlite:///{folder}/wallet.db", world=world))
        fetcher = Fetcher(allow=("localhost:*",))
        stack.push_async_callback(fetcher.close)
        policy = Policy(TrustAnchors(anchors=tuple(each.by.pin(entity=each.base) for each in met)))
        wallet.means = replace(wallet.means, fetch=fetcher, trust=lambda: policy, plain_http=LOOPBACK, attester=attester or maker.attester)
        yield Visit(wallet, met, maker)


class Town(World):
    """The small world, and what truly listens on loopback beside it. ``known`` are the issuers there that wallets trust."""

    known: list[StrictIssuer]
    door: Fetcher

    async def __call__(self, fetch: Fetch) -> Fetched:
        return await self.door(fetch) if fetch.url.startswith("http://localhost") else await super().__call__(fetch)

    def policy(self) -> Policy:
        usual = super().policy()
        pins = (each.by.pin(entity=each.base) for each in self.known)
        return Policy(TrustAnchors(anchors=(*usual.anchors.anchors, *pins)))


@asynccontextmanager
async def town(folder: Path, *, issuers: int = 1, **ways: Any) -> AsyncIterator[tuple[Site, list[StrictIssuer]]]:
    """A whole wallet service, whose own anchor vouches for it, and strict issuers that know that anchor."""

    def maker(x5c: Sequence[bytes], at: int) -> Cert:
        anchored = read_anchor(folder / "wallet" / "anchor.pem", Role.WALLET_PROVIDER)
        return Policy(TrustAnchors(anchors=(anchored,))).check_wallet_provider(x5c, at)

    world = Town()
    world.door, world.known = Fetcher(allow=("localhost:*",)), []
    async with AsyncExitStack() as stack:
        stack.push_async_callback(world.door.close)
        world.known += [await stack.enter_async_context(strict_issuer(maker, clock=world.clock, **ways)) for _ in range(issuers)]
        yield await stack.enter_async_context(serve_wallet(folder / "wallet", world=world)), world.known
