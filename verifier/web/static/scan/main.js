// The checking page: the counter, the back room (camera on trial, list of decisions, the desk itself), and everything that people press.
import { VaultError } from "../js/ovp/vault.js";
import { Counter } from "./counter.js";
import { age, fill, moment, now, part, piece, row, say, tell, words } from "./page.js";
import { isTrial, line, rows, save, trialLoop } from "./trial.js";

/** @typedef {import("./store.js").Settings} Settings */
/** @typedef {import("./reader.js").Message} Message */
/** @typedef {import("./reader.js").Figures} Figures */

const POLICY = "muniment-worker";
const SOON = 500; // milliseconds until a newer page looks again whether the desk is closed
const IDLE = 15 * 60_000; // after which a desk that nobody touches is closed; one that works hands-free waits for customers

class Page extends Counter {
  constructor() {
    super();
    /** @type {Figures | null} */
    this.figures = null;
    /** What was set last is on the disk. @type {Promise<void>} */
    this.saved = Promise.resolve();
  }

  // --- the camera on trial

  async test() {
    this.mode = "test";
    const view = this.show("test");
    const loop = await trialLoop(/** @type {HTMLCanvasElement} */ (piece(view, "code")));
    view.querySelector("[data-on=show]")?.addEventListener("click", () => (loop.running ? loop.stop() : loop.start()));
    this.read(view);
    fill(view, { kept: say("saved", { count: (await this.ready().store.figures()).length }) });
  }

  /** @override @param {Message} message @param {Figures} figures */
  tried(message, figures) {
    if (!isTrial(message)) return this.reader?.note("other");
    this.figures = figures;
    piece(this.root, "figures").hidden = false;
    piece(this.root, "rows").replaceChildren(...rows(figures));
  }

  async keep() {
    const device = /** @type {HTMLInputElement} */ (document.getElementById("scan-device")).value.trim();
    if (!this.figures) return;
    const { store } = this.ready();
    await store.addFigures(line(this.figures, device));
    fill(this.root, { kept: say("saved", { count: (await store.figures()).length }) });
  }

  // --- the list of decisions, and the desk itself

  async history() {
    await this.saved;
    const lines = await this.ready().store.past();
    const view = this.show("history");
    const place = piece(view, "lines");
    if (!lines.length) place.append(part("part-line", { text: say("nothing") }));
    for (const one of lines) {
      const why = one.code ? `: ${(words.reasons[one.code] ?? words.reasons.undecided)[0]}` : "";
      place.append(
        part("part-past", {
          heading: [moment(one.at), one.title].filter(Boolean).join(", "),
          text: `${one.decision === "accepted" && one.level < 2 ? words.copy : words.verdicts[one.decision]}${why}`,
          details: one.details.length ? say("details", { details: one.details.join(", ") }) : say("nodetails"),
        }),
      );
    }
  }

