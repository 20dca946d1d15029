/**
 * The wallet's page that works in airplane mode: where everything begins, the documents, and keeping and taking off.
 * @module
 */
import { SHORTEST, Vault, VaultError, keepStorage, passkeyPossible } from "../js/ovp/vault.js";
import { actingFor, types } from "./claims.js";
import { card, keepCard, row, titleOf, whyNot } from "./cards.js";
import { code, scan } from "./desk.js";
import { keep } from "./keep.js";
import { NetError, readState } from "./net.js";
import { paper } from "./paper.js";
import { past } from "./receipt.js";
import { allowSound } from "./signals.js";
import * as store from "./store.js";
import { isStale, readyToShow, reportLost, sync, takeOff } from "./sync.js";
import { ago, all, announce, count, current, day, el, find, pick, press, right, say, serve, show, typed, wrong } from "./view.js";
import { startWorker } from "./worker.js";

/** @typedef {import("./net.js").PhoneState} PhoneState */
/** @typedef {import("./net.js").Keepable} Keepable */
/** @typedef {import("./store.js").Kept} Kept */

const IDLE = 10 * 60_000; // milliseconds until the documents lock themselves
const QUIET = ["frames", "keeping", "printed"]; // not while one of these is shown

/** @type {Vault | null} */
let vault = null;
/** What the service said last, if it was reached since the page was opened. @type {PhoneState | null} */
let state = null;
/** @type {"offline" | "signed_out" | "online"} */
let reach = "offline";
let touched = Date.now();

// --- the beginning -------------------------------------------------------------------------------------------------------------------

async function begin() {
  if (!isSecureContext) return void show("insecure");
  const wanted = /^#keep\/([\w-]{1,200})$/.exec(location.hash)?.[1];
  const there = await Vault.state(store.NAME);
  if (there === "none") return store.hasHandle() ? cleanUp(wanted) : empty(wanted);
  if (there === "lost") return lost();
  return unlock(there, wanted);
}

/** Ask the service how things stand; `null` without a network or an open wallet. @returns {Promise<PhoneState | null>} */
async function look() {
  try {
    state = await readState(store.handle());
    reached("online");
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    state = null;
    reached(error.kind === "signed_out" ? "signed_out" : "offline");
  }
  return state;
}

/** @param {"offline" | "signed_out" | "online"} how */
function reached(how) {
  reach = how;
  const place = find(document, "#signal");
  place.dataset.reach = how;
  find(place, "[data-signal-text]").textContent = say(how === "offline" ? "close" : how);
}

/** Everything was taken off here before: what is not yet reported is. @param {string} [wanted] */
async function cleanUp(wanted) {
  const now_ = await look();
  if (now_) {
    await reportLost(now_);
    store.dropHandle();
  }
  await empty(wanted);
}

/** @param {string} [wanted] */
async function empty(wanted) {
  const known = await look();
  const chosen = known?.documents.find(({ id, keepable }) => id === wanted && keepable);
  if (chosen) return askKeep(chosen);
  const able = known?.documents.filter(({ keepable }) => keepable) ?? [];
  show("empty", {
    when: { offline: reach === "offline", signed_out: reach === "signed_out", none: known && !able.length },
    lists: { documents: able.map((each) => keepCard(each)) },
    acts: { keep: keepChosen },
  });
}

/** @param {HTMLElement} target */
function keepChosen(target) {
  const chosen = state?.documents.find(({ id }) => id === target.dataset.document);
  return chosen && askKeep(chosen);
}

// --- unlocking -----------------------------------------------------------------------------------------------------------------------

/** @param {"passphrase" | "passkey"} door @param {string} [wanted] */
function unlock(door, wanted) {
  find(document, "#lock").hidden = true;
  show("unlock", {
    when: { [door]: true },
    acts: { unlock: () => tryUnlock(door, wanted), home: () => unlock(door, wanted) },
  });
}

/** @param {"passphrase" | "passkey"} door @param {string} [wanted] */
async function tryUnlock(door, wanted) {
  right();
  const opening = door === "passphrase" ? { passphrase: typed("passphrase") } : { passkey: /** @type {true} */ (true) };
  show("unlocking");
  try {
    await opened(await Vault.open(store.NAME, opening));
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    if (error.code === "lost" || error.code === "no_vault") return begin();
    unlock(door, wanted);
    if (door === "passphrase") return wrong("passphrase", say("wrong_passphrase"));
    const line = find(document, "#view [data-error]");
    line.textContent = say("wrong_passkey");
    line.hidden = false;
    return undefined;
  }
  await arrive(wanted);
}

/** @param {Vault} open */
async function opened(open) {
  vault = open;
  touched = Date.now();
  find(document, "#lock").hidden = false;
  allowSound((await store.about(open)).sound);
  await store.dropProofs(open);
}

/** @param {string} [wanted] */
async function arrive(wanted) {
  await home();
  await update();
  if (!vault) return;
  const chosen = wanted && state?.documents.find(({ id, keepable }) => id === wanted && keepable);
  const kept = wanted && (await store.documents(ready())).some(({ id }) => id === wanted);
  history.replaceState(null, "", location.pathname + location.search);
  if (chosen && !kept) askKeep(chosen);
}

