/**
 * What opens a vault (vault.js): a passphrase or a passkey. Either gives a key that the vault's own key lies wrapped under.
 * @module
 */
import { concat, random, utf8 } from "./bytes.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{passphrase: string} | {passkey: string | true}} Opening  what opens a vault; a passkey's name is needed to make one */
/** @typedef {{id: "passphrase" | "passkey", salt: Bytes, wrapped: Bytes, rounds: number, credential: Bytes | null}} Door */

export const ROUNDS = 600_000;
export const SHORTEST = 12; // characters of a passphrase
export const NONCE = 12;
const MOST_ROUNDS = 20_000_000;

export class VaultError extends Error {
  /**
   * @param {"no_vault" | "lost" | "wrong_key" | "changed" | "damaged" | "full" | "no_passkey" | "no_storage" | "exists"} code
   * @param {string} [detail]
   */
  constructor(code, detail = "") {
    super(detail ? `${code}: ${detail}` : code);
    this.name = "VaultError";
    this.code = code;
  }
}

/** Whether this browser has a passkey of its own that can derive a key, as far as it tells. @returns {Promise<boolean>} */
export async function passkeyPossible() {
  if (typeof PublicKeyCredential === "undefined") return false;
  const able = /** @type {any} */ (PublicKeyCredential);
  const said = await able.getClientCapabilities?.().catch(() => null);
  if (said && said["extension:prf"] === false) return false;
  return PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable().catch(() => false);
}

/** @param {string} name @param {Opening} opening @param {Bytes} master @returns {Promise<Door>} */
export async function newDoor(name, opening, master) {
  const salt = random(32);
  if ("passphrase" in opening) {
    if (opening.passphrase.length < SHORTEST) throw new RangeError("the passphrase is too short");
    const key = await passphraseKey(opening.passphrase, salt, ROUNDS);
    return { id: "passphrase", salt, rounds: ROUNDS, credential: null, wrapped: await boxed(key, master, context("door", name, "passphrase")) };
  }
  const credential = await newPasskey(opening.passkey === true ? name : opening.passkey);
  const key = await passkeyKey(credential, salt);
  return { id: "passkey", salt, rounds: 0, credential, wrapped: await boxed(key, master, context("door", name, "passkey")) };
}

/** The vault's own key. @param {string} name @param {Door} door @param {Opening} opening @returns {Promise<Bytes>} */
export async function passDoor(name, door, opening) {
  if (("passphrase" in opening) !== (door.id === "passphrase")) throw new VaultError("wrong_key", "the other door");
  if (door.rounds > MOST_ROUNDS) throw new VaultError("damaged", "the door");
  const key =
    "passphrase" in opening
      ? await passphraseKey(opening.passphrase, door.salt, door.rounds)
      : await passkeyKey(/** @type {Bytes} */ (door.credential), door.salt);
  const box = { name: "AES-GCM", iv: door.wrapped.slice(0, NONCE), additionalData: context("door", name, door.id) };
  const master = await crypto.subtle.decrypt(box, key, door.wrapped.slice(NONCE)).catch(() => null);
  if (!master) throw new VaultError("wrong_key");
  return new Uint8Array(master);
}

/** @param {string} passphrase @param {Bytes} salt @param {number} rounds @returns {Promise<CryptoKey>} */
async function passphraseKey(passphrase, salt, rounds) {
  const typed = await crypto.subtle.importKey("raw", utf8(passphrase.normalize("NFC")), "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-512", salt, iterations: rounds };
  return crypto.subtle.deriveKey(how, typed, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** A passkey of this device with the PRF extension (WebAuthn level 3 section 10.1.4). @param {string} label @returns {Promise<Bytes>} */
async function newPasskey(label) {
  const made = /** @type {PublicKeyCredential | null} */ (
    await navigator.credentials
      .create({
        publicKey: {
          rp: { name: "muniment" },
          user: { id: random(16), name: label, displayName: label },
          challenge: random(32),
          pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -257 }],
          authenticatorSelection: { authenticatorAttachment: "platform", residentKey: "preferred", userVerification: "required" },
          extensions: /** @type {any} */ ({ prf: {} }),
        },
      })
      .catch(() => null)
  );
  if (!(/** @type {any} */ (made?.getClientExtensionResults())?.prf?.enabled)) throw new VaultError("no_passkey");
  return new Uint8Array(/** @type {PublicKeyCredential} */ (made).rawId);
}

/** @param {Bytes} credential @param {Bytes} salt @returns {Promise<CryptoKey>} */
async function passkeyKey(credential, salt) {
  const used = /** @type {PublicKeyCredential | null} */ (
    await navigator.credentials
      .get({
        publicKey: {
          challenge: random(32),
          allowCredentials: [{ type: "public-key", id: credential, transports: ["internal"] }],
          userVerification: "required",
          extensions: /** @type {any} */ ({ prf: { eval: { first: salt } } }),
        },
      })
      .catch(() => null)
  );
  const secret = /** @type {any} */ (used?.getClientExtensionResults())?.prf?.results?.first;
  if (!secret) throw new VaultError(used ? "no_passkey" : "wrong_key");
  const source = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(hkdf("passkey"), source, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** Three keys from the vault's own, which is wiped. @param {Bytes} master */
export async function derived(master) {
  const source = await crypto.subtle.importKey("raw", master, "HKDF", false, ["deriveKey"]);
  master.fill(0);
  const aes = { name: "AES-GCM", length: 256 };
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  return {
    items: await crypto.subtle.deriveKey(hkdf("items"), source, aes, false, ["encrypt", "decrypt"]),
    keys: await crypto.subtle.deriveKey(hkdf("keys"), source, aes, false, ["wrapKey", "unwrapKey"]),
    names: await crypto.subtle.deriveKey(hkdf("names"), source, hmac, false, ["sign"]),
  };
}

/** @param {string} purpose */
function hkdf(purpose) {
  return { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: context(purpose) };
}

/** @param {CryptoKey} key @param {Bytes} plain @param {Bytes} additionalData @returns {Promise<Bytes>} */
async function boxed(key, plain, additionalData) {
  const iv = random(NONCE);
  return concat(iv, new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, plain)));
}

/** What a key or a box is for, as one unambiguous byte string. @param {string[]} parts */
export function context(...parts) {
  return utf8(JSON.stringify(["muniment vault", ...parts]));
}
