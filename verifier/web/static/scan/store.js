// What a desk keeps in this browser, all of it in one vault that its passphrase opens: key, certificate, checking pack, open questions,
// what was seen before, and, if wanted, a list of decisions without anybody's details.
import { concat } from "../js/ovp/bytes.js";
import { Vault } from "../js/ovp/vault.js";
import { now } from "./page.js";

/** @typedef {import("../js/ovp/vault.js").DeviceKey} DeviceKey */
/** @typedef {{id: string, token: string, entity: string, organisation: string, signer: string, name: string, key: DeviceKey}} Desk */
/** @typedef {{certificate: string, until: number}} Certificate  base64url; seconds */
/** @typedef {{sound: boolean, buzz: boolean, history: boolean, kiosk: boolean}} Settings */
/** @typedef {{mode: "live", id: string, use: string, challenge: string, secret: string, made: number, until: number, used: boolean}} LiveQuestion */
/** @typedef {{mode: "code", id: string, use: string, digits: string, made: number, until: number, used: boolean}} CodeQuestion */
/** @typedef {LiveQuestion | CodeQuestion} Question  what was asked and not yet answered; `used` once any answer was taken */
/** @typedef {{at: number, title: string, mode: string, level: number, decision: string, code: string, details: string[]}} Past */
/** @typedef {{etag: string, at: number}} PackNote */
/** A receipt that the service was not told of yet: its bytes in base64url, and what was shown by name. @typedef {{receipt: string, mode: "live" | "code" | "copy", vct: string, paths: string[], at: number}} Given */

const NAME = "desk";
const KEEP_QUESTIONS = 86_400; // seconds that an answered or expired question is remembered, so that its answer never counts for less
const KEEP_SEEN = 31 * 86_400;
const MOST_PAST = 500;
const MOST_GIVEN = 500;
/** @type {Settings} */
const DEFAULTS = { sound: true, buzz: true, history: true, kiosk: false };

export const state = () => Vault.state(NAME);
export const destroy = () => Vault.destroy(NAME);

export class Store {
  /** @param {Vault} vault */
  constructor(vault) {
    this.vault = vault;
    /** @type {CryptoKey | null} */
    this._signer = null;
  }

  /** @param {string} passphrase */
  static async make(passphrase) {
    return new Store(await Vault.make(NAME, { passphrase }));
  }

  /** @param {string} passphrase */
  static async open(passphrase) {
    return new Store(await Vault.open(NAME, { passphrase }));
  }

  close() {
    this._signer = null;
    this.vault.close();
  }

  /** @template T @param {string} shelf @param {string} id @returns {Promise<T | null>} */
  async _one(shelf, id) {
    return /** @type {T | null} */ ((await this.vault.get(shelf, id))?.value ?? null);
  }

  /** @param {string} shelf @param {string} id @param {any} value */
  async _put(shelf, id, value) {
    await this.vault.commit([{ shelf, id, value }]);
  }

  // --- the desk itself

  /** @returns {Promise<Desk | null>} */
  desk() {
    return this._one("desk", "own");
  }

  /** @returns {Promise<Certificate | null>} */
  certificate() {
    return this._one("desk", "certificate");
  }

  /** @param {Certificate} certificate */
  keepCertificate(certificate) {
    return this._put("desk", "certificate", certificate);
  }

  /** @param {Desk} desk @param {Certificate} certificate */
  async enrol(desk, certificate) {
    await this.vault.commit([
      { shelf: "desk", id: "own", value: desk },
      { shelf: "desk", id: "certificate", value: certificate },
    ]);
  }

  /** The desk's key, ready to sign challenges and receipts. @returns {Promise<CryptoKey>} */
  async signer() {
    const desk = await this.desk();
    if (!desk) throw new Error("there is no desk");
    this._signer ??= await this.vault.openKey(desk.key);
    return this._signer;
  }

  /** @returns {Promise<Settings>} */
  async settings() {
    return { ...DEFAULTS, ...(await this._one("desk", "settings")) };
  }

  /** @param {Settings} settings */
  keepSettings(settings) {
    return this._put("desk", "settings", settings);
  }

  // --- the clock: never before what it showed last

  /** Whether the clock was set back by more than a few minutes since this desk was last open. @returns {Promise<boolean>} */
  async clockSetBack() {
    const last = /** @type {number | null} */ (await this._one("desk", "clock")) ?? 0;
    if (now() > last) await this._put("desk", "clock", now());
    return now() < last - 300;
  }

  /** The clock is right now, so what it showed before does not count: a clock that once ran ahead freezes nothing (security rule S18). */
  trustClock() {
    return this._put("desk", "clock", now());
  }

  // --- the checking pack

  /** @returns {Promise<Uint8Array | null>} */
  pack() {
    return this._one("pack", "current");
  }

  /** @returns {Promise<PackNote | null>} */
  packNote() {
    return this._one("pack", "note");
  }

  /** A pack with what it teaches, both or neither. @param {Uint8Array} bytes @param {PackNote} note @param {any} memory */
  async keepPack(bytes, note, memory) {
    await this.vault.commit([
      { shelf: "pack", id: "memory", value: memory },
      { shelf: "pack", id: "current", value: bytes },
      { shelf: "pack", id: "note", value: note },
      ...(await this._begunGone()),
    ]);
  }

  /** What a download that broke off has brought so far. @returns {Promise<{etag: string, bytes: Uint8Array} | null>} */
  async begunPack() {
    const etag = /** @type {string | null} */ (await this._one("pack", "begun"));
    const parts = (await this.vault.all("begun")).sort((one, other) => Number(one.id) - Number(other.id));
    let size = 0;
    for (const { id, value } of parts) {
      if (Number(id) !== size) return null;
      size += value.length;
    }
    return etag && size ? { etag, bytes: concat(...parts.map(({ value }) => value)) } : null;
  }

