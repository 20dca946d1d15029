/**
 * One view at a time: a template of the page is cloned, filled and shown, and its buttons and forms call what was given for them.
 *
 *     const root = show("home", { text: { subject: "…" }, when: { stale: true }, lists: { documents: [card] }, acts: { scan } });
 *
 * `data-if` parts stay where `when` says so, `data-text` and `data-list` are filled, `data-do` and `data-form` call `acts`.
 * @module
 */

/** @typedef {(target: HTMLElement) => unknown} Act */
/** @typedef {{text?: Record<string, string | undefined>, when?: Record<string, unknown>, lists?: Record<string, Node[]>, acts?: Record<string, Act>, leave?: () => void}} Filling */
/** @typedef {{en: string, cy: string}} Text */

const { initAll } = await import(new URL("../vendor/govuk-frontend.js", import.meta.url).href);

export const locale = document.documentElement.lang === "cy" ? "cy" : "en";
/** @type {Record<string, string>} */
const words = JSON.parse(find(document, "#words").textContent);
const place = find(document, "#view");
/** @type {Record<string, Act>} */
const common = {};
/** Forms that are being dealt with: sent twice is sent once. @type {WeakSet<HTMLElement>} */
const busy = new WeakSet();
/** @type {Filling} */
let shown = {};
/** @type {(error: unknown) => void} */
let failed = (error) => {
  throw error;
};

/** What buttons do in every view, and what happens when one fails. @param {Record<string, Act>} acts @param {(error: unknown) => void} onFailure */
export function serve(acts, onFailure) {
  Object.assign(common, acts);
  failed = onFailure;
  place.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("[data-do]"));
    if (target) act(target.dataset.do ?? "", target);
  });
  place.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = /** @type {HTMLElement} */ (event.target);
    if (busy.has(form)) return;
    busy.add(form);
    void act(form.dataset.form ?? "", form).finally(() => busy.delete(form));
  });
}

/** What a button of that name does. @param {string} name */
export const press = (name) => act(name, place);

/** @param {string} name @param {HTMLElement} target */
async function act(name, target) {
  try {
    await (shown.acts?.[name] ?? common[name])?.(target);
  } catch (error) {
    failed(error);
  }
}

/** Show a view; the one before is left. One that is drawn anew keeps its place and its focus. @param {string} name @param {Filling} [filling] @returns {HTMLElement} */
export function show(name, filling = {}) {
  shown.leave?.();
  shown = filling;
  const again = place.dataset.view === name;
  const focus = again ? focused() : "h1";
  const part = /** @type {DocumentFragment} */ (/** @type {HTMLTemplateElement} */ (find(document, `#view-${name}`)).content.cloneNode(true));
  const { text = {}, when = {}, lists = {} } = filling;
  for (const each of all(part, "[data-if]")) if (!when[each.dataset.if ?? ""]) each.remove();
  for (const each of all(part, "[data-text]")) each.textContent = text[each.dataset.text ?? ""] ?? "";
  for (const each of all(part, "[data-list]")) {
    each.append(...(lists[each.dataset.list ?? ""] ?? []));
    each.hidden = !each.childNodes.length;
  }
  place.dataset.view = name;
  place.replaceChildren(part);
  initAll({ scope: place });
  const heading = find(place, "h1");
  heading.tabIndex = -1;
  const wanted = /** @type {HTMLElement | null} */ (place.querySelector(focus)) ?? heading;
  wanted.focus({ preventScroll: true });
  document.title = `${heading.textContent} – muniment`;
  if (!again) scrollTo(0, 0);
  return place;
}

/** A selector of what has the focus in this view. */
function focused() {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || !place.contains(active)) return "h1";
  const { do: act = "", document: about } = active.dataset;
  if (active.id) return `#${CSS.escape(active.id)}`;
  return act ? `[data-do="${act}"]${about ? `[data-document="${CSS.escape(about)}"]` : ""}` : "h1";
}

/** The name of the view that is shown. */
export const current = () => place.dataset.view ?? "";

/** Read out by screen readers. @param {string} text */
export function announce(text) {
  find(document, "#said").textContent = text;
}

// --- words ---------------------------------------------------------------------------------------------------------------------------

/** @param {string} key @param {Record<string, string | number>} [fill] */
export function say(key, fill = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (hole, name) => String(fill[name] ?? hole));
}

