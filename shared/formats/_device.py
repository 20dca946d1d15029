"""What the holder's device says of itself when it shows an mdoc (ISO/IEC 18013-5 section 9.1.3): a signature, or a MAC, over the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from ..codec import cbor
from ..cose import Sign1
from ..cose.mac0 import Mac0, mac0_of, verify_mac0
from ..cose.members import as_map
from ..cose.untyped import untagged_sign1, verify_untyped
from ..errors import Malformed, NotBound, VcError
from ..keys import PublicKey
from ._elements import as_json
from ._mso import Mso, encoded, tagged
from ._transcript import mac_key

TYP: Final = "DeviceAuthentication"
NOTHING_SAID: Final = b"\xa0"


class Device(Struct, frozen=True):
    """``spaces`` are the bytes of what the device adds to the issuer's elements, ``said`` the same read, nearly always nothing."""

    spaces: bytes
    said: Mapping[str, Any]
    proof: Sign1 | Mac0


def parse_device(value: object, where: str) -> Device:
    """``deviceSigned``: exactly one of signature and MAC."""
    members = as_map(value, where, needed=("nameSpaces", "deviceAuth"))
    spaces = encoded(members["nameSpaces"], f"{where}/nameSpaces")
    proof = as_map(members["deviceAuth"], f"{where}/deviceAuth", needed=(), optional=("deviceSignature", "deviceMac"))
    if len(proof) != 1:
        raise Malformed("a device either signs or makes a MAC", where=f"{where}/deviceAuth")
    if "deviceMac" in proof:
        mac = mac0_of(proof["deviceMac"], f"{where}/deviceAuth/deviceMac")
        if mac.payload is not None:
            raise Malformed("its payload is left out here", where=f"{where}/deviceAuth/deviceMac")
        return Device(spaces, _said(spaces, f"{where}/nameSpaces"), mac)
    signature = untagged_sign1(proof["deviceSignature"], f"{where}/deviceAuth/deviceSignature", detached=True)
    return Device(spaces, _said(spaces, f"{where}/nameSpaces"), signature)


def _said(spaces: bytes, where: str) -> Mapping[str, Any]:
    if spaces == NOTHING_SAID:
        return {}
    found = cbor.loads(spaces, where=where)
    if type(found) is not dict:
        raise Malformed("namespaces are a map", where=where)
    for space, elements in found.items():
        if type(space) is not str or type(elements) is not dict or not elements or any(type(name) is not str for name in elements):
            raise Malformed("a namespace holds one element or more", where=where)
    return found


def authentication(transcript: bytes, doctype: str, spaces: bytes = NOTHING_SAID) -> bytes:
    """DeviceAuthenticationBytes."""
    return tagged(b"".join((b"\x84\x74DeviceAuthentication", transcript, cbor.text(doctype), tagged(spaces))))


def verify_device(device: Device, mso: Mso, transcript: bytes, agree: Callable[[PublicKey], bytes] | None) -> bytes:
    """What the device signed or made a MAC over. ``NotBound`` if it is not the key that the issuer named, in this session."""
    payload = authentication(transcript, mso.doctype, device.spaces)
    try:
        if isinstance(device.proof, Sign1):
            proved = verify_untyped(device.proof, mso.holder, payload=payload)
        elif agree is None:
            raise NotBound("a device's MAC is of no use here, where no secret is shared with it")
        else:
            proved = verify_mac0(device.proof, mac_key(agree(mso.holder), transcript), payload=payload)
    except VcError as error:
        raise NotBound(f"the proof of the holder is not one, or is for another request: {error.detail}") from error
    _check_allowed(device.said, mso)
    return proved


def _check_allowed(said: Mapping[str, Any], mso: Mso) -> None:
    for space, elements in said.items():
        allowed = mso.allowed.get(space, frozenset())
        if allowed is not None and not elements.keys() <= allowed:
            raise NotBound("the device says something that the issuer did not let it say")


def device_said(device: Device) -> dict[str, Any]:
    """What the issuer let the device add, in JSON."""
    return {space: as_json(elements) for space, elements in device.said.items()}
