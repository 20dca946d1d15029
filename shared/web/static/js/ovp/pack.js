/**
 * The checking pack: the trust bundle file of `shared/trust/bundle.py`, believed because its signer's key is pinned (security rule S17).
 *
 *     const pack = await openPack(bytes, { signers: [thumbprint], memory, at });   // untrusted, bundle_rolled_back, bundle_stale, …
 *     store(bytes, pack.memory);                              // JSON; both together or neither
 *     pack.iss, pack.seq, pack.iat, pack.exp, pack.types (Map vct -> TypeDescriptor), pack.issuers, pack.self, pack.rpCerts
 * @module
 */
import { equal, fromBase64, fromBase64url, sha256, toBase64url } from "./bytes.js";
import { pointOf } from "./certificate.js";
import { importJwk, jwkThumbprint } from "./cose.js";
import { refuse } from "./errors.js";
import { isObject, parseObject } from "./json.js";
import { parseJws, verifyJws } from "./jws.js";
import { noStatuses, seenList } from "./memory.js";
import { parseList } from "./statuslist.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./trust.js").Issuer} Issuer */
/** @typedef {import("./trust.js").Right} Right */
/** @typedef {import("./heirs.js").Succession} Succession */
/** @typedef {import("./statuslist.js").StatusToken} StatusToken */
/** @typedef {{en: string, cy: string}} Words */
/** @typedef {{key: number, path: (string | null)[], kind: string, group: number, required: boolean, label: Words, choices: {value: string, label: Words}[], max_length: number, max_items: number}} ClaimDescriptor */
/** @typedef {{n: number, id: string, label: Words, within: number}} GroupDescriptor */
/** @typedef {{id: string, title: Words, purpose: Words, use: Record<string, any>, required: number[], optional: number[], welcome: number[]}} QueryDescriptor */
/** As `shared/credentials/_page.py` writes it. @typedef {{vct: string, vct_int: number, title: Words, groups: GroupDescriptor[], claims: ClaimDescriptor[], status_bits: number, status_max_age: Record<string, number>, copy_days: number, bearer: boolean, represents: string[], rules: any[], queries: QueryDescriptor[]}} TypeDescriptor */
/** The newest pack seen of one signer. @typedef {{seq: number, iat: number, digest: string}} SeenPack */
/** What must survive between two uses, as JSON. @typedef {{version: 1, floor: number, signers: Record<string, SeenPack>, statuses: import("./memory.js").StatusMemory}} Memory */
/** The relying party itself, as wallets know it. @typedef {{entity: string, name: string, kid: Bytes, key: import("./cose.js").PublicKey}} Self */
/** @typedef {{iss: string, signer: string, seq: number, iat: number, exp: number, issuers: Issuer[], successions: Succession[], self: Self | null, types: Map<string, TypeDescriptor>, lists: Map<string, StatusToken>, rpCerts: Bytes[], memory: Memory}} Pack */
/** @typedef {{mediaType: string, data: Bytes}} Artefact */

const TYP = "trust-bundle+jwt";
const STATUS_LISTS = ["application/statuslist+jwt", "application/statuslist+cwt"];
const RP_CERTIFICATE = "application/vnd.muniment.rp-cert+cwt";
const KEYS = "application/vnd.muniment.keys+json";
const TYPES = "application/vnd.muniment.types+json";
const STATES = ["active", "verify-only", "ended", "compromised", "withdrawn"];
const MAX_BYTES = 64_000_000;
const MAX_ARTEFACTS = 50000;
/** Seconds that a pack's date may be ahead of the clock. */
const AHEAD = 300;

/** @returns {Memory} */
export const emptyMemory = () => ({ version: 1, floor: 0, signers: {}, statuses: noStatuses() });

/**
 * The pack as something to check with. `memory` of the pack is what its reader must now keep.
 * @param {Bytes} bytes
 * @param {{signers: string[], memory: Memory, at: number}} options `signers` are RFC 7638 thumbprints, `at` is the clock's own reading
 * @returns {Promise<Pack>}
 */
