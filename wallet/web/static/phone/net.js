/**
 * The wallet service, when there is a network. Nothing is asked because a copy was shown or is about to be (security rule S21).
 * @module
 */

/** Who keeps the records of an office now. @typedef {{entity: string, name: {en: string, cy: string}, since: number, private: boolean}} Keeper */
/** @typedef {{id: string, type: string, vct: string, title: string, subtitle: string, issuer: string, issuer_name: string, state_code: string, checked_at: number, keepable: boolean, keeper?: Keeper | null}} Keepable */
/** @typedef {{id: string, document: string, mine: boolean, state: "begun" | "received" | "on-phone" | "lost", at: number, count: number, renew_at: number, expires_at: number}} Batch */
/** @typedef {{at: number, holder: string, documents: Keepable[], batches: Batch[]}} PhoneState */
/** @typedef {{id: string, state: string, audience: string, nonce: string, at: number, count: number}} Begun */
/** @typedef {{id: string, issuer: string, issuer_name: string, issuer_key: Record<string, string>, copies: string[], renew_at: number}} Given */
/** @typedef {{at: number, certificates: string[], anchors: {key: Record<string, string>, entity: string | null, not_before: number, not_after: number, registrar?: string | null, countries?: string[] | null}[]}} RegisterFile */

const API = "/phone/api";

export class NetError extends Error {
  /** @param {"offline" | "signed_out" | "conflict" | "busy" | "unavailable" | "refused"} kind @param {string} [code] */
  constructor(kind, code = "") {
    super(`${kind} ${code}`);
    this.name = "NetError";
    this.kind = kind;
    this.code = code;
  }
}

/** @param {string} path @param {unknown} [body] posted as JSON; without it the address is read @returns {Promise<any>} */
export async function ask(path, body) {
  let answer;
  try {
    const headers = { accept: "application/json", ...(body !== undefined && { "content-type": "application/json" }) };
    const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    answer = await fetch(API + path, { headers, cache: "no-store", redirect: "error", ...sent });
  } catch {
    throw new NetError("offline");
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new NetError("signed_out", problem.code);
  if (answer.status === 409) throw new NetError("conflict", problem.code);
  if (answer.status >= 500 || answer.status === 429) throw new NetError("unavailable", problem.code);
  throw new NetError("refused", problem.code);
}

/** @param {string} phone @returns {Promise<PhoneState>} */
export const readState = (phone) => ask(`/state?phone=${phone}`);

/** @param {string} document @param {string} phone @returns {Promise<Begun>} */
export const begin = (document, phone) => ask("/batches", { document, phone });

/** @param {string} batch @param {string[]} proofs @returns {Promise<Given>} */
export const fetchCopies = (batch, proofs) => ask(`/batches/${batch}/copies`, { proofs });

/** @param {string} batch */
export const tellKept = (batch) => ask(`/batches/${batch}/kept`, {});

/** @param {string} batch @param {string} code */
export const tellRefused = (batch, code) => ask(`/batches/${batch}/refused`, { code });

/** @param {string} batch */
export const tellLost = (batch) => ask(`/batches/${batch}/lost`, {});

/** @returns {Promise<RegisterFile>} */
export const readRegister = () => ask("/register");

/** What the office last said of each copy here. @param {string} phone @returns {Promise<{staples: string[]}>} */
export const readStaples = (phone) => ask(`/staples?phone=${phone}`);

/** @param {unknown[]} showings */
export const tellShowings = (showings) => ask("/showings", { showings });
