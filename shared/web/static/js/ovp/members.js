/**
 * Typed reading of CBOR maps that strangers signed, as `shared/cose/members.py`: each error carries the pointer of the place.
 * @module
 */
import { isBytes } from "./cose.js";
import { decode } from "./cbor.js";
import { refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {Map<number | string, any>} Members */
/** @typedef {ReadonlyArray<number | string>} Names */

/** The one map in `data`, with all `needed` members and none beyond `optional`. @param {Bytes} data @param {string} where @param {Names} needed @param {Names} [optional] */
export const loadMap = (data, where, needed, optional = []) => asMap(decode(data, where), where, needed, optional);

/** @param {any} value @param {string} where @param {Names} needed @param {Names} [optional] @returns {Members} */
export function asMap(value, where, needed, optional = []) {
  if (!(value instanceof Map) || !Array.from(value.keys()).every((key) => typeof key === "string" || typeof key === "number")) {
    return refuse("malformed", "a map is demanded here", where);
  }
  for (const name of needed) if (!value.has(name)) refuse("malformed", "a member is missing", `${where}/${name}`);
  for (const key of value.keys()) {
    if (!needed.includes(key) && !optional.includes(key)) refuse("malformed", "a member that is not known here", `${where}/${key}`);
  }
  return value;
}

/** A text of 1 to `max` characters (code points). @param {Members} members @param {number | string} key @param {string} where @param {number} [max] @returns {string} */
export function text(members, key, where, max = 2048) {
  const value = members.get(key);
  if (typeof value !== "string" || !value) return refuse("malformed", "a text is demanded here", `${where}/${key}`);
  if (value.length > max && Array.from(value).length > max) refuse("too_large", `more than ${max} characters`, `${where}/${key}`);
  return value;
}

/** @param {Members} members @param {number | string} key @param {string} where @param {number} [least] @param {number} [most] */
export const uint = (members, key, where, least, most) => asUint(members.get(key), `${where}/${key}`, least, most);

/** @param {any} value @param {string} where @param {number} [least] @param {number} [most] @returns {number} */
export function asUint(value, where, least = 0, most = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== "number" || value < least || value > most) return refuse("malformed", `a number from ${least} to ${most} is demanded here`, where);
  return value;
}

/** A byte string of `size` bytes, or of `size` to `most`. @param {Members} members @param {number | string} key @param {string} where @param {number} size @param {number} [most] @returns {Bytes} */
export function octets(members, key, where, size, most = size) {
  const value = members.get(key);
  if (!isBytes(value) || value.length < size || value.length > most) {
    return refuse("malformed", `${size === most ? size : `${size} to ${most}`} bytes are demanded here`, `${where}/${key}`);
  }
  return value;
}

/** @param {any} value @param {string} where @param {number} least @param {number} most @returns {any[]} */
export function asArray(value, where, least, most) {
  if (!Array.isArray(value) || value.length < least || value.length > most) {
    return refuse("malformed", `an array of ${least} to ${most} items is demanded here`, where);
  }
  return value;
}
