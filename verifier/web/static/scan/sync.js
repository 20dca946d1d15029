// Keeping a desk fit while there is a network: its certificate, the receipts that it gave and the checking pack, on a timer. Nothing is ever
// fetched because somebody showed something (security rule S21), and what is sent says nothing about anybody: what was shown by name alone.
import { concat } from "../js/ovp/bytes.js";
import { VcError } from "../js/ovp/errors.js";
import { now } from "./page.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").Desk} Desk */
/** @typedef {"renewed" | "offline" | "refused" | "ended" | "nopack"} Outcome */

const API = "/desk/scan/api";
const EVERY = 15 * 60_000;
const PATIENCE = 20_000;
const MOST = 64_000_000;
const SAVE_EVERY = 262_144; // bytes after which a download in progress is kept
const CLOCKS = 300; // seconds that two clocks may differ and both be right
const AT_ONCE = 10; // receipts that are told in one call
const RENEW_BEFORE = 7 * 86_400 - 3_600; // a certificate of seven days is renewed every hour, as the organisation may sign with another key

/**
 * @param {string} path @param {string} token @param {RequestInit} [how]
 * @returns {Promise<Response>}
 */
export function call(path, token, how = {}) {
  const headers = new Headers(how.headers);
  if (token) headers.set("authorization", `Bearer ${token}`);
  const signal = how.signal ?? AbortSignal.timeout(PATIENCE);
  return fetch(API + path, { ...how, headers, cache: "no-store", redirect: "error", signal });
}

/**
 * A new desk, asked for by somebody who is signed in. `signin` when nobody is.
 * @param {string} name @param {import("./store.js").DeviceKey} key
 * @returns {Promise<{told: any} | {fault: "signin" | "offline" | "refused", detail: string}>}
 */
export async function enrol(name, key) {
  try {
    const { kty, crv, x, y } = key.jwk;
    const body = JSON.stringify({ name, key: { kty, crv, x, y } });
    const answer = await call("/desks", "", { method: "POST", body, headers: { "content-type": "application/json" } });
    if (answer.status === 401) return { fault: "signin", detail: "" };
    const told = await answer.json();
    return answer.ok ? { told } : { fault: "refused", detail: String(told.detail ?? answer.status) };
  } catch (error) {
    return { fault: "offline", detail: String(error) };
  }
}

