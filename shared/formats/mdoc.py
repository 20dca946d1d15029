"""ISO/IEC 18013-5 mdocs: the format ``mso_mdoc``, as OpenID4VCI appendix A.2 and OpenID4VP appendix B.2 carry it.

A copy is base64url of IssuerSigned, a presentation base64url of a DeviceResponse with that one document. An mdoc names no issuer: that is
the URI in its signer's certificate, or of a document signer of others whoever its authority is pinned for. It has no audience, nonce or time of its own either: the holder's device signs what the request said
of all three, so that one made for another request is simply not by the holder.

Each type has one namespace, named as its doctype, see ``_elements``. Limits have digestIDs below 64 and are always shown, so that a
missing one is seen (S3). All others have digestIDs from 64 on, in random order and as many as the type could have: those of elements that
a document lacks are of nothing, and an unprotected header parameter, which is for the holder's eyes, tells the wallet so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..clock import DAY, Entropy
from ..codec import base64url
from ..cose import Sign1
from ..cose.sign1 import ALG, X5CHAIN
from ..cose.untyped import prepare_untyped, verify_untyped
from ..credentials import ClaimPath, CredentialType, all_types
from ..credentials._tree import pointer
from ..errors import BadDisclosure, Expired, Malformed, NotBound, NotYetValid, OverDisclosed, TooLarge
from ..jose.jwt import check_times
from ..keys import KeyId, PublicKey, Unsigned
from ..x509 import load_certificate
from . import NOTHING, BearerType, Binding, Claims, Credential, CredentialFormat, Parsed, Peeked, _device, _mso, _wire
from ._device import Device
from ._elements import FREE, elements_of, of_doctype, place_of
from ._envelope import check_issuable, check_status_there, render_status
from ._items import Contents, decoy, hide, open_foreign, open_known
from ._mso import Mso
from ._paths import select
from ._transcript import session_transcript
from ._wire import Shown

NAME: Final = "mso_mdoc"


class _Inner:
    """The structure behind a ``Parsed``, and what is in it once somebody needed that. ``spaces`` has the bytes of each item."""

    __slots__ = ("auth", "contents", "device", "mso", "rules", "spaces")

    def __init__(self, spaces: Mapping[str, Sequence[bytes]], auth: Sign1, mso: Mso, device: Device | None) -> None:
        self.spaces = spaces
        self.auth = auth
        self.mso = mso
        self.device = device
        self.rules = of_doctype(mso.doctype, all_types().values())
        self.contents: Contents | None = None


class Mdoc:
    """See ``CredentialFormat``."""

    name: str = NAME
    withholds: bool = True

    def prepare(self, credential: Credential, *, key: KeyId, holder: PublicKey | None, entropy: Entropy) -> Unsigned[str]:
        check_issuable(credential, holder)
        if holder is None:
            raise NotBound("an mdoc is always its holder's alone")
        _check_signer(credential)
        space = credential.type.doctype
        items, entries, seed = hide(elements_of(credential.type), credential.claims, entropy)
        payload = _mso.render_mso(credential, entries, holder)
        around = _wire.render_spaces({space: items}), b""
        unprotected = _wire.render_headers(credential.x5c, seed)
        return _as_text(prepare_untyped(typ=NAME, payload=payload, key=key, alg=credential.alg, around=around, unprotected=unprotected))

    def parse(self, wire: str) -> Parsed:
        if len(wire) > _wire.MAX_BYTES * 4 // 3:
            raise TooLarge(f"a document of more than {_wire.MAX_BYTES} bytes")
        return _parsed(wire, _wire.parse_wire(base64url.decode(wire)))

    def peek(self, parsed: Parsed) -> Peeked:
        contents, mso = _open(parsed), _inner(parsed).mso
        return Peeked(
            document=contents.document,
            claims=contents.claims,
            disclosable=contents.paths,
            issued_at=mso.valid_from,
            expires_at=mso.valid_until,
            holder=mso.holder,
        )

    def check_received(self, parsed: Parsed, issuer: PublicKey, *, holder: PublicKey, at: int) -> Claims:
        inner = _inner(parsed)
        if inner.device is not None:
            raise Malformed("an issuer hands over no binding")
        signed = _verify_issued(parsed, issuer, at)
        contents = _open(parsed)
        _check_explained(inner, contents)
        if inner.mso.holder != holder:
            raise NotBound("the document is bound to another key")
        if inner.rules is not None:
            _check_private(inner, inner.rules)
            inner.rules.check(contents.claims)
        return _facts(parsed, contents, NOTHING, signed)

    def verify(self, parsed: Parsed, issuer: PublicKey, *, binding: Binding | BearerType, at: int) -> Claims:
        inner = _inner(parsed)
        _verify_issued(parsed, issuer, at)
        contents = _open(parsed)
        if isinstance(binding, BearerType) or inner.device is None:
            raise NotBound("nobody proves to hold this document")  # S2: there is always a device's key
        if binding.handover is None or binding.nonce is None:
            raise NotBound("an mdoc is only shown in answer to a request over the network")
        if binding.extra:
            raise NotBound("a device signs nothing beside the request", where=f"/{next(iter(binding.extra))}")
        proved = _device.verify_device(inner.device, inner.mso, session_transcript(binding), binding.handover.agree)
        said: dict[str, Any] = {"aud": binding.audience, "nonce": binding.nonce}
        if inner.device.said:
            said["deviceSigned"] = _device.device_said(inner.device)
        # What the device signs says nothing of the document but its kind: two documents in one answer are two (S9).
        return _facts(parsed, contents, said, parsed.payload["mso"].encode() + proved)

    def disclose(self, parsed: Parsed, paths: Sequence[ClaimPath]) -> Parsed:
        """The limits, and the elements that ``paths`` select; ``OverDisclosed`` for a part of one."""
        inner, contents = _inner(parsed), _open(parsed)
        chosen = set(select(contents.document, paths))
        shown = {path for path in contents.paths if _is_chosen(path, contents.document, chosen)}
        kept = {
            space: [
                item
                for item, (number, name) in zip(inner.spaces[space], names.items(), strict=True)
                if (space, name) in shown or (inner.rules is not None and number < FREE)
            ]
            for space, names in contents.shown.items()
        }
        return FORMAT.parse(base64url.encode(_wire.render_issued(kept, inner.auth)))

    def present(self, parsed: Parsed, binding: Binding, *, key: KeyId, at: int, alg: str = "ES256") -> Unsigned[str]:  # noqa: ARG002 - no time is signed
        """Of all elements that ``parsed`` has. A device's signature has no time: the request's nonce stands for one."""
        inner = _inner(parsed)
        if binding.extra:
            raise Malformed("a device signs nothing beside the request", where=f"/{next(iter(binding.extra))}")
        payload = _device.authentication(session_transcript(binding), inner.mso.doctype)
        around = _wire.around_signature(inner.spaces, inner.auth, inner.mso.doctype)
        return _as_text(prepare_untyped(typ=_device.TYP, payload=payload, key=key, alg=alg, around=around, detached=True))


def _as_text(unsigned: Unsigned[bytes]) -> Unsigned[str]:
    complete = unsigned.complete
    return Unsigned(unsigned.key, unsigned.typ, unsigned.signing_input, lambda signature: base64url.encode(complete(signature)))


# --- writing ---------------------------------------------------------------------------------------------------------------------------


def _check_signer(credential: Credential) -> None:
    """Of the certificate that will stand for the issuer: it names nobody else, and covers all of the document's life (section 9.3.1)."""
    if not credential.x5c:
        raise Malformed("an mdoc carries the certificate of its signer", where="/x5c")
    leaf = load_certificate(credential.x5c[0], "/x5c/0")
    if leaf.uris[:1] != (credential.issuer,):
        raise Malformed("the certificate names another issuer", where="/x5c/0")
    if not leaf.not_before <= credential.issued_at or not credential.expires_at <= leaf.not_after:
        raise Malformed("the document would live longer than the certificate of its signer", where="/exp")


