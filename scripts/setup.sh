#!/usr/bin/env bash
# Makes a bare Debian 12 with Node 20 ready for one job: npm packages, Debian packages, the build.
# usage: scripts/setup.sh [build|demo|test]   (default build: no Debian packages)
# Says nothing when nothing is to do. Starts no daemon, and leaves nothing behind but packages.
set -euo pipefail
cd "$(dirname "$0")/.."
job=${1:-build}

# Debian package, and the file that proves it is there.
postfix='postfix /usr/sbin/postfix'
case $job in
  build) needs=() ;;
  demo) needs=("$postfix") ;;
  test)
    needs=(
      "$postfix"
      'swaks /usr/bin/swaks'
      'miltertest /usr/bin/miltertest'
      'gcc /usr/bin/gcc'
      'libc6-dev /usr/include/stdio.h'
      'libmilter-dev /usr/include/libmilter/mfapi.h'
      'systemd /usr/bin/systemd-analyze'
      'systemd-journal-remote /usr/lib/systemd/systemd-journal-remote'
      'mount /usr/bin/mount'
      'redis-server /usr/bin/redis-server'
      'nsd /usr/sbin/nsd'
      'openssl /usr/bin/openssl'
      'dovecot-imapd /usr/lib/dovecot/imap'
    )
    ;;
  *)
    echo "usage: scripts/setup.sh [build|demo|test]" >&2
    exit 2
    ;;
esac

log=$(mktemp "${TMPDIR:-/tmp}/postpace-setup.XXXXXX")
scratch=''
policy=/usr/sbin/policy-rc.d
policy_kept=$policy.before-postpace
policy_mark='# postpace set-up: no daemon may start'
as_root=()
restore_policy() {
  # Only a policy file that carries our mark is ours to remove.
  if grep -qsF "$policy_mark" "$policy"; then
    "${as_root[@]}" rm -f "$policy"
    if [ -e "$policy_kept" ]; then "${as_root[@]}" mv "$policy_kept" "$policy"; fi
  fi
}
finish() {
  local code=$?
  trap - EXIT
  restore_policy
  rm -f "$log" ${scratch:+"$scratch"}
  exit "$code"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  echo "set-up: $1" >&2
  exit 1
}
# run WHAT COMMAND…: quietly; when it fails, its output and a sentence.
run() {
  local what=$1
  shift
  if ! "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    fail "$what failed, see above"
  fi
}

node -e 'const [a, b] = process.versions.node.split(".").map(Number);
  process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null ||
  fail "Node 20.19 or later is needed, found $(node --version 2>/dev/null || echo none)"

missing=()
for need in "${needs[@]}"; do
  [ -e "${need#* }" ] || missing+=("${need% *}")
done

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null ||
    fail "these Debian packages are needed, and this system has no apt-get: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      fail "these Debian packages are missing; install them as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  echo "set-up: installing Debian packages: ${missing[*]}"
  # A policy file of a set-up that was killed is put right first.
  restore_policy
  scratch=$(mktemp "${TMPDIR:-/tmp}/postpace-policy.XXXXXX")
  printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" >"$scratch"
  if [ -e "$policy" ]; then "${as_root[@]}" mv "$policy" "$policy_kept"; fi
  "${as_root[@]}" install -m 755 "$scratch" "$policy"
  # --no-remove: another mail server that is installed (exim4 conflicts) is not ours to remove.
  install=(
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get
    -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 -o Dpkg::Use-Pty=0
    install -y --no-remove --no-install-recommends "${missing[@]}"
  )
  # Lists that are missing or older than the mirror make the first try fail.
  if ! "${install[@]}" >"$log" 2>&1 </dev/null; then
    run 'apt-get update' "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=120 update
    run "installing ${missing[*]}" "${install[@]}"
  fi
  restore_policy
  rm -f "$scratch"
  for need in "${needs[@]}"; do
    [ -e "${need#* }" ] || fail "the package ${need% *} is installed, but ${need#* } is not there"
  done
fi

# npm writes node_modules/.package-lock.json last, so an interrupted install counts as none.
if [ ! -e node_modules/.package-lock.json ] ||
  [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'set-up: installing npm packages'
  run 'npm ci' npm ci --include=dev --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi

sources=(src test lab bench providers postfix systemd package.json tsconfig.json scripts/build.sh)
present=()
for source in "${sources[@]}"; do
  if [ -e "$source" ]; then present+=("$source"); fi
done
if [ ! -e dist/.built ] ||
  [ -n "$(find "${present[@]}" -newer dist/.built -print -quit)" ]; then
  # Sources that change during the build make the next one necessary: the stamp is from before it.
  scratch=$(mktemp "${TMPDIR:-/tmp}/postpace-built.XXXXXX")
  run 'the build' bash scripts/build.sh dist
  mv "$scratch" dist/.built
fi
