"""Chains out of loose certificates: for documents that name only a key. Nothing becomes trusted by being found here.

Whoever certifies issuers can put anybody's name and key into a certificate. A chain is therefore only looked for below an anchor that is
pinned for that entity; else one registry could push itself between a document of another and its true chain, and nobody could check it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from ..cose import kid_of
from ..errors import VcError
from ..keys import Role
from ..x509 import MAX_CERTIFICATES, Cert, load_certificate
from .anchors import Anchor

Chains = Mapping[tuple[str, bytes], tuple[bytes, ...]]
_Above = Mapping[bytes, tuple[Cert, tuple[bytes, ...]]]
"""The authorities below one anchor, itself among them, by the names of their keys: each with its chain without the anchor (DER)."""


def chains_of(ders: Iterable[bytes], anchors: Iterable[Anchor]) -> Chains:
    """For each leaf: its entity and its key's ``kid``, and the chain up to but without its anchor (DER, leaf first).

    Of several certificates of one key the one that lasts longest stands for it. What cannot be read, or leads to no anchor that is pinned
    for issuers and for this entity, is left out.
    """
    return {(each.entity, kid_of(each.leaf.public)): each.chain for each in every_chain(ders, anchors)}


@dataclass(frozen=True, slots=True)
class Chain:
    """``chain`` leads from ``leaf``, which names ``entity``, up to but without ``anchor``, which is pinned for it."""

    anchor: Anchor
    entity: str
    leaf: Cert
    chain: tuple[bytes, ...]


def every_chain(ders: Iterable[bytes], anchors: Iterable[Anchor]) -> Iterator[Chain]:
    """As ``chains_of``, for each certificate of a key and under each anchor; what lasts longest comes last."""
    found = sorted([each for each in map(_read, ders) if each is not None], key=lambda each: each.not_after)
    authorities = [each for each in found if each.is_ca and not each.is_self_issued]
    trees = [
        (anchor, _below(anchor.certificate, authorities))
        for anchor in anchors
        if anchor.role is Role.CREDENTIAL_ISSUER and not anchor.profile
    ]
    for leaf in found:
        for anchor, above in () if leaf.is_ca else trees:
            chain = _chain(leaf, above)
            if chain is not None:
                yield from (Chain(anchor, entity, leaf, chain) for entity in leaf.uris if anchor.entity in {None, entity})


def _read(der: bytes) -> Cert | None:
    try:
        return load_certificate(der)
    except VcError:
        return None


def _below(top: Cert, authorities: Sequence[Cert]) -> _Above:
    """One authority a key; of several certificates of one that which lasts longest, and always the nearest to ``top``."""
    above: dict[bytes, tuple[Cert, tuple[bytes, ...]]] = {top.subject_key_id: (top, ())}
    for _ in range(MAX_CERTIFICATES - 1):
        grown = {each.subject_key_id: (each, chain) for each in authorities if (chain := _chain(each, above)) is not None}
        above = grown | above
    return above


def _chain(cert: Cert, above: _Above) -> tuple[bytes, ...] | None:
    """``cert`` and what certifies it, if that is ``above``."""
    upper, chain = above.get(cert.authority_key_id, (None, ()))
    if upper is None:
        return None
    try:
        cert.parsed.verify_directly_issued_by(upper.parsed)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return None
    return (cert.der, *chain)
