/**
 * Who may ask, and which desk asks for them: the two certificates in COSE of `shared/trust/relying_party.py` (security rules S5, S10).
 *
 *     const register = await openRegister(files, anchors, at);   // rp-certs that a pinned anchor vouches for; others are left out
 *     const party = register.find(entity, at);                   // untrusted, expired, not_yet_valid
 * @module
 */
import { equal } from "./bytes.js";
import { ALG, KID, TYP, TYP_HEADER, importCoseKey, kidOf, parseSign1, sameKey, verifySign1 } from "./cose.js";
import { VcError, refuse } from "./errors.js";
import { asArray, asMap, asUint, loadMap, octets, text, uint } from "./members.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./cose.js").PublicKey} PublicKey */
/** @typedef {import("./cose.js").Sign1} Sign1 */
/** @typedef {{en: string, cy: string}} Words */
/** Numbers of the type (`vct_int`) and of its groups. @typedef {{vct: number, required: number[], optional: number[]}} Want */
/** `benefit` is what good the asking does, `couldStop` why it cannot end, `authority` who supervises them, `evidence` where it was measured. @typedef {{id: string, title: Words, purpose: Words, wants: Want[], retentionDays?: number, privacyPolicy?: string, contact?: string, benefit?: Words, couldStop?: Words, authority?: Words, authorityContact?: string, support?: string, evidence?: string}} RegisteredUse */
/** Who registers them, and where its whole register lies. @typedef {{entity: string, name: Words, address?: string}} Registrar */
/** @typedef {{anchor: string, entity: string, issuedAt: number, expiresAt: number, key: PublicKey, name: Words, uses: RegisteredUse[], registrar?: Registrar, country?: string, kid: Bytes, sign1: Sign1}} RelyingParty */
/** @typedef {{entity: string, name: string, issuedAt: number, expiresAt: number, key: PublicKey, kid: Bytes, sign1: Sign1}} DeskCertificate */
/** A pinned anchor for relying parties: its key, the one entity it speaks for (or null for any), and its own certificate's days. Or a registrar that a federation carries: its identifier, and for which countries. @typedef {{key: PublicKey, entity: string | null, notBefore: number, notAfter: number, registrar?: string, countries?: string[]}} Anchor */

export const DAY = 86_400;
const MAX_RP_DAYS = 31;
const MAX_DESK_DAYS = 7;
/** Seconds that another machine's clock may be ahead of ours. */
const AHEAD = 60;
const MAX_BYTES = 65_536;
const [ISS, SUB, EXP, IAT, CNF] = [1, 2, 4, 6, 8];
const NAMES = -70_010;
const USES = -70_011;
const REGISTRAR = -70_012;
const COUNTRY = -70_013;
const INBOX = -70_014;

/** The relying parties that an anchor vouches for, by entity. */
export class Register {
  /** @param {Map<string, RelyingParty>} parties */
  constructor(parties) {
    this.parties = parties;
  }

  /** @param {string} entity @param {number} at @returns {RelyingParty} */
  find(entity, at) {
    const party = this.parties.get(entity);
    if (!party) return refuse("untrusted", "nobody whom this wallet trusts has registered this organisation");
    checkInForce(party.issuedAt, party.expiresAt, at);
    return party;
  }
}

/**
 * Of each entity the newest certificate that one of `anchors` vouches for; what nobody vouches for is left out.
 * @param {Iterable<Bytes>} files
 * @param {Anchor[]} anchors
 * @param {number} at
 */
export async function openRegister(files, anchors, at) {
  /** @type {Map<string, RelyingParty>} */
  const found = new Map();
  for (const file of files) {
    try {
      const party = await parseRelyingParty(file);
      await verifyRelyingParty(party, anchors, at);
      const known = found.get(party.entity);
      if (!known || known.issuedAt < party.issuedAt) found.set(party.entity, party);
    } catch (error) {
      if (!(error instanceof VcError)) throw error;
    }
  }
  return new Register(found);
}

