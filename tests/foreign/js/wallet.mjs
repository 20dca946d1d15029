// A wallet made of @openid4vc/openid4vci and @openid4vc/openid4vp, with nothing of ours in it: it takes documents and shows them.
// Questions follow a story: `open`, then `offer`, `redeem` or `push` and `code`, `request`, `deferred`, `notify`; and `ask`, `show`.
import { clientAuthenticationAnonymous, clientAuthenticationClientAttestationJwt, createClientAttestationJwt } from "@openid4vc/oauth2";
import { Openid4vciClient } from "@openid4vc/openid4vci";
import { Openid4vpClient } from "@openid4vc/openid4vp";
import { serve } from "./bridge.mjs";
import { KeyRing, callbacks, seconds } from "./crypto.mjs";
import { choose, presentMdoc, presentSdJwt } from "./show.mjs";

const signer = (publicJwk) => ({ method: "jwk", alg: "ES256", publicJwk });
let my;

/** A new wallet. `anchors`: whom it takes requests from. `provider` {private, x5c, clientId, issuer}: who attests it. */
async function open({ anchors = [], provider }) {
  const ring = new KeyRing();
  my = { ring, held: [], proofs: [], dpop: undefined };
  const clientAuthentication = provider ? await attested(ring, provider) : clientAuthenticationAnonymous();
  my.callbacks = callbacks(ring, { clientAuthentication, anchors });
  my.vci = new Openid4vciClient({ callbacks: my.callbacks });
  my.vp = new Openid4vpClient({ callbacks: my.callbacks });
}

/** Attestation-based client authentication: one attestation, a proof of possession a request. */
async function attested(ring, { private: secret, x5c, clientId, issuer }) {
  const [jwk, theirs] = [await ring.make(), ring.add(secret)];
  const using = callbacks(ring, {});
  my.client = jwk;
  const clientAttestationJwt = await createClientAttestationJwt({
    issuer, clientId, confirmation: { jwk }, issuedAt: new Date(), expiresAt: new Date(Date.now() + 3_600_000),
    signer: { method: "x5c", alg: "ES256", x5c },
    callbacks: { ...using, signJwt: async (_, { header, payload }) => ({ jwt: await ring.sign(header, payload, theirs), signerJwk: theirs }) },
  });
  return clientAuthenticationClientAttestationJwt({ clientAttestationJwt, callbacks: using });
}

async function offer({ link }) {
  my.offer = await my.vci.resolveCredentialOffer(link);
  my.metadata = await my.vci.resolveIssuerMetadata(my.offer.credential_issuer);
  return { offer: my.offer, version: my.metadata.originalDraftVersion, metadata: my.metadata.credentialIssuer };
}

async function dpop(wanted) {
  return wanted ? { signer: signer(await my.ring.make()) } : undefined;
}

function took({ accessTokenResponse, dpop: used }) {
  my.token = accessTokenResponse;
  my.dpop = used;
  return accessTokenResponse;
}

async function redeem({ tx_code: txCode, dpop: wanted = false, code }) {
  const credentialOffer = structuredClone(my.offer);
  if (code) credentialOffer.grants["urn:ietf:params:oauth:grant-type:pre-authorized_code"]["pre-authorized_code"] = code;
  return took(await my.vci.retrievePreAuthorizedCodeAccessTokenFromOffer({
    credentialOffer, issuerMetadata: my.metadata, txCode, dpop: await dpop(wanted),
  }));
}

/** The authorization request, pushed where the server takes that; the address to send the person to. */
async function push({ client_id: clientId, redirect_uri: redirectUri, scope, state }) {
  const pushed = await my.vci.createAuthorizationRequestUrlFromOffer({
    credentialOffer: my.offer, issuerMetadata: my.metadata, clientId, redirectUri, scope, dpop: await dpop(true),
    additionalRequestPayload: { state },
  });
  my.pushed = { ...pushed, redirectUri };
  return { url: pushed.authorizationRequestUrl, server: pushed.authorizationServer };
}

/** The address to which the person was sent back, and the code in it against tokens. */
async function code({ url }) {
  const server = my.metadata.authorizationServers.find((each) => each.issuer === my.pushed.authorizationServer);
  const answer = my.vci.parseAndVerifyAuthorizationResponseRedirectUrl({ url, authorizationServerMetadata: server });
  if (answer.error) throw new Error(`${answer.error}: ${answer.error_description}`);
  return took(await my.vci.retrieveAuthorizationCodeAccessTokenFromOffer({
    credentialOffer: my.offer, issuerMetadata: my.metadata, authorizationCode: answer.code, redirectUri: my.pushed.redirectUri,
    pkceCodeVerifier: my.pushed.pkce?.codeVerifier, dpop: my.pushed.dpop,
  }));
}

/** Key proofs for `count` new keys; `audience`, `spoil` and `again` (the nonce of before) make bad ones. */
async function prove(configuration, { count, audience, spoil, again }) {
  const metadata = structuredClone(my.metadata);
  if (audience) metadata.credentialIssuer.credential_issuer = audience;
  if (!again) my.nonce = (await my.vci.requestNonce({ issuerMetadata: my.metadata })).c_nonce;
  const keys = await Promise.all(Array.from({ length: count }, () => my.ring.make()));
  const made = await Promise.all(keys.map((key) => my.vci.createCredentialRequestJwtProof({
    issuerMetadata: metadata, credentialConfigurationId: configuration, nonce: my.nonce, signer: signer(key),
  })));
  return made.map(({ jwt }) => (spoil ? spoiled(jwt) : jwt));
}

