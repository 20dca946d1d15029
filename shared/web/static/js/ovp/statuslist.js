/**
 * What issuers say about the status of documents: Token Status Lists as JWT and as CWT, and assertions about one single copy; as
 * `shared/status` reads them. A list is unfolded only after its signature was verified, and never beyond a bound.
 * @module
 */
import { concat, fromBase64url, fromUtf8, sha256, toBase64url } from "./bytes.js";
import { decode } from "./cbor.js";
import { ALG, KID, TYP, TYP_HEADER, X5CHAIN, isBytes, isUint, parseSign1, verifySign1 } from "./cose.js";
import { refuse } from "./errors.js";
import { inflate } from "./inflate.js";
import { isObject, parseObject } from "./json.js";
import { parseJws, verifyJws } from "./jws.js";
import { asMap, loadMap, octets } from "./members.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./cose.js").PublicKey} PublicKey */
/** A parsed list; `text` is how JSON carries it. @typedef {{uri: string, iat: number, exp: number, ttl: number, bits: number, compressed: Bytes, x5c: Bytes[], kid: Bytes | null, signed: import("./jws.js").Jws | import("./cose.js").Sign1, text: string}} StatusToken */
/** A verified list: its values unfolded, and SHA-256 of what it says (width and values, however wrapped and signed). @typedef {StatusToken & {values: Bytes, size: number, said: Bytes}} StatusList */
/** A parsed assertion. @typedef {{uri: string, idx: number, status: number, iat: number, exp: number, ttl: number, kid: Bytes | null, signed: import("./cose.js").Sign1}} Assertion */
/** @typedef {{uri: string, idx: number}} Reference */

export const VALID = 0;
export const INVALID = 1;
export const SUSPENDED = 2;
/** Fewer entries, and fetching the list tells which document is meant (S19). */
export const MIN_SIZE = 2 ** 17;
/** Seconds after which something newer is asked for, where the issuer does not say. */
export const TTL = 3600;
/** Seconds that a word without an end lives, and an assertion at most. */
export const LIFETIME = 7 * 86_400;
const AHEAD = 60;
const MAX_TOKEN = 10_000_000;
const MAX_ASSERTION = 2048;
const MAX_INFLATED = 64 * 2 ** 20;
const MAX_NAME = 4096;
const JWT = "statuslist+jwt";
const SIGN1 = 0xd2;
/** Claims of a CWT under their names in JSON. @type {[number, string][]} */
const LIST = [[2, "sub"], [6, "iat"], [4, "exp"], [65_534, "ttl"], [65_533, "status_list"]];
/** @type {[number, string][]} */
const ASSERTION = [[2, "sub"], [4, "exp"], [6, "iat"], [-70_002, "idx"], [-70_003, "status"]];

/** Structure only. `wrong_typ`, `malformed`, `too_large`. @param {Bytes} bytes as a checking pack carries it @returns {StatusToken} */
export const parseList = (bytes) => (bytes[0] === SIGN1 ? parseCwt(bytes) : parseJwt(fromUtf8(bytes)));

/** @param {string} token @returns {StatusToken} */
function parseJwt(token) {
  const jws = parseJws(token, "", MAX_TOKEN);
  if (jws.header.typ !== JWT) refuse("wrong_typ", "this is no status list", "/typ");
  const claims = parseObject(jws.payload);
  const lst = isObject(claims.status_list) ? claims.status_list.lst : undefined;
  if (typeof lst !== "string") return refuse("malformed", "a string is demanded here", "/status_list/lst");
  const compressed = fromBase64url(lst, "/status_list/lst");
  return { ...dated(claims), bits: bitsOf(claims.status_list), compressed, x5c: chain(jws.header.x5c), kid: null, signed: jws, text: token };
}

/** @param {Bytes} bytes @returns {StatusToken} */
function parseCwt(bytes) {
  if (bytes.length > MAX_TOKEN) refuse("too_large", `more than ${MAX_TOKEN} bytes of CBOR`);
  const sign1 = parseSign1(bytes);
  if (!TYP.STATUS_LIST.includes(sign1.protect.get(TYP_HEADER))) refuse("wrong_typ", "this is no status list", "/typ");
  const claims = named(sign1, LIST);
  const statuses = claims.status_list instanceof Map ? Object.fromEntries(claims.status_list) : {};
  if (!isBytes(statuses.lst)) return refuse("malformed", "a byte string is demanded here", "/status_list/lst");
  const x5chain = sign1.bare.get(X5CHAIN) ?? [];
  const x5c = isBytes(x5chain) ? [x5chain] : x5chain;
  if (!Array.isArray(x5c) || x5c.length > 6 || !x5c.every(isBytes)) refuse("malformed", "an x5chain is a few certificates", "/x5chain");
  return { ...dated(claims), bits: bitsOf(statuses), compressed: statuses.lst, x5c, kid: kidIn(sign1), signed: sign1, text: toBase64url(bytes) };
}

