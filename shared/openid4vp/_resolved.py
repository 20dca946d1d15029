"""A checked request, and who asks: what a wallet may show to a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InvalidRequest
from ..trust.policy import Policy
from ..x509 import Cert, Crl
from ._client import Admission, Prefix, host_of
from ._request import RequestObject
from ._signed import SignedRequest, find_asker
from ._use import IntendedUse, find_use


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedRequest:
    """A request that may be shown to a person.

    ``asker`` is the certificate of who asks, if it leads to an organisation that is trusted here; ``None`` means "we could not check
    who this is". ``signer`` is the certificate of the key that signed, in either case; a DID, or nobody, has none. ``known`` is a DID that
    the wallet's host knows. ``use`` is why they ask, in their own words, or ``None``.
    """

    request: RequestObject
    signer: Cert | None
    asker: Cert | None
    use: IntendedUse | None
    known: bool = False
    signed: bool = True

    @property
    def proved(self) -> bool:
        """Whether we know who asks."""
        return self.asker is not None or self.known

    @property
    def party(self) -> str:
        """Who asks, as a name that stays: the proved entity's own (certificates that others made may name no URI), else the audience."""
        return self.asker.uris[0] if self.asker is not None and self.asker.uris else self.request.audience

    @property
    def name(self) -> str:
        """What to call them: as whoever vouches for them does, else the name in the certificate, the DID, or the site or host of the answer."""
        named = self.asker or self.signer
        if named is not None:
            return named.subject
        if not self.signed:
            return self.request.origin or host_of(self.request.response_uri)
        return self.request.client_id.partition(":")[2]


def resolved_of(
    request: RequestObject, signed: SignedRequest | None, *, policy: Policy, at: int, crls: Sequence[Crl], admit: Admission
) -> ResolvedRequest:
    """``InvalidRequest`` for an answer in clear, unless low assurance admits it or the one who signed wants it posted so."""
    truly = signed is not None and signed.client.prefix is not Prefix.REDIRECT_URI
    if not (request.locked or admit.unsigned or (truly and request.response_mode == "direct_post")):
        raise InvalidRequest("an answer is only given locked here", where="/response_mode")
    return ResolvedRequest(
        request=request,
        signer=None if signed is None else signed.signer,
        asker=None if signed is None else find_asker(signed.chain, policy, at, crls),
        use=find_use(request.verifier_info),
        known=signed is not None and signed.client.prefix is Prefix.DID and signed.client.name in admit.dids,
        signed=truly,
    )
