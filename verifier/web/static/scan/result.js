// The result in plain words: whether to rely on it, how it was shown, one line a check, what was shown, and how old the knowledge is.
// Sentences are those of the service's own pages (verifier/words.py). Levels 0 and 1 never look like a full yes.
import { age, date, day, fill, filled, moment, part, piece, row, say, states, words } from "./page.js";

/** @typedef {{name: string, state: string, code: string, where: string, needed?: boolean}} Check */
/** Who has taken over from an issuer since. @typedef {{entity: string, name: Text, since: number}} Keeper */
/** @typedef {{vct: string, issuer: string, issuer_name: string, issued_at: number, expires_at: number, claims: Record<string, any>, disclosed: (string | number | null)[][], succeeded_by?: Keeper}} Shown */
/** @typedef {{decision: "accepted" | "rejected" | "undecided", code: string, level: {name: string, number: number}, checks: Check[],
 *  credentials: Shown[], status: {as_of: number, age: number} | null, pack: {as_of: number, age: number} | null, checked_at: number}} Verdict
 *  as shared/verify renders it */
/** @typedef {{en: string, cy: string}} Text */
/** @typedef {{path: (string | null)[], kind: string, label: Text, group: number, choices?: {value: string, label: Text}[]}} Leaf */
/** @typedef {{vct: string, title: Text, claims: Leaf[], represents: string[]}} Kind a type in the checking pack */
/** @typedef {{verdict: Verdict, seconds: "both" | "alone" | "stricter", seen: "" | "checked", use: string}} Outcome */

const locale = /** @type {keyof Text} */ (words.locale);
const READ = { restrictions_to_read: "restrictions", needs_capacity_evidence: "capacity" };

/** What a person has to read or say before anything can be decided, or "". @param {Verdict} verdict */
export function toDecide(verdict) {
  return verdict.decision === "undecided" && verdict.code in READ ? READ[/** @type {keyof typeof READ} */ (verdict.code)] : "";
}

/** Whether its holder's signature was found to be right. @param {Verdict} verdict */
export const byHolder = ({ checks }) => checks.some(({ name, state }) => name === "holder_binding" && state === "passed");

/**
 * How it looks: a full yes only for what was shown live, or answered this desk's code.
 * @param {Verdict} verdict
 * @returns {"accepted" | "limited" | "part" | "rejected" | "undecided"}
 */
export function look({ decision, level }) {
  if (decision !== "accepted") return decision;
  return level.number === 3 ? "accepted" : level.number === 2 ? "limited" : "part";
}

/** @param {Verdict} verdict @returns {string} */
export function heading(verdict) {
  if (verdict.decision === "undecided") return `${words.verdicts.undecided}: ${say("next")}`;
  return look(verdict) === "part" ? words.copy : words.verdicts[verdict.decision];
}

/**
 * Fill the page of the result.
 * @param {HTMLElement} view
 * @param {Outcome} outcome
 * @param {Kind[]} kinds
 */
export function render(view, { verdict, seconds, seen }, kinds) {
  const tone = look(verdict);
  const panel = piece(view, "verdict");
  panel.classList.add(`mu-verdict--${tone}`);
  panel.dataset.level = String(verdict.level.number);
  sign(view, tone);
  const [why, next] = verdict.decision === "accepted" ? ["", ""] : (words.reasons[verdict.code] ?? words.reasons.undecided);
  fill(view, {
    heading: heading(verdict),
    why: [why, disputed(verdict)].filter(Boolean).join(" "),
    next: tone === "part" ? say("partnext") : next,
    summary: verdict.decision === "accepted" ? summary(verdict.credentials, kinds) : "",
    level: level(verdict, seen),
    knowledge: knowledge(verdict),
    judge: say(seconds),
  });
  open(view, verdict);
  for (const check of verdict.checks) piece(view, "checks").append(line(check, check.name === "issuer_trust" ? keepers(verdict) : ""));
  shown(view, verdict, kinds);
  const question = toDecide(verdict);
  if (question) {
    view.querySelector(".scan-big")?.classList.add("govuk-button--secondary"); // what comes next is to decide
    piece(view, "decide").hidden = false;
    fill(piece(view, "decide"), {
      question: say(question),
      restrictions: String(verdict.credentials[0]?.claims?.restrictions_text ?? ""),
    });
  }
}

