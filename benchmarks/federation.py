"""A federation of 2,000 bodies and 10,000 registered organisations: the size of a checking pack that holds it, reading that pack, deciding by it.

One anchor, twenty superiors below it who accredit and register, and below each of them ninety-nine bodies that make documents. All of it
is made in memory, with keys and signatures of their own, and keeps every bound of what is read.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import cycle

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from benchmarks.chains import KEY, MINISTRY, NOW, SAYS, VCT, Body
from benchmarks.jws import SHA256, raw
from benchmarks.measure import Row, interleaved, once, row
from shared.clock import DAY
from shared.cose import kid_of
from shared.credentials import Text
from shared.jose.jwk import render_jwk, thumbprint
from shared.keys import KeyId, PublicKey, Role
from shared.trust.anchors import TrustAnchors
from shared.trust.artefact import ENTITY_STATEMENT, RP_CERTIFICATE, SNAPSHOT, Artefact
from shared.trust.bundle import BundleMemory, VerifiedBundle, parse_bundle, prepare_bundle, verify_bundle
from shared.trust.entitlements import Grants
from shared.trust.federation import Federation
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.policy import Policy
from shared.trust.registered_use import RegisteredUse, Want
from shared.trust.registrars import registered
from shared.trust.relying_party import Register, parse_rp_certificate, prepare_rp_certificate
from shared.trust.snapshot import FEDERATION_TYP, KeyHistory, prepare_snapshot
from shared.trust.statements import EntityStatement, prepare_entity_configuration

SUPERIORS, BODIES, ORGANISATIONS = 20, 2_000, 10_000
PACKS = KeyId("bundle")
USE = RegisteredUse(
    id="council-tax",
    title=Text("Council tax", "Treth gyngor"),
    purpose=Text(
        "To deal with the council tax of somebody for whom you act", "Er mwyn delio â threth gyngor rhywun yr ydych yn gweithredu drosto"
    ),
    wants=(Want(vct=65_000, required=(1, 3, 5), optional=(8,)),),
    retention_days=400,
    privacy_policy="https://organisation.example/privacy",
    contact="privacy@organisation.example",
)


class Office(Body):
    """A body that makes documents, and has nobody below it."""

    def __init__(self, entity: str) -> None:
        super().__init__(entity)
        self.documents = PublicKey.of(ec.generate_private_key(ec.SECP256R1()).public_key())

    def below(self, superior: Body) -> EntityStatement:
        """What it says of itself."""
        jwk = render_jwk(self.documents) | {"kid": thumbprint(self.documents)}
        issuer = {"credential_issuer": self.entity, "jwks": {"keys": [jwk]}}
        unsigned = prepare_entity_configuration(
            entity=self.entity, keys=(self.key,), at=NOW - 60, exp=NOW + DAY, key=KEY, signer=self.key, authority_hints=(superior.entity,),
            metadata={"federation_entity": {"organization_name": self.entity}, "openid_credential_issuer": issuer},
        )  # fmt: skip
        return self.sign(unsigned)

    def histories(self) -> list[KeyHistory]:
        return [_known(self.key.public, Role.FEDERATION, self.entity), _known(self.documents, Role.CREDENTIAL_ISSUER, self.entity)]


def _known(public: PublicKey, role: Role, entity: str) -> KeyHistory:
    return KeyHistory.of(public, role=role, entity=entity, since=NOW - 300 * DAY)


@dataclass(frozen=True)
class Realm:
    """What all superiors publish: their snapshots, and the files that these name, of the two kinds of which there are many."""

    top: Body
    offices: list[Office]
    chains: list[list[EntityStatement]]  # of each office, in the order in which a chain is read
    statements: list[Artefact]
    registrations: list[Artefact]
    snapshots: list[Artefact]
    keys: dict[str, ec.EllipticCurvePublicKey]  # for statements, by entity
    reader: ec.EllipticCurvePrivateKey

    def checks(self, statements: Iterable[EntityStatement]) -> Callable[[], None]:
        """The raw check of their signatures."""
        return _verifying((self.keys[each.iss], each.jws.signature, each.jws.signing_input) for each in statements)

    @property
    def anchors(self) -> tuple[FederationAnchor, ...]:
        return (FederationAnchor(entity=MINISTRY, keys=(self.top.key,), name="Justice"),)

    def pack(self, *said: Sequence[Artefact]) -> bytes:
        """A checking pack of those files."""
        public, files = PublicKey.of(self.reader.public_key()), [each for files in said for each in files]
        unsigned = prepare_bundle(
            issuer="https://bank.example", seq=1, prev=None, at=NOW, exp=NOW + DAY, artefacts=files, key=PACKS, public=public
        )
        return unsigned.complete(raw(self.reader, unsigned.signing_input))

    @cached_property
    def whole(self) -> bytes:
        return self.pack(self.snapshots, self.statements, self.registrations)

    def read(self) -> VerifiedBundle:
        """The whole pack, as whoever pinned the anchor and the pack's maker reads it."""
        signers = {thumbprint(PublicKey.of(self.reader.public_key()))}
        return verify_bundle(parse_bundle(self.whole), signers=signers, at=NOW, memory=BundleMemory(), federation=self.anchors)


