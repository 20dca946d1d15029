"""Checking packs out of federations, for the differential test: bodies whose rights are limited, end, or are carried on two ways; whose keys
end; and who are taken over, by whom they should and by whom they should not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from support import twins
from support.federation import COURTS, MINISTRY, critical, says
from support.federations import Member, Realm, justice
from support.signing import AT, Signer
from support.successions import handed, publish
from support.trial_verify import DAY, IDX, ISSUER, LIST, VCT, Authority, status_cwt, status_token
from support.trusting import ended
from support.twins import Pack

from shared.keys import Role
from shared.trust.snapshot import COPY_LIFE, KeyState

HEIR, THIRD, ROGUE = "https://heir.example", "https://third.example", "https://rogue.example"
NAMES = {"federation_entity": {"organization_name": "Greater Anytown", "organization_name#cy": "Anytown Fwyaf"}}
DUTY = {"status_duty": True, "may_cancel": True}
Lists = Sequence[bytes | str]


@cache
def heir() -> Authority:
    return Authority.new(HEIR)


@cache
def third() -> Authority:
    return Authority.new(THIRD)


@cache
def next_key() -> Authority:
    """Another key of the registry, which no anchor has certified."""
    return Authority.new(ISSUER)


def realm() -> Realm:
    """Justice over the registry, and over two more bodies that have a key and nothing to say."""
    made = justice()
    made[ISSUER].keys = {Role.CREDENTIAL_ISSUER: twins.registry().signer}
    for by in (heir(), third()):
        metadata = NAMES if by is heir() else {}
        made.members[by.entity] = Member(by.entity, superiors=(MINISTRY,), keys={Role.CREDENTIAL_ISSUER: by.signer}, metadata=metadata)
    return made


def letting(*rights: Mapping[str, Any]) -> Realm:
    made = realm()
    made[MINISTRY].about[ISSUER] = critical(entitlements=list(rights)) if rights else {}
    return made


RIGHTS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "good": [says(VCT, since=AT - 90 * DAY)],
    "silent": [],
    "of another type": [says("urn:other")],
    "not yet": [says(VCT, since=AT + 60)],
    "since yesterday": [says(VCT, since=AT - DAY)],
    "ended now": [says(VCT, since=AT - 90 * DAY, until=AT)],
    "ended lately": [says(VCT, since=AT - 90 * DAY, until=AT - DAY // 2)],
    "ended some days ago": [says(VCT, since=AT - 90 * DAY, until=AT - 5 * DAY)],
    "ended a month ago": [says(VCT, since=AT - 90 * DAY, until=AT + 60 - COPY_LIFE)],
    "ended more than a month ago": [says(VCT, since=AT - 90 * DAY, until=AT - COPY_LIFE)],
    "with a gap": [says(VCT, since=AT - 90 * DAY, until=AT - 3 * DAY), says(VCT, since=AT - DAY // 2)],
    "of England": [says(VCT, since=AT - 90 * DAY, jurisdiction=["GB-EAW"])],
    "of Scotland": [says(VCT, since=AT - 90 * DAY, jurisdiction=["GB-SCT", "GB-NIR"])],
    "by inspection": [says(VCT, since=AT - 90 * DAY, attestation_basis=["inspection"])],
    "of the register of England": [says(VCT, since=AT - 90 * DAY, jurisdiction=["GB-EAW"], attestation_basis=["register"])],
    "of Scotland since": [
        says(VCT, since=AT - 90 * DAY, until=AT - DAY // 2),
        says(VCT, since=AT - DAY // 2, jurisdiction=["GB-SCT"]),
    ],
    "of England until": [
        says(VCT, since=AT - 90 * DAY, until=AT - DAY // 2, jurisdiction=["GB-EAW"]),
        says(VCT, since=AT - 90 * DAY, jurisdiction=["GB-SCT"]),
    ],
}


def _ended(state: KeyState, until: int, signer: Signer) -> Realm:
    made = letting(*RIGHTS["good"])
    made[MINISTRY].end(signer, state=state, until=until)
    return made


def _two_ways(*rights: Mapping[str, Any]) -> Realm:
    """The courts let it say something too."""
    made = letting(*RIGHTS["ended some days ago"])
    made[ISSUER].superiors = (MINISTRY, COURTS)
    made[MINISTRY].about[COURTS] = critical(accredits=[says(VCT, since=AT - 90 * DAY, jurisdiction=["GB-EAW", "GB-SCT"])])
    made[COURTS].about[ISSUER] = critical(entitlements=list(rights))
    return made


def _another_key() -> Realm:
    """Its documents are by a key that no anchor has certified, beside the one that some have."""
    made = letting(*RIGHTS["good"])
    made[ISSUER].more_keys = (next_key().signer,)
    return made


def _made_up() -> Realm:
    """A rogue below the same ministry makes up a body of that name with the true one's document key, and says that the key was stolen."""
    made = letting(*RIGHTS["good"])
    made.members[ROGUE] = Member(ROGUE, superiors=(MINISTRY,))
    made.members["false"] = Member(ISSUER, superiors=(ROGUE,), keys={Role.CREDENTIAL_ISSUER: twins.registry().signer})
    made[ROGUE].end(twins.registry().signer, state=KeyState.COMPROMISED, until=AT - DAY)
    return made


