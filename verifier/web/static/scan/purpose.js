// What a copy says it was made for, and what its holder calls it. Only read, to know what to check it against and what a receipt for it is bound
// to: what it says is checked again in what its holder signed.
import { fromBase64url } from "../js/ovp/bytes.js";
import { decode } from "../js/ovp/cbor.js";
import { parseSign1 } from "../js/ovp/cose.js";
import { PRESENTATION } from "../js/ovp/envelope.js";
import { VcError } from "../js/ovp/errors.js";
import { parseJson } from "../js/ovp/json.js";
import { wireOf } from "../js/ovp/sdjwt.js";

const PURPOSE = -70_001;
const NUMBER = 7;
const LONGEST = 64; // bytes of a number that a receipt can name

/** The name of the use, or "" where it cannot be read. @param {import("../js/ovp/envelope.js").Received} answer @returns {string} */
export function purposeOf({ prefix, content }) {
  try {
    const member = prefix === PRESENTATION ? inToken(content) : inCopy(content);
    return typeof member === "string" ? member : "";
  } catch (error) {
    if (error instanceof VcError) return "";
    throw error;
  }
}

/** The number that its holder gave it (`cti`, `jti`), or null where there is none that a receipt can name. @param {import("../js/ovp/envelope.js").Received} answer @returns {import("../js/ovp/bytes.js").Bytes | null} */
export function numberOf({ prefix, content }) {
  try {
    const number = prefix === PRESENTATION ? /** @type {any} */ (decode(parseSign1(content).payload)).get(NUMBER) : numberIn(wireOf(content));
    return number instanceof Uint8Array && number.length && number.length <= LONGEST ? /** @type {any} */ (number) : null;
  } catch (error) {
    if (error instanceof VcError || error instanceof TypeError) return null;
    throw error;
  }
}

/** In what the holder signed, which comes last. @param {string} wire */
function numberIn(wire) {
  const [, payload = ""] = wire.slice(wire.lastIndexOf("~") + 1).split(".");
  return fromBase64url(String(/** @type {any} */ (parseJson(fromBase64url(payload))).jti));
}

/** @param {import("../js/ovp/bytes.js").Bytes} content @returns {unknown} */
function inToken(content) {
  const members = decode(parseSign1(content).payload);
  return members instanceof Map ? members.get(PURPOSE) : "";
}

/** @param {import("../js/ovp/bytes.js").Bytes} content @returns {unknown} */
function inCopy(content) {
  const members = decode(content);
  return members instanceof Map ? members.get("purpose_id") : "";
}
