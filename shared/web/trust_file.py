"""``trust.json`` of a service: whom its operator trusts, as of now."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ConfigError, Malformed
from ..private_file import Stamp, stamp, write_whole
from ..trust.anchors import TrustAnchors, parse_trust, render_trust


@dataclass(slots=True)
class TrustFile:
    """Read again when its owner has changed it. ``may_lack``: without the file nobody is trusted."""

    file: Path
    may_lack: bool = False
    _stamp: Stamp = (0, 0, 0)
    _known: TrustAnchors = field(default_factory=TrustAnchors)

    def read(self) -> TrustAnchors:
        """Whom the operator trusts now; ``ConfigError`` if the file cannot be read."""
        try:
            seen = stamp(self.file.stat())
            if seen != self._stamp:
                self._known, self._stamp = parse_trust(self.file.read_bytes()), seen
        except FileNotFoundError as error:
            if not self.may_lack:
                raise self._unreadable(error) from error
            self._known, self._stamp = TrustAnchors(), (0, 0, 0)
        except OSError as error:
            raise self._unreadable(error) from error
        except Malformed as error:
            raise ConfigError(f"{self.file} does not say whom to trust: {error.detail}", where="trust") from error
        return self._known

    def _unreadable(self, error: OSError) -> ConfigError:
        return ConfigError(f"cannot read {self.file}: {error.strerror}", where="trust")


def change(file: Path, edit: Callable[[TrustAnchors], TrustAnchors]) -> TrustAnchors:
    """What ``edit`` makes of the pins in ``file``, or of none where there is no such file yet: read and written under one lock, so that of two
    people who change it at once neither undoes what the other did. Errors as ``TrustFile.read`` and of ``edit``, which leave it as it was.
    """
    try:
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"cannot open the folder of {file}: {error.strerror}", where="trust") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        after = edit(TrustFile(file, may_lack=True).read())
        write_whole(file, render_trust(after))
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}", where="trust") from error
    finally:
        os.close(folder)
    return after
