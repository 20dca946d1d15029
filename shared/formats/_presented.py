"""What both formats that are shown as an SD-JWT with a ``kb+jwt`` do alike (RFC 9901): receive, verify, disclose, present."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from ..credentials import ClaimPath, all_types
from ..errors import BadDisclosure, Malformed, NotBound
from ..keys import KeyId, PublicKey, Unsigned
from . import NOTHING, BearerType, Binding, Claims, Parsed, _kb
from ._binding import parse_holder
from ._envelope import check_bearer
from ._sd_jwt import Opened, SdJwt, parse_sd_jwt


class Presented(ABC):
    """See ``CredentialFormat``; what is signed in each format is its own matter."""

    name: str

    @abstractmethod
    def _parsed(self, wire: str, sd_jwt: SdJwt) -> Parsed:
        """The parts, by their meaning in this format."""

    @abstractmethod
    def _structure(self, parsed: Parsed) -> SdJwt:
        """What ``_parsed`` was made of; ``Malformed`` if another format parsed it."""

    @abstractmethod
    def _open(self, parsed: Parsed) -> Opened:
        """The opened payload, with everything that may not be hidden in clear."""

    @abstractmethod
    def _verify_signed(self, parsed: Parsed, issuer: PublicKey, at: int) -> Opened:
        """Checks 3 to 5: signature, validity, digests and disclosures."""

    @abstractmethod
    def _facts(self, parsed: Parsed, opened: Opened, holder: PublicKey | None, signed: Mapping[str, Any], signing_input: bytes) -> Claims:
        """What is known once all of it was verified; ``signed`` are the claims of the binding."""

    def parse(self, wire: str) -> Parsed:
        return self._parsed(wire, parse_sd_jwt(wire, typ=self.name))

    def check_received(self, parsed: Parsed, issuer: PublicKey, *, holder: PublicKey, at: int) -> Claims:
        if parsed.binding_token is not None:
            raise Malformed("an issuer hands over no binding")  # RFC 9901 section 7.2
        opened = self._verify_signed(parsed, issuer, at)
        if opened.unexplained:
            raise BadDisclosure("something is hidden from its own holder")  # S3
        if parse_holder(parsed.payload) != holder:
            raise NotBound("the document is bound to another key")
        rules = all_types().get(parsed.vct)
        claims = self._facts(parsed, opened, holder, NOTHING, self._structure(parsed).jws.signing_input)
        if rules is not None:
            rules.check(claims.claims)
        return claims

    def verify(self, parsed: Parsed, issuer: PublicKey, *, binding: Binding | BearerType, at: int) -> Claims:
        opened = self._verify_signed(parsed, issuer, at)
        sd_jwt = self._structure(parsed)
        holder = parse_holder(parsed.payload)
        if isinstance(binding, BearerType):
            check_bearer(binding, parsed.vct, holder, bound=sd_jwt.binding is not None)
            return self._facts(parsed, opened, None, NOTHING, sd_jwt.jws.signing_input)
        token = _kb.check_bound(sd_jwt, holder, binding, at=at)
        return self._facts(parsed, opened, holder, token.claims, token.jws.signing_input)

    def disclose(self, parsed: Parsed, paths: Sequence[ClaimPath]) -> Parsed:
        shown = _kb.withhold(self._structure(parsed), self._open(parsed), paths)
        return self._parsed(shown.presented, shown)

    def present(self, parsed: Parsed, binding: Binding, *, key: KeyId, at: int, alg: str = "ES256") -> Unsigned[str]:
        return _kb.bind(self._structure(parsed), binding, key=key, at=at, alg=alg)
