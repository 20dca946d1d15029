/**
 * May I rely on what was shown to me? The same ten checks, order and codes as `shared/verify`, which is the reference.
 *
 *     const verdict = await decide({ presentation: content, prefix, expectation, pack, memory, at });
 *     verdict.decision, verdict.code                          // "accepted" | "rejected" | "undecided"
 *     verdict.level                                           // 3 live, 2 code, 1 addressed, 0 bearer: from the mode that the desk opened
 *     verdict.checks                                          // ten lines { name, state, code, detail, where, needed }
 *     verdict.credential                                      // null when rejected; { vct, issuer, issuerName, claims, groups, withheld, … }
 *     verdict.statusAsOf, verdict.statusFreshness, verdict.packAsOf
 *     store(verdict.memory);                                  // what status lists have taught (S19): keep it, whatever the decision
 *     if (seen(verdict.replayKey)) verdict = replayed(verdict);   // the caller's store (S9)
 *
 * Never throws for what a stranger sent.
 * @module
 */
import { toBase64url } from "./bytes.js";
import { BEARER, PRESENTATION, SD_JWT } from "./envelope.js";
import { VcError, refuse } from "./errors.js";
import { findKeeper } from "./heirs.js";
import { judge } from "./rules.js";
import * as sdcwt from "./sdcwt.js";
import * as sdjwt from "./sdjwt.js";
import { checkStatus } from "./status.js";
import { checkIssuer, checkSaid } from "./trust.js";
import { MAX_ADDRESSED } from "./binding.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./pack.js").Pack} Pack */
/** @typedef {import("./pack.js").Memory} Memory */
/** @typedef {import("./pack.js").TypeDescriptor} TypeDescriptor */
/** @typedef {import("./register.js").Want} Want */
/** @typedef {import("./heirs.js").Succession} Succession */
/**
 * What the desk asked. `mode` is the one that it opened (S6). live and code: `audience` and `nonce` (from makeChallenge, or code.js);
 * addressed: `audience` "a:" + entity, `nonce` null, `purposeId`. `wants` null or empty: nothing was asked for beforehand. `use` goes to the
 * type's rules and may hold `stakes` ("low" or "high"). `vct` narrows bearer to one type.
 * @typedef {{mode: "live" | "code" | "addressed" | "bearer", audience: string, nonce: Bytes | null, purposeId?: string, wants: Want[] | null, use: Record<string, any>, vct?: string}} Expectation
 */
/** @typedef {{name: string, state: "passed" | "failed" | "unchecked", code: string, detail: string, where: string, needed: boolean}} Check */
/** `groups` are the numbers of those shown, `withheld` counts the type's others, `keeper` is who has taken over from the issuer since. @typedef {{vct: string, issuer: string, issuerName: string, claims: Record<string, any>, groups: number[], withheld: number, issuedAt: number, expiresAt: number, keeper: Succession | null}} Shown */
/**
 * @typedef {{decision: "accepted" | "rejected" | "undecided", code: string, level: 0 | 1 | 2 | 3, at: number, checks: Check[], credential: Shown | null,
 *   statusAsOf: number | null, statusFreshness: "fresh" | "as_of" | "expired" | null, packAsOf: number, replayKey: string | null, memory: Memory}} Verdict
 */
/** @typedef {{presentation: Bytes, prefix?: string, expectation: Expectation, pack: Pack, memory: Memory, at: number}} Question */
/** A document whose checks 1 to 6 have passed. @typedef {{parsed: sdcwt.Parsed | sdjwt.Parsed, issuer: import("./trust.js").Issuer, keeper: Succession | null, facts: sdcwt.Facts, type: TypeDescriptor | null, issuedAt: number, expiresAt: number}} Genuine */

export const CHECKS = ["time", "parse", "issuer_trust", "signature", "validity", "disclosures", "holder_binding", "status", "type_rules", "request"];
const AUTHENTIC = CHECKS.slice(3, 7);
const NOT_REACHED = "not_reached";
const DAY = 86_400;
/** @type {Record<string, 0 | 1 | 2 | 3>} */
const LEVELS = { live: 3, code: 2, addressed: 1, bearer: 0 };

/**
 * @param {Question} question `at` is the clock's own reading, in seconds
 * @returns {Promise<Verdict>}
 */
