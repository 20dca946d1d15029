// Judges by others: @sd-jwt/sd-jwt-vc and jwt-status-list of SD-JWT VCs and their status, @auth0/mdl and @owf/mdoc of mdocs.
import { createRequire } from "node:module";
import { ES256, digest } from "@sd-jwt/crypto-nodejs";
import { getListFromStatusListJWT, getStatusListFromJWT } from "@sd-jwt/jwt-status-list";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { DeviceResponse, Holder, IssuerSigned, Verifier as OwfVerifier } from "@owf/mdoc";
import { X509Certificate } from "node:crypto";
import { serve } from "./bridge.mjs";
import { checkChain } from "./crypto.mjs";
import { context } from "./mdoc.mjs";
import { transcript } from "./show.mjs";

const { Verifier: Auth0Verifier } = createRequire(import.meta.url)("@auth0/mdl");

const headOf = (data) => JSON.parse(Buffer.from(data.split(".")[0], "base64url"));

/** A verifier of signatures by the leaf of `x5c`, which must lead to `anchor` (PEM), or by `jwk`. */
function verifier({ anchor, jwk }) {
  return async (data, signature) => {
    const { x5c = [] } = headOf(data);
    if (anchor) checkChain(x5c.map((each) => Buffer.from(each, "base64")), [anchor]);
    const key = jwk ?? new X509Certificate(Buffer.from(x5c[0], "base64")).publicKey.export({ format: "jwk" });
    return (await ES256.getVerifier(key))(data, signature);
  };
}

/** A presentation with key binding, or a copy without `nonce`; `list` is the status list token that its status stands in.
 *  `skew`: seconds that clocks may differ. */
async function sd_jwt({ wire, nonce, list, skew = 0, ...keys }) {
  const instance = new SDJwtVcInstance({
    hasher: digest, hashAlg: "sha-256", verifier: verifier(keys),
    kbVerifier: async (data, signature, payload) => (await ES256.getVerifier(payload.cnf.jwk))(data, signature),
    statusListFetcher: async () => list, statusVerifier: verifier(keys),
  });
  if (list === undefined) instance.verifyStatus = () => {}; // without a list nothing is asked of it
  const { payload, header, kb } = await instance.verify(wire, { skewSeconds: skew, keyBindingNonce: nonce });
  return { payload, header, kb: kb ?? null, claims: await instance.getClaims(wire) };
}

/** What a status list token says about some places in it. */
async function status_list({ token, indices, ...keys }) {
  const dot = token.lastIndexOf(".");
  if (!(await verifier(keys)(token.slice(0, dot), token.slice(dot + 1)))) throw new Error("bad signature");
  const list = getListFromStatusListJWT(token);
  return { bits: list.getBitsPerStatus(), size: list.statusList.length, values: indices.map((each) => list.getStatus(each)) };
}

/** Where the status of a copy stands. */
const status_of = ({ wire }) => getStatusListFromJWT(wire.split("~")[0]);

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64url"));

/** Elements as JSON: bytes in base64url, dates as text. */
function plain(value) {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64url");
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, each]) => [name, plain(each)]));
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object") {
    const told = value.toISOString?.() ?? value.value;
    return told === undefined ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)])) : plain(told);
  }
  return value;
}

/** Throws with what failed, or gives the checks that were made. */
function collector() {
  const passed = [];
  const failed = [];
  const note = ({ status, check, reason }) => (status === "PASSED" ? passed : failed).push(reason ? `${check}: ${reason}` : check);
  return { note, done: () => { if (failed.length) throw new Error(failed.join("; ")); return passed; } };
}

/** A DeviceResponse, by @auth0/mdl. */
async function mdoc_auth0({ wire, anchor, handover }) {
  const { note, done } = collector();
  const encoded = (await transcript(handover)).encode({ asDataItem: true }); // as it wants it: SessionTranscriptBytes
  const response = await new Auth0Verifier([anchor]).verify(Buffer.from(bytes(wire)), {
    encodedSessionTranscript: Buffer.from(encoded), onCheck: note,
  });
  const [document] = response.documents;
  const elements = Object.fromEntries(Object.keys(document.issuerSigned.nameSpaces).map((name) => [name, plain(Object.fromEntries(
    document.issuerSigned.nameSpaces[name].map((item) => [item.elementIdentifier, item.elementValue])))]));
  return { checks: done(), docType: document.docType, elements, documents: response.documents.length };
}

const namespaces = (signed) => Object.fromEntries([...signed.issuerNamespaces.issuerNamespaces].map(([name, items]) =>
  [name, plain(Object.fromEntries(items.map((item) => [item.elementIdentifier, item.elementValue])))]));

/** A DeviceResponse, by @owf/mdoc. */
async function mdoc_owf({ wire, anchor, handover }) {
  const { note, done } = collector();
  const response = DeviceResponse.fromEncodedForOid4Vp(wire);
  await OwfVerifier.verifyDeviceResponse({
    deviceResponse: response, sessionTranscript: await transcript(handover), trustedCertificates: [new X509Certificate(anchor).raw],
    onCheck: note,
  }, context);
  const [document] = response.documents;
  return { checks: done(), docType: document.docType, elements: namespaces(document.issuerSigned), documents: response.documents.length };
}

/** An IssuerSigned as a wallet gets it, by @owf/mdoc. */
async function issuer_signed({ wire, anchor }) {
  const { note, done } = collector();
  const issuerSigned = IssuerSigned.fromEncodedForOid4Vci(wire);
  const trustedCertificates = [new X509Certificate(anchor).raw];
  await Holder.verifyIssuerSigned({ issuerSigned, trustedCertificates, verificationCallback: note }, context);
  const { docType, validityInfo, deviceKeyInfo } = issuerSigned.issuerAuth.mobileSecurityObject;
  return {
    checks: done(), docType, elements: namespaces(issuerSigned), deviceKey: deviceKeyInfo.deviceKey.jwk,
    validity: plain({ signed: validityInfo.signed, validFrom: validityInfo.validFrom, validUntil: validityInfo.validUntil }),
  };
}

await serve({ sd_jwt, status_list, status_of, mdoc_auth0, mdoc_owf, issuer_signed });
