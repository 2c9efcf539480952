/**
 * sd_notify(3) through systemd-notify(1): Node has no unix datagram socket. Does nothing where the
 * service manager did not ask for it (NOTIFY_SOCKET). The unit needs NotifyAccess=all.
 */
import { execFile } from 'node:child_process';

export interface Notifier {
  ready(): void;
  reloading(): void;
  stopping(): void;
  /** Ends the watchdog's beat. */
  close(): void;
}

/** `onTrouble`: told when systemd-notify fails; the daemon goes on. */
export function notifier(
  env: Readonly<Record<string, string | undefined>>,
  onTrouble: (text: string) => void,
): Notifier {
  if (env['NOTIFY_SOCKET'] === undefined) {
    return { ready() {}, reloading() {}, stopping() {}, close() {} };
  }
  const notify = (...assignments: string[]): void => {
    execFile('systemd-notify', [`--pid=${process.pid}`, ...assignments], (error) => {
      if (error !== null) onTrouble(error.message);
    });
  };
  const watchdogUs = Number(env['WATCHDOG_USEC']);
  const beat =
    watchdogUs > 0 ? setInterval(() => notify('WATCHDOG=1'), watchdogUs / 2000) : undefined;
  return {
    ready: () => notify('READY=1'),
    reloading: () => notify('RELOADING=1'),
    stopping: () => notify('STOPPING=1'),
    close: () => clearInterval(beat),
  };
}
