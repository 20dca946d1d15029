"""The one error tree (ADR 0001).

Every class carries our own unique ``code``, the ``error`` registered by the protocol that a stranger speaks to us, and the HTTP
``status``. Core code raises; one middleware (``shared.web.problem``) turns an error into HTTP. What is not a ``VcError`` is a bug.
"""

from __future__ import annotations

from typing import ClassVar


class VcError(Exception):
    """Root of everything that we tell a stranger. ``where`` is a JSON pointer or a field name, never a value."""

    code: ClassVar[str] = "server_error"
    error: ClassVar[str] = "server_error"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, *, where: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.where = where

    def within(self, prefix: str) -> VcError:
        """Grow the pointer outwards: a reader of a part does not know where the part sits."""
        self.where = prefix + self.where
        return self


# --- 400: not of the demanded form -------------------------------------------------------------------------------------------------


class Malformed(VcError):
    """The bytes are not of the demanded form; ``where`` points at the place."""

    code = "malformed"
    error = "invalid_request"
    status = 400
    check: ClassVar[str] = "parse"


class TooLarge(Malformed):
    """A bound on size, depth or inflation was reached."""

    code = "too_large"
    status = 413


# --- a presentation, credential or signed object failed a check ----------------------------------------------------------------------


class Rejected(VcError):
    """Right form, but a check failed. ``check`` names the line of the verdict (``shared.verify``)."""

    code = "rejected"
    error = "invalid_request"
    status = 400
    check: ClassVar[str] = "signature"


class BadSignature(Rejected):
    code = "bad_signature"


class AlgorithmRefused(Rejected):
    """``alg`` outside the allow-list of the role (security rule S4)."""

    code = "algorithm_refused"


class WrongTyp(Rejected):
    """The protected ``typ`` is not the one that this place demands (S1)."""

    code = "wrong_typ"


class Untrusted(Rejected):
    """No path to a pinned trust anchor at that time."""

    code = "untrusted"
    check = "issuer_trust"


class NotEntitled(Rejected):
    """The issuer is trusted, but not to say this (entity, type, instant)."""

    code = "not_entitled"
    check = "issuer_trust"


class CertificateRevoked(Rejected):
    code = "certificate_revoked"
    check = "issuer_trust"


class Expired(Rejected):
    code = "expired"
    check = "validity"


class NotYetValid(Rejected):
    code = "not_yet_valid"
    check = "validity"


class BadDisclosure(Rejected):
    """RFC 9901 section 7.1: repeated, unreferenced, forbidden name, collision, wrong length."""

    code = "bad_disclosure"
    check = "disclosures"


class NotBound(Rejected):
    """A holder binding that policy demands is missing or not by the holder's key (S2)."""

    code = "not_bound"
    check = "holder_binding"


class WrongAudience(Rejected):
    code = "wrong_audience"
    check = "holder_binding"


class WrongNonce(Rejected):
    code = "wrong_nonce"
    check = "holder_binding"


class StaleBinding(Rejected):
    """The holder's signature is too old or from the future."""

    code = "stale_binding"
    check = "holder_binding"


class OtherPresentation(Rejected):
    """``sd_hash`` belongs to another presentation."""

    code = "other_presentation"
    check = "holder_binding"


class Replayed(Rejected):
    code = "replayed"
    check = "holder_binding"


class PurposeMismatch(Rejected):
    """An addressed presentation was made for another use."""

    code = "purpose_mismatch"
    check = "holder_binding"


class Revoked(Rejected):
    code = "revoked"
    check = "status"


class Suspended(Rejected):
    code = "suspended"
    check = "status"


class StatusIndexOutOfRange(Rejected):
    code = "status_index_out_of_range"
    check = "status"


class UnknownCredentialType(Rejected):
    """An unknown ``vct`` is never looked up while verifying (security rule S21)."""

    code = "unknown_credential_type"
    check = "type_rules"


class TypeRuleBroken(Rejected):
    """The credential type's own check refused the claims."""

    code = "type_rule_broken"
    check = "type_rules"


class WrongInstrument(Rejected):
    code = "wrong_instrument"
    check = "type_rules"


class OutsideScope(Rejected):
    code = "outside_scope"
    check = "type_rules"


class RequestNotSatisfied(Rejected):
    code = "request_not_satisfied"
    check = "request"


class OverDisclosed(Rejected):
    """More was presented than was asked for."""

    code = "over_disclosed"
    check = "request"


class BundleRolledBack(Rejected):
    """An older trust bundle, or an older artefact in a newer one (S17)."""

    code = "bundle_rolled_back"
    check = "issuer_trust"


class HistoryRewritten(Rejected):
    """A log does not have the head that a receipt speaks of, or an entry its commitment (S25)."""

    code = "history_rewritten"


# --- a check could not be made: neither yes nor no -----------------------------------------------------------------------------------


class Undecided(VcError):
    code = "undecided"
    error = "invalid_request"
    status = 409
    check: ClassVar[str] = "status"


class StatusUnknown(Undecided):
    """No usable status list: never accepted, never rejected."""

    code = "status_unknown"


class StatusStale(Undecided):
    """The newest known list is older than policy allows."""

    code = "status_stale"


