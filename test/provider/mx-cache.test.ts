import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { MxCache, type MxCacheParts } from '../../src/provider/mx-cache.ts';
import type { MxFound } from '../../src/provider/mx-lookup.ts';

const HOUR_MS = 3600_000;

function hosts(ttlSec: number, host = 'mx.example.net'): MxFound {
  return { kind: 'answer', answer: { kind: 'hosts', hosts: [host] }, ttlSec };
}
const failed: MxFound = { kind: 'failed', why: 'SERVFAIL from 192.0.2.53' };

/** A cache whose clock is set by hand and whose lookups are answered by hand. */
function aCache(more: Partial<MxCacheParts> = {}) {
  const asked: string[] = [];
  const open: ((found: MxFound) => void)[] = [];
  const now = { ms: 1000 };
  const cache = new MxCache({
    lookUp: (domain) => {
      asked.push(domain);
      return new Promise((resolve) => open.push(resolve));
    },
    nowMs: () => now.ms,
    ...more,
  });
  const answer = async (found: MxFound): Promise<void> => {
    open.shift()?.(found);
    await turn();
  };
  return { cache, asked, now, answer };
}

t.test('one lookup, however many ask; kept for its TTL', async (t) => {
  const { cache, asked, now, answer } = aCache();
  t.equal(cache.get('a.example'), undefined, 'never asked for');
  for (let i = 0; i < 50; i++) cache.start('a.example');
  t.same(asked, ['a.example']);
  t.same(cache.get('a.example'), { kind: 'asked' });
  await answer(hosts(300));
  t.match(cache.get('a.example'), { kind: 'known', fresh: true, untilMs: 301_000 });
  now.ms = 300_999;
  cache.start('a.example');
  t.equal(asked.length, 1, 'not asked for while it lasts');
  now.ms = 301_000;
  t.match(cache.get('a.example'), { kind: 'known', fresh: false }, 'too old');
  cache.start('a.example');
  t.equal(asked.length, 2, 'asked for anew');
  await answer(hosts(300, 'new.example.net'));
  t.match(cache.get('a.example'), { answer: { hosts: ['new.example.net'] }, fresh: true });
});

t.test('TTLs are bounded', async (t) => {
  const table: readonly (readonly [what: string, found: MxFound, keptMs: number])[] = [
    ['0', hosts(0), 60_000],
    ['an hour', hosts(3600), HOUR_MS],
    ['sixty-eight years', hosts(0x7fffffff), 24 * HOUR_MS],
    ['no MX', { kind: 'answer', answer: { kind: 'address' }, ttlSec: 86_400 }, HOUR_MS],
    ['no domain', { kind: 'answer', answer: { kind: 'missing' }, ttlSec: 5 }, 60_000],
    ['null MX', { kind: 'answer', answer: { kind: 'null' }, ttlSec: 86_400 }, 24 * HOUR_MS],
  ];
  for (const [what, found, keptMs] of table) {
    const { cache, answer } = aCache();
    cache.start('a.example');
    await answer(found);
    t.match(cache.get('a.example'), { untilMs: 1000 + keptMs }, what);
  }
});

t.test(
  'a failure is kept for half a minute, what was known before it for three days',
  async (t) => {
    const { cache, asked, now, answer } = aCache();
    cache.start('a.example');
    await answer(failed);
    t.same(cache.get('a.example'), { kind: 'failed', why: failed.why, againMs: 31_000 });
    cache.start('a.example');
    t.equal(asked.length, 1);
    now.ms = 31_000;
    cache.start('a.example');
    t.equal(asked.length, 2, 'asked again');
    await answer(hosts(60));
    now.ms = 100_000;
    cache.start('a.example');
    await answer(failed);
    t.match(cache.get('a.example'), {
      kind: 'known',
      fresh: false,
      untilMs: 91_000,
      failed: failed.why,
      answer: { hosts: ['mx.example.net'] },
    });
    now.ms = 91_000 + 72 * HOUR_MS;
    t.match(cache.get('a.example'), { kind: 'failed' }, 'too old to be true');
  },
);

t.test('half a second is waited for, from when the lookup began', async (t) => {
  t.test('not where nothing is under way', async (t) => {
    const { cache, answer } = aCache();
    t.equal(cache.wait(['a.example']), undefined);
    cache.start('a.example');
    await answer(hosts(60));
    t.equal(cache.wait(['a.example']), undefined);
  });
  t.test('until the answer is there', async (t) => {
    const { cache, answer } = aCache();
    cache.start('a.example');
    const waiting = cache.wait(['a.example', 'b.example']);
    t.ok(waiting);
    await answer(hosts(60));
    await waiting;
    t.match(cache.get('a.example'), { kind: 'known' });
  });
  t.test('or time is up, also for those who come later', async (t) => {
    const { cache, now } = aCache();
    cache.start('a.example');
    now.ms += 400;
    const begunMs = performance.now();
    await cache.wait(['a.example']);
    const waitedMs = performance.now() - begunMs;
    t.ok(waitedMs > 80 && waitedMs < 400, `the rest of it: ${waitedMs} ms`);
    now.ms += 100;
    t.equal(cache.wait(['a.example']), undefined, 'nobody else waits for it');
  });
});

t.test('32 at a time, the others in turn, too many fail at once', async (t) => {
  const { cache, asked, answer } = aCache({ mostKept: 10_000 });
  for (let i = 0; i < 6000; i++) cache.start(`d${i}.example`);
  t.equal(asked.length, 32);
  await turn();
  t.match(cache.get('d5999.example'), { kind: 'failed', why: 'too many lookups at once' });
  t.same(cache.get('d5000.example'), { kind: 'asked' });
  for (let i = 0; i < 5032; i++) await answer(hosts(60));
  t.equal(asked.length, 5032);
  t.equal(asked.at(-1), 'd5031.example', 'in the order in which they came');
  t.match(cache.get('d5031.example'), { kind: 'known' });
});

t.test('what is longest unused is forgotten first', async (t) => {
  const { cache, answer } = aCache({ mostKept: 3 });
  for (const name of ['a.example', 'b.example', 'c.example']) {
    cache.start(name);
    await answer(hosts(60));
  }
  cache.start('a.example');
  cache.start('d.example');
  await answer(hosts(60));
  t.equal(cache.size, 3);
  t.equal(cache.get('b.example'), undefined);
  t.match(cache.get('a.example'), { kind: 'known' }, 'used since');
});
