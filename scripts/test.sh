#!/usr/bin/env bash
# Every test of the project, with what it needs: Prometheus, PostgreSQL, Redis and S3 on private ports, ffmpeg, an RTSP server, Chromium.
#
# CRATE=name   only that crate's tests (`console` for the console's unit tests)
#
# What the tests find in their environment; a variable that is set already is taken as it is:
#   SOCLE_TEST_POSTGRES_URL   superuser's URL of a PostgreSQL 15+; each test makes its own database
#   SOCLE_TEST_REDIS_URL      redis://host:port/db of a Redis or Valkey; each test has its own prefix
#   SOCLE_TEST_S3_URL         s3://bucket?endpoint=http://…&region=…, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
#   SOCLE_TEST_PYTHON         a Python with scripts/requirements-test.txt, for the mail server and the receiver of webhooks
#   SOCLE_TEST_RTSP           program that serves a file as a camera (scripts/rtsp-server.py; see there)
#   SOCLE_TEST_OPENID         an OpenID provider by other people (scripts/openid/provider.mjs; its package is console's)
#   SOCLE_TEST_CHROMIUM       browser of the end-to-end tests
#   SOCLE_TEST_DATA           folder of third-party clips and models; tests that need it say so and skip without
#   SOCLE_BIN                 the built `socle`, for the end-to-end tests and schemathesis
. "$(dirname "$0")/lib.sh"
. "$SCRIPTS/steps.sh"

crate=${CRATE:-}
work=$(mktemp -d "${TMPDIR:-/tmp}/socle-test.XXXXXX")
chmod 755 "$work" # PostgreSQL's own user must be able to reach its folder in here

finish() {
  trap - EXIT INT TERM
  end_step
  scripts/postgres.sh stop "$work/postgres" || true
  scripts/redis.sh stop "$work/redis" || true
  scripts/s3.sh stop "$work/s3" || true
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

locked=()
[ "${CI:-}" != true ] || locked=(--locked)

packages() {
  local wanted=(curl python3 python3-venv ffmpeg redis-server python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base
    gstreamer1.0-plugins-good gstreamer1.0-plugins-bad pgbouncer prometheus oathtool)
  [ -n "$crate" ] || [ -n "${SOCLE_TEST_CHROMIUM:-}" ] || wanted+=(chromium)
  need_packages "${wanted[@]}" || note "going on; tests that need what is missing will fail"
}

servers() {
  if [ -z "${SOCLE_TEST_POSTGRES_URL:-}" ]; then
    SOCLE_TEST_POSTGRES_URL=$(scripts/postgres.sh start "$work/postgres")
  fi
  if [ -z "${SOCLE_TEST_REDIS_URL:-}" ]; then
    SOCLE_TEST_REDIS_URL=$(scripts/redis.sh start "$work/redis")
  fi
  if [ -z "${SOCLE_TEST_S3_URL:-}" ]; then
    SOCLE_TEST_S3_URL=$(scripts/s3.sh start "$work/s3")
    export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  fi
  SOCLE_TEST_PYTHON=${SOCLE_TEST_PYTHON:-$(scripts/venv.sh)/bin/python}
  SOCLE_TEST_RTSP=${SOCLE_TEST_RTSP:-$SCRIPTS/rtsp-server.py}
  SOCLE_TEST_OPENID=${SOCLE_TEST_OPENID:-$SCRIPTS/openid/provider.mjs}
  SOCLE_TEST_CHROMIUM=${SOCLE_TEST_CHROMIUM:-$(command -v chromium || true)}
  if [ -z "${SOCLE_TEST_DATA:-}" ] && [ -d ../shared/data ]; then
    SOCLE_TEST_DATA=$(realpath ../shared/data)
  fi
  export SOCLE_TEST_POSTGRES_URL SOCLE_TEST_REDIS_URL SOCLE_TEST_S3_URL SOCLE_TEST_PYTHON SOCLE_TEST_RTSP
  export SOCLE_TEST_OPENID SOCLE_TEST_CHROMIUM
  [ -z "${SOCLE_TEST_DATA:-}" ] || export SOCLE_TEST_DATA
}

# cargo nextest where it can be had, else cargo test. The output is kept for its closing line.
rust_tests() {
  local which=(--workspace)
  [ -z "$crate" ] || which=(--package "$crate")
  if ! cargo nextest --version >/dev/null 2>&1; then
    say "installing cargo-nextest (a debug build: it starts processes, its own speed does not matter)"
    cargo install --locked --debug --quiet cargo-nextest || note "no cargo-nextest: falling back to cargo test"
  fi
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run "${locked[@]}" "${which[@]}" 2>&1 | tee "$work/rust.log"
  else
    cargo test "${locked[@]}" "${which[@]}" --all-targets --no-fail-fast 2>&1 | tee "$work/rust.log"
  fi
}
doc_tests() { cargo test "${locked[@]}" --quiet --doc --package kernel; }
console_unit() { (cd console && npm run --silent test); }
console_types() { (cd console && npm run --silent typecheck); }
binary() { cargo build "${locked[@]}" --package server; }

status=0
scripts/console.sh build # its files are part of the server
if [ "$crate" != console ]; then
  need_rust
  packages
  servers
  step "Rust tests" rust_tests
  if [ -z "$crate" ] || [ "$crate" = kernel ]; then step "doctests of kernel" doc_tests; fi
fi
if [ -z "$crate" ] || [ "$crate" = console ]; then
  step "console: types" console_types
  step "console: unit tests" console_unit
fi
if [ -z "$crate" ]; then
  export SOCLE_BIN=${SOCLE_BIN:-$TARGET/debug/socle}
  step "the binary" binary
  step "console: end to end in Chromium" scripts/e2e.sh
  step "schemathesis" scripts/schemathesis.sh
  step "Socket.IO: older clients" scripts/socketio.sh
  step "OAuth and tokens: readers and clients of others" scripts/oauth.sh
  step "Autobahn: the WebSocket protocol" scripts/autobahn.sh
  step "MLflow: the unmodified client, and its searches against a genuine server" scripts/mlflow.sh
fi

report || status=1
# The line that says how many ran.
grep -E '^ *Summary \[|^test result:' "$work/rust.log" 2>/dev/null | tail -n 1 || true
[ "$status" -eq 0 ]
