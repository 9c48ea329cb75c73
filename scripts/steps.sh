# shellcheck shell=bash
# Named steps with a closing table. Source it after lib.sh; call `step NAME COMMAND…` and at last `report`.
# A failed step does not keep the next from running. Every step runs in a process group of its own, which is ended
# when the script is interrupted, so nothing that a step started outlives it.
step_names=()
step_results=()
step_child=

step() {
  local name=$1 begin=$SECONDS status=0
  shift
  say "$name"
  set -m
  "$@" </dev/null &
  step_child=$!
  set +m
  wait "$step_child" || status=$?
  step_child=
  step_names+=("$name")
  if [ $status -eq 0 ]; then
    step_results+=("passed $((SECONDS - begin)) s")
  else
    step_results+=("FAILED $((SECONDS - begin)) s (exit status $status)")
  fi
}

end_step() { [ -z "$step_child" ] || kill -TERM -- "-$step_child" 2>/dev/null || true; }

report() {
  local i failed=0
  echo
  for i in "${!step_names[@]}"; do
    printf '  %-42s %s\n' "${step_names[$i]}" "${step_results[$i]}"
    [[ ${step_results[$i]} == passed* ]] || failed=1
  done
  return $failed
}
