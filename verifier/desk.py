"""What every use case of the verifier works with. Made once by ``app``; nothing here is global."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from shared.clock import Clock, Entropy
from shared.codec import base64url
from shared.credentials import CredentialType
from shared.errors import UnknownCredentialType
from shared.keys import Custodian, KeyId, Role
from shared.openid4vp import client_id_of
from shared.storage import Storage
from shared.trust.anchors import TrustAnchors
from shared.web import entity
from shared.web.signer import Signer, Signing
from shared.web.trust_file import TrustFile
from verifier.admission import AdmittedFile
from verifier.config import Settings
from verifier.uses import Use, among

RELYING_PARTY, BUNDLE, LOG, STORAGE = (KeyId(name) for name in ("relying-party", "bundle", "log", "storage"))
ROLES = MappingProxyType(
    {RELYING_PARTY: Role.RELYING_PARTY, BUNDLE: Role.BUNDLE, LOG: Role.MAC, STORAGE: Role.SEAL, **entity.ROLES},
)
SCOPES = ("requests:create", "requests:read", "copies:check", "material:refresh", "log:read", "webhook:test")  # what API keys may do


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """``signing`` knows the relying party's key and its certificate."""

    directory: Path
    settings: Settings
    clock: Clock
    entropy: Entropy
    storage: Storage
    custodian: Custodian
    signing: Signing
    trusted: TrustFile
    types: Mapping[str, CredentialType]
    admits: AdmittedFile

    @property
    def signer(self) -> Signer:
        """The key that signs at present; ``Unavailable`` while none does."""
        return self.signing.signer

    @property
    def x5c(self) -> tuple[bytes, ...]:
        """Its certificate in DER, without the anchor."""
        return self.signer.x5c

    @property
    def alg(self) -> str:
        """The algorithm of the key that signs."""
        return self.signer.alg

    @property
    def entity(self) -> str:
        """Who we are: copies are made out to this identifier, receipts are by it."""
        return self.settings.entity_id

    @property
    def trust(self) -> TrustAnchors:
        """Whom we trust, as of now."""
        return self.trusted.read()

    @property
    def client_id(self) -> str:
        """Who we are to a wallet: follows from the certificate and changes with it."""
        return client_id_of(self.x5c[0])

    @property
    def plain_http(self) -> tuple[str, ...]:
        """Hosts that may be spoken to without TLS: those that the operator lists as callable."""
        return self.settings.plain_http

    def url(self, path: str) -> str:
        return self.settings.public_url + path

    def secret(self, size: int = 16) -> str:
        """A random text of URL-safe characters: ``size`` bytes in base64url."""
        return base64url.encode(self.entropy(size))

    def type(self, type_id: str) -> CredentialType:
        """The kind of document of that name; ``UnknownCredentialType`` with a pointer."""
        for each in self.types.values():
            if each.id == type_id:
                return each
        raise UnknownCredentialType("that kind of document is not checked here", where="/type")

    def uses(self) -> list[Use]:
        """Every use that is served here, with what is admitted for it."""
        return among(self.admits.uses(), self.settings.purposes)

    def uses_of(self, type_id: str, query_id: str) -> tuple[Use, ...]:
        """The ready questions of that name that are served here; without ``type_id`` of every kind of document, with those beside them.

        Where there are several, each also asks who holds the document.
        """
        found = [use for use in self.uses() if use.query.id == query_id and type_id in {"", use.type.id}]
        named = dict.fromkeys(name for use in found for name in use.query.beside) if not type_id else {}
        found += [use for use in self.admits.uses() if (use.type.id, use.query.id) in named and use not in found]
        return tuple(use.beside_others() for use in found) if len(found) > 1 else tuple(found)
