// From nothing to an open desk: setting it up once with a network, opening it with its passphrase, and what it is checked with.
import { VcError } from "../js/ovp/errors.js";
import { emptyMemory, openPack } from "../js/ovp/pack.js";
import { keepStorage, SHORTEST, VaultError } from "../js/ovp/vault.js";
import { age, fill, moment, now, part, piece, say, warn, words } from "./page.js";
import { destroy, state, Store } from "./store.js";
import { enrol, signedIn, Sync } from "./sync.js";

/** @typedef {import("./store.js").Settings} Settings */
/** @typedef {import("./reader.js").Reader} Reader */

export class Door {
  constructor() {
    this.root = /** @type {HTMLElement} */ (document.getElementById("scan"));
    /** @type {Store | null} */
    this.store = null;
    /** @type {Sync | null} */
    this.sync = null;
    /** @type {import("./judge.js").Means | null} */
    this.means = null;
    /** @type {Settings} */
    this.settings = { sound: true, buzz: true, history: true, kiosk: false };
    /** @type {Reader | null} */
    this.reader = null;
    this.ended = false;
    this.outcome = "";
    this.timer = 0;
  }

  // --- views

  /** @param {string} name @param {Record<string, string>} [slots] @returns {HTMLElement} */
  show(name, slots = {}) {
    this.quiet();
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById(`view-${name}`));
    this.root.replaceChildren(template.content.cloneNode(true));
    this.root.dataset.view = name;
    fill(this.root, slots);
    const title = /** @type {HTMLElement} */ (this.root.querySelector("h1"));
    title.tabIndex = -1;
    title.focus({ preventScroll: true });
    scrollTo(0, 0);
    return this.root;
  }

  /** Nothing of the view before goes on. */
  quiet() {
    clearTimeout(this.timer);
    this.reader?.close();
    this.reader = null;
  }

  /** @param {string} text */
  working(text) {
    this.show("working", { heading: text, text: say("wait") });
  }

  // --- from nothing to an open desk

  async begin() {
    if (!isSecureContext) return void this.show("insecure");
    try {
      const now_ = await state();
      if (now_ === "lost") this.show("lost");
      else if (now_ === "none") await this.notYet();
      else this.show("locked");
    } catch {
      this.show("storage");
    }
  }

  async notYet() {
    const who = await signedIn();
    this.show(who === "offline" ? "nonet" : who === "no" ? "signin" : "enrol");
  }

  /** @param {FormData} form */
  async enrol(form) {
    const name = String(form.get("name") ?? "").trim();
    const passphrase = String(form.get("passphrase") ?? "");
    const wrong = {
      name: name ? "" : say("enter"),
      passphrase: passphrase.length < SHORTEST ? say("short") : "",
      again: passphrase === form.get("again") ? "" : say("differ"),
    };
    if (this.complain(wrong)) return;
    this.working(say("making"));
    try {
      await this.setUp(name, passphrase);
    } catch (error) {
      await destroy().catch(() => undefined);
      if (error instanceof VaultError) return void this.show("storage");
      throw error;
    }
  }

  /** @param {string} name @param {string} passphrase */
  async setUp(name, passphrase) {
    const store = await Store.make(passphrase);
    const key = await store.vault.makeKey();
    const made = await enrol(name, key);
    if ("fault" in made) {
      store.close();
      await destroy();
      if (made.fault === "signin") return void this.show("signin");
      if (made.fault === "offline") return void this.show("nonet");
      const view = this.show("enrol");
      return void this.complainAt(view, "name", say("failed", { detail: made.detail }));
    }
    const { id, token, entity, organisation, signer, certificate, certified_until } = made.told;
    await store.enrol({ id, token, entity, organisation, signer, name, key }, { certificate, until: certified_until });
    await keepStorage();
    await this.opened(store);
    await this.renew();
    this.home();
  }

  /** @param {FormData} form */
  async unlock(form) {
    const passphrase = String(form.get("passphrase") ?? "");
    this.working(say("opening"));
    try {
      await this.opened(await Store.open(passphrase));
      this.home();
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      if (error.code === "lost") return void this.show("lost");
      if (error.code === "no_storage") return void this.show("storage");
      this.complainAt(this.show("locked"), "passphrase", say("wrong"));
    }
  }

  /** @param {Store} store */
  async opened(store) {
    this.store = store;
    this.settings = await store.settings();
    await store.sweep();
    await this.openPack();
    this.sync = new Sync(store, { accept: (bytes) => this.accept(bytes), told: (outcome) => this.synced(outcome) });
    this.sync.start();
  }

  /** The pack that is here, as far as it can be believed. */
  async openPack() {
    const { store } = this.ready();
    const desk = await store.desk();
    const memory = (await store.memory()) ?? emptyMemory();
    const bytes = await store.pack();
    const clock = await store.clockSetBack();
    this.means = { store, pack: null, fault: "bundle_stale", memory, clock };
    if (!bytes || !desk) return;
    try {
      const pack = await openPack(/** @type {any} */ (bytes), { signers: [desk.signer], memory, at: now() });
      Object.assign(this.means, { pack, memory: pack.memory, fault: "" });
    } catch (error) {
      if (!(error instanceof VcError)) throw error;
      this.means.fault = error.code;
    }
  }

  /** A pack that was just fetched: refused unless its signer is the one that was pinned when this desk was set up. @param {Uint8Array} bytes */
  async accept(bytes) {
    const { store } = this.ready();
    const desk = await store.desk();
    const memory = (await store.memory()) ?? emptyMemory();
    const pack = await openPack(/** @type {any} */ (bytes), { signers: [desk?.signer ?? ""], memory, at: now() });
    return pack.memory;
  }

  /** @param {import("./sync.js").Outcome} outcome */
  async synced(outcome) {
    this.outcome = outcome;
    this.ended = outcome === "ended";
    if (outcome === "renewed" && !this.looking()) await this.openPack();
    if (this.root.dataset.view === "home") await this.status(this.root);
  }

  async renew() {
    await this.sync?.once();
    await this.openPack();
  }

  ready() {
    if (!this.store) throw new VaultError("no_vault", "the desk is closed");
    return { store: this.store };
  }

  lock() {
    this.forgetCase();
    this.sync?.stop();
    this.store?.close();
    this.store = this.sync = this.means = null;
    this.show("locked");
  }

  async forget() {
    this.sync?.stop();
    this.store?.close();
    this.store = this.sync = this.means = null;
    await destroy();
    await this.begin();
  }

  // --- the first view of an open desk

  home() {
    if (!this.store) return void this.begin();
    this.forgetCase();
    const view = this.show("home");
    this.uses(view, "live");
    void this.status(view);
  }

  /** Everything that was shown goes. What that is, the counter knows. */
  forgetCase() {}

  /** Whether something is being looked at that a new pack must not change under way. */
  looking() {
    return false;
  }

  /** Those for several who act together are not asked here: nobody on this page counts them. @param {HTMLElement} view @param {"live" | "code"} mode */
  uses(view, mode) {
    for (const use of words.uses.filter((each) => !each.together)) {
      const one = part("part-use", { title: use.title, kind: use.kind });
      const button = /** @type {HTMLButtonElement} */ (one.querySelector("button"));
      button.dataset.value = use.id;
      button.dataset.mode = mode;
      piece(view, "uses").append(one);
    }
  }

  /** Whether there is a checking pack that can be relied on; "" if so. */
  async aboutPack() {
    const pack = this.means?.pack;
    if (pack) return pack.exp <= now() ? say("warnstale") : "";
    return say((await this.ready().store.packNote()) ? "warnstale" : "warnpack");
  }

  /** How the last round of renewing went. */
  aboutNetwork() {
    if (this.outcome === "renewed") return say("online", { moment: moment(now()) });
    return this.outcome === "offline" ? say("offline") : this.outcome === "refused" ? say("notrenewed") : "";
  }

  /** What is amiss, and how old the knowledge is. @param {HTMLElement} view @returns {Promise<string[]>} what is amiss */
  async status(view) {
    const { store } = this.ready();
    const certificate = await store.certificate();
    const pack = this.means?.pack;
    const persisted = (await navigator.storage?.persisted?.()) ?? false;
    const amiss = [
      this.means?.clock ? say("warnclock") : "",
      this.ended ? say("warnended") : "",
      !certificate || certificate.until <= now() ? say("warncert") : "",
      this.means?.clock ? "" : await this.aboutPack(),
      (await store.full()) ? say("warngiven") : "",
    ];
    const warnings = amiss.filter(Boolean);
    if (!view.isConnected || !view.querySelector("[data-part=warnings]")) return warnings;
    warn(piece(view, "warnings"), warnings);
    const said = [
      pack ? `${say("pack")}: ${say("dated", { moment: moment(pack.iat), age: age(Math.max(0, now() - pack.iat)) })}` : "",
      persisted ? "" : say("warnpersist"),
      warnings.length && this.outcome === "offline" ? "" : this.aboutNetwork(),
    ];
    const place = view.querySelector("[data-part=knowledge]");
    place?.replaceChildren(...said.filter(Boolean).map((text) => part("part-line", { text })));
    return warnings;
  }

  // --- fields

  /** @param {Record<string, string>} wrong @returns {boolean} whether anything is */
  complain(wrong) {
    const faults = Object.entries(wrong).filter(([, text]) => text);
    for (const [name, text] of Object.entries(wrong)) this.complainAt(this.root, name, text);
    const first = faults[0]?.[0];
    if (first) document.getElementById(`scan-${first}`)?.focus();
    return faults.length > 0;
  }

  /** @param {HTMLElement} view @param {string} name @param {string} text */
  complainAt(view, name, text) {
    const place = /** @type {HTMLElement | null} */ (view.querySelector(`[data-error="${name}"]`));
    if (!place) return;
    fill(place, { error: text });
    place.hidden = text === "";
    place.closest(".govuk-form-group")?.classList.toggle("govuk-form-group--error", text !== "");
    place.parentElement?.querySelector("input")?.classList.toggle("govuk-input--error", text !== "");
    if (text) place.parentElement?.querySelector("input")?.focus();
  }
}
