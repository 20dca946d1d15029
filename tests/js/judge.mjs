// Judges each line of standard input, {"type", "claims", "use"}, as a page would, and answers [code, where, detail] or null, a line each.
import { createInterface } from "node:readline";
import { judge } from "../../shared/web/static/js/ovp/rules.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { type, claims, use } = JSON.parse(line);
  let answer = null;
  try {
    judge(type, claims, use);
  } catch (error) {
    answer = error.code ? [error.code, error.where, error.message] : ["bug", "", String(error.stack)];
  }
  console.log(JSON.stringify(answer));
}
