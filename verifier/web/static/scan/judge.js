// From what was read to a verdict. The mode is the one that the desk opened (security rule S6): nothing that comes can lower or raise it.
// Verified in this browser first; if the service can be reached, it judges as well, and the stricter verdict is shown (S11).
import { fromBase64url, toBase64url } from "../js/ovp/bytes.js";
import { parseChallenge } from "../js/ovp/challenge.js";
import { codeAudience, codeNonce } from "../js/ovp/code.js";
import { BEARER, ofMessage, PRESENTATION, renderText, SD_JWT, SEALED } from "../js/ovp/envelope.js";
import { CODES, VcError } from "../js/ovp/errors.js";
import { open } from "../js/ovp/hpke.js";
import { CHECKS, decide, replayed } from "../js/ovp/verify.js";
import { now, words } from "./page.js";
import { keysOf } from "./questions.js";
import { purposeOf } from "./purpose.js";
import { byHolder, toDecide } from "./result.js";
import { call } from "./sync.js";

/** @typedef {import("../js/ovp/bytes.js").Bytes} Bytes */
/** @typedef {import("../js/ovp/envelope.js").Received} Received */
/** @typedef {import("../js/ovp/pack.js").Pack} Pack */
/** @typedef {import("../js/ovp/pack.js").Memory} Memory */
/** @typedef {import("../js/ovp/register.js").Want} Want */
/** @typedef {import("../js/ovp/verify.js").Expectation} Expectation */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").Question} Question */
/** @typedef {import("./store.js").LiveQuestion} LiveQuestion */
/** @typedef {import("./result.js").Verdict} Verdict */
/** @typedef {import("./result.js").Outcome} Outcome */
/** What a person at the desk said. @typedef {{restrictions_allow?: boolean, capacity_evidence?: boolean}} Told */
/** Opened and not yet judged; forgotten with the next customer. @typedef {{mode: "live" | "code" | "copy", question: Question | null, answer: Received, fresh: boolean}} Case */
/** What is checked with. @typedef {{store: Store, pack: Pack | null, fault: string, memory: Memory, clock: boolean}} Means */

const LEVELS = { live: ["live", 3], code: ["relayable", 2], addressed: ["addressed", 1], bearer: ["bearer", 0] };
const STRICT = { accepted: 0, undecided: 1, rejected: 2 };
const WAIT = 4_000;

/**
 * Open what was read for the question that is open; null where it is no answer to it.
 * @param {Store} store @param {"live" | "code" | "copy"} mode @param {Question | null} question @param {Received} message
 * @returns {Promise<Case | null>}
 */
export async function openCase(store, mode, question, message) {
  if (mode === "live") return message.prefix === SEALED ? openLive(store, question, message) : null;
  const plain = message.prefix === PRESENTATION || message.prefix === SD_JWT || (mode === "copy" && message.prefix === BEARER);
  return plain ? { mode, question, answer: message, fresh: true } : null;
}

/** Of all challenges that this desk still waits for, after a restart too. @param {Store} store @param {Question | null} question @param {Received} message @returns {Promise<Case | null>} */
async function openLive(store, question, message) {
  const waiting = (await store.questions()).filter((one) => one.mode === "live" && !one.used && one.until >= now());
  waiting.sort((one) => (one.id === question?.id ? -1 : 1));
  for (const one of /** @type {LiveQuestion[]} */ (waiting)) {
    const { info } = await parseChallenge(fromBase64url(one.challenge));
    try {
      const answer = ofMessage(await open(message.content, await keysOf(one), info));
      return { mode: "live", question: one, answer, fresh: true };
    } catch (error) {
      if (!(error instanceof VcError)) throw error;
    }
  }
  return null;
}

/**
 * The verdict. A case is judged again when a person has said something; its question and its copy are used up by the verdict of both judges.
 * @param {Means} means @param {Case} one @param {Told} told
 * @returns {Promise<Outcome>}
 */
export async function judge(means, one, told = {}) {
  const { verdict, use } = await local(means, one, told);
  const own = (await unused(means.store, one, verdict)) ? verdict : again(verdict, one);
  if (toDecide(own)) return { verdict: own, seconds: "alone", seen: "", use };
  const both = stricter(own, await second(means, one, told));
  const last = await settled(means.store, one, own, both.verdict);
  const seen = one.mode === "copy" && last.decision === "accepted" && last.level.number > 0; // what is for bearers may be shown as often as they like
  return { verdict: last, seconds: both.seconds, seen: seen ? "checked" : "", use };
}

