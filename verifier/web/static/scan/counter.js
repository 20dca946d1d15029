// At the counter: ask, read what is held up, decide, and on to the next customer. What was shown lives in `case` alone and goes with them.
import { fromBase64url } from "../js/ovp/bytes.js";
import { draw } from "../js/ovp/draw.js";
import { CHALLENGE, RECEIPT, renderText, SEALED } from "../js/ovp/envelope.js";
import { VcError } from "../js/ovp/errors.js";
import { addresseeOf, openSealed, sealedFor } from "../js/ovp/sealed.js";
import { audienceOf, copyOfFile } from "./copyfile.js";
import { Door } from "./door.js";
import { askedFor, judge, openCase, refused } from "./judge.js";
import { alarm, fill, now, part, piece, say, tell, words } from "./page.js";
import { askCode, askLive } from "./questions.js";
import { Reader } from "./reader.js";
import { give, showAmiss, showReceipt } from "./receipt.js";
import { heading, look, names, render, toDecide } from "./result.js";
import { signal, wake } from "./signals.js";

/** @typedef {import("./store.js").Question} Question */
/** @typedef {import("./judge.js").Case} Case */
/** @typedef {import("./judge.js").Told} Told */
/** @typedef {import("./reader.js").Message} Message */
/** @typedef {import("./reader.js").Figures} Figures */

const ONWARD = 60; // seconds until a hands-free desk goes on by itself
const STAPLE_AFTER = 86_400; // a checking pack older than that asks wallets for newer word on their own document
/** @type {Figures} */
const NOT_READ = { pictures: 0, seconds: 0, parts: 1, size: "", reader: "" };

/** Whole pixels for each module, whatever room there is: a scaled picture is harder to read. @param {HTMLCanvasElement} canvas @param {string} text */
function drawWhole(canvas, text) {
  draw(canvas, text, { level: "medium" });
  canvas.style.width = `${canvas.width / (devicePixelRatio || 1)}px`;
}

/** What is said of a locked link before anything in it is believed, or "". @param {import("../js/ovp/sealed.js").Link} link */
function notOurs(link) {
  if (audienceOf(link.copy) !== `a:${words.entity}`) return "wrong_audience";
  return link.until <= now() ? "expired" : "";
}

export class Counter extends Door {
  constructor() {
    super();
    /** @type {Question | null} */
    this.question = null;
    /** @type {Case | null} */
    this.case = null;
    /** What was decided last about `case`. @type {import("./result.js").Verdict | null} */
    this.verdict = null;
    /** The receipt for it, once one was asked for; null where there is none to give. @type {Promise<import("./receipt.js").Shown | null> | undefined} */
    this.giving = undefined;
    /** Another one with each customer: what has waited for something shows nothing of the last one to the next. */
    this.turn = {};
    /** @type {"live" | "code" | "copy" | "test" | ""} */
    this.mode = "";
    this.busy = false;
    this.sealed = "";
  }

  /** Nothing of what was shown stays, neither on the screen nor in memory. @override */
  forgetCase() {
    this.case = null;
    this.verdict = null;
    this.giving = undefined;
    this.turn = {};
    this.question = null;
    this.mode = "";
    this.busy = false;
    this.sealed = "";
    tell("");
    alarm("");
  }

  /** @override */
  looking() {
    return this.case !== null || this.question !== null;
  }

  // --- asking

  /** @param {string} use @param {"live" | "code"} mode */
  async ask(use, mode) {
    wake();
    const { store } = this.ready();
    const pack = this.means?.pack ?? null;
    const certificate = await store.certificate();
    const desk = await store.desk();
    const ready = pack && pack.exp > now() && !this.means?.clock && (mode === "code" || (certificate && certificate.until > now()));
    if (!ready || !desk || !certificate) return this.refuse();
    const { wants } = askedFor(pack, use);
    this.mode = mode;
    this.question =
      mode === "live"
        ? await askLive(store, { use, wants, certificate: fromBase64url(certificate.certificate), staple: now() - pack.iat > STAPLE_AFTER })
        : await askCode(store, desk.entity, use);
    await this.asking();
  }

  /** Why nothing can be asked now is on the first view; it is read out as well. */
  async refuse() {
    this.home();
    alarm((await this.status(this.root)).join(" "));
  }

