/**
 * SD-JWT VC with key binding (RFC 9901), as it comes through the same codes under its own prefix: what `shared/formats/_sd_jwt.py` and
 * `sd_jwt_vc.py` check. Only checked here, never made.
 * @module
 */
import { fromBase64url, sha256, toBase64url, utf8 } from "./bytes.js";
import { Float, decode } from "./cbor.js";
import { importJwk, isBytes } from "./cose.js";
import { checkBinding } from "./binding.js";
import { VcError, refuse } from "./errors.js";
import { isObject, parseJson, parseObject } from "./json.js";
import { parseJws, verifyJws } from "./jws.js";
import { chain } from "./statuslist.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./cose.js").PublicKey} PublicKey */
/** @typedef {import("./pack.js").TypeDescriptor} TypeDescriptor */
/** @typedef {import("./typemap.js").Path} Path */
/** `name` is null for an element of an array. @typedef {{text: string, name: string | null, value: any}} Disclosure */
/** @typedef {{issuer: string, vct: string, type: TypeDescriptor | null, kid: null, x5c: Bytes[], status: {uri: string, idx: number} | null, staples: Bytes[], jws: import("./jws.js").Jws, payload: Record<string, any>, hash: string, disclosures: Disclosure[], presented: string, binding: import("./jws.js").Jws | null}} Parsed */
/** As of sdcwt.js. @typedef {import("./sdcwt.js").Facts & {issuedAt: number, expiresAt: number}} Facts */

const TYP = "dc+sd-jwt";
const BINDING_TYP = "kb+jwt";
const MAX_BYTES = 262_144;
const MAX_DISCLOSURES = 500;
const MAX_DEPTH = 24;
const LEEWAY = 60;
/** @type {Record<string, string>} */
const HASHES = { "sha-256": "SHA-256", "sha-384": "SHA-384", "sha-512": "SHA-512" };
const RESERVED = ["_sd", "_sd_alg", "..."];
const NEVER = ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"];
const ENVELOPE = [...NEVER, "iat", "_sd_alg"];

/**
 * The one SD-JWT inside the content of an `OVJ1:` code: an answer, or a copy made out to somebody. `malformed`.
 * @param {Bytes} content
 * @returns {string}
 */
export function wireOf(content) {
  const found = unpack(decode(content));
  if (typeof found === "string") return found;
  const wires = found instanceof Map && found.get("vp_token") instanceof Map ? Array.from(found.get("vp_token").values()).flat() : [];
  const one = wires.length === 1 && typeof wires[0] === "string" && found.get("format") === TYP;
  return one ? wires[0] : refuse("malformed", "one document is read here at a time");
}

/** As `shared/codec/packed.py`: a list of lists of byte strings is a signed text. @param {any} value @returns {any} */
function unpack(value) {
  if (value instanceof Map) return new Map(Array.from(value, ([name, each]) => [name, unpack(each)]));
  if (!Array.isArray(value)) return value;
  const signed = value.length && value.every((item) => Array.isArray(item) && item.length && item.every(isBytes));
  return signed ? value.map((item) => item.map(toBase64url).join(".")).join("~") : value.map(unpack);
}

// --- structure -------------------------------------------------------------------------------------------------------------------

/** @param {string} wire @param {Map<string, TypeDescriptor>} types @returns {Parsed} */
export function parse(wire, types) {
  if (wire.length > MAX_BYTES) refuse("too_large", `an SD-JWT of more than ${MAX_BYTES} bytes`);
  const [token, ...texts] = wire.split("~");
  const last = texts.pop();
  if (last === undefined) return refuse("malformed", "an SD-JWT has a tilde after each of its parts");
  if (texts.length > MAX_DISCLOSURES) refuse("too_large", `more than ${MAX_DISCLOSURES} disclosures`);
  const jws = parseJws(token, "", MAX_BYTES);
  if (jws.header.typ !== TYP) refuse("wrong_typ", "this signed object is of another kind");
  const payload = parseObject(jws.payload, "", 512);
  const hash = HASHES[payload._sd_alg ?? "sha-256"] ?? refuse("malformed", "this hash algorithm is not known here", "/_sd_alg");
  const disclosures = texts.map(readDisclosure);
  const binding = last ? parseJws(last, "", MAX_BYTES) : null;
  if (binding) parseObject(binding.payload);
  const vct = name(payload, "vct");
  const issuer = "iss" in payload ? name(payload, "iss") : "";
  const status = readStatus(payload);
  const type = types.get(vct) ?? null;
  const presented = wire.slice(0, wire.length - last.length);
  return { issuer, vct, type, kid: null, x5c: chain(jws.header.x5c), status, staples: [], jws, payload, hash, disclosures, presented, binding };
}

