/**
 * The rules of a type of document, read as `shared/credentials/_rules.py` reads them: that file's beginning says what they may hold.
 * A rule that cannot be understood is `type_rule_broken`: it never lets a document pass.
 * @module
 */
import { refuse, VcError } from "./errors.js";
import { checkShape, days, isObject } from "./shape.js";

/** @typedef {{claims: import("./shape.js").Leaf[], rules: unknown}} Judged what is needed here of a type in the checking pack */
/** @typedef {{claims: unknown, use: unknown, item?: unknown, at: number, earlier: unknown[]}} Scope */

/** What a rule may answer. */
const ANSWERS = new Set([
  "needs_capacity_evidence",
  "needs_grant",
  "needs_more_attorneys",
  "not_determined",
  "outside_permission",
  "outside_scope",
  "restricted_undisclosed",
  "restrictions_to_read",
  "type_rule_broken",
  "wrong_instrument",
]);
const DEEPEST = 32;

/**
 * A `VcError` unless what was disclosed serves `use`. The order of the rules decides which.
 * @param {Judged} type
 * @param {unknown} claims
 * @param {unknown} use
 */
export function judge(type, claims, use) {
  try {
    checkShape(type.claims, claims);
  } catch (error) {
    if (error instanceof VcError) refuse("type_rule_broken", error.message, error.where);
    throw error;
  }
  applyAll(type.rules, { claims, use, at: 0, earlier: [] }, 0);
}

/**
 * @param {string} detail
 * @returns {never}
 */
const broken = (detail) => refuse("type_rule_broken", `a rule of this type of document cannot be applied: ${detail}`);

/**
 * @param {unknown} rules
 * @param {Scope} scope
 * @param {number} depth
 */
function applyAll(rules, scope, depth) {
  for (const rule of depth > DEEPEST ? broken("too deep") : list(rules ?? "")) applyOne(rule, scope, depth + 1);
}

/**
 * @param {unknown} rule
 * @param {Scope} scope
 * @param {number} depth
 */
function applyOne(rule, scope, depth) {
  if (!isObject(rule)) return broken("a rule has another form");
  const group = Object.hasOwn(rule, "rules");
  const known = group ? ["when", "each", "rules"] : ["when", "code", "where", "detail", "of"];
  if (Object.keys(rule).some((name) => !known.includes(name))) return broken("a rule has another form");
  if ((!group || Object.hasOwn(rule, "when")) && !truth(ask(rule.when, scope, depth))) return undefined;
  if (!group) return answer(rule, scope, depth);
  if (!Object.hasOwn(rule, "each")) return applyAll(rule.rules, scope, depth);
  const items = list(ask(rule.each, scope, depth));
  for (const [at, item] of items.entries()) applyAll(rule.rules, { ...scope, item, at, earlier: items.slice(0, at) }, depth);
  return undefined;
}

/**
 * @param {Record<string, unknown>} rule
 * @param {Scope} scope
 * @param {number} depth
 */