/** @param {HTMLElement} view @param {string} tone */
function sign(view, tone) {
  const use = /** @type {SVGUseElement} */ (piece(view, "sign").querySelector("use"));
  const address = (use.getAttribute("href") ?? "").split("#")[0];
  const name = tone === "limited" ? "accepted" : tone === "part" ? "copy" : tone;
  use.setAttribute("href", `${address}#${name}`);
}

/** @param {Verdict} verdict @param {string} seen */
function level({ decision, level: { number } }, seen) {
  if (decision === "rejected") return "";
  return seen ? `${words.levels[String(number)]} ${words.seen[seen]}` : words.levels[String(number)];
}

/** How old the knowledge is that this rests on. @param {Verdict} verdict @returns {string} */
function knowledge({ pack, status }) {
  const said = [];
  if (pack) said.push(filled(words.dates, { moment: moment(pack.as_of), age: age(pack.age) }));
  if (status) said.push(filled(words.lists, { moment: moment(status.as_of), age: age(status.age) }));
  return said.join(" ");
}

/** What was not checked is said, also below a yes. @param {HTMLElement} view @param {Verdict} verdict */
function open(view, verdict) {
  if (verdict.decision === "rejected") return;
  const lines = verdict.checks.filter((one) => one.state === "unchecked" && one.code !== "not_reached" && one.code !== verdict.code);
  const place = piece(view, "open");
  place.hidden = !lines.length;
  if (!lines.length) return;
  const title = document.createElement("strong");
  title.textContent = say("notchecked");
  const first = part("part-line");
  first.append(title);
  place.replaceChildren(first, ...lines.map((one) => part("part-line", { text: sentence(one).text })));
}

/** @param {Check} check @returns {{text: string, next: string}} */
function sentence({ name, state, code, needed = true }) {
  if (state === "passed") return { text: [words.passed[name], words.remarks[code]].filter(Boolean).join(" "), next: "" };
  const [why, next] = words.reasons[code] ?? words.reasons[state === "failed" ? "rejected" : "undecided"];
  return { text: state === "unchecked" && needed ? `${words.open[name]} ${why}` : why, next };
}

/** That the holder says a detail is wrong, where the document says so. It decides nothing. @param {Verdict} verdict */
function disputed({ checks }) {
  return checks.some(({ state, code }) => state === "passed" && code === "disputed") ? words.remarks.disputed : "";
}

/** Who keeps the records of the issuer now. @param {Verdict} verdict */
function keepers({ credentials }) {
  const found = credentials.flatMap(({ succeeded_by: keeper }) => (keeper ? [keeper] : []));
  return found.map(({ name, since }) => say("keeper", { office: name[locale], day: date(since) })).join(" ");
}

/** @param {Check} check @param {string} more what there is to add @returns {HTMLElement} */
function line(check, more) {
  const { text, next } = sentence(check);
  const one = part("part-check", { state: states[check.state], text: [text, more].filter(Boolean).join(" "), next });
  one.classList.add(`mu-check--${check.state}`);
  return one;
}

// --- what was shown ---------------------------------------------------------------------------------------------------------------

/** @param {Shown[]} credentials @param {Kind[]} kinds @returns {string} */
function summary([shown], kinds) {
  const kind = kinds.find((one) => one.vct === shown?.vct);
  if (!shown || !kind) return "";
  const person = kind.represents.length ? /** @type {any} */ (valueAt(shown.claims, kind.represents)) : null;
  const name = person ? [person.given_name, person.family_name].filter(Boolean).join(" ") : "";
  return name ? `${kind.title[locale]}: ${say("actingfor", { name })}` : kind.title[locale];
}