/** @param {string} text @param {number} at @returns {Disclosure} */
function readDisclosure(text, at) {
  const where = `/disclosures/${at}`;
  const value = parseJson(fromBase64url(text, where), where, MAX_DEPTH);
  if (!Array.isArray(value) || typeof value[0] !== "string") return refuse("malformed", "a disclosure is an array that begins with its salt", where);
  if (value.length === 3 && typeof value[1] === "string") return { text, name: value[1], value: value[2] };
  if (value.length === 2) return { text, name: null, value: value[1] };
  return refuse("malformed", "a disclosure has a salt, a name and a value, or a salt and a value", where);
}

/** @param {Record<string, any>} payload @param {string} member @returns {string} */
function name(payload, member) {
  const value = payload[member];
  const fits = typeof value === "string" && value !== "" && Array.from(value).length <= 2048;
  return fits ? value : refuse("malformed", "a text of 1 to 2048 characters is demanded here", `/${member}`);
}

/** @param {Record<string, any>} payload */
function readStatus(payload) {
  if (!("status" in payload)) return null;
  const listed = isObject(payload.status) ? payload.status.status_list : undefined;
  if (!isObject(listed)) return refuse("malformed", "the status is a place in a status list", "/status/status_list");
  const { idx } = listed;
  if (typeof idx !== "number" || idx < 0) refuse("malformed", "the place in the status list is missing", "/status/status_list/idx");
  return { uri: name(listed, "uri"), idx };
}

// --- contents --------------------------------------------------------------------------------------------------------------------

/** @typedef {{document: Record<string, any>, paths: Path[], leaves: Path[]}} Opened */

/** The payload with every disclosure put back (RFC 9901 section 7.1, step 3), and nothing hidden that must not be. @param {Parsed} parsed @returns {Promise<Opened>} */
async function open(parsed) {
  const { disclosures, hash, payload, type, status } = parsed;
  const digests = await Promise.all(disclosures.map(({ text }) => digest(hash, text)));
  const opener = new Opener(disclosures, digests);
  const document = opener.object(payload, [], -1);
  delete document._sd_alg;
  opener.close();
  for (const path of opener.paths) if (NEVER.includes(String(path[0]))) refuse("malformed", "this is never hidden", `/${path[0]}`);
  for (const member of ["cnf", "status", "aka_vcts", "vct#integrity"]) {
    if (JSON.stringify(payload[member]) !== JSON.stringify(document[member])) refuse("malformed", "nothing in this is ever hidden", `/${member}`);
  }
  if (type) checkLimits(type.claims, payload, document);
  if (type?.status_bits && !status) refuse("malformed", "this type of document has a status", "/status");
  return { document, paths: opener.paths, leaves: opener.leaves };
}

/** @param {string} hash @param {string} text */
const digest = async (hash, text) => toBase64url(new Uint8Array(await crypto.subtle.digest(hash, utf8(text))));

class Opener {
  /** @param {Disclosure[]} disclosures @param {string[]} digests */
  constructor(disclosures, digests) {
    this.disclosures = disclosures;
    this.waiting = new Map(digests.map((each, at) => [each, at]));
    if (this.waiting.size !== digests.length) refuse("bad_disclosure", "a disclosure is there twice", "/disclosures");
    /** @type {string[]} */
    this.found = [];
    /** @type {Path[]} */
    this.paths = disclosures.map(() => []);
    /** @type {Path[]} */
    this.leaves = [];
  }

