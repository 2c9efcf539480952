/**
 * Cleans up when this process can't: a small shell, in a session of its own, waits for the end of
 * its standard input, which comes however we die (exit, Ctrl-C, kill -9). It then ends the
 * processes and removes the directory. A normal stop dismisses it first.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';

// $1 is the directory. Lines on standard input: `pid N` and `pidfile PATH` to end, `done`.
// A process id may have been reused since: only one whose command line, environment or working
// directory names the directory is ended.
const SCRIPT = `
dir=$1; pids=; files=
while read -r word value; do
  case $word in
    pid) pids="$pids $value" ;;
    pidfile) files="$files $value" ;;
    done) exit 0 ;;
  esac
done
for f in $files; do pids="$pids $(tr -d ' \\n' <"$f" 2>/dev/null)"; done
ours() {
  grep -qaF "$dir" "/proc/$1/cmdline" "/proc/$1/environ" 2>/dev/null && return 0
  case $(readlink "/proc/$1/cwd") in "$dir"*) return 0 ;; esac
  return 1
}
live() { [ -d "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
for sig in TERM KILL; do
  for p in $pids; do ours "$p" && { kill -$sig "$p"; kill -CONT "$p"; } 2>/dev/null; done
  n=0
  while [ $n -lt 50 ]; do
    left=; for p in $pids; do live "$p" && ours "$p" && left=1; done
    [ -z "$left" ] && break
    sleep 0.1; n=$((n + 1))
  done
done
n=0
while [ -d "$dir" ] && [ $n -lt 20 ]; do rm -rf "$dir" 2>/dev/null; n=$((n + 1)); sleep 0.1; done
`;

export interface Keeper {
  /** Ends this process with us, if it then still belongs to the directory. */
  pid(pid: number): void;
  /** The same, the id to be read from a file at the end. */
  pidFile(path: string): void;
  /** Nothing is left to clean up. */
  dismiss(): Promise<void>;
}

/** Watches over a temporary directory and the processes that live in it. */
export function startKeeper(directory: string): Keeper {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'lab-keeper', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  const gone = once(shell, 'exit');
  shell.unref();
  shell.stdin.on('error', () => {});
  if (shell.stdin instanceof Socket) shell.stdin.unref();
  return {
    pid: (pid) => shell.stdin.write(`pid ${pid}\n`),
    pidFile: (path) => shell.stdin.write(`pidfile ${path}\n`),
    async dismiss() {
      shell.ref();
      shell.stdin.end('done\n');
      await gone;
    },
  };
}
