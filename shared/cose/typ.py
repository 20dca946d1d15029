"""The protected ``typ`` (RFC 9596, header parameter 16) of every COSE object that is signed or read here (security rule S1)."""

from __future__ import annotations

from typing import Final, NamedTuple


class Typ(NamedTuple):
    """``value`` is what is sent: a CoAP content format where there is one, else the media type. ``aliases`` are read as well.

    ``name`` is what the table of key roles (``shared.keys.SIGNS``) calls it.
    """

    value: int | str
    name: str
    aliases: tuple[int | str, ...] = ()

    def admits(self, found: object) -> bool:
        """Compared exactly: an integer never equals a text, and true is no integer."""
        return type(found) in (int, str) and (found == self.value or found in self.aliases)


SD_CWT: Final = Typ(293, "application/sd-cwt", ("application/sd-cwt",))
CWT: Final = Typ(61, "application/cwt", ("application/cwt",))  # a document for whoever holds it (S2)
KEY_BINDING: Final = Typ(294, "application/kb+cwt", ("application/kb+cwt",))
STATUS_LIST: Final = Typ("application/statuslist+cwt", "application/statuslist+cwt")

# Ours. CoAP content formats 65000 to 65535 are for experiments (RFC 7252 section 12.3): three bytes each, until some are registered.
CHALLENGE: Final = Typ(65_101, "challenge")
DESK_CERTIFICATE: Final = Typ(65_102, "desk-cert")
RP_CERTIFICATE: Final = Typ(65_103, "rp-cert")
DESK_RECEIPT: Final = Typ(65_106, "desk-receipt")
REGISTRATION: Final = Typ(65_105, "registration")
"""Of the same payload as an rp-cert, by a registrar of a federation: what one kind of key signs is never taken for the other's (S1)."""
STATUS_ASSERTION: Final = Typ(65_104, "status-assertion")
