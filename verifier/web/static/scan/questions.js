// What this desk asks: a signed challenge to be scanned (level 3), or digits to be typed (level 2). Each is stored, sealed, before it is
// shown, so that a restart forgets neither what is open nor what was answered.
import { concat, fromBase64url, sha256, toBase64url } from "../js/ovp/bytes.js";
import { codeNonce, makeCode, SECONDS } from "../js/ovp/code.js";
import { makeChallenge, TTL } from "../js/ovp/challenge.js";
import { now } from "./page.js";

/** @typedef {import("../js/ovp/bytes.js").Bytes} Bytes */
/** @typedef {import("../js/ovp/hpke.js").SealKeys} SealKeys */
/** @typedef {import("../js/ovp/register.js").Want} Want */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").LiveQuestion} LiveQuestion */
/** @typedef {import("./store.js").CodeQuestion} CodeQuestion */

const X25519 = { name: "X25519" };
const PUBLIC = 32;

/**
 * A fresh challenge with a fresh sealing key.
 * @param {Store} store
 * @param {{use: string, wants: Want[], certificate: Bytes, staple: boolean}} asked
 * @returns {Promise<LiveQuestion>}
 */
export async function askLive(store, { use, wants, certificate, staple }) {
  const secret = await newSecret();
  const made = now();
  const key = await store.signer();
  const opened = await makeChallenge({ key, certificate, wants, use, at: made, ttl: TTL, staple, seal: await sealKeys(secret) });
  /** @type {LiveQuestion} */
  const question = {
    mode: "live",
    id: toBase64url(await sha256(opened.bytes)),
    use,
    challenge: toBase64url(opened.bytes),
    secret: toBase64url(secret),
    made,
    until: made + TTL,
    used: false,
  };
  await store.keepQuestion(question);
  return question;
}

/**
 * Digits to read out.
 * @param {Store} store @param {string} entity @param {string} use
 * @returns {Promise<CodeQuestion>}
 */
export async function askCode(store, entity, use) {
  const digits = await makeCode(entity, use);
  const made = now();
  /** @type {CodeQuestion} */
  const question = { mode: "code", id: toBase64url(await codeNonce(digits, entity, use)), use, digits, made, until: made + SECONDS, used: false };
  await store.keepQuestion(question);
  return question;
}

/** What opens the answers to one challenge: public half and PKCS #8, for the vault. @returns {Promise<Bytes>} */
async function newSecret() {
  const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(X25519, true, ["deriveBits"]));
  const open = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return concat(open, new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)));
}

/** The same, ready to open. @param {Bytes} secret @returns {Promise<SealKeys>} */
export async function sealKeys(secret) {
  const privateKey = await crypto.subtle.importKey("pkcs8", secret.slice(PUBLIC), X25519, false, ["deriveBits"]);
  return { publicBytes: secret.slice(0, PUBLIC), privateKey };
}

/** @param {LiveQuestion} question @returns {Promise<SealKeys>} */
export const keysOf = (question) => sealKeys(fromBase64url(question.secret));
