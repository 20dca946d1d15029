/**
 * Whose key may say this, now: the flattened list `application/vnd.muniment.keys+json` of the own organisation's verifier, whose signature
 * over the checking pack is pinned (security rule S17). As `shared/trust/page_keys.py` describes it; asked as `shared/trust/policy.py` is.
 * @module
 */
import { concat, equal, sha256 } from "./bytes.js";
import { pointOf } from "./certificate.js";
import { VcError, refuse } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./cose.js").PublicKey} PublicKey */
/** What superiors let an issuer say, from `from` on and before `until`; null is no limit. @typedef {{vct: string, from: number, until: number | null, jurisdiction: string[] | null, basis: string[] | null}} Right */
/** A key below an anchor, or with `rights` one that superiors in a federation vouch for, whose word has run out at `staleAt`. `federated`: they speak of `iss`. @typedef {{iss: string, name: string, kid: Bytes | null, x5c: Bytes | null, key: PublicKey, vcts: string[] | null, notBefore: number, notAfter: number, state: string, endedAt: number | null, federated: boolean, rights: Right[] | null, staleAt: number}} Issuer */
/** How a document or a list names its key: by the name alone, or by certificates. @typedef {{kid: Bytes | null, x5c: Bytes[]}} Named */

/** Seconds that a copy lives at most: for so long what was rightly said stays said after the right to say it has ended (security rule S15). */
export const COPY_LIFE = 31 * 86_400;

/**
 * The entry for a document of `vct` by `iss`: by an anchor, for exactly these certificates or the key of that name, or else by a federation,
 * for the key alone. `untrusted`, `not_entitled`, `certificate_revoked`; of a federation also `expired`, and `snapshot_stale` where nobody can tell.
 * @param {Issuer[]} issuers
 * @param {string} iss
 * @param {string} vct
 * @param {Named} named
 * @param {number} at
 * @returns {Promise<Issuer>}
 */
export async function checkIssuer(issuers, iss, vct, named, at) {
  return find(issuers, iss, named, at, vct);
}

/** The entry for whatever `entity` signs as an issuer, whatever types it may say. @param {Issuer[]} issuers @param {string} entity @param {Named} named @param {number} at */
export const checkHeir = (issuers, entity, named, at) => find(issuers, entity, named, at, null);

/**
 * Certificates are asked first; where they do not carry an answer, the federation may. Of two refusals the nearer one is told.
 * @param {Issuer[]} issuers @param {string} entity @param {Named} named @param {number} at @param {string | null} vct
 * @returns {Promise<Issuer>}
 */
async function find(issuers, entity, { kid, x5c }, at, vct) {
  const chain = x5c.length ? await sha256(concat(...x5c)) : null;
  const isNamed = (/** @type {Issuer} */ each) => each.iss === entity && kid !== null && each.kid !== null && equal(kid, each.kid);
  const certified = issuers.filter((each) => !each.rights && (chain ? each.x5c && equal(chain, each.x5c) : isNamed(each)));
  const fault = pinned(certified, issuers, entity, vct, at);
  if (!(fault instanceof VcError)) return fault;
  if (fault.code === "certificate_revoked") throw fault;
  const point = x5c.length ? pointOf(x5c[0]) : null;
  const isKey = (/** @type {Issuer} */ each) => point !== null && equal(point, each.key.raw);
  const known = issuers.filter((each) => each.rights && each.iss === entity);
  const other = carried(known, chain ? isKey : isNamed, vct, at);
  if (!(other instanceof VcError)) return other;
  const nearer = other.code === "certificate_revoked" || other.state === "unchecked" || (!chain && !certified.length) || issuers.some((each) => each.iss === entity && each.federated);
  throw nearer ? other : fault;
}

/** Of entries below anchors the first that holds, or the refusal that came closest to a yes. @param {Issuer[]} meant @param {Issuer[]} issuers @param {string} entity @param {string | null} vct @param {number} at */
function pinned(meant, issuers, entity, vct, at) {
  let closest = new VcError("untrusted", "nobody who is trusted here vouches for this key");
  for (const issuer of meant) {
    const error = tried(() => {
      checkEntry(issuer, entity, vct, at);
      checkElsewhere(issuers, issuer, at);
    });
    if (!error) return issuer;
    if (error.code !== "untrusted") closest = error;
  }
  return closest;
}

