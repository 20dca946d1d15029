"""Static files, read once into memory. All lie under ``/static/<build>/``, where ``<build>`` hashes the whole tree: such an address never
changes its contents, may be kept for ever, and modules can import their neighbours by relative path.
"""

from __future__ import annotations

import gzip
import mimetypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources.abc import Traversable

from aiohttp import web

from ..errors import Missing

_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain",
}
_TEXT = ("text/", "image/svg", "application/manifest", "application/wasm")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, and its gzip form where that is smaller."""

    content_type: str
    data: bytes
    packed: bytes | None


class Assets:
    """The files of several folders as one tree; a later folder may not replace a file of an earlier one."""

    def __init__(self, folders: Iterable[Traversable]) -> None:
        self._files: dict[str, Asset] = {}
        digest = sha256()
        for folder in folders:
            for path, file in sorted(_walk(folder, "")):
                if path in self._files:
                    raise ValueError(f"two static files are called {path}")
                data = file.read_bytes()
                digest.update(f"{path}\0{len(data)}\0".encode() + data)
                self._files[path] = _asset(path, data)
        self.build = digest.hexdigest()[:12]

    def url(self, path: str) -> str:
        """The address of a file; ``KeyError`` (a bug in a template) if there is none."""
        if path not in self._files:
            raise KeyError(path)
        return f"/static/{self.build}/{path}"

    def under(self, *starts: str) -> list[str]:
        """The addresses of all files whose path begins with one of ``starts``, in order: what a service worker keeps for no network."""
        return [self.url(path) for path in sorted(self._files) if path.startswith(starts)]

    def text(self, path: str) -> str:
        """The contents of a text file, for a script that is served elsewhere as well; ``KeyError`` if there is none."""
        return self._files[path].data.decode("utf-8")

    async def serve(self, request: web.Request) -> web.Response:
        """``GET /static/{build}/{path}``; an address of an older build gets the present file, not to be kept."""
        asset = self._files.get(request.match_info["path"])
        if asset is None:
            raise Missing("there is nothing at this address")
        current = request.match_info["build"] == self.build
        headers = {
            "Content-Type": asset.content_type,
            "Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if asset.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=asset.packed, headers=headers | {"Content-Encoding": "gzip"})
        return web.Response(body=asset.data, headers=headers)


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif not entry.name.startswith(".") and not entry.name.endswith(".d.ts"):  # types are for whoever writes the scripts
            yield prefix + entry.name, entry


def _asset(path: str, data: bytes) -> Asset:
    suffix = path[path.rfind(".") :]
    kind = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    packed = gzip.compress(data, 9, mtime=0) if kind.startswith(_TEXT) else None
    content_type = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    return Asset(content_type, data, packed if packed is not None and len(packed) < len(data) else None)