function lock() {
  vault?.close();
  vault = null;
  return begin();
}

/** @returns {Vault} */
function ready() {
  if (!vault) throw new VaultError("no_vault");
  return vault;
}

/** With a network: news, the register, the history, new copies on their day; then the page as it is now. */
async function update() {
  const open = ready();
  try {
    state = await sync(open);
    reached("online");
  } catch (error) {
    if (open !== vault) return; // it was locked meanwhile
    if (!(error instanceof NetError)) throw error;
    reached(error.kind === "signed_out" ? "signed_out" : "offline");
  }
  if (open === vault && current() === "home") await home();
}

// --- the documents -------------------------------------------------------------------------------------------------------------------

async function home() {
  if (!vault) return begin();
  const before = current();
  const [kept, copies, file, told] = await Promise.all([store.documents(vault), store.fresh(vault), store.registerFile(vault), store.showings(vault)]);
  const persisted = await navigator.storage?.persisted?.();
  if (![before, "home"].includes(current())) return; // something else was opened meanwhile
  if (!kept.length) return empty();
  const owed = told.filter((each) => !each.told).length;
  const more = (state?.documents ?? []).filter(({ id, keepable }) => keepable && !kept.some((each) => each.id === id));
  show("home", {
    when: {
      stale: isStale(kept, file?.at ?? 0),
      unkept: !persisted,
      more: more.length,
      signed_out: reach === "signed_out",
    },
    lists: {
      documents: kept.map((each) => card(each, copies.filter(({ value }) => value.document === each.id).length, able(each.id))),
      more: more.map(keepCard),
      age: [
        row(say("age_register"), file ? ago(file.at) : say("never")),
        row(say("age_status"), ago(Math.min(...kept.map(({ checkedAt }) => checkedAt)))),
        ...(owed ? [row(say("age_history"), String(owed))] : []),
      ],
    },
    acts: { keep: keepChosen, renew: renewChosen, remove: removeChosen },
  });
}

/** Whether new copies of a document can be had now. @param {string} document_ */
const able = (document_) => state?.documents.some(({ id, keepable }) => id === document_ && keepable) ?? false;

/** @param {HTMLElement} target */
function renewChosen(target) {
  const chosen = state?.documents.find(({ id }) => id === target.dataset.document);
  return chosen && askKeep(chosen);
}

/** @param {HTMLElement} target */
async function removeChosen(target) {
  const kept = (await store.documents(ready())).find(({ id }) => id === target.dataset.document);
  if (!kept) return;
  const type = types.get(kept.vct);
  const title = type ? pick(type.title) : kept.vct;
  const about = type ? actingFor(type, kept.claims) : "";
  const remove = async () => {
    await takeOff(ready(), kept);
    await home();
    announce(say("remove_batch", { title }));
  };
  show("remove", { text: { subject: about ? say("acting_for", { name: about }) : title }, acts: { remove } });
}

// --- keeping -------------------------------------------------------------------------------------------------------------------------

/** @param {Keepable} chosen */
async function askKeep(chosen) {
  const subject = chosen.subtitle ? say("acting_for", { name: chosen.subtitle }) : titleOf(chosen);
  const passkey = !vault && (await passkeyPossible());
  const root = show("keep", {
    text: { subject },
    when: { new_vault: !vault, passkey, early: vault && (await store.documents(vault)).some(({ id }) => id === chosen.id) },
    acts: { keep: () => startKeeping(chosen), home: () => (vault ? home() : empty()) },
  });
  for (const radio of all(root, "input[name=door]")) {
    radio.addEventListener("change", () => {
      find(root, "[data-door=passphrase]").hidden = /** @type {HTMLInputElement} */ (find(root, "#door-passkey")).checked;
    });
  }
}

/** @param {Keepable} chosen */
async function startKeeping(chosen) {
  right();
  const opening = vault ? null : newOpening();
  if (!vault && !opening) return;
  if (opening) {
    show("unlocking");
    try {
      await opened(await Vault.make(store.NAME, opening));
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== "no_passkey") throw error;
      await askKeep(chosen);
      return wrong("new_passphrase", say("no_passkey"));
    }
  }
  await doKeep(chosen);
}

/** What the form says the vault is to be opened with; `null` once the page says what is wrong. @returns {import("../js/ovp/doors.js").Opening | null} */
function newOpening() {
  const passkey = /** @type {HTMLInputElement | null} */ (document.querySelector("#door-passkey"));
  if (passkey?.checked) return { passkey: say("keep") };
  const passphrase = typed("new_passphrase");
  if (passphrase.length < SHORTEST) wrong("new_passphrase", say("short_passphrase"));
  else if (passphrase !== typed("repeat")) wrong("repeat", say("other_passphrase"));
  else return { passphrase };
  return null;
}