/** The entry of a key of a body that superiors vouch for, with all rights that it has of this type, on whichever way; or why not. @param {Issuer[]} known @param {(each: Issuer) => boolean} meant @param {string | null} vct @param {number} at */
function carried(known, meant, vct, at) {
  const current = known.filter(({ notBefore, notAfter }) => notBefore <= at && at <= notAfter);
  const last = known.at(-1);
  if (last && !current.length) return at >= last.staleAt ? new VcError("snapshot_stale", "what its superiors said has run out") : new VcError("expired", "what its superiors said of it has run out");
  let fault = new VcError("untrusted", "no superior vouches for this key");
  const inForce = current.filter(meant).filter((each) => {
    const error = tried(() => checkState(each.state, each.endedAt, at));
    if (error && fault.code !== "certificate_revoked") fault = error;
    return !error;
  });
  if (!inForce.length) return fault;
  const saying = inForce.map((each) => ({ ...each, rights: (each.rights ?? []).filter((right) => vct === null || (right.vct === vct && counts(right, at))) }));
  const able = saying.filter(({ rights }) => vct === null || rights.length);
  if (!able.length) return new VcError("not_entitled", "the issuer is known, but no superior lets it say this type of document");
  return { ...able[0], rights: able.flatMap(({ rights }) => rights) };
}

/** @param {() => void} check @returns {VcError | null} */
function tried(check) {
  try {
    check();
  } catch (error) {
    if (error instanceof VcError) return error;
    throw error;
  }
  return null;
}

/** Now, or until lately: copies made then are still about. @param {Right} right @param {number} at */
const counts = ({ from, until }, at) => from <= at && (until === null || at < until + COPY_LIFE);

/** @param {Right} right @param {number} at */
const covers = ({ from, until }, at) => from <= at && (until === null || at < until);

/** A limit that the document does not speak of is not kept. @param {Right} right @param {Record<string, any>} claims */
const fits = ({ jurisdiction, basis }, claims) =>
  (!jurisdiction || jurisdiction.includes(claims.issuing_jurisdiction)) && (!basis || basis.includes(claims.attestation_basis));

/**
 * Nothing or a remark, for a document made then that says `claims`: `not_entitled` where no superior let its issuer say this at that time, in
 * that jurisdiction, on that basis (S14).
 * @param {Pick<Issuer, "rights">} issuer
 * @param {number} madeAt
 * @param {Record<string, any>} claims
 * @param {number} at
 * @returns {"" | "authority_ended"}
 */
export function checkSaid({ rights }, madeAt, claims, at) {
  if (!rights) return "";
  const covering = rights.filter((each) => covers(each, madeAt));
  if (!covering.length) refuse("not_entitled", "no superior let it say this type of document when this one was made");
  const fitting = covering.filter((each) => fits(each, claims));
  if (!fitting.length) refuse("not_entitled", "its superiors let it say this type only of other jurisdictions, or on another basis");
  return fitting.some((each) => covers(each, at)) ? "" : "authority_ended";
}

/** @param {Issuer} issuer @param {string} entity @param {string | null} vct @param {number} at */
function checkEntry(issuer, entity, vct, at) {
  const { iss, vcts, notBefore, notAfter, state, endedAt } = issuer;
  if (at < notBefore || at > notAfter) refuse("untrusted", "the certificate of this key is not in force");
  if (iss !== entity) refuse("not_entitled", "the certificate does not name this entity");
  if (vcts && vct !== null && !vcts.includes(vct)) refuse("not_entitled", "the issuer is trusted, but not for this type of document");
  checkState(state, endedAt, at);
}

/** What was said of the end of a key under another anchor holds here too (S15, S16). @param {Issuer[]} issuers @param {Issuer} issuer @param {number} at */
function checkElsewhere(issuers, { iss, key }, at) {
  const same = issuers.filter((other) => !other.rights && other.iss === iss && other.state !== "withdrawn" && equal(other.key.raw, key.raw));
  for (const { state, endedAt } of same) checkState(state, endedAt, at);
}

/** @param {string} state @param {number | null} endedAt @param {number} at */
function checkState(state, endedAt, at) {
  if (state === "compromised" || state === "withdrawn") refuse("certificate_revoked", "this key proves nothing any more");
  if (state !== "active" && (endedAt === null || at >= endedAt)) refuse("untrusted", "this key was retired, and everything that it signed has run out since");
}