export async function openPack(bytes, { signers, memory, at }) {
  const { manifest, jws, key, artefacts } = await parsePack(bytes);
  const signer = await jwkThumbprint(key);
  if (!signers.includes(signer)) refuse("untrusted", "the checking pack is by nobody whose packs are read here", "/manifest/jwk");
  await verifyJws(jws, key, TYP);
  if (manifest.iat > at + AHEAD) refuse("not_yet_valid", "the checking pack is dated in the future", "/manifest/iat");
  const digest = toBase64url(await sha256(jws.signingInput));
  checkOrder(manifest, digest, Object.hasOwn(memory.signers, signer) ? memory.signers[signer] : undefined);
  const keys = await readKeys(one(artefacts, KEYS));
  const floor = Math.max(memory.floor, Math.min(keys.floor, at + AHEAD));
  if (Math.max(at, floor) >= manifest.exp) refuse("bundle_stale", "the checking pack is too old to begin with", "/manifest/exp");
  const lists = readLists(artefacts, memory, keys.issuers);
  const seen = { ...memory.signers, [signer]: { seq: manifest.seq, iat: manifest.iat, digest } };
  const { iss, seq, iat, exp } = manifest;
  const rpCerts = artefacts.filter(({ mediaType }) => mediaType === RP_CERTIFICATE).map(({ data }) => data);
  const found = { iss, signer, seq, iat, exp, issuers: keys.issuers, successions: keys.successions, self: keys.self, types: readTypes(one(artefacts, TYPES)), lists, rpCerts };
  return { ...found, memory: { ...memory, floor, signers: seen } };
}

/** Structure, and that manifest and artefacts name each other exactly. @param {Bytes} bytes */
async function parsePack(bytes) {
  if (bytes.length > MAX_BYTES) refuse("too_large", `more than ${MAX_BYTES} bytes of JSON`);
  const file = parseObject(bytes);
  const jws = parseJws(text(file, "manifest", ""), "/manifest");
  if (!isObject(jws.header.jwk)) refuse("malformed", "an object is missing here", "/manifest/jwk");
  const key = await importJwk(jws.header.jwk, "/manifest/jwk");
  const members = parseObject(jws.payload, "/manifest");
  const listed = members.artefacts;
  if (!Array.isArray(listed) || !listed.every(isObject)) return refuse("malformed", "an array of objects is demanded here", "/manifest/artefacts");
  if (listed.length > MAX_ARTEFACTS) refuse("too_large", `more than ${MAX_ARTEFACTS} elements`, "/manifest/artefacts");
  const manifest = {
    iss: text(members, "iss", "/manifest"),
    seq: uint(members, "seq", "/manifest", 1),
    prev: members.prev === null ? null : text(members, "prev", "/manifest"),
    iat: uint(members, "iat", "/manifest"),
    exp: uint(members, "exp", "/manifest"),
  };
  return { manifest, jws, key, artefacts: await match(listed, file.artefacts) };
}

/** @param {Record<string, any>[]} listed @param {any} files @returns {Promise<Artefact[]>} */
async function match(listed, files) {
  if (!isObject(files)) return refuse("malformed", "an object is missing here", "/artefacts");
  /** @type {Map<string, Artefact>} */
  const found = new Map();
  for (const [index, entry] of listed.entries()) {
    const where = `/manifest/artefacts/${index}`;
    const name = text(entry, "sha256", where);
    const mediaType = text(entry, "media_type", where);
    if (found.has(name)) refuse("malformed", "the signed list names this artefact twice", where);
    if (typeof files[name] !== "string") refuse("malformed", "a string is missing here", `/artefacts/${name}`);
    const data = fromBase64(files[name], `/artefacts/${name}`);
    if (toBase64url(await sha256(data)) !== name) refuse("malformed", "the artefact is not the one that the signed list names", `/artefacts/${name}`);
    found.set(name, { mediaType, data });
  }
  const extra = Object.keys(files).find((name) => !found.has(name));
  if (extra !== undefined) refuse("malformed", "the signed list does not name this artefact", `/artefacts/${extra}`);
  return Array.from(found.values());
}