  close() {
    if (this.waiting.size) refuse("bad_disclosure", "a disclosure belongs to no digest", "/disclosures");
    if (new Set(this.found).size !== this.found.length) refuse("bad_disclosure", "a digest is there twice");
  }

  /** @param {Record<string, any>} node @param {Path} path @param {number} owner @returns {Record<string, any>} */
  object(node, path, owner) {
    checkDepth(path);
    const out = Object.assign(Object.create(null), node);
    const digests = out._sd ?? [];
    const given = "_sd" in out;
    delete out._sd;
    if ("..." in out || ("_sd_alg" in out && path.length)) refuse("malformed", "a reserved name is used as the name of a claim");
    for (const [member, value] of Object.entries(out)) out[member] = this.any(value, [...path, member], owner);
    if (given && !Array.isArray(digests)) refuse("malformed", "digests stand in an array");
    for (const each of digests) this.member(each, out, path, owner);
    return out;
  }

  /** @param {any} value @param {Path} path @param {number} owner @returns {any} */
  any(value, path, owner) {
    if (isObject(value)) return this.object(value, path, owner);
    if (Array.isArray(value)) return this.array(value, path, owner);
    if (owner >= 0) this.leaves.push(path);
    return value;
  }

  /** @param {any} each @param {Record<string, any>} out @param {Path} path @param {number} owner */
  member(each, out, path, owner) {
    if (typeof each !== "string") refuse("malformed", "a digest is a string");
    this.found.push(each);
    const at = this.take(each);
    if (at < 0) return;
    const { name: member, value } = this.disclosures[at];
    if (member === null) return refuse("bad_disclosure", "the disclosure of an array element stands for a member", `/disclosures/${at}`);
    if (RESERVED.includes(member)) refuse("bad_disclosure", "a disclosed claim has a forbidden name", `/disclosures/${at}`);
    if (member in out) refuse("bad_disclosure", "a disclosed claim is there already", `/disclosures/${at}`);
    out[member] = this.place(value, [...path, member], at, owner);
  }

  /** @param {any[]} node @param {Path} path @param {number} owner */
  array(node, path, owner) {
    checkDepth(path);
    /** @type {any[]} */
    const out = [];
    for (const value of node) {
      if (isObject(value) && "..." in value) this.element(value, out, path, owner);
      else out.push(this.any(value, [...path, out.length], owner));
    }
    return out;
  }

  /** @param {Record<string, any>} node @param {any[]} out @param {Path} path @param {number} owner */
  element(node, out, path, owner) {
    const each = node["..."];
    if (Object.keys(node).length !== 1 || typeof each !== "string") refuse("malformed", "a hidden element is its digest, a string, and nothing else");
    this.found.push(each);
    const at = this.take(each);
    if (at < 0) return;
    const { name: member, value } = this.disclosures[at];
    if (member !== null) refuse("bad_disclosure", "the disclosure of a member stands for an array element", `/disclosures/${at}`);
    out.push(this.place(value, [...path, out.length], at, owner));
  }

  /** @param {string} each */
  take(each) {
    const at = this.waiting.get(each) ?? -1;
    this.waiting.delete(each);
    return at;
  }

  /** @param {any} value @param {Path} path @param {number} at @param {number} _owner */
  place(value, path, at, _owner) {
    this.paths[at] = path;
    const nested = isObject(value) || Array.isArray(value);
    const opened = nested ? this.any(value, path, at) : value;
    if (!nested || !Object.keys(opened).length) this.leaves.push(path);
    return opened;
  }
}

/** @param {Path} path */
function checkDepth(path) {
  if (path.length >= MAX_DEPTH) refuse("too_large", "disclosures are nested too deeply");
}

/**
 * What the type keeps in clear was not hidden, shown by a disclosure or not (S3): it is the same before and after opening. `claims` are those
 * below one place, `at` how far their paths lead to it.
 * @param {import("./pack.js").ClaimDescriptor[]} claims
 * @param {any} clear
 * @param {any} opened
 * @param {number} [at]
 */