function answer({ code, where, detail, of = "" }, scope, depth) {
  if (typeof code !== "string" || !ANSWERS.has(code) || typeof where !== "string" || typeof detail !== "string") return broken("its answer is not known");
  return refuse(code, detail.split("{}").join(words(ask(of, scope, depth))), where.split("{at}").join(String(scope.at)));
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function words(value) {
  if (Array.isArray(value)) return value.map(words).join(", ");
  return typeof value === "string" || Number.isSafeInteger(value) ? String(value) : broken("words belong here");
}

/**
 * The value of an expression; `undefined` is nothing.
 * @param {unknown} expression
 * @param {Scope} scope
 * @param {number} depth
 * @returns {unknown}
 */
function ask(expression, scope, depth) {
  if (isScalar(expression)) return expression;
  if (!Array.isArray(expression) || depth > DEEPEST) return broken("an operator is not known");
  const [name, ...operands] = expression;
  const [least, most, apply] = OPERATORS.get(name) ?? broken("an operator is not known");
  if (operands.length < least || operands.length > most) return broken("an operator is not known");
  return apply(operands, (inner) => ask(inner, scope, depth + 1), scope) ?? undefined;
}

/** The fewest and the most operands, and what it does. @type {Map<unknown, [number, number, (operands: any[], ask: (inner: unknown) => unknown, scope: Scope) => unknown]>} */
const OPERATORS = new Map([
  ["claim", [1, 64, (names, _ask, scope) => names.map(name).reduce(member, scope.claims)]],
  ["use", [1, 1, ([one], _ask, scope) => member(scope.use, name(one))]],
  ["item", [0, 0, (_none, _ask, scope) => scope.item]],
  ["earlier", [0, 0, (_none, _ask, scope) => scope.earlier]],
  ["look", [2, 2, ([table, x], ask) => (isObject(table) ? entry(table, word(ask(x))) : broken("a table belongs here"))]],
  ["else", [2, 2, ([x, y], ask) => ask(x) ?? ask(y)]],
  ["count", [1, 1, ([x], ask) => list(ask(x)).length]],
  ["has", [1, 1, ([x], ask) => ask(x) !== undefined]],
  ["is", [2, 2, ([x, y], ask) => same(ask(x), ask(y))]],
  ["in", [2, 2, ([x, y], ask) => within(word(ask(x)), list(ask(y)))]],
  ["less", [2, 2, ([x, y], ask) => number(ask(x)) < number(ask(y))]],
  ["first-day", [1, 1, ([x], ask) => edge(ask(x), 0)]],
  ["last-day", [1, 1, ([x], ask) => edge(ask(x), 1)]],
  ["days-after", [2, 2, ([x, n], ask) => later(day(ask(x)), number(ask(n)))]],
  ["before", [2, 2, ([x, y], ask) => day(ask(x)) < day(ask(y))]],
  ["not", [1, 1, ([x], ask) => !truth(ask(x))]],
  ["all", [1, 64, (each, ask) => each.every((x) => truth(ask(x)))]],
  ["any", [1, 64, (each, ask) => each.some((x) => truth(ask(x)))]],
]);

/** @param {unknown} value */
const isScalar = (value) => typeof value === "string" || typeof value === "boolean" || Number.isSafeInteger(value);

/** @param {unknown} value @param {string} key @returns {unknown} */
const member = (value, key) => (isObject(value) && Object.hasOwn(value, key) ? (value[key] ?? undefined) : undefined);

/** @param {unknown} table @param {string | undefined} key */
const entry = (table, key) => (key === undefined ? undefined : member(table, key));

/** @param {unknown} value @returns {string} */
const name = (value) => (typeof value === "string" ? value : broken("a name belongs here"));

/** The first (0) or the last (1) day that a date may mean. @param {unknown} value @param {0 | 1} at */
const edge = (value, at) => (days(value) ?? broken("a date belongs here"))[at];

/** @param {unknown} value @returns {string} */
const day = (value) => (edge(value, 0) === value ? value : broken("a day belongs here"));

/** @param {string} day @param {number} count */
function later(day, count) {
  if (count < 0 || count > 36_525) return broken("so many days are not counted here");
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + count);
  const told = at.toISOString();
  return told.startsWith("+") ? broken("that day has no name") : told.slice(0, 10);
}

/** @param {unknown} value @returns {string | undefined} */
const word = (value) => (value === undefined || typeof value === "string" ? value : broken("a word belongs here"));

/** @param {unknown} value @returns {boolean} */
const truth = (value) => (typeof value === "boolean" ? value : broken("true or false belongs here"));

/** @param {unknown} value @returns {number} */
const number = (value) => (Number.isSafeInteger(value) ? Number(value) : broken("a whole number belongs here"));

/** @param {unknown} value @returns {unknown[]} */
const list = (value) => (value === undefined ? [] : Array.isArray(value) ? value : broken("a list belongs here"));

/** @param {string | undefined} one @param {unknown[]} many */
const within = (one, many) => one !== undefined && many.includes(one);

/** @param {unknown} x @param {unknown} y */
function same(x, y) {
  if ((x !== undefined && !isScalar(x)) || (y !== undefined && !isScalar(y))) broken("a word, a number or a truth belongs here");
  return x !== undefined && x === y;
}
