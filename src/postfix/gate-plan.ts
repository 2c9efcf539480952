/**
 * `postpace postfix gate`: which changes put a second instance behind the one that takes mail, with
 * a transport and a loopback address for each provider, so that none waits behind another. Pure.
 */
import type { Change, Place } from './change.ts';
import { Draft } from './draft.ts';
import { GATE_TRANSPORT, gateServices, gateSettings } from './gate-pieces.ts';
import type { Instance } from './instance.ts';
import { writeService } from './master-service.ts';
import { splitMilters } from './milter-list.ts';

export interface GateProvider {
  readonly id: string;
  readonly domains: readonly string[];
  /** Microseconds from one recipient to the next; absent: unlimited. */
  readonly intervalUs?: number;
}

export interface GateRequest {
  readonly providers: readonly GateProvider[];
  /** The gate's door; the port behind it is the way back. */
  readonly port: number;
  /** `unix:postpace/milter.sock`, as the gate's smtpd sees it. */
  readonly milter: string;
  /** How long a recipient may wait at the door. */
  readonly waitMs: number;
  readonly queueDirectory: string;
  readonly dataDirectory: string;
  /** Every parameter of the first instance, all that it refers to put in (`postconf -x`). */
  readonly expanded: ReadonlyMap<string, string>;
  /** Of the first instance: where its table of transports comes. */
  readonly tablePath: string;
}

export interface GatePlan {
  /** Of the first instance. */
  readonly first: readonly Change[];
  /** Of the second, as it is when it was just created, or as an earlier run left it. */
  readonly second: readonly Change[];
  /** Domain -> transport, for the first instance. */
  readonly table: string;
  readonly conflicts: readonly string[];
}

/** As many as Postfix sends to one destination at a time. */
const MOST_PROCESSES = 20;
/** All destinations that no provider lists: one of them keeps at most a wait's worth of these. */
const OTHER_PROCESSES = 100;

/** Settings of the first instance that say how mail leaves for the outside, and what it is like. */
const OUTSIDE =
  /^(?:smtp_|lmtp_|tls_|sender_dependent_|relayhost|default_transport|default_destination|transport_maps|my(?:hostname|domain|origin)|inet_protocols|compatibility_level|enable_long_queue_ids|smtputf8|disable_dns|(?:maximal|bounce)_queue_lifetime|maillog_file|syslog_facility|double_bounce_sender|notify_classes|parent_domain_matches|mail_owner|setgid_group|\w+_directory$)/;
const ITS_OWN = /^(?:config|queue|data|multi_instance)_director/;
const OWN_DOMAINS = [
  'mydestination',
  'virtual_alias_domains',
  'virtual_mailbox_domains',
  'relay_domains',
] as const;

/** `second`: undefined before it was created. */
export function planGate(
  first: Instance,
  second: Instance | undefined,
  request: GateRequest,
): GatePlan {
  const lines = linesOf(request);
  const others = { name: GATE_TRANSPORT, address: '127.0.0.2', processes: OTHER_PROCESSES };
  const all = [others, ...lines];
  return {
    first: planFirst(first, request, all),
    second: planSecond(first, second ?? empty(first), request, all),
    table: lines
      .flatMap(({ domains, name, address }) =>
        domains.map((domain) => `${domain} ${name}:[${address}]:${request.port}\n`),
      )
      .join(''),
    conflicts: conflictsOf(request),
  };
}

interface Line {
  readonly name: string;
  readonly address: string;
  readonly processes: number;
}

function linesOf({ providers, waitMs }: GateRequest): readonly (Line & GateProvider)[] {
  return providers
    .filter(({ domains }) => domains.length > 0)
    .map((provider, at) => {
      const { intervalUs } = provider;
      // As many as have their turn within the wait: none of them is refused.
      const fit = intervalUs === undefined ? MOST_PROCESSES : (waitMs * 1000) / intervalUs;
      return {
        ...provider,
        name: `${GATE_TRANSPORT}-${provider.id}`,
        address: `127.0.${Math.floor((at + 2) / 250)}.${((at + 2) % 250) + 1}`,
        processes: Math.max(1, Math.min(MOST_PROCESSES, Math.floor(fit))),
      };
    });
}