/** `has` says whether there is such a sentence. @param {string} key */
export const has = (key) => key in words;

/** One or more of something. @param {string} key @param {number} n */
export const count = (key, n) => say(`${key}_${n === 1 ? "one" : "other"}`, { n });

/** @param {Text} text */
export const pick = (text) => text[locale] || text.en;

/** In the reader's language, whatever languages the browser knows, and in this phone's time zone. @param {number} at */
export function day(at) {
  const date = new Date(at * 1000);
  return `${date.getDate()} ${say("months").split("|")[date.getMonth()]} ${date.getFullYear()}`;
}

/** @param {number} at */
export function moment(at) {
  const [hours, minutes] = [new Date(at * 1000).getHours(), new Date(at * 1000).getMinutes()].map((part) => String(part).padStart(2, "0"));
  return say("moment", { day: day(at), time: `${hours}:${minutes}` });
}

export const now = () => Math.floor(Date.now() / 1000);

/** How long ago, in one unit. @param {number} at */
export function ago(at) {
  const minutes = Math.max(0, Math.floor((now() - at) / 60));
  if (minutes < 1) return say("just_now");
  if (minutes < 60) return count("minute", minutes);
  return minutes < 2880 ? count("hour", Math.floor(minutes / 60)) : count("day", Math.floor(minutes / 1440));
}

// --- elements ------------------------------------------------------------------------------------------------------------------------

/** @template {keyof HTMLElementTagNameMap} K @param {K} tag @param {Record<string, string>} [attributes] @param {...(Node | string)} children @returns {HTMLElementTagNameMap[K]} */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** @param {ParentNode} root @param {string} selector @returns {HTMLElement} */
export function find(root, selector) {
  const found = /** @type {HTMLElement | null} */ (root.querySelector(selector));
  if (!found) throw new Error(`nothing is ${selector}`);
  return found;
}

/** @param {ParentNode} root @param {string} selector @returns {HTMLElement[]} */
export const all = (root, selector) => Array.from(root.querySelectorAll(selector));

/** @param {string} id @returns {string} */
export const typed = (id) => /** @type {HTMLInputElement} */ (find(place, `#${id}`)).value;

/** Rows of a list of details. @param {{label: string, value: string | Node}[]} rows */
export const details = (rows) =>
  rows.map(({ label, value }) =>
    el("div", { class: "govuk-summary-list__row" }, el("dt", { class: "govuk-summary-list__key" }, label), el("dd", { class: "govuk-summary-list__value" }, value)),
  );

/** @param {string} text @param {string} act @param {string} [kind] @param {Record<string, string>} [data] */
export const button = (text, act, kind = "", data = {}) => el("button", { type: "button", class: `govuk-button ${kind}`, "data-do": act, ...data }, text);

/** @param {string} text */
export const warning = (text) =>
  el(
    "div",
    { class: "govuk-warning-text" },
    el("span", { class: "govuk-warning-text__icon", "aria-hidden": "true" }, "!"),
    el("strong", { class: "govuk-warning-text__text" }, text),
  );

/** Say at a field what is wrong with it, and go there. @param {string} id @param {string} message */
export function wrong(id, message) {
  const field = /** @type {HTMLInputElement} */ (find(place, `#${id}`));
  const group = /** @type {HTMLElement} */ (field.closest(".govuk-form-group"));
  let line = /** @type {HTMLElement | null} */ (group.querySelector(".govuk-error-message"));
  if (!line) {
    line = el("p", { class: "govuk-error-message" });
    find(group, "label").after(line);
  }
  line.id ||= `${id}-error`;
  line.replaceChildren(el("span", { class: "govuk-visually-hidden" }, `${say("error")} `), message);
  line.hidden = false;
  group.classList.add("govuk-form-group--error");
  if (field.type !== "file") field.classList.add("govuk-input--error");
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", [...new Set([...(field.getAttribute("aria-describedby") ?? "").split(" "), line.id])].join(" ").trim());
  field.focus();
}

/** Take all such words back. */
export function right() {
  for (const line of all(place, ".govuk-error-message")) line.hidden = true;
  for (const group of all(place, ".govuk-form-group--error")) group.classList.remove("govuk-form-group--error");
  for (const field of all(place, "[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.classList.remove("govuk-input--error");
  }
}
