import { setTimeout as sleep } from 'node:timers/promises';

import { DaemonUnreachable } from '../control/client.ts';
import { complain, say, type Shell } from './shell.ts';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const PERIOD_MS = 1000;

/**
 * Asks every second and shows the answer, until SIGINT, SIGTERM or SIGHUP, which abort `stop` (and
 * with it a question that waits). With `screen` it is redrawn in place on the terminal's alternate
 * screen, which is left again whatever happens; without, one block follows the other. The first
 * question's error is the caller's; later the daemon may be away for a while, and what was last
 * known stays with a line that says so.
 */
export async function watch<T>(
  shell: Shell,
  ask: () => Promise<T>,
  frame: (answer: T) => readonly string[],
  screen: boolean,
  stop: AbortController,
): Promise<void> {
  let answer = await ask();
  let away: string | undefined;
  const draw = (): void => {
    const lines = away === undefined ? frame(answer) : [away, '', ...frame(answer)];
    if (screen) shell.stdout.write(onScreen(lines, shell.stdout.rows));
    else if (away === undefined) say(shell, lines.join('\n'));
    else complain(shell, away);
  };

  const end = (): void => stop.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, end);
  if (screen) {
    shell.stdout.write(ENTER);
    shell.stdout.on('resize', draw);
  }
  try {
    while (!stop.signal.aborted) {
      draw();
      await sleep(PERIOD_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) return;
      try {
        answer = await ask();
        away = undefined;
      } catch (error) {
        if (!(error instanceof DaemonUnreachable)) throw error;
        away = error.message;
      }
    }
  } finally {
    for (const signal of signals) process.off(signal, end);
    if (screen) {
      shell.stdout.off('resize', draw);
      shell.stdout.write(LEAVE);
    }
  }
}

/** The lines over what stood there before; those that don't fit are counted, not scrolled. */
function onScreen(lines: readonly string[], rows: number): string {
  const room = Math.max(2, rows || 24) - 1;
  const shown =
    lines.length <= room
      ? lines
      : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
  return `\u001b[H${shown.map((line) => `${line}\u001b[K`).join('\n')}\n\u001b[J`;
}
