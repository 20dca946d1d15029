/**
 * The service worker: named, told the language, and let take over when nothing is being shown.
 * @module
 */
import { announce, find, locale, say } from "./view.js";

const ADDRESS = "/phone/sw.js";

/** @param {() => boolean} idle whether a new version may take over now */
export async function startWorker(idle) {
  if (!("serviceWorker" in navigator)) return;
  const had = navigator.serviceWorker.controller !== null;
  const registration = await navigator.serviceWorker.register(trusted(ADDRESS), { scope: "/phone/" }).catch(() => null);
  if (!registration) return;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (had && idle()) location.reload();
  });
  registration.addEventListener("updatefound", () => waitFor(registration, idle));
  if (registration.waiting) takeOver(registration.waiting, idle);
  const active = (await navigator.serviceWorker.ready).active;
  active?.postMessage({ type: "language", language: locale });
  find(document, "#ready").hidden = false;
}

/** @param {ServiceWorkerRegistration} registration @param {() => boolean} idle */
function waitFor(registration, idle) {
  const coming = registration.installing;
  coming?.addEventListener("statechange", () => {
    if (coming.state === "installed" && navigator.serviceWorker.controller) takeOver(coming, idle);
  });
}

/** @param {ServiceWorker} worker @param {() => boolean} idle */
function takeOver(worker, idle) {
  if (idle()) worker.postMessage({ type: "take-over" });
  else announce(say("updated"));
}

/** Only this one address may be a worker: the page allows this policy and no other. @param {string} address @returns {any} */
function trusted(address) {
  const types = /** @type {any} */ (globalThis).trustedTypes;
  return types ? types.createPolicy("muniment-worker", { createScriptURL: () => ADDRESS }).createScriptURL(address) : address;
}
