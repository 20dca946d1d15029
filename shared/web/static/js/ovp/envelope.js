/**
 * The text of one code and the message of a loop of codes: what it is, and its content, compressed where that helps.
 *
 *     const { prefix, content } = parseText(text);          // one code, a file or a paste
 *     const codes = await codesFor(CHALLENGE, bytes);        // one text, or the frames of a loop
 *     const reception = new Reception();                     // what a camera sees, of either kind
 *     const got = await reception.add(text);                 // null until whole; reception.progress is [have, need]
 *
 * As `shared/ovp/envelope.py`: `text = PREFIX base45(BODY)`, `message = TYPE BODY`; a sealed body is never compressed.
 * @module
 */
import { concat, fromBase45, toBase45 } from "./bytes.js";
import { refuse } from "./errors.js";
import { Assembly, CHUNK, FITS_ONE_CODE, PREFIX as FRAME, split } from "./frames.js";
import { inflate } from "./inflate.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{prefix: string, content: Bytes}} Received */

export const CHALLENGE = "OVC1:";
export const PRESENTATION = "OVP1:";
export const SEALED = "OVE1:";
export const BEARER = "OVB1:";
export const SD_JWT = "OVJ1:";
export const RECEIPT = "OVR1:";
/** Characters in the largest code, alphanumeric, level L. */
export const MAX_TEXT = 4296;
const MAX_CONTENT = 16_384;
const TYPES = new Map([[CHALLENGE, "C"], [PRESENTATION, "P"], [SEALED, "E"], [BEARER, "B"], [SD_JWT, "J"], [RECEIPT, "R"]]);
const ZLIB = 0x78;

/** `too_large` past the largest code: show a loop instead. @param {string} prefix @param {Bytes} content @returns {Promise<string>} */
export async function renderText(prefix, content) {
  const text = prefix + toBase45(await body(prefix, content));
  return text.length > MAX_TEXT ? refuse("too_large", "this is longer than any QR code") : text;
}

/** @param {string} text @returns {Received} */
export function parseText(text) {
  if (text.length > MAX_TEXT) refuse("too_large", "this is longer than any QR code");
  const prefix = text.slice(0, CHALLENGE.length);
  if (!TYPES.has(prefix)) refuse("malformed", "this code holds something else");
  return { prefix, content: contentOf(prefix, fromBase45(text.slice(prefix.length))) };
}

/** For a loop of codes, or to be sealed. @param {string} prefix @param {Bytes} content @returns {Promise<Bytes>} */
export async function toMessage(prefix, content) {
  return concat(Uint8Array.of((TYPES.get(prefix) ?? "").charCodeAt(0)), await body(prefix, content));
}

/** @param {Bytes} message @returns {Received} */
export function ofMessage(message) {
  if (message.length > MAX_CONTENT) refuse("too_large", "this is longer than any loop of codes");
  const type = String.fromCharCode(message[0]);
  const prefix = Array.from(TYPES.keys()).find((each) => TYPES.get(each) === type) ?? refuse("malformed", "these codes hold something else");
  return { prefix, content: contentOf(prefix, message.subarray(1)) };
}

/**
 * What to draw: one still code where it is small enough, else the frames of a loop.
 * @param {string} prefix
 * @param {Bytes} content
 * @param {number} [chunk] `SMALL_CHUNK` for bigger squares
 * @returns {Promise<string[]>}
 */
export async function codesFor(prefix, content, chunk = CHUNK) {
  const message = await toMessage(prefix, content);
  const text = prefix + toBase45(message.subarray(1));
  return chunk === CHUNK && text.length <= FITS_ONE_CODE ? [text] : split(message, chunk);
}

/** Everything that a camera sees, in any order: still codes and frames. */
export class Reception {
  constructor() {
    this.assembly = new Assembly();
  }

  /** Frames had and needed of the message seen last. */
  get progress() {
    return this.assembly.progress;
  }

  /** A whole content, or null if more frames are needed. `malformed` for a code of another kind. @param {string} text @returns {Promise<Received | null>} */
  async add(text) {
    if (!text.startsWith(FRAME)) return parseText(text);
    const message = await this.assembly.add(text);
    return message && ofMessage(message);
  }
}

/** @param {string} prefix @param {Bytes} content @returns {Promise<Bytes>} */
async function body(prefix, content) {
  if (content.length > MAX_CONTENT) refuse("too_large", `more than ${MAX_CONTENT} bytes`);
  const small = prefix === SEALED ? content : await deflate(content);
  return small.length < content.length ? small : content;
}

/** @param {Bytes} content @returns {Promise<Bytes>} */
async function deflate(content) {
  const stream = new Blob([content]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param {string} prefix @param {Bytes} packed */
const contentOf = (prefix, packed) => (prefix === SEALED || packed[0] !== ZLIB ? packed : inflate(packed, MAX_CONTENT));
