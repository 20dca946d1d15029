/**
 * The format `dc+sd-cwt`: SD-CWT in groups of claims that are disclosed together, and its key binding token, as `shared/formats/sd_cwt.py`.
 *
 *     const copy = await parseCopy(bytes, types);             // what an issuer handed over; types: Map vct -> TypeDescriptor (pack.js)
 *     await checkCopy(copy, issuerKey, holderKey, at);        // a wallet's check of a new copy: S3, S12
 *     copy.claims; copy.groups                                // the whole claim tree; Map n -> { n, within, claims }
 *     const kbt = await present(copy, [1, 4], { ...challenge.binding, at }, holderPrivateKey);   // Bytes
 *     const kbt = await present(copy, [1, 4], { audience: "a:…", nonce: random(16), at, exp, cti: random(16), purposeId }, key);
 *
 * Where the desk asks for it, `withStaple(copy, assertion)` is shown instead of `copy`.
 * @module
 */
import { sha256, toBase64url, utf8 } from "./bytes.js";
import { REDACTED, compare, decode, encode } from "./cbor.js";
import {
  ALG,
  KID,
  TYP,
  TYP_HEADER,
  X5CHAIN,
  importCoseKey,
  isBytes,
  isInteger,
  isUint,
  itemOf,
  parseSign1,
  sameKey,
  sign,
  sign1Of,
  signingInput,
  verifySign1,
} from "./cose.js";
import { checkBinding } from "./binding.js";
import { VcError, refuse } from "./errors.js";
import { Opener, bytesOf, parseDisclosures } from "./hidden.js";
import { DAY } from "./register.js";
import { judge } from "./rules.js";
import { decodeClaims, levelsOf, upwards } from "./typemap.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./cose.js").PublicKey} PublicKey */
/** @typedef {import("./cose.js").Sign1} Sign1 */
/** @typedef {import("./pack.js").TypeDescriptor} TypeDescriptor */
/** @typedef {import("./hidden.js").Hidden} Hidden */
/**
 * Structure only; nothing in it is a fact before `verify`. `vct` is "vct:" and a number where the type is not known.
 * @typedef {{issuer: string, vct: string, type: TypeDescriptor | null, kid: Bytes, x5c: Bytes[], issuedAt: number, expiresAt: number,
 *   status: {uri: string, idx: number} | null, holder: PublicKey | null, staples: Bytes[], signed: Sign1, payload: Map<any, any>,
 *   hidden: Hidden[], binding: Sign1 | null}} Parsed
 */
/** @typedef {import("./typemap.js").Decoded & {unexplained: number}} Contents */
/** What is proved. `bound` is what the holder signed, by name; `replayKey` is SHA-256 of the last signing input (S9). @typedef {{claims: Record<string, any>, paths: import("./typemap.js").Path[], bound: Record<string, any>, replayKey: Bytes}} Facts */
/** One group that the holder may withhold: its number, the group around it or 0, and the claims in it. @typedef {{n: number, within: number, claims: Record<string, any>}} GroupShown */
/** A copy as its own holder sees it. @typedef {{bytes: Bytes, issuer: string, vct: string, type: TypeDescriptor, issuedAt: number, expiresAt: number, status: {uri: string, idx: number} | null, claims: Record<string, any>, groups: Map<number, GroupShown>, parsed: Parsed}} Copy */
/** @typedef {{audience: string, nonce: Bytes, at: number, exp?: number, cti?: Bytes, purposeId?: string}} ToSign */

const MAX_BYTES = 32_767;
const LEEWAY = 60;
const [ISS, SUB, EXP, IAT, CNF, VCT, STATUS, TYPE_MAP] = [1, 2, 4, 6, 8, 11, 65_535, -70_000];
const [KCWT, SD_CLAIMS, STAPLE] = [13, 17, -70_301];
const BEARER = [ISS, EXP, IAT, VCT, TYPE_MAP];
const BOUND = [...BEARER, SUB, CNF];
/** Members of a key binding token. @type {Map<any, string>} */
const NAMES = new Map([[3, "aud"], [4, "exp"], [5, "nbf"], [6, "iat"], [7, "jti"], [39, "nonce"], [-70_001, "purpose_id"]]);
const BYTES = ["jti", "nonce"];

