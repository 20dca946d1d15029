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
    """The signature is not by this key over these bytes."""

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


class PolicyError(Rejected):
    """The metadata policies of the superiors contradict each other, or the entity's metadata does not comply with them."""

    code = "metadata_policy"
    check = "issuer_trust"


class PurposeNotCarried(Rejected):
    """The purpose was the outgoing body's, and was not handed over to its successor (C24)."""

    code = "purpose_not_carried"
    check = "request"


class CertificateRevoked(Rejected):
    """The issuer of the certificate has withdrawn it."""

    code = "certificate_revoked"
    check = "issuer_trust"


class Expired(Rejected):
    """Past its end."""

    code = "expired"
    check = "validity"


class NotYetValid(Rejected):
    """Before its beginning, or dated in the future."""

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
    """Made out to somebody else."""

    code = "wrong_audience"
    check = "holder_binding"


class WrongNonce(Rejected):
    """It answers another request than ours."""

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
    """This very presentation was shown before."""

    code = "replayed"
    check = "holder_binding"


class PurposeMismatch(Rejected):
    """An addressed presentation was made for another use."""

    code = "purpose_mismatch"
    check = "holder_binding"


class Revoked(Rejected):
    """The issuer has cancelled the document; that is final."""

    code = "revoked"
    check = "status"


class Suspended(Rejected):
    """The issuer has put the document on hold."""

    code = "suspended"
    check = "status"


class StatusIndexOutOfRange(Rejected):
    """The document points beyond the end of its status list."""

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
    """This kind of power does not cover the matter at all."""

    code = "wrong_instrument"
    check = "type_rules"


class OutsideScope(Rejected):
    """The powers shown do not cover what is to be done."""

    code = "outside_scope"
    check = "type_rules"


class NeedsGrant(Rejected):
    """The authority over the estate is not of the degree that this act demands (C06)."""

    code = "needs_grant"
    check = "type_rules"


class OutsidePermission(Rejected):
    """The permission does not cover who tells, who is told, or what (C04)."""

    code = "outside_permission"
    check = "type_rules"


class RequestNotSatisfied(Rejected):
    """Something that was asked for was not shown, or has another value."""

    code = "request_not_satisfied"
    check = "request"


class OtherInstrument(Rejected):
    """Of those who are to act together, somebody showed a document of another instrument than the first."""

    code = "other_instrument"
    check = "type_rules"


class DifferentPeople(Rejected):
    """Of the documents that were shown together, one names another person as its holder."""

    code = "different_people"
    check = "request"


class NotAgreed(Rejected):
    """The holder did not agree to what was asked, or agreed to something else (OpenID4VP section 8.4)."""

    code = "not_agreed"
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
    """A check that is needed could not be made."""

    code = "undecided"
    error = "invalid_request"
    status = 409
    check: ClassVar[str] = "status"


class StatusUnknown(Undecided):
    """No usable status list: never accepted, never rejected."""

    code = "status_unknown"


class StatusListTooShort(StatusUnknown):
    """The status list has so few entries that whoever serves it can tell whose document is checked."""

    code = "status_list_too_short"


class StatusStale(Undecided):
    """The newest known list is older than policy allows."""

    code = "status_stale"


class ClockBehind(Undecided):
    """The clock is long before something that was signed: nothing can be said about dates (S18)."""

    code = "clock_behind"
    check = "time"


class BundleStale(Undecided):
    """The checking pack is past its end."""

    code = "bundle_stale"
    check = "issuer_trust"


class SnapshotStale(Undecided):
    """The newest known snapshot of an anchor has run out: nobody can tell what its anchor withdrew since (S17)."""

    code = "snapshot_stale"
    check = "issuer_trust"


class AmbiguousMatch(Undecided):
    """It is not certain who is meant: names and dates of birth alone decide nothing, and another spelling is no other person (C02)."""

    code = "ambiguous_match"
    check = "request"


class NotDetermined(Undecided):
    """What is known only in part does not settle the question, and nothing is made up (C05)."""

    code = "not_determined"
    check = "type_rules"


class SnapshotMissing(Undecided):
    """An anchor's snapshot is needed here, and there is none (S16, S17)."""

    code = "snapshot_missing"
    check = "issuer_trust"


class BundleIncomplete(Undecided):
    """The checking pack lacks something that a snapshot in it names (S17)."""

    code = "bundle_incomplete"
    check = "issuer_trust"


class IssuerKeysUnknown(Undecided):
    """Which keys the issuer has lies where nobody has looked yet."""

    code = "issuer_keys_unknown"
    check = "issuer_trust"


class CrlStale(Undecided):
    """The list of withdrawn certificates that is needed is missing or has run out (S16)."""

    code = "crl_stale"
    check = "issuer_trust"


class NeedsMoreAttorneys(Undecided):
    """The attorneys act jointly, and too few have shown their documents."""

    code = "needs_more_attorneys"
    check = "type_rules"


class NeedsCapacityEvidence(Undecided):
    """The power may be used only once capacity is lost, and nothing says that it is."""

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
    """The protocol refuses this."""

    code = "refused"
    error = "invalid_request"
    status = 400


class InvalidRequest(Refused):
    """A parameter is missing, repeated or contradicts another."""

    code = "invalid_request"


class InvalidGrant(Refused):
    """The code or refresh token is unknown, used, expired, or its collection code is wrong."""

    code = "invalid_grant"
    error = "invalid_grant"


class InvalidClient(Refused):
    """The software did not prove who it is."""

    code = "invalid_client"
    error = "invalid_client"
    status = 401


