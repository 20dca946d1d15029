"""Checks 1 to 8 of one presentation. What cannot be reached gets no line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from ..credentials import DISPUTED, CredentialType, Disclosure
from ..credentials._derive import path_in
from ..did import ASSERTION, is_did, resolve
from ..errors import (
    Expired,
    IssuerKeysUnknown,
    Malformed,
    NotBound,
    NotEntitled,
    TypeRuleBroken,
    Unavailable,
    Undecided,
    UnknownCredentialType,
    VcError,
)
from ..flow import Flow
from ..formats import BearerType, Binding, Claims, CredentialFormat, Parsed, formats
from ..trust.document_signers import DocumentSigner, check_document_signer
from ..trust.federation import FederatedIssuer
from ._heirs import SUCCEEDED, find_keeper
from ._model import CHECKS, NOT_REACHED, Check, DidIssuer, Expectation, Issuer, Keeper, Material, State
from ._status import Knowledge, allowed_age, check_status_of

AUTHENTIC: Final = CHECKS[3:7]  # what a format's own ``verify`` decides


@dataclass(slots=True, kw_only=True)
class Presentation:
    """One presentation and its own lines, 1 to 8. ``claims`` appear once 1 to 6 have passed; ``signed`` is what the issuer signed,
    ``staples`` the status assertions that came along, ``keeper`` who has taken over from its issuer.
    """

    query_id: str
    where: str
    format: str = ""
    claims: Claims | None = None
    signed: Mapping[str, object] = field(default_factory=dict)
    staples: Sequence[bytes] = ()
    issuer: Issuer | None = None
    keeper: Keeper | None = None
    lines: dict[str, Check] = field(default_factory=dict)

    def passed(self, name: str, remark: str = "", detail: str = "") -> None:
        self.lines[name] = Check(name, "passed", code=remark, detail=detail, where=self.where if remark else "")

    def stop(self, name: str, error: VcError) -> None:
        self.lines[name] = of_error(name, error, self.where + error.where)

    def spare(self, name: str, code: str, detail: str) -> None:
        self.lines[name] = Check(name, "unchecked", code=code, detail=detail, where=self.where, needed=False)


def of_error(name: str, error: VcError, where: str = "") -> Check:
    """The line that an error leaves: an ``Undecided`` is neither yes nor no."""
    state: State = "unchecked" if isinstance(error, Undecided) else "failed"
    return Check(name, state, code=error.code, detail=error.detail, where=where)


def unreached(name: str, where: str = "") -> Check:
    """The line of a check that was not made because an earlier one did not pass."""
    return Check(name, "unchecked", code=NOT_REACHED, detail="an earlier check has to pass first", where=where)


def examine(one: Presentation, wire: str, expectation: Expectation, known: Knowledge) -> Flow[None]:
    """Checks 1 to 8. What cannot be reached gets no line here."""
    yield from _authenticate(one, wire, expectation, known)
    if one.claims is None or one.issuer is None:
        return
    credential_type = known.material.types.get(one.claims.vct)
    if credential_type is None:
        one.stop("type_rules", UnknownCredentialType("this type of document is not known here"))
        return
    if not credential_type.status_bits and one.claims.status is None:
        one.spare("status", "no_status", "documents of this type cannot be cancelled; they only expire")
    else:
        try:
            age = allowed_age(credential_type, expectation.use, known.material.max_status_age)
            remark = yield from check_status_of(one.claims, one.issuer, age, known, assertions=one.staples)
            one.passed("status", remark)
        except VcError as error:
            one.stop("status", error)
    try:
        _check_limits(credential_type, one.claims, one.format)
        today = datetime.fromtimestamp(known.at, UTC).date().isoformat()  # of the check, whatever is said of the use
        credential_type.judge(one.claims.claims, {**expectation.use, "today": today})
        one.passed("type_rules", DISPUTED if one.claims.claims.get(DISPUTED) is True else "")
    except VcError as error:
        one.stop("type_rules", error)


def _authenticate(one: Presentation, wire: str, expectation: Expectation, known: Knowledge) -> Flow[None]:
    """Checks 1 to 6: afterwards ``one.claims`` are facts, or a line says why not."""
    material = known.material
    step = "parse"
    try:
        form = _format(one.query_id, expectation)
        parsed = form.parse(wire)
        one.passed(step)
        step = "issuer_trust"
        header = parsed.header
        signer = _document_signer(parsed, known)
        if signer is not None:
            parsed = signer.name(parsed)
        issuer = signer or (
            yield from check_issuer(
                parsed.issuer, parsed.vct, parsed.x5c, known, kid=parsed.kid, name=header.get("kid"), trust_chain=header.get("trust_chain")
            )
        )
        one.passed(step, detail=_as_of(issuer))
        step = "holder_binding"
        _check_bearer(expectation.binding, material)
        step = "signature"
        shown_at = known.at if expectation.shown_at is None else min(expectation.shown_at, known.at)
        claims = form.verify(parsed, issuer.public, binding=expectation.binding, at=shown_at)
        step = "issuer_trust"
        _check_same(parsed, claims)
        one.keeper = find_keeper(material.policy, claims, known.at)
        one.passed(step, *_told(issuer, check_said(issuer, claims, at=known.at), one.keeper))
        step = "validity"
        if not claims.expires_at:
            raise Expired("the document does not say how long it may be used")
    except VcError as error:
        _stop_authenticating(one, step, error)
        return
    for name in AUTHENTIC:
        one.passed(name)
    one.format, one.claims, one.signed, one.issuer = form.name, claims, parsed.payload, issuer
    one.staples = parsed.staples
    if isinstance(expectation.binding, BearerType):
        one.spare("holder_binding", "bearer", "made for whoever holds it; nothing proves who does")


def _document_signer(parsed: Parsed, known: Knowledge) -> DocumentSigner | None:
    """Of an mdoc by others: whoever is right below an authority that is pinned for it (ISO/IEC 18013-5 annex B)."""
    if not parsed.doctype:
        return None
    return check_document_signer(known.material.policy, parsed.x5c, parsed.doctype, known.at, known.material.crls)


def check_issuer(
    entity: str,
    vct: str,
    x5c: Sequence[bytes],
    known: Knowledge,
    *,
    kid: bytes = b"",
    name: object = None,
    trust_chain: object = None,
) -> Flow[Issuer]:
    """Who may say this: by the certificates that came along or those known under ``kid``, by a federation, or as a pinned DID by the key of that
    ``name``. Whether superiors let it when the document was made is asked once that is known (``check_said``).

    Of a DID only the method ``web`` yields a ``Fetch``, once it proved to be pinned; a driver should answer from what it holds (S21).
    """
    material = known.material
    chain = x5c or material.certificates.get((entity, kid), ())
    if chain or not is_did(entity):
        brought = trust_chain if isinstance(trust_chain, list) else ()
        return material.policy.check_issuer(chain, entity, vct, known.at, material.crls, kid=kid, trust_chain=brought)
    pin = material.policy.check_did(entity, vct)
    try:
        document = yield from resolve(entity)
    except Unavailable as error:
        raise IssuerKeysUnknown(f"which keys {entity} has is not known here: {error.detail}") from error
    return DidIssuer(subject=pin.name, public=document.key(name if type(name) is str else "", ASSERTION), document=document)


def check_said(issuer: Issuer, claims: Claims, *, at: int) -> str:
    """Nothing or a remark: whether superiors in a federation let the issuer say this, when it did, or its signer's country. ``NotEntitled``.

    A document that does not say when it was made was made now.
    """
    if isinstance(issuer, DocumentSigner):
        issuer.check_said(claims.claims)
    return issuer.check_said(claims.issued_at or at, claims.claims) if isinstance(issuer, FederatedIssuer) else ""


def _told(issuer: Issuer, remark: str, keeper: Keeper | None) -> tuple[str, str]:
    """The remark, and in words for developers all that there is to it."""
    if keeper is None:
        return remark, _as_of(issuer)
    taken = f"{keeper.name.en} ({keeper.succession.successor}) has taken over from its issuer"
    return SUCCEEDED, "; ".join(each for each in (taken, remark, _as_of(issuer)) if each)


def _as_of(issuer: Issuer) -> str:
    """How old the word is that vouches for it, where that was not settled by certificates."""
    if not isinstance(issuer, FederatedIssuer):
        return ""
    return f"by what its superiors said at {datetime.fromtimestamp(issuer.as_of, UTC).isoformat()}"


def _stop_authenticating(one: Presentation, step: str, error: VcError) -> None:
    """A format names the line of its error itself. Only the signature is known to come before the other three."""
    if step == "signature":
        step = getattr(error, "check", step)
        if step in AUTHENTIC[1:]:
            one.passed("signature")
    one.stop(step, error)


def _format(query_id: str, expectation: Expectation) -> CredentialFormat:
    """The format that was asked for; what came never chooses it."""
    asked = None if expectation.query is None else expectation.query.credential(query_id)
    name = expectation.format if asked is None else asked.format
    form = formats().get(name or "")
    if form is None:
        raise Malformed("no presentation of that form was asked for")
    return form


def _check_bearer(expected: Binding | BearerType, material: Material) -> None:
    """S2: bearer exists only for a type whose file says so, whatever was asked."""
    if isinstance(expected, BearerType):
        credential_type = material.types.get(expected.vct)
        if credential_type is None or not credential_type.bearer:
            raise NotBound("documents of this type are never accepted without their holder")


def _check_same(parsed: Parsed, claims: Claims) -> None:
    """Trust was asked for what ``parse`` hinted at; the facts must be the same."""
    if (claims.issuer, claims.vct) != (parsed.issuer, parsed.vct):
        raise NotEntitled("the signed issuer and type are not those that the document announced")


def _check_limits(credential_type: CredentialType, claims: Claims, format_name: str) -> None:
    """S3: a limit is there, and could not have been withheld, alone or with what encloses it."""
    withholdable = {tuple([None if isinstance(part, int) else part for part in path]) for path in claims.disclosed}
    for claim in credential_type.leaves:
        if claim.disclosure is not Disclosure.ALWAYS:
            continue
        path, placed = claim.path, path_in(credential_type, claim.path, format_name)
        if not withholdable.isdisjoint([placed[:length] for length in range(1, len(placed) + 1)]):
            raise TypeRuleBroken("this limit could have been withheld", where=_pointer(path))
        if claim.required and not _present(claims.claims, path):
            raise TypeRuleBroken("this limit is missing", where=_pointer(path))


def _pointer(path: Sequence[str | int | None]) -> str:
    return "".join(f"/{'-' if part is None else part}" for part in path)


def _present(tree: object, path: Sequence[str | int | None]) -> bool:
    """Of a list each element has it, and there is one at least."""
    if not path:
        return True
    part, *rest = path
    if part is None:
        return isinstance(tree, list) and bool(tree) and all(_present(each, rest) for each in tree)
    return isinstance(tree, Mapping) and part in tree and _present(tree[part], rest)
