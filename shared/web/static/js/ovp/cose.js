/**
 * COSE_Sign1 (RFC 9052 section 4.2), always tagged (18), always with its payload inside; and public keys (RFC 9053 section 7, RFC 9679).
 *
 * As in `shared/cose`: what the headers say never chooses what happens. The key and the `typ` are the caller's, the algorithm follows from
 * the kind of key. Signatures are made and checked by WebCrypto.
 *
 *     const sign1 = parseSign1(bytes);
 *     await verifySign1(sign1, key, TYP.SD_CWT);            // wrong_typ, algorithm_refused, bad_signature
 *     const bytes = await sign({ typ: TYP.CHALLENGE, payload, protect: new Map(), key: privateKey });
 * @module
 */
import { concat, equal, fromBase64url, sha256, toBase64url, utf8 } from "./bytes.js";
import { Tag, decode, encode } from "./cbor.js";
import { VcError, refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {"ES256" | "ES384" | "EdDSA"} Alg */
/** A public key with the one algorithm that it is used with. `raw` is its point: 04 || x || y, or 32 bytes. @typedef {{alg: Alg, raw: Bytes, key: CryptoKey}} PublicKey */
/**
 * Parsed, unverified. `protect` and `bare` are the two header maps.
 * @typedef {{protect: Map<any, any>, protectBytes: Bytes, bare: Map<any, any>, payload: Bytes, signature: Bytes}} Sign1
 */
/** Compared exactly with the protected header 16, before anything else (security rule S1). @typedef {ReadonlyArray<number | string>} Typ */

export const TAG = 18;
export const ALG = 1;
const CRIT = 2;
export const KID = 4;
export const TYP_HEADER = 16;
export const X5CHAIN = 33;
/** By name: the value that is written, then others that are read. @type {Record<string, Typ>} */
export const TYP = {
  CWT: [61, "application/cwt"],
  SD_CWT: [293, "application/sd-cwt"],
  KEY_BINDING: [294, "application/kb+cwt"],
  STATUS_LIST: ["application/statuslist+cwt"],
  CHALLENGE: [65_101],
  DESK_CERTIFICATE: [65_102],
  DESK_RECEIPT: [65_106],
  RP_CERTIFICATE: [65_103],
  REGISTRATION: [65_105],
  STATUS_ASSERTION: [65_104],
};

/** What is signed here (RFC 9864). @type {Record<Alg, number>} */
const IDS = { ES256: -9, ES384: -51, EdDSA: -19 };
/** What is read: the polymorphic numbers of RFC 9053 too, each only with the one curve that it is used with here. @type {Record<number, Alg>} */
const NAMES = { [-9]: "ES256", [-7]: "ES256", [-51]: "ES384", [-35]: "ES384", [-19]: "EdDSA", [-8]: "EdDSA" };

/** @type {Record<Alg, EcKeyImportParams | Algorithm>} */
const IMPORT = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384" },
  EdDSA: { name: "Ed25519" },
};
/** @type {Record<Alg, EcdsaParams | Algorithm>} */
const VERIFY = { ES256: { name: "ECDSA", hash: "SHA-256" }, ES384: { name: "ECDSA", hash: "SHA-384" }, EdDSA: { name: "Ed25519" } };
const SIZES = { ES256: 64, ES384: 96, EdDSA: 64 };

// --- one signature ---------------------------------------------------------------------------------------------------------------

/**
 * Take `data` apart. Nothing is verified; `malformed` with `where`.
 * @param {Bytes} data
 * @param {string} [where]
 */
export const parseSign1 = (data, where = "") => sign1Of(decode(data, where), where);

/**
 * The same of a decoded item, for a COSE_Sign1 that lies inside another.
 * @param {any} item
 * @param {string} [where]
 * @returns {Sign1}
 */