/** @param {Bytes} data @returns {Promise<RelyingParty>} */
export async function parseRelyingParty(data) {
  if (data.length > MAX_BYTES) refuse("too_large", `more than ${MAX_BYTES} bytes of CBOR`);
  const sign1 = parseSign1(data);
  const typ = TYP.REGISTRATION.includes(sign1.protect.get(TYP_HEADER)) ? TYP.REGISTRATION : TYP.RP_CERTIFICATE;
  const members = open(sign1, typ, [NAMES, USES], MAX_RP_DAYS, "", [REGISTRAR, COUNTRY, INBOX]);
  const uses = asArray(members.get(USES), `/${USES}`, 0, 64).map((use, index) => readUse(use, `/${USES}/${index}`));
  if (new Set(uses.map((use) => use.id)).size !== uses.length) refuse("malformed", "two uses of one name", `/${USES}`);
  const name = readWords(members.get(NAMES), `/${NAMES}`, 200);
  const registrar = members.has(REGISTRAR) && { registrar: readRegistrar(members.get(REGISTRAR), `/${REGISTRAR}`) };
  const country = members.has(COUNTRY) && { country: readCountry(text(members, COUNTRY, "")) };
  if (members.has(INBOX)) await checkInbox(members.get(INBOX), `/${INBOX}`);
  for (const [index, use] of members.get(USES).entries()) if (use.has(14)) await checkInbox(use.get(14), `/${USES}/${index}/14`);
  return { ...(await dated(members, sign1, "")), anchor: text(members, ISS, ""), entity: text(members, SUB, ""), name, uses, ...registrar, ...country };
}

/** @param {RelyingParty} party @param {Anchor[]} anchors @param {number} at */
export async function verifyRelyingParty(party, anchors, at) {
  let fault = new VcError("untrusted", "no anchor that is trusted here vouches for this organisation");
  for (const anchor of anchors) {
    if (!equal(await kidOf(anchor.key), party.kid)) continue;
    try {
      await verifySign1(party.sign1, anchor.key, anchor.registrar ? TYP.REGISTRATION : TYP.RP_CERTIFICATE);
      if (anchor.entity !== null && anchor.entity !== party.entity) refuse("not_entitled", "the anchor is trusted for another organisation");
      if (anchor.registrar) checkRegistrar(anchor, party);
      checkInForce(anchor.notBefore, anchor.notAfter + 1, at);
      checkInForce(party.issuedAt, party.expiresAt, at);
      return;
    } catch (error) {
      if (!(error instanceof VcError)) throw error;
      fault = error;
    }
  }
  throw fault;
}

/** @param {Anchor} anchor @param {RelyingParty} party */
function checkRegistrar(anchor, party) {
  if (anchor.registrar !== party.anchor) refuse("untrusted", "this organisation was registered by somebody else");
  if (!party.country || !anchor.countries?.includes(party.country)) {
    refuse("not_entitled", "no superior lets the registrar register organisations of this country");
  }
}

/** @param {string} code */
const readCountry = (code) => (/^[A-Z]{2}$/.test(code) ? code : refuse("malformed", "a country is two capital letters", `/${COUNTRY}`));

/** A desk-cert as it lies inside what a desk signed. @param {Sign1} sign1 @param {string} [where] @returns {Promise<DeskCertificate>} */
export async function deskCertificateOf(sign1, where = "") {
  const members = open(sign1, TYP.DESK_CERTIFICATE, [], MAX_DESK_DAYS, where);
  return { ...(await dated(members, sign1, where)), entity: text(members, ISS, where), name: text(members, SUB, where, 40) };
}

/**
 * The relying party that the desk asks for: `untrusted`, `bad_signature`, `expired`, `not_yet_valid`. `signedAt` is when the desk signed what
 * is read only `at` that later instant: its certificate lasts a week, paper lies about longer.
 * @param {DeskCertificate} desk
 * @param {Register} register
 * @param {number} at
 * @param {number} [signedAt]
 */
export async function verifyDesk(desk, register, at, signedAt = at) {
  const party = register.find(desk.entity, at);
  if (!equal(desk.kid, await kidOf(party.key))) refuse("untrusted", "the desk names another key than the one that is registered");
  if (sameKey(desk.key, party.key)) refuse("untrusted", "a desk has a key of its own");
  await verifySign1(desk.sign1, party.key, TYP.DESK_CERTIFICATE);
  checkInForce(desk.issuedAt, desk.expiresAt, signedAt);
  return party;
}

/** @param {number} begin @param {number} end @param {number} at */
export function checkInForce(begin, end, at) {
  if (begin > at + AHEAD) refuse("not_yet_valid", "it is dated in the future");
  if (at >= end) refuse("expired", "its time is over");
}