def realms() -> dict[str, Realm]:
    key = twins.registry().signer
    return {
        **{name: letting(*rights) for name, rights in RIGHTS.items()},
        "compromised": _ended(KeyState.COMPROMISED, AT - DAY, key),
        "retired": _ended(KeyState.VERIFY_ONLY, AT - DAY, key),
        "retired long ago": _ended(KeyState.VERIFY_ONLY, AT - COPY_LIFE, key),
        "over": _ended(KeyState.ENDED, AT - 60, key),
        "on two ways": _two_ways(says(VCT, since=AT - 90 * DAY)),
        "on two ways, on another basis": _two_ways(says(VCT, since=AT - 90 * DAY, attestation_basis=["inspection"])),
        "another key": _another_key(),
        "made up": _made_up(),
    }


# --- taken over ----------------------------------------------------------------------------------------------------------------------------


def taken(*rights: Mapping[str, Any], further: Sequence[Callable[[Realm], bytes]] = (), **said: Any) -> Realm:
    """The registry was taken over yesterday by the heir; ``further`` are other successions beside that."""
    made = letting(*rights)
    first = handed(made[ISSUER], ISSUER, made[HEIR], **said)
    return publish(made, MINISTRY, first, *(each(made) for each in further))


def succeeded(*further: Callable[[Realm], bytes], **said: Any) -> Realm:
    """Of a registry that may say everything."""
    return taken(*RIGHTS["good"], further=further, **said)


def _on(**said: Any) -> Callable[[Realm], bytes]:
    return lambda made: handed(made[HEIR], HEIR, made[THIRD], **said)


def _back(made: Realm) -> bytes:
    return handed(made[HEIR], HEIR, made[ISSUER])


def _rival(**said: Any) -> Callable[[Realm], bytes]:
    return lambda made: handed(made[ISSUER], ISSUER, made[THIRD], **said)


def _heir_without_key(state: KeyState) -> Realm:
    made = succeeded(**DUTY)
    made[MINISTRY].end(heir().signer, state=state, until=AT - 60)
    return made


def successions() -> dict[str, Realm]:
    return {
        "all duties": succeeded(**DUTY),
        "no duty": succeeded(may_cancel=True),
        "may not cancel": succeeded(status_duty=True),
        "of another type": succeeded(vcts=["urn:other"], **DUTY),
        "of this type": succeeded(vcts=[VCT], **DUTY),
        "tomorrow": succeeded(since=AT + DAY, **DUTY),
        "an hour ago": succeeded(since=AT - 3_600, **DUTY),
        "handed on": succeeded(_on(**DUTY), **DUTY),
        "handed on without duty": succeeded(_on(may_cancel=True), **DUTY),
        "handed on, may not cancel": succeeded(_on(status_duty=True), **DUTY),
        "in a circle": succeeded(_back, **DUTY),
        "to two": succeeded(_rival(**DUTY), **DUTY),
        "this type to another": succeeded(_rival(vcts=[VCT], **DUTY), **DUTY),
        "the heir's key was stolen": _heir_without_key(KeyState.COMPROMISED),
        "the heir's key is retired": _heir_without_key(KeyState.VERIFY_ONLY),
    }


