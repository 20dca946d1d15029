/**
 * CBOR (RFC 8949) as `shared/codec/cbor.py` reads it: definite lengths, shortest heads, no repeated map keys, nesting of 16 at most, nothing
 * after the item.
 *
 * Whole numbers are `number` where it holds them exactly, else `bigint`; maps are `Map`; byte strings are `Uint8Array`. A float stays
 * wrapped, or 1.0 would pass for 1. Tags are never acted on.
 * @module
 */
import { concat, fromUtf8, hex, utf8 } from "./bytes.js";
import { refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {number | bigint | string | boolean | null | undefined | Bytes | Float | Simple | Tag | Item[] | Map<any, any>} Item */

/** `value` under the number `tag`. */
export class Tag {
  /** @param {number | bigint} tag @param {Item} value */
  constructor(tag, value) {
    this.tag = tag;
    this.value = value;
  }
}

/** A simple value that is neither true, false, null nor undefined. There is one object for each: `simple(59)`. */
export class Simple {
  /** @param {number} number */
  constructor(number) {
    this.number = number;
  }
}

/** A floating-point number. */
export class Float {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
  }
}

/** @type {Simple[]} */
const SIMPLE = Array.from({ length: 256 }, (_, number) => new Simple(number));
/** @param {number} number */
export const simple = (number) => SIMPLE[number];

const MAX_DEPTH = 16;
const WORDS = new Map([
  [20, false],
  [21, true],
  [22, null],
  [23, undefined],
]);

/** The key of a map that stands for its hidden members (SD-CWT). */
export const REDACTED = SIMPLE[59];

/**
 * The one item in `data`. `malformed` with `where` for everything else. With `redacted`, maps may have the key `simple(59)` as well.
 * @param {Bytes} data
 * @param {string} [where]
 * @param {boolean} [redacted]
 * @returns {any}
 */
export function decode(data, where = "", redacted = false) {
  const reader = new Reader(data, where, redacted);
  const item = reader.item(0);
  if (reader.at !== data.length) reader.bad("bytes after the CBOR item");
  return item;
}

/** Python's reader takes these two keys for the same. @type {Map<any, Item>} */
const TWINS = new Map();
TWINS.set(59, REDACTED).set(REDACTED, 59);

class Reader {
  /** @param {Bytes} data @param {string} where @param {boolean} redacted */
  constructor(data, where, redacted) {
    this.redacted = redacted;
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.length);
    this.where = where;
    this.at = 0;
  }

  /** @param {string} detail @returns {never} */
  bad(detail) {
    return refuse("malformed", detail, this.where);
  }

  /** Step over `size` bytes; where they begin. @param {number} size */
  step(size) {
    const at = this.at;
    if (size > this.data.length - at) this.bad("the CBOR item is cut short");
    this.at += size;
    return at;
  }

  /** The argument of a head (section 3), in its shortest form. @param {number} info @returns {number | bigint} */
  argument(info) {
    if (info < 24) return info;
    if (info > 27) this.bad("a length that is not definite");
    const at = this.step(1 << (info - 24));
    const { view } = this;
    const value =
      info === 24 ? view.getUint8(at) : info === 25 ? view.getUint16(at) : info === 26 ? view.getUint32(at) : view.getBigUint64(at);
    if (value < [24, 0x100, 0x1_0000, 0x1_0000_0000][info - 24]) this.bad("a number in CBOR has its shortest form");
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  /** @param {number} depth @returns {Item} */
  item(depth) {
    const head = this.data[this.step(1)];
    const major = head >> 5;
    const info = head & 31;
    if (major === 7) return this.other(info);
    const argument = this.argument(info);
    if (major === 0) return argument;
    if (major === 1) return negative(argument);
    if (major > 3) return this.nested(major, argument, depth + 1);
    const size = Number(argument);
    const at = this.step(size);
    const bytes = this.data.subarray(at, at + size);
    return major === 2 ? bytes : fromUtf8(bytes, this.where);
  }

  /** An array, a map or a tag. @param {number} major @param {number | bigint} argument @param {number} depth @returns {Item} */
  nested(major, argument, depth) {
    if (depth > MAX_DEPTH && (major === 6 || argument)) this.bad("CBOR is nested too deeply");
    if (major === 6) return new Tag(argument, this.item(depth));
    const size = Number(argument);
    if (size * (major - 3) > this.data.length - this.at) this.bad("the CBOR item is cut short");
    if (major === 5) return this.map(size, depth);
    const items = [];
    while (items.length < size) items.push(this.item(depth));
    return items;
  }

  /** @param {number} size @param {number} depth */
  map(size, depth) {
    /** @type {Map<any, Item>} */
    const map = new Map();
    const byteKeys = new Set();
    for (let count = 0; count < size; count += 1) {
      const major = this.at < this.data.length ? this.data[this.at] >> 5 : 0;
      const key = this.item(depth);
      if (major > 3 && !(this.redacted && key === REDACTED)) this.bad("the keys of a map are whole numbers and strings");
      const known = key instanceof Uint8Array ? byteKeys.has(hex(key)) : map.has(key) || (TWINS.has(key) && map.has(TWINS.get(key)));
      if (known) this.bad("a map repeats a key");
      if (key instanceof Uint8Array) byteKeys.add(hex(key));
      map.set(key, this.item(depth));
    }
    return map;
  }

  /** Simple values and floats (section 3.3). @param {number} info @returns {Item} */
  other(info) {
    if (info < 20) return SIMPLE[info];
    if (info < 24) return WORDS.get(info);
    if (info > 27) this.bad("a length that is not definite");
    const at = this.step(1 << (info - 24));
    if (info === 25) return new Float(half(this.view.getUint16(at)));
    if (info === 26) return new Float(this.view.getFloat32(at));
    if (info === 27) return new Float(this.view.getFloat64(at));
    const number = this.data[at];
    if (number < 32) this.bad("a simple value in more bytes than it needs");
    return SIMPLE[number];
  }
}

