/**
 * Check 7: what all status lists and assertions at hand say together about one document, as `shared/verify/_status.py`.
 * @module
 */
import { equal } from "./bytes.js";
import { kidOf } from "./cose.js";
import { VcError, refuse } from "./errors.js";
import { findHeir } from "./heirs.js";
import { checkList, checkNewest, learn, learnInvalid, seenInvalid, seenList } from "./memory.js";
import { INVALID, LIFETIME, MIN_SIZE, SUSPENDED, TTL, VALID, parseAssertion, valueAt, verifyAssertion, verifyList } from "./statuslist.js";
import { checkIssuer } from "./trust.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./memory.js").StatusMemory} StatusMemory */
/** @typedef {import("./pack.js").Pack} Pack */
/** @typedef {import("./pack.js").TypeDescriptor} TypeDescriptor */
/** @typedef {import("./statuslist.js").Reference} Reference */
/** @typedef {import("./trust.js").Issuer} Issuer */
/** @typedef {import("./trust.js").Named} Named */
/** @typedef {import("./heirs.js").ListSigner} ListSigner */
/** What one word says of this document; `list` where it is a whole list. @typedef {{iat: number, exp: number, ttl: number, value: number | undefined, list: import("./statuslist.js").StatusList | null, mayCancel: boolean}} Witness */
/** What this check knows, and learns: `memory` grows, `word` is what the answer was taken from. @typedef {{pack: Pack, memory: StatusMemory, at: number, word: {iat: number, exp: number, ttl: number} | null}} Knowledge */
/** @typedef {{issuer: string, vct: string, status: Reference | null, expiresAt: number, staples: Bytes[]}} Subject */

/** @type {Record<string, number>} */
const DEFAULT_AGE = { low: 7 * 86_400, high: 86_400 };

/**
 * A remark or "", if the document's status is VALID and fresh enough for `use`. `revoked`, `suspended`, `status_index_out_of_range`;
 * `status_unknown` and `status_stale` where it cannot be told.
 * @param {Subject} subject
 * @param {Issuer} issuer who signed it
 * @param {TypeDescriptor} type
 * @param {Record<string, any>} use
 * @param {Knowledge} known
 */
export async function checkStatus({ issuer: iss, vct, status, expiresAt, staples }, issuer, type, use, known) {
  if (!status) return refuse("status_unknown", "this type of document has a status, but this one names no status list");
  const { uri, idx } = status;
  const before = known.memory;
  if (seenInvalid(before, iss, uri, idx)) {
    const seen = seenList(before, iss, uri);
    if (seen) known.word = { iat: seen.iat, exp: seen.iat + LIFETIME, ttl: TTL };
    refuse("revoked", "the issuer cancelled this document, as was seen before");
  }
  const witnesses = await gather(status, { iss, vct, issuer }, staples, known);
  const against = newest(witnesses.filter(({ value, mayCancel }) => mayCancel && value === INVALID));
  if (against) {
    known.memory = learnInvalid(known.memory, iss, uri, idx, expiresAt);
    known.word = against;
    refuse("revoked", "the issuer has cancelled this document");
  }
  if (witnesses.some(({ value, mayCancel }) => !mayCancel && value !== VALID)) {
    refuse("status_unknown", "who took over from the issuer does not say that the document counts, and may not cancel it");
  }
  const last = newest(witnesses) ?? refuse("status_unknown", "nothing at hand says anything about the status");
  for (const memory of [before, known.memory]) {
    if (last.list) checkList(memory, iss, last.list);
    else checkNewest(memory, iss, uri, last.iat);
  }
  known.word = last;
  if (known.at >= last.exp) refuse("status_unknown", "what the issuer last said about the status has expired", "/exp");
  const value = last.value ?? refuse("status_index_out_of_range", "the status list has no such entry");
  const stakes = use.stakes === "low" ? "low" : "high";
  if (known.at - last.iat > (type.status_max_age[stakes] ?? DEFAULT_AGE[stakes])) {
    refuse("status_stale", "the newest word about the status is older than this use allows");
  }
  if (value === SUSPENDED) refuse("suspended", "the issuer has put this document on hold");
  if (value !== VALID) refuse("status_unknown", `status ${value} has no meaning here`);
  return last.list && last.list.size < MIN_SIZE ? "small_status_list" : "";
}

/** Of two words of the same second, that which does not say VALID. @param {Witness[]} witnesses @returns {Witness | undefined} */
function newest(witnesses) {
  const rank = (/** @type {Witness} */ { iat, value }) => iat * 2 + (value === VALID ? 0 : 1);
  return witnesses.reduce((/** @type {Witness | undefined} */ best, each) => (best && rank(best) >= rank(each) ? best : each), undefined);
}

/**
 * Everything that an entitled signer vouches for. What cannot be read, or is about something else, is no answer and no offence.
 * @param {Reference} reference
 * @param {{iss: string, vct: string, issuer: Issuer}} by
 * @param {Bytes[]} staples
 * @param {Knowledge} known
 * @returns {Promise<Witness[]>}
 */
async function gather(reference, { iss, vct, issuer }, staples, known) {
  const { pack, at } = known;
  const token = pack.lists.get(reference.uri);
  /** @type {Witness[]} */
  const witnesses = [];
  const found = token && (await tried(async () => signed(await signer(token, token.iat), (key) => verifyList(token, reference.uri, key, at))));
  if (found) {
    const { said: list, mayCancel } = found;
    known.memory = learn(known.memory, iss, [list]);
    witnesses.push({ iat: list.iat, exp: list.exp, ttl: list.ttl, value: valueAt(list, reference.idx), list, mayCancel });
  }
  for (const staple of staples) {
    const one = await tried(async () => {
      const assertion = parseAssertion(staple);
      const by = await signer({ kid: assertion.kid, x5c: [] }, assertion.iat);
      return signed(by, (key) => verifyAssertion(assertion, reference, key, at));
    });
    if (one) witnesses.push({ iat: one.said.iat, exp: one.said.exp, ttl: one.said.ttl, value: one.said.status, list: null, mayCancel: one.mayCancel });
  }
  return witnesses;

  /** By the certificate inside, else by the key of that name, else by the document's own; or by who took over. @param {Named} named @param {number} saidAt @returns {Promise<ListSigner>} */
  async function signer(named, saidAt) {
    const { kid, x5c } = named;
    const certified = kid && pack.issuers.some((each) => !each.rights && each.iss === iss && each.kid && equal(each.kid, kid));
    const other = kid?.length && issuer.federated && !equal(kid, await kidOf(issuer.key));
    if (!x5c.length && !certified && !other) return { key: issuer.key, mayCancel: true };
    try {
      return { key: (await checkIssuer(pack.issuers, iss, vct, named, at)).key, mayCancel: true };
    } catch (error) {
      const heir = error instanceof VcError && (await findHeir(pack, { iss, vct }, named, saidAt, at));
      if (heir) return heir;
      throw error;
    }
  }
}

/** @template T @param {ListSigner} by @param {(key: import("./cose.js").PublicKey) => Promise<T>} verify */
const signed = async ({ key, mayCancel }, verify) => ({ said: await verify(key), mayCancel });

/** @template T @param {() => Promise<T>} ask @returns {Promise<T | undefined>} */
async function tried(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof VcError) return undefined;
    throw error;
  }
}
