/** The control against hidden rules that nobody tells it, for days, in virtual time. */
import t from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import { live, type Answer, type Provider } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const ceiling = (perMin: number) => ({
  pace: { count: perMin, windowUs: 60e6, burst: Math.max(1, Math.floor(perMin / 10)) },
  quotas: [],
});

/** Above so many in a minute it says slow down; if that goes on, it blocks for an hour. */
function outlookLike(perMin: number, blockAfter = 20): Provider {
  const arrived: number[] = [];
  const warned: number[] = [];
  let blockedUntilMs = 0;
  return (atMs) => {
    if (atMs < blockedUntilMs) return 'blocked';
    while (arrived.length > 0 && arrived[0]! <= atMs - MINUTE) arrived.shift();
    if (arrived.length >= perMin) {
      while (warned.length > 0 && warned[0]! <= atMs - 10 * MINUTE) warned.shift();
      warned.push(atMs);
      if (warned.length <= blockAfter) return 'slow';
      blockedUntilMs = atMs + HOUR;
      return 'blocked';
    }
    arrived.push(atMs);
    return 'taken';
  };
}

interface Seen {
  readonly perMinute: Map<number, number>;
  readonly counts: Map<Answer, number>;
}

function run(limits: ReturnType<typeof ceiling>, provider: Provider, untilMs: number): Seen {
  const seen: Seen = { perMinute: new Map(), counts: new Map() };
  live({
    limits: limits satisfies Limits,
    provider,
    untilMs,
    observe(atMs, answer) {
      const minute = Math.floor(atMs / MINUTE);
      if (answer === 'taken') seen.perMinute.set(minute, (seen.perMinute.get(minute) ?? 0) + 1);
      seen.counts.set(answer, (seen.counts.get(answer) ?? 0) + 1);
    },
  });
  return seen;
}

const DAYS = 5;
for (const hidden of [5, 20, 60]) {
  for (const times of [1.2, 3, 10]) {
    t.test(`${hidden}/min behind a ceiling of ${times} times that`, async (t) => {
      const { perMinute, counts } = run(ceiling(hidden * times), outlookLike(hidden), DAYS * DAY);
      // Ten minutes together: a minute alone is one recipient more or less.
      const tens = Array.from({ length: DAYS * 144 }, (_, i) => {
        let sum = 0;
        for (let j = 0; j < 10; j += 1) sum += perMinute.get(10 * i + j) ?? 0;
        return sum / (10 * hidden);
      });
      const mean = tens.reduce((a, b) => a + b, 0) / tens.length;
      const low = tens.filter((share) => share < 0.8).length / tens.length;
      const throttlesADay = (counts.get('slow') ?? 0) / DAYS;
      t.comment(`mean ${mean.toFixed(3)}, low ${low.toFixed(3)}, ${throttlesADay} throttles a day`);
      t.equal(counts.get('blocked') ?? 0, 0, 'never blocked');
      t.ok(mean >= 0.85, `mean rate ${mean}`);
      t.ok(low <= 0.05, `${low} of the time below 0.8`);
      t.ok(throttlesADay <= 4, `${throttlesADay} throttle replies a day`);
    });
  }
}

t.test('the rule is lifted: back at the ceiling', async (t) => {
  const hidden = outlookLike(20);
  const { perMinute } = run(ceiling(60), (atMs) => (atMs < DAY ? hidden(atMs) : 'taken'), 3 * DAY);
  const last = Array.from({ length: 60 }, (_, i) => perMinute.get(3 * 1440 - 61 + i) ?? 0);
  t.same([...new Set(last)], [60]);
});

t.test('blocked for what others did: suspended, probed, delivered again by itself', async (t) => {
  const blocked: number[] = [];
  let taken = 0;
  run(
    ceiling(20),
    (atMs) => {
      if (atMs > HOUR && atMs < 6 * HOUR) {
        blocked.push(atMs);
        return 'blocked';
      }
      if (atMs > 6 * HOUR) taken += 1;
      return 'taken';
    },
    DAY,
  );
  // Those in flight at the first, then a probe after 1, 3 and 7 hours.
  t.ok(blocked.length <= 8, `${blocked.length} were refused in five hours`);
  t.ok(taken > 17 * 60 * 10 * 0.5, `${taken} went out in the rest of the day`);
});

t.test('a provider that refuses all after some of a burst, at 200 mails a day', async (t) => {
  // Four bursts of fifty; what is over twelve within an hour is refused by policy.
  const arrived: number[] = [];
  const provider: Provider = (atMs) => {
    while (arrived.length > 0 && arrived[0]! <= atMs - MINUTE) arrived.shift();
    if (arrived.length >= 12) return 'judged';
    arrived.push(atMs);
    return 'taken';
  };
  const judgedBy: number[] = [];
  let sent = 0;
  live({
    limits: ceiling(60),
    provider,
    untilMs: 5 * DAY,
    nextMs: (nowMs) => {
      sent += 1;
      return sent % 50 === 0 ? Math.ceil((nowMs + 1) / (6 * HOUR)) * 6 * HOUR : nowMs;
    },
    observe: (atMs, answer) => void (answer === 'judged' && judgedBy.push(atMs)),
  });
  const early = judgedBy.filter((atMs) => atMs < DAY).length;
  const late = judgedBy.filter((atMs) => atMs >= DAY).length;
  t.ok(early > 0, 'it refused at first');
  t.ok(late <= 2 * 4, `${late} of 800 refused after the first day`);
});
