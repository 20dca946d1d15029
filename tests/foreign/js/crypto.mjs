// Keys, signatures and sealing for the libraries here, which bring protocol and leave these to whoever uses them.
import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { CompactEncrypt, compactDecrypt, compactVerify, exportJWK, generateKeyPair, importJWK, importX509, SignJWT } from "jose";

export const sha256 = (data) => createHash("sha256").update(data).digest();
export const seconds = () => Math.floor(Date.now() / 1000);
export const pem = (base64) => `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g).join("\n")}\n-----END CERTIFICATE-----\n`;

/** A new P-256 key as {private, public} JWKs. */
export async function newKey() {
  const pair = await generateKeyPair("ES256", { extractable: true });
  const [secret, open] = [await exportJWK(pair.privateKey), await exportJWK(pair.publicKey)];
  return { private: secret, public: open };
}

const name = ({ kty, crv, x, y }) => [kty, crv, x, y].join(".");

/** The private keys that one wallet holds, found by their public halves. */
export class KeyRing {
  #keys = new Map();

  async make() {
    const key = await newKey();
    this.#keys.set(name(key.public), key.private);
    return key.public;
  }

  add(secret) {
    const { d: _, ...open } = secret;
    this.#keys.set(name(open), secret);
    return open;
  }

  secret(open) {
    const found = this.#keys.get(name(open));
    if (!found) throw new Error("this key is not held here");
    return found;
  }

  async sign(header, payload, open) {
    return new SignJWT(payload).setProtectedHeader(header).sign(await importJWK(this.secret(open), header.alg));
  }
}

async function keyOf(signer, header) {
  if (signer.method === "x5c") return importX509(pem(signer.x5c[0]), header.alg);
  if (signer.method === "jwk") return importJWK(signer.publicJwk, header.alg);
  throw new Error(`signer ${signer.method}`);
}

/** The callbacks of @openid4vc; certificates must lead to one of `anchors` (PEM) where there are any. */
export function callbacks(ring, { clientAuthentication, anchors = [] }) {
  return {
    fetch: (url, init) => globalThis.fetch(url, { redirect: "manual", ...init }),
    hash: (data, algorithm) => createHash(algorithm.replace("-", "")).update(data).digest(),
    generateRandom: (size) => new Uint8Array(randomBytes(size)),
    clientAuthentication,
    async signJwt(signer, { header, payload }) {
      return { jwt: await ring.sign(header, payload, signer.publicJwk), signerJwk: signer.publicJwk };
    },
    async verifyJwt(signer, { header, compact }) {
      try {
        const key = await keyOf(signer, header);
        if (signer.method === "x5c" && anchors.length) checkChain(signer.x5c.map((each) => Buffer.from(each, "base64")), anchors);
        await compactVerify(compact, key, { algorithms: ["ES256"] });
        return { verified: true, signerJwk: await exportJWK(key) };
      } catch {
        return { verified: false };
      }
    },
    async encryptJwe({ publicJwk, alg, enc, apu, apv }, data) {
      const sealed = new CompactEncrypt(Buffer.from(data)).setProtectedHeader({ alg, enc, kid: publicJwk.kid });
      const party = (text) => (text === undefined ? undefined : Buffer.from(text, "base64url"));
      if (apu || apv) sealed.setKeyManagementParameters({ apu: party(apu), apv: party(apv) });
      return { encryptionJwk: publicJwk, jwe: await sealed.encrypt(await importJWK(publicJwk, alg)) };
    },
    async decryptJwe(jwe, { jwk } = {}) {
      const { plaintext } = await compactDecrypt(jwe, await importJWK(ring.secret(jwk), "ECDH-ES"));
      return { decrypted: true, decryptionJwk: jwk, payload: Buffer.from(plaintext).toString() };
    },
    getX509CertificateMetadata(certificate) {
      const names = (new X509Certificate(Buffer.from(certificate, "base64")).subjectAltName ?? "").split(", ");
      const of = (kind) => names.filter((each) => each.startsWith(kind)).map((each) => each.slice(kind.length));
      return { sanDnsNames: of("DNS:"), sanUriNames: of("URI:") };
    },
  };
}

/** Throws unless every certificate (DER) is signed by the next and the last by an anchor (PEM), all in force `at` (a Date). */
export function checkChain(chain, anchors, at = new Date()) {
  const parsed = chain.map((each) => new X509Certificate(each));
  const above = anchors.map((each) => new X509Certificate(each));
  parsed.forEach((each, position) => {
    if (at < new Date(each.validFrom) || at > new Date(each.validTo)) throw new Error("a certificate is not in force");
    const candidates = position + 1 < parsed.length ? [parsed[position + 1]] : above;
    if (!candidates.some((one) => each.checkIssued(one) && each.verify(one.publicKey))) throw new Error("no chain to an anchor");
  });
}
