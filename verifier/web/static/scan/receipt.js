// What whoever showed something is given: a receipt by this desk's own key. Nobody confirms it before the service was told of it (sync.js).
import { fromBase64url, sha256, toBase64url } from "../js/ovp/bytes.js";
import { draw } from "../js/ovp/draw.js";
import { RECEIPT, renderText } from "../js/ovp/envelope.js";
import { makeReceipt } from "../js/ovp/receipt.js";
import { fill, moment, now, piece, row, say, words } from "./page.js";
import { numberOf, purposeOf } from "./purpose.js";
import { byHolder, paths } from "./result.js";

/** @typedef {import("../js/ovp/bytes.js").Bytes} Bytes */
/** @typedef {import("./judge.js").Case} Case */
/** @typedef {import("./judge.js").Means} Means */
/** @typedef {import("./result.js").Verdict} Verdict */
/** What is shown of it; `dropped`: for its sake an older one went untold. @typedef {{text: string, by: string, use: string, decision: Verdict["decision"], code: string, at: number, dropped: boolean}} Shown */

const MOST_NAMES = 256; // that the service takes
const DECIDED = { accepted: "gotyes", rejected: "gotno", undecided: "gotopen" };

/**
 * Make it and keep it, or null where there is none to give: nothing proves whose the copy is, nobody asked for what it was made for, or this
 * desk cannot sign at present.
 * @param {Means} means @param {Case} one @param {Verdict} verdict
 * @returns {Promise<Shown | null>}
 */
export async function give({ store, pack, clock }, one, verdict) {
  const [desk, certificate, bound] = [await store.desk(), await store.certificate(), boundTo(one, verdict)];
  if (!desk || !certificate || !bound || clock || certificate.until <= now()) return null;
  const { decision } = verdict;
  const [at, code] = [now(), decision === "accepted" ? "" : verdict.code || decision];
  const digest = pack?.memory.signers[desk.signer]?.digest;
  const bytes = await makeReceipt({
    key: await store.signer(),
    certificate: fromBase64url(certificate.certificate),
    ...bound,
    at,
    decision,
    code,
    pack: digest ? fromBase64url(digest) : null,
  });
  const seen = decision === "rejected" ? [] : paths(verdict, Array.from(pack?.types.values() ?? [])).slice(0, MOST_NAMES);
  const vct = seen.length ? String(verdict.credentials[0]?.vct) : "";
  const dropped = await store.keepGiven(toBase64url(await sha256(bytes)), { receipt: toBase64url(bytes), mode: one.mode, vct, paths: seen, at });
  return { text: await renderText(RECEIPT, bytes), by: `${desk.organisation}, ${desk.name}`, use: bound.use, decision, code, at, dropped };
}

/**
 * What it is bound to. Only where its holder's signature was found to be right, or anybody could make a desk give so many that honest ones are dropped;
 * of a copy only for a use of ours: no receipt repeats what a stranger wrote.
 * @param {Case} one @param {Verdict} verdict
 * @returns {{content: Bytes, nonce: Bytes, use: string} | null}
 */
function boundTo({ question, answer }, verdict) {
  if (!byHolder(verdict)) return null;
  if (question) return { content: answer.content, nonce: fromBase64url(question.id), use: question.use };
  const [nonce, use] = [numberOf(answer), purposeOf(answer)];
  return nonce && words.uses.some((each) => each.id === use) ? { content: answer.content, nonce, use } : null;
}

/** Put it beside the result, as a square code, as text, and in words; as it is printed too. @param {HTMLElement} view @param {Shown} shown */
export function showReceipt(view, { text, by, use, decision, code, at }) {
  const place = piece(view, "receipt");
  place.hidden = false;
  const title = words.uses.find((one) => one.id === use)?.title ?? use;
  const why = code ? (words.reasons[code] ?? words.reasons[decision])[0] : "";
  const said = [row(say("gotby"), by), row(say("gotfor"), title), row(say("gotwhat"), say(DECIDED[decision]))];
  if (why) said.push(row(say("gotwhy"), why));
  piece(view, "says").replaceChildren(...said, row(say("gotwhen"), moment(at)));
  /** @type {HTMLTextAreaElement} */ (piece(view, "text")).value = text;
  const canvas = /** @type {HTMLCanvasElement} */ (piece(view, "given"));
  draw(canvas, text, { level: "medium" });
}

/** Why there is none, or what became of an older one. @param {HTMLElement} view @param {Shown | null | undefined} given */
export function showAmiss(view, given) {
  if (given === null) fill(view, { noreceipt: say("noreceipt") });
  else if (given?.dropped) fill(view, { noreceipt: say("warngiven") });
}
