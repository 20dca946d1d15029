/**
 * What a desk asks, signed and for two minutes (security rules S5, S10), as `shared/ovp/challenge.py`; and the sealed answer to it.
 *
 *     // desk
 *     const opened = await makeChallenge({ key, certificate, wants, use, at });  // opened.bytes: draw it; keep opened until the answer
 *     const { prefix, content } = await openAnswer(opened, sealedBytes);         // what to hand to verify.decide
 *     decide({ presentation: content, expectation: { ...opened.expectation }, … })
 *     // wallet
 *     const challenge = await parseChallenge(bytes);
 *     const asker = await checkChallenge(challenge, register, at);                // who asks for what and why, in registered words
 *     const kbt = await present(copy, groups, { ...challenge.binding, at }, key); // sdcwt.js
 *     const sealed = await sealAnswer(challenge, PRESENTATION, kbt);              // draw as SEALED
 * @module
 */
import { concat, equal, random, sha256, toBase64url, utf8 } from "./bytes.js";
import { decode, encode } from "./cbor.js";
import { ALG, TYP, TYP_HEADER, parseSign1, sign, sign1Of, thumbprint, verifySign1 } from "./cose.js";
import { ofMessage, toMessage } from "./envelope.js";
import { refuse } from "./errors.js";
import { generate, open, seal } from "./hpke.js";
import { asMap, loadMap, octets, text, uint } from "./members.js";
import { checkInForce, deskCertificateOf, readWants, verifyDesk } from "./register.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./register.js").Want} Want */
/** @typedef {import("./register.js").RegisteredUse} RegisteredUse */
/** @typedef {{audience: string, nonce: Bytes}} Binding */
/**
 * Parsed; nothing in it is a fact before `checkChallenge`. `binding` is what the holder signs, `staple` asks for a status assertion,
 * `transaction` names what several people are to agree to for that use, each in an answer of their own; null where nobody else has to.
 * @typedef {{data: Bytes, nonce: Bytes, issuedAt: number, aud: Bytes, wants: Want[], use: string, sealKey: Bytes, ttl: number, staple: boolean, transaction: Bytes | null,
 *   desk: import("./register.js").DeskCertificate, sign1: import("./cose.js").Sign1, binding: Binding, info: Bytes}} Challenge
 */
/** Who asks for what and why, in registered words. @typedef {{entity: string, name: import("./register.js").Words, desk: string, use: RegisteredUse, wants: Want[]}} Asker */
/** A challenge that a desk waits for the answer of, once, until `expiresAt`. @typedef {{bytes: Bytes, binding: Binding, wants: Want[], use: string, expiresAt: number, info: Bytes, keys: import("./hpke.js").SealKeys}} Opened */

const VERSION = 1;
export const TTL = 120;
const MAX_TTL = 300;
const MAX_BYTES = 2860;
const KCWT = 13;
const [V, NONCE, ISSUED, AUD, WANTS, USE, SEAL, LIFE, STAPLE, TRANSACTION] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/**
 * A fresh challenge. `key` is the desk's private key, `certificate` its desk-cert; `seal` are fresh keys that the desk can keep over a restart.
 * @param {{key: CryptoKey, certificate: Bytes, wants: Want[], use: string, at: number, ttl?: number, staple?: boolean,
 *   seal?: import("./hpke.js").SealKeys | undefined, transaction?: Bytes | undefined}} question
 * @returns {Promise<Opened>}
 */
export async function makeChallenge({ key, certificate, wants, use, at, ttl = TTL, staple = false, seal: own, transaction }) {
  const keys = own ?? (await generate());
  const item = decode(certificate);
  const aud = await thumbprint((await deskCertificateOf(sign1Of(item))).key);
  /** @type {Map<number, any>} */
  const payload = new Map();
  payload.set(V, VERSION).set(NONCE, random(16)).set(ISSUED, at).set(AUD, aud);
  payload.set(WANTS, wants.map((want) => [want.vct, want.required, want.optional])).set(USE, use).set(SEAL, keys.publicBytes).set(LIFE, ttl);
  if (staple) payload.set(STAPLE, true);
  if (transaction) payload.set(TRANSACTION, transaction);
  const bytes = await sign({ typ: TYP.CHALLENGE, payload: encode(payload), key, protect: new Map([[KCWT, item]]) });
  return { bytes, ...(await bindings(bytes, aud)), wants, use, expiresAt: at + ttl, keys };
}

