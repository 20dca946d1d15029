/**
 * What was learnt from status lists before, so that nobody can take it back (security rules S17, S19), as `shared/status/memory.py`: a plain
 * JSON value in the same form, by issuer and address together.
 *
 * A list older than one already seen says nothing; INVALID once seen is final; two lists of one second that say different things are kept
 * as evidence, and neither is believed.
 * @module
 */
import { fromBase64url, toBase64url } from "./bytes.js";
import { compare } from "./cbor.js";
import { refuse } from "./errors.js";

/** @typedef {import("./statuslist.js").StatusList} StatusList */
/** The newest version seen; `said` is base64url. @typedef {{iat: number, said: string}} Seen */
/** @typedef {{issuer: string, uri: string, iat: number, digests: string[], tokens: string[]}} Equivocation */
/** @typedef {{lists: Record<string, Record<string, Seen>>, invalid: Record<string, Record<string, Record<string, number>>>, equivocations: Equivocation[]}} StatusMemory */

const MAX_EQUIVOCATIONS = 64;
const MAX_EVIDENCE = 2;

/** @returns {StatusMemory} */
export const noStatuses = () => ({ lists: {}, invalid: {}, equivocations: [] });

/** @template T @param {Record<string, T>} table @param {string} key @returns {T | undefined} */
const own = (table, key) => (Object.hasOwn(table, key) ? table[key] : undefined);

/** @param {StatusMemory} memory @param {string} issuer @param {string} uri */
export const seenList = (memory, issuer, uri) => own(own(memory.lists, issuer) ?? {}, uri);

/** @param {StatusMemory} memory @param {string} issuer @param {string} uri @param {number} idx */
export const seenInvalid = (memory, issuer, uri, idx) => own(own(own(memory.invalid, issuer) ?? {}, uri) ?? {}, String(idx)) !== undefined;

/** `status_unknown` for a word about `uri` that is older than a list seen before. @param {StatusMemory} memory @param {string} issuer @param {string} uri @param {number} iat */
export function checkNewest(memory, issuer, uri, iat) {
  const seen = seenList(memory, issuer, uri);
  if (seen && iat < seen.iat) refuse("status_unknown", "a newer version of this status list was seen before", "/iat");
}

/** `status_unknown` for a list that was overtaken, or whose issuer said two things at once. @param {StatusMemory} memory @param {string} issuer @param {StatusList} list */
export function checkList(memory, issuer, list) {
  checkNewest(memory, issuer, list.uri, list.iat);
  const seen = seenList(memory, issuer, list.uri);
  const told = memory.equivocations.some((each) => each.issuer === issuer && each.uri === list.uri && each.iat === list.iat);
  if (told || (seen && contradict(seen, { iat: list.iat, said: toBase64url(list.said) }))) {
    refuse("status_unknown", "the issuer signed two different status lists for the same second", "/iat");
  }
}

/** Two statements of one second. @param {Seen} a @param {Seen} b */
const contradict = (a, b) => a.iat === b.iat && a.said !== b.said && a.said !== "" && b.said !== "";

/** @param {Seen} a @param {Seen} b */
const newer = (a, b) => (a.iat === b.iat ? compare(fromBase64url(a.said), fromBase64url(b.said)) > 0 : a.iat > b.iat);

/**
 * With these lists of `issuer` seen.
 * @param {StatusMemory} memory
 * @param {string} issuer
 * @param {StatusList[]} lists
 * @returns {StatusMemory}
 */
export function learn(memory, issuer, lists) {
  const next = structuredClone(memory);
  const mine = (next.lists[issuer] = own(next.lists, issuer) ?? {});
  for (const list of lists) {
    const seen = own(mine, list.uri);
    const now = { iat: list.iat, said: toBase64url(list.said) };
    if (seen && contradict(seen, now)) {
      const tokens = lists.filter((each) => each.uri === list.uri && each.iat === list.iat).map(({ text }) => text);
      note(next, { issuer, uri: list.uri, iat: list.iat, digests: [seen.said, now.said], tokens });
    }
    if (!seen || newer(now, seen)) mine[list.uri] = now;
  }
  return next;
}

/** @param {StatusMemory} memory @param {Equivocation} found */
function note(memory, found) {
  const known = memory.equivocations.find((each) => each.issuer === found.issuer && each.uri === found.uri && each.iat === found.iat);
  const whole = known ?? found;
  whole.digests = Array.from(new Set([...whole.digests, ...found.digests])).sort();
  whole.tokens = Array.from(new Set([...whole.tokens, ...found.tokens])).sort().slice(0, MAX_EVIDENCE);
  if (!known) memory.equivocations = [...memory.equivocations, whole].sort((a, b) => a.iat - b.iat).slice(-MAX_EQUIVOCATIONS);
}

/** With entry `idx` seen as INVALID; it may be forgotten after `until`. @param {StatusMemory} memory @param {string} issuer @param {string} uri @param {number} idx @param {number} until @returns {StatusMemory} */
export function learnInvalid(memory, issuer, uri, idx, until) {
  const next = structuredClone(memory);
  const lists = (next.invalid[issuer] = own(next.invalid, issuer) ?? {});
  const entries = (lists[uri] = own(lists, uri) ?? {});
  entries[idx] = Math.max(own(entries, String(idx)) ?? 0, until);
  return next;
}
