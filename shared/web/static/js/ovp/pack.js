/**
 * The checking pack: the trust bundle file of `shared/trust/bundle.py`, believed because its signer's key is pinned (security rule S17).
 *
 *     const pack = await openPack(bytes, { signers: [thumbprint], memory, at });   // untrusted, bundle_rolled_back, bundle_stale, …
 *     store(bytes, pack.memory);                              // JSON; both together or neither
 *     pack.iss, pack.seq, pack.iat, pack.exp, pack.types (Map vct -> TypeDescriptor), pack.self, pack.rpCerts
 * @module
 */

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{en: string, cy: string}} Words */
/** @typedef {{key: number, path: (string | null)[], kind: string, group: number, required: boolean, label: Words, choices: {value: string, label: Words}[], max_length: number, max_items: number}} ClaimDescriptor */
/** @typedef {{n: number, id: string, label: Words, within: number}} GroupDescriptor */
/** @typedef {{id: string, title: Words, purpose: Words, use: Record<string, any>, required: number[], optional: number[]}} QueryDescriptor */
/** @typedef {{vct: string, vct_int: number, title: Words, groups: GroupDescriptor[], claims: ClaimDescriptor[], status_bits: number, status_max_age: {low: number, high: number}, copy_days: number, bearer: boolean, represents: string[], rules: any[], queries: QueryDescriptor[]}} TypeDescriptor */
/** @typedef {{iss: string, name: string, kid: Bytes, key: import("./cose.js").PublicKey, vcts: string[] | null, notBefore: number, notAfter: number, state: "active" | "verify-only" | "ended" | "compromised", endedAt: number | null}} Issuer */
/** What must survive between two uses, as JSON. @typedef {{version: 1, floor: number, signers: Record<string, {seq: number, iat: number, digest: string}>, statuses: any}} Memory */
/** @typedef {{iss: string, signer: string, seq: number, iat: number, exp: number, issuers: Issuer[], self: {entity: string, name: string, kid: string, key: any} | null, types: Map<string, TypeDescriptor>, statusLists: Map<string, Bytes>, rpCerts: Bytes[], memory: Memory}} Pack */

/** @returns {Memory} */
export const emptyMemory = () => ({ version: 1, floor: 0, signers: {}, statuses: { lists: {}, invalid: {}, equivocations: [] } });

/** @param {Bytes} bytes @param {{signers: string[], memory: Memory, at: number}} options @returns {Promise<Pack>} */
export async function openPack(bytes, options) {
  throw new Error(`being written ${bytes.length} ${options.at}`);
}