/** @param {number | bigint} argument */
function negative(argument) {
  const value = -1n - BigInt(argument);
  return value >= Number.MIN_SAFE_INTEGER ? Number(value) : value;
}

/** IEEE 754 binary16. @param {number} bits */
function half(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const value = exponent === 31 ? (fraction ? NaN : Infinity) : exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
  return bits & 0x8000 ? -value : value;
}

/**
 * `item` in deterministic encoding (section 4.2.1). Floats are not written here.
 * @param {Item} item
 * @returns {Bytes}
 */
export function encode(item) {
  if (item instanceof Uint8Array) return concat(head(2, item.length), item);
  if (typeof item === "string") {
    const bytes = utf8(item);
    return concat(head(3, bytes.length), bytes);
  }
  if (typeof item === "number" || typeof item === "bigint") return item < 0 ? head(1, -1n - BigInt(item)) : head(0, item);
  if (typeof item === "boolean") return Uint8Array.of(item ? 0xf5 : 0xf4);
  if (item === null || item === undefined) return Uint8Array.of(item === null ? 0xf6 : 0xf7);
  if (Array.isArray(item)) return concat(head(4, item.length), ...item.map(encode));
  if (item instanceof Map) return encodeMap(item);
  if (item instanceof Tag) return concat(head(6, item.tag), encode(item.value));
  if (item instanceof Simple) return item.number < 24 ? Uint8Array.of(0xe0 | item.number) : Uint8Array.of(0xf8, item.number);
  throw new TypeError("not a value that is written as CBOR");
}

/** @param {Map<any, Item>} map */
function encodeMap(map) {
  const entries = Array.from(map, ([key, value]) => ({ key: encode(key), value: encode(value) }));
  entries.sort((a, b) => compare(a.key, b.key));
  return concat(head(5, entries.length), ...entries.flatMap(({ key, value }) => [key, value]));
}

/** Bytewise, as dictionaries sort. @param {Uint8Array} a @param {Uint8Array} b */
export function compare(a, b) {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? a.length - b.length : at < b.length ? a[at] - b[at] : 1;
}

/** @param {number} major @param {number | bigint} argument @returns {Bytes} */
function head(major, argument) {
  const top = major << 5;
  if (argument < 24) return Uint8Array.of(top | Number(argument));
  const width = argument < 0x100 ? 0 : argument < 0x1_0000 ? 1 : argument < 0x1_0000_0000 ? 2 : 3;
  const bytes = new Uint8Array(1 + (1 << width));
  bytes[0] = top | (24 + width);
  let rest = BigInt(argument);
  for (let at = bytes.length - 1; at > 0; at -= 1) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}
