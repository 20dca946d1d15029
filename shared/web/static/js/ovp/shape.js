/**
 * The shape of disclosed claims: what `shared/credentials/_tree.py` checks with `whole=False`. What the type does not know is refused.
 * @module
 */
import { refuse } from "./errors.js";

/**
 * One leaf of a type as the checking pack describes it (`shared/credentials/_page.py`). `null` in a path is "each element".
 * @typedef {{path: (string | null)[], kind: string, max_length: number, max_items: number, choices: {value: string}[]}} Leaf
 */

/** @typedef {{leaf?: Leaf, items?: Node, most: number, members: Map<string, Node>}} Node */

const NOBODY_CAN_READ = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/; // eslint-disable-line no-control-regex
const BLANK = /^[\s\u001c-\u001f\u0085]*$/u; // with the byte order mark taken out: it is no space elsewhere
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const PORTRAIT = "data:image/webp;base64,";
const MAX_PORTRAIT = 800;
const MAX_PORTRAIT_URL = PORTRAIT.length + Math.ceil(MAX_PORTRAIT / 3) * 4;
const COMPLETED = new Map([[4, "-01-01"], [7, "-01"], [10, ""]]);
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * `malformed` or `too_large` with a pointer unless `value` has the form of a part of the claim tree.
 * @param {Leaf[]} leaves
 * @param {unknown} value
 */
export function checkShape(leaves, value) {
  checkNode(grow(leaves), value, "");
}

/**
 * @param {Leaf[]} leaves
 * @returns {Node}
 */
function grow(leaves) {
  const root = bud();
  for (const leaf of leaves) {
    let node = root;
    for (const part of leaf.path) {
      if (part === null) {
        node.most = leaf.max_items;
        node = node.items ??= bud();
      } else {
        const next = node.members.get(part) ?? bud();
        node.members.set(part, next);
        node = next;
      }
    }
    node.leaf = leaf;
  }
  return root;
}

/** @returns {Node} */
const bud = () => ({ most: 0, members: new Map() });

/**
 * @param {Node} node
 * @param {unknown} value
 * @param {string} where
 */
function checkNode(node, value, where) {
  if (node.leaf) checkLeaf(node.leaf, value, where);
  else if (node.items) checkArray(node, node.items, value, where);
  else checkObject(node, value, where);
}

/**
 * @param {Node} node
 * @param {unknown} value
 * @param {string} where
 */
function checkObject(node, value, where) {
  if (!isObject(value)) return refuse("malformed", "an object belongs here", where);
  for (const [name, member] of Object.entries(value)) {
    const place = `${where}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const child = node.members.get(name) ?? refuse("malformed", "this type of document has no such detail", place);
    checkNode(child, member, place);
  }
}

/**
 * @param {Node} node
 * @param {Node} items
 * @param {unknown} value
 * @param {string} where
 */
function checkArray(node, items, value, where) {
  if (!Array.isArray(value)) return refuse("malformed", "a list belongs here", where);
  if (value.length > node.most) refuse("too_large", `at most ${node.most} entries`, where);
  for (const [at, item] of value.entries()) checkNode(items, item, `${where}/${at}`);
}

/**
 * @param {Leaf} leaf
 * @param {unknown} value
 * @param {string} where
 */
function checkLeaf(leaf, value, where) {
  const check = KINDS.get(leaf.kind) ?? refuse("malformed", "a kind of detail that is not known", where);
  check(leaf, value, where);
}

/** @type {Map<string, (leaf: Leaf, value: unknown, where: string) => void>} */
const KINDS = new Map([
  ["text", checkText],
  ["date", (_leaf, value, where) => void (isDate(value) || refuse("malformed", "a date like 1938-11-02 belongs here", where))],
  ["partial-date", checkPartialDate],
  ["integer", checkInteger],
  ["boolean", (_leaf, value, where) => void (typeof value === "boolean" || refuse("malformed", "true or false belongs here", where))],
  ["code", checkCode],
  ["portrait", checkPortrait],
]);

/** @param {Leaf} leaf @param {unknown} value @param {string} where */
function checkText(leaf, value, where) {
  if (typeof value !== "string" || BLANK.test(value.replaceAll("\ufeff", "x"))) return refuse("malformed", "words belong here", where);
  if ([...value].length > leaf.max_length) refuse("too_large", `at most ${leaf.max_length} characters`, where);
  if (NOBODY_CAN_READ.test(value) || !value.isWellFormed()) refuse("malformed", "there are characters here that nobody can read", where);
}

/** @param {Leaf} _leaf @param {unknown} value @param {string} where */
function checkPartialDate(_leaf, value, where) {
  if (!days(value)) refuse("malformed", "a date like 1938-11-02, 1938-11 or 1938 belongs here", where);
}

/** @param {Leaf} _leaf @param {unknown} value @param {string} where */
function checkInteger(_leaf, value, where) {
  if (!Number.isSafeInteger(value) || Number(value) < 0) refuse("malformed", "a whole number belongs here", where);
}

/** @param {Leaf} leaf @param {unknown} value @param {string} where */
function checkCode(leaf, value, where) {
  if (!leaf.choices.some((choice) => choice.value === value)) refuse("malformed", "one of the type's codes belongs here", where);
}

/** A WebP file of 800 bytes at most inside the one spelling of its `data:` URL. @param {Leaf} _leaf @param {unknown} value @param {string} where */
function checkPortrait(_leaf, value, where) {
  if (typeof value === "string" && value.length > MAX_PORTRAIT_URL) refuse("too_large", `at most ${MAX_PORTRAIT} bytes`, where);
  const data = typeof value === "string" && value.startsWith(PORTRAIT) ? fromBase64(value.slice(PORTRAIT.length)) : "";
  const size = [4, 5, 6, 7].reduce((sum, at) => sum + (data.charCodeAt(at) || 0) * 256 ** (at - 4), 8);
  const riff = data.startsWith("RIFF") && data.slice(8, 12) === "WEBP" && size === data.length;
  if (!riff || data.length > MAX_PORTRAIT) refuse("malformed", "a small picture in the form WebP belongs here", where);
}

/** One character a byte; empty where the text is not the one spelling of anything. @param {string} text */
function fromBase64(text) {
  try {
    const data = atob(text);
    return btoa(data) === text ? data : "";
  } catch {
    return "";
  }
}

/**
 * RFC 3339 full-date of a day that exists.
 * @param {unknown} value
 */
function isDate(value) {
  const [, year, month, day] = (typeof value === "string" && DATE.exec(value)?.map(Number)) || [];
  return Boolean(year && month && month <= 12 && day >= 1 && day <= lastOf(year, month));
}

/** @param {number} year @param {number} month from 1 */
function lastOf(year, month) {
  const leap = month === 2 && (year % 4 === 0) && (year % 100 !== 0 || year % 400 === 0);
  return DAYS[month - 1] + (leap ? 1 : 0);
}

/** The first and the last day that a date may mean, of which only the year or the month may be known; `null` where it is none. @param {unknown} value @returns {[string, string] | null} */
export function days(value) {
  const rest = typeof value === "string" ? COMPLETED.get(value.length) : undefined;
  if (typeof value !== "string" || rest === undefined || !isDate(value + rest)) return null;
  const [year, month] = value.split("-").map(Number);
  return [value + rest, month === undefined ? `${value}-12-31` : rest ? `${value}-${lastOf(year, month)}` : value];
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isObject(value) {
  if (typeof value !== "object" || value === null) return false;
  const kind = Object.getPrototypeOf(value);
  return kind === Object.prototype || kind === null;
}
