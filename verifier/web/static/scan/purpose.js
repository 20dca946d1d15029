// What a copy says it was made for. Only read, to know what to check it against: what it says is checked again in what its holder signed.
import { decode } from "../js/ovp/cbor.js";
import { parseSign1 } from "../js/ovp/cose.js";
import { PRESENTATION } from "../js/ovp/envelope.js";
import { VcError } from "../js/ovp/errors.js";

const PURPOSE = -70_001;

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
