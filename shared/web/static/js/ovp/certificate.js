/**
 * The key inside a certificate (RFC 5280 section 4.1), to be compared with keys that are known. Nothing is trusted for being in it.
 * @module
 */

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{tag: number, value: Bytes}} Item */

const SEQUENCE = 0x30;
const BITS = 0x03;
const VERSION = 0xa0;
const KEY = 5; // after serial number, algorithm, issuer, validity and subject

/** The point of its key, as `PublicKey.raw` has it, or null where it is no certificate. @param {Bytes} der @returns {Bytes | null} */
export function pointOf(der) {
  const [certificate, ...rest] = items(der);
  const [body] = certificate?.tag === SEQUENCE && !rest.length ? items(certificate.value) : [];
  const members = body?.tag === SEQUENCE ? items(body.value) : [];
  const key = members[members[0]?.tag === VERSION ? KEY + 1 : KEY];
  const [, bits] = key?.tag === SEQUENCE ? items(key.value) : [];
  return bits?.tag === BITS && bits.value[0] === 0 ? bits.value.subarray(1) : null;
}

/** What stands one after the other in DER (X.690 section 8.1); nothing where it does not end with the last. @param {Bytes} der @returns {Item[]} */
function items(der) {
  /** @type {Item[]} */
  const found = [];
  for (let at = 0; at < der.length; ) {
    const first = der[at + 1] ?? 0x80;
    const long = first > 0x80 ? first - 0x80 : 0;
    if (first === 0x80 || long > 3) return [];
    const begin = at + 2 + long;
    const size = long ? der.subarray(at + 2, begin).reduce((sum, byte) => sum * 256 + byte, 0) : first;
    if (begin + size > der.length) return [];
    found.push({ tag: der[at], value: der.subarray(begin, begin + size) });
    at = begin + size;
  }
  return found;
}
