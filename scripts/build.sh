#!/usr/bin/env bash
# Compiles src, test, lab and bench with tsc and puts the data files beside the output.
# usage: scripts/build.sh [OUTDIR]   (default dist)
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
rm -rf "$out"
mkdir -p "$out"
node_modules/.bin/tsc --outDir "$out"
# Data that the code finds by a path relative to its own module.
for dir in providers rules postfix systemd; do
  [ -d "$dir" ] && cp -R "$dir" "$out/"
done
# The scripts that Redis runs lie beside the module that reads them.
find src -name '*.lua' -exec cp --parents -t "$out" {} +
# A compiled tree is a package of its own to Node: the module type comes along.
cp package.json "$out/package.json"
[ -f "$out/src/main.js" ] && chmod 755 "$out/src/main.js"
exit 0
