/**
 * The answer as square codes: a loop of small ones five times a second, or still; always black on white and never asleep.
 * @module
 */
import { Loop } from "../js/ovp/draw.js";
import { renderText, toMessage } from "../js/ovp/envelope.js";
import { CHUNK, FITS_ONE_CODE, SMALL_CHUNK, split } from "../js/ovp/frames.js";
import { letSleep, signal, stayAwake } from "./signals.js";
import { all, announce, find, say, show } from "./view.js";

/** Characters that a code of version 11 holds at level L: below it one still code is as easy to read as a frame. */
const SMALL = 468;
const HELP_AFTER = 4000; // milliseconds without "Done" until the squares become bigger

/**
 * Show the answer until the holder says that it is done.
 * @param {{prefix: string, content: import("../js/ovp/bytes.js").Bytes, title: string, level: string}} answer
 * @param {() => unknown} done
 */
export async function showFrames(answer, done) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const text = await renderText(answer.prefix, answer.content);
  const message = await toMessage(answer.prefix, answer.content);
  const one = text.length <= (still ? FITS_ONE_CODE : SMALL);
  const small = await split(message, SMALL_CHUNK);
  const usual = one ? [text] : await split(message, CHUNK);
  const view = new Frames(still);
  const root = show("frames", {
    text: { title: answer.title, level: answer.level },
    when: { loop: true },
    acts: {
      done: () => {
        signal("done");
        return done();
      },
      pause: () => view.pause(),
      step: () => view.step(),
      bigger: () => view.draw(view.big ? usual : small, !view.big),
    },
    leave: () => view.end(),
  });
  view.root = root;
  document.documentElement.classList.add("ph-white");
  void stayAwake();
  view.draw(usual, false);
  signal("begin");
  if (!still) view.help = setTimeout(() => !view.big && !view.paused && view.draw(small, true), HELP_AFTER);
}

class Frames {
  /** @param {boolean} still */
  constructor(still) {
    this.still = still;
    this.paused = still;
    this.big = false;
    this.root = document.body;
    /** @type {Watched | null} */
    this.loop = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.help = undefined;
  }

  /** @param {string[]} texts @param {boolean} big */
  draw(texts, big) {
    this.loop?.stop();
    this.big = big;
    const canvas = /** @type {HTMLCanvasElement} */ (find(this.root, "canvas"));
    this.loop = new Watched(canvas, texts, () => this.tell());
    if (!this.paused) this.loop.start();
    this.tell();
  }

  tell() {
    if (!this.loop) return;
    const place = { i: this.loop.at + 1, n: this.loop.texts.length };
    const single = place.n === 1;
    find(this.root, "[data-text=now]").textContent = say(single ? "one_piece" : this.paused ? "paused" : "piece", place);
    find(this.root, "canvas").setAttribute("aria-label", say("code_alt", place));
    for (const name of ["pause", "step"]) find(this.root, `[data-do=${name}]`).hidden = single || (name === "step" && !this.paused);
    const [pause, bigger] = ["pause", "bigger"].map((name) => find(this.root, `[data-do=${name}]`));
    pause.textContent = say(this.paused ? "resume" : "pause");
    pause.setAttribute("aria-pressed", String(this.paused));
    bigger.textContent = say(this.big ? "smaller" : "bigger");
    bigger.setAttribute("aria-pressed", String(this.big));
  }

  pause() {
    this.paused = !this.paused;
    if (this.paused) this.loop?.stop();
    else this.loop?.start();
    this.tell();
    announce(find(this.root, "[data-text=now]").textContent ?? "");
  }

  step() {
    this.loop?.step();
    announce(find(this.root, "[data-text=now]").textContent ?? "");
  }

  end() {
    clearTimeout(this.help);
    this.loop?.stop();
    letSleep();
    document.documentElement.classList.remove("ph-white");
    for (const canvas of all(this.root, "canvas")) canvas.remove();
  }
}

/** A loop that says when another frame is shown. */
class Watched extends Loop {
  /** @param {HTMLCanvasElement} canvas @param {string[]} texts @param {() => void} shown */
  constructor(canvas, texts, shown) {
    super(canvas, texts);
    this.shown = shown;
  }

  /** The next frame. @override */
  step() {
    super.step();
    this.shown();
  }
}