def lists() -> Iterator[tuple[str, Lists]]:
    """By whom, in either form, saying what."""
    for name, by in (("its own", twins.registry()), ("the heir's", heir()), ("the third's", third()), ("a stranger's", twins.unknown())):
        for value in (0, 1, 2) if by is heir() else (0, 1):
            yield f"{name} {value} as JWT", [status_token({IDX: value}, by=by)]
        yield f"{name} by name", [status_cwt({IDX: 0}, by=by, x5c=())]
        yield f"{name} by name, cancelled", [status_cwt({IDX: 1}, by=by, x5c=())]
        yield f"{name} from before", [status_token({IDX: 0}, by=by, iat=AT - DAY - 60)]


# --- packs -------------------------------------------------------------------------------------------------------------------------------

DEFAULT: Lists = ()


def pack(
    of: Realm, told: Lists = DEFAULT, *, authorities: Sequence[Authority] = (), publishers: Mapping[int, Mapping[str, Any]] | None = None
) -> Pack:
    """A pack of who pinned the ministry alone, or also those ``authorities``."""
    said = told or [status_cwt(by=twins.registry())]
    return twins.pack(said, realm=of, authorities=authorities, publishers=publishers, at=AT - 30)


def pinned_too() -> dict[str, Pack]:
    """The registry's own anchor is pinned beside the ministry."""
    by = (twins.registry(),)
    first = twins.registry().signer.public
    found = {}
    for name in ("good", "silent", "ended lately", "of Scotland"):
        found[f"pinned, {name}"] = pack(letting(*RIGHTS[name]), authorities=by, publishers={0: {"at": AT - 60}})
    stolen = {"at": AT - 60, "keys": (ended(KeyState.COMPROMISED, AT - DAY, first),)}
    over = {"at": AT - 60, "keys": (ended(KeyState.VERIFY_ONLY, AT - 60 * DAY, first),)}
    found["pinned, and stolen"] = pack(letting(*RIGHTS["good"]), authorities=by, publishers={0: stolen})
    found["pinned, and over"] = pack(letting(*RIGHTS["good"]), authorities=by, publishers={0: over})
    found["pinned, withdrawn"] = pack(letting(*RIGHTS["good"]), authorities=by, publishers={0: {"at": AT - 60, "withdrawn": (2,)}})
    found["pinned, stolen by the federation's word"] = pack(realms()["compromised"], authorities=by, publishers={0: {"at": AT - 60}})
    found["pinned, made up"] = pack(_made_up(), authorities=by, publishers={0: {"at": AT - 60}})
    found["pinned, another key"] = pack(_another_key(), authorities=by, publishers={0: {"at": AT - 60}})
    for name, made in (
        ("all duties", succeeded(**DUTY)),
        ("no duty", succeeded()),
        ("no right", taken(status_duty=True, may_cancel=True)),
        ("another right", taken(*RIGHTS["of another type"], status_duty=True, may_cancel=True)),
        ("a right of long ago", taken(*RIGHTS["ended a month ago"], status_duty=True, may_cancel=True)),
    ):
        for which, told in lists():
            if "the heir's" in which:
                found[f"pinned, {name}, {which}"] = pack(made, told, authorities=by, publishers={0: {"at": AT - 60}})
    heirs = (twins.registry(), heir())
    told = [status_cwt({IDX: 0}, by=heir(), x5c=())]
    found["pinned, and the heir"] = pack(
        succeeded(**DUTY), told, authorities=heirs, publishers={place: {"at": AT - 60} for place in (0, 1)}
    )
    return found


LISTED = LIST
