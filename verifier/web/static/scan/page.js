// The page's own words and parts: everything that people read comes from the templates of the page, translated.
// Text is set as text; nothing here makes HTML out of data.

/** @typedef {Record<string, string>} Slots */
/** @typedef {{vct: string, kind: string, id: string, title: string, purpose: string, details: string[], optional: string[], together: boolean}} Use */
/** @typedef {{locale: string, entity: string, uses: Use[], ages: [number, string[]][], short: string, months: string[], verdicts: Slots, copy: string, passed: Slots, open: Slots,
 *  remarks: Slots, reasons: Record<string, [string, string]>, levels: Slots, seen: Slots, dates: string, lists: string}} Words */

export const words = /** @type {Words} */ (read("words"));
const sayings = /** @type {Record<string, any>} */ (read("say"));
export const states = /** @type {Slots} */ (sayings.states);

/** @param {string} id @returns {unknown} */
function read(id) {
  return JSON.parse(/** @type {HTMLElement} */ (document.getElementById(id)).textContent ?? "{}");
}

/** A sentence of the page with its gaps filled. @param {string} name @param {Record<string, string | number>} [gaps] @returns {string} */
export function say(name, gaps = {}) {
  return filled(/** @type {string} */ (sayings[name]), gaps);
}

/** @param {string} text @param {Record<string, string | number>} gaps @returns {string} */
export function filled(text, gaps) {
  return text.replace(/\{(\w+)\}/g, (whole, gap) => String(gaps[gap] ?? whole));
}

/** An age in words. @param {number} seconds @returns {string} */
export function age(seconds) {
  for (const [size, forms] of words.ages) {
    if (seconds >= size) return forms[Math.min(Math.floor(seconds / size), forms.length) - 1] ?? words.short;
  }
  return words.short;
}

/** An instant in this device's time. @param {number} at @returns {string} */
export function moment(at) {
  const then = new Date(at * 1000);
  const time = [then.getHours(), then.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
  return say("moment", { day: date(at), time });
}

/** The day of an instant, in this device's time. @param {number} at @returns {string} */
export function date(at) {
  const then = new Date(at * 1000);
  return spelt(then.getFullYear(), then.getMonth(), then.getDate());
}

/** A calendar day. @param {string} iso @returns {string} */
export function day(iso) {
  const [year, month, number] = iso.split("-").map(Number);
  return spelt(year, month - 1, number);
}

/** Not every browser knows Welsh months. @param {number} year @param {number} month from 0 @param {number} number */
const spelt = (year, month, number) => `${number} ${words.months[month]} ${year}`;

/** Seconds since 1970 by this device's clock. @returns {number} */
export const now = () => Math.floor(Date.now() / 1000);

/** One of the page's parts, ready to be put somewhere. @param {string} id @param {Slots} [slots] @returns {HTMLElement} */
export function part(id, slots = {}) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const first = /** @type {HTMLElement} */ (copy.firstElementChild);
  fill(first, slots);
  return first;
}

/** Put texts where they belong; an empty text takes its place away. @param {ParentNode & Node} root @param {Slots} slots */
export function fill(root, slots) {
  for (const [name, text] of Object.entries(slots)) {
    const places = Array.from(root.querySelectorAll(`[data-slot="${name}"]`));
    if (root instanceof HTMLElement && root.dataset.slot === name) places.push(root);
    for (const place of places) {
      place.textContent = text;
      /** @type {HTMLElement} */ (place).hidden = text === "";
    }
  }
}

/** @template {HTMLElement} [T=HTMLElement] @param {ParentNode} root @param {string} name @returns {T} */
export function piece(root, name) {
  const found = root.querySelector(`[data-part="${name}"]`);
  if (!found) throw new Error(`the page has no part ${name}`);
  return /** @type {T} */ (found);
}

/** A row of a list of details. @param {string} label @param {string | string[]} value @returns {HTMLElement} */
export function row(label, value) {
  const one = part("part-row", { label });
  const place = /** @type {HTMLElement} */ (one.querySelector("[data-slot=value]"));
  if (typeof value === "string") place.textContent = value;
  else {
    const list = document.createElement("ul");
    list.className = "govuk-list";
    for (const each of value) list.append(Object.assign(document.createElement("li"), { textContent: each }));
    place.append(list);
  }
  return one;
}

/** Warnings, each with its sign. @param {HTMLElement} place @param {string[]} texts */
export function warn(place, texts) {
  place.replaceChildren(...texts.map((text) => part("part-warning", { text })));
}

/** Read out by screen readers when they have time. @param {string} text */
export function tell(text) {
  /** @type {HTMLElement} */ (document.getElementById("scan-said")).textContent = text;
}

/** Read out at once. @param {string} text */
export function alarm(text) {
  /** @type {HTMLElement} */ (document.getElementById("scan-urgent")).textContent = text;
}