export async function decide(question) {
  const { expectation, pack, at } = question;
  const floor = Math.max(pack.memory.floor, question.memory.floor);
  const lines = new Lines();
  const known = { pack, memory: question.memory.statuses, at: Math.max(at, floor), word: null };
  const genuine = await authenticate(question, known.at, lines);
  if (genuine) await examine(genuine, expectation, known, lines);
  checkTime(at, floor, lines);
  checkRequest(expectation, genuine, lines);
  const checks = lines.all();
  const { decision, code } = outcome(checks);
  return {
    decision,
    code,
    level: LEVELS[expectation.mode],
    at: known.at,
    checks,
    credential: decision === "rejected" || !genuine ? null : shown(genuine),
    ...wordOf(known),
    packAsOf: pack.iat,
    replayKey: genuine && expectation.mode !== "bearer" ? toBase64url(genuine.facts.replayKey) : null, // for bearers: as often as it is shown
    memory: { ...question.memory, floor, statuses: known.memory },
  };
}

/** The verdict once the caller's store has found its `replayKey`: rejected, whatever else was right. @param {Verdict} verdict @returns {Verdict} */
export function replayed(verdict) {
  const line = ofError("holder_binding", new VcError("replayed", "this presentation was shown before"));
  const checks = verdict.checks.map((each) => (each.name === line.name ? line : each));
  return { ...verdict, ...outcome(checks), checks, credential: null };
}

/**
 * The lines where something failed before `decide` could begin: no checking pack, or one too old.
 * @param {VcError} error
 * @returns {{decision: Verdict["decision"], code: string, checks: Check[]}}
 */
export function decideError(error) {
  const lines = new Lines();
  lines.stop(error.check, error);
  const checks = lines.all();
  return { ...outcome(checks), checks };
}

// --- lines -----------------------------------------------------------------------------------------------------------------------

class Lines {
  constructor() {
    /** @type {Map<string, Check>} */
    this.found = new Map();
  }

  /** @param {string} name @param {string} [remark] @param {string} [detail] */
  passed(name, remark = "", detail = "") {
    this.found.set(name, { name, state: "passed", code: remark, detail, where: "", needed: true });
  }

  /** @param {string} name @param {VcError} error */
  stop(name, error) {
    this.found.set(name, ofError(name, error));
  }

  /** Policy does without this check. @param {string} name @param {string} code @param {string} detail */
  spare(name, code, detail) {
    this.found.set(name, { name, state: "unchecked", code, detail, where: "", needed: false });
  }

  all() {
    return CHECKS.map((name) => this.found.get(name) ?? unreached(name));
  }
}

/** @param {string} name @param {VcError} error @returns {Check} */
const ofError = (name, error) => ({ name, state: error.state, code: error.code, detail: error.message, where: error.where, needed: true });

/** @param {string} name @returns {Check} */
const unreached = (name) => ({ name, state: "unchecked", code: NOT_REACHED, detail: "an earlier check has to pass first", where: "", needed: true });

/** One failed: rejected. Else one unchecked that is needed: undecided, for the first reason that is one. Else accepted. @param {Check[]} checks @returns {{decision: Verdict["decision"], code: string}} */
function outcome(checks) {
  const failed = checks.find(({ state }) => state === "failed");
  if (failed) return { decision: "rejected", code: failed.code };
  const open = checks.filter(({ state, needed }) => state === "unchecked" && needed);
  if (!open.length) return { decision: "accepted", code: "" };
  return { decision: "undecided", code: open.find(({ code }) => code !== NOT_REACHED)?.code ?? NOT_REACHED };
}

/** A refusal as a line, and whether there was none. @param {Lines} lines @param {string} name @param {() => Promise<string | void> | string | void} check */
async function attempt(lines, name, check) {
  try {
    lines.passed(name, (await check()) || "");
  } catch (error) {
    if (!(error instanceof VcError)) throw error;
    lines.stop(name, error);
  }
}

// --- the checks ------------------------------------------------------------------------------------------------------------------