class ClockBehind(Undecided):
    """The clock is long before something that was signed: nothing can be said about dates (S18)."""

    code = "clock_behind"
    check = "time"


class BundleStale(Undecided):
    code = "bundle_stale"
    check = "issuer_trust"


class CrlStale(Undecided):
    """The newest known list of withdrawn certificates has run out (S16)."""

    code = "crl_stale"
    check = "issuer_trust"


class NeedsMoreAttorneys(Undecided):
    code = "needs_more_attorneys"
    check = "type_rules"


class NeedsCapacityEvidence(Undecided):
    code = "needs_capacity_evidence"
    check = "type_rules"


class RestrictedUndisclosed(Undecided):
    """``has_restrictions`` is true and their text was not shown (S3)."""

    code = "restricted_undisclosed"
    check = "type_rules"


class RestrictionsToRead(Undecided):
    """There is a limit in words: a person has to read it and say whether this use is allowed."""

    code = "restrictions_to_read"
    check = "type_rules"


# --- protocol refusals -----------------------------------------------------------------------------------------------------------------


class Refused(VcError):
    code = "refused"
    error = "invalid_request"
    status = 400


class InvalidRequest(Refused):
    code = "invalid_request"


class InvalidGrant(Refused):
    code = "invalid_grant"
    error = "invalid_grant"


class InvalidClient(Refused):
    code = "invalid_client"
    error = "invalid_client"
    status = 401


class UnsupportedGrantType(Refused):
    code = "unsupported_grant_type"
    error = "unsupported_grant_type"


class InvalidToken(Refused):
    code = "invalid_token"
    error = "invalid_token"
    status = 401


class InsufficientScope(Refused):
    code = "insufficient_scope"
    error = "insufficient_scope"
    status = 403


class InvalidProof(Refused):
    code = "invalid_proof"
    error = "invalid_proof"


class InvalidNonce(Refused):
    code = "invalid_nonce"
    error = "invalid_nonce"


class InvalidCredentialRequest(Refused):
    code = "invalid_credential_request"
    error = "invalid_credential_request"


class UnknownCredentialConfiguration(Refused):
    code = "unknown_credential_configuration"
    error = "unknown_credential_configuration"


class UnknownCredentialIdentifier(Refused):
    code = "unknown_credential_identifier"
    error = "unknown_credential_identifier"


class CredentialRequestDenied(Refused):
    code = "credential_request_denied"
    error = "credential_request_denied"


class InvalidEncryptionParameters(Refused):
    code = "invalid_encryption_parameters"
    error = "invalid_encryption_parameters"


class InvalidNotificationId(Refused):
    code = "invalid_notification_id"
    error = "invalid_notification_id"


class InvalidNotificationRequest(Refused):
    code = "invalid_notification_request"
    error = "invalid_notification_request"


class InvalidTransactionData(Refused):
    code = "invalid_transaction_data"
    error = "invalid_transaction_data"


class AccessDenied(Refused):
    """The person, or nothing that they hold, agrees to the request (OpenID4VP section 8.5)."""

    code = "access_denied"
    error = "access_denied"
    status = 403


class SignInRequired(Refused):
    code = "sign_in_required"
    error = "invalid_token"
    status = 401


class WrongPassphrase(SignInRequired):
    """Name and passphrase do not belong together; which of them is wrong is never told."""

    code = "wrong_passphrase"


class Forbidden(Refused):
    code = "forbidden"
    error = "access_denied"
    status = 403


class CrossSiteRefused(Refused):
    """A form that did not come from our own page."""

    code = "cross_site_refused"
    error = "access_denied"
    status = 403


class KeyRoleRefused(Refused):
    """A key was asked to sign a ``typ`` outside its role (S1)."""

    code = "key_role_refused"
    error = "server_error"
    status = 500


class AddressRefused(Refused):
    """An outbound address that the server must not call."""

    code = "address_refused"


class UnsupportedMediaType(Refused):
    code = "unsupported_media_type"
    status = 415


class NotAcceptable(Refused):
    """Asked for in a form that is not made here."""

    code = "not_acceptable"
    status = 406


class MethodRefused(Refused):
    code = "method_not_allowed"
    status = 405


class Misdirected(Refused):
    """The Host header names somebody else: a foreign name that was pointed at us (DNS rebinding)."""

    code = "misdirected_request"
    status = 421


# --- state -----------------------------------------------------------------------------------------------------------------------------


class Missing(VcError):
    code = "not_found"
    error = "invalid_request"
    status = 404


class Conflict(VcError):
    code = "conflict"
    error = "invalid_request"
    status = 409


class TooMany(VcError):
    code = "too_many_requests"
    error = "slow_down"
    status = 429

    def __init__(self, detail: str, *, where: str = "", retry_after: int = 60) -> None:
        super().__init__(detail, where=where)
        self.retry_after = retry_after


class Unavailable(VcError):
    """Something that we need did not answer."""

    code = "unavailable"
    error = "temporarily_unavailable"
    status = 503

    def __init__(self, detail: str, *, where: str = "", retry_after: int = 5) -> None:
        super().__init__(detail, where=where)
        self.retry_after = retry_after


class ConfigError(VcError):
    """Start-up only; exit code 78 (EX_CONFIG)."""

    code = "config_error"
