/**
 * What a phone keeps, in its vault: documents, their one-time copies with their keys, the register, and what was shown.
 *
 * A copy is gone for good before its answer is shown: it leaves the vault, key and all, in the same write that notes the showing.
 * @module
 */
import { fromBase64url, random, sha256, toBase64url } from "../js/ovp/bytes.js";
import { importJwk } from "../js/ovp/cose.js";
import { openRegister, parseRelyingParty } from "../js/ovp/register.js";
import { parseCopy } from "../js/ovp/sdcwt.js";
import { parseAssertion } from "../js/ovp/statuslist.js";
import { VaultError } from "../js/ovp/vault.js";
import { types } from "./claims.js";
import { handle } from "./name.js";
import { now } from "./view.js";

export { NAME, dropHandle, handle, hasHandle } from "./name.js";

/** @typedef {import("../js/ovp/vault.js").Vault} Vault */
/** @typedef {import("../js/ovp/vault.js").DeviceKey} DeviceKey */
/** @typedef {import("../js/ovp/vault.js").Change} Change */
/** @typedef {import("../js/ovp/sdcwt.js").Copy} Copy */
/** `state` is what the lists said of it at `checkedAt`; "gone" is a document that left the wallet; `keeper` is who took over from its office, as was known then. @typedef {{id: string, vct: string, issuer: string, issuerName: string, batch: string, keptAt: number, renewAt: number, expiresAt: number, total: number, state: string, checkedAt: number, claims: any, keeper?: import("./net.js").Keeper | null}} Kept */
/** @typedef {{document: string, wire: string, key: DeviceKey, expiresAt: number}} StoredCopy */
/** @typedef {{id: string, stamp: Uint8Array, value: StoredCopy}} CopyItem */
/** @typedef {{id: string, at: number, document: string, vct: string, entity: string, name: import("./view.js").Text, use: string, title: import("./view.js").Text, purpose: import("./view.js").Text, level: 1 | 2 | 3, asked: number[], shown: number[], agreed: boolean, told: boolean}} Showing */
/** What was shown, until its receipt came or `WAIT` went by. @typedef {{at: number, content: string, nonce: string}} Proof */
/** A desk's receipt: its bytes, what is wrong with it ("" for nothing; `waits` where it may fit another time), and what it says. @typedef {{bytes: string, fault: string, waits?: boolean, decision: import("../js/ovp/receipt.js").Decision, code: string, desk: string, given: number, told: boolean}} Taken */
/** @typedef {{id: string, stamp: Uint8Array, value: Taken}} ReceiptItem */
/** @typedef {{at: number, certificates: string[], anchors: import("./net.js").RegisterFile["anchors"]}} RegisterKept */
/** @typedef {{phone: string, sound: boolean}} About */

const WAIT = 30 * 86_400; // seconds for which a receipt is waited for

/** @param {Vault} vault @returns {Promise<About>} */
export const about = async (vault) => (await vault.get("about", "phone"))?.value ?? { phone: handle(), sound: true };

/** @param {Vault} vault @param {About} value */
export const setAbout = (vault, value) => vault.commit([{ shelf: "about", id: "phone", value }]);

/** @param {Vault} vault @returns {Promise<Kept[]>} newest first */
export async function documents(vault) {
  const found = (await vault.all("documents")).map(({ value }) => /** @type {Kept} */ (value));
  return found.sort((a, b) => b.keptAt - a.keptAt);
}

/** Copies that can still be shown. @param {Vault} vault @param {string} [document] @returns {Promise<CopyItem[]>} */
export async function fresh(vault, document) {
  const items = /** @type {CopyItem[]} */ (await vault.all("copies"));
  return items.filter(({ value }) => value.expiresAt > now() && (document === undefined || value.document === document));
}

/** One fresh copy at random, so that their order tells nothing. @param {Vault} vault @param {string} document @returns {Promise<CopyItem | null>} */
export async function drawCopy(vault, document) {
  const items = await fresh(vault, document);
  return items.length ? items[new DataView(random(4).buffer).getUint32(0) % items.length] : null;
}

/** @param {StoredCopy} stored @returns {Promise<Copy>} */
export const openCopy = (stored) => parseCopy(fromBase64url(stored.wire), types);

/** What the office last said of this copy, if that is still good. @param {Vault} vault @param {Copy} copy @param {number} at */
export async function stapleOf(vault, copy, at) {
  /** @type {string[]} */
  const known = (await vault.get("staples", "staples"))?.value ?? [];
  for (const text of known) {
    const [bytes, said] = [fromBase64url(text), parseAssertion(fromBase64url(text))];
    if (said.uri === copy.status?.uri && said.idx === copy.status.idx && said.exp > at) return bytes;
  }
  return null;
}

/** The copy is used up: this is on the disk before anything of it is shown. @param {Vault} vault @param {CopyItem} copy @param {Showing} showing @param {Proof} proof */
export const spend = (vault, copy, showing, proof) =>
  vault.commit([
    { shelf: "copies", id: copy.id, stamp: copy.stamp },
    { shelf: "showings", id: showing.id, value: showing, stamp: null },
    { shelf: "proofs", id: showing.id, value: proof, stamp: null },
  ]);

