/**
 * Whose key may say this, now: the flattened list `application/vnd.muniment.keys+json` of the own organisation's verifier, whose signature
 * over the checking pack is pinned (security rule S17). As `shared/trust/page_keys.py` describes it.
 * @module
 */
import { concat, equal, sha256 } from "./bytes.js";
import { VcError, refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./cose.js").PublicKey} PublicKey */
/** @typedef {{iss: string, name: string, kid: Bytes | null, x5c: Bytes, key: PublicKey, vcts: string[] | null, notBefore: number, notAfter: number, saidFrom: number | null, state: string, endedAt: number | null}} Issuer */

/**
 * The entry for a document of `vct` by `iss`, signed with the key of that name, or with that of exactly these certificates, if it brings any.
 * `untrusted`, `not_entitled`, `certificate_revoked`.
 * @param {Issuer[]} issuers
 * @param {string} iss
 * @param {string} vct
 * @param {{kid: Bytes | null, x5c: Bytes[]}} named
 * @param {number} at
 * @returns {Promise<Issuer>}
 */
export async function checkIssuer(issuers, iss, vct, { kid, x5c }, at) {
  let closest = new VcError("untrusted", "nobody who is trusted here vouches for this key");
  const chain = x5c.length ? await sha256(concat(...x5c)) : null;
  for (const issuer of issuers) {
    const meant = chain ? equal(chain, issuer.x5c) : issuer.iss === iss && kid && issuer.kid && equal(kid, issuer.kid);
    if (!meant) continue;
    try {
      checkEntry(issuer, iss, vct, at);
      checkElsewhere(issuers, issuer, at);
      return issuer;
    } catch (error) {
      if (!(error instanceof VcError)) throw error;
      if (error.code !== "untrusted") closest = error;
    }
  }
  throw closest;
}

/** What superiors let it say later, it could not say before (S14). @param {Issuer} issuer @param {number} issuedAt */
export function checkSaid({ saidFrom }, issuedAt) {
  if (saidFrom !== null && issuedAt < saidFrom) refuse("not_entitled", "no superior let it say this type of document when this one was made");
}

/** @param {Issuer} issuer @param {string} entity @param {string} vct @param {number} at */
function checkEntry({ iss, vcts, state, notBefore, notAfter, endedAt }, entity, vct, at) {
  if (at < notBefore || at > notAfter) refuse("untrusted", "the certificate of this key is not in force");
  if (iss !== entity) refuse("not_entitled", "the certificate does not name this entity");
  if (vcts && !vcts.includes(vct)) refuse("not_entitled", "the issuer is trusted, but not for this type of document");
  checkState(state, endedAt, at);
}

/** What was said of the end of a key under another anchor holds here too (S15, S16). @param {Issuer[]} issuers @param {Issuer} issuer @param {number} at */
function checkElsewhere(issuers, { iss, key }, at) {
  const same = issuers.filter((other) => other.iss === iss && other.state !== "withdrawn" && equal(other.key.raw, key.raw));
  for (const { state, endedAt } of same) checkState(state, endedAt, at);
}

/** @param {string} state @param {number | null} endedAt @param {number} at */
function checkState(state, endedAt, at) {
  if (state === "compromised" || state === "withdrawn") refuse("certificate_revoked", "this key proves nothing any more");
  if (state !== "active" && (endedAt === null || at >= endedAt)) refuse("untrusted", "this key was retired, and everything that it signed has run out since");
}
