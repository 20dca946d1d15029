// A scanned code stands in the fragment of the address, which reaches no server: it goes into the form, and out of the address.
// Without JavaScript people type it.
import { handle, hasHandle, wipe } from "./phone/name.js";

function takeFragment() {
  const code = location.hash.slice(1);
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-scanned]"));
  if (!field || !/^[0-9A-Za-z-]{10,40}$/.test(code)) return;
  history.replaceState(null, "", location.pathname + location.search);
  field.value = code;
}

// The old phone says under which name it keeps copies, so that they can be given up.
function tellName() {
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-phone-name]"));
  if (field && hasHandle()) field.value = handle();
}

// Once the wallet is open on the new phone, this one forgets it.
async function forget() {
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-wipe]"));
  if (!form) return;
  await wipe().catch(() => undefined); // the answer to the form tells the browser to do the same
  form.requestSubmit();
}

takeFragment();
tellName();
addEventListener("hashchange", takeFragment);
void forget();
