// What judge.mjs can be asked. Bytes travel as hexadecimal digits.
import { fromBase45, fromBase64url, hex, toBase45, toBase64url } from "../../shared/web/static/js/ovp/bytes.js";
import { Float, Simple, Tag, decode, encode } from "../../shared/web/static/js/ovp/cbor.js";
import { checkChallenge, makeChallenge, openAnswer, parseChallenge, sealAnswer } from "../../shared/web/static/js/ovp/challenge.js";
import { codeNonce, parseCode } from "../../shared/web/static/js/ovp/code.js";
import { pointOf } from "../../shared/web/static/js/ovp/certificate.js";
import { importCoseKey, importJwk, jwkThumbprint, kidOf, parseSign1, thumbprint, verify, verifySign1 } from "../../shared/web/static/js/ovp/cose.js";
import { PRESENTATION, ofMessage, parseText, renderText, toMessage } from "../../shared/web/static/js/ovp/envelope.js";
import { Assembly, split } from "../../shared/web/static/js/ovp/frames.js";
import { open, seal } from "../../shared/web/static/js/ovp/hpke.js";
import { inflate } from "../../shared/web/static/js/ovp/inflate.js";
import { parseJson } from "../../shared/web/static/js/ovp/json.js";
import { makeReceipt } from "../../shared/web/static/js/ovp/receipt.js";
import { openRegister } from "../../shared/web/static/js/ovp/register.js";
import { VcError } from "../../shared/web/static/js/ovp/errors.js";
import { openPack } from "../../shared/web/static/js/ovp/pack.js";
import { judge } from "../../shared/web/static/js/ovp/rules.js";
import { checkCopy, parseCopy, present, withStaple } from "../../shared/web/static/js/ovp/sdcwt.js";
import { decide as judged, decideError } from "../../shared/web/static/js/ovp/verify.js";

export const bytes = (digits) => Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** An item as text that Python writes alike: types are told apart, maps keep their order. */
export function shown(item) {
  if (item instanceof Uint8Array) return `h'${hex(item)}'`;
  if (item instanceof Tag) return `${item.tag}(${shown(item.value)})`;
  if (item instanceof Simple) return `simple(${item.number})`;
  if (item instanceof Float) return `float ${floatBits(item.value)}`;
  if (item instanceof Map) return `{${Array.from(item, ([key, value]) => `${shown(key)}: ${shown(value)}`).join(", ")}}`;
  if (Array.isArray(item)) return `[${item.map(shown).join(", ")}]`;
  return typeof item === "string" ? JSON.stringify(Array.from(item, (char) => char.codePointAt(0))) : String(item);
}

function floatBits(value) {
  if (Number.isNaN(value)) return "nan";
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}

export const cbor = ({ data, redacted }) => shown(decode(bytes(data), "", redacted));
export const again = ({ data }) => hex(encode(decode(bytes(data), "", true)));
export const json = ({ data }) => plainJson(parseJson(bytes(data), "", 8));

