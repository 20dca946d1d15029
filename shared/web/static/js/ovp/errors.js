/**
 * The one error of these modules. Codes, and the line of the verdict that each belongs to, are those of `shared/errors.py`; a test compares.
 *
 * A module raises `refuse("expired", "its time is over", "/exp")`; `verify.js` makes a line of it. Anything else that is thrown is a bug.
 * @module
 */

/**
 * By code: the line of the verdict, and whether it is a no ("failed") or neither yes nor no ("unchecked").
 * @type {Record<string, [check: string, state: "failed" | "unchecked"]>}
 */
export const CODES = {
  malformed: ["parse", "failed"],
  too_large: ["parse", "failed"],
  rejected: ["signature", "failed"],
  bad_signature: ["signature", "failed"],
  algorithm_refused: ["signature", "failed"],
  wrong_typ: ["signature", "failed"],
  untrusted: ["issuer_trust", "failed"],
  not_entitled: ["issuer_trust", "failed"],
  metadata_policy: ["issuer_trust", "failed"],
  certificate_revoked: ["issuer_trust", "failed"],
  bundle_rolled_back: ["issuer_trust", "failed"],
  expired: ["validity", "failed"],
  not_yet_valid: ["validity", "failed"],
  bad_disclosure: ["disclosures", "failed"],
  not_bound: ["holder_binding", "failed"],
  wrong_audience: ["holder_binding", "failed"],
  wrong_nonce: ["holder_binding", "failed"],
  stale_binding: ["holder_binding", "failed"],
  other_presentation: ["holder_binding", "failed"],
  replayed: ["holder_binding", "failed"],
  purpose_mismatch: ["holder_binding", "failed"],
  revoked: ["status", "failed"],
  suspended: ["status", "failed"],
  status_index_out_of_range: ["status", "failed"],
  unknown_credential_type: ["type_rules", "failed"],
  type_rule_broken: ["type_rules", "failed"],
  wrong_instrument: ["type_rules", "failed"],
  outside_scope: ["type_rules", "failed"],
  other_instrument: ["type_rules", "failed"],
  needs_grant: ["type_rules", "failed"],
  outside_permission: ["type_rules", "failed"],
  request_not_satisfied: ["request", "failed"],
  over_disclosed: ["request", "failed"],
  different_people: ["request", "failed"],
  purpose_not_carried: ["request", "failed"],
  not_agreed: ["request", "failed"],
  history_rewritten: ["signature", "failed"],
  undecided: ["status", "unchecked"],
  ambiguous_match: ["request", "unchecked"],
  status_unknown: ["status", "unchecked"],
  status_stale: ["status", "unchecked"],
  status_list_too_short: ["status", "unchecked"],
  clock_behind: ["time", "unchecked"],
  issuer_keys_unknown: ["issuer_trust", "unchecked"],
  bundle_stale: ["issuer_trust", "unchecked"],
  snapshot_stale: ["issuer_trust", "unchecked"],
  snapshot_missing: ["issuer_trust", "unchecked"],
  bundle_incomplete: ["issuer_trust", "unchecked"],
  crl_stale: ["issuer_trust", "unchecked"],
  needs_more_attorneys: ["type_rules", "unchecked"],
  needs_capacity_evidence: ["type_rules", "unchecked"],
  not_determined: ["type_rules", "unchecked"],
  restricted_undisclosed: ["type_rules", "unchecked"],
  restrictions_to_read: ["type_rules", "unchecked"],
};

/** `code` is one of `CODES`, `where` a JSON pointer or empty; the message is for developers, in English. */
export class VcError extends Error {
  /**
   * @param {string} code
   * @param {string} detail
   * @param {string} [where]
   */
  constructor(code, detail, where = "") {
    super(detail);
    this.name = "VcError";
    this.code = code;
    this.where = where;
    const [check, state] = CODES[code];
    this.check = check;
    this.state = state;
  }

  /**
   * Grow the pointer outwards: a reader of a part does not know where the part sits.
   * @param {string} prefix
   * @returns {this}
   */
  within(prefix) {
    this.where = prefix + this.where;
    return this;
  }
}

/**
 * @param {string} code
 * @param {string} detail
 * @param {string} [where]
 * @returns {never}
 */
export function refuse(code, detail, where = "") {
  throw new VcError(code, detail, where);
}
