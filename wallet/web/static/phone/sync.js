/**
 * What is done when there is a network: news of the documents, the register, the history, and new copies on their day.
 *
 * Every hour at which something is fetched was settled when a batch came or the register was fetched last; nothing depends on whether a
 * copy was used (security rule S21). It runs when the documents are unlocked, and never while something is being shown.
 * @module
 */
import { fromBase64url } from "../js/ovp/bytes.js";
import { VcError } from "../js/ovp/errors.js";
import { parseAssertion } from "../js/ovp/statuslist.js";
import { checkAgain } from "./fits.js";
import { keep } from "./keep.js";
import { NetError, readRegister, readStaples, readState, tellKept, tellLost, tellShowings } from "./net.js";
import { documents, givenFor, handle, registerFile, removal, showings, unlessChanged } from "./store.js";
import { groupId, types } from "./claims.js";
import { now } from "./view.js";

/** @typedef {import("../js/ovp/vault.js").Vault} Vault */
/** @typedef {import("./net.js").PhoneState} PhoneState */
/** @typedef {import("./store.js").Kept} Kept */

export const REGISTER_EVERY = 6 * 3600; // seconds
const STALE = 7 * 86_400;
const MOST = 100; // showings told at once

/**
 * Bring everything up to date. NetError "offline" or "signed_out"; what fails of the rest waits for the next time.
 * @param {Vault} vault @returns {Promise<PhoneState>}
 */
export async function sync(vault) {
  const state = await readState(handle());
  await settle(vault, state);
  for (const part of [tellHistory, fetchRegister, fetchStaples, (/** @type {Vault} */ each) => renew(each, state), checkAgain]) {
    try {
      await part(vault);
    } catch (error) {
      if (!(error instanceof NetError) || error.kind === "offline") throw error;
    }
  }
  return state;
}

/** The state of each document, and batches whose end one side has not heard. @param {Vault} vault @param {PhoneState} state */
async function settle(vault, state) {
  for (const { id, value, stamp } of await vault.all("documents")) {
    const known = state.documents.find((each) => each.id === id);
    const news = { state: known?.state_code ?? "gone", checkedAt: known ? known.checked_at : now(), ...(known && { keeper: known.keeper ?? null }) };
    await vault.commit([{ shelf: "documents", id, value: { ...value, ...news }, stamp }]).catch(unlessChanged);
  }
  const here = new Map((await documents(vault)).map((kept) => [kept.id, kept.batch]));
  for (const batch of state.batches.filter(({ mine }) => mine)) {
    if (batch.state === "received" && here.get(batch.document) === batch.id) await tellKept(batch.id);
    if (batch.state === "on-phone" && !here.has(batch.document)) await tellLost(batch.id); // a batch that was replaced is no loss
  }
}

/** Showings, and receipts for them, that the wallet's history does not have yet. @param {Vault} vault */
async function tellHistory(vault) {
  const given = await givenFor(vault);
  const lines = (await showings(vault)).reverse().flatMap((one) => {
    /** @type {(import("./store.js").ReceiptItem | null)[]} */
    const untold = (given.get(one.id) ?? []).filter(({ value }) => !value.told && !value.waits);
    return (untold.length || one.told ? untold : [null]).map((item) => ({ one, item }));
  });
  for (let at = 0; at < lines.length; at += MOST) {
    const some = lines.slice(at, at + MOST);
    await tellShowings(some.map(({ one, item }) => line(one, item?.value ?? null)));
    await vault.commit([...new Set(some.map(({ one }) => one))].map((one) => ({ shelf: "showings", id: one.id, value: { ...one, told: true } })));
    for (const { id, value, stamp } of some.flatMap(({ item }) => item ?? [])) {
      await vault.commit([{ shelf: "receipts", id, value: { ...value, told: true }, stamp }]).catch(unlessChanged);
    }
  }
}

/** @param {import("./store.js").Showing} one @param {import("./store.js").Taken | null} taken */
function line(one, taken) {
  const type = types.get(one.vct);
  const names = (/** @type {number[]} */ groups) => groups.map((n) => (type ? groupId(type, n) : String(n)));
  const { id, at, document, entity, use, purpose, level, agreed } = one;
  return { id, at, document, entity, name: one.name.en, use, purpose, level, agreed, asked: names(one.asked), shown: names(one.shown), ...(taken && { receipt: taken.bytes, receipt_fault: taken.fault }) };
}

/** @param {Vault} vault */
async function fetchRegister(vault) {
  const known = await registerFile(vault);
  if (known && known.at + REGISTER_EVERY > now()) return;
  await vault.commit([{ shelf: "register", id: "register", value: await readRegister() }]);
}

/** What was kept can be shown at once, even if the network goes now: the phone knows who may ask. @param {Vault} vault */
export const readyToShow = (vault) =>
  fetchRegister(vault).catch((/** @type {unknown} */ error) => {
    if (!(error instanceof NetError)) throw error; // the next time with a network brings it
  });

/** What the service collected of the office's words about all copies here. @param {Vault} vault */
async function fetchStaples(vault) {
  const { staples } = await readStaples(handle());
  await vault.commit([{ shelf: "staples", id: "staples", value: staples.filter(isStaple) }]);
}

/** @param {string} text */
function isStaple(text) {
  try {
    return Boolean(parseAssertion(fromBase64url(text)));
  } catch (error) {
    if (error instanceof VcError) return false;
    throw error;
  }
}

/** A whole new batch of each document whose day has come, used or not. @param {Vault} vault @param {PhoneState} state */
async function renew(vault, state) {
  for (const kept of await documents(vault)) {
    const known = state.documents.find(({ id }) => id === kept.id);
    if (kept.renewAt <= now() && known?.keepable) await keep(vault, known, handle(), () => undefined);
  }
}

/** Take one document off this phone; the office hears of it. @param {Vault} vault @param {Kept} kept */
export async function takeOff(vault, kept) {
  await vault.commit(await removal(vault, kept.id));
  await tellLost(kept.batch).catch(() => undefined); // `settle` tells it otherwise
}

/** What this phone had is lost: the office is told of every batch that it kept. @param {PhoneState} state */
export async function reportLost(state) {
  for (const batch of state.batches) if (batch.mine && batch.state !== "lost") await tellLost(batch.id);
}

/** No news for more than a week. @param {Kept[]} all @param {number} registerAt */
export const isStale = (all, registerAt) => Math.min(registerAt, ...all.map(({ checkedAt }) => checkedAt)) + STALE < now();
