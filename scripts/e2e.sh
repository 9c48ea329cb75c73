#!/usr/bin/env bash
# The console's end-to-end tests in Chromium, against the built server ($SOCLE_BIN) and a real RTSP camera with credentials.
# The camera shows PETS 2009 where the test data is at hand (and the tests then upload a detector), else a made-up scene:
# somebody of one colour walks through a picture that is otherwise still. Arguments go to Playwright.
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/socle-e2e.XXXXXX")
camera=
finish() {
  [ -z "$camera" ] || stop_pid "$camera"
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

[ -x "${SOCLE_BIN:-}" ] || die "SOCLE_BIN does not name the built server: '${SOCLE_BIN:-}'"
if [ -z "${SOCLE_E2E_CAMERA:-}" ]; then
  clips=${SOCLE_TEST_DATA:-}/vision
  film=$clips/video/pets09_s2l1.mp4
  model=$clips/models/yolox_nano_416.onnx
  if [ -f "$film" ] && [ -f "$model" ]; then
    export SOCLE_E2E_MODEL=$model
  else
    note "no test data: the camera shows a made-up scene, and no detector is uploaded"
    film=$work/scene.mp4
    ffmpeg -nostdin -v error -f lavfi -i color=0x8aa27a:s=640x360:r=7,drawgrid=w=80:h=60:c=0x708860 -f lavfi \
      -i color=0x303030:s=44x120:r=7 -filter_complex \
      "[0][1]overlay=x='if(lt(t,6),-100,mod((t-6)*50,740)-60)':y=180:shortest=0" -t 36 -pix_fmt yuv420p "$film"
  fi
  "${SOCLE_TEST_RTSP:-$SCRIPTS/rtsp-server.py}" "$film" --port 0 --user tester --password 'pass word' --fps 7 --loop \
    </dev/null >"$work/camera.log" 2>&1 &
  camera=$!
  wait_for 60 grep -q ^ready "$work/camera.log" || { cat "$work/camera.log" >&2; die "the RTSP camera did not come up"; }
  SOCLE_E2E_CAMERA=$(sed -n 's|^ready rtsp://|rtsp://tester:pass%20word@|p' "$work/camera.log")
  export SOCLE_E2E_CAMERA
fi
scripts/console.sh deps
(cd console && npm run --silent e2e -- "$@")
