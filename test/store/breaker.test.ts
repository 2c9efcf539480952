import t from 'tap';
import { breakerAfter, CLOSED } from '../../src/store/breaker.ts';
import type { Breaker } from '../../src/store/breaker.ts';

const failed = (breaker: Breaker, atUs: number, why = 'gone'): Breaker =>
  breakerAfter(breaker, { kind: 'failed', atUs, why });

t.test(
  'a failure casts doubt, a failed attempt opens it, one that succeeds closes it',
  async (t) => {
    const doubted = failed(CLOSED, 1000);
    t.same(doubted, { kind: 'doubted', sinceUs: 1000, why: 'gone', tried: 0, nextTryUs: 1000 });
    t.same(breakerAfter(doubted, { kind: 'joined' }), CLOSED);
    const open = failed(doubted, 2000, 'not back');
    t.same(open, { kind: 'open', sinceUs: 1000, why: 'not back', tried: 1, nextTryUs: 102_000 });
    t.same(breakerAfter(open, { kind: 'joined' }), CLOSED);
    t.same(breakerAfter(CLOSED, { kind: 'joined' }), CLOSED);
  },
);

t.test('attempts that fail come ever more seldom, once a second at the least', async (t) => {
  let breaker = failed(CLOSED, 0);
  const waits: number[] = [];
  for (let atUs = 1e6; waits.length < 6; atUs += 1e6) {
    breaker = failed(breaker, atUs, `gone ${waits.length}`);
    if (breaker.kind === 'closed') throw new Error('closed by a failure');
    waits.push((breaker.nextTryUs - atUs) / 1000);
  }
  t.same(waits, [100, 200, 400, 800, 1000, 1000]);
  t.match(breaker, { sinceUs: 0, why: 'gone 5', tried: 6 }, 'away since the first, why the last');
});
