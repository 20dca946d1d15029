/**
 * Locked links (`shared/sealed_link.py`): a JWE by PBES2-HS512+A256KW and A256GCM, opened with the seven words that were made for it.
 *
 * It imports nothing: the page that is saved as one file carries this module's text as a plain script.
 * @module
 */

/** @typedef {{en: string, cy: string}} Pair */
/** @typedef {{entity: string, name: Pair}} Addressee */
/** @typedef {{name: Pair, until: number, title: Pair, purpose: Pair, details: {label: Pair, value: Pair}[], copy: string}} Link */

const SEALED = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){4}$/;
const IN_PAGE = /<script type="application\/jose" id="sealed">\s*([A-Za-z0-9_.-]+)\s*<\/script>/;
const LARGEST = 12_500_000;
const ROUNDS = [600_000, 1_200_000];
const MEMBERS = ["typ", "alg", "enc", "p2s", "p2c"];
const KEY_MEMBERS = ["typ", "alg", "enc", "epk", "kid", "aud", "name", "name#cy"];
const ALG = "PBES2-HS512+A256KW";

/**
 * The link in a saved page, behind an address's `#`, or as it is; empty where there is none.
 * @param {string} text
 * @returns {string}
 */
export function findSealed(text) {
  if (text.length > LARGEST) return "";
  const found = IN_PAGE.exec(text)?.[1] ?? text.trim();
  const token = /^(https?|file):\/\//.test(found) ? found.slice(found.lastIndexOf("#") + 1) : found;
  return SEALED.test(token) ? token : "";
}

/**
 * How it is sealed: with words, for a registered key, or in no way that is known here.
 * @param {string} token
 * @returns {"words" | "key" | ""}
 */
export function sealedFor(token) {
  const header = headerOf(token);
  const { typ, alg, enc, p2c } = header;
  if (typ !== "sealed-link+jwe" || enc !== "A256GCM") return "";
  if (alg === "ECDH-ES") return addresseeOf(token) ? "key" : "";
  if (Object.keys(header).some((name) => !MEMBERS.includes(name))) return "";
  return alg === ALG && Number.isInteger(p2c) && p2c >= ROUNDS[0] && p2c <= ROUNDS[1] ? "words" : "";
}

/**
 * For whom a link says that it is which a registered key opens, and no words; null for any other. Anybody can write that.
 * @param {string} token
 * @returns {Addressee | null}
 */
export function addresseeOf(token) {
  const header = headerOf(token);
  const { typ, alg, enc, kid, aud } = header;
  if (typ !== "sealed-link+jwe" || alg !== "ECDH-ES" || enc !== "A256GCM" || token.split(".")[1] !== "") return null;
  if (Object.keys(header).some((one) => !KEY_MEMBERS.includes(one)) || ![kid, aud].every((one) => typeof one === "string" && one)) return null;
  const name = nameOf(header, 200);
  return name && aud.length <= 2_000 ? { entity: aud, name } : null;
}

/**
 * What is inside, or null where the words do not open it, which takes as long as if they did.
 * @param {string} token @param {string} words as they were typed
 * @returns {Promise<Link | null>}
 */
export async function openSealed(token, words) {
  try {
    if (sealedFor(token) !== "words") return null;
    const [head, wrapped, nonce, sealed, tag] = token.split(".");
    const { p2s, p2c } = headerOf(token);
    const utf8 = new TextEncoder();
    const letters = words.slice(0, 400).toLowerCase().replace(/[^a-z]/g, "") || "-";
    const base = await crypto.subtle.importKey("raw", utf8.encode(letters), "PBKDF2", false, ["deriveKey"]);
    const salt = joined(utf8.encode(`${ALG}\0`), bytes(p2s));
    const how = { name: "PBKDF2", hash: "SHA-512", salt, iterations: p2c };
    const outer = await crypto.subtle.deriveKey(how, base, { name: "AES-KW", length: 256 }, false, ["unwrapKey"]);
    const key = await crypto.subtle.unwrapKey("raw", bytes(wrapped), outer, "AES-KW", { name: "AES-GCM" }, false, ["decrypt"]);
    const gcm = { name: "AES-GCM", iv: bytes(nonce), additionalData: utf8.encode(head) };
    const inside = await crypto.subtle.decrypt(gcm, key, joined(bytes(sealed), bytes(tag)));
    return checked(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(inside)));
  } catch {
    return null;
  }
}

/** @param {string} token @returns {Record<string, any>} */
function headerOf(token) {
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes(token.slice(0, token.indexOf(".")))));
    return typeof header === "object" && header !== null ? header : {};
  } catch {
    return {};
  }
}

/** A name, and the Welsh one where there is another; null where either has what nobody can see. @param {Record<string, any>} from @param {number} most @returns {Pair | null} */
function nameOf(from, most) {
  const names = [from.name, "name#cy" in from ? from["name#cy"] : from.name];
  const shown = (/** @type {any} */ one) => typeof one === "string" && one && one.length <= most && !/[\p{C}\p{Z}]/u.test(one.replaceAll(" ", ""));
  return names.every(shown) ? { en: names[0], cy: names[1] } : null;
}

/** Exactly the members that are shown, all of them texts. @param {any} link @returns {Link | null} */
function checked(link) {
  const pair = (/** @type {any} */ value) => typeof value?.en === "string" && typeof value.cy === "string";
  const name = nameOf(link ?? {}, 400);
  const plain = name && typeof link.copy === "string" && Number.isSafeInteger(link.until);
  const told = pair(link?.title) && pair(link.purpose) && Array.isArray(link.details) && link.details.length <= 400;
  return plain && told && link.details.every((/** @type {any} */ one) => pair(one?.label) && pair(one.value)) ? { ...link, name } : null;
}

/** @param {string} text base64url @returns {Uint8Array<ArrayBuffer>} */
function bytes(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const made = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) made[at] = binary.charCodeAt(at);
  return made;
}

/** @param {Uint8Array} one @param {Uint8Array} other @returns {Uint8Array<ArrayBuffer>} */
function joined(one, other) {
  const whole = new Uint8Array(one.length + other.length);
  whole.set(one);
  whole.set(other, one.length);
  return whole;
}