// --- structure -------------------------------------------------------------------------------------------------------------------

/**
 * Take a copy or a presentation apart; `types` are those that are known here.
 * @param {Bytes} bytes
 * @param {Map<string, TypeDescriptor>} types
 * @returns {Promise<Parsed>}
 */
export async function parse(bytes, types) {
  if (bytes.length > MAX_BYTES) refuse("too_large", `a document of more than ${MAX_BYTES} bytes`);
  const outer = parseSign1(bytes);
  if (!TYP.KEY_BINDING.includes(outer.protect.get(TYP_HEADER))) return parsed(outer, null, types);
  if (!hasOnly(outer.protect, [ALG, KCWT, TYP_HEADER]) || outer.bare.size) {
    refuse("malformed", "a binding has its own header parameters and no others");
  }
  return parsed(sign1Of(outer.protect.get(KCWT), "/kcwt"), outer, types);
}

/** Exactly these keys. @param {Map<any, any>} map @param {any[]} names */
const hasOnly = (map, names) => map.size === names.length && names.every((name) => map.has(name));

/** @param {Sign1} signed @param {Sign1 | null} binding @param {Map<string, TypeDescriptor>} types @returns {Promise<Parsed>} */
async function parsed(signed, binding, types) {
  const bound = TYP.SD_CWT.includes(signed.protect.get(TYP_HEADER));
  if (!bound && (binding || !TYP.CWT.includes(signed.protect.get(TYP_HEADER)))) refuse("wrong_typ", "this signed object is of another kind");
  const kid = signed.protect.get(KID);
  if (!hasOnly(signed.protect, [ALG, KID, TYP_HEADER]) || !isBytes(kid) || kid.length !== 8) {
    refuse("malformed", "a document has its own header parameters and no others", "/protected");
  }
  const payload = readPayload(signed.payload, bound ? BOUND : BEARER);
  const status = payload.has(STATUS) ? readStatus(payload.get(STATUS)) : null;
  const number = payload.get(VCT);
  if (!isUint(number)) refuse("malformed", "the type is a number", "/vct");
  const holder = bound ? await readHolder(payload.get(CNF)) : null;
  const envelope = readEnvelope(payload);
  const { bare } = signed;
  const allowed = binding ? [SD_CLAIMS, STAPLE] : [SD_CLAIMS, X5CHAIN, STAPLE];
  if (Array.from(bare.keys()).some((each) => !allowed.includes(each)) || (!bound && bare.has(SD_CLAIMS))) {
    refuse("malformed", "nothing else stands outside the issuer's signature", "/unprotected");
  }
  const hidden = bare.has(SD_CLAIMS) ? await parseDisclosures(bare.get(SD_CLAIMS)) : [];
  const type = Array.from(types.values()).find((each) => each.vct_int === number) ?? null;
  const x5c = bare.has(X5CHAIN) ? readChain(bare.get(X5CHAIN)) : [];
  const staples = bare.has(STAPLE) ? [bytesOf(bare.get(STAPLE), "/unprotected")] : [];
  return { ...envelope, vct: type?.vct ?? `vct:${number}`, type, kid, status, x5c, holder, staples, signed, payload, hidden, binding };
}

/** @param {Bytes} bytes @param {number[]} members @returns {Map<any, any>} */
function readPayload(bytes, members) {
  const payload = decode(bytes, "/payload", true);
  const names = payload instanceof Map && payload.has(STATUS) ? [...members, STATUS] : members;
  if (!(payload instanceof Map) || !hasOnly(payload, names) || !(payload.get(TYPE_MAP) instanceof Map)) {
    return refuse("malformed", "the payload has its own members and no others", "/payload");
  }
  return payload;
}

/** @param {Map<any, any>} payload */
function readEnvelope(payload) {
  const issuer = name(payload.get(ISS), "/iss");
  const [issuedAt, expiresAt] = [IAT, EXP].map((key) => payload.get(key));
  if (!isUint(issuedAt) || !isUint(expiresAt)) refuse("malformed", "a time in whole seconds is demanded here", "/iat");
  if (payload.has(SUB) && (typeof payload.get(SUB) !== "string" || !/^[A-Za-z0-9_-]{6}$/.test(payload.get(SUB)))) {
    refuse("malformed", "a subject is a few random letters", "/sub");
  }
  return { issuer, issuedAt, expiresAt };
}

