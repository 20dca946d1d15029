"""What a wallet holds, as closed frozen types; states are named by past participles and a step goes from one to the next.

Everything here is stored sealed (``keep.Vault``), so these types may hold names, claims and keys. Instants are seconds since the epoch.
"""

from __future__ import annotations

from typing import Any

import msgspec

from shared.errors import CredentialRequestDenied, UnknownCredentialConfiguration, UnknownCredentialIdentifier
from shared.openid4vci import SignIn
from wallet.known_uses import Registration
from wallet.sent import Change

NONE_LEFT = {each.code for each in (CredentialRequestDenied, UnknownCredentialConfiguration, UnknownCredentialIdentifier)}
"""By these an issuer says that there is no such document any more."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The wallet's own words about itself."""

    holder: str
    locale: str = "en"


# --- receiving -------------------------------------------------------------------------------------------------------------------------


class CodeLook(msgspec.Struct, frozen=True, kw_only=True):
    """How the collection code looks, so that its field can be drawn."""

    numeric: bool = True
    length: int | None = None
    description: str | None = None


class Offered(msgspec.Struct, frozen=True, tag="offered"):
    """The invitation was read; nothing was collected yet."""


class Sent(msgspec.Struct, frozen=True, kw_only=True, tag="sent"):
    """The holder was sent to the issuer to sign in, at ``url``, which leads there until ``until``."""

    sign_in: SignIn
    url: str
    until: int


