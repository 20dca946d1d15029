"""The data folder of a service: where its settings, keys and records lie unless somebody says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from ..errors import ConfigError
from .settings import Common, load
from .type_files import install_files

C = TypeVar("C", bound=Common)


@dataclass(frozen=True, slots=True)
class Home(Generic[C]):
    """``service`` names the files, ``prefix`` the variables of ``environ``, which only the service's ``config`` reads."""

    service: str
    prefix: str
    kind: type[C]
    environ: Mapping[str, str]

    def folder(self, given: str | None) -> Path:
        """The data folder: ``--dir``, else ``<PREFIX>_DIR``, else ``data/<service>``."""
        return Path(given or self.environ.get(f"{self.prefix}_DIR") or f"data/{self.service}").absolute()

    def toml(self, directory: Path) -> Path:
        """Written last when a service is set up: its presence means that everything else is there."""
        return directory / f"{self.service}.toml"

    def read(self, directory: Path) -> C:
        """The settings of a service that was set up, with its own files where nothing else is said; ``ConfigError`` if it was not.

        Whoever read them knows the kinds of document that they name.
        """
        file = self.toml(directory)
        if not file.exists():
            init = f"muniment-{self.service} init --dir {directory}"
            raise ConfigError(f"there is no {self.service} in {directory}: run `{init}` first", where="dir")
        settings = self.settle(load(self.kind, file, self.environ, self.prefix), directory)
        install_files(settings.credential_types, directory)
        return settings

    def know_types(self, given: str | None) -> None:
        """For a command that needs no settings: the kinds of document that they name are known, where there are settings."""
        directory = self.folder(given)
        if self.toml(directory).exists():
            self.read(directory)

    def settle(self, settings: C, directory: Path) -> C:
        """Records and keys lie in the data folder unless the settings say otherwise."""
        return msgspec.structs.replace(
            settings,
            storage=settings.storage or f"sqlite:///{quote(str(directory / f'{self.service}.db'))}",
            keys=settings.keys or f"file:{quote(str(directory / f'{self.service}.keys'))}",
        )

    def key_file(self, directory: Path) -> Path:
        """The secret that opens the sealed keys: named by ``<PREFIX>_PASSPHRASE_FILE``, else the service manager's credential
        ``muniment-<service>``, else ``key-file`` in the data folder.
        """
        named = self.environ.get(f"{self.prefix}_PASSPHRASE_FILE")
        if named:
            return Path(named)
        credential = Path(self.environ.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / f"muniment-{self.service}"
        return credential if credential.exists() else directory / "key-file"
