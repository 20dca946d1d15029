/**
 * Whether a desk's receipt is for what was shown: when it is taken in, and again while clock or register may have been at fault.
 * @module
 */
import { fromBase64url } from "../js/ovp/bytes.js";
import { VcError } from "../js/ovp/errors.js";
import { checkReceipt, parseReceipt } from "../js/ovp/receipt.js";
import { checkInForce } from "../js/ovp/register.js";
import { givenFor, keepReceipt, proofs, register, showings, unlessChanged } from "./store.js";
import { now } from "./view.js";

/** @typedef {import("../js/ovp/vault.js").Vault} Vault */
/** What is wrong with it, as a code, "" for nothing; `waits` where it may fit another time. @typedef {{fault: string, waits: boolean}} Fit */

/** Where register or clock can be at fault, as `wallet/given.py`. */
const OF_THE_MOMENT = ["expired", "not_yet_valid", "untrusted"];

/** @param {Vault} vault @param {import("./store.js").Showing} one @param {import("./store.js").Proof} proof @param {import("../js/ovp/receipt.js").DeskReceipt} receipt @returns {Promise<Fit>} */
export async function fitOf(vault, one, proof, receipt) {
  const exchange = { content: fromBase64url(proof.content), nonce: fromBase64url(proof.nonce), use: one.use, sentAt: one.at, at: now() };
  if (receipt.desk.entity !== one.entity) return { fault: "untrusted", waits: false }; // no register and no clock changes these two
  const over = await codeOf(() => checkInForce(receipt.desk.issuedAt, receipt.desk.expiresAt, receipt.issuedAt));
  if (over) return { fault: over, waits: false };
  const fault = await codeOf(async () => checkReceipt(receipt, await register(vault), exchange));
  return { fault, waits: OF_THE_MOMENT.includes(fault) };
}

/** @param {() => unknown} check @returns {Promise<string>} the code of what is wrong, "" for nothing */
async function codeOf(check) {
  try {
    await check();
    return "";
  } catch (error) {
    if (error instanceof VcError) return error.code;
    throw error;
  }
}

/** Hold those that could not be checked against what was shown once more. @param {Vault} vault */
export async function checkAgain(vault) {
  const [open, lines, given] = [await proofs(vault), await showings(vault), await givenFor(vault)];
  for (const one of lines) {
    const proof = open.get(one.id);
    for (const item of given.get(one.id) ?? []) {
      if (!item.value.waits) continue;
      const { fault } = item.value; // without what was shown nothing can be held against it any more
      const fit = proof ? await fitOf(vault, one, proof, await parseReceipt(fromBase64url(item.value.bytes))) : { fault, waits: false };
      if (!fit.waits) await keepReceipt(vault, one.id, { ...item.value, ...fit }, item).catch(unlessChanged);
    }
  }
}