/**
 * Of two verdicts the stricter; a second one never raises anything.
 * @param {Verdict} own @param {Verdict | null} other
 * @returns {{verdict: Verdict, seconds: "both" | "alone" | "stricter"}}
 */
export function stricter(own, other) {
  if (!other) return { verdict: own, seconds: "alone" };
  const worse = STRICT[other.decision] > STRICT[own.decision] || (STRICT[other.decision] === STRICT[own.decision] && other.level.number < own.level.number);
  const level = other.level.number < own.level.number ? other.level : own.level;
  return worse ? { verdict: { ...other, level }, seconds: "stricter" } : { verdict: own, seconds: "both" };
}

/** Whether its question is still open, and its copy was not relied upon here before. @param {Store} store @param {Case} one @param {Local} verdict @returns {Promise<boolean>} */
async function unused(store, { question, fresh }, { decision, raw }) {
  if (question && fresh && !(await store.waits(question.id))) return false;
  return decision !== "accepted" || !raw?.replayKey || !(await store.saw(raw.replayKey));
}

/**
 * What both judges say, held against what this desk has used already. A yes or a no of its holder's answer takes the question, and only a yes
 * the copy: what either judge refused or could not tell may be shown again.
 * @param {Store} store @param {Case} one @param {Local} own @param {Verdict} verdict
 * @returns {Promise<Verdict>}
 */
async function settled(store, one, own, verdict) {
  if (verdict.decision === "undecided") return verdict;
  if (!(await takes(store, one, own))) return again(own, one);
  if (verdict.decision !== "accepted" || !own.raw?.replayKey) return verdict;
  return (await store.see([own.raw.replayKey])) ? verdict : again(own, one);
}

/** False if its question was answered before. Only an answer of its holder takes it. @param {Store} store @param {Case} one @param {Local} verdict @returns {Promise<boolean>} */
async function takes(store, one, verdict) {
  if (!one.question || !one.fresh || !byHolder(verdict)) return true;
  one.fresh = false;
  return store.useQuestion(one.question.id);
}

/** @param {Local} verdict @param {Case} one @returns {Verdict} */
const again = ({ raw }, one) => rendered(replayed(raw ?? nothing("replayed", one.mode)), one);

// --- in this browser ----------------------------------------------------------------------------------------------------------------

/** @typedef {import("../js/ovp/verify.js").Verdict} Raw */
/** @typedef {Verdict & {raw?: Raw}} Local */

/** @param {Means} means @param {Case} one @param {Told} told @returns {Promise<{verdict: Local, use: string}>} */
async function local(means, one, told) {
  const { pack } = means;
  if (!pack || means.clock) return { verdict: rendered(nothing(means.clock ? "clock_behind" : means.fault, one.mode), one), use: one.question?.use ?? "" };
  const { expectation, use } = await expected(pack, one, told);
  const memory = (await means.store.memory()) ?? means.memory; // another page of this desk may have learnt something meanwhile
  const raw = await decide({ presentation: one.answer.content, prefix: one.answer.prefix, expectation, pack, memory, at: now() });
  means.memory = raw.memory;
  await means.store.keepMemory(raw.memory);
  return { verdict: { ...rendered(raw, one), raw }, use };
}

/** @param {Pack} pack @param {Case} one @param {Told} told @returns {Promise<{expectation: Expectation, use: string}>} */
async function expected(pack, { mode, question, answer }, told) {
  if (mode === "copy") return expectedCopy(pack, answer, told);
  const use = question?.use ?? "";
  const { wants, rules } = askedFor(pack, use, question?.mode === "code");
  if (question?.mode === "live") {
    const { binding, wants: signed } = await parseChallenge(fromBase64url(question.challenge));
    return { expectation: { mode: "live", ...binding, wants: signed, use: { ...rules, ...told } }, use };
  }
  if (question?.mode !== "code" || !pack.self) throw new Error("this question is of no kind that is known");
  const audience = await codeAudience(pack.self.key);
  const nonce = await codeNonce(question.digits, pack.self.entity, use);
  return { expectation: { mode: "code", audience, nonce, wants, use: { ...rules, ...told } }, use };
}

