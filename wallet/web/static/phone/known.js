/**
 * What organisations had registered when the holder last agreed to a use of theirs, or first saw it; and what they may ask for since.
 * @module
 */
import { now } from "./view.js";

/** @typedef {import("../js/ovp/vault.js").Vault} Vault */
/** @typedef {import("../js/ovp/register.js").RegisteredUse} RegisteredUse */
/** @typedef {import("../js/ovp/register.js").Want} Want */
/** @typedef {{at: number, wants: Want[], retentionDays: number | null}} Known */
/** Numbers of kinds of document and of their groups. @typedef {{since: number, groups: {vct: number, group: number}[], keepsLonger: boolean}} More */

const SHELF = "known-uses";

/** @param {string} entity @param {RegisteredUse} use */
const name = (entity, use) => JSON.stringify([entity, use.id]);

/** From now on this is what the holder knows of. @param {Vault} vault @param {string} entity @param {RegisteredUse} use */
export async function remember(vault, entity, use) {
  /** @type {Known} */
  const value = { at: now(), wants: use.wants, retentionDays: use.retentionDays ?? null };
  await vault.commit([{ shelf: SHELF, id: name(entity, use), value }]);
}

/** New demands, or null; what is seen for the first time is remembered. @param {Vault} vault @param {string} entity @param {RegisteredUse} use @returns {Promise<More | null>} */
export async function newDemands(vault, entity, use) {
  /** @type {Known | undefined} */
  const known = (await vault.get(SHELF, name(entity, use)))?.value;
  if (!known) {
    await remember(vault, entity, use);
    return null;
  }
  const groups = use.wants.flatMap((want) => wider(known.wants.find(({ vct }) => vct === want.vct), want).map((group) => ({ vct: want.vct, group })));
  const keepsLonger = (use.retentionDays ?? Infinity) > (known.retentionDays ?? Infinity);
  return groups.length || keepsLonger ? { since: known.at, groups, keepsLonger } : null;
}

/** Groups that are new, and those that could be left out before. @param {Want | undefined} before @param {Want} want */
function wider(before, want) {
  const had = new Set([...(before?.required ?? []), ...(before?.optional ?? [])]);
  const must = new Set(before?.required ?? []);
  return [...want.required.filter((n) => !must.has(n)), ...want.optional.filter((n) => !had.has(n))];
}
