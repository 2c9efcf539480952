/**
 * The line of one delivery attempt, as Postfix's log_adhoc() writes it:
 * `to=<R>[, orig_to=<R>], relay=HOST[, conn_use=N], delay=N, delays=a/b/c/d[, tls=…], dsn=N,
 * status=WORD (TEXT)`. Read from left to right, so that nothing a remote side says in TEXT, and no
 * quoted address, can pass for a field.
 */
import { isEcho, type DeliveryEvent } from './event.ts';

type Fields = Omit<DeliveryEvent, 'kind' | 'atMs' | 'program' | 'pid' | 'queueId'>;

/** Postfix's word -> ours. With soft_bounce a bounce is written SOFTBOUNCE and the mail stays. */
const STATUS: ReadonlyMap<string, DeliveryEvent['status']> = new Map([
  ['sent', 'sent'],
  ['deferred', 'deferred'],
  ['SOFTBOUNCE', 'deferred'],
  ['bounced', 'bounced'],
  ['expired', 'expired'],
  ['deliverable', 'deliverable'],
  ['undeliverable', 'undeliverable'],
]);

/** The end of a quoted local part that begins at `at`, or `at` where none does. */
function skipQuoted(text: string, at: number): number {
  if (text[at] !== '"') return at;
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return text[i + 1] === '@' || text[i + 1] === '>' ? i + 1 : at;
  }
  return at;
}

/** The address whose first character is at `at`; `next` is what follows its `>, `. */
function readAddress(
  text: string,
  at: number,
): { readonly address: string; readonly next: number } | undefined {
  // Postfix before 3.5 writes addresses unquoted, with any character in them, `>, ` included.
  let close = text.indexOf('>, ', skipQuoted(text, at));
  while (close >= 0) {
    const next = close + 3;
    if (text.startsWith('relay=', next) || text.startsWith('orig_to=<', next))
      return { address: text.slice(at, close), next };
    close = text.indexOf('>, ', next);
  }
  return undefined;
}

/** Reads what follows `ID: `; undefined where it is no delivery line. */
export function readDelivery(text: string): Fields | undefined {
  if (!text.startsWith('to=<')) return undefined;
  const to = readAddress(text, 4);
  if (to === undefined) return undefined;
  let at = to.next;
  let origTo: string | undefined;
  if (text.startsWith('orig_to=<', at)) {
    const orig = readAddress(text, at + 9);
    if (orig === undefined) return undefined;
    origTo = orig.address;
    at = orig.next;
  }
  // An address that is not quoted (info_log_address_format = internal, a route before it, one that
  // Postfix took for none) may hold fields of its own: which are Postfix's can't be told.
  const isTwofold = text.includes('>, relay=', at);
  let relay = '';
  let delaySec = 0;
  let dsn = '';
  // Every field up to the status is `name=value, ` without a comma in the value.
  while (!text.startsWith('status=', at)) {
    const equals = text.indexOf('=', at);
    const comma = text.indexOf(', ', at);
    if (equals < 0 || comma < equals) return undefined;
    const value = text.slice(equals + 1, comma);
    switch (text.slice(at, equals)) {
      case 'relay':
        relay = value;
        break;
      case 'delay':
        delaySec = Number(value);
        break;
      case 'dsn':
        dsn = value;
        break;
      default:
      // conn_use, delays, tls and what later versions add.
    }
    at = comma + 2;
  }
  at += 'status='.length;
  const blank = text.indexOf(' ', at);
  const status = STATUS.get(text.slice(at, blank < 0 ? undefined : blank));
  if (status === undefined) return undefined;
  // A reply that syslog cut off has no closing parenthesis.
  let reply = blank < 0 ? '' : text.slice(blank + 1);
  if (reply.startsWith('(')) reply = reply.slice(1, reply.endsWith(')') ? -1 : undefined);
  return {
    recipient: to.address,
    ...(origTo === undefined ? {} : { origTo }),
    relay,
    status,
    dsn,
    reply,
    delaySec: Number.isFinite(delaySec) ? delaySec : 0,
    contacted: relay !== 'none' && !isEcho(reply) && !isTwofold,
  };
}
