/**
 * A text as a QR code on a canvas: alphanumeric, level L on screens and M on paper, four modules of white around it, whole pixels only.
 *
 *     draw(canvas, text);                                   // as many device pixels as its box on the page allows
 *     const loop = new Loop(canvas, texts); loop.start(); loop.stop(); loop.step();   // frames, FRAME_MS each, all of one size
 *     const svg = toSvg(text, { level: "medium" });          // an element for print
 * @module
 */
import encodeQR from "../../vendor/qr/index.js";
import { FRAME_MS } from "./frames.js";

/** @typedef {"low" | "medium" | "quartile" | "high"} Level */

const QUIET = 4;
const SVG = "http://www.w3.org/2000/svg";

/**
 * The modules, quiet zone included: true is dark. `version` (1 to 40) enlarges a code that would fit a smaller one.
 * @param {string} text in the characters of base45
 * @param {{level?: Level, version?: number}} [options]
 * @returns {boolean[][]}
 */
export function modules(text, { level = "low", version } = {}) {
  return encodeQR(text, "raw", { ecc: level, encoding: "alphanumeric", border: QUIET, ...(version && { version }) });
}

/** @param {boolean[][]} rows */
const versionOf = (rows) => (rows.length - 2 * QUIET - 17) / 4;

/**
 * Draw black on white, whatever the page's colours, with a whole number of device pixels a module: as large as the canvas' box allows.
 * @param {HTMLCanvasElement} canvas
 * @param {string} text
 * @param {{level?: Level, version?: number}} [options]
 * @returns {number} the version
 */
export function draw(canvas, text, options = {}) {
  const rows = modules(text, options);
  paint(canvas, rows);
  return versionOf(rows);
}

/** @param {HTMLCanvasElement} canvas @param {boolean[][]} rows */
function paint(canvas, rows) {
  const density = globalThis.devicePixelRatio || 1;
  canvas.style.width = ""; // the box that the page's style sheet gives it
  const scale = Math.max(1, Math.floor(((canvas.clientWidth || canvas.width) * density) / rows.length));
  canvas.width = canvas.height = rows.length * scale;
  canvas.style.width = `${canvas.width / density}px`; // or the browser would stretch modules to unequal sizes
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#000";
  rows.forEach((row, y) => row.forEach((dark, x) => dark && context.fillRect(x * scale, y * scale, scale, scale)));
}

/** A loop of frames on one canvas. It begins stopped, at the first. */
export class Loop {
  /** @param {HTMLCanvasElement} canvas @param {string[]} texts */
  constructor(canvas, texts) {
    this.canvas = canvas;
    this.texts = texts;
    this.version = Math.max(...texts.map((text) => versionOf(modules(text))));
    this.pictures = texts.map((text) => modules(text, { version: this.version }));
    this.at = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.show();
  }

  get running() {
    return this.timer !== undefined;
  }

  show() {
    paint(this.canvas, this.pictures[this.at]);
  }

  /** The next frame. */
  step() {
    this.at = (this.at + 1) % this.texts.length;
    this.show();
  }

  start() {
    if (this.texts.length > 1) this.timer ??= setInterval(() => this.step(), FRAME_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

/**
 * The code as an SVG element without a size of its own, sharp at any.
 * @param {string} text
 * @param {{level?: Level}} [options]
 */
export function toSvg(text, { level = "medium" } = {}) {
  const rows = modules(text, { level });
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${rows.length} ${rows.length}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  for (const [kind, data] of [["#fff", `M0 0h${rows.length}v${rows.length}H0z`], ["#000", outline(rows)]]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("fill", kind);
    path.setAttribute("d", data);
    svg.append(path);
  }
  return svg;
}

/** @param {boolean[][]} rows */
const outline = (rows) => rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
