/**
 * Ten digits for a desk without a camera that the wallet could scan (security rule S7), as `shared/ovp/code.py`.
 *
 *     const code = await makeCode(entity, use);              // the desk shows it
 *     const code = await parseCode(typed, entity, use);      // the wallet: malformed unless made for them
 *     const nonce = await codeNonce(code, entity, use);      // both
 * @module
 */
import { concat, random, sha256, toBase64url, utf8 } from "./bytes.js";
import { encode } from "./cbor.js";
import { thumbprint } from "./cose.js";
import { refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

/** How long a code can be answered. */
export const SECONDS = 180;
const DIGITS = 8;

/** @param {string} entity @param {string} use @returns {Promise<string>} */
export async function makeCode(entity, use) {
  const drawn = new DataView(random(8).buffer).getBigUint64(0);
  const number = String(drawn % 10n ** BigInt(DIGITS)).padStart(DIGITS, "0");
  return number + (await checkDigits(number, entity, use));
}

/** The ten digits, freed of spaces and hyphens. @param {string} typed @param {string} entity @param {string} use @returns {Promise<string>} */
export async function parseCode(typed, entity, use) {
  const code = typed.replace(/[ -]/g, "");
  if (!/^[0-9]{10}$/.test(code)) refuse("malformed", "a code has ten digits", "code");
  if (code.slice(DIGITS) !== (await checkDigits(code.slice(0, DIGITS), entity, use))) {
    refuse("malformed", "this is not a code of that organisation for that use", "code");
  }
  return code;
}

/** What the answer's `cnonce` is. @param {string} code @param {string} entity @param {string} use */
export const codeNonce = (code, entity, use) => bound("OVP1 answer", code.slice(0, DIGITS), entity, use);

/** Of a relying party, from its registered key. @param {import("./cose.js").PublicKey} key */
export const codeAudience = async (key) => `c:${toBase64url(await thumbprint(key))}`;

/** @param {string} number @param {string} entity @param {string} use */
async function checkDigits(number, entity, use) {
  const digest = await bound("OVP1 code", number, entity, use);
  return String(new DataView(digest.buffer).getUint32(0) % 100).padStart(2, "0");
}

/** @param {string} label @param {string} number @param {string} entity @param {string} use */
const bound = (label, number, entity, use) => sha256(concat(utf8(label), encode([number, entity, use])));