export function sign1Of(item, where = "") {
  if (!(item instanceof Tag) || item.tag !== TAG || !Array.isArray(item.value) || item.value.length !== 4) {
    return refuse("malformed", "a tagged COSE_Sign1 of four parts is demanded here", where);
  }
  const [protectBytes, bare, payload, signature] = /** @type {any[]} */ (item.value);
  if (!isBytes(protectBytes) || !isBytes(payload) || !isBytes(signature)) {
    return refuse("malformed", "protected header, payload and signature are byte strings", where);
  }
  if (!(bare instanceof Map)) return refuse("malformed", "the unprotected header is a map", where);
  const protect = decode(protectBytes, where);
  if (!(protect instanceof Map) || !isInteger(protect.get(ALG))) {
    return refuse("malformed", "a protected header names its algorithm", where);
  }
  if (protect.has(CRIT) || Array.from(bare.keys()).some((name) => protect.has(name))) {
    refuse("malformed", "no header extension is understood here, and nothing is said twice", where);
  }
  return { protect, protectBytes, bare, payload, signature };
}

/** @param {any} value @returns {value is Bytes} */
export const isBytes = (value) => value instanceof Uint8Array;

/** @param {any} value @returns {value is number | bigint} */
export const isInteger = (value) => typeof value === "number" || typeof value === "bigint";

/** A whole number from 0 that JavaScript keeps exact. @param {any} value @returns {value is number} */
export const isUint = (value) => typeof value === "number" && value >= 0;

/**
 * The Sig_structure (section 4.4), without external data.
 * @param {Bytes} protectBytes
 * @param {Bytes} payload
 */
export const toSign = (protectBytes, payload) => encode(["Signature1", protectBytes, new Uint8Array(), payload]);

/** @param {Sign1} sign1 */
export const signingInput = (sign1) => toSign(sign1.protectBytes, sign1.payload);

/** @param {Sign1} sign1 @returns {Tag} */
export const itemOf = ({ protectBytes, bare, payload, signature }) => new Tag(TAG, [protectBytes, bare, payload, signature]);

/**
 * `wrong_typ`, `algorithm_refused` or `bad_signature` unless `sign1` is of `typ` and signed by `key`.
 * @param {Sign1} sign1
 * @param {PublicKey} key
 * @param {Typ} typ
 */
export async function verifySign1(sign1, key, typ) {
  if (!typ.includes(sign1.protect.get(TYP_HEADER))) refuse("wrong_typ", "this signed object is of another kind");
  if (NAMES[Number(sign1.protect.get(ALG))] !== key.alg) refuse("algorithm_refused", "this signature algorithm is not allowed here");
  await verify(key, sign1.signature, signingInput(sign1));
}

/**
 * `bad_signature` unless `signature` (raw: r||s, or the 64 bytes of Ed25519) is by this key.
 * @param {PublicKey} key
 * @param {Bytes} signature
 * @param {Bytes} message
 */
export async function verify(key, signature, message) {
  const usual = signature.length === SIZES[key.alg] && (key.alg !== "EdDSA" || isReduced(signature.subarray(32)));
  if (!usual || !(await crypto.subtle.verify(VERIFY[key.alg], key.key, signature, message))) {
    refuse("bad_signature", "the signature is not by this key over these bytes");
  }
}

/**
 * A COSE_Sign1 by `key`, an ECDSA P-256 or Ed25519 private key (need not be extractable).
 * @param {{typ: Typ, payload: Bytes, key: CryptoKey, protect?: Map<any, any>, bare?: Map<any, any>}} object
 * @returns {Promise<Bytes>}
 */
export async function sign({ typ, payload, key, protect = new Map(), bare = new Map() }) {
  const alg = key.algorithm.name === "Ed25519" ? "EdDSA" : "ES256";
  const protectBytes = encode(new Map([...protect, [ALG, IDS[alg]], [TYP_HEADER, typ[0]]]));
  const signature = new Uint8Array(await crypto.subtle.sign(VERIFY[alg], key, toSign(protectBytes, payload)));
  return encode(new Tag(TAG, [protectBytes, bare, payload, signature]));
}

// --- public keys -----------------------------------------------------------------------------------------------------------------

const KTY = 1;
const CRV = -1;
const X = -2;
const Y = -3;
const OKP = 1;
const EC2 = 2;
const ED25519 = 6;

