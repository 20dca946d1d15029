// Lets the browser itself ask the wallets of this device (W3C Digital Credentials API), where it can. The page works without it.

const PROTOCOL = "openid4vp-v1-signed";

/** @typedef {{ protocol: string, data: unknown }} Brought */

/** Whether this browser speaks the protocol; one that does not say is asked, and may still fail. */
export function canAsk() {
  const kind = /** @type {{ DigitalCredential?: { userAgentAllowsProtocol?: (name: string) => boolean } }} */ (globalThis).DigitalCredential;
  return kind !== undefined && (kind.userAgentAllowsProtocol?.(PROTOCOL) ?? true);
}

/** @param {string} address @param {RequestInit} options @returns {Promise<any>} */
async function call(address, options = {}) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  const answer = await fetch(address, { ...options, headers, credentials: "same-origin", cache: "no-store" });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  return answer.json();
}

/** Where the page goes on; empty where nothing was shown. @param {string} address @returns {Promise<string>} */
async function ask(address) {
  const request = await call(address);
  const wanted = /** @type {CredentialRequestOptions} */ ({ mediation: "required", digital: { requests: [request] } });
  let shown;
  try {
    shown = /** @type {Brought | null} */ (/** @type {unknown} */ (await navigator.credentials.get(wanted)));
  } catch (error) {
    if (error instanceof DOMException && ["AbortError", "NotAllowedError"].includes(error.name)) return "";
    throw error;
  }
  if (shown === null) return "";
  const data = typeof shown.data === "string" ? JSON.parse(shown.data) : shown.data; // early browsers gave a text
  return (await call(address, { method: "POST", body: JSON.stringify({ protocol: shown.protocol, data }) })).href;
}

/** @param {HTMLElement} place */
function start(place) {
  const [button, status] = [place.querySelector("button"), place.querySelector("[role=status]")];
  if (!(button instanceof HTMLButtonElement) || !(status instanceof HTMLElement)) return;
  button.addEventListener("click", async () => {
    button.disabled = true;
    status.textContent = "";
    try {
      const href = await ask(place.dataset["digital"] ?? "");
      if (href) location.assign(href);
      else status.textContent = status.dataset["none"] ?? "";
    } catch {
      status.textContent = status.dataset["failed"] ?? "";
    }
    button.disabled = false;
  });
  place.hidden = false;
}

const place = document.querySelector("[data-digital]");
if (place instanceof HTMLElement && canAsk()) start(place);