/** Header and payload of either certificate; the `typ` is looked at before anything else (S1). @param {Sign1} sign1 @param {import("./cose.js").Typ} typ @param {number[]} more @param {number} days @param {string} where @param {number[]} [optional] */
function open(sign1, typ, more, days, where, optional = []) {
  if (!typ.includes(sign1.protect.get(TYP_HEADER))) refuse("wrong_typ", "this signed object is of another kind", where);
  octets(asMap(sign1.protect, where, [ALG, KID, TYP_HEADER]), KID, where, 8);
  asMap(sign1.bare, where, []);
  const members = loadMap(sign1.payload, where, [ISS, SUB, EXP, IAT, CNF, ...more], optional);
  const life = uint(members, EXP, where) - uint(members, IAT, where);
  if (life <= 0 || life > days * DAY) refuse("malformed", `it lives at most ${days} days`, `${where}/${EXP}`);
  return members;
}

/** @param {import("./members.js").Members} members @param {Sign1} sign1 @param {string} where */
async function dated(members, sign1, where) {
  const key = await importCoseKey(asMap(members.get(CNF), `${where}/${CNF}`, [1]).get(1), `${where}/${CNF}/1`);
  /** @type {Bytes} */
  const kid = sign1.protect.get(KID);
  return { issuedAt: uint(members, IAT, where), expiresAt: uint(members, EXP, where), key, kid, sign1 };
}

/** @param {any} value @param {string} where @returns {RegisteredUse} */
function readUse(value, where) {
  const members = asMap(value, where, [1, 2, 3, 4], [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  /** @param {number} key @param {number} max */
  const words = (key, max) => readWords(members.get(key), `${where}/${key}`, max);
  return {
    id: text(members, 1, where, 200),
    title: words(2, 200),
    purpose: words(3, 1000),
    wants: readWants(members.get(4), `${where}/4`),
    ...(members.has(5) && { retentionDays: uint(members, 5, where, 0, 36_525) }),
    ...(members.has(6) && { privacyPolicy: address(members, 6, where) }),
    ...(members.has(7) && { contact: text(members, 7, where, 1000) }),
    ...(members.has(8) && { benefit: words(8, 1000) }),
    ...(members.has(9) && { couldStop: words(9, 1000) }),
    ...(members.has(10) && { authority: words(10, 200) }),
    ...(members.has(11) && { authorityContact: text(members, 11, where, 1000) }),
    ...(members.has(12) && { support: address(members, 12, where) }),
    ...(members.has(13) && { evidence: address(members, 13, where) }),
  };
}

/** @param {import("./members.js").Members} members @param {number} key @param {string} where */
function address(members, key, where) {
  const url = text(members, key, where, 2000);
  return /^https?:\/\//.test(url) ? url : refuse("malformed", "an address is demanded here", `${where}/${key}`);
}

/** Where copies are posted: only its shape, as pages post nothing. @param {any} value @param {string} where */
async function checkInbox(value, where) {
  const members = asMap(value, where, [1, 2]);
  if (address(members, 1, where).includes("#")) refuse("malformed", "an address here has no fragment", `${where}/1`);
  const key = await importCoseKey(members.get(2), `${where}/2`);
  if (key.alg !== "ES256") refuse("malformed", "letters are sealed for keys on P-256", `${where}/2`);
}

/** @param {any} value @param {string} where @returns {Registrar} */
function readRegistrar(value, where) {
  const members = asMap(value, where, [1, 2], [3]);
  return {
    entity: text(members, 1, where),
    name: readWords(members.get(2), `${where}/2`, 200),
    ...(members.has(3) && { address: address(members, 3, where) }),
  };
}

/** `[+ [vct, [* group], [* optional group]]]` @param {any} value @param {string} where @returns {Want[]} */
export function readWants(value, where) {
  const wants = asArray(value, where, 1, 16).map((each, index) => readWant(each, `${where}/${index}`));
  if (new Set(wants.map((want) => want.vct)).size !== wants.length) refuse("malformed", "one kind of document is there twice", where);
  return wants;
}

/** @param {any} value @param {string} where @returns {Want} */
function readWant(value, where) {
  const [vct, required, optional] = asArray(value, where, 3, 3);
  const want = { vct: asUint(vct, `${where}/0`), required: groups(required, `${where}/1`), optional: groups(optional, `${where}/2`) };
  const all = [...want.required, ...want.optional];
  if (new Set(all).size !== all.length) refuse("malformed", "one group is there twice", where);
  return want;
}

/** @param {any} value @param {string} where */
const groups = (value, where) => asArray(value, where, 0, 64).map((each, index) => asUint(each, `${where}/${index}`, 1, 65_535));

/** @param {any} value @param {string} where @param {number} max @returns {Words} */
function readWords(value, where, max) {
  const members = asMap(value, where, ["en", "cy"]);
  return { en: text(members, "en", where, max), cy: text(members, "cy", where, max) };
}
