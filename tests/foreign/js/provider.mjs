// An OpenID provider by others (`oidc-provider`), on loopback over https, with the login pages that it brings for trying it out.
import { createServer } from "node:https";
import { Provider } from "oidc-provider";
import { serve } from "./bridge.mjs";

let server;

/** Listen on `port` under `issuer`; whoever logs in is taken at their word. */
async function open({ issuer, port, key, cert, jwks, clients }) {
  const provider = new Provider(issuer, {
    clients,
    jwks,
    cookies: { keys: ["for trying it out"] },
    enabledJWA: { idTokenSigningAlgValues: ["ES256", "RS256", "PS256", "EdDSA"] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  });
  provider.on("server_error", (_, error) => console.error(error));
  server = createServer({ key, cert }, provider.callback());
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
}

await serve({ open, close: () => void server.close() });
