import t from 'tap';
import type { Sent } from '../../lab/client.ts';
import { account, fullestWindow, gaps, overruns } from '../../lab/ledger.ts';
import type { Delivery } from '../../lab/sink.ts';

const sent = (serial: string, to: string[], code = 250): Sent => ({
  serial,
  to,
  code,
  reply: `${code}`,
  refused: [],
  startedAtMs: 0,
  latencyMs: 1,
});
const delivery = (serial: string, recipient: string): Delivery => ({
  atMs: 0,
  mailAtMs: 0,
  recipient,
  sender: 'a@lab.test',
  serial,
  headers: new Map(),
  sizeBytes: 1,
  connection: 1,
});

t.test('it tells lost, duplicated, unknown and refused', async (t) => {
  const books = account(
    [sent('1', ['a', 'b']), sent('2', ['a']), sent('3', ['a'], 451)],
    [delivery('1', 'A'), delivery('2', 'a'), delivery('2', 'a'), delivery('9', 'z')],
  );
  t.strictSame(books, {
    accepted: 3,
    delivered: 2,
    lost: ['1 b'],
    duplicated: ['2 a'],
    unknown: ['9 z'],
    refused: 1,
  });
});

t.test('it finds the fullest window and the overrun', async (t) => {
  const times = [500, 0, 100, 400, 450, 1000];
  t.strictSame(fullestWindow(times, 101), { count: 3, fromMs: 400 });
  t.strictSame(fullestWindow(times, 100), { count: 2, fromMs: 0 + 400 });
  t.strictSame(overruns(times, [{ count: 2, windowMs: 101, burst: 2 }]), []);
  t.strictSame(overruns(times, [{ count: 2, windowMs: 101 }]), ['3 within 101 ms, 2 promised']);
  t.strictSame(overruns(times, [{ count: 2, windowMs: 101 }], 1), []);
});

t.test('gaps are those of the sorted times', async (t) => {
  t.strictSame(gaps([300, 0, 100, 600]), { count: 3, p50Ms: 200, p99Ms: 300, mostMs: 300 });
});