/** NIST curves y² = x³ - 3x + b over a prime p = 3 mod 4 (SP 800-186). @typedef {{alg: Alg, number: number, jwk: string, size: number, p: bigint, b: bigint}} Curve */
/** @type {Curve[]} */
const CURVES = [
  {
    alg: "ES256",
    number: 1,
    jwk: "P-256",
    size: 32,
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  {
    alg: "ES384",
    number: 2,
    jwk: "P-384",
    size: 48,
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
];
const ED_P = 2n ** 255n - 19n;
const ED_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** The y of the points of small order: under such a key one signature fits many messages. */
const ED_SMALL = new Set([
  0n,
  1n,
  ED_P - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
]);

/**
 * The key of a COSE_Key map: P-256, P-384 (compressed y or whole) or Ed25519, nothing else in the map.
 * @param {any} map
 * @param {string} [where]
 * @returns {Promise<PublicKey>}
 */
export async function importCoseKey(map, where = "") {
  if (!(map instanceof Map)) return refuse("malformed", "a COSE key is a map", where);
  const kty = map.get(KTY);
  if (kty !== OKP && kty !== EC2) return refuse("algorithm_refused", "only P-256, P-384 and Ed25519 keys are used here", where);
  const members = kty === OKP ? [KTY, CRV, X] : [KTY, CRV, X, Y];
  if (map.size !== members.length || !members.every((name) => map.has(name)) || !isInteger(map.get(CRV))) {
    refuse("malformed", "a public key has its own members and no others", where);
  }
  const curve = CURVES.find(({ number }) => number === map.get(CRV));
  if (kty === OKP ? map.get(CRV) !== ED25519 : !curve) refuse("algorithm_refused", "only P-256, P-384 and Ed25519 keys are used here", where);
  if (kty === OKP || !curve) return okp(coordinate(map.get(X), 32, where), where);
  const y = map.get(Y);
  if (typeof y !== "boolean") coordinate(y, curve.size, where);
  const x = coordinate(map.get(X), curve.size, where);
  return ec(curve, x, typeof y === "boolean" ? decompress(curve, x, y, where) : y, where);
}

/**
 * The key of a public JWK that has its own members and no others (RFC 7518 section 6.2, RFC 8037).
 * @param {any} jwk
 * @param {string} [where]
 * @returns {Promise<PublicKey>}
 */
export async function importJwk(jwk, where = "") {
  const okpKey = jwk?.kty === "OKP" && jwk.crv === "Ed25519";
  const curve = jwk?.kty === "EC" ? CURVES.find((each) => each.jwk === jwk.crv) : undefined;
  if (!okpKey && !curve) return refuse("malformed", "only P-256, P-384 and Ed25519 keys are used here", where);
  if ("d" in jwk) refuse("malformed", "a private key must never be sent", where);
  const x = coordinate(member(jwk, "x", where), curve?.size ?? 32, `${where}/x`);
  return curve ? ec(curve, x, coordinate(member(jwk, "y", where), curve.size, `${where}/y`), where) : okp(x, `${where}/x`);
}

/** @param {any} jwk @param {string} name @param {string} where */
function member(jwk, name, where) {
  if (typeof jwk[name] !== "string") refuse("malformed", "a string is demanded here", `${where}/${name}`);
  return fromBase64url(jwk[name], `${where}/${name}`);
}

/** @param {any} value @param {number} size @param {string} where @returns {Bytes} */
function coordinate(value, size, where) {
  if (!isBytes(value) || value.length !== size) return refuse("malformed", "a coordinate has the size of its curve", where);
  return value;
}

/** @param {Bytes} raw @param {string} where */
async function okp(raw, where) {
  const y = toInteger(raw.toReversed()) & (2n ** 255n - 1n);
  if (y >= ED_P || ED_SMALL.has(y)) refuse("malformed", "the point is not a usable key", where);
  return importRaw("EdDSA", raw, where);
}

/** @param {Curve} curve @param {Bytes} x @param {Bytes} y @param {string} where */
const ec = (curve, x, y, where) => importRaw(curve.alg, concat(Uint8Array.of(4), x, y), where);

/** @param {Alg} alg @param {Bytes} raw @param {string} where @returns {Promise<PublicKey>} */
async function importRaw(alg, raw, where) {
  try {
    return { alg, raw, key: await crypto.subtle.importKey("raw", raw, IMPORT[alg], true, ["verify"]) };
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotSupportedError") throw error;
    throw new VcError("malformed", "this point is not on the curve", where);
  }
}

/**
 * The whole y (SEC 1 section 2.3.4): no browser's `importKey` is bound to take compressed points.
 * @param {Curve} curve
 * @param {Bytes} x
 * @param {boolean} odd
 * @param {string} where
 * @returns {Bytes}
 */
function decompress({ p, b, size }, x, odd, where) {
  const at = toInteger(x);
  const square = (at * at * at - 3n * at + b) % p;
  const root = power(square < 0n ? square + p : square, (p + 1n) / 4n, p);
  if (at >= p || (root * root - square) % p !== 0n) refuse("malformed", "this point is not on the curve", where);
  return fromInteger((root & 1n) === (odd ? 1n : 0n) ? root : p - root, size);
}

/** @param {bigint} base @param {bigint} exponent @param {bigint} modulus */
function power(base, exponent, modulus) {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === "1") result = (result * base) % modulus;
  }
  return result;
}

