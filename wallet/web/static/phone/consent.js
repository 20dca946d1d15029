/**
 * Who asks for what, why, and for how long, in registered words; what they would see and what not. Nothing optional is on by itself.
 * @module
 */
import { hex, random } from "../js/ovp/bytes.js";
import { VcError } from "../js/ovp/errors.js";
import { judge } from "../js/ovp/rules.js";
import { keeperText } from "./cards.js";
import { actingFor, groupLabel, lines, said, typeByNumber } from "./claims.js";
import { newDemands, remember } from "./known.js";
import { documents, fresh, note, openCopy, registerFile } from "./store.js";
import { all, announce, count, day, details, el, moment, now, pick, say, show, warning } from "./view.js";

/** @typedef {import("../js/ovp/vault.js").Vault} Vault */
/** @typedef {import("../js/ovp/register.js").Want} Want */
/** @typedef {import("../js/ovp/pack.js").TypeDescriptor} TypeDescriptor */
/** @typedef {import("./desk.js").Question} Question */
/** @typedef {import("./store.js").Kept} Kept */
/** A document that can answer, with a copy of it open. @typedef {{document: Kept, want: Want, type: TypeDescriptor, copy: import("../js/ovp/sdcwt.js").Copy, left: number}} Candidate */
/** @typedef {{none: () => unknown, spent: () => unknown, decline: () => unknown, agree: (agreement: import("./desk.js").Agreement) => unknown}} Then */

/** @param {Vault} vault @param {Question} question @param {Then} then @param {boolean} [changed] since it was looked at */
export async function consent(vault, question, then, changed = false) {
  const mine = (await documents(vault)).filter((document) => question.wants.some((want) => serves(typeByNumber(want.vct), document, question.use.id)));
  if (!mine.length) return then.none();
  const found = (await Promise.all(mine.map((document) => candidate(vault, question, document)))).filter((each) => each !== null);
  if (!found.length) return then.spent();
  const more = await newDemands(vault, question.entity, question.use);
  await render(vault, question, found, found[0], more, then, changed);
}

/** Whether it is of that type, and of a kind of authority that is not refused for that use whatever else it says: then nothing of anybody need be shown (`wallet/choose.py`). @param {TypeDescriptor | undefined} type @param {Kept} document @param {string} use */
function serves(type, { vct, claims }, use) {
  if (type?.vct !== vct) return false;
  try {
    judge(type, claims, type.queries.find(({ id }) => id === use)?.use ?? {});
  } catch (error) {
    if (!(error instanceof VcError)) throw error;
    return error.code !== "wrong_instrument";
  }
  return true;
}

/** @param {Vault} vault @param {Question} question @param {Kept} document @returns {Promise<Candidate | null>} */
async function candidate(vault, question, document) {
  const copies = await fresh(vault, document.id);
  const want = question.wants.find((each) => typeByNumber(each.vct)?.vct === document.vct);
  const type = want && typeByNumber(want.vct);
  return copies.length && want && type ? { document, want, type, copy: unmarked(type, await openCopy(copies[0].value), question.together === true), left: copies.length } : null;
}

/** The copy without the mark for reports to a donor, which is shown to nobody, whoever asks; and without that of people who act together where nobody else is to agree (S26). @param {Candidate["type"]} type @param {Candidate["copy"]} copy @param {boolean} together @returns {Candidate["copy"]} */
function unmarked(type, copy, together) {
  const marks = type.groups.filter(({ id }) => id === "reports" || (id === "joint" && !together)).map(({ n }) => n);
  return { ...copy, groups: new Map([...copy.groups].filter(([n]) => !marks.includes(n))) };
}

/** @param {Vault} vault @param {Question} question @param {Candidate[]} found @param {Candidate} one @param {import("./known.js").More | null} more @param {Then} then @param {boolean} changed */
async function render(vault, question, found, one, more, then, changed) {
  const { document, want, type, copy } = one;
  const name = pick(question.name);
  const acting = actingFor(type, document.claims);
  const optional = want.optional.filter((n) => copy.groups.has(n));
  const asked = [...want.required, ...want.optional];
  const known = (await registerFile(vault))?.at ?? 0;
  const { use } = question;
  /** @param {import("./desk.js").Agreement} agreement */
  const agree = async (agreement) => {
    await remember(vault, question.entity, use);
    await then.agree(agreement);
  };
  const decline = async () => {
    await note(vault, declined(question, document, asked));
    await then.decline();
    announce(say("declined_to", { name }));
  };
  const root = show("consent", {
    text: {
      title: say("asks", { name }),
      desk: question.desk ? say("desk", { desk: question.desk }) : pick(use.title),
      checked: say(question.level === 3 ? "checked" : "code_checked", { entity: question.entity, when: moment(known) }),
      purpose: pick(use.purpose),
      more_since: more ? say("more_since", { day: day(more.since) }) : "",
      keeps: keeps(use.retentionDays),
      policy: use.privacyPolicy,
      contact: use.contact,
      acting: say("acting", { name: acting }),
      from: say("from", { title: acting ? `${pick(type.title)} (${acting})` : pick(type.title) }),
      made_by: say("made_by", { office: document.issuerName }),
      uses: say("uses_after", { uses: count("uses", one.left - 1) }),
    },
    when: {
      more,
      policy: use.privacyPolicy,
      contact: use.contact,
      acting,
      level2: question.level === 2,
      choice: found.length > 1,
      optional: optional.length,
      can: document.state !== "gone",
      cannot: document.state === "gone",
    },
    lists: {
      warnings: [...(question.together ? [say("together")] : []), ...(changed ? [say("warn_changed")] : []), ...warnings(one)].map(warning),
      more: more ? moreLines(more).map((line) => el("li", {}, line)) : [],
      argued: details(argued(use)),
      choice: found.map((each, at) => radio(each, at, each === one)),
      required: details(want.required.flatMap((n) => groupLines(one, n))),
      optional: optional.map((n) => toggle(one, n)),
      always: details(lines(type, copy.claims, 0)),
      hidden: withheld(one).map((n) => el("li", {}, groupLabel(type, n))),
    },
    acts: {
      decline,
      consent: () => {
        const groups = [...want.required.filter((n) => copy.groups.has(n)), ...switched(root)];
        return agree({ document, asked, groups, claims: copy.claims, again: () => consent(vault, question, then, true) });
      },
    },
  });
  for (const choice of all(root, "input[name=document]")) {
    choice.addEventListener("change", () => void render(vault, question, found, found[Number(/** @type {HTMLInputElement} */ (choice).value)], more, then, false));
  }
}

