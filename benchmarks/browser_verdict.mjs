// Microseconds from the last frame of an answer to the verdict, and for the two signature checks that nobody can avoid, in turn.
import { readFileSync } from "node:fs";
import { fromBase64, fromBase64url } from "../shared/web/static/js/ovp/bytes.js";
import { importCoseKey, parseSign1, sign1Of, signingInput } from "../shared/web/static/js/ovp/cose.js";
import { decode } from "../shared/web/static/js/ovp/cbor.js";
import { PRESENTATION, Reception, toMessage } from "../shared/web/static/js/ovp/envelope.js";
import { split } from "../shared/web/static/js/ovp/frames.js";
import { emptyMemory, openPack } from "../shared/web/static/js/ovp/pack.js";
import { decide } from "../shared/web/static/js/ovp/verify.js";

const { at, pack: file, signer, cases } = JSON.parse(readFileSync(new URL("../tests/vectors/ovp/presentations.json", import.meta.url), "utf-8"));
const { presentation, expectation } = cases.find(({ name }) => name === "good_live");
const pack = await openPack(fromBase64(file), { signers: [signer], memory: emptyMemory(), at });
const wants = expectation.wants.map(([vct, required, optional]) => ({ vct, required, optional }));
const expected = { mode: "live", audience: expectation.audience, nonce: fromBase64url(expectation.nonce), wants, use: expectation.use };
const frames = await split(await toMessage(PRESENTATION, fromBase64url(presentation)));
const needed = frames.slice(0, frames.length / 2);

const outer = parseSign1(fromBase64url(presentation));
const inner = sign1Of(outer.protect.get(13));
const keys = [pack.issuers[0].key.key, (await importCoseKey(decode(inner.payload, "", true).get(8).get(1))).key];
const signed = [inner, outer].map((each) => [each.signature, signingInput(each)]);
const ES256 = { name: "ECDSA", hash: "SHA-256" };

async function ours() {
  const reception = new Reception();
  for (const text of needed.slice(0, -1)) await reception.add(text);
  const started = performance.now();
  const { prefix, content } = await reception.add(needed.at(-1));
  const verdict = await decide({ presentation: content, prefix, expectation: expected, pack, memory: pack.memory, at });
  const took = performance.now() - started;
  if (verdict.decision !== "accepted") throw new Error(verdict.code);
  return took;
}

async function floor() {
  const started = performance.now();
  for (const [place, [signature, message]] of signed.entries()) await crypto.subtle.verify(ES256, keys[place], signature, message);
  return performance.now() - started;
}

const CALLS = 20;
const figures = { ours: [], floor: [] };
for (let round = 0; round < 16; round += 1) {
  for (const [name, work] of Object.entries({ ours, floor })) {
    let took = 0;
    for (let call = 0; call < CALLS; call += 1) took += await work();
    if (round) figures[name].push((took / CALLS) * 1000); // the first round only warms up
  }
}
process.stdout.write(JSON.stringify(figures));