function spoiled(jwt) {
  const [head, body, signature] = jwt.split(".");
  const bytes = Buffer.from(signature, "base64url");
  bytes[5] ^= 1;
  return [head, body, bytes.toString("base64url")].join(".");
}

/** Ask for documents. `known` is the configuration that proofs are made for, where `configuration` is one that there is not. */
async function request({ configuration, known = configuration, count = 1, proofs = true, ...how }) {
  const issuerMetadata = structuredClone(my.metadata);
  const all = issuerMetadata.credentialIssuer.credential_configurations_supported;
  all[configuration] ??= all[known];
  const jwts = proofs ? await prove(known, { count, ...how }) : [];
  const got = await my.vci.retrieveCredentials({
    issuerMetadata, accessToken: my.token.access_token, credentialConfigurationId: configuration, dpop: my.dpop,
    ...(jwts.length ? { proofs: { jwt: jwts } } : {}),
  });
  return keep(got.credentialResponse, all[configuration].format);
}

async function deferred({ transaction_id: transactionId, format }) {
  const got = await my.vci.retrieveDeferredCredentials({
    issuerMetadata: my.metadata, accessToken: my.token.access_token, transactionId, dpop: my.dpop,
  });
  return keep(got.deferredCredentialResponse, format);
}

function keep(response, format) {
  for (const { credential } of response.credentials ?? []) my.held.push({ format, wire: credential });
  return response;
}

async function notify({ id, event }) {
  const notification = { notificationId: id, event };
  await my.vci.sendNotification({ issuerMetadata: my.metadata, accessToken: my.token.access_token, notification, dpop: my.dpop });
}

/** Read a request, by reference with GET or POST as the link says. */
async function ask({ link }) {
  const { params } = my.vp.parseOpenid4vpAuthorizationRequest({ authorizationRequest: link });
  my.asked = await my.vp.resolveOpenId4vpAuthorizationRequest({
    authorizationRequestPayload: params,
    wallet: {
      nonce: Buffer.from(my.callbacks.generateRandom(16)).toString("base64url"),
      metadata: {
        vp_formats_supported: { "dc+sd-jwt": { "sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"] } },
        authorization_encryption_alg_values_supported: ["ECDH-ES"],
        authorization_encryption_enc_values_supported: ["A256GCM", "A128GCM"],
      },
    },
  });
  const { client, authorizationRequestPayload: payload, transactionData } = my.asked;
  return { client, payload, transaction_data: transactionData?.map((each) => each.transactionData) };
}

/** What is done to a presentation so that it is bad. */
const SPOILS = {
  none: (wire) => wire,
  "key-binding": (wire) => [...wire.split("~").slice(0, -1), spoiled(wire.split("~").at(-1))].join("~"),
  issuer: (wire) => [spoiled(wire.split("~")[0]), ...wire.split("~").slice(1)].join("~"),
  withheld: (wire) => wire.split("~").toSpliced(1, 1).join("~"), // after the key binding was made
  stripped: (wire) => `${wire.split("~").slice(0, -1).join("~")}~`,
};

/** Answer the request that was read. `bend`: members of the key binding; `audience`, `nonce`: whom and what it is wrongly made for. */
async function show({ bend, audience, nonce, spoil = "none", held = my.held }) {
  const payload = my.asked.authorizationRequestPayload;
  const encryptionJwk = payload.client_metadata?.jwks?.keys[0];
  const bound = { audience: audience ?? payload.client_id, nonce: nonce ?? payload.nonce, responseUri: payload.response_uri, encryptionJwk, bend };
  const vp_token = {};
  for (const [id, chosen] of Object.entries(await choose(payload.dcql_query, held))) {
    const { format, wire } = chosen.held;
    const present = format === "mso_mdoc" ? presentMdoc : presentSdJwt;
    const made = await present(wire, chosen.output, { ...bound, secret: my.ring.secret(await holder(format, wire)) });
    vp_token[id] = [SPOILS[spoil](made)];
  }
  return send({ vp_token });
}

async function holder(format, wire) {
  if (format !== "mso_mdoc") return JSON.parse(Buffer.from(wire.split(".")[1], "base64url")).cnf.jwk;
  const { IssuerSigned } = await import("@owf/mdoc");
  return IssuerSigned.fromEncodedForOid4Vci(wire).issuerAuth.mobileSecurityObject.deviceKeyInfo.deviceKey.jwk;
}

/** Say no. */
const refuse = ({ error }) => send({ error });

async function send(authorizationResponsePayload) {
  const payload = my.asked.authorizationRequestPayload;
  const serverMetadata = {
    authorization_encryption_alg_values_supported: ["ECDH-ES"], authorization_encryption_enc_values_supported: ["A256GCM", "A128GCM"],
  };
  const sealed = payload.response_mode.endsWith(".jwt");
  const made = await my.vp.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: payload, authorizationResponsePayload, clientMetadata: payload.client_metadata,
    ...(sealed ? { jarm: { encryption: { nonce: `${seconds()}` }, serverMetadata } } : {}),
  });
  const { response, responseMode } = await my.vp.submitOpenid4vpAuthorizationResponse({ authorizationRequestPayload: payload, ...made });
  return { status: response.status, mode: responseMode, body: await response.json() };
}

await serve({ open, offer, redeem, push, code, request, deferred, notify, ask, show, refuse });
