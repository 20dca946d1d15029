"""SD-CWT (draft-ietf-spice-sd-cwt) in the one profile that is used here: the format ``dc+sd-cwt``, for codes on a screen or on paper.

What is always in clear stands as numbered claims in one map, everything else in groups behind a constant number of digests, see
``_typemap``. Shown, it sits inside a key binding token by the holder's key. A type for bearers has neither holder nor digests: a plain
CWT. The wire form is base64url of the CBOR. Every map has the members that are named here and no others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from ..clock import DAY, Entropy
from ..codec import base64url, cbor
from ..cose import CWT, KEY_BINDING, SD_CWT, Sign1, parse_sign1, prepare_encoded, sign1_of, verify_sign1
from ..credentials import ClaimPath, CredentialType, Disclosure, all_types
from ..credentials._derive import leaves
from ..credentials._tree import pointer
from ..errors import BadDisclosure, Malformed, NotBound, OverDisclosed, TooLarge, UnknownCredentialType, VcError, WrongTyp
from ..jose.jwt import check_times
from ..keys import KeyId, PublicKey, Unsigned
from . import NOTHING, BearerType, Binding, Claims, Credential, CredentialFormat, Parsed, Peeked, _cwt, _kbt
from ._binding import binding_claims, check_binding
from ._cwt import ALG, KCWT, KID, KID_SIZE, SD_CLAIMS, STAPLE, TYP, X5CHAIN
from ._envelope import check_bearer, check_issuable, check_status_there
from ._paths import Chosen, select
from ._payload import Split, parse_payload, split_binding
from ._sd_cwt import SALT, open_claims, parse_disclosures
from ._sd_cwt import Disclosure as Hidden
from ._typemap import TypeMap, decode_usual, type_map

NAME: Final = "dc+sd-cwt"
MAX_BYTES: Final = 32_768
_HEADER: Final = frozenset({ALG, KID, TYP})
_BINDING_HEADER: Final = frozenset({ALG, KCWT, TYP})
_ISSUED: Final = frozenset({SD_CLAIMS, X5CHAIN, STAPLE})
_SHOWN: Final = frozenset({SD_CLAIMS, STAPLE})


class _Contents(Struct, frozen=True):
    """The opened map of the type: its claim tree, the paths of leaves inside groups, and how many digests say nothing."""

    claims: dict[str, Any]
    paths: tuple[ClaimPath, ...]
    unexplained: int


class _Inner:
    """The structure behind a ``Parsed``, and what is in it as soon as that is known."""

    __slots__ = ("binding", "claims", "contents", "disclosures", "rules", "signed")

    def __init__(
        self,
        signed: Sign1,
        claims: Mapping[Any, Any] | Split,
        disclosures: tuple[Hidden, ...],
        rules: CredentialType | None,
        binding: Sign1 | None,
    ) -> None:
        self.signed = signed
        self.claims = claims
        self.disclosures = disclosures
        self.rules = rules
        self.binding = binding
        self.contents = _usual(self)

    @property
    def types(self) -> TypeMap:
        """``UnknownCredentialType`` for numbers whose meaning nobody here knows."""
        if self.rules is None:
            raise UnknownCredentialType("this type of document is not known here")
        return type_map(self.rules)

    def type_map(self) -> Mapping[Any, Any]:
        """What stands at the root, digests included."""
        claims = self.claims
        return cbor.loads(claims.data, redacted=True, where="/payload") if isinstance(claims, Split) else claims

    def groups(self) -> Iterator[tuple[int, Hidden]]:
        """The groups that are there, by number. Only after ``_open``."""
        for each in self.disclosures:
            if not each.decoy:
                yield -each.key, each  # type: ignore[operator] # a number, as ``_open`` has seen


class SdCwt:
    """See ``CredentialFormat``."""

    name: str = NAME
    withholds: bool = True

    def prepare(self, credential: Credential, *, key: KeyId, holder: PublicKey | None, entropy: Entropy) -> Unsigned[str]:
        check_issuable(credential, holder)
        typ = CWT if holder is None else SD_CWT
        header = _cwt.header(typ, credential)
        types = type_map(credential.type)
        random = entropy(SALT * len(types.parents) + _cwt.SUBJECT_SIZE)
        subject = base64url.encode(random[: _cwt.SUBJECT_SIZE])[: _cwt.SUBJECT_SIZE]
        claims, disclosures = _cwt.redact(types, types.encode(credential.claims), random[_cwt.SUBJECT_SIZE :])
        payload = _cwt.payload(credential, holder, subject, claims)
        unprotected = _cwt.unprotected(disclosures, credential.x5c)
        return _as_text(prepare_encoded(typ=typ, header=header, payload=payload, key=key, alg=credential.alg, unprotected=unprotected))

    def parse(self, wire: str) -> Parsed:
        if len(wire) > MAX_BYTES * 4 // 3:
            raise TooLarge(f"a document of more than {MAX_BYTES} bytes")
        data = base64url.decode(wire)
        usual = split_binding(data)
        if usual is not None:
            return _parsed(wire, usual[1], usual[0])
        outer = parse_sign1(data)
        if not KEY_BINDING.admits(outer.typ):
            return _parsed(wire, outer, None)
        if outer.protected.keys() != _BINDING_HEADER or outer.unprotected:
            raise Malformed("a binding has its own header parameters and no others")
        return _parsed(wire, sign1_of(outer.protected[KCWT], "/kcwt"), outer)

    def peek(self, parsed: Parsed) -> Peeked:
        contents = _open(parsed)
        return Peeked(
            document=contents.claims,
            claims=contents.claims,
            disclosable=contents.paths,
            issued_at=parsed.payload["iat"],
            expires_at=parsed.payload["exp"],
            holder=parsed.holder,
        )

    def check_received(self, parsed: Parsed, issuer: PublicKey, *, holder: PublicKey, at: int) -> Claims:
        inner = _inner(parsed)
        if inner.binding is not None:
            raise Malformed("an issuer hands over no binding")
        signed = _verify_issued(parsed, issuer, at)
        contents = _open(parsed)
        if contents.unexplained:
            raise BadDisclosure("something is hidden from its own holder")  # S3
        if parsed.holder != holder:
            raise NotBound("the document is bound to another key")
        _check_private(inner, parsed.payload)
        inner.types.rules.check(contents.claims)
        return _facts(parsed, contents, NOTHING, signed)

    def verify(self, parsed: Parsed, issuer: PublicKey, *, binding: Binding | BearerType, at: int) -> Claims:
        inner = _inner(parsed)
        signed = _verify_issued(parsed, issuer, at)
        contents, token = _open(parsed), inner.binding
        if isinstance(binding, BearerType):
            check_bearer(binding, parsed.vct, parsed.holder, bound=token is not None)
            return _facts(parsed, contents, NOTHING, signed)
        if parsed.holder is None or token is None:
            raise NotBound("nobody proves to hold this document")
        signed = _verify_held(token, parsed.holder)
        claims = _kbt.parse(token.payload)
        check_binding(claims, binding, at=at)
        issued_at, expires_at = parsed.payload["iat"], parsed.payload["exp"]
        _kbt.check_within(claims, issued_at=issued_at, expires_at=expires_at, clock=binding.max_age is not None)
        return _facts(parsed, contents, claims, signed)

    def disclose(self, parsed: Parsed, paths: Sequence[ClaimPath]) -> Parsed:
        """The groups of which ``paths`` select everything; ``OverDisclosed`` for one of which they select a part."""
        inner, contents = _inner(parsed), _open(parsed)
        types, chosen = inner.types, Chosen(select(contents.claims, paths))
        if types.rules.bearer:
            tied = [path for path, claim, _ in leaves(types.rules, contents.claims) if claim.disclosure is not Disclosure.ALWAYS]
            groups: set[int] = set()
        else:
            groups = {types.group_of(path) for path in contents.paths if path in chosen}
            tied = [path for path in contents.paths if types.group_of(path) in groups]
        for path in tied:
            if path not in chosen:
                raise OverDisclosed("this detail is only shown together with others", where=pointer(path))
        wanted = types.with_parents(groups)
        return _reparsed(inner, [each.raw for number, each in inner.groups() if number in wanted])

    def present(self, parsed: Parsed, binding: Binding, *, key: KeyId, at: int, alg: str = "ES256") -> Unsigned[str]:
        """With every group that ``parsed`` has. A signed ``exp`` never goes beyond the document's own."""
        inner = _inner(parsed)
        if parsed.holder is None:
            raise NotBound("a document for whoever holds it is not shown by one of them")
        claims = binding_claims(binding, at)
        if type(claims.get("exp")) is int:
            claims["exp"] = min(claims["exp"], parsed.payload["exp"])
        shown = _cwt.unprotected([each.raw for each in inner.disclosures if not each.decoy], staples=parsed.staples)
        header = _cwt.binding_header(alg, _cwt.item(inner.signed, shown), KEY_BINDING)
        return _as_text(prepare_encoded(typ=KEY_BINDING, header=header, payload=_kbt.render(claims), key=key, alg=alg))