  async asking() {
    const { question } = this;
    if (!question) return;
    const title = words.uses.find((one) => one.id === question.use)?.title ?? "";
    const text = question.mode === "live" ? await renderText(CHALLENGE, fromBase64url(question.challenge)) : "";
    if (this.question !== question) return; // something else was opened meanwhile
    const view = this.show(question.mode === "live" ? "ask" : "code", { title });
    if (question.mode === "live") {
      drawWhole(/** @type {HTMLCanvasElement} */ (piece(view, "code")), text);
      this.asks(piece(view, "asks"), question.use);
    } else {
      const { digits } = question;
      fill(view, { digits: `${digits.slice(0, 4)} ${digits.slice(4, 8)} ${digits.slice(8)}` });
    }
    this.read(view);
    this.countdown(view, question);
  }

  /** @param {HTMLElement} place @param {string} id */
  asks(place, id) {
    const use = words.uses.find((one) => one.id === id);
    if (!use) return;
    place.append(part("part-line", { text: `“${use.purpose}.”` }), part("part-line", { text: say("asks", { details: use.details.join(", ") }) }));
    if (use.optional.length) place.append(part("part-line", { text: say("wishes", { details: use.optional.join(", ") }) }));
  }

  /** @param {HTMLElement} view @param {Question} question */
  countdown(view, question) {
    const left = question.until - now();
    if (!view.isConnected || this.question !== question) return;
    fill(view, { left: left > 0 ? say("left", { seconds: left }) : say("over") });
    view.querySelector(".scan-code")?.classList.toggle("scan-code--over", left <= 0);
    if (left > 0) this.timer = setTimeout(() => this.countdown(view, question), 1_000);
    else if (this.settings.kiosk && !this.busy) void this.ask(question.use, question.mode);
    else tell(say("over"));
  }

  /** @param {HTMLElement} view */
  read(view) {
    const root = /** @type {HTMLElement} */ (piece(view, "reader"));
    this.reader = new Reader(root, {
      wanted: this.settings,
      message: (message, figures) => void this.message(message, figures),
      file: (text) => void this.fileText(text),
      sealed: (token) => this.locked(token),
    });
    void Reader.allowed().then((allowed) => {
      if (allowed || this.settings.kiosk) void this.reader?.start();
    });
  }

  copy() {
    wake();
    this.mode = "copy";
    this.question = null;
    this.read(this.show("copy"));
  }

  // --- what was read

  /** @param {Message} message @param {Figures} figures */
  async message(message, figures) {
    if (this.busy || !this.means) return;
    if (this.mode === "test") return this.tried(message, figures);
    if (this.mode === "") return undefined;
    if (message.prefix === CHALLENGE) return this.reader?.note("mine");
    if (message.prefix === RECEIPT) return this.reader?.note("other");
    if (this.question && this.question.until < now()) return this.reader?.note("over");
    this.busy = true;
    const { turn } = this;
    try {
      const one = await openCase(this.means.store, this.mode, this.question, message);
      if (this.turn !== turn) return undefined;
      if (one) return await this.decide(one, {});
      this.reader?.note(this.mode === "copy" ? "copyonly" : message.prefix === SEALED ? "stranger" : "iscopy");
    } catch (error) {
      if (!(error instanceof VcError)) throw error;
      this.reader?.note("other");
    }
    this.busy = false;
  }

  /** The file that goes with a copy. @param {string} text */
  async fileText(text) {
    if (this.mode !== "copy") return this.reader?.note("iscopy");
    try {
      await this.message(copyOfFile(text), NOT_READ);
    } catch (error) {
      if (!(error instanceof VcError)) throw error;
      this.reader?.note("other");
    }
  }

  // --- what is locked

  /** A locked link: its words are asked for; one for a key opens where that key is, which is not here. @param {string} token */
  locked(token) {
    if (this.mode !== "copy") return this.reader?.note("iscopy");
    const addressee = addresseeOf(token);
    if (addressee) return addressee.entity === words.entity ? this.reader?.note("service") : void this.elsewhere(addressee.name.en);
    if (sealedFor(token) !== "words") return this.reader?.note("other");
    this.sealed = token;
    return this.show("words");
  }