function checkLimits(claims, clear, opened, at = 0) {
  for (const [member, below] of Map.groupBy(claims, ({ path }) => path[at])) {
    if (member === null || below.every(({ group }) => group)) continue;
    const [before, after] = [clear[member], opened[member]];
    const whole = below.every(({ group }) => !group);
    const same = whole ? JSON.stringify(before) === JSON.stringify(after) : Array.isArray(before) === Array.isArray(after) && isObject(before) === isObject(after);
    const missing = before === undefined && after === undefined && below.some(({ required }) => required);
    if (missing || !same) refuse("malformed", "a limit is missing or hidden", `/${member}`);
    if (whole || before === undefined) continue;
    if (!Array.isArray(before)) checkLimits(below, before, after, at + 1);
    else if (before.length === after.length) before.forEach((each, index) => checkLimits(below, each, after[index], at + 2));
    else refuse("malformed", "a limit is missing or hidden", `/${member}`);
  }
}

// --- verifying -------------------------------------------------------------------------------------------------------------------

/**
 * Checks 3 to 6 of a presentation.
 * @param {Parsed} parsed
 * @param {PublicKey} issuer
 * @param {import("./binding.js").Expected | import("./binding.js").BearerType} expected
 * @param {number} at
 * @returns {Promise<Facts>}
 */
export async function verify(parsed, issuer, expected, at) {
  await verifyJws(parsed.jws, issuer, TYP);
  checkTimes(parsed.payload, at);
  const { document, leaves } = await open(parsed);
  if (!("iat" in parsed.payload)) checkTimes(document, at);
  const holder = "cnf" in parsed.payload ? await readHolder(parsed.payload.cnf) : null;
  const claims = Object.assign(Object.create(null), document);
  for (const member of ENVELOPE) delete claims[member];
  const facts = { claims, paths: leaves, issuedAt: seconds(document, "iat"), expiresAt: seconds(document, "exp") };
  if ("bearer" in expected) {
    if (parsed.vct !== expected.bearer || !parsed.type?.bearer || holder || parsed.binding) refuse("not_bound", "this document is for its holder alone");
    return { ...facts, bound: {}, replayKey: await sha256(parsed.jws.signingInput) };
  }
  if (!holder || !parsed.binding) return refuse("not_bound", "nobody proves to hold this document");
  try {
    await verifyJws(parsed.binding, holder, BINDING_TYP);
  } catch (error) {
    if (error instanceof VcError) refuse("not_bound", `the proof of the holder is not one: ${error.message}`);
    throw error;
  }
  const bound = parseObject(parsed.binding.payload);
  checkBinding(bound, expected, at);
  if (bound.sd_hash !== (await digest(parsed.hash, parsed.presented))) refuse("other_presentation", "the holder signed another selection", "/sd_hash");
  return { ...facts, bound, replayKey: await sha256(parsed.binding.signingInput) };
}

/** @param {any} cnf */
async function readHolder(cnf) {
  const jwk = isObject(cnf) ? cnf.jwk : undefined;
  return isObject(jwk) ? importJwk(jwk, "/cnf/jwk") : refuse("malformed", "the holder's key is a public JWK", "/cnf/jwk");
}

/** @param {Record<string, any>} claims @param {number} at */
function checkTimes(claims, at) {
  const [exp, nbf, iat] = ["exp", "nbf", "iat"].map((member) => (member in claims ? time(claims[member], `/${member}`) : undefined));
  if (exp !== undefined && at >= exp + LEEWAY) refuse("expired", "its time is over", "/exp");
  if (nbf !== undefined && at + LEEWAY < nbf) refuse("not_yet_valid", "its time has not begun", "/nbf");
  if (iat !== undefined && at + LEEWAY < iat) refuse("not_yet_valid", "it was made in the future", "/iat");
}

/** @param {any} value @param {string} where @returns {number} */
function time(value, where) {
  const number = value instanceof Float ? value.value : value;
  const fits = typeof number === "number" && Math.abs(number) <= Number.MAX_SAFE_INTEGER;
  return fits ? number : refuse("malformed", "a time in seconds is demanded here", where);
}

/** @param {Record<string, any>} document @param {string} member */
const seconds = (document, member) => (member in document ? Math.trunc(time(document[member], "")) : 0);
