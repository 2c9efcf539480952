/**
 * What a line of the Postfix log says. Pure; never throws; linear in the line's length. Lines that
 * say nothing to us are undefined. Read from the sources of Postfix 3.7 to 3.11 and from live logs:
 * smtpd.c, cleanup_milter.c, cleanup_message.c, milter8.c, postsuper.c, log_adhoc.c, qmgr_active.c.
 */
import { readDelivery } from './delivery-line.ts';
import type { LogEvent } from './event.ts';
import { type LogLine, readLine } from './log-line.ts';
import type { StampReader } from './stamp.ts';

/** Warnings about a milter that leave it in use. */
const HARMLESS = ['ignoring unknown macro type', 'bad client port number'];

/** A queue id at the head of a text, its `: ` left out. Other products write their own ids here. */
const LONGEST_ID = 64;
const ID = /^[0-9A-Za-z_{}-]+$/;

const RENAMED =
  /^renamed file (?:hold|deferred|active|incoming)\/(?:.\/)*([0-9A-Za-z]+)(?:#FIX)? as \w+\/(?:.\/)*([0-9A-Za-z]+)(?:#FIX)?$/;

type Head = Pick<LogLine, 'atMs' | 'program' | 'pid'>;

/** `connect to Milter service unix:x: reason`, `milter unix:x: reason`, `function: milter …`. */
function readWarning(head: Head, text: string): LogEvent | undefined {
  const connect = 'connect to Milter service ';
  let at: number;
  if (text.startsWith(connect)) at = connect.length;
  else if (text.startsWith('milter ')) at = 'milter '.length;
  else {
    const colon = text.indexOf(': milter ');
    if (colon < 0 || colon > 40 || text.slice(0, colon).includes(' ')) return undefined;
    at = colon + ': milter '.length;
  }
  const end = text.indexOf(': ', at);
  if (end < 0) return undefined;
  const reason = text.slice(end + 2);
  if (HARMLESS.some((harmless) => reason.startsWith(harmless))) return undefined;
  return { kind: 'milter-trouble', service: text.slice(at, end), text, ...head };
}

/** `milter-hold: STAGE from CLIENT: …` and `hold: WHERE from CLIENT: …`. */
function readHold(head: Head, queueId: string, text: string): LogEvent | undefined {
  const milter = text.startsWith('milter-hold: ');
  if (!milter && !text.startsWith('hold: ')) return undefined;
  const rest = text.slice(text.indexOf(' ') + 1);
  const by = milter ? 'milter' : 'check';
  const blank = rest.indexOf(' ');
  const stage = milter && blank > 0 ? { stage: rest.slice(0, blank) } : {};
  // smtpd decides before the message has a name: it means the next one that this process takes.
  if (queueId === 'NOQUEUE') return { kind: 'hold-ahead', by, ...stage, text: rest, ...head };
  return { kind: 'hold', queueId, by, ...stage, text: rest, ...head };
}

function readAccepted(head: Head, queueId: string, text: string): LogEvent {
  const comma = text.indexOf(', ');
  const client = text.slice('client='.length, comma < 0 ? undefined : comma);
  const orig = /, orig_queue_id=([0-9A-Za-z]+)/.exec(text)?.[1];
  return {
    kind: 'accepted',
    queueId,
    client,
    ...(orig === undefined ? {} : { origQueueId: orig }),
    ...head,
  };
}

/** qmgr: `from=<S>, size=N, nrcpt=N (queue active)` and `from=<S>, status=expired, returned …`. */
function readFrom(head: Head, queueId: string, text: string): LogEvent | undefined {
  const active = text.lastIndexOf('>, size=');
  if (active > 0) {
    const recipients = /^>, size=\d+, nrcpt=(\d+)/.exec(text.slice(active));
    if (recipients === null) return undefined;
    const sender = text.slice('from=<'.length, active);
    return { kind: 'active', queueId, sender, recipients: Number(recipients[1]), ...head };
  }
  const status = text.lastIndexOf('>, status=');
  if (status < 0) return undefined;
  // `expired` and, after postsuper -e, `force-expired`.
  if (!/^>, status=(?:force-)?expired,/.test(text.slice(status))) return undefined;
  return { kind: 'expired', queueId, sender: text.slice('from=<'.length, status), ...head };
}

/** What a message's own line says. */
function readMessage(head: Head, queueId: string, text: string): LogEvent | undefined {
  const hold = readHold(head, queueId, text);
  if (hold !== undefined || queueId === 'NOQUEUE') return hold;
  if (text.startsWith('to=<')) {
    const delivery = readDelivery(text);
    return delivery && { kind: 'delivery', queueId, ...delivery, ...head };
  }
  if (text.startsWith('client=')) return readAccepted(head, queueId, text);
  if (text.startsWith('from=<')) return readFrom(head, queueId, text);
  if (text.startsWith('message-id=') || text.startsWith('resent-message-id='))
    return { kind: 'turn', ...head };
  if (head.program === 'pickup' && text.startsWith('uid='))
    return { kind: 'accepted', queueId, client: 'local', ...head };
  switch (text) {
    case 'removed':
      return { kind: 'removed', queueId, ...head };
    case 'requeued':
      return { kind: 'requeued', queueId, ...head };
    case 'released from hold':
      return { kind: 'released', queueId, ...head };
    case 'placed on hold':
      return { kind: 'hold', queueId, by: 'operator', text, ...head };
    default:
      return undefined;
  }
}

/** What a program of Postfix said: the text behind `postfix/smtp[123]: `. */
export function readText(line: LogLine): LogEvent | undefined {
  const head = { atMs: line.atMs, program: line.program, pid: line.pid };
  const text = line.text;
  if (text.startsWith('warning: ')) return readWarning(head, text.slice('warning: '.length));
  if (text.startsWith('connect from ') || text.startsWith('disconnect from '))
    return line.program === 'smtpd' ? { kind: 'turn', ...head } : undefined;
  if (text.startsWith('renamed file ')) {
    const found = RENAMED.exec(text.slice(0, 500));
    if (found === null || found[1] === found[2]) return undefined;
    return { kind: 'renamed', queueId: found[1]!, newId: found[2]!, ...head };
  }
  const colon = text.slice(0, LONGEST_ID + 2).indexOf(': ');
  if (colon < 1) return undefined;
  const queueId = text.slice(0, colon);
  return ID.test(queueId) ? readMessage(head, queueId, text.slice(colon + 2)) : undefined;
}

/** What a line of a log file says. `nowMs`: see readLine. */
export function readEvent(line: string, stamps: StampReader, nowMs: number): LogEvent | undefined {
  const parts = readLine(line, stamps, nowMs);
  return parts && readText(parts);
}