/** Checks 1 to 6. @param {Question} question @param {number} now @param {Lines} lines @returns {Promise<Genuine | null>} */
async function authenticate({ presentation, prefix = PRESENTATION, expectation, pack }, now, lines) {
  let step = "parse";
  try {
    const { format, parsed } = await parsePresentation(presentation, prefix, pack);
    lines.passed(step);
    step = "issuer_trust";
    if (now >= pack.exp) refuse("bundle_stale", "the checking pack is too old");
    const issuer = await checkIssuer(pack.issuers, parsed.issuer, parsed.vct, parsed, now);
    lines.passed(step);
    step = "holder_binding";
    const expected = expectedBinding(expectation, parsed.vct, pack);
    step = "signature";
    const facts = await format.verify(/** @type {any} */ (parsed), issuer.key, expected, now);
    const { issuedAt, expiresAt } = /** @type {{issuedAt: number, expiresAt: number}} */ ({ ...parsed, ...facts });
    step = "issuer_trust";
    const remark = checkSaid(issuer, issuedAt || now, facts.claims, now); // a document that does not say when it was made was made now
    const keeper = findKeeper(pack.successions, parsed.issuer, parsed.vct, now);
    lines.passed(step, ...told(remark, keeper));
    step = "validity";
    if (!expiresAt) refuse("expired", "the document does not say how long it may be used");
    for (const name of AUTHENTIC) lines.passed(name);
    if ("bearer" in expected) lines.spare("holder_binding", "bearer", "made for whoever holds it; nothing proves who does");
    return { parsed, issuer, keeper, facts, type: pack.types.get(parsed.vct) ?? null, issuedAt, expiresAt };
  } catch (error) {
    if (!(error instanceof VcError)) throw error;
    stopAuthenticating(lines, step, error);
    return null;
  }
}

/** The remark on the issuer, and in words for developers all that there is to it. @param {string} remark @param {Succession | null} keeper @returns {[code: string, detail: string]} */
function told(remark, keeper) {
  if (!keeper) return [remark, ""];
  return ["succeeded", [`${keeper.name.en} (${keeper.successor}) has taken over from its issuer`, remark].filter(Boolean).join("; ")];
}

/** @param {Bytes} presentation @param {string} prefix @param {Pack} pack */
async function parsePresentation(presentation, prefix, pack) {
  if (prefix === PRESENTATION || prefix === BEARER) return { format: sdcwt, parsed: await sdcwt.parse(presentation, pack.types) };
  if (prefix !== SD_JWT) return refuse("malformed", "no presentation of that form was asked for");
  return { format: sdjwt, parsed: sdjwt.parse(sdjwt.wireOf(presentation), pack.types) };
}

/** S2: bearer exists only for a type whose file says so, whatever was asked. @param {Expectation} expectation @param {string} vct @param {Pack} pack */
function expectedBinding({ mode, audience, nonce, purposeId, vct: wanted = "" }, vct, pack) {
  if (mode === "bearer") {
    const bearer = wanted || vct;
    if (!pack.types.get(bearer)?.bearer) refuse("not_bound", "documents of this type are never accepted without their holder");
    return { bearer };
  }
  if (mode === "addressed") return { audience, nonce: null, maxAge: MAX_ADDRESSED, purposeId };
  if (!nonce) throw new TypeError("only an addressed copy brings a nonce of its own");
  return { audience, nonce: toBase64url(nonce), maxAge: null };
}

/** A format names the line of its error itself. Only the signature is known to come before the other three. @param {Lines} lines @param {string} step @param {VcError} error */
function stopAuthenticating(lines, step, error) {
  const name = step === "signature" ? error.check : step;
  if (step === "signature" && AUTHENTIC.slice(1).includes(name)) lines.passed("signature");
  lines.stop(name, error);
}

/** Checks 7 and 8. @param {Genuine} genuine @param {Expectation} expectation @param {import("./status.js").Knowledge} known @param {Lines} lines */
async function examine({ parsed, issuer, facts, type, expiresAt }, { use }, known, lines) {
  if (!type) return lines.stop("type_rules", new VcError("unknown_credential_type", "this type of document is not known here"));
  if (!type.status_bits && !parsed.status) {
    lines.spare("status", "no_status", "documents of this type cannot be cancelled; they only expire");
  } else {
    await attempt(lines, "status", () => checkStatus({ ...parsed, expiresAt }, issuer, type, use, known));
  }
  await attempt(lines, "type_rules", () => {
    checkLimits(type, facts);
    judge(type, facts.claims, { ...use, today: new Date(known.at * 1000).toISOString().slice(0, 10) });
    return facts.claims.disputed === true ? "disputed" : "";
  });
}

