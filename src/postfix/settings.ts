/** What pacing needs to know of a Postfix instance: read at start and on reload, with postconf. */
import { runCommand } from './command.ts';
import { readParameters } from './instance.ts';
import { type MasterService, readService } from './master-service.ts';

export interface PostfixSettings {
  readonly configDirectory: string;
  readonly queueDirectory: string;
  /** `3.7.11` */
  readonly mailVersion: string;
  readonly myhostname: string;
  readonly longQueueIds: boolean;
  /** A message older than this is returned at the next deferral; hold time counts. */
  readonly maximalQueueLifetimeMs: number;
  readonly defaultProcessLimit: number;
  /** '' where Postfix logs to syslog. */
  readonly maillogFile: string;
  /** `mail`: what selects its entries in the journal. */
  readonly syslogFacility: string;
  readonly smtpdMilters: string;
  readonly nonSmtpdMilters: string;
  readonly authorizedFlushUsers: string;
  /** Every parameter of main.cf, `$name` expanded. */
  readonly main: ReadonlyMap<string, string>;
  readonly services: readonly MasterService[];
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
]);

/** A time as Postfix has it (`5d`, `300`); `unit` is the parameter's own, for a bare number. */
export function readTimeMs(text: string, unit: 's' | 'm' | 'h' | 'd' | 'w'): number | undefined {
  const found = /^(\d+)([smhdw]?)$/.exec(text.trim());
  if (found === null) return undefined;
  const ms = UNIT_MS.get(found[2] === '' || found[2] === undefined ? unit : found[2]);
  return ms === undefined ? undefined : Number(found[1]) * ms;
}

/**
 * Rejects with an Error that says what is missing or what postconf complained about, a sentence for
 * the operator.
 */
export async function readPostfix(configDirectory: string): Promise<PostfixSettings> {
  const postconf = (option: string) => runCommand(['postconf', '-c', configDirectory, option]);
  const [text, services] = await Promise.all([postconf('-x'), postconf('-M')]);
  const main = readParameters(text);
  const value = (name: string): string => {
    const found = main.get(name);
    if (found === undefined) throw new Error(`postconf -c ${configDirectory}: no ${name}`);
    return found;
  };
  const lifetimeMs = readTimeMs(value('maximal_queue_lifetime'), 'd');
  if (lifetimeMs === undefined) {
    const found = value('maximal_queue_lifetime');
    throw new Error(`postconf -c ${configDirectory}: maximal_queue_lifetime = ${found}: no time`);
  }
  return {
    configDirectory,
    queueDirectory: value('queue_directory'),
    mailVersion: value('mail_version'),
    myhostname: value('myhostname'),
    longQueueIds: value('enable_long_queue_ids') === 'yes',
    maximalQueueLifetimeMs: lifetimeMs,
    defaultProcessLimit: Number(value('default_process_limit')),
    // Since Postfix 3.4.
    maillogFile: main.get('maillog_file') ?? '',
    syslogFacility: value('syslog_facility'),
    smtpdMilters: value('smtpd_milters'),
    nonSmtpdMilters: value('non_smtpd_milters'),
    authorizedFlushUsers: value('authorized_flush_users'),
    main,
    services: services.split('\n').flatMap((line) => readService(line) ?? []),
  };
}
