/**
 * Hidden members and elements of signed CBOR (draft-ietf-spice-sd-cwt), for any claims: as `shared/formats/_sd_cwt.py`.
 *
 * A hidden member of a map is a digest under the key `simple(59)` of that map, a hidden element of an array a digest in tag 60. Its
 * disclosure is `[salt, value, key]` or `[salt, value]`; `[salt]` is a decoy, which only the holder gets.
 * @module
 */
import { hex, sha256 } from "./bytes.js";
import { REDACTED, Tag, decode } from "./cbor.js";
import { isBytes, isInteger } from "./cose.js";
import { refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** A disclosure: its bytes, their digest, and what follows the salt. @typedef {{raw: Bytes, digest: string, parts: any[]}} Hidden */

const MAX_DISCLOSURES = 500;
const MAX_DEPTH = 16;
const SALT = 16;
const DIGEST = 32;
const ELEMENT = 60;

/** @param {any} value @param {string} where @returns {Bytes} */
export const bytesOf = (value, where) => (isBytes(value) ? value : refuse("malformed", "a byte string is demanded here", where));

/** @param {any} listed @returns {Promise<Hidden[]>} */
export async function parseDisclosures(listed) {
  if (!Array.isArray(listed) || listed.length < 1 || listed.length > MAX_DISCLOSURES) {
    return refuse("malformed", "the disclosures are a list of one or more", "/disclosures");
  }
  const found = listed.map((each, at) => ({ raw: bytesOf(each, `/disclosures/${at}`), parts: readDisclosure(each, `/disclosures/${at}`) }));
  return Promise.all(found.map(async ({ raw, parts }) => ({ raw, parts, digest: hex(await sha256(raw)) })));
}

/** `[salt, value, key]`, `[salt, value]` or, for a decoy, `[salt]`. @param {Bytes} raw @param {string} where @returns {any[]} */
function readDisclosure(raw, where) {
  const array = decode(raw, where, true);
  if (!Array.isArray(array) || array.length < 1 || array.length > 3 || !isBytes(array[0]) || array[0].length !== SALT) {
    return refuse("malformed", "a disclosure is a salt of 128 bits, a value and a key", where);
  }
  if (array.length === 3 && !isInteger(array[2]) && typeof array[2] !== "string") {
    refuse("malformed", "the key of a claim is a whole number or a text", where);
  }
  return array.slice(1);
}

/** Puts disclosures where their digests stand (draft-ietf-spice-sd-cwt, validation by a verifier, step 7). */
export class Opener {
  /** @param {Hidden[]} hidden */
  constructor(hidden) {
    this.waiting = new Map(hidden.map((each) => [each.digest, each]));
    if (this.waiting.size !== hidden.length) refuse("bad_disclosure", "a disclosure is there twice", "/disclosures");
    /** @type {string[]} */
    this.digests = [];
    this.elements = 0;
  }

  /** @param {Map<any, any>} opened */
  close(opened) {
    if (this.waiting.size) refuse("bad_disclosure", "a disclosure belongs to no digest", "/disclosures");
    if (new Set(this.digests).size !== this.digests.length) refuse("bad_disclosure", "a digest is there twice");
    return opened;
  }

  /** @param {any} value @param {number} depth @returns {any} */
  any(value, depth) {
    if (value instanceof Map) return this.map(value, depth + 1);
    if (Array.isArray(value)) return this.array(value, depth + 1);
    if (!(value instanceof Tag)) return value;
    if (value.tag === ELEMENT) refuse("malformed", "only an element of an array is hidden in this way");
    return new Tag(value.tag, this.any(value.value, depth + 1));
  }

  /** @param {Map<any, any>} node @param {number} depth @returns {Map<any, any>} */
  map(node, depth) {
    checkDepth(depth);
    /** @type {Map<any, any>} */
    const out = new Map();
    for (const [key, value] of node) {
      if (key !== REDACTED) out.set(key, this.any(value, depth));
      else if (!Array.isArray(value)) refuse("malformed", "digests stand in an array");
    }
    for (const digest of node.get(REDACTED) ?? []) {
      const found = this.take(digest);
      if (!found?.parts.length) continue;
      if (found.parts.length === 1) refuse("bad_disclosure", "the disclosure of an array element stands for a member", "/disclosures");
      const [value, key] = found.parts;
      if (out.has(key)) refuse("bad_disclosure", "a disclosed claim is there already", "/disclosures");
      out.set(key, this.any(value, depth));
    }
    return out;
  }

  /** @param {any[]} node @param {number} depth @returns {any[]} */
  array(node, depth) {
    checkDepth(depth);
    const out = [];
    for (const value of node) {
      if (!(value instanceof Tag) || value.tag !== ELEMENT) {
        out.push(this.any(value, depth));
        continue;
      }
      this.elements += 1;
      const found = this.take(value.value);
      if (!found?.parts.length) continue;
      if (found.parts.length > 1) refuse("bad_disclosure", "the disclosure of a member stands for an array element", "/disclosures");
      out.push(this.any(found.parts[0], depth));
    }
    return out;
  }

  /** @param {any} digest */
  take(digest) {
    if (!isBytes(digest) || digest.length !== DIGEST) return refuse("malformed", "a digest is a byte string of the size of its hash");
    const key = hex(digest);
    const found = this.waiting.get(key);
    this.waiting.delete(key);
    this.digests.push(key);
    return found;
  }
}

/** @param {number} depth */
function checkDepth(depth) {
  if (depth > MAX_DEPTH) refuse("bad_disclosure", "disclosures are nested too deeply", "/disclosures");
}
