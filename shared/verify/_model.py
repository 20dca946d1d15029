"""What goes into a verification and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from ..credentials import CredentialType, Text
from ..dcql import DcqlQuery
from ..did import DidDocument
from ..formats import BearerType, Binding, Claims
from ..keys import PublicKey
from ..status.freshness import Freshness
from ..status.memory import StatusMemory
from ..trust.bundle import Source
from ..trust.policy import Policy
from ..trust.succession import Succession
from ..x509 import Crl

CHECKS = (
    "time",
    "parse",
    "issuer_trust",
    "signature",
    "validity",
    "disclosures",
    "holder_binding",
    "status",
    "type_rules",
    "request",
)
State = Literal["passed", "failed", "unchecked"]
Outcome = Literal["accepted", "rejected", "undecided"]

NOT_REACHED = "not_reached"


class Level(StrEnum):
    """What a presentation proves about whoever shows it (S6, S7). It follows from the mode that the checker opened, never from what came."""

    LIVE = "live"  # 3: answers our nonce, for us
    RELAYABLE = "relayable"  # 2: answers a typed code or a time, could be passed on
    ADDRESSED = "addressed"  # 1: a copy made out to us
    BEARER = "bearer"  # 0: a copy that anyone may hold

    @property
    def number(self) -> int:
        """3 to 0, as in the architecture's table of names."""
        return {Level.LIVE: 3, Level.RELAYABLE: 2, Level.ADDRESSED: 1, Level.BEARER: 0}[self]


def level_of(binding: Binding | BearerType) -> Level:
    """The audience begins with its mode (S6): ``a:`` addressed, ``c:`` code; a ``client_id`` or ``l:`` is live."""
    if isinstance(binding, BearerType):
        return Level.BEARER
    return {"a:": Level.ADDRESSED, "c:": Level.RELAYABLE}.get(binding.audience[:2], Level.LIVE)


class Issuer(Protocol):
    """Who signed a document: by what name a trusted party vouches for it (``subject``), and with which key."""

    @property
    def subject(self) -> str: ...
    @property
    def public(self) -> PublicKey: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DidIssuer:
    """An issuer that is pinned as a DID: its name there, the key that the document named, and all that the DID says of keys."""

    subject: str
    public: PublicKey
    document: DidDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a verification needs besides the presentation.

    ``types`` by ``vct``: what is not in it is unknown and never looked up. ``max_status_age`` (seconds) narrows what the type allows.
    ``certificates`` are the chains (DER, leaf first) of issuers whose documents carry only a key's name: by entity and ``kid``. They are
    verified like chains that came along. ``source`` says which checking pack answers, ``floor`` is the earliest time that can be now (S18); both come from a verified pack.
    """

    policy: Policy
    types: Mapping[str, CredentialType]
    crls: Sequence[Crl] = ()
    certificates: Mapping[tuple[str, bytes], tuple[bytes, ...]] = field(default_factory=dict)
    memory: StatusMemory = field(default_factory=StatusMemory)
    max_status_age: int | None = None
    source: Source | None = None
    floor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a challenge or a code asks of one kind of document: groups of its type by ``Group.id``."""

    vct: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """Something that the holder is to agree to with one of the documents that answer ``query_ids``, by signing one of ``hashes``, which are
    given by name of the hash. ``named``: that name has to be signed as well; else it may be left out, and is then ``sha-256``.
    """

    query_ids: tuple[str, ...]
    hashes: Mapping[str, str]
    named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What this checker asked, and of whom.

    ``query`` or else ``asked``, of which a document serves that is of any one of the kinds; neither means that nothing was asked for.
    ``binding`` holds the expected audience and nonce; only of an addressed copy the nonce is the holder's own, and ``None`` here.
    ``use`` goes to the type's own check; its ``stakes`` ("low" or "high", the default) choose how old a status may be. ``format`` serves
    where no query names one. ``agreed`` is what the holder is to agree to, and nothing else (OpenID4VP section 8.4). ``shown_at`` is when it came,
    where it waited since: it had to be in force then, while who made it and whether it was cancelled is asked as of now.
    """

    query: DcqlQuery | None
    binding: Binding | BearerType
    use: Mapping[str, Any] = field(default_factory=dict)
    format: str | None = None
    asked: tuple[Asked, ...] = ()
    agreed: tuple[Agreed, ...] = ()
    shown_at: int | None = None

    def __post_init__(self) -> None:
        if self.query is not None and self.asked:
            detail = "one question at a time"
            raise ValueError(detail)
        if isinstance(self.binding, Binding) and self.binding.nonce is None and level_of(self.binding) is not Level.ADDRESSED:
            detail = "only an addressed copy brings a nonce of its own"
            raise ValueError(detail)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the verdict. On a passed line ``code`` is a remark; ``where`` says which presentation, ``/query id/position``.

    ``needed`` is false where policy does without this check, so that it may stay unchecked.
    """

    name: str
    state: State
    code: str = ""
    detail: str = ""
    where: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Who keeps the records of an issuer now, by the last ``succession`` in line, and what it is called."""

    name: Text
    succession: Succession


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCredential:
    """A document that is genuine, in force and shown by its holder; made by this package alone. ``issuer_name`` is its leaf's subject.

    ``succeeded_by`` is who has taken over from its issuer since.
    """

    query_id: str
    format: str
    claims: Claims
    issuer_name: str
    succeeded_by: Keeper | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer. ``code`` is that of the line which decided, empty when accepted.

    ``credentials`` is empty when rejected, and so is ``agreed``: the query id of the document that agreed, for each thing to agree to. ``status_iat`` is the date of the oldest word about a status that was relied upon, and
    ``status_freshness`` how good that still is; ``genuine`` are the documents of which maker and holder are proven, also where they are refused: nothing of
    them is shown or kept; ``learnt`` is to be merged into the caller's memory; ``replay_keys`` (S9) belong into its replay store, see ``replayed``.
    """

    decision: Outcome
    code: str
    checks: tuple[Check, ...]
    level: Level
    at: int
    credentials: tuple[VerifiedCredential, ...] = ()
    status_iat: int | None = None
    status_freshness: Freshness | None = None
    source: Source | None = None
    replay_keys: tuple[bytes, ...] = ()
    learnt: StatusMemory = field(default_factory=StatusMemory)
    agreed: tuple[str, ...] = ()
    genuine: tuple[VerifiedCredential, ...] = field(default=(), repr=False)

    def line(self, name: str) -> Check:
        """The line of one check."""
        return self.checks[CHECKS.index(name)]
