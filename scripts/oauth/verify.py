"""verify.py URL TOKEN ALGORITHM: reads an access token as another service would, by the public keys alone."""
import base64
import json
import sys

import jwt
import requests
from authlib.jose import JsonWebKey, JsonWebToken

url, token, algorithm = sys.argv[1:]
place = f"{url}/.well-known/jwks.json"

key = jwt.PyJWKClient(place).get_signing_key_from_jwt(token)
claims = jwt.decode(token, key, algorithms=[algorithm], issuer=url, audience="socle",
                    options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]})
header = jwt.get_unverified_header(token)
assert header["typ"] == "at+jwt" and header["alg"] == algorithm, header
assert claims["client_id"] == "socle" and claims["amr"] == ["pwd"], claims

keys = JsonWebKey.import_key_set(requests.get(place, timeout=10).json())
read = JsonWebToken([algorithm]).decode(token, keys, claims_options={"iss": {"value": url}, "aud": {"value": "socle"}})
read.validate()
assert read["sub"] == claims["sub"]

# Of the set, this key is found by its name, and has no private part.
jwks = {entry["kid"]: entry for entry in requests.get(place, timeout=10).json()["keys"]}
assert jwks[header["kid"]]["use"] == "sig" and not {"d", "p", "q", "k"} & set(jwks[header["kid"]]), jwks

# A token that was changed is refused, by each of them.
head, body, signature = token.split(".")
forged = json.loads(base64.urlsafe_b64decode(body + "=="))
forged["roles"] = ["admin", "root"]
forged = base64.urlsafe_b64encode(json.dumps(forged).encode()).rstrip(b"=").decode()
for decode in (
    lambda text: jwt.decode(text, key, algorithms=[algorithm], issuer=url, audience="socle"),
    lambda text: JsonWebToken([algorithm]).decode(text, keys),
):
    try:
        decode(f"{head}.{forged}.{signature}")
    except Exception:
        continue
    raise SystemExit("a changed token was believed")
