/**
 * The receipt that a desk gives without a network: read from its screen or paper, held against what was shown, kept with the showing
 * (rules R6, S10, S25). It is provisional; what is for something else, or by somebody else, is kept as that and never as fine.
 * @module
 */
import { toBase64url } from "../js/ovp/bytes.js";
import { RECEIPT } from "../js/ovp/envelope.js";
import { VcError } from "../js/ovp/errors.js";
import { parseReceipt } from "../js/ovp/receipt.js";
import { pastLine, whyOf } from "./cards.js";
import { fitOf } from "./fits.js";
import { look } from "./look.js";
import { keepReceipt, proofs, receipts, showings } from "./store.js";
import { announce, moment, pick, say, show } from "./view.js";

/** @typedef {import("../js/ovp/vault.js").Vault} Vault */
/** @typedef {import("./store.js").Showing} Showing */
/** @typedef {import("./store.js").Taken} Taken */
/** @typedef {import("../js/ovp/receipt.js").DeskReceipt} DeskReceipt */

/** What was shown, newest first, and what the desks said of it. @param {Vault} vault */
export async function past(vault) {
  const [found, taken, open] = [await showings(vault), await receipts(vault), await proofs(vault)];
  show("history", {
    when: { none: !found.length },
    lists: { showings: found.map((one) => pastLine(one, taken.get(one.id) ?? null, open.has(one.id))) },
    acts: { receipt: (target) => takeReceipt(vault, target.dataset.showing ?? "") },
  });
}

/** Read the receipt for a showing. @param {Vault} vault @param {string} id */
export const takeReceipt = (vault, id) => look((got) => read(vault, id, got), false);

/** @param {Vault} vault @param {string} id @param {import("./look.js").Received} got */
async function read(vault, id, { prefix, content }) {
  const one = (await showings(vault)).find((each) => each.id === id);
  const proof = (await proofs(vault)).get(id);
  if (!one || !proof) return past(vault);
  const receipt = prefix === RECEIPT ? await parsed(content) : null;
  if (!receipt) return tell(vault, one, null);
  const fit = await fitOf(vault, one, proof, receipt);
  /** @type {Taken} */
  const taken = {
    bytes: toBase64url(receipt.data),
    ...fit,
    decision: receipt.decision,
    code: receipt.code,
    desk: receipt.desk.name,
    given: receipt.issuedAt,
    told: false,
  };
  await keepReceipt(vault, id, taken);
  return tell(vault, one, taken);
}

/** @param {import("../js/ovp/bytes.js").Bytes} bytes @returns {Promise<DeskReceipt | null>} null for what is no receipt, of which nothing is kept */
async function parsed(bytes) {
  try {
    return await parseReceipt(bytes);
  } catch (error) {
    if (error instanceof VcError) return null;
    throw error;
  }
}

/** @param {Vault} vault @param {Showing} one @param {Taken | null} taken null: it was no receipt */
function tell(vault, one, taken) {
  const name = pick(one.name);
  const good = taken && !taken.fault;
  const title = taken === null ? say("receipt_none") : good ? say(`receipt_${taken.decision}`) : say(taken.waits ? "receipt_later" : "receipt_misfit");
  show("receipt", {
    text: {
      title,
      why: taken === null ? say("receipt_none_why") : whyOf(taken),
      from: taken ? say("receipt_from", { name, desk: taken.desk, when: moment(taken.given) }) : "",
      about: say("history_line", { when: moment(one.at), name, use: pick(one.title) }),
    },
    when: { accepted: good && taken.decision === "accepted", undecided: taken?.waits || (good && taken.decision === "undecided"), rejected: (!good && !taken?.waits) || (good && taken.decision === "rejected"), good, later: taken?.waits, misfit: taken?.fault && !taken.waits, again: !good },
    acts: { again: () => takeReceipt(vault, one.id) },
  });
  announce(title);
}