/** @param {{seq: number, iat: number, prev: string | null}} manifest @param {string} digest @param {SeenPack | undefined} seen */
function checkOrder({ seq, iat, prev }, digest, seen) {
  if (!seen) return;
  if (seq < seen.seq || (seq > seen.seq && iat < seen.iat)) refuse("bundle_rolled_back", "a newer checking pack was used here before", "/manifest/seq");
  if (seq === seen.seq && digest !== seen.digest) refuse("bundle_rolled_back", "another checking pack with this number was used here before", "/manifest/seq");
  if (seq === seen.seq + 1 && prev !== seen.digest) refuse("bundle_rolled_back", "the checking pack does not follow the one used here before", "/manifest/prev");
}

/** The only artefact of its kind; a pack that was made for no page has none. @param {Artefact[]} artefacts @param {string} kind */
function one(artefacts, kind) {
  const [first, second] = artefacts.filter(({ mediaType }) => mediaType === kind);
  if (second) refuse("malformed", "two versions of one thing are in the checking pack", "/artefacts");
  return first ? parseObject(first.data, "/artefacts") : null;
}

/** Of version 1 too, which says less. @param {Record<string, any> | null} keys @returns {Promise<{issuers: Issuer[], successions: Succession[], self: Self | null, floor: number}>} */
async function readKeys(keys) {
  if (!keys) return { issuers: [], successions: [], self: null, floor: 0 };
  if (![1, 2].includes(keys.version) || !Array.isArray(keys.issuers)) return refuse("malformed", "this page reads versions 1 and 2", "/artefacts");
  const found = await Promise.all(keys.issuers.map(keys.version === 1 ? readFirst : readIssuer));
  const spoken = new Set(found.filter(({ rights }) => rights).map(({ iss }) => iss));
  const issuers = found.map((each) => ({ ...each, federated: each.federated || spoken.has(each.iss) }));
  const successions = keys.version === 1 ? [] : list(keys, "successions").map(readSuccession);
  const self = keys.self ? { entity: keys.self.entity, name: keys.self.name, kid: fromBase64url(keys.self.kid), key: await importJwk(keys.self.key) } : null;
  return { issuers, successions, self, floor: "floor" in keys ? uint(keys, "floor", "/artefacts") : 0 };
}

/** As version 1 has it: a right of a federation is an entry of its own, which ends with it. @param {any} entry @returns {Promise<Issuer>} */
function readFirst(entry) {
  if (!isObject(entry) || !("said_from" in entry)) return readIssuer({ ...entry, federated: false });
  const right = (/** @type {unknown} */ vct) => ({ vct, from: entry.said_from, until: null, jurisdiction: null, attestation_basis: null });
  return readIssuer({ ...entry, x5c: null, vcts: null, federated: true, rights: names(entry, "vcts")?.map(right), stale_at: entry.not_after + 1 });
}

/** Read as strictly as if a stranger had written it: against a date that is none, nothing is ever too late. @param {any} entry @returns {Promise<Issuer>} */
async function readIssuer(entry) {
  const where = "/artefacts";
  if (!isObject(entry) || !STATES.includes(entry.state)) return refuse("malformed", "a key has a state that is known here", where);
  const { name, key, state } = entry;
  const rights = "rights" in entry ? list(entry, "rights").map(readRight) : null;
  return {
    iss: text(entry, "iss", where),
    name,
    kid: entry.kid === null ? null : fromBase64url(text(entry, "kid", where), where),
    x5c: rights ? null : fromBase64url(text(entry, "x5c", where), where),
    key: await importJwk(key, where),
    vcts: names(entry, "vcts"),
    notBefore: uint(entry, "not_before", where),
    notAfter: uint(entry, "not_after", where),
    state,
    endedAt: entry.ended_at === null ? null : uint(entry, "ended_at", where),
    federated: truth(entry, "federated"),
    rights,
    staleAt: rights ? uint(entry, "stale_at", where) : 0,
  };
}

