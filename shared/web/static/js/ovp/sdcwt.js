/**
 * The format `dc+sd-cwt`: SD-CWT with groups of claims that are disclosed together, and its key-binding token.
 *
 *     const copy = await parseCopy(bytes, types);             // what an issuer handed over; types: Map vct -> TypeDescriptor
 *     await checkCopy(copy, issuerKey, holderKey, at);        // a wallet's check of a new copy: S3, S12
 *     copy.claims                                             // the whole claim tree; copy.groups: Map n -> { claims, within }
 *     const kbt = await present(copy, [1, 4], { audience, nonce, at }, holderPrivateKey);   // Bytes; addressed: also exp, cti, purposeId
 * @module
 */

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./pack.js").TypeDescriptor} TypeDescriptor */
/** One group that the holder may withhold: its number, the claims in it as a claim tree, and the number of the group around it or 0. @typedef {{n: number, claims: Record<string, any>, within: number}} GroupShown */
/** @typedef {{bytes: Bytes, issuer: string, vct: string, type: TypeDescriptor, issuedAt: number, expiresAt: number, status: {uri: string, idx: number} | null, claims: Record<string, any>, groups: Map<number, GroupShown>}} Copy */
/** @typedef {{audience: string, nonce: Bytes, at: number, exp?: number, cti?: Bytes, purposeId?: string}} ToSign */

/** @param {Bytes} bytes @param {Map<string, TypeDescriptor>} types @returns {Promise<Copy>} */
export async function parseCopy(bytes, types) {
  throw new Error(`being written ${bytes.length} ${types.size}`);
}

/** @param {Copy} copy @param {import("./cose.js").PublicKey} issuer @param {import("./cose.js").PublicKey} holder @param {number} at @returns {Promise<void>} */
export async function checkCopy(copy, issuer, holder, at) {
  throw new Error(`being written ${copy} ${issuer} ${holder} ${at}`);
}

/** The binding token, 1..n groups disclosed (a group within another brings that one along). @param {Copy} copy @param {number[]} groups @param {ToSign} binding @param {CryptoKey} key @returns {Promise<Bytes>} */
export async function present(copy, groups, binding, key) {
  throw new Error(`being written ${copy} ${groups} ${binding} ${key}`);
}
