// What every program here does: one question a line from Python, as JSON; one answer a line. It ends when no more questions come.
// {op, …} -> {ok: …} or {refused: name, detail}; {op, cases: […]} -> an array of those.
import { createInterface } from "node:readline";

async function answer(ask, given) {
  try {
    return { ok: (await ask(given)) ?? null };
  } catch (error) {
    return { refused: error?.constructor?.name ?? typeof error, detail: told(error) };
  }
}

/** The message of an error, of what caused it and, where a service answered, what it said. */
function told(error) {
  const said = [String(error?.message ?? error)];
  const response = error?.errorResponse ?? error?.response;
  if (response !== undefined) said.push(JSON.stringify(response.credentialErrorResponseResult?.data ?? response));
  if (error?.cause) said.push(told(error.cause));
  return said.join("\n");
}

/** Answer until the questions end, and end with them, whatever still listens. `ops` are functions by name. */
export async function serve(ops) {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const { op, cases, ...given } = JSON.parse(line);
    const ask = ops[op] ?? (() => Promise.reject(new RangeError(`no such question: ${op}`)));
    const all = [];
    for (const each of cases ?? [given]) all.push(await answer(ask, each));
    process.stdout.write(`${JSON.stringify(cases ? all : all[0])}\n`);
  }
  process.exit(0);
}