@cache
def realm(organisations: int = ORGANISATIONS) -> Realm:
    """Made once: it takes some seconds."""
    top = Body(MINISTRY)
    between = [Body(f"https://superior-{number}.example") for number in range(SUPERIORS)]
    made = Realm(top, [], [], [], [], [], {}, ec.generate_private_key(ec.SECP256R1()))
    made.keys[MINISTRY] = top.private.public_key()
    own, accredited = top.itself({}), Grants(accredits=SAYS, may_register=("GB",))
    ministry = [own]
    for number, superior in enumerate(between):
        itself, about = superior.itself({}, MINISTRY), top.of(superior, grants=accredited)
        ministry += [itself, about]
        offices = [Office(f"https://body-{each}.superior-{number}.example") for each in range(BODIES // SUPERIORS - 1)]
        chains = [[each.below(superior), superior.of(each, grants=Grants(entitlements=SAYS)), about, own] for each in offices]
        parties = [_register(superior, number, each) for each in range(organisations // SUPERIORS)]
        keys = [_known(superior.key.public, Role.FEDERATION, superior.entity), *(each for office in offices for each in office.histories())]
        files = _files([itself, *(each for chain in chains for each in chain[:2])])
        made.keys.update((each.entity, each.private.public_key()) for each in (superior, *offices))
        made.offices.extend(offices)
        made.chains.extend(chains)
        made.statements.extend(files)
        made.registrations.extend(each for each, _ in parties)
        made.snapshots.append(_snapshot(superior, [*files, *(each for each, _ in parties)], [*keys, *(history for _, history in parties)]))
    files = _files(ministry)
    made.statements.extend(files)
    made.snapshots.append(_snapshot(top, files, [_known(each.key.public, Role.FEDERATION, each.entity) for each in (top, *between)]))
    return made


def _files(statements: Iterable[EntityStatement]) -> list[Artefact]:
    return [Artefact(media_type=ENTITY_STATEMENT, data=each.wire.encode()) for each in statements]


def _snapshot(superior: Body, files: Sequence[Artefact], keys: Sequence[KeyHistory]) -> Artefact:
    unsigned = prepare_snapshot(
        issuer=superior.entity, entity=superior.entity, seq=1, at=NOW - 60, next_update=NOW + DAY, statements=files, keys=keys,
        key=KEY, public=superior.key.public, typ=FEDERATION_TYP,
    )  # fmt: skip
    return Artefact(media_type=SNAPSHOT, data=unsigned.complete(raw(superior.private, unsigned.signing_input)).encode())


def _register(superior: Body, number: int, count: int) -> tuple[Artefact, KeyHistory]:
    """An organisation with one use, and its key."""
    entity, public = (
        f"https://organisation-{count}.area-{number}.example",
        PublicKey.of(ec.generate_private_key(ec.SECP256R1()).public_key()),
    )
    unsigned = prepare_rp_certificate(
        anchor=superior.entity, anchor_public=superior.key.public, key=KEY, entity=entity, public=public, name=Text(entity, entity),
        uses=(USE,), at=NOW - 60, country="GB", by_registrar=True,
    )  # fmt: skip
    data = unsigned.complete(raw(superior.private, unsigned.signing_input))
    return Artefact(media_type=RP_CERTIFICATE, data=data), _known(public, Role.RELYING_PARTY, entity)


# --- rows --------------------------------------------------------------------------------------------------------------------------------


def size() -> Row:
    """Of a pack, in kB for each thousand bodies. Floor: what was signed in it, without the form that carries it."""
    bare, made = realm(0), realm()
    ours, floor = len(bare.whole), sum(len(each.data) for each in (*bare.snapshots, *bare.statements))
    peers = {"kB a thousand registrations": (len(made.whole) - ours) / ORGANISATIONS, "kB in all": len(made.whole) / 1_000}
    return Row(
        name="federation pack size",
        unit="kB",
        ours=round(ours / BODIES, 1),
        floor=round(floor / BODIES, 1),
        ratio=round(floor / ours, 3),
        peers={name: round(value, 1) for name, value in peers.items()},
    )


def load() -> Row:
    """Reading the whole pack, until a question can be put to it. Floor: its JSON, and the digest of every file in it."""
    made = realm()
    assert len(made.read().federation.words) == SUPERIORS + 1

    def floor() -> None:
        for name, text in json.loads(made.whole)["artefacts"].items():
            assert base64.urlsafe_b64encode(hashlib.sha256(base64.b64decode(text)).digest()).rstrip(b"=").decode() == name

    figures = once({"floor": floor, "ours": made.read, "a raw signature of each body": made.checks([chain[0] for chain in made.chains])})
    return replace(row("federation pack load", figures, bar=None), unit="us CPU for all of it")


def policy() -> Row:
    """May this body, of which nothing is remembered, say this type? Floor: the four raw signatures of its chain. ``known`` is asked again."""
    made = realm()
    read = made.read()
    trust = TrustAnchors(federation=made.anchors)
    turn = cycle(range(len(made.offices)))
    fresh: list[Policy] = []

    def ask(number: int) -> None:
        office = made.offices[number]
        fresh[-1].check_issuer((), office.entity, VCT, NOW, issued_at=NOW, kid=kid_of(office.documents))

    def ours() -> None:
        number = next(turn)
        if number == 0:
            fresh[:] = [Policy(trust, federation=Federation(made.anchors, read.federation.words))]
        ask(number)

    ours()
    checks = cycle([made.checks(chain) for chain in made.chains])

    def floor() -> None:
        next(checks)()

    figures = interleaved({"floor": floor, "ours": ours, "known": lambda: ask(0)})
    return row("federation policy", figures, bar=0.40)


def register() -> Row:
    """Who of 10,000 organisations is registered, by all registrars. Floor: a raw signature for each."""
    made = realm()
    judge = Policy(TrustAnchors(federation=made.anchors), federation=made.read().federation)
    assert len(registered(judge, Register(), at=NOW)) == ORGANISATIONS
    signed = [parse_rp_certificate(each.data) for each in made.registrations]
    floor = _verifying([(made.keys[one.anchor], one.sign1.signature, one.sign1.signing_input) for one in signed])
    figures = once({"floor": floor, "ours": lambda: registered(judge, Register(), at=NOW)})
    return replace(row("federation register", figures, bar=0.15), unit="us CPU for all of it")


def _verifying(signed: Iterable[tuple[ec.EllipticCurvePublicKey, bytes, bytes]]) -> Callable[[], None]:
    """The raw check of signatures, in the form in which OpenSSL takes them."""
    checks = [
        (key, encode_dss_signature(int.from_bytes(each[:32], "big"), int.from_bytes(each[32:], "big")), data) for key, each, data in signed
    ]

    def verify() -> None:
        for key, signature, data in checks:
            key.verify(signature, data, SHA256)

    return verify
