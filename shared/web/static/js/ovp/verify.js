/**
 * May I rely on what was shown to me? The same ten checks, order and codes as `shared/verify`, which is the reference.
 *
 *     const verdict = await decide({ presentation: content, prefix, expectation, pack, memory, at });
 *     verdict.decision, verdict.code                          // "accepted" | "rejected" | "undecided"
 *     verdict.level                                           // 3 live, 2 code, 1 addressed, 0 bearer: from the mode that the desk opened
 *     verdict.checks                                          // ten lines { name, state, code, where, needed }
 *     verdict.credential                                      // null when rejected; { vct, issuer, issuerName, claims, groups, issuedAt, expiresAt }
 *     verdict.statusAsOf, verdict.packAsOf, verdict.withheld
 *     store(verdict.memory);                                  // what status lists have taught (S19): keep it, whatever the decision
 *     if (seen(verdict.replayKey)) verdict = replayed(verdict);   // level 1: the caller's store (S9)
 *
 * Never throws for what a stranger sent.
 * @module
 */

/** @typedef {import("./bytes.js").Bytes} Bytes */
/**
 * What the desk asked. `mode` is the one that it opened (S6). live and code: `audience`, `nonce` (from makeChallenge or code.js) and `wants`;
 * addressed: `audience` "a:" + entity, `purposeId`, and `wants` where the purpose asks for something. `use` goes to the type's rules and
 * holds `stakes` ("low" or "high").
 * @typedef {{mode: "live" | "code" | "addressed" | "bearer", audience: string, nonce: Bytes | null, purposeId?: string, wants: import("./register.js").Want[] | null, use: Record<string, any>, vct?: string}} Expectation
 */
/** @typedef {{name: string, state: "passed" | "failed" | "unchecked", code: string, detail: string, where: string, needed: boolean}} Check */
/** @typedef {{vct: string, issuer: string, issuerName: string, claims: Record<string, any>, groups: number[], withheld: number, issuedAt: number, expiresAt: number}} Shown */
/** @typedef {{decision: "accepted" | "rejected" | "undecided", code: string, level: 0 | 1 | 2 | 3, at: number, checks: Check[], credential: Shown | null, statusAsOf: number | null, packAsOf: number, replayKey: string | null, memory: import("./pack.js").Memory}} Verdict */

export const CHECKS = ["time", "parse", "issuer_trust", "signature", "validity", "disclosures", "holder_binding", "status", "type_rules", "request"];

/**
 * @param {{presentation: Bytes, prefix?: string, expectation: Expectation, pack: import("./pack.js").Pack, memory: import("./pack.js").Memory, at: number, staples?: Bytes[]}} question
 * @returns {Promise<Verdict>}
 */
export async function decide(question) {
  throw new Error(`being written ${question.at}`);
}

/** The verdict once the caller's store has found its `replayKey`: rejected, whatever else was right. @param {Verdict} verdict @returns {Verdict} */
export function replayed(verdict) {
  throw new Error(`being written ${verdict.at}`);
}
