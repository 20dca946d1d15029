"""Anchors that publish: snapshots, lists of withdrawn certificates and publications for tests, bent where a test wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.signing import AT, Signer, anchor, leaf
from support.trial_verify import DAY, ISSUER, Authority, registry

from shared.keys import KeyId, PublicKey, Role
from shared.trust.anchors import Anchor
from shared.trust.artefact import CERTIFICATE, CRL, SNAPSHOT, Artefact
from shared.trust.publication import render_publication
from shared.trust.snapshot import KeyHistory, KeyState, Snapshot, parse_snapshot, prepare_snapshot
from shared.x509 import Cert, Crl, load_certificate, parse_crl, prepare_crl

KEY = KeyId("anchor")


_MADE: dict[tuple[Any, ...], Crl] = {}


def crl_by(issuer: Cert, signer: Signer, *serials: int, at: int = AT - 60, days: int = 7, number: int = 1) -> Crl:
    """The same bytes for the same words, though ECDSA would make others each time."""
    words = (issuer.der, serials, at, days, number)
    if words not in _MADE:
        unsigned = prepare_crl(issuer=issuer, key=KEY, revoked=[(each, at) for each in serials], at=at, days=days, number=number)
        _MADE[words] = parse_crl(signer.finish(unsigned))
    return _MADE[words]


def history(public: PublicKey | None = None, *, entity: str = ISSUER, role: Role = Role.CREDENTIAL_ISSUER, **changes: Any) -> KeyHistory:
    known = KeyHistory.of(public or registry().signer.public, role=role, entity=entity, since=AT - 30 * DAY)
    return replace(known, **changes)


@dataclass
class Publisher:
    """The registry's anchor, or another's, with what it says now. ``withdrawn`` are serial numbers."""

    by: Authority = field(default_factory=registry)
    entity: str = ISSUER
    role: Role = Role.CREDENTIAL_ISSUER
    seq: int = 1
    at: int = AT - 60
    life: int = 7 * DAY
    withdrawn: tuple[int, ...] = ()
    more: tuple[Artefact, ...] = ()
    keys: tuple[KeyHistory, ...] | None = None
    certificates: tuple[bytes, ...] | None = None
    crls: tuple[Crl, ...] | None = None

    @property
    def pin(self) -> Anchor:
        return self.by.pin(role=self.role, entity=self.entity)

    def crl(self) -> Crl:
        return crl_by(self.by.certificate, self.by.root, *self.withdrawn, at=self.at, number=self.seq)

    def statements(self) -> tuple[Artefact, ...]:
        certificates = self.by.x5c if self.certificates is None else self.certificates
        crls = (self.crl(),) if self.crls is None else self.crls
        return (
            *(Artefact(media_type=CERTIFICATE, data=each) for each in certificates),
            *(Artefact(media_type=CRL, data=each.der) for each in crls),
            *self.more,
        )

    def token(self, statements: Sequence[Artefact] | None = None) -> str:
        unsigned = prepare_snapshot(
            issuer=self.by.certificate.subject,
            entity=self.entity,
            seq=self.seq,
            at=self.at,
            next_update=self.at + self.life,
            statements=self.statements() if statements is None else statements,
            keys=(history(self.by.signer.public, entity=self.entity, role=self.role),) if self.keys is None else self.keys,
            key=KEY,
            public=self.by.root.public,
        )
        return self.by.root.finish(unsigned)

    def snapshot(self) -> Snapshot:
        return parse_snapshot(self.token())

    def artefacts(self) -> tuple[Artefact, ...]:
        """All of it, as it lies in a checking pack."""
        statements = self.statements()
        return (Artefact(media_type=SNAPSHOT, data=self.token(statements).encode()), *statements)

    def publication(self) -> bytes:
        statements = self.statements()
        return render_publication(self.token(statements), statements)


def ended(state: KeyState, until: int, public: PublicKey | None = None, **how: Any) -> KeyHistory:
    return history(public, state=state, until=until, reason="test", **how)


def also_under(by: Authority) -> Authority:
    """Another anchor, which has certified the same key for the same entity."""
    root = Signer.new()
    top = anchor(root, subject="Other anchor", at=AT - 30 * DAY)
    return Authority(root, top, by.signer, (leaf(by.signer, top, root, uri=by.entity, at=AT - 30 * DAY),), by.entity)


@dataclass(frozen=True)
class Tiers:
    """A root, an authority below it, and an issuer's leaf below that."""

    root: Signer
    top: Cert
    middle: Signer
    between: Cert
    issuer: Authority

    @classmethod
    def new(cls, *, entity: str = ISSUER, role: Role = Role.CREDENTIAL_ISSUER) -> Tiers:
        root, middle, signer = Signer.new(), Signer.new(), Signer.new()
        top = anchor(root, subject="Root", at=AT - 60 * DAY, path_length=1)
        between = certify(middle, root, top)
        made = leaf(signer, between, middle, role=role, uri=entity, at=AT - 30 * DAY)
        return cls(root, top, middle, between, Authority(root, top, signer, (made, between.der), entity))

    def publisher(self, **how: Any) -> Publisher:
        """Both authorities say what they have withdrawn."""
        lists = (crl_by(self.top, self.root), crl_by(self.between, self.middle))
        return Publisher(by=self.issuer, **{"crls": lists, **how})


def certify(middle: Signer, root: Signer, top: Cert) -> Cert:
    """An authority between the anchor and the leaves."""
    assert isinstance(root.private, ec.EllipticCurvePrivateKey)
    usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Between")]))
        .issuer_name(top.parsed.subject)
        .public_key(middle.public.key)
        .serial_number(7)
        .not_valid_before(datetime.fromtimestamp(AT - 40 * DAY, UTC))
        .not_valid_after(datetime.fromtimestamp(AT + 900 * DAY, UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(middle.public.key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public.key), critical=False)
        .add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False), critical=True)
        .sign(root.private, hashes.SHA256())
    )
    return load_certificate(made.public_bytes(serialization.Encoding.DER))
