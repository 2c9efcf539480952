#!/usr/bin/env bash
# The demo: 1,000 mails at once through a private Postfix, paced by postpace.
set -euo pipefail
usage() {
  cat <<'TEXT'
usage: npm run demo [-- OPTION…]

Sends the @all of a chat server (one mail and one SMTP connection for each member) through a
private Postfix, with postpace beside it, to servers on loopback that play UTC, Gmail, Outlook and
QQ and refuse a sender who hurries. Shows what is sent, held and how fast; then the arrivals over
time, as a plot and in demo-arrivals.svg; then what was delivered, lost and duplicated.
About two and a half minutes; a minute of the limits is played in three seconds.

  --mails N   as many members, 1 to 5000 (default 1000)
  --without   the same burst without postpace, to compare
  --feedback  instead of the burst: a provider whose limit nobody knows, lowered and then lifted, days
              in minutes; the limit that postpace finds, as a plot and in demo-feedback.svg
  --hours N   of that, an hour in 2.5 seconds (default 60)
  --help      this text

Installs Postfix with apt-get if it is missing; its own instance is neither started nor changed.
Exit status: 0 if nothing was lost or duplicated and every limit was kept, else 1 (so --without
ends with 1 when providers refused mail), 2 for a wrong option, 130 when interrupted.
TEXT
}
for word in "$@"; do
  case $word in
    -h | --help)
      usage
      exit 0
      ;;
  esac
done

root=$(cd "$(dirname "$0")/.." && pwd)
bash "$root/scripts/setup.sh" demo

# Postfix's master must be started by root.
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo 'demo: a private Postfix must be started by root: run it as root, or install sudo' >&2
    exit 1
  }
  as_root=(sudo env "PATH=$PATH")
fi
exec "${as_root[@]}" node "$root/dist/lab/demo/main.js" "$@"