  async desk() {
    const { store } = this.ready();
    const desk = await store.desk();
    const certificate = await store.certificate();
    if (!desk || !certificate) return;
    const view = this.show("settings", { name: desk.name });
    const pack = this.means?.pack;
    const until = { moment: moment(certificate.until) };
    const dropped = await store.dropped();
    const kept = (await navigator.storage?.persisted?.()) ?? false;
    piece(view, "rows").append(
      row(say("organisation"), desk.organisation),
      row(say("cert"), say(certificate.until > now() ? "until" : "ended", until)),
      row(say("pack"), pack ? say("dated", { moment: moment(pack.iat), age: age(Math.max(0, now() - pack.iat)) }) : say("nopack")),
      row(say("untold"), String((await store.given()).length)),
      ...(dropped ? [row(say("dropped"), String(dropped))] : []),
      row(say("storage"), say(kept ? "kept" : "unkept")),
    );
    for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (view.querySelectorAll("input[type=checkbox]"))) {
      box.checked = this.settings[/** @type {keyof Settings} */ (box.value)];
    }
    await this.status(view);
  }

  /** @param {HTMLInputElement} box */
  async setting(box) {
    Object.assign(this.settings, { [box.value]: box.checked });
    const { store } = this.ready();
    await store.keepSettings(this.settings);
    if (!this.settings.history) await store.clearPast();
  }

  async renewNow() {
    this.working(say("renewing"));
    await this.renew();
    await this.desk();
    tell(say(this.outcome === "renewed" ? "renewed" : "notrenewed"));
  }

  /** What remains true when everything works: to be read without a network too, and before a desk is open. */
  limits() {
    this.forgetCase();
    this.show("limits");
  }

  // --- what people press

  /** @param {string} event @param {HTMLElement} button @returns {unknown} */
  act(event, button) {
    const { value = "", mode = "" } = button.dataset;
    switch (event) {
      case "use": return this.ask(value, mode === "code" ? "code" : "live");
      case "typed": return this.uses(this.show("typed"), "code");
      case "copy": return this.copy();
      case "camera": return this.reader?.start();
      case "paste": return this.reader?.paste();
      case "fresh": return this.question && this.ask(this.question.use, this.question.mode);
      case "next": return this.next();
      case "receipt": return this.receipt(button);
      case "print": return print();
      case "test": return this.test();
      case "keep": return this.keep();
      case "export": return this.ready().store.figures().then(save);
      case "history": return this.history();
      case "clear": return this.ready().store.clearPast().then(() => this.history());
      case "settings": return this.desk();
      case "renew": return this.renewNow();
      case "limits": return this.limits();
      case "lock": return this.lock();
      case "forget": return this.forget();
      case "retry": return this.begin();
      default: return undefined;
    }
  }
}

const page = new Page();

/** Where the browser has no room left, or lost what it kept, the page says so, whatever was being done. */
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof VaultError)) return;
  event.preventDefault();
  if (page.store || event.reason.code !== "no_vault") page.show("storage"); // else the desk was closed while this was under way
});

addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest?.("[data-on]");
  if (button instanceof HTMLElement) void Promise.resolve(page.act(button.dataset.on ?? "", button));
});

addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const what = form.dataset.onSubmit;
  if (!what) return;
  event.preventDefault();
  const data = new FormData(form);
  if (what === "enrol") void page.enrol(data);
  else if (what === "unlock") void page.unlock(data);
  else if (what === "words") void page.unseal(data);
  else if (what === "decide") void page.decided(data);
});

addEventListener("change", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  if (input.dataset.onChange === "file" && input.files?.[0]) void page.reader?.file(input.files[0]);
  else if (input.closest("[data-on-change=setting]")) page.saved = page.setting(input);
});

addEventListener("pagehide", () => page.quiet());

let touched = performance.now();

function idle() {
  if (page.store && !page.settings.kiosk && performance.now() - touched >= IDLE) page.lock();
}

for (const event of ["pointerdown", "keydown"]) {
  addEventListener(event, () => {
    idle(); // timers of a page behind others come late
    touched = performance.now();
  }, { capture: true, passive: true });
}
setInterval(idle, 30_000);

/** Trusted Types stay on: the one script address that this page hands to the browser is its own service worker's. */
function register() {
  if (!("serviceWorker" in navigator)) return;
  const address = "/desk/scan/sw.js";
  const factory = /** @type {any} */ (globalThis).trustedTypes;
  const policy = factory?.createPolicy(POLICY, {
    createScriptURL: (/** @type {string} */ wanted) => {
      if (wanted !== address) throw new TypeError("another script was asked for");
      return wanted;
    },
  });
  navigator.serviceWorker.register(policy ? policy.createScriptURL(address) : address, { scope: "/desk/scan/" }).then(renewed, () => undefined);
}

/** A newer page that was fetched before takes over while nothing is open: browsers may put that off, and a desk may be open by then. @param {ServiceWorkerRegistration} registration */
function renewed({ waiting }) {
  if (!waiting || !navigator.serviceWorker.controller) return;
  const again = () => void (page.store || page.root.dataset.view === "working" ? setTimeout(again, SOON) : location.reload());
  navigator.serviceWorker.addEventListener("controllerchange", again, { once: true });
  waiting.postMessage("take over");
}

register();
void page.begin();
