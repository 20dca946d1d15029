/**
 * Bytes and their texts. Every text form is strict: one text for each byte string, and `malformed` for all others.
 * @module
 */
import { refuse } from "./errors.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const BASE64URL = /^[A-Za-z0-9_-]*$/;
/** The last character carries bits that no byte uses; they must be zero. By the characters beyond a group of four. @type {Record<number, string>} */
const LAST = { 2: "AQgw", 3: "AEIMQUYcgkosw048" };

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * @param {string} text without lone surrogates
 * @returns {Bytes}
 */
export const utf8 = (text) => encoder.encode(text);

/**
 * @param {Uint8Array} bytes
 * @param {string} [where]
 * @returns {string}
 */
export function fromUtf8(bytes, where = "") {
  try {
    return decoder.decode(bytes);
  } catch {
    return refuse("malformed", "not UTF-8", where);
  }
}

/**
 * @param {...Uint8Array} parts
 * @returns {Bytes}
 */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export const equal = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

/** @param {Uint8Array} bytes */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * SHA-256, 32 bytes.
 * @param {Bytes} bytes
 * @returns {Promise<Bytes>}
 */
export const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

/**
 * @param {number} size
 * @returns {Bytes}
 */
export const random = (size) => crypto.getRandomValues(new Uint8Array(size));

/**
 * Standard base64 with its padding, of any length.
 * @param {string} text
 * @param {string} [where]
 * @returns {Bytes}
 */
export function fromBase64(text, where = "") {
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) refuse("malformed", "not base64", where);
  return unpack(atob(text));
}

/**
 * base64url without padding (RFC 7515 appendix C).
 * @param {Uint8Array} bytes
 */
export function toBase64url(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * @param {string} text
 * @param {string} [where]
 * @returns {Bytes}
 */
export function fromBase64url(text, where = "") {
  const over = text.length & 3;
  if (over === 1 || !BASE64URL.test(text) || (over && !LAST[over].includes(text[text.length - 1]))) {
    refuse("malformed", "not base64url without padding", where);
  }
  return unpack(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
}

/** @param {string} binary @returns {Bytes} */
function unpack(binary) {
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/**
 * Base45 (RFC 9285).
 * @param {Uint8Array} bytes
 */
export function toBase45(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const pair = at + 1 < bytes.length;
    const value = pair ? (bytes[at] << 8) | bytes[at + 1] : bytes[at];
    text += BASE45[value % 45] + BASE45[Math.floor(value / 45) % 45] + (pair ? BASE45[Math.floor(value / 2025)] : "");
  }
  return text;
}

/**
 * @param {string} text
 * @param {string} [where]
 * @returns {Bytes}
 */
export function fromBase45(text, where = "") {
  const odd = text.length % 3;
  if (odd === 1) refuse("malformed", "not base45: a character is missing or too many", where);
  const whole = (text.length - odd) / 3;
  const bytes = new Uint8Array(whole * 2 + (odd ? 1 : 0));
  for (let group = 0; group <= whole; group += 1) {
    const part = text.slice(group * 3, group * 3 + 3);
    let value = 0;
    for (let at = part.length - 1; at >= 0; at -= 1) {
      const digit = BASE45.indexOf(part[at]);
      if (digit < 0) refuse("malformed", "not base45: a character outside the alphabet", where);
      value = value * 45 + digit;
    }
    if (value > (part.length === 3 ? 0xffff : 0xff)) refuse("malformed", "not base45: a group above the range of its bytes", where);
    if (part.length === 3) bytes.set([value >> 8, value & 0xff], group * 2);
    else if (part) bytes[group * 2] = value;
  }
  return bytes;
}
