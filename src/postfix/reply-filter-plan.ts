/**
 * `postpace postfix reply-filter`: which changes give the mail of some providers a transport of its
 * own whose smtp_reply_filter takes back what is no last word. Pure.
 */
import type { Change, Place } from './change.ts';
import { Draft } from './draft.ts';
import { expanded, type Instance } from './instance.ts';
import { serviceOption, type MasterService, writeService } from './master-service.ts';
import { splitMilters } from './milter-list.ts';
import {
  isReplyTable,
  perTransport,
  REPLY_TRANSPORT,
  replyService,
  replyTransport,
  type ReplyTransport,
} from './reply-transport.ts';

export interface FilteredProvider extends ReplyTransport {
  readonly domains: readonly string[];
}

export interface ReplyFilterRequest {
  readonly providers: readonly FilteredProvider[];
  /** Where the table of transports comes. */
  readonly transportTable: string;
  /** What transport_maps say without us: domain, or `*`, -> `transport:nexthop`. */
  readonly routed: ReadonlyMap<string, string>;
  /** Where the configuration names the transports that leave the machine. */
  readonly outboundTransports?: readonly string[] | undefined;
}

export interface ReplyFilterPlan {
  readonly changes: readonly Change[];
  /** Domain -> transport. */
  readonly table: string;
  readonly warnings: readonly string[];
  /** Sentences: nothing may be applied. */
  readonly conflicts: readonly string[];
}

export function planReplyFilter(instance: Instance, request: ReplyFilterRequest): ReplyFilterPlan {
  const draft = new Draft(instance);
  const smtp = instance.services.find(
    ({ id, command }) => id === 'smtp/unix' && command === 'smtp',
  );
  const conflicts = [...conflictsOf(instance, smtp), ...elsewhere(instance, request)];
  if (smtp === undefined) return { changes: [], table: '', warnings: [], conflicts };
  const names = request.providers.map(({ provider }) => REPLY_TRANSPORT + provider);
  for (const provider of request.providers) draft.service(replyService(smtp, provider));
  const settings = new Set<string>();
  for (const name of names) {
    for (const [parameter, value] of instance.set) {
      const own = perTransport(parameter, name);
      if (own === undefined) continue;
      settings.add(own);
      draft.main(own, value);
    }
  }
  draft.main('transport_maps', withTable(instance, request.transportTable));
  return {
    changes: [...draft.changes(), ...outdated(instance, names, settings)],
    table: tableOf(request),
    warnings: listedAlready(request),
    conflicts,
  };
}

/** Last: what the administrator's tables say of a domain holds. */
function withTable(instance: Instance, path: string): string {
  const maps = splitMilters(instance.values.get('transport_maps') ?? '');
  const table = `texthash:${path}`;
  return maps.includes(table)
    ? maps.join(', ')
    : [...maps.filter((map) => !isReplyTable(map)), table].join(', ');
}

function tableOf({ providers, routed }: ReplyFilterRequest): string {
  return providers
    .flatMap(({ provider, domains }) =>
      domains
        .filter((domain) => !routed.has(domain))
        .map((domain) => `${domain} ${REPLY_TRANSPORT}${provider}:\n`),
    )
    .join('');
}

/** Transports of providers that are not named any more, and their settings. */
function outdated(
  instance: Instance,
  names: readonly string[],
  settings: ReadonlySet<string>,
): readonly Change[] {
  return [
    ...instance.services
      .filter((service) => replyTransport(service) !== undefined && !names.includes(service.name))
      .map((service) => gone({ kind: 'service', id: service.id }, writeService(service))),
    ...[...instance.set]
      .filter(([name]) => name.startsWith(REPLY_TRANSPORT) && !settings.has(name))
      .map(([name, value]) => gone({ kind: 'main', name }, value)),
  ];
}

function gone(place: Place, before: string): Change {
  return { place, before, after: undefined };
}

/** What of an instance stands against a reply filter of ours; `smtp`: its transport of that name. */
export function conflictsOf(
  instance: Instance,
  smtp: MasterService | undefined,
): readonly string[] {
  const found: string[] = [];
  if (smtp === undefined) found.push('There is no transport smtp in master.cf to go by.');
  const own = (smtp && serviceOption(smtp, 'smtp_reply_filter')) ?? '';
  const filter = own === '' ? expanded(instance, 'smtp_reply_filter') : own;
  if (filter !== '') {
    found.push(
      `smtp_reply_filter is ${filter}: Postfix asks one table alone, and yours would not hold any ` +
        'more for the mail of these providers. Yours is kept; without it this can be set up.',
    );
  }
  for (const name of [
    'relayhost',
    'sender_dependent_relayhost_maps',
    'sender_dependent_default_transport_maps',
  ]) {
    const value = expanded(instance, name);
    if (value === '') continue;
    found.push(
      `${name} is ${value}: this Postfix hears the relay and not the provider, and a transport for ` +
        'the provider would go round the relay.',
    );
  }
  const transport = expanded(instance, 'default_transport');
  if (!/^smtp:?$/.test(transport)) {
    found.push(
      `default_transport is ${transport}: mail does not leave through smtp here. Behind a gate, name ` +
        'the second instance (postfix.config_directory).',
    );
  }
  return found;
}

function elsewhere(
  instance: Instance,
  { routed, providers, outboundTransports }: ReplyFilterRequest,
): readonly string[] {
  const found: string[] = [];
  const all = routed.get('*');
  if (all !== undefined) {
    found.push(
      `transport_maps (${expanded(instance, 'transport_maps')}) send everything (*) to ${all}: a ` +
        'transport for a provider would go round that.',
    );
  }
  const missing = providers
    .map(({ provider }) => REPLY_TRANSPORT + provider)
    .filter((name) => outboundTransports?.includes(name) === false);
  if (missing.length > 0) {
    found.push(
      `postfix.outbound_transports lists what leaves this machine; add ${missing.join(', ')}, or ` +
        'their mail would not be paced.',
    );
  }
  return found;
}

function listedAlready({ providers, routed }: ReplyFilterRequest): readonly string[] {
  return providers.flatMap(({ provider, domains }) => {
    const name = REPLY_TRANSPORT + provider;
    return domains.flatMap((domain) => {
      const to = routed.get(domain);
      if (to === undefined || to.startsWith(`${name}:`)) return [];
      return [
        `transport_maps send ${domain} to ${to}, and it stays so: its replies are not filtered ` +
          `(${name} in place of its transport would do it).`,
      ];
    });
  });
}
