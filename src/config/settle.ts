/** From the file's keys to the configuration in use. Pure. */
import type { Provider } from '../provider/provider.ts';
import type { Config, LaneConfig, LaneRule } from './config.ts';
import { DEFAULTS } from './defaults.ts';
import { limitsOf, providersOf } from './providers.ts';
import type { ConfigFile, ImapPart, LanePart, LaneRulePart } from './schema.ts';

/** RFC 9051, 2.1 and 11.1; RFC 8314. */
const IMAP_PORTS = { tls: 993, starttls: 143 };

/** The configuration that a checked file stands for; `{}`: the defaults alone. */
export function settle(file: ConfigFile, pack: readonly Provider[]): Omit<Config, 'file'> {
  const limits = limitsOf(file.default ?? {}, DEFAULTS.default);
  const maxMs = file.retry?.max ?? DEFAULTS.retry.maxMs;
  return {
    listen: file.listen ?? DEFAULTS.listen,
    mode: file.mode ?? DEFAULTS.mode,
    tempfail: {
      ports: file.tempfail?.ports ?? DEFAULTS.tempfail.ports,
      waitMs: file.tempfail?.wait ?? DEFAULTS.tempfail.waitMs,
    },
    store: file.store ?? DEFAULTS.store,
    pool: file.pool ?? DEFAULTS.pool,
    redis: redisOf(file.redis ?? {}),
    stateDir: file.state_dir ?? DEFAULTS.stateDir,
    control: file.control ?? DEFAULTS.control,
    logLevel: file.log_level ?? DEFAULTS.logLevel,
    postfix: postfixOf(file.postfix ?? {}),
    dns: {
      groupByMx: file.dns?.group_by_mx ?? DEFAULTS.dns.groupByMx,
      ...(file.dns?.servers !== undefined && { servers: file.dns.servers }),
    },
    ownAddresses: file.own_addresses ?? DEFAULTS.ownAddresses,
    feedback: {
      log: file.feedback?.log ?? DEFAULTS.feedback.log,
      adjust:
        file.feedback?.adjust === undefined
          ? DEFAULTS.feedback.adjust
          : file.feedback.adjust === 'on',
      timeScale: file.feedback?.time_scale ?? DEFAULTS.feedback.timeScale,
      notFinal: file.feedback?.not_final ?? DEFAULTS.feedback.notFinal,
      token:
        file.feedback?.token === undefined ? DEFAULTS.feedback.token : file.feedback.token === 'on',
      ...(file.feedback?.token_key_file !== undefined && {
        tokenKeyFile: file.feedback.token_key_file,
      }),
      ...imapOf(file.feedback?.imap),
      ...(file.feedback?.journal_unit !== undefined && { journalUnit: file.feedback.journal_unit }),
    },
    alerts: {
      ...(file.alerts?.mail !== undefined && { mail: file.alerts.mail }),
      ...(file.alerts?.command !== undefined && { command: file.alerts.command }),
    },
    default: limits,
    providers: providersOf(file.providers ?? {}, pack, limits),
    lanes: DEFAULTS.lanes.map((lane) => laneOf(lane, file.lanes ?? {})),
    ...(file.max_hold !== undefined && { maxHoldMs: file.max_hold }),
    onMaxHold: file.on_max_hold ?? DEFAULTS.onMaxHold,
    adopt: file.adopt ?? DEFAULTS.adopt,
    reconcileMs: file.reconcile ?? DEFAULTS.reconcileMs,
    retry: { minMs: file.retry?.min ?? Math.min(DEFAULTS.retry.minMs, maxMs), maxMs },
  };
}

function postfixOf(part: NonNullable<ConfigFile['postfix']>): Config['postfix'] {
  const { expire, outbound_transports: outboundTransports } = part;
  return {
    configDirectory: part.config_directory ?? DEFAULTS.postfix.configDirectory,
    release: part.release ?? DEFAULTS.postfix.release,
    hold: part.hold ?? DEFAULTS.postfix.hold,
    ...(expire !== undefined && { expire }),
    ...(outboundTransports !== undefined && { outboundTransports }),
  };
}

function redisOf(part: NonNullable<ConfigFile['redis']>): Config['redis'] {
  const { password_file, sentinel_password_file, ca_file } = part;
  return {
    ...(password_file !== undefined && { passwordFile: password_file }),
    ...(sentinel_password_file !== undefined && { sentinelPasswordFile: sentinel_password_file }),
    ...(ca_file !== undefined && { caFile: ca_file }),
  };
}

/** A checked file has the keys that must be there. */
function imapOf(part: ImapPart | undefined): Pick<Config['feedback'], 'imap'> {
  if (part?.host === undefined || !part.user || !part.password_file) return {};
  const { host, tls = 'tls', user, password_file: passwordFile, mailbox = 'INBOX' } = part;
  const { port = IMAP_PORTS[tls], ca_file: caFile, move_to: moveTo } = part;
  return {
    imap: {
      host,
      port,
      tls,
      user,
      passwordFile,
      mailbox,
      ...(caFile !== undefined && { caFile }),
      ...(moveTo !== undefined && { moveTo }),
    },
  };
}

function laneOf(
  { name, senders, rules }: LaneConfig,
  parts: Readonly<Record<string, LanePart | undefined>>,
): LaneConfig {
  const part = parts[name];
  return {
    name,
    senders: part?.senders ?? senders,
    rules: part?.rules?.map(ruleOf) ?? rules,
    ...(part?.max_hold !== undefined && { maxHoldMs: part.max_hold }),
  };
}

function ruleOf({ sender, login, client, header }: LaneRulePart): LaneRule {
  const headers = Object.entries(header ?? {}).map(([name, values]) => ({ name, values }));
  return {
    ...(sender !== undefined && { senders: sender }),
    ...(login !== undefined && { logins: login }),
    ...(client !== undefined && { clients: client }),
    ...(headers.length > 0 && { headers }),
  };
}
