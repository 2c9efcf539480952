/**
 * `postpace postfix unconfigure`: exactly what configure added is taken out again. What the records
 * say goes back to what it was; what somebody has changed since only loses what is ours. Pure.
 */
import { placeName, samePlace, type Change, type Place } from './change.ts';
import type { Instance } from './instance.ts';
import {
  readService,
  serviceOption,
  withOption,
  writeService,
  type MasterService,
} from './master-service.ts';
import { splitMilters, withoutOurs, type OurMilter } from './milter-list.ts';
import { isReplyTable, REPLY_TRANSPORT } from './reply-transport.ts';
import { isSplitFilter, isSplitService, SPLIT_SETTINGS } from './split-pieces.ts';

const LISTS = ['smtpd_milters', 'non_smtpd_milters'];

export interface UnconfigurePlan {
  /** First: no new mail comes to us, or takes the second hop. */
  readonly first: readonly Change[];
  /** Only once no mail is on its way to the second hop: the hop itself. */
  readonly hop: readonly Change[];
  /** Last, once held mail is released: it may give queued mail new names at the next reload. */
  readonly last: readonly Change[];
}

export function planUnconfigure(
  instance: Instance,
  records: readonly Change[],
  ours: OurMilter,
): UnconfigurePlan {
  const changes = placesOf(instance, records).flatMap((place) => {
    const before = currentAt(instance, place);
    const record = records.find((each) => samePlace(each.place, place));
    if (before === undefined) return [];
    const after = record?.after === before ? record.before : stripOurs(place, before, ours);
    return before === after ? [] : [{ place, before, after }];
  });
  const hop = changes.filter(({ place, after }) => after === undefined && isSplitPlace(place));
  const last = changes.filter(({ place }) => placeName(place) === 'main.cf enable_long_queue_ids');
  const first = changes.filter((change) => !hop.includes(change) && !last.includes(change));
  return { first: [...first, ...disarmHop(instance)], hop: hop.map(disarmed), last };
}

function placesOf(instance: Instance, records: readonly Change[]): readonly Place[] {
  const recorded = records.map(({ place }) => place);
  const filters = [...instance.set.keys()].filter((name) => name.startsWith(REPLY_TRANSPORT));
  const split = ['content_filter', ...SPLIT_SETTINGS.keys()];
  const names = [...LISTS, ...split, 'transport_maps', ...filters];
  const present: readonly Place[] = [
    ...names.map((name): Place => ({ kind: 'main', name })),
    ...instance.services.map(({ id }): Place => ({ kind: 'service', id })),
  ];
  return [...recorded, ...present.filter((place) => !recorded.some((r) => samePlace(r, place)))];
}

export function currentAt(instance: Instance, place: Place): string | undefined {
  if (place.kind === 'main') return instance.set.get(place.name);
  const service = instance.services.find(({ id }) => id === place.id);
  return service === undefined ? undefined : writeService(service);
}

/** A value without what is ours; undefined: nothing is left, the place goes. */
export function stripOurs(place: Place, value: string, ours: OurMilter): string | undefined {
  if (place.kind === 'service') {
    const service = readService(value);
    if (service === undefined) return value;
    if (service.name.startsWith(REPLY_TRANSPORT)) return undefined;
    return isSplitService(service) ? undefined : writeService(stripService(service, ours));
  }
  if (LISTS.includes(place.name)) return withoutOurs(value, ours) || undefined;
  if (place.name.startsWith(REPLY_TRANSPORT)) return undefined;
  if (place.name === 'transport_maps') {
    const maps = splitMilters(value);
    const kept = maps.filter((map) => !isReplyTable(map));
    return kept.length === maps.length ? value : kept.join(', ') || undefined;
  }
  if (place.name === 'content_filter') return isSplitFilter(value) ? undefined : value;
  return SPLIT_SETTINGS.has(place.name) ? undefined : value;
}

function stripService(service: MasterService, ours: OurMilter): MasterService {
  let stripped = service;
  for (const name of LISTS) {
    const list = serviceOption(stripped, name);
    // An empty list stays: without the option the service would get the milters of main.cf.
    if (list) stripped = withOption(stripped, name, withoutOurs(list, ours));
  }
  const filter = serviceOption(stripped, 'content_filter');
  if (filter !== undefined && isSplitFilter(filter))
    stripped = withOption(stripped, 'content_filter', undefined);
  return stripped;
}

function isSplitPlace(place: Place): boolean {
  if (place.kind === 'main') return SPLIT_SETTINGS.has(place.name);
  return !place.id.startsWith(REPLY_TRANSPORT);
}

/** The second hop without the milter: mail on its way there must not be held again. */
function disarmHop(instance: Instance): readonly Change[] {
  return instance.services
    .filter((service) => service.command === 'smtpd' && isSplitService(service))
    .flatMap((service) => {
      const before = writeService(service);
      const after = writeService(withOption(service, 'smtpd_milters', ''));
      const place: Place = { kind: 'service', id: service.id };
      return before === after ? [] : [{ place, before, after }];
    });
}

/** The change as it is once the hop is disarmed. */
function disarmed(change: Change): Change {
  const service = change.before === undefined ? undefined : readService(change.before);
  if (service?.command !== 'smtpd') return change;
  return { ...change, before: writeService(withOption(service, 'smtpd_milters', '')) };
}