/** @param {Keepable} chosen */
async function doKeep(chosen) {
  const storage = keepStorage(); // some browsers ask the holder first; nothing waits for that
  const names = /** @type {const} */ (["keys", "office", "check", "store"]);
  const lines = names.map((name) => el("li", { class: "mu-check mu-check--unchecked" }, el("span", { class: "mu-check__state" }, say("to_do")), el("span", { class: "mu-check__text" }, say(`step_${name}`))));
  const root = show("keeping", { lists: { steps: lines } });
  const bar = /** @type {HTMLProgressElement} */ (find(root, "progress"));
  const words = { keys: "making_key", office: "asking_office", check: "checking_copy", store: "storing" };
  let at_ = "";
  try {
    const kept = await keep(ready(), chosen, store.handle(), (step, at, of) => {
      const place = names.indexOf(step);
      lines.forEach((line, index) => mark(line, index < place ? "passed" : index === place ? "now" : "unchecked"));
      find(root, "[data-text=now]").textContent = say(words[step], { i: at, n: of });
      bar.value = 25 * place + (of ? (25 * at) / of : 0);
      if (at_ !== step) announce(say(`step_${step}`));
      at_ = step;
    });
    await Promise.all([readyToShow(ready()), store.setAbout(ready(), { ...(await store.about(ready())), phone: store.handle() })]);
    await done(kept, storage);
  } catch (error) {
    keepFailed(chosen, error);
  }
}

/** @param {HTMLElement} line @param {"passed" | "now" | "unchecked"} how */
function mark(line, how) {
  line.className = `mu-check mu-check--${how === "passed" ? "passed" : "unchecked"}${how === "now" ? " ph-step--now" : ""}`;
  find(line, ".mu-check__state").textContent = say({ passed: "did", now: "doing", unchecked: "to_do" }[how]);
}

/** @param {Kept} kept @param {Promise<"granted" | "refused">} storage */
async function done(kept, storage) {
  const left = (await store.fresh(ready(), kept.id)).length;
  const promised = await Promise.race([storage, "refused"]);
  show("kept", {
    text: { uses: count("kept", left), until: say("until", { date: day(kept.expiresAt), renew: day(kept.renewAt) }) },
    when: { refused: promised === "refused" },
  });
  await update();
}

/** @param {Keepable} chosen @param {unknown} error */
function keepFailed(chosen, error) {
  const why = whyNot(error);
  if (!why) throw error;
  show("keep-failed", { text: { why }, when: { whole: true }, acts: { again: () => doKeep(chosen) } });
}

// --- lost, forgotten, settings, history ----------------------------------------------------------------------------------------------

async function lost() {
  const known = await look();
  show("lost", { when: { online: known, offline: !known && reach === "offline" }, acts: { recover } });
  if (reach === "signed_out") find(document, "#view").append(el("p", { class: "govuk-body" }, el("a", { class: "govuk-link", href: "/sign-in?next=/phone/" }, say("signed_out"))));
}

async function recover() {
  const known = await look();
  if (!known) return lost();
  await reportLost(known);
  await Vault.destroy(store.NAME);
  store.dropHandle();
  await look();
  const able = (state?.documents ?? []).filter(({ keepable }) => keepable);
  show("recovered", { lists: { documents: able.map(keepCard) }, acts: { keep: keepChosen } });
}

async function forget() {
  const owed = vault ? (await store.showings(vault)).some(({ told }) => !told) : true;
  show("forget", { when: { unsynced: owed }, acts: { "forget-all": forgetAll } });
}

async function forgetAll() {
  vault?.close();
  vault = null;
  await Vault.destroy(store.NAME);
  find(document, "#lock").hidden = true;
  await begin();
}

async function settings() {
  const about = await store.about(ready());
  const persisted = await navigator.storage?.persisted?.();
  const root = show("settings", {
    text: { storage: say(persisted ? "storage_kept" : "storage_refused") },
    when: { refused: !persisted },
    acts: {
      sound: async (box) => {
        const on = /** @type {HTMLInputElement} */ (box).checked;
        await store.setAbout(ready(), { ...about, sound: on });
        allowSound(on);
      },
      persist: async () => {
        await keepStorage();
        await settings();
      },
    },
  });
  /** @type {HTMLInputElement} */ (find(root, "#sound")).checked = about.sound;
}

// --- the page ------------------------------------------------------------------------------------------------------------------------

/** @param {unknown} error */
function failed(error) {
  const why = whyNot(error);
  if (error instanceof VaultError && error.code === "no_vault") return void begin();
  show("keep-failed", { text: { why: why || say("why_other", { code: error instanceof Error ? error.name : "error" }) }, acts: { again: begin, home: begin } });
  if (!why) throw error;
}

serve({ home, scan: () => scan(ready()), code: () => code(ready()), paper: () => paper(ready()), settings, history: () => past(ready()), forget }, failed);
find(document, "#lock").addEventListener("click", () => void lock());
for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => (touched = Date.now()), { passive: true });
setInterval(() => {
  if (vault && Date.now() - touched > IDLE && !QUIET.includes(current())) void lock();
}, 15_000);
addEventListener("online", () => vault && current() === "home" && void update().catch(failed));
addEventListener("offline", () => reached("offline"));
addEventListener("hashchange", () => location.hash && void press("home"));
document.body.classList.add("js-enabled");
void startWorker(() => vault === null);
begin().catch(failed);
