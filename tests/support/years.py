"""An issuer whose keys follow one another by the clock, and how whoever pinned it judges by which of them a document may be."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support.registry import NOON, URL
from support.signing import Signer
from support.trial_web import Watch

from issuer import app as composition
from issuer import config
from issuer.app import follow_keys, publisher_of
from issuer.office import Office
from shared.clock import DAY
from shared.codec import strict_json
from shared.jose.jws import Jws
from shared.keys import KeyId, PublicKey, Role
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.artefact import CERTIFICATE
from shared.trust.page_keys import Own, page_keys
from shared.trust.policy import Policy
from shared.trust.publication import Publication, parse_publication
from shared.trust.snapshot import KeyState
from shared.web import own_trust
from shared.web.own_trust import OwnKey
from shared.x509 import load_certificate, parse_crl

VCT = "urn:any"
AHEAD = 9 * DAY
BEGUN = NOON - 3_600
DUE = BEGUN + 365 * DAY
SECOND = KeyId("issuer-2")


async def opening(folder: Path, at: int = NOON) -> Office:
    opened = composition.open_office(folder, config.read(folder), clock=Watch(at))
    await composition.start(opened)
    return opened


async def keys(office: Office) -> list[OwnKey]:
    return await office.storage.read(lambda tx: own_trust.own_keys(tx, Role.CREDENTIAL_ISSUER))


async def states(office: Office) -> list[tuple[str, KeyState]]:
    return [(each.name, each.state) for each in await keys(office)]


async def tick(office: Office, at: int) -> Publication:
    """A round by the clock at ``at``, as far as it is about keys; what is published after it."""
    office.clock.at = at  # type: ignore[attr-defined]
    await follow_keys(office)
    made = await publisher_of(office).publish()
    return parse_publication(made.document or b"")


def judge(office: Office, told: Publication, x5c: Sequence[bytes], at: int) -> PublicKey:
    """As whoever pinned this office, with the word ``told`` of its anchor: the key by which a document may be."""
    return policy(office, told).check_issuer(x5c, URL, VCT, at).public


def policy(office: Office, told: Publication) -> Policy:
    anchor = parse_anchor((office.directory / "anchor.pem").read_bytes(), role=Role.CREDENTIAL_ISSUER, entity=URL)
    crls = tuple(parse_crl(each) for each in told.of("application/pkix-crl"))
    return Policy(TrustAnchors(anchors=(anchor,)), {anchor.fingerprint: told.snapshot}, crls)


def pages(office: Office, told: Publication, at: int) -> dict[str, str]:
    """How each key stands in the list of a checking pack for pages."""
    own = Own(entity="https://bank.example", name="Bank", public=Signer.new().public)
    listed = strict_json.load_object(page_keys(policy(office, told), told.of(CERTIFICATE), own, at=at))["issuers"]
    return {each["kid"]: each["state"] for each in listed}


def first_certificate(office: Office) -> tuple[bytes, ...]:
    return (load_certificate((office.directory / "issuer.pem").read_bytes()).der,)


@dataclass(frozen=True)
class Copy:
    jws: Jws

    @property
    def x5c(self) -> tuple[bytes, ...]:
        return tuple(map(b64decode, self.jws.header["x5c"]))

    @property
    def expires_at(self) -> int:
        return int(strict_json.load_object(self.jws.payload)["exp"])
