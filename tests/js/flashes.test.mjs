// A loop of codes never flashes more than three times a second (WCAG 2.3.1: a flash is a pair of opposing changes).
import assert from "node:assert/strict";
import test from "node:test";
import { FRAME_MS, split } from "../../shared/web/static/js/ovp/frames.js";

test("at most three pairs of changes in any second", () => {
  assert.ok(FRAME_MS >= 1000 / 6, `${FRAME_MS} ms a frame`);
});

test("frames have one size, so that nothing jumps", async () => {
  for (const size of [900, 1701, 5000]) {
    const lengths = new Set((await split(new Uint8Array(size).fill(7), 300)).map((text) => text.length));
    assert.equal(lengths.size, 1);
  }
});
