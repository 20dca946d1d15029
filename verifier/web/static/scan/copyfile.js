// The file of a copy, as the content that its square code has (shared/addressed.py): signed texts as lists of lists of bytes.
import { fromBase64url } from "../js/ovp/bytes.js";
import { encode } from "../js/ovp/cbor.js";
import { PRESENTATION, SD_JWT } from "../js/ovp/envelope.js";
import { refuse, VcError } from "../js/ovp/errors.js";

/** @param {string} text @returns {import("../js/ovp/envelope.js").Received} `malformed` for another file */
export function copyOfFile(text) {
  const file = parsed(text);
  const token = Object.values(file.vp_token ?? {});
  if (file.format === "dc+sd-cwt" && token.length === 1 && Array.isArray(token[0]) && token[0].length === 1) {
    return { prefix: PRESENTATION, content: fromBase64url(String(token[0][0])) };
  }
  return { prefix: SD_JWT, content: encode(packed(file)) };
}

/** Whom a copy's file says that it was made out to; "" where it is no copy. @param {string} text @returns {string} */
export function audienceOf(text) {
  try {
    return String(parsed(text).aud);
  } catch (error) {
    if (error instanceof VcError) return "";
    throw error;
  }
}

/** @param {string} text @returns {Record<string, any>} */
function parsed(text) {
  try {
    const file = JSON.parse(text);
    if (typeof file === "object" && file !== null && !Array.isArray(file)) return file;
  } catch {
    // said below
  }
  return refuse("malformed", "this file is no copy");
}

/** @param {any} value @returns {any} */
function packed(value) {
  if (Array.isArray(value)) return value.map(packed);
  if (typeof value === "object" && value !== null) return new Map(Object.entries(value).map(([name, each]) => [name, packed(each)]));
  if (typeof value !== "string" || !value.includes(".")) return value;
  try {
    return value.split("~").map((item) => item.split(".").map((piece) => fromBase64url(piece)));
  } catch (error) {
    if (error instanceof VcError) return value;
    throw error;
  }
}
