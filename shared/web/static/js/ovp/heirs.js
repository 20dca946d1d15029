/**
 * Who has taken over from whom, as `shared/trust/successors.py` judged it and `page_keys.py` wrote it down; and whose word about the status
 * counts for that, as `shared/verify/_heirs.py`.
 * @module
 */
import { VcError, refuse } from "./errors.js";
import { COPY_LIFE, checkHeir } from "./trust.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./trust.js").Issuer} Issuer */
/** @typedef {import("./trust.js").Named} Named */
/** It counts from `notBefore` to `notAfter`; `since` is from when the successor keeps the records. @typedef {{outgoing: string, successor: string, name: {en: string, cy: string}, since: number, notBefore: number, notAfter: number, vcts: string[] | null, notVcts: string[], statusDuty: boolean, mayCancel: boolean}} Succession */
/** Whose key signed a word; who may not cancel can only pass on that a document still counts. @typedef {{key: import("./cose.js").PublicKey, mayCancel: boolean}} ListSigner */

const MAX_LINE = 8;

/** Who took over from an entity its documents of that type. Where two claim the same, nobody. @param {Succession[]} known @param {string} entity @param {string} vct @param {number} at */
function successor(known, entity, vct, at) {
  const found = known.filter((each) => each.outgoing === entity && each.notBefore <= at && at <= each.notAfter && (!each.vcts || each.vcts.includes(vct)) && !each.notVcts.includes(vct));
  const named = found.filter(({ vcts }) => vcts);
  const nearest = named.length ? named : found;
  return nearest.length === 1 ? nearest[0] : null;
}

/** All who took over, one after the other. `untrusted` where they go round in a circle, or are too many. @param {Succession[]} known @param {string} entity @param {string} vct @param {number} at */
function line(known, entity, vct, at) {
  /** @type {Succession[]} */
  const found = [];
  for (let next = successor(known, entity, vct, at); next; next = successor(known, next.successor, vct, at)) {
    const { successor: heir } = next;
    if (heir === entity || found.some((each) => each.successor === heir)) refuse("untrusted", "bodies take over from each other in a circle");
    if (found.length >= MAX_LINE) refuse("untrusted", `more than ${MAX_LINE} bodies took over one after the other`);
    found.push(next);
  }
  return found;
}

/** The last of those who took over from an issuer; null where nobody did, or in a circle. @param {Succession[]} known @param {string} iss @param {string} vct @param {number} at @returns {Succession | null} */
export function findKeeper(known, iss, vct, at) {
  try {
    return line(known, iss, vct, at).at(-1) ?? null;
  } catch (error) {
    if (error instanceof VcError) return null;
    throw error;
  }
}

/**
 * Which of those who took over from the issuer signed a word about the status, said at `saidAt`; null if none did, or
 * where no superior lets the issuer say that type: one that does not could make up who took over from it. `not_entitled` for one who
 * did not take over that duty, or not yet then.
 * @param {{issuers: Issuer[], successions: Succession[]}} pack
 * @param {{iss: string, vct: string}} subject
 * @param {Named} named
 * @param {number} saidAt
 * @param {number} at
 * @returns {Promise<ListSigner | null>}
 */
export async function findHeir({ issuers, successions }, { iss, vct }, named, saidAt, at) {
  const way = [];
  const heirs = line(successions, iss, vct, at);
  const lets = issuers.some((each) => each.iss === iss && each.rights?.some((right) => right.vct === vct && (right.until === null || at < right.until + COPY_LIFE)));
  for (const each of lets ? heirs : []) {
    way.push(each);
    const key = await keyOf(issuers, each.successor, named, at);
    if (!key) continue;
    if (!way.every(({ statusDuty }) => statusDuty)) refuse("not_entitled", "who signed it took over from the issuer, but not the duty to say what became of its documents");
    if (saidAt < each.since) refuse("not_entitled", "it was said before its signer took over from the issuer");
    return { key, mayCancel: way.every(({ mayCancel }) => mayCancel) };
  }
  return null;
}

/** @param {Issuer[]} issuers @param {string} heir @param {Named} named @param {number} at */
async function keyOf(issuers, heir, named, at) {
  try {
    return (await checkHeir(issuers, heir, named, at)).key;
  } catch (error) {
    if (error instanceof VcError) return null;
    throw error;
  }
}
