"""Opening wallets: by name and passphrase, by the recovery code, or a new one. Nobody else can open them, the host included."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.clock import Clock, Entropy
from shared.storage import Storage, Tx
from wallet import outbox, views
from wallet.keep import Keeper, Vault, check_name, name_mac
from wallet.records import LOCKED, PROFILE, SENT, add_wallet, delete_wallet, find_wallet, get_wallet, list_wallets, replace_doors
from wallet.sessions import Profile

_PROFILE = "profile"
Fill = Callable[[Tx, Vault], Awaitable[None]]
"""What lies in a new wallet from the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open wallet; ``recovery_code`` is there only when a new one was made, to be shown once."""

    vault: Vault
    holder: str
    recovery_code: str = ""


class Doors:
    """The ways into the wallets of this host."""

    def __init__(self, keeper: Keeper, storage: Storage, *, clock: Clock, entropy: Entropy) -> None:
        self._keeper = keeper
        self._storage = storage
        self._clock = clock
        self._entropy = entropy

    async def account(self, name: str) -> str:
        """What tries are counted under: tells nobody whose they are."""
        return (await name_mac(self._keeper.custodian, name)).hex()

    async def make(self, name: str, passphrase: str, *, fill: Fill | None = None) -> Opened:
        """A new wallet, with what ``fill`` puts into it or not at all; ``Conflict`` if the name is taken, ``Malformed`` for a name or passphrase that is not taken."""
        holder = check_name(name)
        locked, vault, code = await self._keeper.make(holder, passphrase, at=self._clock())

        async def add(tx: Tx) -> None:
            await add_wallet(tx, locked)
            await PROFILE.put(tx, vault, _PROFILE, Profile(holder=holder), entropy=self._entropy)
            if fill is not None:
                await fill(tx, vault)

        await self._storage.write(add, point="wallet")
        return Opened(vault=vault, holder=holder, recovery_code=code)

    async def open(self, name: str, passphrase: str) -> Opened:
        """``SignInRequired`` unless name and passphrase open a wallet."""
        mac = await name_mac(self._keeper.custodian, name)
        locked = await self._storage.read(lambda tx: find_wallet(tx, mac))
        return await self._opened(await self._keeper.open(locked, passphrase))

    async def only(self) -> str | None:
        """The id of the one wallet here; ``None`` if there are none or several."""
        found = await self._storage.read(list_wallets)
        return found[0].id if len(found) == 1 else None

    async def check(self, wallet: str, passphrase: str) -> None:
        """``SignInRequired`` for another passphrase."""
        locked = await self._storage.read(lambda tx: get_wallet(tx, wallet))
        await self._keeper.open(locked, passphrase)

    async def delete(self, wallet: str, passphrase: str) -> None:
        """Take a wallet away with everything in it, by who knows its passphrase; off the disk as far as the database can.

        What others can still see or get goes first, for a process that dies in between; and once more with the wallet, for another phone on
        which it is open may have added to it: once the wallet is gone nothing here knows of it.
        """
        locked = await self._storage.read(lambda tx: get_wallet(tx, wallet))
        vault = await self._keeper.open(locked, passphrase)

        async def unit(tx: Tx) -> None:
            await _take_back(tx, vault)
            await delete_wallet(tx, wallet)

        await self._storage.write(lambda tx: _take_back(tx, vault), point="taken-back")
        await self._storage.write(unit, point="delete")
        await self._storage.checkpoint()

    async def open_id(self, wallet: str, passphrase: str) -> Opened:
        """As ``open`` for a wallet that is known by its id."""
        locked = await self._storage.read(lambda tx: get_wallet(tx, wallet))
        return await self._opened(await self._keeper.open(locked, passphrase))

    async def recover(self, name: str, code: str, passphrase: str) -> Opened:
        """A new passphrase by the recovery code, which dies with this; the next one is in the result."""
        mac = await name_mac(self._keeper.custodian, name)
        locked = await self._storage.read(lambda tx: find_wallet(tx, mac))
        renewed, vault, following = await self._keeper.recover(locked, code, passphrase)
        if locked is not None:
            before = locked
            await self._storage.write(lambda tx: replace_doors(tx, before, renewed), point="doors")
        return await self._opened(vault, following)

    async def change(self, wallet: str, old: str, new: str) -> Opened:
        """A new passphrase and a new recovery code, by who knows the old passphrase."""
        locked = await self._storage.read(lambda tx: get_wallet(tx, wallet))
        renewed, vault, following = await self._keeper.change(locked, old, new)
        await self._storage.write(lambda tx: replace_doors(tx, locked, renewed), point="doors")
        return await self._opened(vault, following)

    async def _opened(self, vault: Vault, code: str = "") -> Opened:
        profile = await self._storage.read(lambda tx: PROFILE.get(tx, vault, _PROFILE))
        return Opened(vault=vault, holder=profile.value.holder, recovery_code=code)


async def _take_back(tx: Tx, vault: Vault) -> None:
    """Locked copies that the service shows, and letters that it still has to do with."""
    for link in await LOCKED.all(tx, vault):
        if link.value.view:
            await views.take_back(tx, link.value.view)
    for letter in await SENT.all(tx, vault):
        if letter.value.row:
            await outbox.take_back(tx, letter.value.row)