/**
 * What came back, opened: `malformed` or `bad_signature` where it was not sealed for this challenge.
 * @param {Opened} opened
 * @param {Bytes} sealed
 */
export const openAnswer = async (opened, sealed) => ofMessage(await open(sealed, opened.keys, opened.info));

/**
 * @param {Challenge} challenge
 * @param {string} prefix `PRESENTATION` or `SD_JWT` of envelope.js
 * @param {Bytes} content
 */
export const sealAnswer = async (challenge, prefix, content) => seal(await toMessage(prefix, content), challenge.sealKey, challenge.info);

/** Structure and bounds. @param {Bytes} data @returns {Promise<Challenge>} */
export async function parseChallenge(data) {
  if (data.length > MAX_BYTES) refuse("too_large", `more than ${MAX_BYTES} bytes of CBOR`);
  const sign1 = parseSign1(data);
  if (!TYP.CHALLENGE.includes(sign1.protect.get(TYP_HEADER))) refuse("wrong_typ", "this signed object is of another kind");
  asMap(sign1.protect, "", [ALG, KCWT, TYP_HEADER]);
  asMap(sign1.bare, "", []);
  const members = loadMap(sign1.payload, "", [V, NONCE, ISSUED, AUD, WANTS, USE, SEAL, LIFE], [STAPLE, TRANSACTION]);
  uint(members, V, "", VERSION, VERSION);
  if (members.has(STAPLE) && members.get(STAPLE) !== true) refuse("malformed", "this member is true or absent", `/${STAPLE}`);
  const aud = octets(members, AUD, "", 32);
  return {
    data,
    nonce: octets(members, NONCE, "", 16),
    issuedAt: uint(members, ISSUED, ""),
    aud,
    wants: readWants(members.get(WANTS), `/${WANTS}`),
    use: text(members, USE, "", 200),
    sealKey: octets(members, SEAL, "", 32),
    ttl: uint(members, LIFE, "", 1, MAX_TTL),
    staple: members.has(STAPLE),
    transaction: members.has(TRANSACTION) ? octets(members, TRANSACTION, "", 16) : null,
    desk: await deskCertificateOf(sign1Of(sign1.protect.get(KCWT), `/${KCWT}`), `/${KCWT}`),
    sign1,
    ...(await bindings(data, aud)),
  };
}

/**
 * Who asks, as far as `register` vouches for it: `untrusted`, `bad_signature`, `expired`, `not_yet_valid`, `wrong_audience`,
 * `purpose_mismatch` (a use that is not registered), `over_disclosed` (asks for more than is registered).
 * @param {Challenge} challenge
 * @param {import("./register.js").Register} register
 * @param {number} at
 * @returns {Promise<Asker>}
 */
export async function checkChallenge(challenge, register, at) {
  const party = await verifyDesk(challenge.desk, register, at);
  await verifySign1(challenge.sign1, challenge.desk.key, TYP.CHALLENGE);
  if (!equal(challenge.aud, await thumbprint(challenge.desk.key))) {
    refuse("wrong_audience", "this question would have the answer made out to somebody else", `/${AUD}`);
  }
  checkInForce(challenge.issuedAt, challenge.issuedAt + challenge.ttl, at);
  const use = party.uses.find(({ id }) => id === challenge.use);
  if (!use) return refuse("purpose_mismatch", "the organisation has not registered this use", `/${USE}`);
  challenge.wants.forEach((want, position) => checkRegistered(want, use, `/${WANTS}/${position}`));
  return { entity: party.entity, name: party.name, desk: challenge.desk.name, use, wants: challenge.wants };
}

/** Per kind of document: what is registered as optional may not be demanded. @param {Want} want @param {RegisteredUse} use @param {string} where */
function checkRegistered(want, use, where) {
  const known = use.wants.find(({ vct }) => vct === want.vct);
  const fits =
    known &&
    want.required.every((group) => known.required.includes(group)) &&
    want.optional.every((group) => known.required.includes(group) || known.optional.includes(group));
  if (!fits) refuse("over_disclosed", "it asks for more than the organisation registered for this use", where);
}

/** @param {Bytes} data @param {Bytes} aud */
async function bindings(data, aud) {
  const digest = await sha256(data);
  return { binding: { audience: `l:${toBase64url(aud)}`, nonce: digest }, info: concat(utf8("OVP1"), digest) };
}
