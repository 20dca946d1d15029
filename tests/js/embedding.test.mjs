// The lines that docs/relying-party.md gives to those who put the verifier into a page of their own.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { fromBase64, fromBase64url } from "../../shared/web/static/js/ovp/bytes.js";

const [, lines] = /```js\n(.*?)```/s.exec(readFileSync(new URL("../../docs/relying-party.md", import.meta.url), "utf-8"));
const place = join(mkdtempSync(join(tmpdir(), "page-")), "check.mjs");
writeFileSync(place, lines.replaceAll("./ovp/", new URL("../../shared/web/static/js/ovp/", import.meta.url).href));
const { check } = await import(pathToFileURL(place).href);
const { at, pack, signer, cases } = JSON.parse(readFileSync(new URL("../vectors/ovp/presentations.json", import.meta.url), "utf-8"));

const given = (name, kept) => {
  const { presentation, expectation } = cases.find((each) => each.name === name);
  const wants = expectation.wants.map(([vct, required, optional]) => ({ vct, required, optional }));
  const nonce = expectation.nonce && fromBase64url(expectation.nonce);
  const answer = { prefix: "OVP1:", content: fromBase64url(presentation) };
  return { packFile: fromBase64(pack), signer, answer, expectation: { ...expectation, wants, nonce }, kept, at };
};

test("once, twice, after a restart, and what is wrong", async () => {
  const kept = { seen: new Set() };
  assert.deepEqual([(await check(given("good_live", kept))).decision, (await check(given("good_live", kept))).code], ["accepted", "replayed"]);
  const restarted = { memory: JSON.parse(JSON.stringify(kept.memory)), seen: new Set(kept.seen) };
  assert.equal((await check(given("good_live", restarted))).code, "replayed");
  const bad = given("good_live", { seen: new Set() });
  bad.answer.content[bad.answer.content.length - 1] ^= 1;
  assert.equal((await check(bad)).decision, "rejected");
});