  /** Nothing is shown, and nothing said, unless they open it. @param {FormData} form */
  async unseal(form) {
    const { sealed } = this;
    this.working(say("unlocking"));
    const link = await openSealed(sealed, String(form.get("words") ?? ""));
    if (this.sealed !== sealed) return; // the next customer is there already
    if (!link) return void this.complainAt(this.show("words"), "words", say("shut"));
    this.sealed = "";
    const wrong = notOurs(link);
    if (!wrong) {
      this.read(this.show("copy"));
      return this.fileText(link.copy);
    }
    if (wrong === "wrong_audience") await this.elsewhere(link.name.en);
    else await this.told(refused(wrong));
  }

  /** It was made for somebody else. @param {string} name */
  async elsewhere(name) {
    const view = await this.told(refused("wrong_audience"));
    if (view) fill(view, { summary: say("madefor", { name }) });
  }

  /** @param {Case} one @param {Told} told */
  async decide(one, told) {
    if (!this.means) return;
    this.case = one;
    const { means } = this;
    this.working(say("checking"));
    const outcome = await judge(means, one, told);
    if (this.case === one) await this.told(outcome); // else the next customer is there already
  }

  /** @param {import("./result.js").Outcome} outcome @returns {Promise<HTMLElement | null>} the view with the result, if the next customer is not there already */
  async told(outcome) {
    const [{ verdict }, { turn }] = [outcome, this];
    const kinds = Array.from(this.means?.pack?.types.values() ?? []);
    if (!toDecide(verdict)) await this.remember(outcome, kinds); // first, so that the list never lacks what was seen
    if (this.turn !== turn) return null;
    this.verdict = verdict;
    this.giving = undefined;
    const given = await (toDecide(verdict) ? undefined : this.make()); // R6: every decision; what a person has yet to decide only when they ask for it
    if (this.turn !== turn) return null;
    const view = this.show("result");
    render(view, outcome, kinds);
    piece(view, "give").hidden = given === null || this.case === null;
    showAmiss(view, given);
    if (given && this.settings.kiosk) showReceipt(view, given);
    signal(verdict.decision, this.settings);
    tell(`${heading(verdict)}.`);
    if (look(verdict) !== "undecided" && this.settings.kiosk) this.onward(view, ONWARD);
    return view;
  }

  /** @param {import("./result.js").Outcome} outcome @param {import("./result.js").Kind[]} kinds */
  async remember({ verdict, use }, kinds) {
    if (!this.settings.history) return;
    const { store } = this.ready();
    const title = words.uses.find((one) => one.id === use)?.title ?? "";
    const { decision, code, level } = verdict;
    await store.addPast({ at: now(), title, mode: this.mode, level: level.number, decision, code, details: names(verdict, kinds) });
  }

  /** The receipt for what was decided, one however often it is asked for. Where it cannot be signed or kept there is none: the decision stands, and is shown. */
  make() {
    const { case: one, means, verdict } = this;
    if (one && means && verdict) this.giving ??= give(means, one, verdict).catch(() => null);
    return this.giving;
  }

  /** @param {HTMLElement} button */
  async receipt(button) {
    const giving = this.make();
    const given = await giving;
    if (this.giving !== giving || this.root.dataset.view !== "result" || given === undefined) return;
    button.hidden = true;
    showAmiss(this.root, given);
    if (!given) return;
    showReceipt(this.root, given);
    const title = /** @type {HTMLElement} */ (document.getElementById("scan-receipt-title"));
    title.focus();
    title.scrollIntoView();
  }

  /** @param {HTMLElement} view @param {number} left */
  onward(view, left) {
    if (view.dataset.view !== "result") return;
    if (left <= 0) return void this.next();
    fill(view, { judge: say("kiosk", { seconds: left }) });
    this.timer = setTimeout(() => this.onward(view, left - 1), 1_000);
  }

  /** @param {FormData} form */
  async decided(form) {
    const said = form.get("allow");
    const one = this.case;
    const kind = this.root.querySelector("[data-part=decide] [data-slot=question]")?.textContent;
    if (!one || (said !== "yes" && said !== "no")) return;
    await this.decide(one, { [kind === say("capacity") ? "capacity_evidence" : "restrictions_allow"]: said === "yes" });
  }

  /** The next customer: a hands-free desk asks the same again. */
  next() {
    const again = this.settings.kiosk && this.root.dataset.view === "result" ? this.question : null;
    const use = again?.use ?? "";
    const mode = again?.mode ?? "live";
    this.home();
    if (again) void this.ask(use, mode);
  }

  /** What the trial of the camera does with it. @param {Message} _message @param {Figures} _figures */
  tried(_message, _figures) {}
}
