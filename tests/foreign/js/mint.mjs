// A mint by others: SD-JWT VCs made and shown by @sd-jwt, mdocs made by @owf/mdoc and @auth0/mdl, to be judged by us.
import { createRequire } from "node:module";
import { ES256, digest, generateSalt } from "@sd-jwt/crypto-nodejs";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { StatusList, createHeaderAndPayload } from "@sd-jwt/jwt-status-list";
import { CoseKey, DateOnly, DeviceKey, Issuer } from "@owf/mdoc";
import { serve } from "./bridge.mjs";
import { KeyRing, pem, seconds } from "./crypto.mjs";
import { context, wild } from "./mdoc.mjs";
import { presentMdoc, presentSdJwt, transcript } from "./show.mjs";

const { DeviceResponse, Document, MDoc } = createRequire(import.meta.url)("@auth0/mdl");

const bare = ({ kty, crv, x, y }) => ({ kty, crv, x, y });

/** An SD-JWT VC of `payload`; `frame` as @sd-jwt takes it. */
async function sd_jwt({ payload, frame, issuer, x5c }) {
  const instance = new SDJwtVcInstance({
    hasher: digest, hashAlg: "sha-256", saltGenerator: generateSalt, signAlg: "ES256", signer: await ES256.getSigner(issuer),
  });
  return instance.issue(payload, frame, { header: x5c ? { x5c } : {} });
}

/** It, shown. */
const sd_jwt_shown = ({ wire, output, holder, audience, nonce, bend }) => presentSdJwt(wire, output, { secret: holder, audience, nonce, bend });

/** A status list token. */
async function status_list({ values, bits, uri, issuer, x5c, ttl = 3_600 }) {
  const { header, payload } = createHeaderAndPayload(
    new StatusList(values, bits), { iss: uri, sub: uri, iat: seconds() - 60, exp: seconds() + 86_400, ttl }, { alg: "ES256", typ: "statuslist+jwt", x5c },
  );
  const ring = new KeyRing();
  return ring.sign(header, payload, ring.add(issuer));
}

const dates = ({ signed, validFrom, validUntil }) => ({ signed: new Date(signed), validFrom: new Date(validFrom), validUntil: new Date(validUntil) });
const valued = (elements, day) => Object.fromEntries(Object.entries(elements).map(([name, value]) => [name, value?.day ? day(value.day) : value]));

/** IssuerSigned by @owf/mdoc; elements {day: …} become full-dates. `own`: with digestIDs as it draws them. */
async function mdoc_owf({ doctype, namespaces, issuer, x5c, device, validity, own = false }) {
  const maker = new Issuer(doctype, own ? wild() : context);
  for (const [name, elements] of Object.entries(namespaces)) maker.addIssuerNamespace(name, valued(elements, (day) => new DateOnly(day)));
  const signed = await maker.sign({
    signingKey: CoseKey.fromJwk({ ...issuer, alg: "ES256" }), algorithm: -7, digestAlgorithm: "SHA-256", validityInfo: dates(validity),
    deviceKeyInfo: { deviceKey: DeviceKey.fromJwk(bare(device)) }, certificates: x5c.map((each) => new Uint8Array(Buffer.from(each, "base64"))),
  });
  return signed.encodedForOid4Vci;
}

const mdoc_owf_shown = ({ wire, output, holder, handover }) => presentMdoc(wire, output, { secret: holder, ...handover });

/** A DeviceResponse by @auth0/mdl, made and shown in one: its signature is by the device, or with `reader` (a public JWK) a MAC. */
async function mdoc_auth0_shown({ doctype, namespaces, show, issuer, x5c, device, validity, handover, reader }) {
  const document = new Document(doctype);
  for (const [name, elements] of Object.entries(namespaces)) document.addIssuerNameSpace(name, elements);
  const signed = await document.useDigestAlgorithm("SHA-256").addValidityInfo(dates(validity)).addDeviceKeyInfo({ deviceKey: bare(device) })
    .sign({ issuerPrivateKey: issuer, issuerCertificate: x5c.map(pem), alg: "ES256" });
  const fields = show.map(([name, element]) => ({ path: [`$['${name}']['${element}']`], intent_to_retain: false }));
  const constraints = { limit_disclosure: "required", fields };
  const maker = DeviceResponse.from(new MDoc([signed]))
    .usingPresentationDefinition({ id: "p", input_descriptors: [{ id: doctype, format: { mso_mdoc: { alg: ["ES256"] } }, constraints }] })
    .usingSessionTranscriptBytes(Buffer.from((await transcript(handover)).encode({ asDataItem: true })));
  const shown = reader ? maker.authenticateWithMAC(device, CoseKey.fromJwk(reader).encode(), "HS256") : maker.authenticateWithSignature(device, "ES256");
  const response = await shown.sign();
  return response.encode().toString("base64url");
}

await serve({ sd_jwt, sd_jwt_shown, status_list, mdoc_owf, mdoc_owf_shown, mdoc_auth0_shown });
