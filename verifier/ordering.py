"""What somebody wants to ask, made into the terms of a request: ready questions, of one kind of document or several, or a query of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final

from shared.credentials import Text
from shared.credentials._derive import question
from shared.credentials._joint import TAG, is_joint
from shared.dcql import CredentialQuery, DcqlQuery, parse_query
from shared.errors import InvalidRequest, Malformed, UnknownCredentialType
from shared.formats import formats
from shared.openid4vp import AGREEING_FORMATS, JOINT, Agreement, TransactionData, render_agreement, render_transaction_data
from shared.urls import check_link
from verifier.desk import Desk
from verifier.sessions import Terms
from verifier.uses import Use

FORMAT: Final = "dc+sd-jwt"
MAX_WORDS: Final = 1_000  # characters of what a holder agrees to
LOCKED, PLAIN = "direct_post.jwt", "direct_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wants to ask. Either ``query``, a ready question, or ``dcql_query`` with a ``purpose`` of its own.

    A ready question asks for documents of ``type``; without one for every kind that has a question of that name, and those beside it. Each
    is wanted in any one of ``formats``. ``use`` is added to what the ready question tells the kind's own check. ``agreement`` and ``transactions`` (JSON, each with
    its ``type``) are what the holder agrees to. ``together`` names an act to which somebody has agreed already; else a new one begins.
    """

    type: str = ""
    query: str = ""
    formats: Sequence[str] = (FORMAT,)
    dcql_query: Mapping[str, Any] | None = None
    purpose_id: str = ""
    purpose: Text | None = None
    redirect_uri: str = ""
    same_device: bool = False
    locked: bool = True
    agreement: Agreement | None = None
    transactions: Sequence[Mapping[str, Any]] = ()
    use: Mapping[str, Any] = field(default_factory=dict)
    together: str = ""


def terms_of(desk: Desk, order: Order) -> Terms:
    """The terms. ``InvalidRequest``, ``Malformed`` or ``UnknownCredentialType`` with a pointer for what could never be answered."""
    if order.redirect_uri:
        check_link(order.redirect_uri, where="/redirect_uri", plain_http=desk.plain_http)
    if order.same_device and not order.redirect_uri:
        raise InvalidRequest("say where the holder's browser goes on: only there its session shows", where="/redirect_uri")
    if (order.dcql_query is None) == (not order.query):
        raise InvalidRequest("give a ready question, or a query of your own", where="/query")
    uses = find_uses(desk, order.type, order.query) if order.dcql_query is None else ()
    if not uses and order.purpose is None:
        raise InvalidRequest("a query of your own needs a purpose, which holders are shown", where="/purpose")
    query = ready_query(uses, _forms(uses, order)) if order.dcql_query is None else order.dcql_query
    parsed = parse_query(query, "/dcql_query")
    _check_answerable(desk, parsed)
    entries = _transactions(order, parsed) + _joint(order.together or desk.secret(), uses, parsed)
    return Terms(
        kind="request",
        type=order.type,
        ready=order.query,
        purpose_id=order.purpose_id or order.query or "own-question",
        purpose=order.purpose or uses[0].query.purpose,
        query=query,
        use=_use(uses, order),
        client_id=desk.client_id,
        redirect_uri=order.redirect_uri,
        same_device=order.same_device,
        response_mode=LOCKED if order.locked else PLAIN,
        transaction_data=tuple(entry.raw for entry in entries),
        together=next((str(entry.members.get("reference", "")) for entry in entries if entry.type == JOINT), ""),
    )


def find_uses(desk: Desk, type_id: str, query_id: str) -> tuple[Use, ...]:
    """The ready questions of that name that are served here: of one kind of document, or of all; ``Malformed`` if there is none."""
    kind = desk.type(type_id) if type_id else None
    found = desk.uses_of("" if kind is None else kind.id, query_id)
    if not found:
        raise Malformed("there is no such ready question here", where="/query")
    return found


def _forms(uses: Sequence[Use], order: Order) -> Sequence[str]:
    """Where it takes one document, and its holder is to agree to something with it, it is asked for in a form that can."""
    agrees = order.agreement is not None or any(is_joint(use.query) for use in uses)
    able = [each for each in order.formats if each in AGREEING_FORMATS or each not in formats()]
    return able if agrees and able and len(uses) == 1 else order.formats


