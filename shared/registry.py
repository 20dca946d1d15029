"""Plug-ins: each public module of a package states its contract in its own last line, e.g. ``FORMAT: CredentialFormat = SdJwtVc()``."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from .errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType


def exports(package: ModuleType, name: str) -> dict[str, Any]:
    """Import each public module of ``package`` and return ``{module name: module.<name>}``. Files beginning ``_`` are no plug-ins."""
    return {
        info.name: getattr(importlib.import_module(f"{package.__name__}.{info.name}"), name)
        for info in pkgutil.iter_modules(package.__path__)
        if not info.name.startswith("_")
    }


def by_scheme(package: ModuleType, uri: str, name: str) -> Any:
    """Return ``name`` of the one module that the URI's scheme names, importing only that one."""
    scheme = uri.partition(":")[0].replace("+", "_").lower()
    known = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))
    if scheme not in known:
        detail = f"unknown scheme {scheme!r}; this installation knows: {', '.join(known)}"
        raise ConfigError(detail)
    try:
        return getattr(importlib.import_module(f"{package.__name__}.{scheme}"), name)
    except ModuleNotFoundError as missing:
        detail = f"{scheme!r} needs the package {missing.name!r}, which is not installed"
        raise ConfigError(detail) from missing