def with_staple(parsed: Parsed, assertion: bytes) -> Parsed:
    """The same document with a status assertion beside it, which the holder's signature will cover."""
    inner = _inner(parsed)
    unprotected = _cwt.unprotected([each.raw for each in inner.disclosures], parsed.x5c, (assertion,))
    return FORMAT.parse(base64url.encode(_cwt.item(inner.signed, unprotected)))


def _reparsed(inner: _Inner, disclosures: Sequence[bytes]) -> Parsed:
    staples = [inner.signed.unprotected[STAPLE]] if STAPLE in inner.signed.unprotected else []
    return FORMAT.parse(base64url.encode(_cwt.item(inner.signed, _cwt.unprotected(disclosures, staples=staples))))


def _as_text(unsigned: Unsigned[bytes]) -> Unsigned[str]:
    complete = unsigned.complete
    return Unsigned(unsigned.key, unsigned.typ, unsigned.signing_input, lambda signature: base64url.encode(complete(signature)))


# --- structure -------------------------------------------------------------------------------------------------------------------------


def _parsed(wire: str, signed: Sign1, binding: Sign1 | None) -> Parsed:
    bound = SD_CWT.admits(signed.typ)
    if not bound and (binding is not None or not CWT.admits(signed.typ)):
        raise WrongTyp("this signed object is of another kind")
    kid = _kid(signed)
    payload = parse_payload(signed.payload, bound=bound)
    unprotected = signed.unprotected
    if not unprotected.keys() <= (_ISSUED if binding is None else _SHOWN) or (not bound and SD_CLAIMS in unprotected):
        raise Malformed("nothing else stands outside the issuer's signature", where="/unprotected")
    disclosures = parse_disclosures(unprotected[SD_CLAIMS], "/disclosures") if SD_CLAIMS in unprotected else ()
    rules = _rules(payload.vct)
    return Parsed(
        format=NAME,
        wire=wire,
        header=signed.protected,
        payload=payload.members,
        binding_token=None if binding is None else wire,
        vct=f"vct:{payload.vct}" if rules is None else rules.vct,
        issuer=payload.members["iss"],
        x5c=_chain(unprotected[X5CHAIN]) if X5CHAIN in unprotected else (),
        kid=kid,
        status=payload.status,
        holder=payload.holder,
        staples=(_bytes(unprotected[STAPLE], "/unprotected"),) if STAPLE in unprotected else (),
        inner=_Inner(signed, payload.claims, disclosures, rules, binding),
    )


