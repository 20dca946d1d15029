/**
 * Storage in a browser that a copied disk does not open (security rule S12). Shared by the wallet's and the verifier's page.
 *
 *   const state = await Vault.state("phone");                         // "none" | "passphrase" | "passkey" | "lost"
 *   const vault = await Vault.make("phone", { passphrase });          // or { passkey: "name that the browser shows" }
 *   const vault = await Vault.open("phone", { passphrase });          // or { passkey: true }; VaultError "wrong_key"
 *   const key = await vault.makeKey();                                // P-256: key.jwk is public, key.wrapped is for storing
 *   await vault.commit([{ shelf: "copies", id, value: { wire, key: key.wrapped } }]);   // all of them durably, or none
 *   const item = await vault.get("copies", id);                       // { id, value, stamp } or null
 *   await vault.commit([{ shelf: "copies", id, value: spent, stamp: item.stamp }]);     // "changed" if another page was faster
 *   const signer = await vault.openKey(key);                          // CryptoKey, not extractable, in memory only
 *
 * A vault is one IndexedDB database under one random key. That key lies there only wrapped, by what the passphrase or the passkey
 * derives (PBKDF2-SHA-512, or HKDF of the WebAuthn PRF output). CryptoKeys are never stored: Chromium writes a non-extractable P-256
 * scalar in clear into its profile. Private keys lie there as PKCS #8 under AES-GCM and are unwrapped by the browser itself, so that
 * no script ever sees a scalar. Names of shelves and items are keyed digests and sizes are rounded up: a stranger can count things.
 * @module
 */
import { concat, fromBase64url, fromUtf8, random, toBase64url, utf8 } from "./bytes.js";
import { NONCE, VaultError, context, derived, newDoor, passDoor } from "./doors.js";

export { ROUNDS, SHORTEST, VaultError, passkeyPossible } from "./doors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./doors.js").Opening} Opening */
/** @typedef {import("./doors.js").Door} Door */
/** @typedef {any} Value  a Uint8Array, or anything that JSON can say */
/** @typedef {{id: string, value: any, stamp: Bytes}} Item  `stamp` changes with each write */
/** @typedef {{shelf: string, id: string, value?: Value, stamp?: Uint8Array | null}} Change
 *  `value` undefined takes the item away; with `stamp` the item must still be the one that was read, with `stamp` null there must be none */
/** @typedef {{jwk: {kty: "EC", crv: "P-256", x: string, y: string}, wrapped: string}} DeviceKey  `wrapped` is base64url */
/** @typedef {{shelf: string, id: string, body: Bytes}} Row */

const BLOCK = 256;
const HEAD = 7; // kind (1), length of the id (2), length of the content (4)
const PATIENCE = 3000; // milliseconds for an answer about storage
const P256 = { name: "ECDSA", namedCurve: "P-256" };

export class Vault {
  /** @param {IDBDatabase} db @param {string} name @param {{items: CryptoKey, keys: CryptoKey, names: CryptoKey}} keys */
  constructor(db, name, keys) {
    this.name = name;
    /** @private */ this._db = db;
    /** @private @type {typeof keys | null} */ this._opened = keys;
  }

  /** @private */
  get _keys() {
    if (!this._opened) throw new VaultError("no_vault", "it was closed");
    return this._opened;
  }

  // --- doors

  /**
   * What there is: nothing yet, which door a vault has, or that it was here and the browser threw it away.
   * @param {string} name @returns {Promise<"none" | "passphrase" | "passkey" | "lost">}
   */
  static async state(name) {
    const db = await openDatabase(name);
    try {
      const door = await readDoor(db);
      return door ? door.id : wasHere(name) ? "lost" : "none";
    } finally {
      db.close();
    }
  }

  /**
   * A new vault. VaultError "exists" if there is one, "no_passkey" where the browser or the passkey has no PRF.
   * @param {string} name @param {Opening} opening @returns {Promise<Vault>}
   */
  static async make(name, opening) {
    const db = await openDatabase(name);
    if (await readDoor(db)) {
      db.close();
      throw new VaultError("exists");
    }
    const master = random(32);
    const door = await newDoor(name, opening, master);
    await written(db, ["doors", "items"], (tx) => {
      tx.objectStore("items").clear();
      tx.objectStore("doors").add(door);
    });
    leaveMark(name);
    return new Vault(db, name, await derived(master));
  }