/** As `plain_json` in test_js_codec.py. */
function plainJson(value) {
  if (value instanceof Float) return `float ${floatBits(value.value)}`;
  if (Array.isArray(value)) return `[${value.map(plainJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) return `{${Object.entries(value).map(([name, each]) => `${shown(name)}: ${plainJson(each)}`).sort().join(", ")}}`;
  return shown(value);
}

export const unpack = ({ data, max }) => hex(inflate(bytes(data), max));
export const base45 = ({ text }) => hex(fromBase45(text));
export const to_base45 = ({ data }) => toBase45(bytes(data));
export const base64url = ({ text }) => hex(fromBase64url(text));
export const to_base64url = ({ data }) => toBase64url(bytes(data));
export const frames = ({ data, chunk }) => split(bytes(data), chunk);

export async function assemble({ texts }) {
  const assembly = new Assembly();
  const seen = [];
  for (const text of texts) {
    try {
      const message = await assembly.add(text);
      seen.push([message && hex(message), ...assembly.progress]);
    } catch (error) {
      seen.push([error.code, ...assembly.progress]);
    }
  }
  return seen;
}

export const cose_key = async ({ data }) => {
  const key = await importCoseKey(decode(bytes(data)));
  return [key.alg, hex(await thumbprint(key)), hex(await kidOf(key))];
};
export const jwk = async ({ jwk: members }) => jwkThumbprint(await importJwk(members));
export const point = ({ data }) => {
  const found = pointOf(bytes(data));
  return found && hex(found);
};
export const signature = async ({ jwk: members, message, signature: signed }) => {
  await verify(await importJwk(members), bytes(signed), bytes(message));
  return true;
};
export const sign1 = async ({ data, jwk: members, typ }) => {
  const parsed = parseSign1(bytes(data));
  await verifySign1(parsed, await importJwk(members), typ);
  return hex(parsed.payload);
};

export const text = ({ text: given }) => received(parseText(given));
export const message = ({ data }) => received(ofMessage(bytes(data)));
export const render = async ({ prefix, data }) => received(parseText(await renderText(prefix, bytes(data))));
export const to_message = async ({ prefix, data }) => received(ofMessage(await toMessage(prefix, bytes(data))));
const received = ({ prefix, content }) => [prefix, hex(content)];

export async function hpke({ enc, secret, sealed, info, publicBytes }) {
  const own = { publicBytes: bytes(publicBytes), privateKey: await x25519(secret) };
  const plaintext = await open(bytes(sealed), own, bytes(info));
  if (!enc) return hex(plaintext);
  const ephemeral = { publicBytes: bytes(enc.publicBytes), privateKey: await x25519(enc.secret) };
  return [hex(plaintext), hex(await seal(plaintext, own.publicBytes, bytes(info), ephemeral))];
}

const x25519 = (secret) =>
  crypto.subtle.importKey("pkcs8", bytes(`302e020100300506032b656e04220420${secret}`), { name: "X25519" }, false, ["deriveBits"]);

export const code = async ({ typed, entity, use }) => {
  const digits = await parseCode(typed, entity, use);
  return [digits, hex(await codeNonce(digits, entity, use))];
};

export async function challenge({ data, certificates, anchors, at }) {
  const pinned = await Promise.all(
    anchors.map(async (each) => ({ key: await importJwk(each.key), entity: each.entity, notBefore: each.not_before, notAfter: each.not_after })),
  );
  const register = await openRegister(certificates.map(bytes), pinned, at);
  const asker = await checkChallenge(await parseChallenge(bytes(data)), register, at);
  return [asker.entity, asker.name.en, asker.desk, asker.use.id, asker.wants];
}

/** Packs by name, and as they were opened. */
const packs = new Map();
const opened = new Map();

export function keep({ name, data }) {
  packs.set(name, bytes(data));
  return true;
}

async function openKept(name, signer, memory, at) {
  const key = `${name} ${at}`;
  if (!opened.has(key)) opened.set(key, openPack(packs.get(name), { signers: [signer], memory, at }).catch((error) => error));
  return opened.get(key);
}

export async function decide({ pack: name, signer, memory, at, prefix, data, expectation }) {
  const pack = await openKept(name, signer, memory, at);
  if (pack instanceof Error) {
    if (!(pack instanceof VcError)) throw pack;
    const { decision, code, checks } = decideError(pack);
    return { decision, code, checks: lines(checks) };
  }
  const { nonce, purposeId, ...others } = expectation;
  const asked = { ...others, nonce: nonce === null ? null : bytes(nonce), ...(purposeId !== null && { purposeId }) };
  const verdict = await judged({ presentation: bytes(data), prefix, expectation: asked, pack, memory: pack.memory, at });
  return {
    decision: verdict.decision,
    code: verdict.code,
    level: verdict.level,
    checks: lines(verdict.checks),
    as_of: verdict.statusAsOf,
    freshness: verdict.statusFreshness,
    replay: verdict.replayKey === null ? [] : [verdict.replayKey],
    statuses: verdict.memory.statuses,
    claims: verdict.credential && verdict.credential.claims,
    keeper: keeperOf(verdict.credential?.keeper),
  };
}

const keeperOf = (keeper) => (keeper ? [keeper.successor, keeper.name, keeper.since] : null);

const lines = (checks) => checks.map(({ name, state, code, needed }) => [name, state, code, needed]);

const ecKey = (pkcs8) => crypto.subtle.importKey("pkcs8", bytes(pkcs8), { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);

/** The types of the page's descriptors, by vct. */
const typesOf = (types) => new Map(types.map((type) => [type.vct, type]));

/** What the rules of a type say, with their words; null where none fires. */
export function rules({ type, claims, use }) {
  try {
    judge(type, claims, use);
    return null;
  } catch (error) {
    if (!(error instanceof VcError)) throw error;
    return [error.code, error.where, error.message];
  }
}

export async function check_copy({ data, types, issuer, holder, at }) {
  const copy = await parseCopy(bytes(data), typesOf(types));
  await checkCopy(copy, await importJwk(issuer), await importJwk(holder), at);
  return { claims: copy.claims, groups: Array.from(copy.groups.keys()), issuedAt: copy.issuedAt, expiresAt: copy.expiresAt, status: copy.status };
}

export async function groups({ data, types }) {
  const copy = await parseCopy(bytes(data), typesOf(types));
  return Object.fromEntries(Array.from(copy.groups, ([n, { claims, within }]) => [n, { claims, within }]));
}

export async function show({ data, types, groups: chosen, binding, staple, key }) {
  const copy = await parseCopy(bytes(data), typesOf(types));
  const { nonce, cti, ...others } = binding;
  const signed = { ...others, nonce: bytes(nonce), ...(cti && { cti: bytes(cti) }) };
  return hex(await present(staple ? withStaple(copy, bytes(staple)) : copy, chosen, signed, await ecKey(key)));
}

export async function ask({ certificate, key, wants, use, at, staple, transaction }) {
  const named = transaction ? bytes(transaction) : undefined;
  const opened = await makeChallenge({ key: await ecKey(key), certificate: bytes(certificate), wants, use, at, staple, transaction: named });
  return { data: hex(opened.bytes), audience: opened.binding.audience, nonce: hex(opened.binding.nonce), expiresAt: opened.expiresAt };
}

export async function give_receipt({ certificate, key, content, nonce, at, decision, use, code: reason, pack }) {
  const bound = { content: bytes(content), nonce: bytes(nonce), ...(pack && { pack: bytes(pack) }) };
  return hex(await makeReceipt({ key: await ecKey(key), certificate: bytes(certificate), at, decision, use, code: reason, ...bound }));
}

/** A question that is answered at once: what the desk gets back. */
export async function ask_and_answer({ certificate, key, wants, use, at, content }) {
  const opened = await makeChallenge({ key: await ecKey(key), certificate: bytes(certificate), wants, use, at });
  const sealed = await sealAnswer(await parseChallenge(opened.bytes), PRESENTATION, bytes(content));
  const answer = await openAnswer(opened, sealed);
  return [answer.prefix, hex(answer.content)];
}

export const answer = async ({ challenge: data, prefix, content }) => hex(await sealAnswer(await parseChallenge(bytes(data)), prefix, bytes(content)));
