-- Logs in again and again with right credentials.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"email":"admin@example.com","password":"correct-horse-battery-staple"}'