/** A URI or name of 1 to 2048 characters. @param {any} value @param {string} where @returns {string} */
function name(value, where) {
  const fits = typeof value === "string" && value !== "" && (value.length <= 2048 || Array.from(value).length <= 2048);
  return fits ? value : refuse("malformed", "a text of 1 to 2048 characters is demanded here", where);
}

/** @param {any} status */
function readStatus(status) {
  const listed = status instanceof Map ? status.get("status_list") : undefined;
  if (!(listed instanceof Map)) return refuse("malformed", "the status is a place in a status list", "/status/status_list");
  const uri = name(listed.get("uri"), "/status/status_list/uri");
  const idx = listed.get("idx");
  if (!isUint(idx)) refuse("malformed", "the place in the status list is missing", "/status/status_list/idx");
  if (status.size !== 1 || listed.size !== 2) refuse("malformed", "nothing in this is ever hidden", "/status");
  return { uri, idx };
}

/** @param {any} value @returns {Bytes[]} */
function readChain(value) {
  if (isBytes(value)) return [value];
  if (!Array.isArray(value) || value.length < 2) return refuse("malformed", "a chain of certificates is one, or a list of more", "/x5chain");
  return value.map((each) => bytesOf(each, "/x5chain"));
}

/** @param {any} cnf */
async function readHolder(cnf) {
  if (!(cnf instanceof Map) || !hasOnly(cnf, [1])) refuse("malformed", "the holder's key is a COSE key", "/cnf");
  return importCoseKey(cnf.get(1), "/cnf");
}

// --- contents --------------------------------------------------------------------------------------------------------------------

/**
 * The claims, with everything in clear that may not be hidden (S3). `unknown_credential_type`, `bad_disclosure`, `malformed`.
 * @param {Parsed} parsed
 * @returns {Contents}
 */
export function open({ type, payload, hidden, binding, status }) {
  if (!type) return refuse("unknown_credential_type", "this type of document is not known here");
  for (const { parts } of hidden) {
    if (parts.length && (!isInteger(parts[1]) || parts[1] >= 0)) refuse("malformed", "this is never hidden", "/disclosures");
    if (!parts.length && binding) refuse("bad_disclosure", "a decoy is for the holder's eyes", "/disclosures");
  }
  const opener = new Opener(hidden);
  const opened = opener.close(opener.map(payload.get(TYPE_MAP), 1));
  const decoded = decodeClaims(type, opened);
  if (opener.elements || decoded.groups !== hidden.filter(({ parts }) => parts.length).length) {
    refuse("malformed", "each group is hidden as a whole, and nothing else is", "/claims");
  }
  for (const claim of levelsOf(type).leaves.values()) {
    if (claim.required && !opened.has(claim.key)) refuse("malformed", "a limit is missing or hidden", `/${claim.path.join("/")}`);
  }
  if (type.status_bits && !status) refuse("malformed", "this type of document has a status", "/status");
  return { ...decoded, unexplained: opener.digests.length - hidden.length };
}

// --- verifying -------------------------------------------------------------------------------------------------------------------

/**
 * Signature, validity and contents of what an issuer signed.
 * @param {Parsed} parsed
 * @param {PublicKey} issuer
 * @param {number} at
 */
async function verifySigned(parsed, issuer, at) {
  await verifySign1(parsed.signed, issuer, parsed.holder ? TYP.SD_CWT : TYP.CWT);
  if (at >= parsed.expiresAt + LEEWAY) refuse("expired", "its time is over", "/exp");
  if (at + LEEWAY < parsed.issuedAt) refuse("not_yet_valid", "it was made in the future", "/iat");
  if (parsed.issuedAt >= parsed.expiresAt) refuse("malformed", "a document ends after it begins", "/exp");
  return open(parsed);
}

/**
 * Checks 3 to 6 of a presentation. `expected` with `bearer` is for a document of that type that has no holder (S2).
 * @param {Parsed} parsed
 * @param {PublicKey} issuer
 * @param {import("./binding.js").Expected | import("./binding.js").BearerType} expected
 * @param {number} at
 * @returns {Promise<Facts>}
 */
