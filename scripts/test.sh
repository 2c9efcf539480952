#!/usr/bin/env bash
# Runs the tests: the unit tests under Node 24, then everything under this Node.
# usage: scripts/test.sh [PATH…]   PATH like test/milter or test/limit/pace.test.ts: those alone
#        scripts/test.sh long      those that take longer (test/long)
# Exit 0 only when tests ran, none failed and none was skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh test

fail() {
  echo "tests: $1" >&2
  exit 1
}
# Compiled test files below a source path; test/long only when it is named.
tests_in() {
  local path=dist/${1%/}
  case $path in *.ts) path=${path%.ts}.js ;; esac
  [ -e "$path" ] || fail "there is no $1"
  case $path in
    dist/test/long*) find "$path" -name '*.test.js' ;;
    *) find "$path" -name '*.test.js' -not -path 'dist/test/long/*' ;;
  esac | LC_ALL=C sort
}

timeout_ms=240000
if [ "${1:-}" = long ]; then
  set -- test/long
  timeout_ms=3600000
fi
# tap gives a whole file 30 s otherwise.
export TAP_TIMEOUT=$((timeout_ms / 1000))
filtered=$#
[ $# -gt 0 ] || set -- test
files=()
for path in "$@"; do
  listed=$(tests_in "$path")
  [ -z "$listed" ] || mapfile -t -O "${#files[@]}" files <<<"$listed"
done
[ ${#files[@]} -gt 0 ] || fail "no test file in $*"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/postpace-tests.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# Private mail servers need root.
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail 'the tests start private mail servers: run them as root'
  as_root=(sudo env "PATH=$PATH" "TAP_TIMEOUT=$TAP_TIMEOUT")
fi

status=0
if [ "$filtered" -eq 0 ]; then
  # Of these folders the files that start no process, open no socket and use nothing of lab/.
  live="from '(node:(child_process|net|http)|[./]+/lab/[^']*|\./redis-[^']*)'"
  folders='^dist/test/(mail|limit|store|provider|config|milter|postfix|pace)/'
  mapfile -t unit < <(printf '%s\n' "${files[@]}" | grep -E "$folders" | xargs -d '\n' grep -LE "$live")
  [ ${#unit[@]} -gt 0 ] || fail 'no unit test found'
  # shellcheck disable=SC2016  # the expansion is the inner shell's
  npm exec --yes --package=node@24 -- bash -c '
    set -e
    node -e "process.exit(process.versions.node.startsWith(\"24.\") ? 0 : 1)" || {
      echo "npm brought $(command -v node) $(node --version), not Node 24"
      exit 1
    }
    node --version >"$0/version"
    exec node --test --test-concurrency=2 --test-reporter=tap "$@"
  ' "$scratch" "${unit[@]}" >"$scratch/node24" 2>&1 || status=$?
  passed=$(sed -n 's/^# pass //p' "$scratch/node24" | tail -n 1)
  if [ "$status" -ne 0 ] || [ "${passed:-0}" -eq 0 ]; then
    status=1
    cat "$scratch/node24"
    echo 'tests: the unit tests failed under Node 24, see above' >&2
  else
    echo "unit tests under Node $(cat "$scratch/version"): $passed passed, ${#unit[@]} files"
  fi
fi

"${as_root[@]}" node --test --test-concurrency=3 "--test-timeout=$timeout_ms" \
  --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=tap --test-reporter-destination="$scratch/tap" "${files[@]}" || status=$?

count() { sed -n "s/^# $1 //p" "$scratch/tap" | tail -n 1; }
# A file that is listed as a test itself has no test of its own: it must assert something outright.
idle=$(sed -nE 's/^ok [0-9]+ - (\/.*\.test\.js)$/\1/p' "$scratch/tap" |
  xargs -r -d '\n' grep -LE '\bt\.[a-zA-Z]+\(' || true)
[ -z "$idle" ] || fail "no test ran in $idle"
tests=$(count tests)
[ "${tests:-0}" -gt 0 ] || fail 'no test ran'
skipped=$(($(count skipped) + $(count todo)))
[ "$skipped" -eq 0 ] || fail "$skipped tests were skipped"
[ "$status" -eq 0 ] || fail 'failed'
