/**
 * A copy on paper for one organisation and one reason: signed here, printed by the browser, at error correction M (security rule S8).
 * @module
 */
import { random } from "../js/ovp/bytes.js";
import { toSvg } from "../js/ovp/draw.js";
import { MAX_TEXT, PRESENTATION, renderText } from "../js/ovp/envelope.js";
import { DAY } from "../js/ovp/register.js";
import { groupLabel, types } from "./claims.js";
import { ask, choices, chosen, parties, sign } from "./desk.js";
import { day, details, find, now, pick, say, show, typed, warning } from "./view.js";

/** @typedef {import("../js/ovp/vault.js").Vault} Vault */
/** @typedef {import("./desk.js").Question} Question */
/** @typedef {import("./desk.js").Agreement} Agreement */

/** Characters in the largest code at level M (ISO/IEC 18004 table 7). */
const MEDIUM = 3391;
const SMALLEST = 60; // mm
const MODULE = 0.6; // mm

/** @param {Vault} vault */
export async function paper(vault) {
  const known = await parties(vault);
  const root = show("paper", { when: { none: !known.length, some: known.length }, acts: { paper: () => choose(vault, known) } });
  if (known.length) choices(root, known);
}

/** @param {Vault} vault @param {import("../js/ovp/register.js").RelyingParty[]} known */
async function choose(vault, known) {
  const pair = chosen(known);
  if (!pair) return;
  const { party, use } = pair;
  const until = now() + Number(typed("days")) * DAY;
  let ends = until;
  /** @type {Question} */
  const question = {
    level: 1,
    entity: party.entity,
    name: party.name,
    desk: "",
    use,
    wants: use.wants,
    binding: (copy) => {
      ends = Math.min(until, copy.expiresAt);
      return { audience: `a:${party.entity}`, nonce: random(16), cti: random(16), exp: ends, purposeId: use.id };
    },
  };
  await ask(vault, question, async (agreement) => {
    const signed = await sign(vault, question, agreement);
    if (signed) await printed(question, agreement, await renderText(PRESENTATION, signed.kbt), ends);
  });
}

/** @param {Question} question @param {Agreement} agreement @param {string} text @param {number} ends */
async function printed(question, { document, groups }, text, ends) {
  const [name, until] = [pick(question.name), day(ends)];
  const type = types.get(document.vct);
  const shows = [...groups.map((n) => (type ? groupLabel(type, n) : String(n))), say("paper_always")];
  const root = show("printed", {
    text: { title: say("paper_title", { name }), sentence: say("paper_sentence", { name, date: until }) },
    lists: {
      facts: details([
        { label: say("paper_document"), value: type ? pick(type.title) : document.vct },
        { label: say("paper_for"), value: `${name} (${question.entity})` },
        { label: say("paper_purpose"), value: pick(question.use.title) },
        { label: say("paper_until"), value: until },
        { label: say("paper_shows"), value: shows.join(", ") },
      ]),
    },
    acts: { print: () => print() },
  });
  const place = find(root, ".ph-paper__code");
  place.setAttribute("aria-label", say("paper_alt"));
  if (text.length > Math.min(MEDIUM, MAX_TEXT)) return place.replaceWith(warning(say("paper_dense")));
  const svg = toSvg(text, { level: "medium" });
  const size = Math.max(SMALLEST, svg.viewBox.baseVal.width * MODULE);
  svg.setAttribute("width", `${size}mm`);
  svg.setAttribute("height", `${size}mm`);
  place.append(svg);
}