  /** A further part of it, which begins at byte `from`; what is kept already is not written again. @param {string} etag @param {number} from @param {Uint8Array} bytes */
  async keepBegunPack(etag, from, bytes) {
    await this.vault.commit([
      { shelf: "begun", id: String(from), value: bytes },
      { shelf: "pack", id: "begun", value: etag },
    ]);
  }

  async dropBegunPack() {
    await this.vault.commit(await this._begunGone());
  }

  async _begunGone() {
    const parts = (await this.vault.all("begun")).map(({ id }) => ({ shelf: "begun", id, value: undefined }));
    return [...parts, { shelf: "pack", id: "begun", value: undefined }];
  }

  /** What packs and lists have taught, as pack.js renders it. @returns {Promise<any>} */
  memory() {
    return this._one("pack", "memory");
  }

  /** @param {any} memory */
  keepMemory(memory) {
    return this._put("pack", "memory", memory);
  }

  // --- open questions and what was seen before

  /** @param {Question} question */
  keepQuestion(question) {
    return this._put("questions", question.id, question);
  }

  /** @returns {Promise<Question[]>} */
  async questions() {
    return (await this.vault.all("questions")).map((item) => /** @type {Question} */ (item.value));
  }

  /**
   * Take the one answer to a question; false if it was taken before, in this page or another one (security rule S6).
   * @param {string} id
   * @returns {Promise<boolean>}
   */
  async useQuestion(id) {
    const item = await this.vault.get("questions", id);
    if (!item || item.value.used) return false;
    const { secret, ...rest } = item.value;
    try {
      await this.vault.commit([{ shelf: "questions", id, value: { ...rest, secret: "", used: true }, stamp: item.stamp }]);
    } catch (error) {
      if (/** @type {{code?: string}} */ (error).code === "changed") return false;
      throw error;
    }
    return true;
  }

  /** Whether a question still waits for its answer. @param {string} id @returns {Promise<boolean>} */
  async waits(id) {
    const item = await this.vault.get("questions", id);
    return Boolean(item && !item.value.used);
  }

  /**
   * Remember a presentation that was relied upon; false if it was seen before.
   * @param {string[]} keys replay keys (security rule S9), base64url
   * @returns {Promise<boolean>}
   */
  async see(keys) {
    try {
      await this.vault.commit(keys.map((id) => ({ shelf: "seen", id, value: now() + KEEP_SEEN, stamp: null })));
    } catch (error) {
      if (/** @type {{code?: string}} */ (error).code === "changed") return false;
      throw error;
    }
    return true;
  }

  /** Whether a presentation was relied upon here before. @param {string} key @returns {Promise<boolean>} */
  async saw(key) {
    return (await this.vault.get("seen", key)) !== null;
  }

  /** Drop what has had its time. */
  async sweep() {
    const at = now();
    const questions = (await this.vault.all("questions")).filter((item) => item.value.until + KEEP_QUESTIONS < at);
    const seen = (await this.vault.all("seen")).filter((item) => item.value < at);
    const gone = [
      ...questions.map((item) => ({ shelf: "questions", id: item.id, value: undefined })),
      ...seen.map((item) => ({ shelf: "seen", id: item.id, value: undefined })),
    ];
    if (gone.length) await this.vault.commit(gone);
  }

  // --- receipts that were given, until the service was told

  /**
   * Where there are too many the oldest goes: it stays what it is, and nobody confirms it. How many went is counted, for the page says so.
   * @param {string} id @param {Given} given @returns {Promise<boolean>} whether one went
   */
  async keepGiven(id, given) {
    const many = (await this.given()).slice(0, -(MOST_GIVEN - 1)).map((each) => ({ shelf: "given", id: each.id, value: undefined }));
    const counted = many.length ? [{ shelf: "desk", id: "dropped", value: (await this.dropped()) + many.length }] : [];
    await this.vault.commit([...many, ...counted, { shelf: "given", id, value: given }]);
    return many.length > 0;
  }

  /** How many went before the service was told, ever. @returns {Promise<number>} */
  async dropped() {
    return /** @type {number | null} */ (await this._one("desk", "dropped")) ?? 0;
  }

  /** Whether the next one takes the place of the oldest. */
  async full() {
    return (await this.vault.all("given")).length >= MOST_GIVEN;
  }

  /** @returns {Promise<{id: string, value: Given}[]>} oldest first */
  async given() {
    const all = (await this.vault.all("given")).map(({ id, value }) => ({ id, value: /** @type {Given} */ (value) }));
    return all.sort((one, other) => one.value.at - other.value.at);
  }

  /** @param {string[]} ids */
  async dropGiven(ids) {
    await this.vault.commit(ids.map((id) => ({ shelf: "given", id, value: undefined })));
  }

  // --- decisions, by name of details only

  /** @returns {Promise<Past[]>} newest first */
  async past() {
    return (await this._one("past", "all")) ?? [];
  }

  /** @param {Past} line */
  async addPast(line) {
    await this._put("past", "all", [line, ...(await this.past())].slice(0, MOST_PAST));
  }

  clearPast() {
    return this.vault.commit([{ shelf: "past", id: "all", value: undefined }]);
  }

  // --- figures of the camera

  /** @returns {Promise<Record<string, unknown>[]>} */
  async figures() {
    return (await this._one("figures", "all")) ?? [];
  }

  /** @param {Record<string, unknown>} figures */
  async addFigures(figures) {
    await this._put("figures", "all", [...(await this.figures()), figures]);
  }
}
