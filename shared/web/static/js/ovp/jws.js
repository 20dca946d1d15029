/**
 * JSON Web Signature, compact (RFC 7515), as `shared/jose/jws.py`: what the header says never chooses what happens.
 *
 *     const jws = parseJws(token);
 *     await verifyJws(jws, key, "trust-bundle+jwt");          // wrong_typ, algorithm_refused, bad_signature
 *     const token = await signJws({ typ: "kb+jwt", payload: { … }, key: privateKey });
 * @module
 */
import { fromBase64url, toBase64url, utf8 } from "./bytes.js";
import { verify } from "./cose.js";
import { refuse } from "./errors.js";
import { isObject, parseObject } from "./json.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** Parsed, unverified. @typedef {{header: Record<string, any>, payload: Bytes, signingInput: Bytes, signature: Bytes, token: string}} Jws */

const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** @param {string} token @param {string} [where] @param {number} [max] @returns {Jws} */
export function parseJws(token, where = "", max = 1_000_000) {
  if (token.length > max) refuse("too_large", `a signed object of more than ${max} bytes`, where);
  const parts = token.split(".");
  if (parts.length !== 3) refuse("malformed", "a compact JWS has three parts", where);
  const [head, payload, signature] = parts.map((part) => fromBase64url(part, where));
  const header = parseObject(head, where, 8);
  checkHeader(header, where);
  return { header, payload, signingInput: utf8(token.slice(0, token.lastIndexOf("."))), signature, token };
}

/** @param {Record<string, any>} header @param {string} where */
function checkHeader(header, where) {
  if (typeof header.alg !== "string" || !header.alg) refuse("malformed", "a protected header names its algorithm", `${where}/alg`);
  if ("typ" in header && typeof header.typ !== "string") refuse("malformed", "typ is a string", `${where}/typ`);
  if ("crit" in header || "b64" in header) refuse("malformed", "no header extension is understood here", `${where}/crit`);
  if ("jwk" in header && (!isObject(header.jwk) || PRIVATE.some((name) => name in header.jwk))) {
    refuse("malformed", "a key is an object, and never private", `${where}/jwk`);
  }
}

/** The `typ` is compared before anything else (security rule S1). @param {Jws} jws @param {import("./cose.js").PublicKey} key @param {string} typ */
export async function verifyJws(jws, key, typ) {
  if (jws.header.typ !== typ) refuse("wrong_typ", "this signed object is of another kind");
  if (jws.header.alg !== key.alg) refuse("algorithm_refused", "this signature algorithm is not allowed here");
  await verify(key, jws.signature, jws.signingInput);
}

/**
 * A compact JWS by `key`, an ECDSA P-256 or Ed25519 private key.
 * @param {{typ: string, payload: any, key: CryptoKey, header?: Record<string, any>}} object
 */
export async function signJws({ typ, payload, key, header = {} }) {
  const ed25519 = key.algorithm.name === "Ed25519";
  const protect = { ...header, alg: ed25519 ? "EdDSA" : "ES256", typ };
  const input = [protect, payload].map((part) => toBase64url(utf8(JSON.stringify(part)))).join(".");
  const algorithm = ed25519 ? "Ed25519" : { name: "ECDSA", hash: "SHA-256" };
  return `${input}.${toBase64url(new Uint8Array(await crypto.subtle.sign(algorithm, key, utf8(input))))}`;
}