/** Whether somebody is signed in here: "yes", "no", or "offline". @returns {Promise<"yes" | "no" | "offline">} */
export async function signedIn() {
  try {
    const answer = await fetch("/desk/scan/desks", { method: "HEAD", redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    return answer.ok ? "yes" : "no";
  } catch {
    return "offline";
  }
}

export class Sync {
  /**
   * `accept` throws for a pack that is not to be believed, and says what it teaches; `told` hears how each round went.
   * @param {Store} store
   * @param {{accept: (bytes: Uint8Array) => Promise<any>, told: (outcome: Outcome) => unknown}} how
   */
  constructor(store, how) {
    this._store = store;
    this._how = how;
    this._timer = 0;
    this._stopped = false;
    /** @type {Promise<Outcome> | null} */
    this._running = null;
  }

  start() {
    const again = () => {
      void this.once();
      this._timer = setTimeout(again, EVERY);
    };
    again();
    addEventListener("online", this._online);
  }

  /** A round under way ends of itself, for nobody: the desk may be closed by then, and what it would write to with it. */
  stop() {
    this._stopped = true;
    clearTimeout(this._timer);
    removeEventListener("online", this._online);
  }

  _online = () => void this.once();

  /** One round, now; never two at once. @returns {Promise<Outcome>} */
  once() {
    this._running ??= this._whole().finally(() => {
      this._running = null;
    });
    return this._running;
  }

  /** @returns {Promise<Outcome>} */
  async _whole() {
    try {
      const outcome = await this._round();
      if (!this._stopped) await this._how.told(outcome);
      return outcome;
    } catch (error) {
      if (this._stopped) return "offline";
      throw error;
    }
  }

  /** @returns {Promise<Outcome>} */
  async _round() {
    const desk = await this._store.desk();
    if (!desk) return "offline";
    try {
      if (!(await this._certificate(desk))) return "ended";
      await this._receipts(desk);
      return await this._pack(desk);
    } catch (error) {
      return error instanceof VcError ? "refused" : "offline";
    }
  }

  /** @param {Desk} desk @returns {Promise<boolean>} false if the desk was ended */
  async _certificate(desk) {
    const known = await this._store.certificate();
    if (known && known.until - now() > RENEW_BEFORE) return true;
    const answer = await call("/certificate", desk.token, { method: "POST" });
    if (answer.status === 401) return false;
    if (!answer.ok) throw new Error(String(answer.status));
    const told = await answer.json();
    await this._store.keepCertificate({ certificate: told.certificate, until: told.certified_until });
    return true;
  }

  /** What was given since; one that the service does not take now is told in a later round. @param {Desk} desk */
  async _receipts(desk) {
    for (;;) {
      const some = (await this._store.given()).slice(0, AT_ONCE);
      if (!some.length) return;
      const receipts = some.map(({ value: { receipt, mode, vct, paths } }) => ({ receipt, mode, vct, claim_paths: paths }));
      const body = JSON.stringify({ receipts });
      const answer = await call("/receipts", desk.token, { method: "POST", body, headers: { "content-type": "application/json" } });
      if (!answer.ok) return;
      await this._store.dropGiven(some.map(({ id }) => id));
    }
  }

  /** @param {Desk} desk @returns {Promise<Outcome>} */
  async _pack(desk) {
    const begun = await this._store.begunPack();
    const known = (await this._store.packNote())?.etag ?? "";
    /** @type {Record<string, string>} */
    const headers = begun ? { range: `bytes=${begun.bytes.length}-`, "if-range": begun.etag } : {};
    if (known) headers["if-none-match"] = known;
    const answer = await call("/pack", desk.token, { headers });
    if (answer.status === 401) return "ended";
    if (Math.abs(Date.parse(answer.headers.get("date") ?? "") / 1000 - now()) <= CLOCKS) await this._store.trustClock();
    if (answer.status === 304) return "renewed";
    if (answer.status === 409) return "nopack";
    if (answer.status === 416) await this._store.dropBegunPack();
    if (!answer.ok || !answer.body) throw new Error(String(answer.status));
    const etag = answer.headers.get("etag") ?? "";
    const before = answer.status === 206 && begun ? begun.bytes : null;
    if (!before) await this._store.dropBegunPack();
    const bytes = await this._take(answer.body, before ?? new Uint8Array(0), etag);
    await this._store.keepPack(bytes, { etag, at: now() }, await this._accepted(bytes));
    return "renewed";
  }

  /** What the pack teaches. One that is not to be believed is not gone on with. @param {Uint8Array} bytes */
  async _accepted(bytes) {
    try {
      return await this._how.accept(bytes);
    } catch (error) {
      await this._store.dropBegunPack();
      throw error;
    }
  }

  /**
   * The whole pack; what has come so far is kept now and then, so that a download that breaks off can go on.
   * @param {ReadableStream<Uint8Array>} body @param {Uint8Array} before @param {string} etag
   * @returns {Promise<Uint8Array>}
   */
  async _take(body, before, etag) {
    const reader = body.getReader();
    const parts = [before];
    let [size, kept, from] = [before.length, before.length, 1];
    const keep = async () => {
      await this._store.keepBegunPack(etag, kept, concat(...parts.slice(from)));
      [kept, from] = [size, parts.length];
    };
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return concat(...parts);
        parts.push(value);
        size += value.length;
        if (size > MOST) throw new Error("too large");
        if (size - kept >= SAVE_EVERY) await keep();
      }
    } catch (error) {
      if (size > kept) await keep();
      throw error;
    }
  }
}
