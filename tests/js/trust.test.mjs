// What a right of a federation covers: only what was made since it began, as the service has it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { checkSaid } from "../../shared/web/static/js/ovp/trust.js";

test("made before the right began", () => {
  assert.throws(() => checkSaid({ saidFrom: 100 }, 99), { code: "not_entitled" });
  checkSaid({ saidFrom: 100 }, 100);
  checkSaid({ saidFrom: null }, 0);
});