class Granted(msgspec.Struct, frozen=True, kw_only=True, tag="granted"):
    """The code was redeemed. The invitation is spent: whoever holds this can still collect, until it runs out.

    ``server`` gave it, where the issuer names any; ``client_id`` is whom it was given to, empty if nobody asked. ``identifiers`` are the
    names of what it is good for, by configuration, if it has any: one for each document (OpenID4VCI section 6.2).
    """

    access_token: str
    expires_at: int
    refresh_token: str | None = None
    token_type: str = "Bearer"  # noqa: S105 - the name of a kind
    server: str = ""
    client_id: str = ""
    identifiers: dict[str, tuple[str, ...]] = {}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The copies of one configuration on their way: here (``wires``), or to be asked for again by ``transaction``.

    ``keys`` are their private keys (PKCS #8) by name; whatever comes must be tied to one of these. ``identifier`` names the document that
    they are of, where the grant names any.
    """

    configuration: str
    format: str
    keys: dict[str, bytes]
    wires: tuple[str, ...] = ()
    transaction: str = ""
    interval: int = 0
    notification_id: str = ""
    identifier: str = ""
    report_pass: str = ""


class Promised(msgspec.Struct, frozen=True, kw_only=True, tag="promised"):
    """The issuer needs time, perhaps for somebody's approval, and is asked again at ``next_at``.

    ``anew``: its last promise was lost, perhaps with this process, and it was just asked once more from the beginning.
    """

    grant: Granted
    parts: tuple[Part, ...]
    since: int
    next_at: int
    anew: bool = False


class Kept(msgspec.Struct, frozen=True, kw_only=True, tag="kept"):
    """The document lies in the wallet; ``others`` are further ones that came by the same grant."""

    document: str
    others: tuple[str, ...] = ()


class Declined(msgspec.Struct, frozen=True, kw_only=True, tag="declined"):
    """What was sent was not kept: ``code`` of the failed check and where it failed."""

    code: str
    detail: str
    where: str = ""


class Receiving(msgspec.Struct, frozen=True, kw_only=True):
    """One invitation, from reading to keeping. ``lies_at`` is where it was fetched from; empty when it came whole in its link.

    ``sign_in_at`` is the host at which the holder has to sign in; empty where a code is all it takes.
    """

    at: int
    lies_at: str
    issuer: str
    issuer_name: str
    titles: tuple[str, ...]
    offer: str
    code: CodeLook | None
    state: Offered | Sent | Granted | Promised | Kept | Declined
    sign_in_at: str = ""


class ClientSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """What this wallet is towards one issuer and its authorization server, and towards no other (S1): two private keys (PKCS #8).

    ``attestation`` is what the maker of this wallet says of ``instance``, counting until ``attested_until``; empty where it says nothing.
    ``attested_by`` is the thumbprint of the maker's key, where that is known here.
    """

    issuer: str
    server: str
    dpop: bytes
    instance: bytes
    client_id: str
    attestation: str = ""
    attested_until: int = 0
    attested_by: str = ""


# --- documents and their copies ----------------------------------------------------------------------------------------------------------


class CopyLine(msgspec.Struct, frozen=True, kw_only=True):
    """One copy in its document's ledger. ``shown_to`` is the party that it belongs to from its first use on, empty before."""

    id: str
    format: str
    expires_at: int
    status_uri: str = ""
    status_idx: int = 0
    shown_to: str = ""
    shown_name: str = ""
    shown_at: int = 0


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """The copy itself with its private key (a scalar, big-endian): one key a copy and format, role holder.

    ``assertion`` is what the issuer last said of this copy's status, for formats that have a place for it; empty before.
    """

    document: str
    wire: str
    private: bytes
    alg: str = "ES256"
    assertion: bytes = b""


class StatusSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What the issuer's lists last said of this document's copies: valid, suspended, invalid or unknown. Invalid is final (S19)."""

    value: str = "unknown"
    list_iat: int = 0
    checked_at: int = 0


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """How new copies are fetched: by a refresh token that rotates, at an hour fixed on the day of collection (S21).

    ``server``, ``client_id`` and ``identifiers`` are those of the first grant. ``grant`` names it where several documents came by it: they
    share its token, and the lease, under which one at a time is renewed. ``cancelled``: the copies were cancelled, and the issuer is
    asked whether there are others, as after a correction, until it says that there will be none. ``heard_at`` is when they were seen to be, or it last said
    that it needs time for others, and 0 before; ``parts`` are those, with their keys.
    """

    issuer: str
    token: str
    at: int
    lease_until: int = 0
    problem: str = ""
    server: str = ""
    client_id: str = ""
    identifiers: dict[str, str] = {}
    cancelled: bool = False
    heard_at: int = 0
    parts: tuple[Part, ...] = ()
    grant: str = ""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that the issuer has not had yet; ``others`` are those of further answers for the same document."""

    issuer: str
    id: str
    token: str
    event: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a kind
    server: str = ""
    others: tuple[str, ...] = ()


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A card: one document with all its copies. ``claims`` is the type's claim tree, as the issuer signed it.

    ``acknowledged`` names the statements by which its records came to others, where the holder was asked and said that this is known.
    ``changes`` is when new copies first said something else than those before, and what. ``report_pass`` came beside the copies, for reports to a donor.
    """

    id: str
    type: str
    vct: str
    issuer: str
    issuer_name: str
    claims: dict[str, Any]
    issued_at: int
    received_at: int
    configurations: dict[str, str]
    copies: tuple[CopyLine, ...]
    status: StatusSeen = StatusSeen()
    renewal: Renewal | None = None
    notice: Notice | None = None
    next_check_at: int = 0
    restored: bool = False
    acknowledged: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    report_pass: str = ""

    @property
    def standing(self) -> str:
        """``status.value``; ``renewing`` while that is invalid and others are asked for in place of its copies, as after a correction, and nothing is known
        against their coming. A list says the same of copies that were replaced and of those of a document that was cancelled.
        """
        due = self.renewal
        asks = due is not None and due.cancelled and not due.problem
        return "renewing" if asks and self.status.value == "invalid" else self.status.value

    @property
    def trouble(self) -> str:
        """Why new copies could not be had, as a code; empty also where the issuer says that there are none of what it cancelled."""
        due = self.renewal
        return "" if due is None or (due.cancelled and due.problem in NONE_LEFT) else due.problem


class StatusCopy(msgspec.Struct, frozen=True, kw_only=True):
    """A status list token as fetched, kept to be handed on with copies made out to somebody."""

    uri: str
    token: str
    iat: int
    fetched_at: int


# --- being asked -------------------------------------------------------------------------------------------------------------------------


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. ``party`` is what a copy is tied to: the entity's identifier where it was proved, else whom the answer is made out to.

    ``doubt`` says how little is known: ``unsigned`` if nobody signed the request, ``site`` if only a browser says where it came from.
    """

    party: str
    name: str
    proved: bool
    client_id: str
    doubt: str = ""


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """Why, for how long, and where to complain: what is registered, where it is, and else what the party says of itself.

    ``agreed``: how many others have agreed already, as the party says, where several are to.
    """

    purpose: dict[str, str] = {}
    use_id: str = ""
    privacy_policy: str = ""
    retention_days: int | None = None
    claims_kept: tuple[str, ...] = ()
    contact: str = ""
    how_to_complain: str = ""
    agreed: int | None = None


class Asked(msgspec.Struct, frozen=True, tag="asked"):
    """It waits for the holder."""


class Agreed(msgspec.Struct, frozen=True, kw_only=True, tag="agreed"):
    """The copies are spent and the answer is on its way.

    ``selection``, ``kinds`` and ``shown`` are, by credential query, the document, its type and the details; ``acting`` names those by which somebody acts for another: the line of history is made of them, also of documents that were removed since.
    ``presentation`` is what is shown, as receipts are bound to it, and ``body`` what is posted, byte for byte; both go with the end of this state.
    Where nobody was heard the same bytes are posted again, the last time at ``again_at``. ``fault`` is why it could not be signed: then nothing goes out.
    """

    at: int
    selection: dict[str, str]
    shown: dict[str, tuple[str, ...]]
    kinds: dict[str, str] = {}
    acting: tuple[str, ...] = ()
    presentation: bytes = b""
    body: bytes = b""
    fault: str = ""
    again_at: int = 0


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag="answered"):
    """The answer arrived, or was ``handed`` to a platform.

    ``refusal`` is why the other side did not take it; ``receipt_problem`` what is wrong with its receipt (S25).
    """

    at: int
    shown: dict[str, tuple[str, ...]]
    redirect_uri: str | None = None
    receipt: str | None = None
    receipt_problem: str = ""
    refusal: str = ""
    handed: dict[str, Any] | None = None


class Unanswered(msgspec.Struct, frozen=True, kw_only=True, tag="unanswered"):
    """The answer left, or may have left, and what came of it is not known. The copies count as used."""

    at: int
    shown: dict[str, tuple[str, ...]]
    detail: str


class Withheld(msgspec.Struct, frozen=True, kw_only=True, tag="withheld"):
    """The holder did not share."""

    at: int
    told: bool


RequestState = Asked | Agreed | Answered | Unanswered | Withheld


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as it was checked when it was read. ``claims`` are those of the request object, ``signer`` its DER certificate, if any.

    ``origin`` is where a platform says that it came from; such a request is answered to the platform (``Answered.handed``).
    ``registration`` is ``None`` where nobody knows who asks. ``names`` are those of the organisations that would be told something, by identifier
    and language, as far as they are registered.
    """

    at: int
    asker: Asker
    use: Use | None
    claims: str
    signer: bytes
    state: RequestState
    origin: str = ""
    registration: Registration | None = None
    names: dict[str, dict[str, str]] = {}


class Addressed(msgspec.Struct, frozen=True, kw_only=True):
    """A copy made out to one body: ``file`` is the whole JSON file, ``shown`` the keys of the details in it.

    ``together`` is what the others are told who have to agree to the same; empty where nobody has to.
    """

    at: int
    entity: str
    name: str
    purpose_id: str
    document: str
    shown: tuple[str, ...]
    expires_at: int
    file: str
    together: str = ""
