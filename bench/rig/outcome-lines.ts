/** What Postfix logs of messages that passed, or were held: written where the log is followed. */
import { appendFile } from 'node:fs/promises';
import { nowMs } from '../../lab/wait.ts';
import { type Destinations, domainOf, queueIdOf } from './load.ts';

/** Lines in one write. */
const SLICE = 5000;
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** Messages of the load, `first` and the `count` - 1 after it, that were delivered at once. */
export async function logDelivered(
  logFile: string,
  first: number,
  count: number,
  to: Destinations,
): Promise<void> {
  await logEach(logFile, first, count, (stamp, n) => delivered(stamp, n, to));
}

/** Messages that our own quarantine put into hold. */
export async function logHeld(logFile: string, first: number, count: number): Promise<void> {
  await logEach(logFile, first, count, held);
}

async function logEach(
  logFile: string,
  first: number,
  count: number,
  linesOf: (stamp: string, n: number) => string,
): Promise<void> {
  for (let from = first; from < first + count; from += SLICE) {
    const until = Math.min(first + count, from + SLICE);
    const stamp = stampOf(new Date(nowMs()));
    let text = '';
    for (let n = from; n < until; n += 1) text += linesOf(`${stamp} mail postfix/`, n);
    await appendFile(logFile, text);
  }
}

function delivered(head: string, n: number, to: Destinations): string {
  const id = queueIdOf(n);
  const domain = domainOf(to.base + (n % to.count));
  const relay = `relay=mx.${domain}[192.0.2.1]:25`;
  return (
    `${head}smtpd[101]: ${id}: client=localhost[127.0.0.1]\n` +
    `${head}cleanup[102]: ${id}: message-id=<${id}@mail.lab.test>\n` +
    `${head}qmgr[103]: ${id}: from=<app@lab.test>, size=600, nrcpt=1 (queue active)\n` +
    `${head}smtp[104]: ${id}: to=<user@${domain}>, ${relay}, delay=0.4, ` +
    `delays=0.1/0/0.1/0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok)\n` +
    `${head}qmgr[103]: ${id}: removed\n`
  );
}

function held(head: string, n: number): string {
  const id = queueIdOf(n);
  return (
    `${head}smtpd[101]: ${id}: client=localhost[127.0.0.1]\n` +
    `${head}cleanup[102]: ${id}: message-id=<${id}@mail.lab.test>\n` +
    `${head}cleanup[102]: ${id}: milter-hold: END-OF-MESSAGE from localhost[127.0.0.1]: ` +
    'milter triggers HOLD action; from=<app@lab.test> to=<user@example> proto=ESMTP helo=<x>\n'
  );
}

/** `Nov  4 09:05:01`, in this machine's time, as Postfix writes it. */
function stampOf(date: Date): string {
  const day = String(date.getDate()).padStart(2, ' ');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${MONTHS[date.getMonth()]} ${day} ${time}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