/** A copy says itself what it was made for; whether that is served here decides. @param {Pack} pack @param {Received} answer @param {Told} told */
async function expectedCopy(pack, answer, told) {
  if (answer.prefix === BEARER) {
    /** @type {Expectation} */
    const bearer = { mode: "bearer", audience: "", nonce: null, wants: null, use: { ...told } };
    return { expectation: bearer, use: "" };
  }
  const use = purposeOf(answer);
  const served = words.uses.some((each) => each.id === use);
  const { wants, rules } = served ? askedFor(pack, use) : { wants: null, rules: {} };
  /** @type {Expectation} */
  const expectation = { mode: "addressed", audience: `a:${words.entity}`, nonce: null, purposeId: served ? use : "", wants, use: { ...rules, ...told } };
  return { expectation, use };
}

/** What a use asks for, and what the type's rules are told of it. By code the wallet reads only what is registered, and what that needs beside is taken too. @param {Pack} pack @param {string} use @param {boolean} [byCode] @returns {{wants: Want[], rules: Record<string, any>}} */
export function askedFor(pack, use, byCode = false) {
  for (const type of pack.types.values()) {
    const query = type.queries.find((each) => each.id === use);
    if (query) return { wants: [{ vct: type.vct_int, required: query.required, optional: byCode ? (query.welcome ?? query.optional) : query.optional }], rules: query.use };
  }
  return { wants: [], rules: {} };
}

/** Where nothing could be checked. @param {string} code @param {"live" | "code" | "copy"} mode @returns {Raw} */
function nothing(code, mode) {
  const [check, state] = CODES[code] ?? CODES.undecided;
  const checks = CHECKS.map((name) => ({
    name,
    state: name === check ? state : /** @type {const} */ ("unchecked"),
    code: name === check ? code : "not_reached",
    detail: "",
    where: "",
    needed: true,
  }));
  const level = /** @type {0 | 1 | 2 | 3} */ (LEVELS[mode === "copy" ? "addressed" : mode][1]);
  const decision = state === "failed" ? "rejected" : "undecided";
  return /** @type {Raw} */ ({ decision, code, level, at: now(), checks, credential: null, statusAsOf: null, packAsOf: 0, replayKey: null, memory: /** @type {any} */ (null) });
}

/** What was refused before anything of it was checked. @param {string} code @returns {Outcome} */
export function refused(code) {
  const verdict = rendered(nothing(code, "copy"), /** @type {Case} */ ({ mode: "copy" }));
  return { verdict, seconds: "alone", seen: "", use: "" };
}

/** As the service renders it. @param {Raw} raw @param {Case} one @returns {Verdict} */
function rendered(raw, one) {
  const [name] = Object.values(LEVELS).find(([, number]) => number === raw.level) ?? LEVELS[one.mode === "copy" ? "addressed" : one.mode];
  const age = (/** @type {number | null} */ at) => (at ? { as_of: at, age: Math.max(0, raw.at - at) } : null);
  const shown = raw.credential;
  const keeper = shown?.keeper;
  return {
    decision: raw.decision,
    code: raw.code,
    level: { name: String(name), number: raw.level },
    checks: raw.checks,
    checked_at: raw.at,
    status: age(raw.statusAsOf),
    pack: age(raw.packAsOf),
    credentials: shown
      ? [{ vct: shown.vct, issuer: shown.issuer, issuer_name: shown.issuerName, issued_at: shown.issuedAt, expires_at: shown.expiresAt, claims: shown.claims, disclosed: [], ...(keeper && { succeeded_by: { entity: keeper.successor, name: keeper.name, since: keeper.since } }) }]
      : [],
  };
}

// --- at the service -----------------------------------------------------------------------------------------------------------------

/** The service's own verdict, or null where it cannot be reached in time. Nothing is sent to anybody else. @param {Means} means @param {Case} one @param {Told} told @returns {Promise<Verdict | null>} */
async function second(means, one, told) {
  const desk = await means.store.desk();
  if (!desk || !navigator.onLine || one.answer.prefix === BEARER) return null;
  try {
    const body = JSON.stringify(await posted(one, told));
    const how = { method: "POST", body, headers: { "content-type": "application/json" }, signal: AbortSignal.timeout(WAIT) };
    const answer = await call("/judge", desk.token, how);
    return answer.ok ? (await answer.json()).verdict : null;
  } catch {
    return null;
  }
}

/** @param {Case} one @param {Told} told */
async function posted({ mode, question, answer }, told) {
  const text = await renderText(answer.prefix, answer.content);
  const common = { mode, answer: text, told };
  if (question?.mode === "live") return { ...common, challenge: toBase64url(fromBase64url(question.challenge)) };
  return question?.mode === "code" ? { ...common, code: question.digits, use: question.use } : common;
}
