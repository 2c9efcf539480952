/** The lane of a message, by what the configuration says of where it comes from. */
import { BlockList, isIPv6 } from 'node:net';
import { canonicalAddress, parseAddress } from '../mail/address.ts';
import { comparable } from '../mail/header-text.ts';
import { ALERT_HEADER, isAlert, type Origin } from '../mail/origin.ts';
import { matches, type TextPattern } from '../mail/text-pattern.ts';
import type { Config, LaneConfig, LaneRule } from './config.ts';

type LaneSettings = Pick<Config, 'lanes' | 'alerts'>;

/**
 * Origin -> the name of its lane. An alert of ours is in `transactional`, if any are mailed. Else the
 * rules go first, those of the best lane before others, each in the order of the file, and the first
 * that matches wins. Then the lists of senders: a listed address goes before its listed domain.
 * Whoever is in neither is in `default`, the null sender too.
 */
export function createLaneOf({ lanes, alerts }: LaneSettings): (origin: Origin) => string {
  const rules = lanes.flatMap(({ name, rules: some }) =>
    some.map((rule) => ({ name, test: testOf(rule) })),
  );
  const laneOfSender = createLaneOfSender(lanes);
  return (origin) => {
    if (alerts.mail !== undefined && isAlert(origin)) return 'transactional';
    return rules.find(({ test }) => test(origin))?.name ?? laneOfSender(origin.sender);
  };
}

/** Headers that lanes go by, in lower case. */
export function headerNames({ lanes, alerts }: LaneSettings): ReadonlySet<string> {
  const rules = lanes.flatMap((lane) => lane.rules);
  const names = rules.flatMap(({ headers = [] }) => headers.map(({ name }) => name));
  return new Set((alerts.mail === undefined ? names : [ALERT_HEADER, ...names]).map(lower));
}

function createLaneOfSender(lanes: readonly LaneConfig[]): (sender: string) => string {
  const bySender = new Map(
    lanes.flatMap(({ name, senders }) => senders.map((sender) => [sender, name] as const)),
  );
  return (sender) => {
    const address = parseAddress(sender);
    const exact = bySender.get(canonicalAddress(address));
    if (exact !== undefined || address.kind === 'null') return exact ?? 'default';
    return bySender.get(`@${address.destination ?? ''}`) ?? 'default';
  };
}

type Condition = (origin: Origin) => boolean;

/** All of its conditions. What is not known of a message meets none. */
function testOf({ senders, logins, clients, headers = [] }: LaneRule): Condition {
  const conditions: Condition[] = headers.map(({ name, values }) => hasHeader(lower(name), values));
  if (clients !== undefined) conditions.push(comesFrom(clients));
  if (logins !== undefined) {
    conditions.push(({ login }) => login !== undefined && isOneOf(logins, comparable(login)));
  }
  if (senders !== undefined) {
    const listed = createLaneOfSender([{ name: 'listed', senders, rules: [] }]);
    conditions.push(({ sender }) => listed(sender) === 'listed');
  }
  return (origin) => conditions.every((meets) => meets(origin));
}

/** Of a header that is there several times any may match. */
function hasHeader(name: string, patterns: readonly TextPattern[]): Condition {
  return ({ headers }) =>
    headers?.get(name)?.some(({ text, isCut }) => isOneOf(patterns, text, isCut)) ?? false;
}

function isOneOf(patterns: readonly TextPattern[], text: string, isCut = false): boolean {
  return patterns.some((pattern) => matches(pattern, text, isCut));
}

function comesFrom(clients: readonly string[]): Condition {
  const list = new BlockList();
  for (const client of clients) {
    const [address = '', bits] = client.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return ({ client }) =>
    client !== undefined && list.check(client, isIPv6(client) ? 'ipv6' : 'ipv4');
}

function lower(name: string): string {
  return name.toLowerCase();
}