def _use(uses: Sequence[Use], order: Order) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for use in uses:
        told.update(use.query.use)
    return {**told, **order.use}


def ready_query(uses: Sequence[Use], forms: Sequence[str]) -> dict[str, Any]:
    """One credential query for each kind of document and form. Of each kind one form is enough; of several kinds all are needed."""
    known = formats()
    wanted = tuple(dict.fromkeys(forms))
    if not wanted or not known.keys() >= set(wanted):
        raise Malformed(f"the formats read here are {', '.join(sorted(known))}", where="/formats")
    found = []
    for use, form in product(uses, wanted):
        (query,) = question(use.type, use.query, form)["credentials"]
        found.append({**query, "id": _name(use, form, several=len(uses) > 1, forms=wanted)})
    if len(wanted) == 1:
        return {"credentials": found}
    sets = [{"options": [[_name(use, form, several=len(uses) > 1, forms=wanted)] for form in wanted]} for use in uses]
    return {"credentials": found, "credential_sets": sets}


def _name(use: Use, form: str, *, several: bool, forms: Sequence[str]) -> str:
    """Of a credential query: the ready question's, or the kind's where there are several, with the form where there is a choice."""
    name = use.type.id if several else use.query.id
    return name if len(forms) == 1 else f"{name}-{form.replace('+', '-')}"


def _check_answerable(desk: Desk, query: DcqlQuery) -> None:
    """A question that could never be accepted is refused before anybody is asked."""
    doctypes = {each.doctype for each in desk.types.values()}
    for position, each in enumerate(query.credentials):
        where = f"/dcql_query/credentials/{position}"
        if each.format not in formats():
            raise Malformed(f"the formats read here are {', '.join(sorted(formats()))}", where=f"{where}/format")
        if each.vct_values is not None and not set(each.vct_values) & set(desk.types):
            raise UnknownCredentialType("no document of these kinds is checked here", where=f"{where}/meta/vct_values")
        if each.doctype_value is not None and each.doctype_value not in doctypes:
            raise UnknownCredentialType("no document of this kind is checked here", where=f"{where}/meta/doctype_value")


def _joint(reference: str, uses: Sequence[Use], query: DcqlQuery) -> tuple[TransactionData, ...]:
    """What each of several people signs in the same text, with the document that says of which instrument it is."""
    use = next((use for use in uses if is_joint(use.query)), None)
    if use is None:
        return ()
    able = [each.id for each in query.credentials if each.format in AGREEING_FORMATS and _asks_mark(each)]
    if not able:
        raise InvalidRequest("documents of this form cannot agree to anything together", where="/formats")
    return (render_agreement(Agreement(statement=use.query.purpose, reference=reference, together=True), able),)


def _asks_mark(query: CredentialQuery) -> bool:
    return any(claim.path[-len(TAG) :] == TAG for claim in query.claims or ())


def _transactions(order: Order, query: DcqlQuery) -> tuple[TransactionData, ...]:
    """Where an entry names no documents, any that can agree may."""
    able = [each.id for each in query.credentials if each.format in AGREEING_FORMATS]
    if not able and (order.agreement is not None or order.transactions):
        raise InvalidRequest("none of the documents that are asked for can agree to anything", where="/transaction_data")
    entries = [] if order.agreement is None else [render_agreement(order.agreement, able)]
    for position, entry in enumerate(order.transactions):
        members = dict(entry)
        kind, ids, algs = (members.pop(name, None) for name in ("type", "credential_ids", "transaction_data_hashes_alg"))
        where = f"/transaction_data/{position}"
        if not isinstance(kind, str):
            raise InvalidRequest("a transaction has a type", where=f"{where}/type")
        if kind == JOINT:
            raise InvalidRequest("what several agree to is made here: ask a ready question for acting together", where=f"{where}/type")
        if ids is not None and not (isinstance(ids, list) and set(map(str, ids)) <= set(able)):
            raise InvalidRequest("only documents that can agree are named here", where=f"{where}/credential_ids")
        entries.append(render_transaction_data(kind, ids or able, members, hash_algs=algs))
    return tuple(entries)
