/** The transports of the reply filter: one for each provider, with a table of its own. */
import { serviceOption, withOption, type MasterService } from './master-service.ts';

/** Beginning of their names in master.cf, and of their settings in main.cf. */
export const REPLY_TRANSPORT = 'postpace-reply-';

/** What the queue manager and not smtp(8) reads: it goes by the transport's name. */
const QUEUE_MANAGER =
  /^smtp_(destination_(?:concurrency|recipient|rate)_\w+|initial_destination_concurrency|transport_rate_delay|delivery_slot_\w+|minimum_delivery_slots|(?:extra_)?recipient_(?:limit|refill_\w+))$/;

export interface ReplyTransport {
  /** As the provider pack or the configuration names it. */
  readonly provider: string;
  /** Where its table is. */
  readonly path: string;
}

/** As `smtp` is in this master.cf, and with the table. */
export function replyService(
  smtp: MasterService,
  { provider, path }: ReplyTransport,
): MasterService {
  const name = `${REPLY_TRANSPORT}${provider}`;
  const columns = [name, ...smtp.columns.split(' ').slice(1)].join(' ');
  const service = { ...smtp, id: `${name}/unix`, name, columns };
  // smtp(8) reads such a table when it starts and never again: a process for each message.
  return withOption(withOption(service, 'smtp_reply_filter', `regexp:${path}`), 'max_use', '1');
}

/** undefined: not one of ours. */
export function replyTransport(service: MasterService): ReplyTransport | undefined {
  if (!service.name.startsWith(REPLY_TRANSPORT) || service.command !== 'smtp') return undefined;
  const filter = serviceOption(service, 'smtp_reply_filter');
  if (filter?.startsWith('regexp:') !== true) return undefined;
  return {
    provider: service.name.slice(REPLY_TRANSPORT.length),
    path: filter.slice('regexp:'.length),
  };
}

/** `smtp_destination_rate_delay` -> what it is called for a transport; undefined: none of those. */
export function perTransport(parameter: string, transport: string): string | undefined {
  const found = QUEUE_MANAGER.exec(parameter)?.[1];
  return found === undefined ? undefined : `${transport}_${found}`;
}

/** Lists in transport_maps without the table, however it is written. */
export function isReplyTable(map: string): boolean {
  return map.startsWith('texthash:') && map.endsWith(`/${REPLY_TABLE}`);
}

/** Domain -> transport, beside main.cf. */
export const REPLY_TABLE = 'postpace-reply-transport';