  /**
   * The open vault. VaultError "no_vault", "lost" or "wrong_key".
   * @param {string} name @param {Opening} opening @returns {Promise<Vault>}
   */
  static async open(name, opening) {
    const db = await openDatabase(name);
    try {
      const door = await readDoor(db);
      if (!door) throw new VaultError(wasHere(name) ? "lost" : "no_vault");
      leaveMark(name);
      return new Vault(db, name, await derived(await passDoor(name, door, opening)));
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /**
   * Another passphrase or passkey for the same vault.
   * @param {string} name @param {Opening} old @param {Opening} now
   */
  static async change(name, old, now) {
    const db = await openDatabase(name);
    try {
      const door = await readDoor(db);
      if (!door) throw new VaultError(wasHere(name) ? "lost" : "no_vault");
      const next = await newDoor(name, now, await passDoor(name, door, old));
      await written(db, ["doors"], (tx) => {
        tx.objectStore("doors").clear();
        tx.objectStore("doors").put(next);
      });
    } finally {
      db.close();
    }
  }

  /** Take a vault away with everything in it. @param {string} name */
  static async destroy(name) {
    const db = await openDatabase(name);
    await written(db, ["doors", "items"], (tx) => {
      tx.objectStore("doors").clear();
      tx.objectStore("items").clear();
    });
    db.close();
    forgetMark(name);
  }

  /** Forget the keys; what is stored stays. Whatever is under way ends with VaultError "no_vault". */
  close() {
    this._db.close();
    this._opened = null;
  }

  // --- things

  /** @param {string} shelf @param {string} id @returns {Promise<Item | null>} */
  async get(shelf, id) {
    const place = await this._place(shelf, id);
    const row = /** @type {Row | undefined} */ (await asked(this._db, "items", (store) => store.get([place.shelf, place.id])));
    return row ? this._unseal(row) : null;
  }

  /** Everything on a shelf, in no order. @param {string} shelf @returns {Promise<Item[]>} */
  async all(shelf) {
    const tag = await this._tag(shelf);
    const range = IDBKeyRange.bound([tag], [tag, []]);
    const rows = /** @type {Row[]} */ (await asked(this._db, "items", (store) => store.getAll(range)));
    return Promise.all(rows.map((row) => this._unseal(row)));
  }

  /**
   * Write all changes in one transaction that is on the disk when this returns, or none of them.
   * VaultError "changed" where a stamp no longer fits, "full" where the browser gives no room.
   * @param {Change[]} changes
   */
  async commit(changes) {
    /** @type {{row: Row, stamp: Uint8Array | null | undefined, drop: boolean}[]} */
    const rows = [];
    for (const { shelf, id, value, stamp } of changes) {
      const place = await this._place(shelf, id);
      const body = value === undefined ? new Uint8Array(0) : await this._seal(place, id, value);
      rows.push({ row: { ...place, body }, stamp, drop: value === undefined });
    }
    await written(this._db, ["items"], async (tx) => {
      const store = tx.objectStore("items");
      for (const { row, stamp } of rows) {
        if (stamp === undefined) continue;
        const now = /** @type {Row | undefined} */ (await answered(store.get([row.shelf, row.id])));
        if (!sameStamp(now, stamp)) throw new VaultError("changed");
      }
      for (const { row, drop } of rows) {
        if (drop) store.delete([row.shelf, row.id]);
        else store.put(row);
      }
    });
  }

  // --- device keys

  /** A new P-256 key for one copy or one desk. It is stored by whoever stores `wrapped`. @returns {Promise<DeviceKey>} */
  async makeKey() {
    const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(P256, true, ["sign", "verify"]));
    const { x, y } = /** @type {{x: string, y: string}} */ (await crypto.subtle.exportKey("jwk", pair.publicKey));
    const box = { name: "AES-GCM", iv: random(NONCE), additionalData: this._keyContext(x) };
    const wrapped = new Uint8Array(await crypto.subtle.wrapKey("pkcs8", pair.privateKey, this._keys.keys, box));
    return { jwk: { kty: "EC", crv: "P-256", x, y }, wrapped: toBase64url(concat(box.iv, wrapped)) };
  }

  /** The key ready to sign: not extractable, in memory only. VaultError "damaged". @param {DeviceKey} key @returns {Promise<CryptoKey>} */
  async openKey(key) {
    const bytes = fromBase64url(key.wrapped);
    const box = { name: "AES-GCM", iv: bytes.slice(0, NONCE), additionalData: this._keyContext(key.jwk.x) };
    try {
      return await crypto.subtle.unwrapKey("pkcs8", bytes.slice(NONCE), this._keys.keys, box, P256, false, ["sign"]);
    } catch {
      throw new VaultError("damaged", "a key");
    }
  }

  /** @private @param {string} x */
  _keyContext(x) {
    return context("key", this.name, x);
  }

  // --- under seal

  /** @private @param {{shelf: string, id: string}} place @param {string} id @param {Value} value @returns {Promise<Bytes>} */
  async _seal(place, id, value) {
    const raw = value instanceof Uint8Array;
    const content = raw ? value : utf8(JSON.stringify(value));
    const name = utf8(id);
    const plain = new Uint8Array(Math.ceil((HEAD + name.length + content.length) / BLOCK) * BLOCK);
    const view = new DataView(plain.buffer);
    view.setUint8(0, raw ? 1 : 0);
    view.setUint16(1, name.length);
    view.setUint32(3, content.length);
    plain.set(name, HEAD);
    plain.set(content, HEAD + name.length);
    const box = { name: "AES-GCM", iv: random(NONCE), additionalData: this._itemContext(place) };
    return concat(box.iv, new Uint8Array(await crypto.subtle.encrypt(box, this._keys.items, plain)));
  }

  /** @private @param {Row} row @returns {Promise<Item>} */
  async _unseal(row) {
    const stamp = row.body.slice(0, NONCE);
    const box = { name: "AES-GCM", iv: stamp, additionalData: this._itemContext(row) };
    const plain = await crypto.subtle.decrypt(box, this._keys.items, row.body.slice(NONCE)).catch(() => null);
    if (!plain) throw new VaultError("damaged", "an item");
    const view = new DataView(plain);
    const content = HEAD + view.getUint16(1);
    const bytes = new Uint8Array(plain, content, view.getUint32(3));
    const id = fromUtf8(new Uint8Array(plain, HEAD, view.getUint16(1)));
    return { id, stamp, value: view.getUint8(0) ? bytes.slice() : JSON.parse(fromUtf8(bytes)) };
  }

  /** An item opens only where it was put. @private @param {{shelf: string, id: string}} place */
  _itemContext(place) {
    return context("item", this.name, place.shelf, place.id);
  }

  /** @private @param {string} shelf @param {string} id */
  async _place(shelf, id) {
    return { shelf: await this._tag(shelf), id: await this._tag(`${shelf}\n${id}`) };
  }

  /** @private @param {string} text @returns {Promise<string>} */
  async _tag(text) {
    return toBase64url(new Uint8Array(await crypto.subtle.sign("HMAC", this._keys.names, utf8(text))).subarray(0, 16));
  }
}

/**
 * Ask the browser not to throw our storage away. "refused" is for the page to show (S12); a browser that asks the person first, and hears
 * nothing, has not promised.
 * @returns {Promise<"granted" | "refused">}
 */
export async function keepStorage() {
  const storage = navigator.storage;
  if (!storage?.persist) return "refused";
  const silence = new Promise((done) => setTimeout(done, PATIENCE, false));
  return (await storage.persisted()) || (await Promise.race([storage.persist(), silence])) ? "granted" : "refused";
}

// --- IndexedDB -----------------------------------------------------------------------------------------------------------------------

/** Browsers that let a page store nothing refuse it here, some by throwing. @param {string} name @returns {IDBOpenDBRequest} */
function opening(name) {
  try {
    return indexedDB.open(`muniment-${name}`, 1);
  } catch (error) {
    throw new VaultError("no_storage", error instanceof Error ? error.name : "");
  }
}

/** @param {string} name @returns {Promise<IDBDatabase>} */
function openDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = opening(name);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("doors", { keyPath: "id" });
      request.result.createObjectStore("items", { keyPath: ["shelf", "id"] });
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(new VaultError("no_storage", String(request.error?.name)));
  });
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function answered(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(refusal(request.error));
  });
}