/** What a receipt for an answer has to be for. @param {Uint8Array} content @param {Uint8Array} nonce @param {number} at @returns {Proof} */
export const proofOf = (content, nonce, at) => ({ at, content: toBase64url(content), nonce: toBase64url(nonce) });

/** What was shown so far and waits for a receipt, by showing. @param {Vault} vault @returns {Promise<Map<string, Proof>>} */
export async function proofs(vault) {
  const items = await vault.all("proofs");
  return new Map(items.filter(({ value }) => value.at + WAIT > now()).map(({ id, value }) => [id, value]));
}

/** No receipt is to be expected for these any more: what was shown leaves the phone. @param {Vault} vault */
export async function dropProofs(vault) {
  const over = (await vault.all("proofs")).filter(({ value }) => value.at + WAIT <= now());
  if (over.length) await vault.commit(over.map(({ id }) => ({ shelf: "proofs", id })));
}

/** All receipts of desks that were kept, by showing. @param {Vault} vault @returns {Promise<Map<string, ReceiptItem[]>>} */
export async function givenFor(vault) {
  /** @type {Map<string, ReceiptItem[]>} */
  const found = new Map();
  for (const item of /** @type {ReceiptItem[]} */ (await vault.all("receipts"))) {
    const [showing = ""] = item.id.split("/");
    found.set(showing, [...(found.get(showing) ?? []), item]);
  }
  return found;
}

/** What counts of them: one that fits, and decides, before any other; else the newest. @param {Vault} vault @returns {Promise<Map<string, Taken>>} */
export async function receipts(vault) {
  const weight = (/** @type {Taken} */ { fault, decision }) => (fault ? 0 : decision === "undecided" ? 1 : 2);
  const before = (/** @type {Taken} */ a, /** @type {Taken} */ b) => weight(b) - weight(a) || b.given - a.given;
  const found = [...(await givenFor(vault))].map(([id, items]) => [id, items.map(({ value }) => value).sort(before)[0]]);
  return new Map(/** @type {[string, Taken][]} */ (found));
}

/**
 * One that fits, or cannot be checked yet, stays whatever comes after it; what does not fit takes the place of the last that did not. With
 * one that fits and decides, what was shown is needed no longer. @param {Vault} vault @param {string} id of the showing @param {Taken} taken
 * @param {ReceiptItem} [before] the same as it was kept while it could not be checked
 */
export async function keepReceipt(vault, id, taken, before) {
  const own = taken.fault && !taken.waits ? id : `${id}/${toBase64url(await sha256(fromBase64url(taken.bytes)))}`;
  await vault.commit([
    ...(before && before.id !== own ? [{ shelf: "receipts", id: before.id, stamp: before.stamp }] : []),
    { shelf: "receipts", id: own, value: taken, ...(before?.id === own && { stamp: before.stamp }) },
    ...(taken.fault || taken.decision === "undecided" ? [] : [{ shelf: "proofs", id }]),
  ]);
}

/** What was changed or taken off at the same moment stays as it is now. @param {unknown} error */
export function unlessChanged(error) {
  if (!(error instanceof VaultError) || error.code !== "changed") throw error;
}

/** @param {Vault} vault @param {Showing} showing */
export const note = (vault, showing) => vault.commit([{ shelf: "showings", id: showing.id, value: showing }]);

/** @param {Vault} vault @returns {Promise<Showing[]>} newest first */
export async function showings(vault) {
  const found = (await vault.all("showings")).map(({ value }) => /** @type {Showing} */ (value));
  return found.sort((a, b) => b.at - a.at);
}

/** Everything of a document. @param {Vault} vault @param {string} document @returns {Promise<Change[]>} */
export async function removal(vault, document) {
  const copies = /** @type {CopyItem[]} */ (await vault.all("copies")).filter(({ value }) => value.document === document);
  return [
    ...copies.map(({ id }) => ({ shelf: "copies", id })),
    { shelf: "documents", id: document },
    { shelf: "pending", id: document },
  ];
}

/** The register as it was fetched last, or null. @param {Vault} vault @returns {Promise<RegisterKept | null>} */
export const registerFile = async (vault) => (await vault.get("register", "register"))?.value ?? null;

/** Who may ask, as far as the wallet's anchors vouch for them now. @param {Vault} vault */
export async function register(vault) {
  const file = await registerFile(vault);
  const anchors = await Promise.all(
    (file?.anchors ?? []).map(async (each) => ({
      key: await importJwk(each.key),
      entity: each.entity,
      notBefore: each.not_before,
      notAfter: each.not_after,
      ...(each.registrar && { registrar: each.registrar, countries: each.countries ?? [] }),
    })),
  );
  return openRegister((file?.certificates ?? []).map((each) => fromBase64url(each)), anchors, now());
}

/** Whether an organisation was registered here once and its time is over since. @param {Vault} vault @param {string} entity */
export async function lapsed(vault, entity) {
  const files = (await registerFile(vault))?.certificates ?? [];
  const found = await Promise.all(files.map((file) => parseRelyingParty(fromBase64url(file)).catch(() => null)));
  return found.some((party) => party?.entity === entity && party.expiresAt <= now());
}
