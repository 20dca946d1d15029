// Judges cases that Python wrote: one JSON object a line in, one a line out. `node judge.mjs CASES.jsonl > ANSWERS.jsonl`
// Each case names its `op`; the answer is {ok: …} or {code, where}. Anything that is no VcError is a bug, and ends the run.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import * as ops from "./ops.mjs";
import { VcError } from "../../shared/web/static/js/ovp/errors.js";

const lines = createInterface({ input: createReadStream(process.argv[2]), crlfDelay: Infinity });
for await (const line of lines) {
  const { op, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { ok: await ops[op](given) };
  } catch (error) {
    if (!(error instanceof VcError)) throw new Error(`${op} ${line.slice(0, 2000)}`, { cause: error });
    answer = { code: error.code, where: error.where };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
