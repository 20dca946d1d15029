"""The wallet service's settings, and the only place here that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from msgspec import Meta

from shared.errors import ConfigError
from shared.web.settings import Common, load
from shared.web.type_files import install_files
from wallet.keep import Hardness

PREFIX = "MUNIMENT_WALLET"
FILE = "wallet.toml"
DEFAULT_DIR = "data/wallet"


class WalletSettings(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``wallet.toml``, or ``MUNIMENT_WALLET_<NAME>`` in the environment, which wins."""

    public_url: Annotated[
        str, Meta(description="The address under which others reach the service, without a final slash: the only source of its links.")
    ] = "http://localhost:8102"
    port: Annotated[int, Meta(ge=0, le=65_535, description="The port to listen on; 0 takes any free one.")] = 8102
    trust: Annotated[str, Meta(description="File that says whom this wallet trusts, written by `muniment-wallet trust add`.")] = (
        "trust.json"
    )
    open_to_all: Annotated[bool, Meta(description="Whether anyone who reaches the pages may make a wallet here.")] = False
    looked_after_by: Annotated[
        tuple[str, ...],
        Meta(
            max_length=16,
            description="Names of wallets here whose holders may say at a page whom the whole service trusts; make those wallets first.",
        ),
    ] = ()
    idle_minutes: Annotated[
        int, Meta(ge=1, le=720, description="After so many idle minutes an open wallet closes and its key leaves the memory.")
    ] = 15
    kdf_memory_kib: Annotated[int, Meta(ge=8_192, description="Memory that one guess at a passphrase costs, in KiB (Argon2id).")] = 65_536
    kdf_iterations: Annotated[int, Meta(ge=1, le=100, description="Passes over that memory.")] = 3
    status_hours: Annotated[
        int, Meta(ge=1, le=168, description="How often open wallets fetch the issuers' status lists, whether documents are used or not.")
    ] = 1

    register_hours: Annotated[
        int,
        Meta(ge=1, le=72, description="How often what all trusted anchors publish is fetched: who may ask, and what was withdrawn."),
    ] = 12
    log_hours: Annotated[
        int,
        Meta(ge=1, le=744, description="How often open wallets look whether bodies that gave receipts have changed their records since."),
    ] = 168

    accept_unsigned: Annotated[
        bool,
        Meta(description="Low assurance: also answer requests that nobody signed, and send answers that are not locked where asked to."),
    ] = False
    known_dids: Annotated[
        tuple[str, ...],
        Meta(description="DIDs of organisations that may ask as known ones; a `did:web` that is not here is not even looked up."),
    ] = ()

    attester: Annotated[
        str,
        Meta(
            description="Who vouches for this wallet towards issuers that ask: `own:` this service, by `anchor.pem` in its folder; `none:`; "
            "or the https address of somebody else, asked with the token in `attester-token`, if there is such a file."
        ),
    ] = "own:"

    snapshot_days: Annotated[
        int,
        Meta(
            ge=1,
            le=7,
            description="Days that what the anchor says is in force of the keys that vouch can be relied on; it is signed anew every day.",
        ),
    ] = 7

    @property
    def hardness(self) -> Hardness:
        """What opening a wallet costs."""
        return Hardness(memory_kib=self.kdf_memory_kib, iterations=self.kdf_iterations)


@dataclass(frozen=True, slots=True)
class Place:
    """A data folder with the settings that belong to it."""

    folder: Path
    settings: WalletSettings

    def path(self, name: str) -> Path:
        """A file of the folder; an absolute name stands for itself."""
        return self.folder / name

    @property
    def storage(self) -> str:
        """Where records are kept; by default a file of the folder."""
        return self.settings.storage or f"sqlite:///{quote(str(self.path('wallet.db').absolute()))}"

    @property
    def keys(self) -> str:
        """Where the host's keys are kept; by default a sealed file of the folder."""
        return self.settings.keys or f"file:{quote(str(self.path('wallet.keys').absolute()))}"

    @property
    def attested_by(self) -> Path:
        """The first certificate by which this service vouches for its wallets; there is none until it was asked for (``muniment-wallet vouch``)."""
        return self.path("attester.pem")

    @property
    def key_file(self) -> Path:
        """The secret that opens the host's keys: the service manager's credential ``muniment-wallet``, else ``key-file`` in the folder."""
        credential = Path(environment().get("CREDENTIALS_DIRECTORY", "/nonexistent")) / "muniment-wallet"
        return credential if credential.exists() else self.path("key-file")


def environment() -> Mapping[str, str]:
    """The process's environment."""
    return os.environ


def folder_of(given: str | None) -> Path:
    """``--dir``, else ``MUNIMENT_WALLET_DIR``, else the default."""
    return Path(given or environment().get(f"{PREFIX}_DIR") or DEFAULT_DIR)


def open_place(folder: Path) -> Place:
    """The settings of a folder that ``init`` made, whose kinds of document are known from then on; ``ConfigError`` says what to run when there
    is none.
    """
    file = folder / FILE
    if not file.exists():
        raise ConfigError(f"there is no wallet service in {folder}: run `muniment-wallet init --dir {folder}` first")
    place = Place(folder, load(WalletSettings, file, environment(), PREFIX))
    install_files(place.settings.credential_types, folder)
    return place


def know_types(given: str | None) -> None:
    """The kinds of document that the settings name are known, where there are settings."""
    folder = folder_of(given)
    if (folder / FILE).exists():
        open_place(folder)


def passphrase_file() -> Path | None:
    """``MUNIMENT_WALLET_PASSPHRASE_FILE``: where the command line finds the holder's passphrase instead of asking."""
    name = environment().get(f"{PREFIX}_PASSPHRASE_FILE")
    return Path(name) if name else None