/** @param {HTMLElement} view @param {Verdict} verdict @param {Kind[]} kinds */
function shown(view, { credentials, decision }, kinds) {
  const place = piece(view, "shown");
  place.hidden = decision === "rejected" || !credentials.length;
  if (place.hidden) return;
  fill(place, { shown: say("shown") });
  for (const credential of credentials) {
    const kind = kinds.find((one) => one.vct === credential.vct);
    for (const leaf of kind?.claims ?? []) {
      const values = valuesAt(credential.claims, leaf.path);
      if (!values.length) continue;
      if (leaf.kind === "portrait") portrait(view, String(values[0]));
      else detail(piece(view, "details"), leaf, values);
    }
  }
}

/** @param {HTMLElement} place @param {Leaf} leaf @param {unknown[]} values */
function detail(place, leaf, values) {
  const texts = values.map((value) => text(leaf, value));
  place.append(row(leaf.label[locale], texts.length > 1 ? texts : texts[0]));
}

/** @param {HTMLElement} view @param {string} address a data: address of a picture, made by sdcwt.js */
function portrait(view, address) {
  if (!/^data:image\/webp;base64,[A-Za-z0-9+/=]+$/.test(address)) return;
  /** @type {HTMLImageElement} */ (piece(view, "face")).src = address;
  piece(view, "portrait").hidden = false;
}

/** A value as people read it. @param {Leaf} leaf @param {unknown} value @returns {string} */
function text(leaf, value) {
  const choice = leaf.choices?.find((one) => one.value === value);
  if (choice) return choice.label[locale];
  if (typeof value === "boolean") return say(value ? "yes" : "no");
  if (leaf.kind.endsWith("date") && /^\d{4}-\d\d-\d\d$/.test(String(value))) return day(String(value));
  return String(value);
}

/** @param {unknown} tree @param {(string | null)[]} path @returns {unknown} */
function valueAt(tree, path) {
  return path.reduce((/** @type {any} */ here, step) => (here && step !== null && Object.hasOwn(here, step) ? here[step] : undefined), tree);
}

/** All values of a leaf; `null` in a path stands for every element. @param {unknown} tree @param {(string | null)[]} path @returns {unknown[]} */
function valuesAt(tree, path) {
  if (!path.length) return tree === undefined || tree === null ? [] : [tree];
  const [step, ...rest] = path;
  if (step === null) return Array.isArray(tree) ? tree.flatMap((each) => valuesAt(each, rest)) : [];
  const inside = typeof tree === "object" && tree !== null && Object.hasOwn(tree, step) ? /** @type {any} */ (tree)[step] : undefined;
  return inside === undefined ? [] : valuesAt(inside, rest);
}

/** The same as the log names them, `represented/family_name`, positions left out. @param {Verdict} verdict @param {Kind[]} kinds @returns {string[]} */
export function paths({ credentials: [shown] }, kinds) {
  const leaves = kinds.find((one) => one.vct === shown?.vct)?.claims ?? [];
  const found = leaves.filter(({ path }) => valuesAt(shown.claims, path).length).map(({ path }) => path.filter((step) => step !== null).join("/"));
  return [...new Set(found)];
}

/** Labels of what was shown, for the list of decisions: names, never values. @param {Verdict} verdict @param {Kind[]} kinds @returns {string[]} */
export function names({ credentials }, kinds) {
  const found = credentials.flatMap((credential) => {
    const kind = kinds.find((one) => one.vct === credential.vct);
    return (kind?.claims ?? []).filter((leaf) => valuesAt(credential.claims, leaf.path).length).map((leaf) => leaf.label[locale]);
  });
  return [...new Set(found)];
}
