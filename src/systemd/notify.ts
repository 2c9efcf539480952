/**
 * sd_notify(3) through systemd-notify(1): Node has no unix datagram socket. Does nothing where the
 * service manager did not ask for it (NOTIFY_SOCKET). The unit needs NotifyAccess=all.
 */
import { execFile } from 'node:child_process';

export interface Notifier {
  ready(): void;
  /** systemd 252 shows it; ready() ends it. */
  reloading(): void;
  stopping(): void;
  /** Ends the watchdog's beat. */
  close(): void;
}

/** A service manager that takes no message is not waited for. */
const LONGEST_MS = 5_000;

const SILENT: Notifier = { ready() {}, reloading() {}, stopping() {}, close() {} };

/**
 * `env`: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID; `pid`: this process. The watchdog is fed at
 * half its interval. `onTrouble`: told when systemd-notify fails; the daemon goes on.
 */
export function notifier(
  env: Readonly<Record<string, string | undefined>>,
  onTrouble: (text: string) => void,
  pid = process.pid,
): Notifier {
  if (!env['NOTIFY_SOCKET']) return SILENT;
  let last = Promise.resolve();
  // One after the other: READY must not overtake RELOADING.
  const notify = (message: string): void => {
    last = last.then(() => send(message, env, onTrouble));
  };
  const watchdogUs = watchdogOf(env, pid);
  const beat =
    watchdogUs > 0 ? setInterval(() => notify('WATCHDOG=1'), watchdogUs / 2000) : undefined;
  return {
    ready: () => notify('READY=1'),
    reloading: () => notify('RELOADING=1'),
    stopping: () => notify('STOPPING=1'),
    close: () => clearInterval(beat),
  };
}

/** 0: no watchdog, or another process's. */
function watchdogOf(env: Readonly<Record<string, string | undefined>>, pid: number): number {
  const named = env['WATCHDOG_PID'];
  if (named !== undefined && Number(named) !== pid) return 0;
  const microseconds = Number(env['WATCHDOG_USEC'] ?? 0);
  return Number.isFinite(microseconds) ? microseconds : 0;
}

function send(
  message: string,
  env: Readonly<Record<string, string | undefined>>,
  onTrouble: (text: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    execFile('systemd-notify', [message], { timeout: LONGEST_MS, env }, (error) => {
      if (error !== null) onTrouble(error.message);
      resolve();
    });
  });
}