/** @param {any} right @returns {Right} */
function readRight(right) {
  if (!isObject(right)) return refuse("malformed", "an object is missing here", "/artefacts");
  const until = right.until === null ? null : uint(right, "until", "/artefacts");
  return { vct: text(right, "vct", "/artefacts"), from: uint(right, "from", "/artefacts"), until, jurisdiction: names(right, "jurisdiction"), basis: names(right, "attestation_basis") };
}

/** @param {any} one @returns {Succession} */
function readSuccession(one) {
  const where = "/artefacts";
  if (!isObject(one) || !isObject(one.name)) return refuse("malformed", "an object is missing here", where);
  return {
    outgoing: text(one, "outgoing", where),
    successor: text(one, "successor", where),
    name: { en: text(one.name, "en", where), cy: text(one.name, "cy", where) },
    since: uint(one, "from", where),
    notBefore: uint(one, "not_before", where),
    notAfter: uint(one, "not_after", where),
    vcts: names(one, "vcts"),
    notVcts: "not_vcts" in one ? list(one, "not_vcts") : [],
    statusDuty: truth(one, "status_duty"),
    mayCancel: truth(one, "may_cancel"),
  };
}

/** @param {Record<string, any>} object @param {string} name @returns {any[]} */
const list = (object, name) => (Array.isArray(object[name]) ? object[name] : refuse("malformed", "an array is missing here", "/artefacts"));

/** Strings, or null for any. @param {Record<string, any>} object @param {string} name @returns {string[] | null} */
function names(object, name) {
  const value = object[name];
  if (value === null) return null;
  return Array.isArray(value) && value.every((each) => typeof each === "string") ? value : refuse("malformed", "a list of strings is demanded here, or null", "/artefacts");
}

/** @param {Record<string, any>} object @param {string} name @returns {boolean} */
const truth = (object, name) => (typeof object[name] === "boolean" ? object[name] : refuse("malformed", "true or false is demanded here", "/artefacts"));

/** @param {Record<string, any> | null} types @returns {Map<string, TypeDescriptor>} */
function readTypes(types) {
  if (!types) return new Map();
  if (types.version !== 1 || !Array.isArray(types.types)) return refuse("malformed", "this page reads version 1", "/artefacts");
  return new Map(types.types.map((type) => [type.vct, type]));
}

/** Each list may be there in both forms, and then in one version. @param {Artefact[]} artefacts @param {Memory} memory @param {Issuer[]} issuers */
function readLists(artefacts, memory, issuers) {
  /** @type {Map<string, StatusToken>} */
  const lists = new Map();
  const forms = new Set();
  const found = STATUS_LISTS.flatMap((kind) => artefacts.filter(({ mediaType }) => mediaType === kind));
  for (const token of found.map(({ data }) => parseList(data))) {
    const form = `${"token" in token.signed} ${token.uri}`;
    const other = lists.get(token.uri) ?? token;
    const same = other.iat === token.iat && other.bits === token.bits && toBase64url(other.compressed) === toBase64url(token.compressed);
    if (forms.has(form) || !same) refuse("malformed", "two versions of one thing are in the checking pack", "/artefacts");
    forms.add(form);
    const point = token.x5c.length ? pointOf(token.x5c[0]) : null;
    for (const { iss } of issuers.filter(({ key }) => point && equal(point, key.raw))) {
      const seen = seenList(memory.statuses, iss, token.uri);
      if (seen && token.iat < seen.iat) refuse("bundle_rolled_back", "the checking pack brings back an older status list", "/artefacts");
    }
    lists.set(token.uri, other);
  }
  return lists;
}

/** @param {Record<string, any>} object @param {string} name @param {string} where @returns {string} */
function text(object, name, where) {
  const value = object[name];
  return typeof value === "string" && value ? value : refuse("malformed", "a string is demanded here", `${where}/${name}`);
}

/** @param {Record<string, any>} object @param {string} name @param {string} where @param {number} [least] @returns {number} */
function uint(object, name, where, least = 0) {
  const value = object[name];
  return typeof value === "number" && value >= least ? value : refuse("malformed", "a whole number is demanded here", `${where}/${name}`);
}
