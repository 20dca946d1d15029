"""Lines of the history, as closed frozen types: the field names of EUDI TS10 and ours. Stored sealed (``keep.Vault``)."""

from __future__ import annotations

import msgspec


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """The other side, as far as it is known: ``type`` is ``uri`` or ``x509_hash``."""

    type: str
    identifier: str


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence in one language."""

    lang: str
    content: str


class Policy(msgspec.Struct, frozen=True, kw_only=True, rename={"policy_uri": "policyURI"}):
    """Where the other side says what it does with data."""

    type: str
    policy_uri: str


class ClaimNames(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Names of claims, never their values (R6)."""

    credential_identifier: str
    claims: tuple[str, ...]


class AgreedTo(msgspec.Struct, frozen=True, kw_only=True):
    """What the holder agreed to in showing something: the words as they were shown, and SHA-256 (hex) of the entry that was signed.

    ``kept_until`` is until when what was shown is kept to prove it; left out of what is chained where nothing is.
    """

    statement: tuple[Words, ...]
    reference: str
    digest: str
    kept_until: int | msgspec.UnsetType = msgspec.UNSET


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """What a register said of the one who asked, at that time. ``left_out`` names what was asked beyond it, and ``standing`` is that of
    ``known_uses.Registration``.
    """

    standing: str
    registrar: str = ""
    benefit: tuple[Words, ...] = ()
    could_we_stop_asking: tuple[Words, ...] = ()
    authority: str = ""
    authority_contact: str = ""
    retention_days: int | None = None
    left_out: tuple[str, ...] = ()


class Entry(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={
        "interacting_party_identifier": "interactingPartyIdentifier",
        "interacting_party_name": "interactingPartyName",
        "interacting_party_contact": "interactingPartyContact",
        "privacy_policy": "privacyPolicy",
        "dpa_name": "dpaName",
        "dpa_contact": "dpaContact",
        "claims_requested": "listOfClaimsRequested",
        "claims_presented": "listOfClaimsPresented",
        "transaction_identifier": "transactionIdentifier",
        "transaction_type": "transactionType",
        "transaction_result": "transactionResult",
        "reason_of_noncompletion": "reasonOfNoncompletion",
        "intended_use_identifier": "intendedUseIdentifier",
    },
):
    """One line of the history: the field names of EUDI TS10 and ours. ``prev`` is the head of the chain before it (S25).

    ``receipt`` is a signed statement (``receipt+jwt``), ``provisional`` the text (``OVR1:``) of one that a desk gave without a network, and
    ``receipt_problem`` is what is wrong with either. ``agreed``, ``registered`` and ``provisional`` are left out of what is chained where they
    are not there, so that older lines stay as they were.
    """

    seq: int
    time: int
    transaction_identifier: str
    transaction_type: str  # issuance, presentation, addressed-copy, answer, backup-restored
    transaction_result: str  # success, declined, failed
    interacting_party_identifier: Party
    interacting_party_name: str
    interacting_party_contact: str = ""
    purpose: tuple[Words, ...] = ()
    privacy_policy: Policy | None = None
    dpa_name: str = ""
    dpa_contact: str = ""
    claims_requested: tuple[ClaimNames, ...] = ()
    claims_presented: tuple[ClaimNames, ...] = ()
    reason_of_noncompletion: str = ""
    intended_use_identifier: str = ""
    on_behalf_of: str = ""
    documents: tuple[str, ...] = ()
    level: int | None = None
    receipt: str = ""
    receipt_problem: str = ""
    agreed: tuple[AgreedTo, ...] | msgspec.UnsetType = msgspec.UNSET
    registered: Registered | msgspec.UnsetType = msgspec.UNSET
    provisional: str | msgspec.UnsetType = msgspec.UNSET
    prev: str = ""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with the salt of its commitment."""

    entry: Entry
    salt: bytes
    commitment: bytes


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where the history's chain stands after ``size`` entries."""

    size: int
    digest: bytes
