// verify.mjs URL TOKEN ALGORITHM: jose reads an access token by the public keys alone. Run from console/.
import { check, load } from "./packages.mjs";

const { createRemoteJWKSet, jwtVerify } = await load("jose");
const [url, token, algorithm] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`));
const rules = { issuer: url, audience: "socle", typ: "at+jwt", algorithms: [algorithm], requiredClaims: ["exp", "sub", "sid", "client_id"] };
const { payload, protectedHeader } = await jwtVerify(token, keys, rules);
check(protectedHeader.alg === algorithm && payload.sub.startsWith("usr_"), "the token says something else");
const [head, , signature] = token.split(".");
const forged = Buffer.from(JSON.stringify({ ...payload, roles: ["root"] })).toString("base64url");
const believed = await jwtVerify(`${head}.${forged}.${signature}`, keys, rules).then(() => true, () => false);
check(!believed, "a changed token was believed");
