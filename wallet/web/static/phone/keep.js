/**
 * Fetching a batch of copies: keys and proofs are made here, the office is asked by the wallet service, every copy is checked here.
 *
 * Until all copies are stored in one write, only the new keys lie in the vault ("pending"), so that a broken connection can be resumed.
 * @module
 */
import { fromBase64url, hex, random, toBase64url, utf8 } from "../js/ovp/bytes.js";
import { importJwk, sameKey } from "../js/ovp/cose.js";
import { VcError, refuse } from "../js/ovp/errors.js";
import { checkCopy, parseCopy } from "../js/ovp/sdcwt.js";
import { spelt, types } from "./claims.js";
import { begin, fetchCopies, tellKept, tellRefused } from "./net.js";
import { removal } from "./store.js";
import { now } from "./view.js";

/** @typedef {import("../js/ovp/vault.js").Vault} Vault */
/** @typedef {import("../js/ovp/vault.js").DeviceKey} DeviceKey */
/** @typedef {import("./net.js").Keepable} Keepable */
/** @typedef {import("./store.js").Kept} Kept */
/** Told of each step: which one, and how far. @typedef {(step: "keys" | "office" | "check" | "store", at: number, of: number) => void} Progress */

/** @param {Vault} vault @param {Keepable} document @param {string} phone @param {Progress} progress @returns {Promise<Kept>} */
export async function keep(vault, document, phone, progress) {
  /** @type {DeviceKey[]} */
  let keys = (await vault.get("pending", document.id))?.value ?? [];
  let begun = await begin(document.id, phone);
  if (begun.state === "received" && !keys.length) {
    await tellRefused(begun.id, "not_bound"); // the keys are lost, so these copies are nobody's
    begun = await begin(document.id, phone);
  }
  let proofs = /** @type {string[]} */ ([]);
  if (begun.state === "begun") {
    keys = await grown(vault, document.id, keys, begun.count, progress);
    proofs = await prove(vault, keys, begun);
  }
  progress("office", 0, keys.length);
  const given = await fetchCopies(begun.id, proofs);
  const checked = await check(vault, document, keys, given, progress);
  progress("store", 0, checked.length);
  const kept = described(document, given, checked);
  await vault.commit([
    ...(await removal(vault, document.id)),
    ...checked.map(({ wire, key, copy }) => ({
      shelf: "copies",
      id: hex(random(12)),
      value: { document: document.id, wire, key, expiresAt: copy.expiresAt },
    })),
    { shelf: "documents", id: document.id, value: kept },
  ]);
  await tellKept(given.id).catch(() => undefined); // told again with the next network
  return kept;
}

/** As many keys as the office makes copies, stored before they are used. @param {Vault} vault @param {string} document @param {DeviceKey[]} had @param {number} count @param {Progress} progress */
async function grown(vault, document, had, count, progress) {
  const keys = had.slice(0, count);
  while (keys.length < count) {
    keys.push(await vault.makeKey());
    progress("keys", keys.length, count);
  }
  await vault.commit([{ shelf: "pending", id: document, value: keys }]);
  return keys;
}

/** A key proof for each key (OpenID4VCI 1.0 appendix F.1), at the service's time. @param {Vault} vault @param {DeviceKey[]} keys @param {import("./net.js").Begun} begun */
async function prove(vault, keys, { audience, nonce, at }) {
  return Promise.all(
    keys.map(async (key) => {
      const header = { alg: "ES256", typ: "openid4vci-proof+jwt", jwk: key.jwk };
      const input = [header, { aud: audience, iat: at, nonce }].map((part) => toBase64url(utf8(JSON.stringify(part)))).join(".");
      const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, await vault.openKey(key), utf8(input));
      return `${input}.${toBase64url(new Uint8Array(signature))}`;
    }),
  );
}

/** Every copy against the key that it is for. What is wrong is told to the office and none is kept. @param {Vault} vault @param {Keepable} document @param {DeviceKey[]} keys @param {import("./net.js").Given} given @param {Progress} progress */
async function check(vault, document, keys, given, progress) {
  try {
    return await checked(document, keys, given, progress);
  } catch (error) {
    if (!(error instanceof VcError)) throw error;
    await tellRefused(given.id, error.code).catch(() => undefined);
    await vault.commit([{ shelf: "pending", id: document.id }]);
    throw error;
  }
}

/** @param {Keepable} document @param {DeviceKey[]} keys @param {import("./net.js").Given} given @param {Progress} progress */
async function checked(document, keys, given, progress) {
  if (given.issuer !== document.issuer) refuse("untrusted", "these copies are of another office");
  const office = await importJwk(given.issuer_key);
  const own = await Promise.all(keys.map(async (key) => ({ key, holder: await importJwk(key.jwk) })));
  const found = [];
  for (const [at, wire] of given.copies.entries()) {
    progress("check", at + 1, given.copies.length);
    const copy = await parseCopy(fromBase64url(wire), types);
    const { holder } = copy.parsed;
    const index = own.findIndex((each) => holder && sameKey(each.holder, holder));
    if (index < 0) refuse("not_bound", "a copy is for another key than one of ours, or for one twice");
    const [mine] = own.splice(index, 1);
    if (copy.issuer !== document.issuer || copy.vct !== document.vct) refuse("untrusted", "a copy is of another office or kind");
    await checkCopy(copy, office, mine.holder, now());
    found.push({ wire, key: mine.key, copy });
  }
  if (!found.length) refuse("malformed", "no copy came");
  const said = spelt(found[0].copy.claims);
  if (found.some(({ copy }) => spelt(copy.claims) !== said)) refuse("malformed", "the copies do not all say the same");
  return found;
}

/** @param {Keepable} document @param {import("./net.js").Given} given @param {{copy: import("../js/ovp/sdcwt.js").Copy}[]} checkedCopies @returns {Kept} */
function described(document, given, checkedCopies) {
  return {
    id: document.id,
    vct: document.vct,
    issuer: document.issuer,
    issuerName: given.issuer_name,
    batch: given.id,
    keptAt: now(),
    renewAt: given.renew_at,
    expiresAt: Math.min(...checkedCopies.map(({ copy }) => copy.expiresAt)),
    total: checkedCopies.length,
    state: document.state_code,
    checkedAt: document.checked_at,
    claims: checkedCopies[0].copy.claims,
    keeper: document.keeper ?? null,
  };
}
