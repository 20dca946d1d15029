"""Proof that a body holds the keys that it names (ADR 0009).

``metadata.<entity type>.muniment_key_proofs`` of an entity configuration: for each key of the ``jwks`` beside it one JWS, typ its role's
(``credential-issuer-key-proof+jwt`` …), ``kid`` the key's name there, payload ``{iss: the entity, iat, exp}``, signed by that very key. It is good
for this entity and this role alone, and as long as a statement at most. In ``federation_entity`` they are of federation keys that did not sign the
configuration, such as the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from ..codec import strict_json
from ..codec.reader import get_int, get_object, get_str, get_strings, pointer
from ..errors import Malformed, Untrusted, VcError, WrongTyp
from ..jose.jws import parse_jws, prepare_jws, verify_jws
from ..jose.jwt import get_time
from ..keys import KeyId, Role, Unsigned
from .carried import ENTITY_TYPES
from .constraints import FEDERATION_ENTITY
from .federation_keys import MAX_KEYS, FederationKey, find_key
from .snapshot import MAX_LIFE
from .statements import EntityStatement, check_dates

ROLES: Final[Mapping[str, Role]] = {kind: role for role, kind in ENTITY_TYPES.items()} | {FEDERATION_ENTITY: Role.FEDERATION}
"""Of the keys of each entity type."""
MEMBER: Final = "muniment_key_proofs"
ENDS: Final = "muniment_key_ends"
"""Beside the ``jwks`` of an entity type: when those of its keys that only verify stopped signing, by their names (security rule S15)."""
COMPROMISED: Final = "muniment_compromised_keys"
"""Beside it: which keys of that type are in other hands, by their thumbprints (RFC 9679). It counts for keys that the body itself has proved."""
MAX_BYTES: Final = 2_048


def _typ(kind: str) -> str:
    """One for each role (S1)."""
    return f"{ROLES[kind]}-key-proof+jwt"


def prepare_key_proof(*, entity: str, kind: str, at: int, exp: int, key: KeyId, public: FederationKey) -> Unsigned[str]:
    """That ``entity`` holds ``public`` as an entity of that type, by its name in the ``jwks``; lacking only the signature of that very key."""
    payload = strict_json.dumps({"iss": entity, "iat": at, "exp": exp})
    return prepare_jws(typ=_typ(kind), payload=payload, key=key, alg=public.public.alg, header={"kid": public.kid})


def check_key_proof(token: str, keys: Iterable[FederationKey], entity: str, kind: str, *, at: int) -> FederationKey:
    """The one of ``keys`` that it proves.

    ``WrongTyp`` first (S1), ``Malformed``, ``TooLarge``; ``Untrusted`` for another's proof or an unknown key; ``Expired``, ``NotYetValid``,
    ``AlgorithmRefused``, ``BadSignature``.
    """
    jws = parse_jws(token, max_bytes=MAX_BYTES)
    if jws.typ != _typ(kind):
        raise WrongTyp("this signed object is of another kind", where="/typ")
    kid = get_str(jws.header, "kid", max_length=256)
    key = FederationKey(kid, find_key(keys, kid))
    claims = strict_json.load_object(jws.payload)
    begin, end = get_time(claims, "iat"), get_time(claims, "exp")
    if not 0 <= begin < end <= begin + MAX_LIFE:
        raise Malformed("a proof lives seven days at most", where="/exp")
    check_dates(int(begin), int(end), at)
    verify_jws(jws, key.public, typ=_typ(kind))
    if get_str(claims, "iss") != entity:
        raise Untrusted("this is another body's proof", where="/iss")
    return key


def key_ends(members: Mapping[str, Any], keys: Iterable[FederationKey]) -> dict[str, int]:
    """Which of ``keys`` sign no more, by the metadata of one entity type, and since when. ``Malformed`` with a pointer."""
    ends = get_object(members, ENDS, optional=True) or {}
    return {each.kid: get_int(ends, each.kid, pointer("", ENDS), minimum=0) for each in keys if each.kid in ends}


def compromised_keys(members: Mapping[str, Any]) -> frozenset[str]:
    """Those that the metadata of one entity type reports. ``Malformed`` where that is no list of texts."""
    return frozenset(get_strings(members, COMPROMISED, optional=True, max_items=MAX_KEYS) or ())


def proven(entity: str, kind: str, keys: Iterable[FederationKey], members: Mapping[str, Any], *, at: int) -> tuple[FederationKey, ...]:
    """Those of ``keys`` that the proofs in ``members``, the metadata of the entity type ``kind``, prove. What is no proof proves nothing.

    ``Malformed`` where the proofs are no list of texts.
    """
    known, names = tuple(keys), set[str]()
    for token in get_strings(members, MEMBER, optional=True, max_items=MAX_KEYS) or ():
        with suppress(VcError):
            names.add(check_key_proof(token, known, entity, kind, at=at).kid)
    return tuple(each for each in known if each.kid in names)


def proven_federation_keys(said: EntityStatement, *, at: int) -> tuple[FederationKey, ...]:
    """Of the federation keys that a configuration names: the one that signed it, and those with proofs. Errors as ``proven``."""
    more = proven(said.sub, FEDERATION_ENTITY, said.keys, said.metadata.get(FEDERATION_ENTITY, {}), at=at)
    names = {said.kid, *(each.kid for each in more)}
    return tuple(each for each in said.keys if each.kid in names)
