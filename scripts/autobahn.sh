#!/usr/bin/env bash
# The Autobahn suite (RFC 6455, 301 cases; permessage-deflate, which is not offered, is left out) against the WebSocket of
# `/ws`: its handshake, its library settings and its way of closing, as an echo server (crates/realtime/examples/echo.rs).
#
# The suite needs Python 2.7, which Debian no longer carries: the interpreter is unpacked from the packages of Debian 11
# into the cache folder, and installed nowhere. AUTOBAHN_REPORT keeps the suite's report in that folder.
. "$(dirname "$0")/lib.sh"

home=$CACHE/autobahn-1
python() {
  LD_LIBRARY_PATH=$home/root/usr/lib/x86_64-linux-gnu PYTHONPATH=$home/site "$home/root/usr/bin/python2.7" -W ignore "$@"
}

fetch() {
  { [ "$(uname -m)" = x86_64 ] && have apt-get; } || die "the suite's Python 2.7 comes as Debian packages for amd64"
  mkdir -p "$home"/{state/lists/partial,archives/partial,root,site,boot}
  # Where this machine has its packages from.
  local archive
  # shellcheck disable=SC2016 # apt-get's own variable
  archive=$(apt-get indextargets --format '$(REPO_URI)' | grep -m 1 '/debian/$') || die "apt-get has no Debian archive"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive bullseye main" >"$home/sources.list"
  local apt=(apt-get -qq -o "Dir::State=$home/state" -o "Dir::Cache=$home" -o "Dir::Etc::sourcelist=$home/sources.list" -o Dir::Etc::sourceparts=-)
  "${apt[@]}" update >&2
  (cd "$home/archives" && "${apt[@]}" download python2.7 python2.7-minimal libpython2.7-stdlib libpython2.7-minimal libssl1.1 libffi7 2>/dev/null >&2)
  for package in "$home"/archives/*.deb; do dpkg -x "$package" "$home/root"; done
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --python-version 2.7 --only-binary=:all: -d "$home/boot" \
    pip==20.3.4 setuptools==44.0.0 wheel==0.37.1 >&2
  local install=(python "$home/boot/pip-20.3.4-py2.py3-none-any.whl/pip" install --quiet --no-python-version-warning
    --disable-pip-version-check --no-deps --target "$home/site")
  "${install[@]}" "$home"/boot/{setuptools,wheel}-*.whl >&2
  "${install[@]}" --no-build-isolation -r scripts/autobahn-requirements.txt 2>/dev/null >&2
  touch "$home/site/zope/__init__.py" "$home/.complete"
}

if [ ! -e "$home/.complete" ]; then
  say "Python 2.7 and the Autobahn suite, in $home"
  rm -rf -- "$home"
  fetch
fi
need_rust
cargo build --quiet --package realtime --example echo

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-autobahn.XXXXXX")
port=$(free_port)
"$TARGET/debug/examples/echo" "127.0.0.1:$port" &
echo_pid=$!
finish() {
  stop_pid "$echo_pid"
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
wait_for 20 answers || die "the echo server did not come up"

report=${AUTOBAHN_REPORT:-$work/report}
cat >"$work/spec.json" <<JSON
{"outdir": "$report", "servers": [{"agent": "socle", "url": "ws://127.0.0.1:$port"}],
 "cases": ["*"], "exclude-cases": ["12.*", "13.*"], "exclude-agent-cases": {}}
JSON
(cd "$work" && python -c 'from autobahntestsuite.wstest import run; run()' -m fuzzingclient -s "$work/spec.json" >"$work/log" 2>&1) ||
  { tail -20 "$work/log" >&2 && die "the suite did not run"; }
python3 - "$report/index.json" <<'PY'
import collections, json, sys
cases = json.load(open(sys.argv[1]))["socle"]
fine = {"OK", "NON-STRICT", "INFORMATIONAL"}
print("Autobahn:", len(cases), "cases,", dict(collections.Counter(case["behavior"] for case in cases.values())))
bad = {name: case for name, case in cases.items() if case["behavior"] not in fine or case["behaviorClose"] not in fine}
for name, case in sorted(bad.items()):
    print(f"  {name}: {case['behavior']}, closing {case['behaviorClose']}")
sys.exit(1 if bad or len(cases) < 300 else 0)
PY
