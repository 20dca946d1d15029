// What a wallet by others shows: which documents a DCQL query means (dcql), an SD-JWT VC with its key binding (@sd-jwt), an mdoc (@owf/mdoc).
import { DcqlQuery } from "dcql";
import { ES256, digest, generateSalt } from "@sd-jwt/crypto-nodejs";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { CoseKey, DeviceRequest, DeviceResponse, DocRequest, IssuerSigned, ItemsRequest, SessionTranscript } from "@owf/mdoc";
import { calculateJwkThumbprint } from "jose";
import { context } from "./mdoc.mjs";
import { seconds } from "./crypto.mjs";

/** An instance that only reads and presents. */
const reader = () => new SDJwtVcInstance({ hasher: digest, hashAlg: "sha-256", saltGenerator: generateSalt });

/** A held document {format, wire} as the package dcql wants to see it. */
export async function seen({ format, wire }) {
  if (format === "mso_mdoc") {
    const signed = IssuerSigned.fromEncodedForOid4Vci(wire);
    const namespaces = {};
    for (const [name, items] of signed.issuerNamespaces.issuerNamespaces) {
      namespaces[name] = Object.fromEntries(items.map((item) => [item.elementIdentifier, item.elementValue]));
    }
    const doctype = signed.issuerAuth.mobileSecurityObject.docType;
    return { credential_format: format, doctype, namespaces, cryptographic_holder_binding: true };
  }
  const claims = await reader().getClaims(wire);
  return { credential_format: format, vct: claims.vct, claims, cryptographic_holder_binding: claims.cnf !== undefined };
}

/** Which of the held documents answer: {query id: {held, output}}, `output` being what of it is meant; throws where the query cannot be satisfied. */
export async function choose(query, held) {
  const parsed = DcqlQuery.parse(query);
  DcqlQuery.validate(parsed);
  const result = DcqlQuery.query(parsed, await Promise.all(held.map(seen)));
  if (!result.can_be_satisfied) throw new Error("nothing held here answers this query");
  const chosen = {};
  for (const [id, match] of Object.entries(result.credential_matches)) {
    if (!match.success) continue;
    const [valid] = match.valid_credentials;
    chosen[id] = { held: held[valid.input_credential_index], output: valid.claims.valid_claim_sets[0].output };
  }
  return chosen;
}

/** @sd-jwt's presentation frame of what dcql put out: true for what is shown; an element that was not meant is null there. */
function frameOf(output) {
  if (typeof output !== "object") return true;
  const shown = Object.entries(output).filter(([, value]) => value !== null);
  return Object.fromEntries(shown.map(([name, value]) => [name, frameOf(value)]));
}

/** An SD-JWT VC with a key binding JWT; `bend` replaces members of the JWT's payload. */
export async function presentSdJwt(wire, output, { secret, audience, nonce, bend = {} }) {
  const instance = new SDJwtVcInstance({
    hasher: digest, hashAlg: "sha-256", saltGenerator: generateSalt, kbSignAlg: "ES256", kbSigner: await ES256.getSigner(secret),
  });
  return instance.present(wire, frameOf(output), { kb: { payload: { iat: seconds(), aud: audience, nonce, ...bend } } });
}

/** A DeviceResponse with a device signature, for the OpenID4VP handover; with a device MAC where `reader` is the checker's public key. */
export async function presentMdoc(wire, output, { secret, audience, nonce, responseUri, encryptionJwk, reader }) {
  const signed = IssuerSigned.fromEncodedForOid4Vci(wire);
  const namespaces = new Map(Object.entries(output).map(([name, items]) => [name, new Map(Object.keys(items).map((item) => [item, false]))]));
  const docType = signed.issuerAuth.mobileSecurityObject.docType;
  const key = (alg) => CoseKey.fromJwk({ ...secret, alg });
  const itemsRequest = ItemsRequest.create({ docType, namespaces });
  const response = await DeviceResponse.createWithDeviceRequest({
    deviceRequest: DeviceRequest.create({ docRequests: [DocRequest.create({ itemsRequest })] }),
    issuerSigned: [signed],
    sessionTranscript: await transcript({ audience, nonce, responseUri, encryptionJwk }),
    ...(reader ? { mac: { signingKey: key("HS256"), ephemeralKey: CoseKey.fromJwk(reader) } } : { signature: { signingKey: key("ES256") } }),
  }, context);
  return response.encodedForOid4Vp;
}

/** Session transcripts of OpenID4VP appendix B.2.6. */
export async function transcript({ audience, nonce, responseUri, encryptionJwk, origin }) {
  const jwkThumbprint = encryptionJwk && new Uint8Array(Buffer.from(await calculateJwkThumbprint(encryptionJwk), "base64url"));
  if (origin !== undefined) return SessionTranscript.forOid4VpDcApi({ origin, nonce, jwkThumbprint }, context);
  return SessionTranscript.forOid4Vp({ clientId: audience, nonce, responseUri, jwkThumbprint }, context);
}
