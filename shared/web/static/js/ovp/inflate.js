/**
 * Bounded decompression of zlib streams (RFC 1950, RFC 1951): a few bytes can otherwise unfold to gigabytes.
 *
 * Written out rather than left to `DecompressionStream`, because browsers differ in what they make of bytes after the end, and a bound has
 * to hold while unfolding.
 * @module
 */
import { refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** A canonical Huffman code: how many codes there are of each length, the symbols in order, and the longest length. @typedef {{counts: Uint16Array, symbols: Uint16Array, longest: number}} Code */

const BASES = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCES = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const END_OF_BLOCK = 256;
const WINDOW = 32_768;

/**
 * The content of exactly one zlib stream. `too_large` past `max` bytes; `malformed` if cut short, damaged or followed by bytes.
 * @param {Uint8Array} data
 * @param {number} max
 * @param {string} [where]
 * @returns {Bytes}
 */
export function inflate(data, max, where = "") {
  const stream = new Stream(data, max, where);
  const head = (data[0] << 8) | data[1];
  if (data.length < 2 || head % 31 || (data[0] & 15) !== 8 || data[0] >> 4 > 7 || data[1] & 0x20) stream.bad("not a zlib stream");
  stream.at = 2;
  while (!stream.block());
  return stream.end();
}

class Stream {
  /**
   * @param {Uint8Array} data
   * @param {number} max
   * @param {string} where
   */
  constructor(data, max, where) {
    this.data = data;
    this.max = max;
    this.where = where;
    this.at = 0;
    this.bits = 0;
    this.held = 0;
    this.out = new Uint8Array(Math.min(max, Math.max(1024, data.length * 4)));
    this.size = 0;
  }

  /** @param {string} detail @returns {never} */
  bad(detail) {
    return refuse("malformed", detail, this.where);
  }

  /** One byte more than allowed shows that there is more. @returns {never} */
  large() {
    return refuse("too_large", `more than ${this.max} bytes when unpacked`, this.where);
  }

  /** @returns {never} */
  short() {
    return this.size > this.max ? this.large() : this.bad("the zlib stream is cut short");
  }

  /** The next `count` bits, least significant first. @param {number} count */
  take(count) {
    while (this.held < count) {
      if (this.at >= this.data.length) this.short();
      this.bits |= this.data[this.at] << this.held;
      this.at += 1;
      this.held += 8;
    }
    const value = this.bits & ((1 << count) - 1);
    this.bits >>>= count;
    this.held -= count;
    return value;
  }

  /** Make room for `count` more bytes. @param {number} count */
  grow(count) {
    if (this.size + count > this.max + 1) this.large();
    if (this.size + count <= this.out.length) return;
    const larger = new Uint8Array(Math.min(this.max + 1, Math.max(this.size + count, this.out.length * 2)));
    larger.set(this.out.subarray(0, this.size));
    this.out = larger;
  }

  /** One block of RFC 1951 section 3.2.3; whether it was the last. */
  block() {
    const last = this.take(1) === 1;
    const kind = this.take(2);
    if (kind === 0) this.stored();
    else if (kind === 1) this.compressed(FIXED, FIXED_DISTANCES);
    else if (kind === 2) this.compressed(...this.codes());
    else this.bad("a block of an unknown kind");
    return last;
  }

  stored() {
    this.bits = this.held = 0;
    const { data, at } = this;
    if (at + 4 > data.length) this.short();
    const size = data[at] | (data[at + 1] << 8);
    if ((size ^ 0xffff) !== (data[at + 2] | (data[at + 3] << 8))) this.bad("the length of a block is damaged");
    const there = data.subarray(at + 4, at + 4 + size);
    this.grow(there.length);
    this.out.set(there, this.size);
    this.size += there.length;
    this.at = at + 4 + size;
    if (there.length < size) this.short();
  }

  /** @param {Code} lengths @param {Code} distances */
  compressed(lengths, distances) {
    for (let symbol = this.symbol(lengths); symbol !== END_OF_BLOCK; symbol = this.symbol(lengths)) {
      if (symbol < END_OF_BLOCK) {
        this.grow(1);
        this.out[this.size] = symbol;
        this.size += 1;
      } else {
        this.copy(symbol - 257, distances);
      }
    }
  }

  /** Repeat what stands some way back. @param {number} symbol @param {Code} distances */
  copy(symbol, distances) {
    if (symbol >= BASES.length) this.bad("a length of no meaning");
    const length = BASES[symbol] + this.take(EXTRA[symbol]);
    const far = this.symbol(distances);
    if (far >= DISTANCES.length) this.bad("a distance of no meaning");
    const distance = DISTANCES[far] + this.take(DISTANCE_EXTRA[far]);
    if (this.size > this.max) this.large();
    if (distance > Math.min(this.size, WINDOW)) this.bad("a distance to before the beginning");
    this.grow(length);
    const { out } = this;
    for (let from = this.size - distance, end = from + length; from < end; from += 1) {
      out[this.size] = out[from];
      this.size += 1;
    }
  }

  /** The next symbol of `code`: bit by bit along the lengths of its codes. @param {Code} code */
  symbol({ counts, symbols, longest }) {
    let value = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= Math.max(longest, 1); length += 1) {
      value |= this.take(1);
      const count = counts[length];
      if (value - count < first) return symbols[index + value - first];
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    return this.bad("a code of no meaning");
  }

  /** The two codes of a block that brings its own (section 3.2.7). @returns {[Code, Code]} */
  codes() {
    const lengthCount = this.take(5) + 257;
    const distanceCount = this.take(5) + 1;
    const helperCount = this.take(4) + 4;
    if (lengthCount > 286 || distanceCount > 30) this.bad("too many codes");
    const helper = new Uint8Array(19);
    for (let at = 0; at < helperCount; at += 1) helper[ORDER[at]] = this.take(3);
    const code = this.code(helper, false);
    const lengths = new Uint8Array(lengthCount + distanceCount);
    for (let at = 0; at < lengths.length; ) {
      const symbol = code.longest ? this.symbol(code) : this.take(1) * 0; // no code at all: zlib reads zeros, and so will fail
      if (symbol < 16) {
        lengths[at] = symbol;
        at += 1;
        continue;
      }
      if (symbol === 16 && at === 0) this.bad("nothing to repeat");
      const repeated = symbol === 16 ? lengths[at - 1] : 0;
      const times = symbol === 16 ? 3 + this.take(2) : symbol === 17 ? 3 + this.take(3) : 11 + this.take(7);
      if (at + times > lengths.length) this.bad("more lengths than codes");
      lengths.fill(repeated, at, at + times);
      at += times;
    }
    if (!lengths[END_OF_BLOCK]) this.bad("a block without an end");
    return [this.code(lengths.subarray(0, lengthCount), true), this.code(lengths.subarray(lengthCount), true)];
  }

  /** The code of these lengths. Only a single code of one bit (or none) may leave others unused. @param {Uint8Array} lengths @param {boolean} sparse */
  code(lengths, sparse) {
    const code = canonical(lengths);
    let left = 1;
    for (let length = 1; length <= 15; length += 1) {
      left = (left << 1) - code.counts[length];
      if (left < 0) this.bad("more codes than there are");
    }
    if (left > 0 && code.longest > (sparse ? 1 : 0)) this.bad("codes are missing");
    return code;
  }

  /** The content, once the checksum (Adler-32) fits, it is not too large, and nothing follows. */
  end() {
    const { data, at } = this;
    if (at + 4 > data.length) this.short();
    let a = 1;
    let b = 0;
    for (let from = 0; from < this.size; ) {
      const to = Math.min(from + 3800, this.size);
      for (; from < to; from += 1) {
        a += this.out[from];
        b += a;
      }
      a %= 65_521;
      b %= 65_521;
    }
    if (data[at] !== b >> 8 || data[at + 1] !== (b & 255) || data[at + 2] !== a >> 8 || data[at + 3] !== (a & 255)) {
      this.bad("the checksum does not fit");
    }
    if (this.size > this.max) this.large();
    if (at + 4 < data.length) this.bad("bytes after the zlib stream");
    return this.out.slice(0, this.size);
  }
}

/** @param {Uint8Array} lengths @returns {Code} */
function canonical(lengths) {
  const counts = new Uint16Array(16);
  for (const length of lengths) if (length) counts[length] += 1;
  const next = new Uint16Array(17);
  for (let length = 1; length <= 15; length += 1) next[length + 1] = next[length] + counts[length];
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length) symbols[next[length]++] = symbol;
  });
  return { counts, symbols, longest: Math.max(...lengths) };
}

const FIXED = canonical(Uint8Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)));
const FIXED_DISTANCES = canonical(new Uint8Array(30).fill(5));
