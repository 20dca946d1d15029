// The golden vectors of OVP/1 (tests/vectors/ovp), which any implementation judges alike.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromBase64, fromBase64url, toBase64url } from "../../shared/web/static/js/ovp/bytes.js";
import { checkChallenge, parseChallenge } from "../../shared/web/static/js/ovp/challenge.js";
import { codeAudience, codeNonce, parseCode } from "../../shared/web/static/js/ovp/code.js";
import { importJwk } from "../../shared/web/static/js/ovp/cose.js";
import { ofMessage, parseText, renderText, toMessage } from "../../shared/web/static/js/ovp/envelope.js";
import { VcError } from "../../shared/web/static/js/ovp/errors.js";
import { Assembly, split } from "../../shared/web/static/js/ovp/frames.js";
import { emptyMemory, openPack } from "../../shared/web/static/js/ovp/pack.js";
import { checkReceipt, parseReceipt } from "../../shared/web/static/js/ovp/receipt.js";
import { openRegister, parseRelyingParty, verifyRelyingParty } from "../../shared/web/static/js/ovp/register.js";
import { decide, replayed } from "../../shared/web/static/js/ovp/verify.js";

const AT = 1_800_000_000;
const read = (name) => JSON.parse(readFileSync(new URL(`../vectors/ovp/${name}.json`, import.meta.url), "utf-8"));
const plain = (value) => JSON.parse(JSON.stringify(value));

async function judged(name, each, ask) {
  const { error, where } = each.expect ?? each;
  if (!error) return ask();
  await assert.rejects(ask, (found) => found instanceof VcError && found.code === error && (where === undefined || found.where === where), name);
  return undefined;
}

test("frames", async () => {
  const { split: splits, assemble } = read("frames");
  for (const { name, message, chunk, texts } of splits) assert.deepEqual(await split(fromBase64url(message), chunk), texts, name);
  for (const { name, texts, answers } of assemble) {
    const assembly = new Assembly();
    for (const [at, text] of texts.entries()) {
      const answer = await assembly.add(text).then((whole) => whole && toBase64url(whole), ({ code }) => ({ error: code }));
      assert.deepEqual(answer, answers[at], name);
    }
  }
});

test("envelope", async () => {
  const { texts, messages } = read("envelope");
  for (const each of texts) {
    await judged(each.name, each, async () => {
      const { prefix, content } = parseText(each.text);
      assert.deepEqual([prefix, toBase64url(content)], [each.prefix, each.content], each.name);
      assert.deepEqual(parseText(await renderText(prefix, content)).content, content, each.name);
    });
  }
  for (const each of messages) {
    await judged(each.name, each, async () => {
      const { prefix, content } = ofMessage(fromBase64url(each.message));
      assert.deepEqual([prefix, toBase64url(content)], [each.prefix, each.content], each.name);
      assert.deepEqual(ofMessage(await toMessage(prefix, content)).content, content, each.name);
    });
  }
});

test("code", async () => {
  const { codes, audience } = read("code");
  for (const each of codes) {
    await judged(each.name, each, async () => {
      const code = await parseCode(each.typed, each.entity, each.use);
      assert.equal(code, each.code, each.name);
      assert.equal(toBase64url(await codeNonce(code, each.entity, each.use)), each.nonce, each.name);
    });
  }
  assert.equal(await codeAudience(await importJwk(audience.key)), audience.audience);
});

const pinned = async ({ key, not_before, not_after }, entity = null) => ({ key: await importJwk(key), entity, notBefore: not_before, notAfter: not_after });

test("challenge", async () => {
  const { anchor, cases } = read("challenge");
  for (const each of cases) {
    await judged(each.name, each, async () => {
      const register = await openRegister(each.register.map((file) => fromBase64url(file)), [await pinned(anchor, anchor.entity)], AT);
      const challenge = await parseChallenge(fromBase64url(each.challenge));
      const asker = await checkChallenge(challenge, register, each.at);
      assert.deepEqual({ entity: asker.entity, desk: asker.desk, use: asker.use.id }, each.expect.asker, each.name);
      assert.deepEqual(asker.wants.map(({ vct, required, optional }) => [vct, required, optional]), each.expect.wants, each.name);
      assert.equal(toBase64url(challenge.binding.nonce), each.expect.digest, each.name);
      assert.equal(challenge.binding.audience, each.expect.audience, each.name);
    });
  }
});

