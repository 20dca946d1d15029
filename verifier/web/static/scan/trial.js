// "Try your camera": a loop of codes that means nothing, and how many pictures this camera needs until it is whole.
import { concat, sha256, utf8 } from "../js/ovp/bytes.js";
import { Loop } from "../js/ovp/draw.js";
import { BEARER, toMessage } from "../js/ovp/envelope.js";
import { split } from "../js/ovp/frames.js";
import { now, row, say } from "./page.js";

/** @typedef {import("../js/ovp/bytes.js").Bytes} Bytes */
/** @typedef {import("./reader.js").Figures} Figures */

const MARK = utf8("muniment trial 1 ");
const SIZE = 880; // bytes: what a usual answer has

/** What the trial code says: as long and as hard to press together as an answer. @returns {Promise<Bytes>} */
async function content() {
  let whole = MARK;
  let block = await sha256(MARK);
  while (whole.length < SIZE) {
    whole = concat(whole, block);
    block = await sha256(block);
  }
  return whole.slice(0, SIZE);
}

/** A loop on `canvas`, not yet running. @param {HTMLCanvasElement} canvas @returns {Promise<Loop>} */
export async function trialLoop(canvas) {
  return new Loop(canvas, await split(await toMessage(BEARER, await content())));
}

/** @param {import("../js/ovp/envelope.js").Received} message */
export function isTrial({ prefix, content: bytes }) {
  return prefix === BEARER && MARK.every((byte, at) => bytes[at] === byte);
}

/** @param {Figures} figures @returns {HTMLElement[]} */
export function rows(figures) {
  const rate = figures.seconds ? (figures.pictures / figures.seconds).toFixed(1) : "0";
  return [
    row(say("frames"), String(figures.pictures)),
    row(say("seconds"), figures.seconds.toFixed(2)),
    row(say("parts"), String(figures.parts)),
    row(say("rate"), rate),
    row(say("picture"), figures.size),
    row(say("reader"), figures.reader),
  ];
}

/** A row for a table of real devices. @param {Figures} figures @param {string} device @returns {Record<string, unknown>} */
export function line(figures, device) {
  return { version: 1, at: now(), device, browser: navigator.userAgent, bytes: SIZE, ...figures };
}

/** Offer a file, without asking any service. @param {Record<string, unknown>[]} figures */
export function save(figures) {
  const address = URL.createObjectURL(new Blob([JSON.stringify(figures, null, 1)], { type: "application/json" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: "camera-figures.json" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
