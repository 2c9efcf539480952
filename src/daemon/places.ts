/** Where things are: the milter's socket as we and as Postfix name it, and the log. */
import type { Config, Endpoint } from '../config/config.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import type { ListenAddress } from '../milter/listener.ts';
import { FileFollower } from '../postfix/follow-file.ts';
import { JournalFollower, MAIL_FACILITY } from '../postfix/follow-journal.ts';
import { chooseLog, type FollowSettings, type LogFollower } from '../postfix/follow.ts';
import { expandMilters, milterSocket } from '../postfix/milter-list.ts';
import type { PostfixSettings } from '../postfix/settings.ts';
import { ourMilter } from '../postfix/socket-place.ts';
import { listenFds } from '../systemd/listen.ts';

const SOCKET_MODE = 0o660;
/** FileDescriptorName= in postpace.socket. */
const PASSED_NAME = 'milter';

/** Throws an Error when systemd passed no socket although the configuration says so. */
export function listenAddress(
  listen: Endpoint,
  env: Readonly<Record<string, string | undefined>>,
): ListenAddress {
  switch (listen.kind) {
    case 'unix': {
      // postpace.socket has made it already: two listeners on one path would be one too many.
      const passed = listenFds(env, process.pid).find(({ name }) => name === PASSED_NAME);
      return passed === undefined ? { path: listen.path, mode: SOCKET_MODE } : { fd: passed.fd };
    }
    case 'inet':
      return { host: listen.host, port: listen.port };
    case 'systemd': {
      const found = listenFds(env, process.pid);
      const one =
        listen.name === undefined ? found[0] : found.find(({ name }) => name === listen.name);
      if (one === undefined) {
        const names = found.map(({ name }) => name).join(', ') || 'none';
        throw new Error(
          `listen: ${formatEndpoint(listen)}: found ${names}, expected a socket passed by systemd ` +
            '(postpace.socket)',
        );
      }
      return { fd: one.fd };
    }
    default:
      return listen satisfies never;
  }
}

/** Every way in which Postfix may name our milter. */
export function milterNames(
  config: Config,
  { queueDirectory }: PostfixSettings,
): readonly string[] {
  return ourMilter(formatEndpoint(config.listen), queueDirectory).sockets;
}

/** What is wrong with our place among the milters. */
export function milterWarnings(config: Config, postfix: PostfixSettings): readonly string[] {
  const ours = new Set(milterNames(config, postfix));
  return (['smtpd_milters', 'non_smtpd_milters'] as const).flatMap((parameter) => {
    const list = postfix.main.get(parameter) ?? '';
    const sockets = expandMilters(list, (name) => postfix.main.get(name)).map(milterSocket);
    const at = sockets.findIndex((socket) => ours.has(socket));
    if (at >= 0 && at < sockets.length - 1) {
      return [
        `${parameter}: postpace must be the last milter; held mail never reaches ` +
          `${sockets.slice(at + 1).join(', ')} (postpace postfix configure)`,
      ];
    }
    return [];
  });
}

export interface MailLog {
  readonly source: string;
  readonly open: (settings: FollowSettings) => LogFollower;
}

/** undefined: no log is to be followed. */
export async function mailLog(
  config: Config,
  postfix: PostfixSettings,
): Promise<MailLog | undefined> {
  const source = await chooseLog(config.feedback.log, postfix.maillogFile);
  if (source === undefined) return undefined;
  if (source.kind === 'file') {
    return { source: source.path, open: (settings) => new FileFollower(source.path, settings) };
  }
  const unit = config.feedback.journalUnit;
  const match = unit === undefined ? MAIL_FACILITY : ['-u', unit];
  return { source: 'journal', open: (settings) => new JournalFollower({ ...settings, match }) };
}