# --- structure -------------------------------------------------------------------------------------------------------------------------


def _parsed(wire: str, shown: Shown) -> Parsed:
    auth, mso = shown.auth, _mso.parse_mso(shown.auth.payload)
    if shown.device is not None and shown.doctype != mso.doctype:
        raise Malformed("the issuer signed another kind of document", where="/documents/0/docType")
    inner = _Inner(shown.spaces, auth, mso, shown.device)
    x5c = _wire.certificates(auth)
    signer = load_certificate(x5c[0], "/x5chain")
    return Parsed(
        format=NAME,
        wire=wire,
        header=auth.protected,
        payload=_payload(mso, auth.payload),
        binding_token=None if shown.device is None else wire,
        vct=mso.doctype if inner.rules is None else inner.rules.vct,
        issuer="" if signer.is_document_signer else next(iter(signer.uris), ""),
        doctype=mso.doctype if signer.is_document_signer else "",
        x5c=x5c,
        status=mso.status,
        holder=mso.holder,
        inner=inner,
    )


def _payload(mso: Mso, signed: bytes) -> dict[str, Any]:
    """The members that others ask for. The digest stands for all the rest: no two copies have the same."""
    more = {} if mso.status is None else {"status": render_status(mso.status)}
    digest = hashlib.sha256(signed).hexdigest()
    return {"docType": mso.doctype, "iat": mso.signed, "nbf": mso.valid_from, "exp": mso.valid_until, "mso": digest, **more}