class UnsupportedGrantType(Refused):
    """Tokens are not given for this kind of grant."""

    code = "unsupported_grant_type"
    error = "unsupported_grant_type"


class UnauthorizedClient(Refused):
    """This software may not ask for that kind of grant."""

    code = "unauthorized_client"
    error = "unauthorized_client"


class InvalidClientAttestation(Refused):
    """Who made the software that asks is not proved: the attestation or the proof of its key is not in order."""

    code = "invalid_client_attestation"
    error = "invalid_client_attestation"
    status = 401


class UseAttestationChallenge(Refused):
    """The proof of the software's key answers no challenge of ours, or an old one: take the new one and try again."""

    code = "use_attestation_challenge"
    error = "use_attestation_challenge"


class UseFreshAttestation(Refused):
    """The attestation of the software is too old: get a new one from its maker and try again."""

    code = "use_fresh_attestation"
    error = "use_fresh_attestation"


class InvalidDpopProof(Refused):
    """The proof of the key that a token is tied to is missing or not in order (RFC 9449)."""

    code = "invalid_dpop_proof"
    error = "invalid_dpop_proof"


class UseDpopNonce(Refused):
    """The proof of a token's key carries no nonce of ours, or an old one: take the new one and try again (RFC 9449 section 8)."""

    code = "use_dpop_nonce"
    error = "use_dpop_nonce"


class InvalidScope(Refused):
    """The scope that is asked for is unknown, or wider than what was granted."""

    code = "invalid_scope"
    error = "invalid_scope"


class InvalidAuthorizationDetails(Refused):
    """What is asked for in detail is of an unknown kind, or wider than what was granted (RFC 9396 section 5)."""

    code = "invalid_authorization_details"
    error = "invalid_authorization_details"


class UnsupportedResponseType(Refused):
    """Sign-ins lead to a code here, and to nothing else."""

    code = "unsupported_response_type"
    error = "unsupported_response_type"


class LoginRequired(Refused):
    """The person did not sign in."""

    code = "login_required"
    error = "login_required"


class InvalidToken(Refused):
    """The access token or API key is unknown, ended or expired."""

    code = "invalid_token"
    error = "invalid_token"
    status = 401


class InsufficientScope(Refused):
    """The token or API key does not reach this far."""

    code = "insufficient_scope"
    error = "insufficient_scope"
    status = 403


class InvalidProof(Refused):
    """The proof of the holder's key is missing or not in order."""

    code = "invalid_proof"
    error = "invalid_proof"


class InvalidNonce(Refused):
    """The nonce is unknown, used or expired: fetch a fresh one and try again."""

    code = "invalid_nonce"
    error = "invalid_nonce"


class InvalidCredentialRequest(Refused):
    """The request for a document lacks something or contradicts itself."""

    code = "invalid_credential_request"
    error = "invalid_credential_request"


class UnknownCredentialConfiguration(Refused):
    """No such kind and format of document is made here."""

    code = "unknown_credential_configuration"
    error = "unknown_credential_configuration"


class UnknownCredentialIdentifier(Refused):
    """The token does not stand for a document of that identifier."""

    code = "unknown_credential_identifier"
    error = "unknown_credential_identifier"


class CredentialRequestDenied(Refused):
    """The document cannot be given: it was cancelled or is no longer available."""

    code = "credential_request_denied"
    error = "credential_request_denied"


class InvalidEncryptionParameters(Refused):
    """The response cannot be encrypted as asked."""

    code = "invalid_encryption_parameters"
    error = "invalid_encryption_parameters"


class InvalidTransactionId(Refused):
    """Nothing is being prepared under that identifier, or it was collected already."""

    code = "invalid_transaction_id"
    error = "invalid_transaction_id"


class InvalidNotificationId(Refused):
    """No such notification is expected."""

    code = "invalid_notification_id"
    error = "invalid_notification_id"


class InvalidNotificationRequest(Refused):
    """The notification is not of the demanded form."""

    code = "invalid_notification_request"
    error = "invalid_notification_request"


class InvalidTransactionData(Refused):
    """The request binds the answer to a transaction of an unknown kind."""

    code = "invalid_transaction_data"
    error = "invalid_transaction_data"


class AccessDenied(Refused):
    """The person, or nothing that they hold, agrees to the request (OpenID4VP section 8.5)."""

    code = "access_denied"
    error = "access_denied"
    status = 403


class SignInRequired(Refused):
    """Somebody has to sign in first, or the sign-in has ended."""

    code = "sign_in_required"
    error = "invalid_token"
    status = 401


class WrongPassphrase(SignInRequired):
    """Name and passphrase do not belong together; which of them is wrong is never told."""

    code = "wrong_passphrase"


class Forbidden(Refused):
    """Signed in, but not allowed to do this."""

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
    """The body is of another media type than this address takes."""

    code = "unsupported_media_type"
    status = 415


class NotAcceptable(Refused):
    """Asked for in a form that is not made here."""

    code = "not_acceptable"
    status = 406


class MethodRefused(Refused):
    """This address does not answer that method."""

    code = "method_not_allowed"
    status = 405


class Misdirected(Refused):
    """The Host header names somebody else: a foreign name that was pointed at us (DNS rebinding)."""

    code = "misdirected_request"
    status = 421


# --- state -----------------------------------------------------------------------------------------------------------------------------


class Missing(VcError):
    """There is no such thing here."""

    code = "not_found"
    error = "invalid_request"
    status = 404


class Conflict(VcError):
    """It exists already, or was changed or used in the meantime."""

    code = "conflict"
    error = "invalid_request"
    status = 409


class TooMany(VcError):
    """Too many tries in too short a time; ``retry_after`` says in how many seconds to come back."""

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
