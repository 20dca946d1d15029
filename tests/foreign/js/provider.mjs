// An OpenID provider by others (`oidc-provider`), on loopback over https, with the login pages that it brings for trying it out.
import { createServer } from "node:https";
import { Provider } from "oidc-provider";
import { serve } from "./bridge.mjs";

console.info = console.error; // standard output is for answers

let server;
let known;

/** Listen on `port` under `issuer`; whoever logs in is taken at their word. `people` says what else an ID token tells of somebody. */
async function open({ issuer, port, key, cert, jwks, clients, people = {} }) {
  known = people;
  const provider = new Provider(issuer, {
    clients,
    jwks,
    cookies: { keys: ["for trying it out"] },
    enabledJWA: { idTokenSigningAlgValues: ["ES256", "RS256", "PS256", "EdDSA"] },
    features: { devInteractions: { enabled: true } },
    claims: { openid: ["sub"], profile: ["name"], groups: ["groups"] },
    conformIdTokenClaims: false,
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...known[sub] }) }),
  });
  provider.on("server_error", (_, error) => console.error(error));
  server = createServer({ key, cert }, provider.callback());
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
}

/** From now on this is known of people. */
function tell({ people }) {
  known = people;
}

await serve({ open, tell, close: () => void server.close() });