def _rules(number: int) -> CredentialType | None:
    for each in all_types().values():
        if each.vct_int == number:
            return each
    return None


def _kid(signed: Sign1) -> bytes:
    kid = signed.protected.get(KID)
    if signed.protected.keys() != _HEADER or type(kid) is not bytes or len(kid) != KID_SIZE:
        raise Malformed("a document has its own header parameters and no others", where="/protected")
    return kid


def _chain(value: object) -> tuple[bytes, ...]:
    if type(value) is bytes:
        return (value,)
    if type(value) is not list or len(value) < 2:
        raise Malformed("a chain of certificates is one, or a list of more", where="/x5chain")
    return tuple([_bytes(each, "/x5chain") for each in value])


def _bytes(value: object, where: str) -> bytes:
    if type(value) is not bytes:
        raise Malformed("a byte string is demanded here", where=where)
    return value


def _inner(parsed: Parsed) -> _Inner:
    if not isinstance(parsed.inner, _Inner):
        raise Malformed("this was parsed as another format")
    return parsed.inner


# --- contents --------------------------------------------------------------------------------------------------------------------------


def _open(parsed: Parsed) -> _Contents:
    """The claims, with everything in clear that may not be hidden (S3)."""
    inner = _inner(parsed)
    if inner.contents is None:
        inner.contents = _opened(inner, inner.types)
    check_status_there(inner.rules, parsed.status)
    return inner.contents