test("receipt", async () => {
  const { anchor, cases } = read("receipt");
  for (const each of cases) {
    await judged(each.name, each, async () => {
      const register = await openRegister(each.register.map((file) => fromBase64url(file)), [await pinned(anchor)], AT);
      const receipt = await parseReceipt(fromBase64url(each.receipt));
      const sent = { content: fromBase64url(each.content), nonce: fromBase64url(each.nonce), use: each.use, sentAt: each.sent_at };
      const { entity } = await checkReceipt(receipt, register, { ...sent, at: each.at });
      const { desk, decision, code, issuedAt, pack } = receipt;
      assert.deepEqual({ entity, desk: desk.name, decision, code, at: issuedAt, pack: pack && toBase64url(pack) }, each.expect, each.name);
    });
  }
});

test("register", async () => {
  const { anchor, cases } = read("register");
  for (const each of cases) {
    await judged(each.name, each, async () => {
      const party = await parseRelyingParty(fromBase64url(each.certificate));
      const registrar = each.registrar && { registrar: each.registrar, countries: each.countries };
      await verifyRelyingParty(party, [{ ...(await pinned(anchor, each.pinned_for ?? null)), ...registrar }], each.at);
      assert.deepEqual([party.entity, party.name, party.uses.map(({ id }) => id)], [each.expect.entity, each.expect.name, each.expect.uses], each.name);
      const { argued, registrar: named } = each.expect;
      if (!argued) return;
      const [{ benefit, couldStop, authority, authorityContact, support, evidence }] = party.uses;
      assert.deepEqual({ benefit, could_stop: couldStop, authority, authority_contact: authorityContact, support, evidence }, argued);
      assert.deepEqual({ ...party.registrar?.name, entity: party.registrar?.entity }, named);
    });
  }
});

test("presentations", async () => {
  const { at, pack: file, signer, cases } = read("presentations");
  const pack = await openPack(fromBase64(file), { signers: [signer], memory: emptyMemory(), at });
  for (const each of cases) {
    const { mode, audience, nonce, purpose_id, wants, use } = each.expectation;
    const expectation = {
      mode,
      audience,
      nonce: nonce && fromBase64url(nonce),
      ...(purpose_id !== null && { purposeId: purpose_id }),
      wants: wants && wants.map(([vct, required, optional]) => ({ vct, required, optional })),
      use,
    };
    const first = await decide({ presentation: fromBase64url(each.presentation), expectation, pack, memory: pack.memory, at: each.at });
    const verdict = each.seen ? replayed(first) : first;
    const found = { decision: verdict.decision, code: verdict.code, level: verdict.level };
    if ("claims" in each.expect) found.claims = plain(verdict.credential?.claims ?? null);
    if ("replay_key" in each.expect) found.replay_key = verdict.replayKey;
    assert.deepEqual(found, each.expect, each.name);
  }
});

test("federated", async () => {
  const { signer, packs, expectation, cases } = read("federated");
  const [{ audience, nonce, use }, wants] = [expectation, expectation.wants.map(([vct, required, optional]) => ({ vct, required, optional }))];
  for (const { name, pack: world, at, prefix, presentation, expect } of cases) {
    const pack = await openPack(fromBase64(packs[world]), { signers: [signer], memory: emptyMemory(), at });
    const asked = { mode: "live", audience, nonce: fromBase64url(nonce), wants, use };
    const verdict = await decide({ presentation: fromBase64url(presentation), prefix, expectation: asked, pack, memory: pack.memory, at });
    const issuer = verdict.checks.find((each) => each.name === "issuer_trust").code;
    assert.deepEqual({ decision: verdict.decision, code: verdict.code, issuer_trust: issuer, keeper: verdict.credential?.keeper?.successor ?? null }, expect, name);
  }
});
