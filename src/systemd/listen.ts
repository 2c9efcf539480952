/** Sockets passed by systemd (sd_listen_fds(3)). */

export interface PassedSocket {
  readonly fd: number;
  /** FileDescriptorName=; `unknown` where the unit gives none. */
  readonly name: string;
}

/** SD_LISTEN_FDS_START */
const FIRST_FD = 3;

/** The sockets meant for this process; none where the variables are another's, or absent. */
export function listenFds(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): readonly PassedSocket[] {
  const count = Number(env['LISTEN_FDS']);
  if (Number(env['LISTEN_PID']) !== pid || !Number.isInteger(count) || count < 1) return [];
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  return Array.from({ length: count }, (_, index) => ({
    fd: FIRST_FD + index,
    name: names[index] || 'unknown',
  }));
}
