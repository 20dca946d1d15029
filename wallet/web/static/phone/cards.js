/**
 * Documents, showings and refusals as they look on the page.
 * @module
 */
import { VcError } from "../js/ovp/errors.js";
import { VaultError } from "../js/ovp/vault.js";
import { actingFor, groupLabel, types } from "./claims.js";
import { NetError } from "./net.js";
import { button, day, el, has, moment, now, pick, say } from "./view.js";

/** @typedef {import("./net.js").Keepable} Keepable */
/** @typedef {import("./store.js").Kept} Kept */

/** @param {string} label @param {string} value */
export const row = (label, value) => el("div", {}, el("dt", {}, label), el("dd", {}, value));

/** A document that is kept here. @param {Kept} kept @param {number} left @param {boolean} able whether new copies can be had now */
export function card(kept, left, able) {
  const type = types.get(kept.vct);
  const about = type ? actingFor(type, kept.claims) : "";
  const code_ = kept.expiresAt <= now() ? "expired" : kept.state;
  const tag = el("strong", { class: `govuk-tag govuk-tag--${{ valid: "green", suspended: "yellow", invalid: "red", renewing: "yellow" }[code_] ?? "grey"}` }, say(`state_${code_}`));
  const head = el("div", { class: "mu-card__head" }, el("h2", { class: "govuk-heading-m mu-card__title" }, about ? say("acting_for", { name: about }) : type ? pick(type.title) : kept.vct), tag);
  const rows = el(
    "dl",
    { class: "mu-card__rows" },
    row(say("label_uses"), String(left)),
    row(say("label_until"), day(kept.expiresAt)),
    row(say("label_renew"), day(kept.renewAt)),
    row(say("label_made_by"), kept.issuerName),
    row(say("label_state"), `${say(`state_${code_}`)}, ${say("as_of", { when: kept.checkedAt ? moment(kept.checkedAt) : say("never") })}`),
  );
  const acts = el("p", { class: "govuk-body ph-card__acts" }, ...(able ? [small(say("get_new"), "renew", kept.id)] : []), small(say("take_off"), "remove", kept.id));
  return el("li", {}, el("section", { class: "mu-card" }, head, rows, ...keeperLines(kept.keeper), acts));
}

/** Who keeps a record now, in words. @param {import("./net.js").Keeper} keeper */
export function keeperText(keeper) {
  const told = say("keeper", { name: pick(keeper.name), day: day(keeper.since) });
  return keeper.private ? `${told} ${say("keeper_private")}` : told;
}

/** Who took over from the office, if anybody did. @param {import("./net.js").Keeper | null} [keeper] */
const keeperLines = (keeper) => (keeper ? [el("p", { class: "govuk-body ph-card__keeper" }, keeperText(keeper))] : []);

/** @param {string} text @param {string} act @param {string} document_ */
const small = (text, act, document_) => el("button", { type: "button", class: "ph-link", "data-do": act, "data-document": document_ }, text);

/** A document that could be kept here. @param {Keepable} each */
export function keepCard(each) {
  const head = el("div", { class: "mu-card__head" }, el("h2", { class: "govuk-heading-m mu-card__title" }, each.subtitle ? say("acting_for", { name: each.subtitle }) : titleOf(each)));
  const rows = el("dl", { class: "mu-card__rows" }, row(say("label_made_by"), each.issuer_name));
  return el("li", {}, el("section", { class: "mu-card" }, head, rows, ...keeperLines(each.keeper), button(say("keep"), "keep", "ph-card__keep", { "data-document": each.id })));
}

/** @param {Keepable} each */
export function titleOf(each) {
  const type = types.get(each.vct);
  return type ? pick(type.title) : each.title;
}

/** One line of the history. @param {import("./store.js").Showing} one @param {import("./store.js").Taken | null} taken @param {boolean} open whether a receipt can be taken in */
export function pastLine(one, taken, open) {
  const type = types.get(one.vct);
  const labels = one.shown.map((n) => (type ? groupLabel(type, n) : String(n))).join(", ");
  const how = say(`level_${one.level}`, { name: pick(one.name) });
  const what = one.agreed ? `${say("history_shown", { labels: labels || say("paper_always") })}. ${how}` : `${say("history_declined")}.`;
  return el(
    "li",
    {},
    el("strong", {}, say("history_line", { when: moment(one.at), name: pick(one.name), use: pick(one.title) })),
    el("span", { class: "mu-hint" }, `${what}${one.told ? "" : ` (${say("history_waits")})`}`),
    ...(taken ? [el("span", { class: "ph-receipt" }, tagOf(taken), ` ${whyOf(taken)}`)] : []),
    ...(open ? [el("button", { type: "button", class: "ph-link", "data-do": "receipt", "data-showing": one.id }, say("take_receipt"))] : []),
  );
}

/** @param {import("./store.js").Taken} taken */
function tagOf({ fault, waits, decision }) {
  if (waits) return el("strong", { class: "govuk-tag govuk-tag--yellow" }, say("receipt_later"));
  const kind = fault ? "red" : { accepted: "green", rejected: "red", undecided: "yellow" }[decision];
  return el("strong", { class: `govuk-tag govuk-tag--${kind}` }, fault ? say("receipt_misfit") : say("receipt_tag", { what: say(`receipt_${decision}`) }));
}

/** What a receipt says, in a sentence: why they decided so, or what does not fit. @param {import("./store.js").Taken} taken */
export function whyOf({ fault, code, decision }) {
  if (fault) return say(has(`misfit_${fault}`) ? `misfit_${fault}` : "misfit_other", { code: fault });
  if (has(`reason_${code}`)) return say(`reason_${code}`);
  return decision === "undecided" ? say("receipt_person") : code ? say("receipt_reason", { code }) : "";
}

/** What went wrong, in words; empty for what should not happen. @param {unknown} error @returns {string} */
export function whyNot(error) {
  if (error instanceof NetError) {
    if (error.code === "changed_meanwhile" || error.kind === "busy") return say("why_busy");
    return say(`why_${{ offline: "offline", signed_out: "signed_out", conflict: "conflict", unavailable: "unavailable", refused: "other", busy: "busy" }[error.kind]}`, { code: error.code });
  }
  if (error instanceof VaultError) return say(error.code === "full" ? "why_full" : error.code === "no_storage" ? "why_storage" : "why_other", { code: error.code });
  return error instanceof VcError ? say("why_copies", { code: error.code }) : "";
}