/** S3: a limit is there, and could not have been withheld, alone or with what encloses it. @param {TypeDescriptor} type @param {sdcwt.Facts} facts */
function checkLimits(type, { claims, paths }) {
  const withholdable = new Set(paths.map((path) => pointer(path)));
  for (const { path, group, required } of type.claims) {
    if (group) continue;
    if (path.some((_, at) => withholdable.has(pointer(path.slice(0, at + 1))))) refuse("type_rule_broken", "this limit could have been withheld", pointer(path));
    if (required && lookUp(claims, path) === undefined) refuse("type_rule_broken", "this limit is missing", pointer(path));
  }
}

/** With `-` for any position. @param {(string | number | null)[]} path */
const pointer = (path) => path.map((part) => `/${typeof part === "string" ? part : "-"}`).join("");

/** @param {any} tree @param {(string | null)[]} path */
const lookUp = (tree, path) => path.reduce((node, part) => (part === null ? node : node?.[part]), tree);

/** Check 0. A clock that lags a little is overruled by the newest pack's date; one that lags a day has to be put right. @param {number} at @param {number} floor @param {Lines} lines */
function checkTime(at, floor, lines) {
  if (floor - at > DAY) lines.stop("time", new VcError("clock_behind", "this clock is more than a day behind the newest checking pack"));
  else lines.passed("time", at < floor ? "clock_behind" : "");
}

/** Check 9. What nobody asked for fails even where nothing else could be checked. @param {Expectation} expectation @param {Genuine | null} genuine @param {Lines} lines */
function checkRequest({ wants, mode }, genuine, lines) {
  if (!wants?.length) return lines.spare("request", "not_asked", "nothing was asked for beforehand");
  if (!genuine) return undefined;
  try {
    checkGroups(wants, genuine, mode === "addressed");
    lines.passed("request");
  } catch (error) {
    if (!(error instanceof VcError)) throw error;
    lines.stop("request", error);
  }
  return undefined;
}

/** Every required group whole, and no group beyond the optional ones. @param {Want[]} wants @param {Genuine} genuine @param {boolean} orMore */
function checkGroups(wants, { type, facts }, orMore) {
  const wanted = wants.find(({ vct }) => vct === type?.vct_int);
  if (!type || !wanted) return refuse("over_disclosed", "a document came that was not asked for");
  const shownGroups = groupsOf(type, facts.paths);
  for (const group of wanted.required) {
    if (!shownGroups.includes(group) || !isWhole(type, group, facts.claims)) refuse("request_not_satisfied", `the group ${group} was asked for and not shown`);
  }
  const extra = shownGroups.find((group) => !wanted.required.includes(group) && !wanted.optional.includes(group));
  if (!orMore && extra !== undefined) refuse("over_disclosed", `the group ${extra} was shown and not asked for`);
}

/** @param {TypeDescriptor} type @param {import("./typemap.js").Path[]} paths */
function groupsOf(type, paths) {
  const byPath = new Map(type.claims.map(({ path, group }) => [pointer(path), group]));
  const found = paths.map((path) => byPath.get(pointer(path))).filter((group) => group !== undefined);
  return Array.from(new Set(found)).sort((a, b) => a - b);
}

/** Where leaves can be withheld one by one, those that every document of the type has must all be there. @param {TypeDescriptor} type @param {number} group @param {Record<string, any>} claims */
function isWhole(type, group, claims) {
  return type.claims.every((claim) => {
    if (claim.group !== group || !claim.required) return true;
    const value = lookUp(claims, claim.path);
    return claim.path.at(-1) === null ? value?.length > 0 : value !== undefined;
  });
}

// --- the rest of the verdict ------------------------------------------------------------------------------------------------------

/** @param {Genuine} genuine @returns {Shown} */
function shown({ parsed: { vct, issuer: iss }, issuer: { name }, keeper, facts, type, issuedAt, expiresAt }) {
  const groups = type ? groupsOf(type, facts.paths) : [];
  const all = type ? type.claims.map(({ group }) => group).filter((group) => group > 0) : [];
  const withheld = new Set(all).size - groups.length;
  return { vct, issuer: iss, issuerName: name, claims: facts.claims, groups, withheld, issuedAt, expiresAt, keeper };
}

/** @param {import("./status.js").Knowledge} known @returns {Pick<Verdict, "statusAsOf" | "statusFreshness">} */
function wordOf({ word, at }) {
  if (!word) return { statusAsOf: null, statusFreshness: null };
  return { statusAsOf: word.iat, statusFreshness: at >= word.exp ? "expired" : at - word.iat <= word.ttl ? "fresh" : "as_of" };
}
