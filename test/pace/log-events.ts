/** Lines of the Postfix log, as they are told. */
import type { DeliveryEvent, LogEvent } from '../../src/postfix/event.ts';

/** One attempt of one recipient; delivered unless said otherwise. */
export function delivery(
  queueId: string,
  recipient: string,
  atMs: number,
  more: Partial<DeliveryEvent> = {},
): DeliveryEvent {
  return {
    kind: 'delivery',
    atMs,
    program: 'smtp',
    pid: 1,
    queueId,
    recipient,
    relay: 'mx.one.example[192.0.2.1]:25',
    status: 'sent',
    dsn: '2.0.0',
    reply: '250 2.0.0 Ok',
    delaySec: 0.1,
    contacted: true,
    ...more,
  };
}

export function deferral(
  queueId: string,
  recipient: string,
  atMs: number,
  more: Partial<DeliveryEvent> = {},
): DeliveryEvent {
  const reply = 'host mx.one.example[192.0.2.1] said: 421 4.7.0 slow down';
  return delivery(queueId, recipient, atMs, { status: 'deferred', dsn: '4.7.0', reply, ...more });
}

export function removed(queueId: string, atMs: number): LogEvent {
  return { kind: 'removed', atMs, program: 'qmgr', pid: 2, queueId };
}

export function released(queueId: string, atMs: number): LogEvent {
  return { kind: 'released', atMs, program: 'postsuper', pid: 3, queueId };
}

export function heldByHand(queueId: string, atMs: number): LogEvent {
  const text = 'placed on hold';
  return { kind: 'hold', atMs, program: 'postsuper', pid: 3, queueId, by: 'operator', text };
}
