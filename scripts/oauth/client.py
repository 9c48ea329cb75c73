"""client.py URL TOKEN: Authlib as a client of the provider. TOKEN is an administrator's."""
import os
import sys

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken

url, token = sys.argv[1:]
admin = {"Authorization": f"Bearer {token}"}
callback = "https://app.example.org/callback"
metadata = requests.get(f"{url}/.well-known/openid-configuration", timeout=10).json()
made = requests.post(f"{url}/api/v1/oauth/clients", headers=admin, timeout=10, json={
    "name": "Authlib", "kind": "confidential", "redirect_uris": [callback]}).json()

browser = requests.Session()
signed = browser.post(f"{url}/api/v1/auth/session", timeout=30, json={
    "email": os.environ["SOCLE_TEST_EMAIL"], "password": os.environ["SOCLE_TEST_PASSWORD"]})
signed.raise_for_status()
csrf = {"X-CSRF-Token": browser.cookies["socle_csrf"]}

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
client = OAuth2Session(made["id"], made["client_secret"], redirect_uri=callback, code_challenge_method="S256",
                       scope="openid profile email offline_access read")
verifier, nonce = generate_token(64), generate_token(20)
place, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
asked = browser.get(place, allow_redirects=False, timeout=10)
request = asked.headers["Location"].split("request=")[1]
answer = browser.post(f"{url}/api/v1/oauth/requests/{request}/approve", json={}, headers=csrf, timeout=10).json()
tokens = client.fetch_token(metadata["token_endpoint"], authorization_response=answer["redirect_to"],
                            code_verifier=verifier, state=state)
keys = JsonWebKey.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
claims = jwt.decode(tokens["id_token"], keys, claims_cls=CodeIDToken, claims_params={"nonce": nonce}, claims_options={
    "iss": {"value": metadata["issuer"]}, "aud": {"value": made["id"]}})
claims.validate()
info = client.get(metadata["userinfo_endpoint"], timeout=10).json()
assert info["sub"] == claims["sub"] and info["email"] == os.environ["SOCLE_TEST_EMAIL"], info
refreshed = client.refresh_token(metadata["token_endpoint"])
assert refreshed["refresh_token"] != tokens["refresh_token"]
told = client.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"]).json()
assert told["active"] and told["sub"] == claims["sub"], told
client.revoke_token(metadata["revocation_endpoint"], token=refreshed["refresh_token"]).raise_for_status()
told = client.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"]).json()
assert told == {"active": False}, told

account = requests.post(f"{url}/api/v1/service-accounts", headers=admin, timeout=10,
                        json={"name": "Authlib", "role": "user"}).json()
secret = requests.post(f"{url}/api/v1/service-accounts/{account['id']}/secrets", headers=admin, timeout=10, json={}).json()
for method in ("client_secret_basic", "client_secret_post"):
    service = OAuth2Session(secret["client_id"], secret["client_secret"], token_endpoint_auth_method=method)
    service.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    me = service.get(f"{url}/api/v1/auth/me", timeout=10).json()
    assert me["id"] == account["id"], me
