/**
 * The claim tree of a type as numbered claims in numbered groups: the inside of `dc+sd-cwt`, as `shared/formats/_typemap.py` reads it.
 * @module
 */
import { Tag } from "./cbor.js";
import { isBytes, isInteger } from "./cose.js";
import { refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./pack.js").TypeDescriptor} TypeDescriptor */
/** @typedef {import("./pack.js").ClaimDescriptor} ClaimDescriptor */
/** Parts of a path into the claim tree. @typedef {(string | number)[]} Path */
/** @typedef {{number: number, leaves: Map<number, ClaimDescriptor>, groups: Map<number, Level>}} Level */
/** `groups` counts those that are there, `paths` are those of leaves inside groups. @typedef {{claims: Record<string, any>, paths: Path[], groups: number}} Decoded */

const DAYS = 100;
const DAY_MS = 86_400_000;
const FIRST_DAY = -719_162; // 0001-01-01
const LAST_DAY = 2_932_896; // 9999-12-31
const PORTRAIT = "data:image/webp;base64,";

/** @type {WeakMap<TypeDescriptor, Level>} */
const known = new WeakMap();

/** What stands in clear, and the groups below it. @param {TypeDescriptor} type @returns {Level} */
export function levelsOf(type) {
  const root = known.get(type) ?? grow(type);
  known.set(type, root);
  return root;
}

/** Of a type for bearers everything stands at the root. @param {TypeDescriptor} type */
function grow(type) {
  const groups = type.bearer ? [] : type.groups;
  /** @type {Map<number, Level>} */
  const levels = new Map([0, ...groups.map(({ n }) => n)].map((number) => [number, { number, leaves: new Map(), groups: new Map() }]));
  const level = (/** @type {number} */ number) => levels.get(number) ?? refuse("malformed", "this type of document has no compact form");
  for (const { n, within } of groups) level(within).groups.set(n, level(n));
  for (const claim of type.claims) level(type.bearer ? 0 : claim.group).leaves.set(claim.key, claim);
  return level(0);
}

/** A group and those around it. @param {TypeDescriptor} type @param {number} number @returns {number[]} */
export function upwards(type, number) {
  const group = type.groups.find(({ n }) => n === number);
  return group ? [number, ...upwards(type, group.within)] : [];
}

/** The opened map of a type. `malformed` for what the type lacks. @param {TypeDescriptor} type @param {Map<any, any>} opened @returns {Decoded} */
export function decodeClaims(type, opened) {
  /** @type {Decoded} */
  const decoded = { claims: Object.create(null), paths: [], groups: 0 };
  place(levelsOf(type), opened, decoded);
  return decoded;
}

/** @param {Level} level @param {any} values @param {Decoded} decoded */
function place(level, values, decoded) {
  if (!(values instanceof Map)) refuse("malformed", "a group of details is a map");
  for (const [key, value] of values) {
    const leaf = level.leaves.get(key);
    const inside = typeof key === "number" ? level.groups.get(-key) : undefined;
    if (leaf) {
      put(leaf, value, decoded, level.number > 0);
    } else if (inside) {
      decoded.groups += 1;
      place(inside, value, decoded);
    } else {
      refuse("malformed", "this type of document has no such detail here");
    }
  }
}

/** @param {ClaimDescriptor} leaf @param {any} value @param {Decoded} decoded @param {boolean} hidden */
function put(leaf, value, { claims, paths }, hidden) {
  const names = /** @type {string[]} */ (leaf.path.filter((part) => part !== null));
  const last = names.pop() ?? "";
  let inside = claims;
  for (const name of names) inside = inside[name] ??= Object.create(null);
  const repeats = leaf.path.at(-1) === null;
  const read = repeats ? list(value, leaf).map((each) => one(leaf, each)) : one(leaf, value);
  inside[last] = read;
  if (!hidden) return;
  if (repeats && read.length) for (let at = 0; at < read.length; at += 1) paths.push([...names, last, at]);
  else paths.push([...names, last]);
}

/** @param {ClaimDescriptor} leaf @returns {never} */
const wrong = (leaf) => refuse("malformed", "this value has not the form of its detail", leaf.path.map((part) => `/${part ?? "-"}`).join(""));

/** @param {any} value @param {ClaimDescriptor} leaf @returns {any[]} */
const list = (value, leaf) => (Array.isArray(value) ? value : wrong(leaf));

/** @param {ClaimDescriptor} leaf @param {any} value @returns {any} */
function one(leaf, value) {
  switch (leaf.kind) {
    case "code":
      return (typeof value === "number" && leaf.choices[value]?.value) || wrong(leaf);
    case "date":
      return (value instanceof Tag && value.tag === DAYS && dateOf(value.value)) || wrong(leaf);
    case "integer":
      return isInteger(value) ? value : wrong(leaf);
    case "boolean":
      return typeof value === "boolean" ? value : wrong(leaf);
    case "portrait":
      return isBytes(value) ? PORTRAIT + base64(value) : wrong(leaf);
    default:
      return typeof value === "string" ? value : wrong(leaf);
  }
}

/** @param {any} days since 1970-01-01 (RFC 8943) @returns {string | undefined} */
function dateOf(days) {
  if (typeof days !== "number" || days < FIRST_DAY || days > LAST_DAY) return undefined;
  return new Date(days * DAY_MS).toISOString().slice(0, 10);
}

/** @param {Bytes} bytes */
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
