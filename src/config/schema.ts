/**
 * The keys of postpace.yaml, as the file writes them. Everything may be absent; defaults.ts says
 * what holds then. An issue's message is what was expected in place of what was found.
 */
import { z } from 'zod';
import * as leaf from './leaf.ts';

/** A map that may be left empty, `providers:` with nothing under it. */
function map<const T extends z.ZodRawShape>(shape: T) {
  const error = 'a map of keys';
  return z.preprocess((value) => value ?? {}, z.strictObject(shape, { error }));
}

const QUOTAS = 'a list of rates such as [300/h, 1500/day]';

/** Of each sender at a provider. */
const perSender = map({
  pace: leaf.pace.optional(),
  burst: leaf.count.optional(),
  quotas: z.array(leaf.quota, { error: QUOTAS }).optional(),
});

const limits = {
  pace: leaf.pace.optional(),
  burst: leaf.count.optional(),
  quotas: z.array(leaf.quota, { error: QUOTAS }).optional(),
  in_flight: leaf.countOrNone.optional(),
  per_sender: perSender.optional(),
};

const provider = map({
  name: leaf.name.optional(),
  domains: z.array(leaf.domain, { error: 'a list of domains' }).optional(),
  mx_suffixes: z.array(leaf.mxSuffix, { error: 'a list of MX host endings' }).optional(),
  ...limits,
  mode: leaf.mode.optional(),
});

/** Header -> one value or several. */
const headers = z.record(z.string(), leaf.someOf(leaf.pattern, 'a text or a list of them'), {
  error: 'a map of headers, such as { Precedence: bulk }',
});

const laneRule = map({
  sender: leaf.someOf(leaf.sender, 'an address or @domain, or a list of them').optional(),
  login: leaf.someOf(leaf.pattern, 'a login or a list of them').optional(),
  client: leaf.someOf(leaf.client, 'an IP address or network, or a list of them').optional(),
  header: headers.optional(),
});

/** A mailbox that reports come to; cross.ts knows which keys must be there. */
const imap = map({
  host: leaf.serverName.optional(),
  port: leaf.port.optional(),
  tls: leaf.oneOf(['tls', 'starttls']).optional(),
  ca_file: leaf.path.optional(),
  user: leaf.name.optional(),
  password_file: leaf.path.optional(),
  mailbox: leaf.name.optional(),
  move_to: leaf.name.optional(),
});

const lane = map({
  senders: z.array(leaf.sender, { error: 'a list of addresses or @domains' }).optional(),
  rules: z.array(laneRule, { error: 'a list of rules' }).optional(),
  max_hold: leaf.duration.optional(),
});

export const configFile = map({
  listen: leaf.endpoint.optional(),
  mode: leaf.mode.optional(),
  tempfail: map({
    ports: leaf.ports.optional(),
    wait: leaf.duration.optional(),
  }).optional(),
  store: leaf.store.optional(),
  pool: leaf.pool.optional(),
  redis: map({
    password_file: leaf.path.optional(),
    sentinel_password_file: leaf.path.optional(),
    ca_file: leaf.path.optional(),
  }).optional(),
  state_dir: leaf.path.optional(),
  control: leaf.socketPath.optional(),
  http: leaf.notYet('HTTP').optional(),
  log_level: leaf.oneOf(['debug', 'info', 'warn', 'error']).optional(),
  postfix: map({
    config_directory: leaf.path.optional(),
    release: leaf.helper.optional(),
    hold: leaf.helper.optional(),
    expire: leaf.helper.optional(),
    outbound_transports: z.array(leaf.name, { error: 'a list of transport names' }).optional(),
  }).optional(),
  dns: map({
    group_by_mx: leaf.yesOrNo.optional(),
    servers: z
      .array(leaf.dnsServer, { error: 'a list of DNS servers' })
      .min(1, { error: 'at least one server; group_by_mx: false asks none' })
      .optional(),
  }).optional(),
  own_addresses: z.array(leaf.ipAddress, { error: 'a list of IP addresses' }).optional(),
  feedback: map({
    log: leaf.logSource.optional(),
    journal_unit: leaf.name.optional(),
    adjust: leaf.oneOf(['on', 'off']).optional(),
    time_scale: leaf.count.optional(),
    not_final: z.array(leaf.ruleId, { error: 'a list of rules' }).optional(),
    token: leaf.oneOf(['on', 'off']).optional(),
    token_key_file: leaf.path.optional(),
    imap: imap.optional(),
  }).optional(),
  alerts: map({
    mail: leaf.mailbox.optional(),
    command: leaf.command.optional(),
  }).optional(),
  default: map(limits).optional(),
  providers: z
    .preprocess(
      (value) => value ?? {},
      z.record(z.string(), provider, { error: 'a map of providers' }),
    )
    .optional(),
  lanes: map({
    transactional: lane.optional(),
    default: lane.optional(),
    bulk: lane.optional(),
  }).optional(),
  max_hold: leaf.duration.optional(),
  on_max_hold: leaf.oneOf(['release', 'bounce', 'keep']).optional(),
  adopt: leaf.oneOf(['evidence', 'all']).optional(),
  reconcile: leaf.duration.optional(),
  retry: map({
    min: leaf.duration.optional(),
    max: leaf.duration.optional(),
  }).optional(),
});

/** The file as read: keys and units of the file, each value checked by itself. */
export type ConfigFile = z.infer<typeof configFile>;
export type ProviderPart = z.infer<typeof provider>;
export type ImapPart = z.infer<typeof imap>;
export type LanePart = z.infer<typeof lane>;
export type LaneRulePart = z.infer<typeof laneRule>;
export type LimitsPart = Pick<
  ProviderPart,
  'pace' | 'burst' | 'quotas' | 'in_flight' | 'per_sender'
>;

/** Where a key may stand, for the suggestion of an unknown one; undefined: keys are free there. */
export function keysAt(path: readonly (string | number)[]): readonly string[] {
  let schema: unknown = configFile;
  for (const key of path) schema = child(bare(schema), key);
  const found = bare(schema);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

function child(schema: unknown, key: string | number): unknown {
  if (schema instanceof z.ZodObject) return (schema.shape as Record<string, unknown>)[key];
  if (schema instanceof z.ZodArray) return schema.element;
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

/** Without what only says that a map may be absent or empty. */
function bare(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional) return bare(schema.unwrap());
  return schema instanceof z.ZodPipe ? bare(schema.out) : schema;
}
