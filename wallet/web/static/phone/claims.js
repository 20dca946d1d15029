/**
 * What a document says, in words: labels and values by the description of its type, which the page carries with it.
 * @module
 */
import { isObject } from "../js/ovp/shape.js";
import { day, el, find, locale, pick, say } from "./view.js";

/** @typedef {import("../js/ovp/pack.js").TypeDescriptor} TypeDescriptor */
/** @typedef {{label: string, value: string | Node}} Line */
/** @typedef {{label: string, values: (string | Node)[]}} Said */

/** @type {Map<string, TypeDescriptor>} */
export const types = new Map(JSON.parse(find(document, "#types").textContent).map((/** @type {TypeDescriptor} */ type) => [type.vct, type]));

/** @param {number} number `vct_int` */
export const typeByNumber = (number) => Array.from(types.values()).find((type) => type.vct_int === number);

/**
 * Whether it is asked of several who act together: that takes a question on a screen, which names what they agree to.
 * @param {import("../js/ovp/register.js").RegisteredUse} use
 */
export const isJoint = ({ wants }) =>
  wants.some(({ vct, required }) => typeByNumber(vct)?.groups.some(({ id, n }) => id === "joint" && required.includes(n)));

/** @param {TypeDescriptor} type @param {number} n */
export const groupLabel = (type, n) => {
  const group = type.groups.find((each) => each.n === n);
  return group ? pick(group.label) : String(n);
};

/** @param {TypeDescriptor} type @param {number} n */
export const groupId = (type, n) => type.groups.find((each) => each.n === n)?.id ?? String(n);

/** A claim tree as one text, in whatever order its members came. @param {unknown} claims */
export const spelt = (claims) => JSON.stringify(claims, (_, value) => (isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value));

/** What one group of a claim tree says, each detail once with all its values; 0 is what is always in clear. @param {TypeDescriptor} type @param {any} claims @param {number} group @returns {Said[]} */
export const said = (type, claims, group) =>
  type.claims
    .filter((claim) => claim.group === group)
    .map((claim) => ({ label: pick(claim.label), values: leaves(claims, claim.path).map((value) => worded(claim, value)) }))
    .filter(({ values }) => values.length);

/** The same as rows of a list. @param {TypeDescriptor} type @param {any} claims @param {number} group @returns {Line[]} */
export const lines = (type, claims, group) =>
  said(type, claims, group).map(({ label, values }) => ({
    label,
    value: values.length > 1 ? el("ul", { class: "govuk-list" }, ...values.map((value) => el("li", {}, value))) : values[0],
  }));

/** @param {any} tree @param {(string | null)[]} path @returns {any[]} */
function leaves(tree, path) {
  if (tree === undefined || tree === null) return [];
  if (!path.length) return [tree];
  const [part, ...rest] = path;
  if (part === null) return Array.isArray(tree) ? tree.flatMap((each) => leaves(each, rest)) : [];
  return leaves(tree[part], rest);
}

/** @param {TypeDescriptor["claims"][number]} claim @param {any} value @returns {string | Node} */
function worded(claim, value) {
  const choice = claim.choices.find((each) => each.value === value);
  if (choice) return pick(choice.label);
  if (typeof value === "boolean") return say(value ? "yes" : "no");
  if (claim.kind === "portrait") return el("img", { src: value, alt: pick(claim.label), class: "ph-portrait" });
  if (claim.kind.endsWith("date") && value.length === 10) return day(Date.parse(`${value}T12:00:00Z`) / 1000);
  return typeof value === "number" ? value.toLocaleString(locale) : String(value);
}

/** The name of the person that the holder acts for, or "". @param {TypeDescriptor} type @param {any} claims @returns {string} */
export function actingFor(type, claims) {
  const about = type.represents.length ? type.represents.reduce((tree, part) => tree?.[part], claims) : null;
  return [about?.given_name, about?.family_name].filter((name) => typeof name === "string").join(" ");
}