function planFirst(first: Instance, request: GateRequest, all: readonly Line[]): readonly Change[] {
  const draft = new Draft(first);
  const [back] = gateServices('first-master.cf', { RETURN: request.port + 1 }).slice(1);
  if (back !== undefined) draft.service(back);
  for (const { name, processes } of all) {
    const [service] = gateServices('first-master.cf', { NAME: name, PROCESSES: processes });
    if (service !== undefined) draft.service(service);
    draft.main(`${name}_destination_recipient_limit`, '1');
    draft.main(`${name}_initial_destination_concurrency`, String(processes));
  }
  const table = `texthash:${request.tablePath}`;
  const maps = splitMilters(first.values.get('transport_maps') ?? '');
  const settings = gateSettings('first-main.cf', {
    // First, so that what an older table says of a provider holds in the gate, behind us.
    MAPS: [table, ...maps.filter((map) => map !== table)].join(', '),
    OTHERS: `${GATE_TRANSPORT}:[127.0.0.2]:${request.port}`,
  });
  for (const [name, value] of settings) draft.main(name, value);
  return draft.changes();
}

function planSecond(
  first: Instance,
  second: Instance,
  request: GateRequest,
  all: readonly Line[],
): readonly Change[] {
  const draft = new Draft(second);
  const valueOf = (name: string): string => request.expanded.get(name) ?? '';
  const ours = valueOf('data_directory');
  for (const name of first.set.keys()) {
    if (!OUTSIDE.test(name) || ITS_OWN.test(name) || name.startsWith(GATE_TRANSPORT)) continue;
    // Databases such as TLS session caches belong to one instance.
    const value = valueOf(name).replaceAll(ours, request.dataDirectory);
    draft.main(name, withoutGate(name, value, request));
  }
  const alone = soleAddress(valueOf('inet_interfaces'));
  if (alone !== undefined && !first.set.has('smtp_bind_address')) {
    draft.main('smtp_bind_address', alone);
  }
  const own = OWN_DOMAINS.map(valueOf).filter((list) => list !== '');
  const processes = all.reduce((sum, line) => sum + line.processes, 100);
  const settings = gateSettings('second-main.cf', {
    PROCESSES: processes,
    MILTER: request.milter,
    OWN: own.join(', '),
    RETURN: request.port + 1,
  });
  for (const [name, value] of settings) draft.main(name, value);
  for (const service of first.services) {
    // The transports that lead outside; outside a chroot, whose files nobody has laid out.
    if (service.command !== 'smtp' || service.name.startsWith('postpace-')) continue;
    const columns = service.columns.split(' ').map((column, at) => (at === 4 ? 'n' : column));
    draft.service({ ...service, chroot: 'n', columns: columns.join(' ') });
  }
  const doors = all.flatMap(({ address }) =>
    gateServices('second-master.cf', { ADDRESS: address, PORT: request.port }),
  );
  for (const door of doors) draft.service(door);
  const stock = second.services.filter(
    ({ type, id }) => type === 'inet' && doors.every((door) => door.id !== id),
  );
  return [
    ...draft.changes(),
    ...stock.map((service) => removal(service.id, writeService(service))),
  ];
}

function removal(id: string, before: string): Change {
  const place: Place = { kind: 'service', id };
  return { place, before, after: undefined };
}

/** What an earlier run put into the first instance is not for the second. */
function withoutGate(name: string, value: string, { tablePath }: GateRequest): string {
  if (name === 'transport_maps') {
    const maps = splitMilters(value).filter((map) => map !== `texthash:${tablePath}`);
    return maps.join(', ');
  }
  return name === 'default_transport' && value.startsWith(`${GATE_TRANSPORT}:`) ? 'smtp' : value;
}

/** Mail leaves from it, where it is the only one. */
function soleAddress(interfaces: string): string | undefined {
  const addresses = interfaces.split(/[\s,]+/).filter((word) => /^[0-9.]+$/.test(word));
  const outside = addresses.filter((address) => !address.startsWith('127.'));
  return outside.length === 1 ? outside[0] : undefined;
}

function empty(first: Instance): Instance {
  return { ...first, set: new Map(), values: new Map(), services: [] };
}

function conflictsOf(request: GateRequest): readonly string[] {
  const found: string[] = [];
  for (const name of ['sender_dependent_default_transport_maps', 'content_filter']) {
    const value = request.expanded.get(name) ?? '';
    if (value === '') continue;
    found.push(`${name} is ${value}: mail would go round the gate, or through two loops.`);
  }
  return found;
}
