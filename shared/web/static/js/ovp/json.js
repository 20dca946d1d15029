/**
 * JSON that has one meaning, as `shared/codec/strict_json.py` reads it: no member twice, no integer beyond 2^53 - 1, no lone surrogates,
 * nothing after the value.
 *
 * `JSON.parse` keeps the last of two members silently and cannot tell 1.0 from 1: here a number with a point or an exponent is a `Float`.
 * Objects have no prototype, so that no member is special.
 * @module
 */
import { fromUtf8 } from "./bytes.js";
import { Float } from "./cbor.js";
import { VcError, refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {string | number | boolean | null | Float | any[] | Record<string, any>} Json */

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
/** @type {[word: string, value: boolean | null][]} */
const WORDS = [["true", true], ["false", false], ["null", null]];

/**
 * The value of one JSON text; `malformed`, or `too_large` past `depth` arrays and objects inside each other.
 * @param {Bytes} bytes
 * @param {string} [where]
 * @param {number} [depth]
 * @returns {any}
 */
export function parseJson(bytes, where = "", depth = 32) {
  const reader = new Reader(fromUtf8(bytes, where), depth);
  try {
    const value = reader.value(0);
    reader.space();
    if (reader.at !== reader.text.length) reader.bad();
    return value;
  } catch (error) {
    if (error instanceof VcError) error.within(where);
    throw error;
  }
}

/** @param {Bytes} bytes @param {string} [where] @param {number} [depth] @returns {Record<string, any>} */
export function parseObject(bytes, where = "", depth = 32) {
  const value = parseJson(bytes, where, depth);
  return isObject(value) ? value : refuse("malformed", "a JSON object is demanded here", where);
}

/** @param {any} value @returns {value is Record<string, any>} */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Float);

class Reader {
  /** @param {string} text @param {number} depth */
  constructor(text, depth) {
    this.text = text;
    this.depth = depth;
    this.at = 0;
  }

  /** @returns {never} */
  bad() {
    return refuse("malformed", "not a JSON text that all programs read alike");
  }

  space() {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
  }

  /** The next character that is no space; `expected` ones are stepped over. @param {string} [expected] */
  next(expected = "") {
    this.space();
    const char = this.text[this.at] ?? this.bad();
    if (expected.includes(char)) this.at += 1;
    return char;
  }

  /** @param {number} depth @returns {any} */
  value(depth) {
    const char = this.next('[{"');
    if (char === '"') return this.string();
    if (char !== "[" && char !== "{") return this.scalar();
    if (depth >= this.depth) refuse("too_large", "JSON is nested too deeply");
    return char === "[" ? this.array(depth + 1) : this.object(depth + 1);
  }

  scalar() {
    const found = WORDS.find(([word]) => this.text.startsWith(word, this.at));
    if (!found) return this.number();
    this.at += found[0].length;
    return found[1];
  }

  number() {
    NUMBER.lastIndex = this.at;
    const [text, point, exponent] = NUMBER.exec(this.text) ?? this.bad();
    this.at += text.length;
    const value = Number(text);
    if (!Number.isFinite(value)) this.bad();
    if (point || exponent) return new Float(value);
    return Number.isSafeInteger(value) ? value + 0 : refuse("malformed", "an integer is too large to be read alike by all programs");
  }

  /** After its quotation mark: copied whole up to the next mark, unless something is escaped. */
  string() {
    const begin = this.at;
    let end = begin;
    for (;;) {
      end = this.text.indexOf('"', end);
      if (end < 0) this.bad();
      let slashes = 0;
      while (this.text[end - 1 - slashes] === "\\") slashes += 1;
      if (slashes % 2 === 0) break;
      end += 1;
    }
    this.at = end + 1;
    const inside = this.text.slice(begin, end);
    return unescaped(inside) ?? this.bad();
  }

  /** @param {number} depth */
  array(depth) {
    /** @type {any[]} */
    const items = [];
    if (this.next("]") === "]") return items;
    for (;;) {
      items.push(this.value(depth));
      const char = this.next(",]");
      if (char === "]") return items;
      if (char !== ",") this.bad();
    }
  }

  /** @param {number} depth */
  object(depth) {
    /** @type {Record<string, any>} */
    const object = Object.create(null);
    if (this.next("}") === "}") return object;
    for (;;) {
      if (this.next('"') !== '"') this.bad();
      const name = this.string();
      if (name in object) refuse("malformed", "a JSON object repeats a member");
      if (this.next(":") !== ":") this.bad();
      object[name] = this.value(depth);
      const char = this.next(",}");
      if (char === "}") return object;
      if (char !== ",") this.bad();
    }
  }
}

/** @param {string} inside @returns {string | undefined} */
function unescaped(inside) {
  if (/[\u0000-\u001f]/.test(inside)) return undefined;
  if (!inside.includes("\\")) return inside;
  try {
    const text = JSON.parse(`"${inside}"`);
    return text.isWellFormed() ? text : undefined;
  } catch {
    return undefined;
  }
}
