// client.mjs URL TOKEN: openid-client, a certified implementation, against the provider. TOKEN is an administrator's.
// Run from console/.
import { check, load } from "./packages.mjs";

const oidc = await load("openid-client");
const { createRemoteJWKSet, jwtVerify } = await load("jose");
const [url, token] = process.argv.slice(2);
const callback = "https://app.example.org/callback";
const insecure = { execute: [oidc.allowInsecureRequests] };

async function json(path, body, headers) {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  check(answer.ok, `${path} answered ${answer.status}: ${await answer.clone().text()}`);
  return answer.status === 204 ? null : answer.json();
}
const admin = { authorization: `Bearer ${token}` };

// A browser whose user is signed in, and who says yes.
const signedIn = await fetch(`${url}/api/v1/auth/session`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ email: process.env.SOCLE_TEST_EMAIL, password: process.env.SOCLE_TEST_PASSWORD }),
});
check(signedIn.ok, "the user cannot sign in");
const pairs = signedIn.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
const cookie = pairs.join("; ");
const csrf = pairs.find((pair) => pair.startsWith("socle_csrf=")).split("=")[1];
const own = { cookie, "x-csrf-token": csrf };

async function letIn(place) {
  const asked = await fetch(place, { headers: { cookie }, redirect: "manual" });
  const next = asked.headers.get("location");
  check(asked.status === 303 && next, `the provider answered ${asked.status}`);
  if (!next.startsWith("/consent?request=")) return new URL(next);
  const request = next.split("=")[1];
  return new URL((await json(`/api/v1/oauth/requests/${request}/approve`, {}, own)).redirect_to);
}

async function codeFlow(config, scope, redirect_uri = callback, more = {}) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()];
  const place = oidc.buildAuthorizationUrl(config, {
    redirect_uri,
    scope,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    ...more,
  });
  const idTokenExpected = scope.includes("openid");
  const checks = { pkceCodeVerifier, expectedState, idTokenExpected, ...(idTokenExpected && { expectedNonce }) };
  return oidc.authorizationCodeGrant(config, await letIn(place), checks, more.resource && { resource: more.resource });
}

// Code, refresh, userinfo, introspection, revocation, log-out: each algorithm of ID tokens, each way to authenticate.
for (const [algorithm, authentication] of [
  ["RS256", oidc.ClientSecretBasic],
  ["ES256", oidc.ClientSecretPost],
  ["EdDSA", oidc.ClientSecretBasic],
]) {
  const made = await json(
    "/api/v1/oauth/clients",
    {
      name: `openid-client ${algorithm}`,
      kind: "confidential",
      redirect_uris: [callback],
      post_logout_redirect_uris: ["https://app.example.org/bye"],
      id_token_signed_response_alg: algorithm,
    },
    admin,
  );
  const about = { client_secret: made.client_secret, id_token_signed_response_alg: algorithm };
  const config = await oidc.discovery(new URL(url), made.id, about, authentication(made.client_secret), insecure);
  // Verifies the signature of ID tokens, not only what they say.
  oidc.enableNonRepudiationChecks(config);
  const tokens = await codeFlow(config, "openid profile email offline_access read");
  const claims = tokens.claims();
  check(claims.aud === made.id && claims.amr.includes("pwd") && claims.acr === "aal1", "the ID token says something else");
  const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
  check(info.email === process.env.SOCLE_TEST_EMAIL, "userinfo tells of somebody else");
  const next = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  check(next.refresh_token !== tokens.refresh_token && next.claims().sub === claims.sub, "the refresh is no refresh");
  check((await oidc.tokenIntrospection(config, next.access_token)).active, "a fresh token is told to be nothing");
  const silent = await letIn(
    oidc.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: "openid",
      prompt: "none",
      code_challenge: await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier()),
      code_challenge_method: "S256",
    }),
  );
  check(silent.searchParams.has("code"), "who agreed before is asked again");
  await oidc.tokenRevocation(config, next.refresh_token);
  check(!(await oidc.tokenIntrospection(config, next.access_token)).active, "a revoked token is told to be something");
  const bye = oidc.buildEndSessionUrl(config, {
    id_token_hint: next.id_token,
    post_logout_redirect_uri: "https://app.example.org/bye",
    state: "s",
  });
  const out = await fetch(bye, { redirect: "manual" });
  check(out.headers.get("location") === "https://app.example.org/bye?state=s", "the log-out leads elsewhere");
}

// A device.
{
  const config = await oidc.discovery(new URL(url), "socle-cli", { id_token_signed_response_alg: "ES256" }, oidc.None(), insecure);
  const device = await oidc.initiateDeviceAuthorization(config, { scope: "openid offline_access read" });
  const polled = oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 });
  await json("/api/v1/oauth/device/approve", { user_code: device.user_code.toLowerCase() }, own);
  const tokens = await polled;
  check(tokens.claims().aud === "socle-cli" && tokens.refresh_token, "the device got something else");
}

// A service.
{
  const account = await json("/api/v1/service-accounts", { name: "openid-client", role: "user" }, admin);
  const secret = await json(`/api/v1/service-accounts/${account.id}/secrets`, {}, admin);
  const config = await oidc.discovery(new URL(url), secret.client_id, secret.client_secret, undefined, insecure);
  const tokens = await oidc.clientCredentialsGrant(config, {});
  const me = await oidc.fetchProtectedResource(config, tokens.access_token, new URL(`${url}/api/v1/auth/me`), "GET");
  check((await me.json()).id === account.id, "the service is somebody else");
}

// As an MCP client: 401, RFC 9728, RFC 8414, RFC 7591, code for this resource.
{
  const refused = await fetch(`${url}/api/v1/users`);
  const place = /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate"))?.[1];
  check(refused.status === 401 && place, "a 401 does not say where to learn more");
  const resource = await (await fetch(place)).json();
  check(resource.resource === url, "the resource is another");
  const redirect_uri = "http://127.0.0.1:33418/callback";
  const config = await oidc.dynamicClientRegistration(
    new URL(resource.authorization_servers[0]),
    { client_name: "An editor", redirect_uris: [redirect_uri], token_endpoint_auth_method: "none", scope: "read" },
    oidc.None(),
    { ...insecure, algorithm: "oauth2" },
  );
  const tokens = await codeFlow(config, "read", "http://127.0.0.1:40000/callback", { resource: resource.resource });
  const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`));
  const { payload } = await jwtVerify(tokens.access_token, keys, { issuer: url, audience: url, typ: "at+jwt" });
  check(payload.scope === "read", "the token holds something else");
  const users = await fetch(`${url}/api/v1/users`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  check(users.ok, "the token does not count");
}
