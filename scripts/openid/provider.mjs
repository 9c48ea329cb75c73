// provider.mjs PORT CALLBACK: an OpenID provider by other people (npm oidc-provider), for the tests of crates/identity. Whoever
// types a name is that name; their address is NAME@example.org. Run from console/, which has the package.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [port, callback] = process.argv.slice(2);
const resolve = createRequire(join(process.cwd(), "package.json")).resolve;
const { default: Provider } = await import(pathToFileURL(resolve("oidc-provider")));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "socle",
      client_secret: "a secret of the client, 32 bytes or more",
      redirect_uris: [callback],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["given_name", "family_name"] },
  cookies: { keys: ["a key for the cookies of a test"] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id, email: `${id}@example.org`, email_verified: !id.startsWith("un"), given_name: id, family_name: "Test",
    }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
