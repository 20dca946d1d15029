"""What a credential type is, as data. A type is one file that ends in ``TYPE = CredentialType(...)``.

Issuer metadata, the clerk's form, the wallet card, the sample queries, the verifier's page and the documents are all derived from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import Malformed, TypeRuleBroken
from ._claim import Choice, Claim, ClaimPath, Disclosure, Group, Kind, Reason, Text
from ._disputed import LEAF
from ._rules import Judge, Rule, compile_rules
from ._tree import Node, check_shape, grow

__all__ = [
    "Choice",
    "Claim",
    "ClaimPath",
    "CredentialType",
    "Disclosure",
    "Follow",
    "Group",
    "Kind",
    "ReadyQuery",
    "Reason",
    "Text",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyQuery:
    """A question that relying parties usually ask of this type. ``optional`` paths (three at most) start off on the consent page.

    ``beside`` are the questions to other kinds of document that usually go with it, as (id of the type, id of the question), where several
    documents can be asked for at once. ``use`` is what the type's ``judge`` is told when this question is asked.
    """

    id: str
    title: Text
    purpose: Text
    paths: tuple[ClaimPath, ...]
    optional: tuple[ClaimPath, ...] = ()
    values: Mapping[ClaimPath, tuple[Any, ...]] = field(default_factory=dict)
    use: Mapping[str, Any] = field(default_factory=dict)
    beside: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """What an office does to its documents of a type once a document of the type ``vct`` was shown to it, or has changed.

    ``on`` is ``shown``, or what the other has become: ``valid``, ``on-hold`` or ``cancelled``. It counts where the other says each of
    ``values`` (in those that were shown), and concerns the documents whose details are the other's, as ``match`` pairs them (own, other's);
    names are compared as ``shared.match`` does it. ``action`` is one that ``reason`` is for.
    """

    vct: str
    on: str
    action: str
    reason: str
    match: tuple[tuple[ClaimPath, ClaimPath], ...]
    values: Mapping[ClaimPath, tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialType:
    """A kind of document. ``check`` judges claims before signing, ``judge`` judges disclosed claims for one use (both raise)."""

    id: str
    vct: str
    vct_int: int
    doctype: str
    title: Text
    description: Text
    groups: tuple[Group, ...]
    claims: tuple[Claim, ...]
    queries: tuple[ReadyQuery, ...]
    copy_days: int  # a copy lives so long; refreshed before
    batch_size: int  # copies at a time; an office offers the most that any of its types has
    status_bits: int
    status_max_age: Mapping[str, int]  # seconds, by stakes "low" | "high"
    represents: tuple[str, ...] = ()  # path prefix of the person acted for, if any: a page then says "acting for"
    about: tuple[str, ...] = ()  # path prefix of whom it is about, where that is neither its holder nor somebody acted for
    holder: tuple[str, ...] | None = None  # path prefix of whoever holds it, if it names them: see ``holder_paths``
    bearer: bool = False  # only such a type may lack holder binding (S2)
    private: bool = False  # its holder shows it to nobody but whoever made it
    cancelled_by: tuple[Text, ...] = ()
    reasons: tuple[Reason, ...] = ()
    states: Mapping[str, str] = field(default_factory=dict)  # a register's own word -> "valid" | "on-hold" | "cancelled" | "never" made
    of_holder: tuple[str, ...] = ()  # those of ``states`` that it says of one holder, and not of all who hold documents of the entry
    follows: tuple[Follow, ...] = ()
    retention: str = "until-collected"  # "until-collected" | "sealed" | "ask-register"
    successors: str = "anybody"  # who can take it over from its issuer: "anybody" | "public-body" | "nobody"
    kept_days: int | None = None  # so long a relying party keeps what it saw, unless it registers otherwise; nothing is said for ``None``
    needs_approval: bool = False  # a second person looks at each before copies are made
    limits: tuple[Rule, ...] = ()  # asked before signing and by every verifier; the rules of ``check`` and of ``judge`` come after them
    said: tuple[Rule, ...] = ()
    uses: tuple[Rule, ...] = ()
    tree: Node = field(init=False, repr=False, compare=False)
    _check: Judge = field(init=False, repr=False, compare=False)
    _judge: Judge = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", grow(self.leaves))
        object.__setattr__(self, "_check", compile_rules(self.limits + self.said))
        object.__setattr__(self, "_judge", compile_rules(self.limits + self.uses))

    @property
    def leaves(self) -> tuple[Claim, ...]:
        """Its ``claims``, and the one that documents of every type can have."""
        return (*self.claims, LEAF)

    @property
    def vcdm_type(self) -> str:
        """Its name among the ``type`` of a W3C credential: ``life-event`` gives ``LifeEvent``."""
        return "".join(word.capitalize() for word in self.id.split("-"))

    @property
    def holder_paths(self) -> tuple[ClaimPath, ...]:
        """The details by which documents are compared that one holder shows together: names, and the date of birth."""
        if self.holder is None:
            return ()
        found = [(*self.holder, name) for name in ("given_name", "family_name", "birthdate")]
        return tuple(path for path in found if self.claim(path) is not None)

    def welcome(self, query: ReadyQuery) -> tuple[ClaimPath, ...]:
        """What may be shown for ``query`` beyond what it needs. Where it usually goes with others, its registration needs them to be compared:
        then also who holds the document, for one who reads only the registration shows that.
        """
        return (*query.optional, *(self.holder_paths if query.beside else ()))

    def check(self, claims: Mapping[str, Any]) -> None:
        """Raise ``Malformed`` with a JSON pointer unless ``claims`` is a whole, consistent claim tree of this type."""
        check_shape(self.tree, claims, whole=True)
        fault = self._check(claims, {})
        if fault is not None:
            raise Malformed(fault.detail, where=fault.where)

    def judge(self, claims: Mapping[str, Any], use: Mapping[str, Any]) -> None:
        """Raise a ``Rejected`` or ``Undecided`` unless what was disclosed serves ``use``. What is unknown to the type is refused."""
        try:
            check_shape(self.tree, claims, whole=False)
        except Malformed as error:
            raise TypeRuleBroken(error.detail, where=error.where) from error
        fault = self._judge(claims, use)
        if fault is not None:
            raise fault

    def passes_to(self, *, private: bool) -> bool:
        """Whether documents of this kind go on with a successor of their issuer, ``private`` being one that is no public body (sheet C24)."""
        return self.successors == "anybody" or (self.successors == "public-body" and not private)

    def reasons_for(self, action: str) -> tuple[Reason, ...]:
        """What may be given as the reason to ``cancel``, ``hold`` or ``reinstate``."""
        return tuple(reason for reason in self.reasons if action in reason.actions)

    def others_wait(self, reason: str) -> str:
        """The reason for which documents of joint holders wait after one ended for ``reason``; empty where they go on."""
        return next((each.others for each in self.reasons if each.value == reason), "")

    def query(self, query_id: str) -> ReadyQuery | None:
        """The ready query of this name."""
        return next((query for query in self.queries if query.id == query_id), None)

    def claim(self, path: ClaimPath) -> Claim | None:
        """The leaf that ``path`` (array positions as number or ``None``) points at."""
        plain = tuple(None if isinstance(part, int) else part for part in path)
        return next((claim for claim in self.leaves if claim.path == plain), None)
