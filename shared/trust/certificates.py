"""Chains out of loose certificates: for documents and relying parties that name only a key. Nothing becomes trusted by being found here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..cose import kid_of
from ..errors import VcError
from ..x509 import MAX_CERTIFICATES, Cert, load_certificate

Chains = Mapping[tuple[str, bytes], tuple[bytes, ...]]


def chains_of(ders: Iterable[bytes]) -> Chains:
    """For each leaf: its entity and its key's ``kid``, and the chain up to but without its anchor (DER, leaf first).

    Of several certificates of one key the one that lasts longest stands for it. What cannot be read is left out.
    """
    found = [each for each in map(_read, ders) if each is not None]
    above = {each.subject_key_id: each for each in found if each.is_ca and not each.is_self_issued and each.subject_key_id}
    chains: dict[tuple[str, bytes], tuple[bytes, ...]] = {}
    for leaf in sorted((each for each in found if not each.is_ca), key=lambda each: each.not_after):
        chain = _climb(leaf, above)
        chains.update({(entity, kid_of(leaf.public)): chain for entity in leaf.uris})
    return chains


def _read(der: bytes) -> Cert | None:
    try:
        return load_certificate(der)
    except VcError:
        return None


def _climb(leaf: Cert, above: Mapping[bytes, Cert]) -> tuple[bytes, ...]:
    chain: list[Cert] = [leaf]
    while len(chain) < MAX_CERTIFICATES and (upper := above.get(chain[-1].authority_key_id)) is not None and upper not in chain:
        chain.append(upper)
    return tuple(each.der for each in chain)
