/** The configuration in force, as a file would say it: what `config show` prints. */
import type { Limits, SenderLimits } from '../limit/limits.ts';
import { formatDuration, formatRate } from '../limit/rate.ts';
import type { TextPattern } from '../mail/text-pattern.ts';
import { formatDnsServer } from '../provider/dns-server.ts';
import type { Config, Helper, ImapConfig, LaneRule } from './config.ts';
import { formatEndpoint } from './endpoint.ts';
import { formatStore } from './store-url.ts';

/**
 * A plain object with the file's keys, every default filled in; as YAML it loads to the same
 * configuration, but for a password in the store's URL. `tempfail`, `redis`, `alerts`, `dns.servers`,
 * `max_hold`, `journal_unit`, `imap`, `expire`, `outbound_transports`, `per_sender` and a provider's `mode`
 * are there only where they are set.
 */
export function showConfig(config: Config): Readonly<Record<string, unknown>> {
  const { postfix, feedback, retry, redis } = config;
  return {
    listen: formatEndpoint(config.listen),
    mode: config.mode,
    ...(config.tempfail.ports.length > 0 && {
      tempfail: {
        ports: config.tempfail.ports,
        ...(config.tempfail.waitMs > 0 && { wait: time(config.tempfail.waitMs) }),
      },
    }),
    store: formatStore(config.store),
    pool: config.pool,
    ...(Object.keys(redis).length > 0 && {
      redis: {
        ...(redis.passwordFile !== undefined && { password_file: redis.passwordFile }),
        ...(redis.sentinelPasswordFile !== undefined && {
          sentinel_password_file: redis.sentinelPasswordFile,
        }),
        ...(redis.caFile !== undefined && { ca_file: redis.caFile }),
      },
    }),
    state_dir: config.stateDir,
    control: config.control,
    log_level: config.logLevel,
    postfix: {
      config_directory: postfix.configDirectory,
      release: helperText(postfix.release),
      hold: helperText(postfix.hold),
      ...(postfix.expire !== undefined && { expire: helperText(postfix.expire) }),
      ...(postfix.outboundTransports !== undefined && {
        outbound_transports: postfix.outboundTransports,
      }),
    },
    dns: {
      group_by_mx: config.dns.groupByMx,
      ...(config.dns.servers && { servers: config.dns.servers.map(formatDnsServer) }),
    },
    own_addresses: config.ownAddresses,
    feedback: {
      log: feedback.log,
      adjust: feedback.adjust ? 'on' : 'off',
      not_final: feedback.notFinal,
      ...(feedback.timeScale !== 1 && { time_scale: feedback.timeScale }),
      token: feedback.token ? 'on' : 'off',
      ...(feedback.tokenKeyFile !== undefined && { token_key_file: feedback.tokenKeyFile }),
      ...(feedback.imap && { imap: showImap(feedback.imap) }),
      ...(feedback.journalUnit !== undefined && { journal_unit: feedback.journalUnit }),
    },
    ...(Object.keys(config.alerts).length > 0 && { alerts: config.alerts }),
    default: showLimits(config.default),
    providers: Object.fromEntries(
      config.providers.map(({ id, name, domains, mxSuffixes, limits, mode }) => {
        const shown = { name, domains, mx_suffixes: mxSuffixes, ...showLimits(limits) };
        return [id, mode === undefined ? shown : { ...shown, mode }];
      }),
    ),
    lanes: Object.fromEntries(
      config.lanes.map(({ name, senders, rules, maxHoldMs }) => {
        const shown = { senders, rules: rules.map(showRule) };
        return [name, maxHoldMs === undefined ? shown : { ...shown, max_hold: time(maxHoldMs) }];
      }),
    ),
    ...(config.maxHoldMs !== undefined && { max_hold: time(config.maxHoldMs) }),
    on_max_hold: config.onMaxHold,
    adopt: config.adopt,
    reconcile: time(config.reconcileMs),
    retry: { min: time(retry.minMs), max: time(retry.maxMs) },
  };
}

function showImap({ caFile, passwordFile, moveTo, ...same }: ImapConfig): object {
  return {
    ...same,
    password_file: passwordFile,
    ...(caFile !== undefined && { ca_file: caFile }),
    ...(moveTo !== undefined && { move_to: moveTo }),
  };
}

function showLimits(limits: Limits): Readonly<Record<string, unknown>> {
  return {
    ...showRates(limits),
    in_flight: limits.inFlight ?? 'none',
    ...(limits.perSender && { per_sender: showRates(limits.perSender) }),
  };
}

function showRates({ pace, quotas }: SenderLimits): Readonly<Record<string, unknown>> {
  return {
    pace: pace === undefined ? 'none' : formatRate(pace),
    ...(pace !== undefined && { burst: pace.burst }),
    quotas: quotas.map(formatRate),
  };
}

const written = (patterns: readonly TextPattern[]) => patterns.map(({ source }) => source);

function showRule({ senders, logins, clients, headers }: LaneRule): object {
  return {
    ...(senders && { sender: senders }),
    ...(logins && { login: written(logins) }),
    ...(clients && { client: clients }),
    ...(headers && {
      header: Object.fromEntries(headers.map(({ name, values }) => [name, written(values)])),
    }),
  };
}

function helperText(helper: Helper): string | readonly string[] {
  return helper.kind === 'unix' ? `unix:${helper.path}` : helper.argv;
}

function time(ms: number): string {
  return formatDuration(ms * 1000);
}