def _inner(parsed: Parsed) -> _Inner:
    if not isinstance(parsed.inner, _Inner):
        raise Malformed("this was parsed as another format")
    return parsed.inner


# --- contents --------------------------------------------------------------------------------------------------------------------------


def _open(parsed: Parsed) -> Contents:
    """Check 5: each item has its digest. Of a type that is known here also that no limit could be withheld (S3)."""
    inner = _inner(parsed)
    if inner.contents is None:
        inner.contents = _opened(inner)
        check_status_there(inner.rules, parsed.status)
    return inner.contents


def _opened(inner: _Inner) -> Contents:
    if inner.rules is None:
        return open_foreign(inner.mso, inner.spaces)
    return open_known(elements_of(inner.rules), inner.mso, inner.spaces)


def _is_chosen(path: ClaimPath, document: Mapping[str, Any], chosen: set[ClaimPath]) -> bool:
    """Whether all of an element was chosen; ``OverDisclosed`` for a part of it."""
    if path in chosen or path[:1] in chosen:
        return True
    below = {place[2:] for place in chosen if place[:2] == path}
    value = document[str(path[0])][path[1]]
    if below and below != {(at,) for at in range(len(value))}:
        raise OverDisclosed("this detail is only shown together with others", where=pointer(path))
    return bool(below)


def _verify_issued(parsed: Parsed, issuer: PublicKey, at: int) -> bytes:
    """Checks 3 and 4, signature and validity: what was signed. The signer's certificate was in force then, and is until the end."""
    inner = _inner(parsed)
    signed = verify_untyped(inner.auth, issuer)
    mso = inner.mso
    check_times({"nbf": mso.valid_from, "exp": mso.valid_until, "iat": mso.signed}, at=at)
    leaf = load_certificate(parsed.x5c[0])
    if mso.signed < leaf.not_before:
        raise NotYetValid("the signer's certificate was not in force yet", where="/validityInfo/signed")
    if leaf.not_after < mso.valid_until:
        raise Expired("the document outlives the signer's certificate", where="/validityInfo/validUntil")
    return signed


def _check_explained(inner: _Inner, contents: Contents) -> None:
    """Each digest is of an item or of nothing (S3)."""
    seed = inner.auth.unprotected.get(_wire.SEED, b"")
    if type(seed) is not bytes:
        raise Malformed("a seed is a byte string", where="/unprotected")
    for space, digests in inner.mso.digests.items():
        there = contents.shown.get(space, NOTHING)
        if any(number not in there and digest != decoy(seed, place_of(number)[0]) for number, digest in digests.items()):
            raise BadDisclosure("something is hidden from its own holder", where=f"/{space}")


def _check_private(inner: _Inner, rules: CredentialType) -> None:
    """``Malformed`` for a copy that could be told from others by more than its contents (S22)."""
    mso = inner.mso
    if mso.remarks or inner.auth.protected.keys() - {ALG, X5CHAIN}:
        raise Malformed("something beside its contents would tell it from others", where="/issuerAuth")
    if any(each % DAY for each in (mso.signed, mso.valid_from, mso.valid_until)):
        raise Malformed("its days are rounded, or its moment would tell it from others", where="/validityInfo")
    hidden = sum(number >= FREE for number in mso.digests[rules.doctype])
    if hidden != len(elements_of(rules).free):
        raise Malformed("the number of what is hidden tells something", where="/valueDigests")


def _facts(parsed: Parsed, contents: Contents, said: Mapping[str, Any], signed: bytes) -> Claims:
    return Claims(
        vct=parsed.vct,
        issuer=parsed.issuer,
        claims=contents.claims,
        document=contents.document,
        disclosed=contents.paths,
        issued_at=parsed.payload["nbf"],
        expires_at=parsed.payload["exp"],
        status=parsed.status,
        holder=parsed.holder,
        binding_claims=said,
        signing_input_digest=hashlib.sha256(signed).digest(),
    )


FORMAT: CredentialFormat = Mdoc()
