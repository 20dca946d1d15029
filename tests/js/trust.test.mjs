// What a right of a federation covers, and who took over from whom, as the service has it; and the key inside a certificate.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { pointOf } from "../../shared/web/static/js/ovp/certificate.js";
import { findKeeper } from "../../shared/web/static/js/ovp/heirs.js";
import { COPY_LIFE, checkIssuer, checkSaid } from "../../shared/web/static/js/ovp/trust.js";

const right = (from, until, more = {}) => ({ vct: "urn:a", from, until, jurisdiction: null, basis: null, ...more });

test("made before the right began, or after it ended", () => {
  const issuer = { rights: [right(100, 200)] };
  assert.throws(() => checkSaid(issuer, 99, {}, 150), { code: "not_entitled" });
  assert.throws(() => checkSaid(issuer, 200, {}, 200), { code: "not_entitled" });
  assert.equal(checkSaid(issuer, 100, {}, 199), "");
  assert.equal(checkSaid(issuer, 199, {}, 200), "authority_ended");
  assert.equal(checkSaid({ rights: null }, 0, {}, 0), "");
});

test("of one jurisdiction, on one basis", () => {
  const issuer = { rights: [right(0, 200, { jurisdiction: ["GB-EAW"], basis: ["register", "inspection"] }), right(0, null, { jurisdiction: ["GB-SCT"] })] };
  const said = (claims) => checkSaid(issuer, 100, claims, 300);
  assert.equal(said({ issuing_jurisdiction: "GB-EAW", attestation_basis: "inspection" }), "authority_ended");
  assert.equal(said({ issuing_jurisdiction: "GB-SCT" }), "");
  for (const claims of [{}, { issuing_jurisdiction: "GB-EAW" }, { issuing_jurisdiction: ["GB-SCT"] }]) assert.throws(() => said(claims), { code: "not_entitled" });
});

test("a right that ended is good for one longest copy life", async () => {
  const kid = new Uint8Array(8);
  const entry = { iss: "https://a.example", kid, x5c: null, key: { raw: kid }, vcts: null, notBefore: 0, notAfter: 1e12, state: "active", endedAt: null, federated: true, staleAt: 1e12 };
  const issuers = [{ ...entry, rights: [right(0, 200)] }];
  const asked = (at, vct = "urn:a") => checkIssuer(issuers, entry.iss, vct, { kid, x5c: [] }, at);
  assert.equal((await asked(199 + COPY_LIFE)).rights.length, 1);
  await assert.rejects(asked(200 + COPY_LIFE), { code: "not_entitled" });
  await assert.rejects(asked(100, "urn:b"), { code: "not_entitled" });
});

test("who keeps the records", () => {
  const from = (outgoing, successor, more = {}) => ({ outgoing, successor, name: { en: successor, cy: successor }, since: 0, notBefore: 10, notAfter: 20, vcts: null, notVcts: [], statusDuty: true, mayCancel: true, ...more });
  const keeper = (known, at = 15, vct = "urn:a") => findKeeper(known, "a", vct, at)?.successor ?? "";
  assert.equal(keeper([from("a", "b")]), "b");
  for (const at of [9, 21]) assert.equal(keeper([from("a", "b")], at), "");
  assert.equal(keeper([from("a", "b"), from("b", "c")]), "c");
  assert.equal(keeper([from("a", "b"), from("b", "a")]), "");
  assert.equal(keeper([from("a", "b"), from("a", "c")]), ""); // two claim the same
  assert.equal(keeper([from("a", "b"), from("a", "c", { vcts: ["urn:a"] })]), "c");
  assert.equal(keeper([from("a", "c", { vcts: ["urn:b"] })]), "");
  assert.equal(keeper([from("a", "c", { notVcts: ["urn:b"] })]), "c");
  assert.equal(keeper([from("a", "c", { notVcts: ["urn:a"] })]), ""); // all but what its kind names another for
  assert.equal(keeper([from("a", "b"), from("a", "c", { notVcts: ["urn:a"] })]), "b");
  const long = Array.from({ length: 9 }, (_, at) => from(at ? String(at) : "a", String(at + 1)));
  assert.equal(keeper(long.slice(0, 8)), "8");
  assert.equal(keeper(long), "");
});

test("the key inside a certificate", () => {
  const { anchor } = JSON.parse(readFileSync(new URL("../vectors/ovp/challenge.json", import.meta.url), "utf8"));
  const der = new Uint8Array(Buffer.from(anchor.certificate, "base64"));
  const spki = new X509Certificate(der).publicKey.export({ type: "spki", format: "der" });
  assert.deepEqual(pointOf(der), new Uint8Array(spki.subarray(-65)));
  for (const bad of [der.slice(0, -1), new Uint8Array(), Uint8Array.of(0x30), Uint8Array.of(0x30, 0x80), Uint8Array.of(0x30, 0x84, 1, 1, 1, 1), Uint8Array.of(...der, 0)]) {
    assert.equal(pointOf(bad), null);
  }
  for (let at = 0; at < der.length; at += 1) pointOf(der.with(at, der[at] ^ 0x55)); // never throws, never runs away
});
