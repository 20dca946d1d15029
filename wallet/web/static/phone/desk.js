/**
 * Showing at a desk: scan or type what is asked, see who asks and why, agree, spend one copy, show the answer.
 * @module
 */
import { hex, random } from "../js/ovp/bytes.js";
import { checkChallenge, parseChallenge, sealAnswer } from "../js/ovp/challenge.js";
import { codeAudience, codeNonce, parseCode } from "../js/ovp/code.js";
import { CHALLENGE, PRESENTATION, SEALED } from "../js/ovp/envelope.js";
import { VcError } from "../js/ovp/errors.js";
import { present, withStaple } from "../js/ovp/sdcwt.js";
import { isJoint, spelt } from "./claims.js";
import { showFrames } from "./frames.js";
import { consent } from "./consent.js";
import { look } from "./look.js";
import { takeReceipt } from "./receipt.js";
import { signal } from "./signals.js";
import { drawCopy, fresh, lapsed, openCopy, proofOf, register, spend, stapleOf } from "./store.js";
import { announce, count, el, find, has, now, pick, press, right, say, show, typed, wrong } from "./view.js";

/** @typedef {import("../js/ovp/vault.js").Vault} Vault */
/** @typedef {import("../js/ovp/bytes.js").Bytes} Bytes */
/** @typedef {import("../js/ovp/register.js").RelyingParty} RelyingParty */
/** @typedef {import("../js/ovp/register.js").RegisteredUse} RegisteredUse */
/** @typedef {import("../js/ovp/sdcwt.js").ToSign} ToSign */
/** What is asked, whichever way it came. `seal` makes the answer readable by the desk alone, `staple` asks for a status assertion, `together`: it counts only once others have agreed too. @typedef {{level: 1 | 2 | 3, entity: string, name: import("./view.js").Text, desk: string, use: RegisteredUse, wants: import("../js/ovp/register.js").Want[], staple?: boolean, together?: boolean, binding: (copy: import("../js/ovp/sdcwt.js").Copy) => Omit<ToSign, "at">, seal?: (kbt: Bytes) => Promise<Bytes>}} Question */
/** What the holder agreed to: with `claims` before her eyes, else she looks `again`. @typedef {{document: import("./store.js").Kept, groups: number[], asked: number[], claims: unknown, again: () => unknown}} Agreement */

// --- who asks ------------------------------------------------------------------------------------------------------------------------

/** Read a desk's question. @param {Vault} vault */
export const scan = (vault) => look((got) => read(vault, got), true);

/** A whole code: a desk's question, or something else. @param {Vault} vault @param {import("../js/ovp/envelope.js").Received} got */
async function read(vault, { prefix, content }) {
  signal("seen");
  if (prefix !== CHALLENGE) return refused("other");
  /** @type {import("../js/ovp/challenge.js").Challenge | null} */
  let challenge = null;
  try {
    challenge = await parseChallenge(content);
    const asker = await checkChallenge(challenge, await register(vault), now());
    await ask(vault, liveQuestion(challenge, asker));
  } catch (error) {
    if (!(error instanceof VcError)) throw error;
    refused(await reason(vault, error, challenge));
  }
}

/** @param {import("../js/ovp/challenge.js").Challenge} challenge @param {import("../js/ovp/challenge.js").Asker} asker @returns {Question} */
const liveQuestion = (challenge, asker) => ({
  ...asker,
  level: 3,
  staple: challenge.staple,
  together: challenge.transaction !== null,
  binding: () => challenge.binding,
  seal: (kbt) => sealAnswer(challenge, PRESENTATION, kbt),
});

/** In the page's words. @param {Vault} vault @param {VcError} error @param {import("../js/ovp/challenge.js").Challenge | null} challenge */
async function reason(vault, error, challenge) {
  if (error.code === "untrusted" && challenge && (await lapsed(vault, challenge.desk.entity))) return "certificate";
  if (error.code === "expired" && challenge && challenge.desk.expiresAt <= now()) return "desk";
  if (["bad_signature", "wrong_audience", "algorithm_refused"].includes(error.code)) return "forged";
  return has(`refused_${error.code}`) ? error.code : "other";
}

/** Nothing is shown, and why. @param {string} why */
export function refused(why) {
  show("refused", { text: { title: say(`refused_${why}`), why: say(`refused_${why}_why`), next: say("refused_next") } });
}

/** @param {Vault} vault @param {Question} question @param {(agreement: Agreement) => unknown} [agree] */
export async function ask(vault, question, agree = (agreement) => answer(vault, question, agreement)) {
  await consent(vault, question, { none: () => refused("none"), spent: () => refused("spent"), decline: () => press("home"), agree });
}

// --- the answer ----------------------------------------------------------------------------------------------------------------------

