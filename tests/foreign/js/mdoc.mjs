// The cryptography that @owf/mdoc asks of whoever uses it: ES256, HMAC, and certificates.
import { createECDH, createHash, createHmac, createPrivateKey, createPublicKey, hkdfSync, randomBytes, sign, timingSafeEqual, verify, X509Certificate } from "node:crypto";
import { CoseKey, KeyOps, KeyType, MacAlgorithm } from "@owf/mdoc";
import { checkChain } from "./crypto.mjs";

const jwk = (key) => ({ kty: "EC", crv: "P-256", ...pick(key.jwk, ["x", "y", "d"]) });
const pick = (from, names) => Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]));
const attribute = (name, field) => (new RegExp(`^${field}=(.*)$`, "m").exec(name) ?? []).slice(1);
const mac = (key, data) => createHmac("sha256", key.privateKey).update(data).digest();

/** The library gives keys as they are when it checks a MAC, and as COSE_Key when it makes one. */
const raw = (key, size, part) => (key.length === size ? key : CoseKey.decode(key)[part]);
const random = (size) => new Uint8Array(randomBytes(size));

/** As below, with the library's own choice of digestIDs: four random bytes, though ISO/IEC 18013-5 section 9.1.2.4 ends at 2^31 - 1. */
export const wild = () => ({ ...context, crypto: { ...context.crypto, random } });

export const context = {
  crypto: {
    random: (size) => random(size).map((byte, at) => (size === 4 && at === 0 ? byte & 0x7f : byte)),
    digest: ({ digestAlgorithm, bytes }) => new Uint8Array(createHash(digestAlgorithm.replace("-", "")).update(bytes).digest()),
    calculateEphemeralMacKey({ privateKey, publicKey, sessionTranscriptBytes, info }) {
      const agreed = createECDH("prime256v1");
      agreed.setPrivateKey(raw(privateKey, 32, "privateKey"));
      const salt = createHash("sha256").update(sessionTranscriptBytes).digest();
      const k = new Uint8Array(hkdfSync("sha256", agreed.computeSecret(raw(publicKey, 65, "publicKey")), salt, Buffer.from(info), 32));
      return CoseKey.create({ keyType: KeyType.Oct, k, algorithm: MacAlgorithm.HS256, keyOps: [KeyOps.Sign, KeyOps.Verify] });
    },
  },
  cose: {
    sign1: {
      sign: ({ toBeSigned, key }) =>
        new Uint8Array(sign("sha256", toBeSigned, { key: createPrivateKey({ key: jwk(key), format: "jwk" }), dsaEncoding: "ieee-p1363" })),
      verify({ key, sign1 }) {
        const { d: _, ...open } = jwk(key);
        const known = { key: createPublicKey({ key: open, format: "jwk" }), dsaEncoding: "ieee-p1363" };
        return verify("sha256", sign1.toBeSigned, known, sign1.signature);
      },
    },
    mac0: {
      sign: ({ key, toBeAuthenticated }) => new Uint8Array(mac(key, toBeAuthenticated)),
      verify: ({ key, mac0 }) => timingSafeEqual(mac(key, mac0.toBeAuthenticated), Buffer.from(mac0.tag)),
    },
  },
  x509: {
    getIssuerNameField: ({ certificate, field }) => attribute(new X509Certificate(certificate).issuer, field),
    getPublicKey: ({ certificate, alg }) =>
      CoseKey.fromJwk({ ...new X509Certificate(certificate).publicKey.export({ format: "jwk" }), alg }),
    verifyCertificateChain({ trustedCertificates, x5chain, now }) {
      checkChain(x5chain, trustedCertificates, now);
    },
    getCertificateData({ certificate }) {
      const read = new X509Certificate(certificate);
      return {
        issuerName: read.issuer, subjectName: read.subject, serialNumber: read.serialNumber, thumbprint: read.fingerprint256,
        notBefore: new Date(read.validFrom), notAfter: new Date(read.validTo), pem: read.toString(),
      };
    },
  },
};
