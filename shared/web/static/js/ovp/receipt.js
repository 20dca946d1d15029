/**
 * What a desk without a network says that it decided: provisional, on its screen or on paper (rules R6, S10, S25), as `shared/ovp/receipt.py`.
 *
 *     // desk
 *     const bytes = await makeReceipt({ key, certificate, content, nonce, at, decision: "accepted", use, code: "", pack: digest });
 *     const text = await renderText(RECEIPT, bytes);                               // one code
 *     // wallet
 *     const receipt = await parseReceipt(bytes);
 *     const party = await checkReceipt(receipt, register, { content, nonce, use, sentAt, at });
 *     party.entity === whoItWasShownTo                                             // the caller's to compare
 * @module
 */
import { concat, equal, random, sha256 } from "./bytes.js";
import { decode, encode } from "./cbor.js";
import { ALG, TYP, TYP_HEADER, parseSign1, sign, sign1Of, verifySign1 } from "./cose.js";
import { refuse } from "./errors.js";
import { asMap, loadMap, octets, text, uint } from "./members.js";
import { deskCertificateOf, verifyDesk } from "./register.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {"accepted" | "rejected" | "undecided"} Decision */
/**
 * Parsed; nothing in it is a fact before `checkReceipt`. `nonce` is what the holder signed: SHA-256 of the challenge, the nonce of a typed
 * code, or the number of a copy made out to somebody. `digest` is SHA-256(salt ‖ content), `code` the reason (empty for none), `pack` the
 * digest of the checking pack that the desk used.
 * @typedef {{data: Bytes, nonce: Bytes, issuedAt: number, salt: Bytes, digest: Bytes, decision: Decision, use: string, code: string,
 *   pack: Bytes | null, desk: import("./register.js").DeskCertificate, sign1: import("./cose.js").Sign1}} DeskReceipt
 */
/** What it has to be for: what was shown at `sentAt` or later, read by `at`. @typedef {{content: Bytes, nonce: Bytes, use: string, sentAt: number, at: number}} Exchange */

const VERSION = 1;
const MAX_BYTES = 2860;
/** Seconds by which the clock of a desk may differ. */
const LEEWAY = 300;
const MAX_NONCE = 64;
/** By the number that is sent. @type {Decision[]} */
export const DECISIONS = ["accepted", "rejected", "undecided"];
const KCWT = 13;
const [V, NONCE, ISSUED, SALT, DIGEST, DECISION, USE, CODE, PACK] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/**
 * `key` is the desk's private key, `certificate` its desk-cert; `content` is the presentation as it was opened, `nonce` what its holder signed.
 * `malformed` for a decision that there is not, or one other than a yes without its `code`.
 * @param {{key: CryptoKey, certificate: Bytes, content: Bytes, nonce: Bytes, at: number, decision: Decision, use: string,
 *   code?: string | undefined, pack?: Bytes | null | undefined}} given
 * @returns {Promise<Bytes>}
 */
export async function makeReceipt({ key, certificate, content, nonce, at, decision, use, code = "", pack = null }) {
  const number = DECISIONS.indexOf(decision);
  if (number < 0) refuse("malformed", "a decision is accepted, rejected or undecided", `/${DECISION}`);
  checkReasoned(decision, code);
  const salt = random(16);
  /** @type {Map<number, any>} */
  const payload = new Map();
  payload.set(V, VERSION).set(NONCE, nonce).set(ISSUED, at).set(SALT, salt).set(DIGEST, await sha256(concat(salt, content)));
  payload.set(DECISION, number).set(USE, use);
  if (code) payload.set(CODE, code);
  if (pack) payload.set(PACK, pack);
  return sign({ typ: TYP.DESK_RECEIPT, payload: encode(payload), key, protect: new Map([[KCWT, decode(certificate)]]) });
}

/** Structure and bounds. @param {Bytes} data @returns {Promise<DeskReceipt>} */
export async function parseReceipt(data) {
  if (data.length > MAX_BYTES) refuse("too_large", `more than ${MAX_BYTES} bytes of CBOR`);
  const sign1 = parseSign1(data);
  if (!TYP.DESK_RECEIPT.includes(sign1.protect.get(TYP_HEADER))) refuse("wrong_typ", "this signed object is of another kind");
  asMap(sign1.protect, "", [ALG, KCWT, TYP_HEADER]);
  asMap(sign1.bare, "", []);
  const members = loadMap(sign1.payload, "", [V, NONCE, ISSUED, SALT, DIGEST, DECISION, USE], [CODE, PACK]);
  uint(members, V, "", VERSION, VERSION);
  const decision = DECISIONS[uint(members, DECISION, "", 0, DECISIONS.length - 1)];
  const code = members.has(CODE) ? text(members, CODE, "", 64) : "";
  checkReasoned(decision, code);
  return {
    data,
    nonce: octets(members, NONCE, "", 1, MAX_NONCE),
    issuedAt: uint(members, ISSUED, ""),
    salt: octets(members, SALT, "", 16),
    digest: octets(members, DIGEST, "", 32),
    decision,
    use: text(members, USE, "", 200),
    code,
    pack: members.has(PACK) ? octets(members, PACK, "", 32) : null,
    desk: await deskCertificateOf(sign1Of(sign1.protect.get(KCWT), `/${KCWT}`), `/${KCWT}`),
    sign1,
  };
}

/**
 * Whose desk gave it, if it is for this presentation in this exchange: `untrusted` (not registered, or with another key), `bad_signature`,
 * `other_presentation`, `wrong_nonce`, `purpose_mismatch`, `stale_binding` (from before anything was sent); `expired` or `not_yet_valid` for a
 * registration that is not in force now, a desk's certificate that was not when the receipt was given, or a receipt from the future.
 * @param {DeskReceipt} receipt
 * @param {import("./register.js").Register} register
 * @param {Exchange} exchange
 * @returns {Promise<import("./register.js").RelyingParty>}
 */
export async function checkReceipt(receipt, register, { content, nonce, use, sentAt, at }) {
  const party = await verifyDesk(receipt.desk, register, at, receipt.issuedAt);
  await verifySign1(receipt.sign1, receipt.desk.key, TYP.DESK_RECEIPT);
  if (receipt.issuedAt > at + LEEWAY) refuse("not_yet_valid", "the receipt is from the future", `/${ISSUED}`);
  if (!equal(await sha256(concat(receipt.salt, content)), receipt.digest)) {
    refuse("other_presentation", "the receipt is for another presentation", `/${DIGEST}`);
  }
  if (!equal(receipt.nonce, nonce)) refuse("wrong_nonce", "the receipt is for another exchange", `/${NONCE}`);
  if (receipt.use !== use) refuse("purpose_mismatch", "the receipt is for another use", `/${USE}`);
  if (receipt.issuedAt < sentAt - LEEWAY) refuse("stale_binding", "the receipt is from before anything was sent", `/${ISSUED}`);
  return party;
}

/** @param {Decision} decision @param {string} code */
function checkReasoned(decision, code) {
  if (decision !== "accepted" && !code) refuse("malformed", "what is not accepted has a reason", `/${CODE}`);
}