/**
 * One copy, signed, spent and noted, in this order; then it is shown. One that says something else by now is not signed.
 * @param {Vault} vault @param {Question} question @param {Agreement} agreement @returns {Promise<{id: string, kbt: Bytes} | null>} null once the page says why not
 */
export async function sign(vault, question, { document, groups, asked, claims, again }) {
  const item = await drawCopy(vault, document.id);
  if (!item) {
    refused("spent");
    return null;
  }
  const [copy, key, at] = [await openCopy(item.value), await vault.openKey(item.value.key), now()];
  if (spelt(copy.claims) !== spelt(claims)) {
    await again();
    return null;
  }
  const staple = question.staple ? await stapleOf(vault, copy, at) : null;
  const binding = question.binding(copy);
  const kbt = await present(staple ? withStaple(copy, staple) : copy, groups, { ...binding, at }, key);
  const { entity, name, level, use } = question;
  const id = hex(random(16));
  const showing = {
    id,
    at,
    document: document.id,
    vct: document.vct,
    entity,
    name,
    use: use.id,
    title: use.title,
    purpose: use.purpose,
    level,
    asked,
    shown: groups,
    agreed: true,
    told: false,
  };
  await spend(vault, item, showing, proofOf(kbt, binding.cti ?? binding.nonce, at));
  return { id, kbt };
}

/** @param {Vault} vault @param {Question} question @param {Agreement} agreement */
async function answer(vault, question, agreement) {
  const signed = await sign(vault, question, agreement);
  if (!signed) return;
  const { id, kbt } = signed;
  const content = question.seal ? await question.seal(kbt) : kbt;
  const [prefix, name] = [question.seal ? SEALED : PRESENTATION, pick(question.name)];
  await showFrames({ prefix, content, title: say("show_to", { name }), level: say(`level_${question.level}`) }, () => shown(vault, question, agreement, id));
}

/** @param {Vault} vault @param {Question} question @param {Agreement} agreement @param {string} id */
async function shown(vault, question, { document }, id) {
  const left = (await fresh(vault, document.id)).length;
  show("shown", {
    text: { to: say("shown_to", { name: pick(question.name) }), uses: count("uses", left) },
    when: { spent: left === 0 },
    acts: { receipt: () => takeReceipt(vault, id), again: () => (question.level === 3 ? scan(vault) : code(vault)) },
  });
  announce(count("uses", left));
}

// --- a code of ten digits ------------------------------------------------------------------------------------------------------------

/** @param {Vault} vault */
export async function code(vault) {
  const known = await parties(vault);
  const root = show("code", { when: { none: !known.length, some: known.length }, acts: { code: () => answerCode(vault, known) } });
  if (known.length) choices(root, known);
}

/** @param {Vault} vault @returns {Promise<RelyingParty[]>} those in force, by name */
export async function parties(vault) {
  const at = now();
  const found = Array.from((await register(vault)).parties.values()).filter((party) => party.expiresAt > at);
  return found.sort((a, b) => pick(a.name).localeCompare(pick(b.name)));
}

/** Organisations and, under the chosen one, its uses. @param {HTMLElement} root @param {RelyingParty[]} known */
export function choices(root, known) {
  const [body, use] = ["#body", "#use"].map((name) => find(root, name));
  const first = () => el("option", { value: "" }, say("please_choose"));
  body.append(first(), ...known.map((party, at) => el("option", { value: String(at) }, pick(party.name))));
  const fill = () => {
    const party = known[Number(typed("body") || -1)];
    const uses = (party?.uses ?? []).filter((each) => !isJoint(each));
    use.replaceChildren(first(), ...uses.map((each) => el("option", { value: each.id }, pick(each.title))));
  };
  body.addEventListener("change", fill);
  fill();
}

/** What was chosen, or null once the page says what is missing. @param {RelyingParty[]} known @returns {{party: RelyingParty, use: RegisteredUse} | null} */
export function chosen(known) {
  right();
  const party = known[Number(typed("body") || -1)];
  const use = party?.uses.find(({ id }) => id === typed("use"));
  if (!party) wrong("body", say("choose_body"));
  else if (!use) wrong("use", say("choose_use"));
  return party && use ? { party, use } : null;
}

/** @param {Vault} vault @param {RelyingParty[]} known */
async function answerCode(vault, known) {
  const pair = chosen(known);
  if (!pair) return;
  const { party, use } = pair;
  const digits = typed("digits");
  try {
    const good = await parseCode(digits, party.entity, use.id);
    const [audience, nonce] = [await codeAudience(party.key), await codeNonce(good, party.entity, use.id)];
    await ask(vault, { level: 2, entity: party.entity, name: party.name, desk: "", use, wants: use.wants, binding: () => ({ audience, nonce }) });
  } catch (error) {
    if (!(error instanceof VcError) || error.where !== "code") throw error;
    wrong("digits", say(digits.replace(/[ -]/g, "").length === 10 ? "wrong_code" : "short_code"));
  }
}
