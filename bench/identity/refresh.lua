-- Each thread (one connection each) logs in once and then refreshes: every request shows the token of the answer before.
local log_in = '{"email":"admin@example.com","password":"correct-horse-battery-staple"}'
local headers = { ["Content-Type"] = "application/json" }
local token

function request()
  if token then
    return wrk.format("POST", "/api/v1/auth/refresh", headers, '{"refresh_token":"' .. token .. '"}')
  end
  return wrk.format("POST", "/api/v1/auth/login", headers, log_in)
end

function response(status, _, body)
  token = status == 200 and body:match('"refresh_token":"([^"]+)"') or nil
end
