// The package dcql as a second opinion: whether a query is one, whether held documents satisfy it, and which of them by which claims.
import { DcqlQuery } from "dcql";
import { serve } from "./bridge.mjs";

/** {query, credentials} -> {can_be_satisfied, matches: {query id: {position of the document: [positions of claim sets]}}}. */
function match({ query, credentials }) {
  const parsed = DcqlQuery.parse(query);
  DcqlQuery.validate(parsed);
  const result = DcqlQuery.query(parsed, credentials);
  const matches = {};
  for (const [id, found] of Object.entries(result.credential_matches)) {
    if (!found.success) continue;
    const sets = ({ claims }) => claims.valid_claim_sets.map((each) => each.claim_set_index ?? null);
    matches[id] = Object.fromEntries(found.valid_credentials.map((each) => [each.input_credential_index, sets(each)]));
  }
  const options = (result.credential_sets ?? []).map((each) => each.matching_options ?? []);
  return { can_be_satisfied: result.can_be_satisfied, matches, options };
}

await serve({ match });