export async function verify(parsed, issuer, expected, at) {
  const { claims, paths } = await verifySigned(parsed, issuer, at);
  const { holder, binding, signed } = parsed;
  if ("bearer" in expected) {
    if (parsed.vct !== expected.bearer || !parsed.type?.bearer || holder || binding) refuse("not_bound", "this document is for its holder alone");
    return { claims, paths, bound: {}, replayKey: await sha256(signingInput(signed)) };
  }
  if (!holder || !binding) return refuse("not_bound", "nobody proves to hold this document");
  try {
    await verifySign1(binding, holder, TYP.KEY_BINDING);
  } catch (error) {
    if (error instanceof VcError) refuse("not_bound", `the proof of the holder is not one: ${error.message}`);
    throw error;
  }
  const bound = readBinding(binding.payload);
  checkBinding(bound, expected, at);
  checkWithin(bound, parsed, expected.maxAge !== null);
  return { claims, paths, bound, replayKey: await sha256(signingInput(binding)) };
}

/** The members that a holder signed, under the names that JSON has for them. @param {Bytes} payload @returns {Record<string, any>} */
function readBinding(payload) {
  const found = decode(payload, "/payload");
  if (!(found instanceof Map)) return refuse("malformed", "what a holder signs is a map", "/payload");
  /** @type {Record<string, any>} */
  const claims = Object.create(null);
  for (const [key, value] of found) {
    const named = typeof key === "string" && utf8(key).length <= 255 && !Array.from(NAMES.values()).includes(key) ? key : NAMES.get(key);
    if (named === undefined) return refuse("malformed", "a holder signs nothing of this name", "/payload");
    claims[named] = BYTES.includes(named) ? toBase64url(bytesOf(value, `/${named}`)) : plain(value, `/${named}`);
  }
  return claims;
}

/** A value that every JSON has, without null and fractions. @param {any} value @param {string} where @returns {any} */
function plain(value, where) {
  if (Array.isArray(value)) return value.map((each) => plain(each, where));
  if (value instanceof Map && Array.from(value.keys()).every((key) => typeof key === "string")) {
    return Object.fromEntries(Array.from(value, ([key, each]) => [key, plain(each, where)]));
  }
  const known = typeof value === "string" || typeof value === "boolean" || typeof value === "number";
  return known ? value : refuse("malformed", "a value of this kind has no meaning here", where);
}

/** A binding is in force only while its document is (same section, step 6). @param {Record<string, any>} bound @param {Parsed} parsed @param {boolean} clock */
function checkWithin({ iat, exp, nbf }, { issuedAt, expiresAt }, clock) {
  if (exp !== undefined && exp > expiresAt) refuse("stale_binding", "it would outlive its document", "/exp");
  if (nbf !== undefined && (!isInteger(nbf) || nbf > iat)) refuse("stale_binding", "it begins after it was signed", "/nbf");
  if (exp !== undefined && iat >= exp) refuse("stale_binding", "it ended before it was signed", "/exp");
  if (clock && (issuedAt > iat || iat >= expiresAt)) refuse("stale_binding", "it was signed while its document was not in force", "/iat");
}

// --- holding -----------------------------------------------------------------------------------------------------------------------

/**
 * What an issuer handed over, opened. `malformed`, `bad_disclosure`, `unknown_credential_type`; see `checkCopy`.
 * @param {Bytes} bytes
 * @param {Map<string, TypeDescriptor>} types
 * @returns {Promise<Copy>}
 */
export async function parseCopy(bytes, types) {
  const parsed = await parse(bytes, types);
  if (parsed.binding || !parsed.holder) refuse("malformed", "an issuer hands over a document for a holder, without a binding");
  const { claims } = open(parsed);
  const type = /** @type {TypeDescriptor} */ (parsed.type);
  const { issuer, vct, issuedAt, expiresAt, status } = parsed;
  return { bytes, issuer, vct, type, issuedAt, expiresAt, status, claims, groups: groupsOf(type, parsed.hidden), parsed };
}