/** @template T @param {IDBDatabase} db @param {string} store @param {(store: IDBObjectStore) => IDBRequest<T>} ask @returns {Promise<T>} */
function asked(db, store, ask) {
  return answered(ask(begun(db, [store], "readonly").objectStore(store)));
}

/** @param {IDBDatabase} db @param {string[]} stores @param {IDBTransactionMode} mode @returns {IDBTransaction} */
function begun(db, stores, mode) {
  try {
    return db.transaction(stores, mode, { durability: "strict" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "InvalidStateError") throw new VaultError("no_vault", "it was closed");
    throw error;
  }
}

/**
 * Run `work` in one transaction and wait until it is on the disk.
 * @param {IDBDatabase} db @param {string[]} stores @param {(tx: IDBTransaction) => void | Promise<void>} work
 */
async function written(db, stores, work) {
  const tx = begun(db, stores, "readwrite");
  const over = new Promise((resolve, reject) => {
    tx.oncomplete = () => resolve(undefined);
    tx.onabort = () => reject(refusal(tx.error));
  });
  try {
    await work(tx);
  } catch (error) {
    over.catch(() => undefined);
    if (!tx.error) tx.abort();
    throw error;
  }
  await over;
}

/** @param {DOMException | null} error */
function refusal(error) {
  return new VaultError(error?.name === "QuotaExceededError" ? "full" : "no_storage", String(error?.name));
}

/** @param {IDBDatabase} db @returns {Promise<Door | undefined>} */
async function readDoor(db) {
  return (await asked(db, "doors", (store) => store.getAll()))[0];
}

/** @param {Row | undefined} row @param {Uint8Array | null} stamp */
function sameStamp(row, stamp) {
  return row && stamp ? row.body.subarray(0, NONCE).every((byte, i) => byte === stamp[i]) : !row && !stamp;
}

// A vault leaves a mark in another kind of storage, so that a browser that threw the vault away can be told from a new one.

/** @param {string} name */
function wasHere(name) {
  return localStorage.getItem(`muniment-vault-${name}`) !== null;
}

/** @param {string} name */
function leaveMark(name) {
  localStorage.setItem(`muniment-vault-${name}`, "1");
}

/** @param {string} name */
function forgetMark(name) {
  localStorage.removeItem(`muniment-vault-${name}`);
}