/** What they may ask for since, in words. @param {import("./known.js").More} more */
const moreLines = ({ groups, keepsLonger }) => [
  ...groups.map(({ vct, group }) => {
    const type = typeByNumber(vct);
    return type ? groupLabel(type, group) : `${vct}/${group}`;
  }),
  ...(keepsLonger ? [say("more_kept")] : []),
];

/** What they registered beside their purpose. @param {import("../js/ovp/register.js").RegisteredUse} use */
const argued = (use) => [
  { label: say("benefit"), value: use.benefit ? pick(use.benefit) : say("not_said") },
  { label: say("could_stop"), value: use.couldStop ? pick(use.couldStop) : say("not_said") },
  { label: say("authority"), value: use.authority ? [pick(use.authority), use.authorityContact].filter(Boolean).join(", ") : say("not_said") },
  ...(use.support ? [{ label: say("support"), value: use.support }] : []),
  ...(use.evidence ? [{ label: say("evidence"), value: use.evidence }] : []),
];

/** @param {HTMLElement} root */
const switched = (root) => all(root, "input[name=optional]").flatMap((box) => (/** @type {HTMLInputElement} */ (box).checked ? [Number(/** @type {HTMLInputElement} */ (box).value)] : []));

/** @param {number | undefined} days */
const keeps = (days) => (days === undefined ? say("keeps_unknown") : days ? count("keeps_days", days) : say("keeps_nothing"));

/** What they would see of one group. @param {Candidate} one @param {number} n */
function groupLines({ type, copy }, n) {
  const found = copy.groups.has(n) ? lines(type, copy.claims, n) : [];
  return found.length ? found : [{ label: groupLabel(type, n), value: say("empty_group") }];
}

/** @param {Candidate} one */
function warnings({ document, want, type, copy }) {
  const missing = want.required.filter((n) => !copy.groups.has(n)).map((n) => groupLabel(type, n));
  return [
    ...(["invalid", "renewing", "suspended", "gone"].includes(document.state) ? [say(`warn_${document.state}`)] : []),
    ...(document.keeper?.private ? [keeperText(document.keeper)] : []),
    ...(missing.length ? [say("warn_missing", { labels: missing.join(", ") })] : []),
  ];
}

/** Groups that are in the document and that nobody asks for. @param {Candidate} one */
const withheld = ({ type, want, copy }) =>
  type.groups.map(({ n }) => n).filter((n) => copy.groups.has(n) && lines(type, copy.claims, n).length && !want.required.includes(n) && !want.optional.includes(n));

/** @param {Candidate} one @param {number} n */
function toggle({ type, copy }, n) {
  const id = `optional-${n}`;
  const values = said(type, copy.claims, n).flatMap((each) => each.values);
  const spaced = values.flatMap((value, at) => (at ? [", ", value] : [value]));
  return el(
    "div",
    { class: "govuk-checkboxes__item" },
    el("input", { class: "govuk-checkboxes__input", type: "checkbox", name: "optional", id, value: String(n) }),
    el("label", { class: "govuk-label govuk-checkboxes__label", for: id }, say("show_too", { label: groupLabel(type, n) }), el("span", { class: "mu-hint" }, ...spaced)),
  );
}

/** @param {Candidate} each @param {number} at @param {boolean} checked */
function radio({ document, type }, at, checked) {
  const id = `document-${at}`;
  const about = actingFor(type, document.claims);
  const words = `${pick(type.title)}${about ? `: ${say("acting_for", { name: about })}` : ""}, ${document.issuerName}`;
  const mark = /** @type {Record<string, string>} */ (checked ? { checked: "" } : {});
  return el(
    "div",
    { class: "govuk-radios__item" },
    el("input", { class: "govuk-radios__input", type: "radio", name: "document", id, value: String(at), ...mark }),
    el("label", { class: "govuk-label govuk-radios__label", for: id }, words),
  );
}

/** @param {Question} question @param {Kept} document @param {number[]} asked @returns {import("./store.js").Showing} */
function declined({ entity, name, use, level }, document, asked) {
  const words = { use: use.id, title: use.title, purpose: use.purpose };
  return { id: hex(random(16)), at: now(), document: document.id, vct: document.vct, entity, name, ...words, level, asked, shown: [], agreed: false, told: false };
}