def _usual(inner: _Inner) -> _Contents | None:
    """As ``_opened`` of the layout that issuers of ours write; ``None`` for every other, good or bad.

    Done while parsing: work between two checks of a signature takes twice its time.
    """
    shown = []
    for each in inner.disclosures:
        key = each.key
        if type(key) is not int or key >= 0:
            return None
        shown.append((each.digest, key, each.parts[0]))
    if inner.rules is None or not isinstance(inner.claims, Split):
        return None
    try:
        usual = decode_usual(inner.types, inner.claims.head, inner.claims.digests, shown)
    except Malformed:  # whoever opens it is told
        return None
    return None if usual is None else _Contents(*usual, len(inner.claims.digests) - len(shown))


def _opened(inner: _Inner, types: TypeMap) -> _Contents:
    shown = 0
    for each in inner.disclosures:
        if not each.parts:
            if inner.binding is not None:
                raise BadDisclosure("a decoy is for the holder's eyes", where="/disclosures")
            continue
        key = each.key
        if type(key) is not int or key >= 0:
            raise Malformed("this is never hidden", where="/disclosures")
        shown += 1
    opened = open_claims(inner.type_map(), inner.disclosures)
    claims, paths, groups = types.decode(opened.claims)
    if opened.elements or groups != shown:
        raise Malformed("each group is hidden as a whole, and nothing else is", where="/claims")
    for leaf in types.limits:
        if leaf.claim.cwt not in opened.claims:
            raise Malformed("a limit is missing or hidden", where=pointer(leaf.path))
    return _Contents(claims, paths, opened.unexplained)


def _verify_issued(parsed: Parsed, issuer: PublicKey, at: int) -> bytes:
    """Checks 3 and 4, signature and validity: what was signed."""
    signed = verify_sign1(_inner(parsed).signed, issuer, typ=CWT if parsed.holder is None else SD_CWT)
    check_times(parsed.payload, at=at)
    if not parsed.payload["iat"] < parsed.payload["exp"]:
        raise Malformed("a document ends after it begins", where="/exp")
    return signed


def _check_private(inner: _Inner, times: Mapping[str, Any]) -> None:
    """``Malformed`` for a copy that could be told from others by more than its contents (S22)."""
    if times["iat"] % DAY or times["exp"] % DAY:
        raise Malformed("its days are rounded, or its moment would tell it from others", where="/iat")
    levels = {level.number: level for level in inner.types.levels}
    maps = [(levels[0], inner.type_map()), *[(levels[number], each.parts[0]) for number, each in inner.groups()]]
    for level, claims in maps:
        digests: list[bytes] = next((value for key, value in claims.items() if cbor.is_redacted(key)), [])
        if len(digests) != len(level.groups) or digests != sorted(digests):
            raise Malformed("the number or order of what is hidden tells something", where="/claims")


def _verify_held(token: Sign1, holder: PublicKey) -> bytes:
    try:
        return verify_sign1(token, holder, typ=KEY_BINDING)
    except VcError as error:
        raise NotBound(f"the proof of the holder is not one: {error.detail}") from error


def _facts(parsed: Parsed, contents: _Contents, said: Mapping[str, Any], signed: bytes) -> Claims:
    """``signed`` are the bytes that the holder signed, or the issuer where there is no holder; ``said`` is what they mean."""
    return Claims(
        vct=parsed.vct,
        issuer=parsed.issuer,
        claims=contents.claims,
        document=contents.claims,
        disclosed=contents.paths,
        issued_at=parsed.payload["iat"],
        expires_at=parsed.payload["exp"],
        status=parsed.status,
        holder=parsed.holder,
        binding_claims=said,
        signing_input_digest=hashlib.sha256(signed).digest(),
    )


FORMAT: CredentialFormat = SdCwt()
