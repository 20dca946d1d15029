/**
 * HPKE (RFC 9180), base mode, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM; no associated data.
 *
 *     const keys = await generate();                       // keys.publicBytes goes into the challenge
 *     const sealed = await seal(plaintext, publicBytes, info);   // enc (32) || ciphertext
 *     const plaintext = await open(sealed, keys, info);     // bad_signature where it is not for us
 * @module
 */
import { concat, utf8 } from "./bytes.js";
import { refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{publicBytes: Bytes, privateKey: CryptoKey}} SealKeys */

const KEM = concat(utf8("KEM"), Uint8Array.of(0, 32));
const SUITE = concat(utf8("HPKE"), Uint8Array.of(0, 32, 0, 1, 0, 1));
const VERSION = utf8("HPKE-v1");
const NONE = new Uint8Array();
const KEY_SIZE = 16;
const NONCE_SIZE = 12;
const TAG_SIZE = 16;
const PUBLIC_SIZE = 32;

/** A fresh X25519 pair; the private half cannot be taken out. @returns {Promise<SealKeys>} */
export async function generate() {
  const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]));
  return { publicBytes: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)), privateKey: pair.privateKey };
}

/**
 * @param {Bytes} plaintext
 * @param {Bytes} recipient 32 bytes
 * @param {Bytes} info
 * @param {SealKeys} [ephemeral] only for test vectors
 * @returns {Promise<Bytes>}
 */
export async function seal(plaintext, recipient, info, ephemeral) {
  const own = ephemeral ?? (await generate());
  const { key, iv } = await schedule(await exchange(own.privateKey, recipient, own.publicBytes, recipient), info, "encrypt");
  return concat(own.publicBytes, new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plaintext)));
}

/**
 * `malformed` for what is too short or begins with no key, `bad_signature` for what was not sealed to these keys with this `info`.
 * @param {Bytes} sealed
 * @param {SealKeys} own
 * @param {Bytes} info
 * @returns {Promise<Bytes>}
 */
export async function open(sealed, own, info) {
  if (sealed.length < PUBLIC_SIZE + TAG_SIZE) refuse("malformed", "a sealed answer is longer");
  const enc = sealed.subarray(0, PUBLIC_SIZE);
  const { key, iv } = await schedule(await exchange(own.privateKey, enc, enc, own.publicBytes), info, "decrypt");
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed.subarray(PUBLIC_SIZE)));
  } catch (error) {
    if (error instanceof DOMException && error.name === "OperationError") return refuse("bad_signature", "this answer was not sealed for this desk and question");
    throw error;
  }
}

/**
 * Section 4.1, Encap and Decap alike: the shared secret. Points of small order agree on zero, which WebCrypto refuses.
 * @param {CryptoKey} own
 * @param {Bytes} other
 * @param {Bytes} enc
 * @param {Bytes} recipient
 */
async function exchange(own, other, enc, recipient) {
  const labelled = concat(VERSION, KEM, utf8("eae_prk"), await agree(own, other));
  return hkdf(NONE, labelled, expandInfo(KEM, "shared_secret", concat(enc, recipient), 32), 32);
}

/** @param {CryptoKey} own @param {Bytes} other */
async function agree(own, other) {
  if (other.length !== PUBLIC_SIZE) refuse("malformed", "a sealing key has 32 bytes");
  const key = await crypto.subtle.importKey("raw", other, { name: "X25519" }, false, []);
  try {
    return new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: key }, own, 256));
  } catch (error) {
    if (error instanceof DOMException && error.name === "OperationError") return refuse("malformed", "this is no key to seal with");
    throw error;
  }
}

/** Section 5.1, base mode. @param {Bytes} secret @param {Bytes} info @param {KeyUsage} use */
async function schedule(secret, info, use) {
  const context = concat(Uint8Array.of(0), await extract("psk_id_hash", NONE), await extract("info_hash", info));
  const labelled = concat(VERSION, SUITE, utf8("secret"));
  const raw = await hkdf(secret, labelled, expandInfo(SUITE, "key", context, KEY_SIZE), KEY_SIZE);
  const iv = await hkdf(secret, labelled, expandInfo(SUITE, "base_nonce", context, NONCE_SIZE), NONCE_SIZE);
  return { key: await crypto.subtle.importKey("raw", raw, "AES-GCM", false, [use]), iv };
}

/** LabeledExpand's info (section 4). @param {Bytes} suite @param {string} label @param {Bytes} info @param {number} size */
const expandInfo = (suite, label, info, size) => concat(Uint8Array.of(0, size), VERSION, suite, utf8(label), info);

/** LabeledExtract with an empty salt: HKDF-Extract is HMAC, and a key of zeros counts like none. @param {string} label @param {Bytes} ikm */
async function extract(label, ikm) {
  const key = await crypto.subtle.importKey("raw", new Uint8Array(32), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, concat(VERSION, SUITE, utf8(label), ikm)));
}

/** @param {Bytes} salt @param {Bytes} ikm @param {Bytes} info @param {number} size @returns {Promise<Bytes>} */
async function hkdf(salt, ikm, info, size) {
  const key = await crypto.subtle.importKey("raw", ikm, "HKDF", false, ["deriveBits"]);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, key, size * 8));
}