/** @param {TypeDescriptor} type @param {Hidden[]} hidden @returns {Map<number, GroupShown>} */
function groupsOf(type, hidden) {
  /** @type {[number, GroupShown][]} */
  const shown = hidden
    .filter(({ parts }) => parts.length)
    .map(({ parts: [value, key] }) => {
      const own = new Map(Array.from(/** @type {Map<any, any>} */ (value)).filter(([name]) => name !== REDACTED));
      const n = -key;
      const within = type.groups.find((group) => group.n === n)?.within ?? 0;
      const around = upwards(type, n).reduce((/** @type {Map<any, any>} */ inside, each) => new Map([[-each, inside]]), own);
      return [n, { n, within, claims: decodeClaims(type, around).claims }];
    });
  return new Map(shown.sort(([a], [b]) => a - b));
}

/**
 * A wallet's check of a new copy: signed, bound to `holder`, in force, nothing hidden in it and nothing that would tell it from others
 * (S3, S12, S22).
 * @param {Copy} copy
 * @param {PublicKey} issuer
 * @param {PublicKey} holder
 * @param {number} at
 */
export async function checkCopy({ parsed, type }, issuer, holder, at) {
  const contents = await verifySigned(parsed, issuer, at);
  if (contents.unexplained) refuse("bad_disclosure", "something is hidden from its own holder");
  if (!parsed.holder || !sameKey(parsed.holder, holder)) refuse("not_bound", "the document is bound to another key");
  if (parsed.issuedAt % DAY || parsed.expiresAt % DAY) {
    refuse("malformed", "its days are rounded, or its moment would tell it from others", "/iat");
  }
  checkSense(type, contents.claims);
  checkDigests(levelsOf(type), parsed.payload.get(TYPE_MAP), new Map(parsed.hidden.map(({ parts: [value, key] }) => [key, value])));
}

/** What the type's rules call a contradiction, whatever the use. @param {TypeDescriptor} type @param {Record<string, any>} claims */
function checkSense(type, claims) {
  try {
    judge(type, claims, {});
  } catch (error) {
    if (!(error instanceof VcError)) throw error;
    if (error.code === "type_rule_broken") refuse("malformed", error.message, error.where);
  }
}

/** @param {import("./typemap.js").Level} level @param {Map<any, any>} claims @param {Map<any, any>} shown by group key */
function checkDigests(level, claims, shown) {
  /** @type {Bytes[]} */
  const digests = claims.get(REDACTED) ?? [];
  const sorted = digests.every((digest, at) => at === 0 || compare(digests[at - 1], digest) < 0);
  if (digests.length !== level.groups.size || !sorted) refuse("malformed", "the number or order of what is hidden tells something", "/claims");
  for (const [number, inside] of level.groups) if (shown.has(-number)) checkDigests(inside, shown.get(-number), shown);
}

/**
 * The same copy with a status assertion beside it, which the holder's signature will cover.
 * @param {Copy} copy
 * @param {Bytes} assertion
 * @returns {Copy}
 */
export function withStaple(copy, assertion) {
  return { ...copy, parsed: { ...copy.parsed, staples: [assertion] } };
}

/**
 * The key binding token around the copy with these groups, signed by `key`; a group within another brings that one along.
 * @param {Copy} copy
 * @param {Iterable<number>} groups
 * @param {ToSign} binding
 * @param {CryptoKey} key
 * @returns {Promise<Bytes>}
 */
export async function present({ parsed, type }, groups, { audience, nonce, at, exp, cti, purposeId }, key) {
  const wanted = new Set(Array.from(groups).flatMap((group) => upwards(type, group)));
  const chosen = parsed.hidden.filter(({ parts }) => parts.length && wanted.has(-parts[1])).map(({ raw }) => raw);
  /** @type {Map<number, any>} */
  const bare = new Map();
  if (chosen.length) bare.set(SD_CLAIMS, chosen);
  if (parsed.staples.length) bare.set(STAPLE, parsed.staples[0]);
  /** @type {Map<number, any>} */
  const payload = new Map();
  payload.set(3, audience).set(6, at).set(39, nonce);
  if (exp !== undefined) payload.set(4, Math.min(exp, parsed.expiresAt));
  if (cti) payload.set(7, cti);
  if (purposeId !== undefined) payload.set(-70_001, purposeId);
  const protect = new Map([[KCWT, itemOf({ ...parsed.signed, bare })]]);
  return sign({ typ: TYP.KEY_BINDING, payload: encode(payload), key, protect });
}