/** Structure only; what is not named above is not in it. @param {Bytes} bytes @returns {Assertion} */
export function parseAssertion(bytes) {
  if (bytes.length > MAX_ASSERTION) refuse("too_large", `more than ${MAX_ASSERTION} bytes of CBOR`);
  const signed = parseSign1(bytes);
  if (!TYP.STATUS_ASSERTION.includes(signed.protect.get(TYP_HEADER))) refuse("wrong_typ", "this is no status assertion", "/typ");
  const kid = octets(asMap(signed.protect, "", [ALG, KID, TYP_HEADER]), KID, "", 8);
  asMap(signed.bare, "", []);
  loadMap(signed.payload, "", [], ASSERTION.map(([label]) => label));
  const claims = named(signed, ASSERTION);
  const { uri, iat, exp } = dated(claims);
  if (claims.exp === undefined || exp > iat + LIFETIME) refuse("malformed", "a status assertion lives seven days at most", "/exp");
  const [idx, status] = [uint(claims, "idx"), uint(claims, "status")];
  if (status > 255) refuse("malformed", "a status has 8 bits at most", "/status");
  return { uri, idx, status, iat, exp, ttl: TTL, kid, signed };
}

/** @param {import("./cose.js").Sign1} sign1 @param {[number, string][]} names @returns {Record<string, any>} */
function named(sign1, names) {
  const claims = decode(sign1.payload);
  if (!(claims instanceof Map)) return refuse("malformed", "the claims of a CWT are a map");
  return Object.fromEntries(names.filter(([label]) => claims.has(label)).map(([label, name]) => [name, claims.get(label)]));
}

/** @param {Record<string, any>} claims */
function dated(claims) {
  const uri = claims.sub;
  if (typeof uri !== "string" || !uri) return refuse("malformed", "a string is demanded here", "/sub");
  if (Array.from(uri).length > MAX_NAME) refuse("too_large", `more than ${MAX_NAME} characters`, "/sub");
  const iat = uint(claims, "iat");
  return { uri, iat, exp: claims.exp === undefined ? iat + LIFETIME : uint(claims, "exp"), ttl: claims.ttl === undefined ? TTL : uint(claims, "ttl", 1) };
}

/** @param {Record<string, any>} claims @param {string} name @param {number} [least] @returns {number} */
function uint(claims, name, least = 0) {
  const value = claims[name];
  return isUint(value) && value >= least ? value : refuse("malformed", "a whole number is demanded here", `/${name}`);
}

/** @param {any} statuses */
function bitsOf({ bits }) {
  return [1, 2, 4, 8].includes(bits) ? /** @type {number} */ (bits) : refuse("malformed", "a status has 1, 2, 4 or 8 bits", "/status_list/bits");
}

/** @param {import("./cose.js").Sign1} sign1 @returns {Bytes | null} */
function kidIn({ protect, bare }) {
  const kid = protect.get(KID) ?? bare.get(KID) ?? null;
  return kid === null || isBytes(kid) ? kid : refuse("malformed", "a key's name is a byte string", "/kid");
}

/** Certificates as JOSE carries them: standard base64 of DER. @param {any} x5c @returns {Bytes[]} */
export function chain(x5c) {
  if (x5c === undefined) return [];
  if (!Array.isArray(x5c) || !x5c.length || !x5c.every((each) => typeof each === "string")) return refuse("malformed", "x5c is a list of certificates", "/x5c");
  if (x5c.length > 4) refuse("too_large", "more than 4 certificates", "/x5c");
  return x5c.map((each) => fromBase64url(each.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""), "/x5c"));
}

/** @type {WeakMap<StatusToken, {key: PublicKey, list: StatusList}>} */
const verified = new WeakMap();

/**
 * The same as a fact about the documents of `uri`, unfolded. An expired list passes: an INVALID in it is final all the same (S19).
 * @param {StatusToken} token
 * @param {string} uri
 * @param {PublicKey} key
 * @param {number} at
 * @returns {Promise<StatusList>}
 */
export async function verifyList(token, uri, key, at) {
  if (token.uri !== uri) refuse("status_unknown", "the status list belongs to another address", "/sub");
  checkNotAhead(token, at);
  const known = verified.get(token);
  if (known && known.key === key) return known.list;
  if ("token" in token.signed) await verifyJws(token.signed, key, JWT);
  else await verifySign1(token.signed, key, TYP.STATUS_LIST);
  const values = inflate(token.compressed, MAX_INFLATED);
  const size = Math.floor((values.length * 8) / token.bits);
  if (!size) refuse("status_unknown", "the status list is empty");
  const list = { ...token, values, size, said: await sha256(concat(Uint8Array.of(token.bits), values)) };
  verified.set(token, { key, list });
  return list;
}

/** @param {Assertion} assertion @param {Reference} reference @param {PublicKey} key @param {number} at */
export async function verifyAssertion(assertion, { uri, idx }, key, at) {
  if (assertion.uri !== uri || assertion.idx !== idx) refuse("status_unknown", "the status assertion is about another copy", "/idx");
  checkNotAhead(assertion, at);
  await verifySign1(assertion.signed, key, TYP.STATUS_ASSERTION);
  return assertion;
}

/** @param {{iat: number}} said @param {number} at */
function checkNotAhead({ iat }, at) {
  if (iat > at + AHEAD) refuse("status_unknown", "what the issuer said about the status is dated in the future", "/iat");
}

/** The value of entry `idx`; undefined past the end. @param {StatusList} list @param {number} idx */
export function valueAt({ values, bits, size }, idx) {
  if (idx >= size) return undefined;
  const at = idx * bits;
  return (values[Math.floor(at / 8)] >> (at % 8)) & ((1 << bits) - 1);
}