/** Big-endian. @param {Uint8Array} bytes */
const toInteger = (bytes) => bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** @param {bigint} value @param {number} size @returns {Bytes} */
const fromInteger = (value, size) => Uint8Array.from({ length: size }, (_, at) => Number((value >> BigInt(8 * (size - 1 - at))) & 255n));

/** RFC 8032 section 5.1.7: S is below the group's order, or a signature could be respelt. @param {Uint8Array} s */
const isReduced = (s) => toInteger(s.toReversed()) < ED_ORDER;

/**
 * The COSE_Key map with compressed y, as it is sent.
 * @param {PublicKey} key
 */
export const coseKey = (key) => members(key, (y) => y[y.length - 1] % 2 === 1);

/**
 * RFC 9679 with SHA-256 over the required members, y whole; 32 bytes.
 * @param {PublicKey} key
 */
export const thumbprint = (key) => sha256(encode(members(key, (y) => y)));

/** @param {PublicKey} key @param {(y: Bytes) => Bytes | boolean} tail @returns {Map<number, any>} */
function members({ alg, raw }, tail) {
  const [x, y] = halves(raw);
  /** @type {[number, any][]} */
  const own = alg === "EdDSA" ? [[KTY, OKP], [CRV, ED25519], [X, raw]] : [[KTY, EC2], [CRV, alg === "ES256" ? 1 : 2], [X, x], [Y, tail(y)]];
  return new Map(own);
}

/** Of 04 || x || y. @param {Bytes} raw */
function halves(raw) {
  const half = (raw.length + 1) >> 1;
  return [raw.slice(1, half), raw.slice(half)];
}

/** The first 8 bytes of the thumbprint: names a key inside a list that is trusted already, and proves nothing. @param {PublicKey} key */
export const kidOf = async (key) => (await thumbprint(key)).slice(0, 8);

/** RFC 7638 (RFC 8037 section 2), base64url. @param {PublicKey} key */
export async function jwkThumbprint(key) {
  const members = Object.entries(toJwk(key)).sort(([a], [b]) => (a < b ? -1 : 1));
  return toBase64url(await sha256(utf8(JSON.stringify(Object.fromEntries(members)))));
}

/** @param {PublicKey} key @returns {{kty: string, crv: string, x: string, y?: string}} */
export function toJwk({ alg, raw }) {
  if (alg === "EdDSA") return { kty: "OKP", crv: "Ed25519", x: toBase64url(raw) };
  const [x, y] = halves(raw);
  return { kty: "EC", crv: alg === "ES256" ? "P-256" : "P-384", x: toBase64url(x), y: toBase64url(y) };
}

/** @param {PublicKey} a @param {PublicKey} b */
export const sameKey = (a, b) => a.alg === b.alg && equal(a.raw, b.raw);
