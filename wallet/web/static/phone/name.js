/**
 * How this phone is called at the wallet service, and what of it lies in the browser.
 * @module
 */
import { hex, random } from "../js/ovp/bytes.js";
import { Vault } from "../js/ovp/vault.js";

export const NAME = "phone";
const HANDLE = "muniment-phone-name";

/** The random name of this phone; it outlives the vault, so that what a vault held can be reported as lost. */
export function handle() {
  const known = localStorage.getItem(HANDLE);
  if (known) return known;
  const made = hex(random(16));
  localStorage.setItem(HANDLE, made);
  return made;
}

export const hasHandle = () => localStorage.getItem(HANDLE) !== null;
export const dropHandle = () => localStorage.removeItem(HANDLE);

/** Nothing of the wallet stays in this browser: no copies, no keys, no pages for airplane mode. */
export async function wipe() {
  await Vault.destroy(NAME);
  localStorage.clear();
  for (const name of await caches.keys()) await caches.delete(name);
  for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
}
