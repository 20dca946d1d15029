/**
 * A message too long for one small QR code, as a loop of small ones: any `k` different frames are enough, whichever were missed.
 *
 *     const texts = await split(message);                   // show them in turn, 5 a second
 *     const assembly = new Assembly();
 *     const message = await assembly.add(text);             // null until enough; assembly.progress is [have, need]
 *
 * `frame = SHA-256(message)[:4] || k || i || length (2 bytes) || chunk i`, sent as `OVM1:` and base45. Frames from `k` on are sums of the
 * others under a Cauchy matrix over GF(256), as in `shared/codec/frames.py`.
 * @module
 */
import { concat, equal, fromBase45, sha256, toBase45, toBase64url } from "./bytes.js";
import { refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** Frames of one message by their number. @typedef {{id: Bytes, k: number, length: number, found: Map<number, Bytes>}} Bucket */

export const PREFIX = "OVM1:";
/** Bytes a frame: a code of version 11 at level L. */
export const CHUNK = 300;
/** Bigger squares, for weaker cameras. */
export const SMALL_CHUNK = 150;
/** Characters, prefix included, up to which one still code serves better than a loop: version 22 at level L. */
export const FITS_ONE_CODE = 1460;
/** How long each frame is shown; at most three flashes a second come of it (WCAG 2.3.1). */
export const FRAME_MS = 200;
export const MAX_MESSAGE = 16_384;
const MAX_CHUNKS = 64;
const MAX_FRAMES = 255;
const MAX_TEXT = 4296;
const BUCKETS = 4;
const HEADER = 8;

/**
 * The texts to show in a loop: all `k` that hold the message, then the spare ones, `max(k + 4, 2k)` together.
 * @param {Bytes} message
 * @param {number} [chunk]
 * @returns {Promise<string[]>} `too_large` past 16,384 bytes or 64 chunks
 */
export async function split(message, chunk = CHUNK) {
  if (!message.length) refuse("malformed", "there is nothing to show");
  const k = Math.ceil(message.length / chunk);
  if (message.length > MAX_MESSAGE || k > MAX_CHUNKS) refuse("too_large", "this is too long for a loop of codes");
  const size = Math.ceil(message.length / k);
  const padded = concat(message, new Uint8Array(k * size - message.length));
  const data = Array.from({ length: k }, (_, at) => padded.subarray(at * size, at * size + size));
  const id = (await sha256(message)).subarray(0, 4);
  return Array.from({ length: Math.max(k + 4, 2 * k) }, (_, i) => {
    const head = Uint8Array.of(k, i, message.length >> 8, message.length & 255);
    return PREFIX + toBase45(concat(id, head, i < k ? data[i] : sum(i, data.entries(), size)));
  });
}

/** What a camera has seen so far. Frames of several messages may come mixed; the four seen last are kept. */
export class Assembly {
  constructor() {
    /** @type {Map<string, Bucket>} */
    this.buckets = new Map();
    /** Different frames of the message seen last, and how many it needs. @type {[have: number, need: number]} */
    this.progress = [0, 0];
  }

  /**
   * The whole message once enough of its frames were added, else null. `malformed` for what is no frame, and once frames that were said
   * to belong together do not: they are then forgotten.
   * @param {string} text
   * @returns {Promise<Bytes | null>}
   */
  async add(text) {
    const { id, k, i, length, chunk } = parse(text);
    const name = `${toBase64url(id)} ${k} ${length}`;
    const bucket = this.buckets.get(name) ?? { id, k, length, found: new Map() };
    this.buckets.delete(name);
    if (!bucket.found.has(i)) bucket.found.set(i, chunk);
    this.progress = [bucket.found.size, k];
    if (bucket.found.size < k) {
      this.buckets.set(name, bucket);
      if (this.buckets.size > BUCKETS) this.buckets.delete(this.buckets.keys().next().value ?? "");
      return null;
    }
    const message = concat(...restore(bucket)).slice(0, length);
    if (!equal((await sha256(message)).subarray(0, 4), id)) refuse("malformed", "these frames do not belong together");
    return message;
  }
}

/** @param {string} text */
function parse(text) {
  if (!text.startsWith(PREFIX) || text.length > MAX_TEXT) refuse("malformed", "this code is no frame");
  const frame = fromBase45(text.slice(PREFIX.length));
  if (frame.length <= HEADER) refuse("malformed", "the frame is cut short");
  const [k, i] = frame.subarray(4, 6);
  const length = (frame[6] << 8) | frame[7];
  const size = frame.length - HEADER;
  if (k < 1 || k > MAX_CHUNKS || i >= MAX_FRAMES || length > MAX_MESSAGE) refuse("malformed", "the frame's numbers are out of range");
  // A length has one division into k chunks, and the last holds a byte at least: a frame that lies about either has another size.
  if (size !== Math.ceil(length / k) || (k - 1) * size >= length) refuse("malformed", "the frame's numbers do not fit each other");
  return { id: frame.subarray(0, 4), k, i, length, chunk: frame.subarray(HEADER) };
}

/** The `k` chunks of the message: what is missing solves as many equations of the spare frames. @param {Bucket} bucket @returns {Bytes[]} */
function restore({ k, found }) {
  const known = new Map(Array.from(found).filter(([i]) => i < k));
  const missing = Array.from({ length: k }, (_, j) => j).filter((j) => !known.has(j));
  const spare = Array.from(found.keys())
    .filter((i) => i >= k)
    .sort((a, b) => a - b)
    .slice(0, missing.length);
  const rows = spare.map((i) => missing.map((j) => inverse(i ^ j)));
  const sums = spare.map((i) => {
    const chunk = /** @type {Bytes} */ (found.get(i));
    return add(chunk.slice(), sum(i, known.entries(), chunk.length), 1);
  });
  solve(rows, sums);
  return Array.from({ length: k }, (_, j) => known.get(j) ?? sums[missing.indexOf(j)]);
}

/** Gauss-Jordan, in place. Each leading part of a Cauchy matrix is one too and so regular: no pivot is ever zero. @param {number[][]} rows @param {Bytes[]} sums */
function solve(rows, sums) {
  for (let pivot = 0; pivot < rows.length; pivot += 1) {
    const factor = inverse(rows[pivot][pivot]);
    rows[pivot] = rows[pivot].map((each) => product(factor, each));
    sums[pivot] = sums[pivot].map((each) => product(factor, each));
    rows.forEach((row, other) => {
      const times = row[pivot];
      if (other === pivot || !times) return;
      rows[other] = row.map((each, at) => each ^ product(times, rows[pivot][at]));
      add(sums[other], sums[pivot], times);
    });
  }
}

/** The spare frame `i` of some data chunks: factors are `1 / (i + j)`. @param {number} i @param {Iterable<[number, Bytes]>} chunks @param {number} size */
function sum(i, chunks, size) {
  const total = new Uint8Array(size);
  for (const [j, chunk] of chunks) add(total, chunk, inverse(i ^ j));
  return total;
}

/** `target += factor * chunk`, in place. @param {Bytes} target @param {Bytes} chunk @param {number} factor */
function add(target, chunk, factor) {
  chunk.forEach((each, at) => {
    target[at] ^= product(factor, each);
  });
  return target;
}

/** Powers of the generator 2, twice around, and their exponents; polynomial 0x11D. */
const EXP = new Uint8Array(510);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  value = (value << 1) ^ (value > 127 ? 0x11d : 0);
}

/** @param {number} one @param {number} other */
const product = (one, other) => (one && other ? EXP[LOG[one] + LOG[other]] : 0);

/** @param {number} value */
const inverse = (value) => EXP[255 - LOG[value]];
