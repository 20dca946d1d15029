/**
 * What a holder signs to show a document to one party, once: the same members whichever format carries them, as
 * `shared/formats/_binding.py` checks them.
 * @module
 */
import { isInteger } from "./cose.js";
import { refuse } from "./errors.js";

/**
 * `nonce` is base64url, or null where the holder chose it (a copy made out to somebody); `maxAge` null: freshness is the nonce's, and the
 * holder's clock is not judged.
 * @typedef {{audience: string, nonce: string | null, maxAge: number | null, purposeId?: string | undefined}} Expected
 */

/** @typedef {{bearer: string}} BearerType the `vct` */

const AHEAD = 60;
export const MAX_ADDRESSED = 14 * 86_400;

/** @param {Record<string, any>} claims @param {Expected} expected @param {number} at */
export function checkBinding(claims, expected, at) {
  if (claims.aud !== expected.audience) refuse("wrong_audience", "it was made out to somebody else", "/aud");
  checkNonce(claims, expected.nonce);
  checkTime(claims, expected.maxAge, at);
  if (expected.purposeId !== undefined && claims.purpose_id !== expected.purposeId) {
    refuse("purpose_mismatch", "it was made for another purpose", "/purpose_id");
  }
}

/** @param {Record<string, any>} claims @param {string | null} expected */
function checkNonce(claims, expected) {
  if (typeof claims.nonce !== "string") refuse("wrong_nonce", "there is no nonce", "/nonce");
  if (expected !== null) {
    if (claims.nonce !== expected) refuse("wrong_nonce", "it answers another request", "/nonce");
    return;
  }
  if (!/^[A-Za-z0-9_-]{22,128}$/.test(claims.nonce)) refuse("wrong_nonce", "a nonce of 128 bits is needed", "/nonce");
  if (claims.exp === undefined || !isText(claims.jti)) refuse("not_bound", "a copy made out to somebody has an end and a number", "/jti");
  if (!isText(claims.purpose_id)) refuse("purpose_mismatch", "a copy made out to somebody says what for", "/purpose_id");
}

/** @param {any} value */
const isText = (value) => typeof value === "string" && value !== "";

/** @param {Record<string, any>} claims @param {number | null} maxAge @param {number} at */
function checkTime(claims, maxAge, at) {
  const made = time(claims, "iat");
  if (maxAge !== null) {
    if (made > at + AHEAD) refuse("stale_binding", "it was signed in the future", "/iat");
    if (made < at - maxAge - AHEAD) refuse("stale_binding", "it was signed too long ago", "/iat");
    if (claims.nbf !== undefined && at + AHEAD < time(claims, "nbf")) refuse("stale_binding", "it may not be used yet", "/nbf");
  }
  if (claims.exp === undefined) return;
  const end = time(claims, "exp");
  if (at >= end) refuse("stale_binding", "its time is over", "/exp");
  if (end - made > MAX_ADDRESSED) refuse("stale_binding", "it was made out for too long", "/exp");
}

/** @param {Record<string, any>} claims @param {string} name @returns {number} */
function time(claims, name) {
  return isInteger(claims[name]) ? Number(claims[name]) : refuse("stale_binding", "a time in whole seconds is needed", `/${name}`);
}
