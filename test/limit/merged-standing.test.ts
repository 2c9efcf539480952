import * as fc from 'fast-check';
import t from 'tap';
import { mergedStanding } from '../../src/limit/merged-standing.ts';
import { UNTROUBLED, type Standing, type Stop } from '../../src/limit/standing.ts';

const MIN = 60_000;
const NOW = 1_000_000_000;

const at = (min: number, factor: number, more: Partial<Standing> = {}): Standing => {
  const sinceMs = NOW + min * MIN;
  return { ...UNTROUBLED, factor, sinceMs, wall: { perMin: 10, atMs: sinceMs }, ...more };
};
const until = (min: number, times = 1): Stop => ({
  phase: 'suspended',
  untilMs: NOW + min * MIN,
  times,
});
const probing = (step: number): Stop => ({
  phase: 'probing',
  times: 1,
  step,
  out: [],
  taken: 0,
  unclear: 0,
  blind: false,
});

const CASES: readonly (readonly [
  name: string,
  one: Standing,
  other: Standing,
  holds: Pick<Standing, 'factor' | 'stop'>,
])[] = [
  ['two throttles of one limit', at(0, 0.5), at(1, 0.4), { factor: 0.4, stop: undefined }],
  ['the lower one first', at(0, 0.2), at(1, 0.4), { factor: 0.2, stop: undefined }],
  ['climbed from since', at(0, 0.1), at(60, 0.4), { factor: 0.4, stop: undefined }],
  [
    'a block, then a throttle',
    at(0, 0.5, { stop: until(60) }),
    at(20, 0.4),
    { factor: 0.4, stop: until(60) },
  ],
  [
    'a block that was over by then',
    at(0, 0.5, { stop: until(60) }),
    at(90, 0.4),
    { factor: 0.4, stop: undefined },
  ],
  [
    'two blocks',
    at(0, 0.5, { stop: until(60) }),
    at(5, 0.5, { stop: until(125, 2) }),
    { factor: 0.5, stop: until(125, 2) },
  ],
  [
    'a longer one first',
    at(0, 0.5, { stop: until(1440) }),
    at(5, 0.5, { stop: until(65) }),
    { factor: 0.5, stop: until(1440) },
  ],
  [
    'probes on one side',
    at(0, 0.5, { stop: until(60) }),
    at(0, 0.5, { stop: probing(1) }),
    { factor: 0.5, stop: probing(1) },
  ],
  [
    'opened by probes',
    at(0, 0.5, { stop: probing(2) }),
    at(70, 0.5),
    { factor: 0.5, stop: undefined },
  ],
  [
    'set back by an operator',
    at(0, 0.5),
    at(1, 1, { wall: undefined }),
    { factor: 1, stop: undefined },
  ],
];

for (const [name, one, other, holds] of CASES) {
  t.test(name, async (t) => {
    for (const merged of [mergedStanding(one, other), mergedStanding(other, one)]) {
      t.equal(merged.factor, holds.factor);
      t.same(merged.stop, holds.stop);
      t.equal(merged.sinceMs, Math.max(one.sinceMs, other.sinceMs));
    }
  });
}

t.test('what was counted on both sides is counted', async (t) => {
  const judged = (...ids: string[]) => ids.map((id, i) => ({ id, atMs: NOW + i }));
  const one = at(0, 0.5, {
    judged: judged('a', 'b'),
    episode: ['x'],
    places: { most: 2, sinceMs: NOW },
  });
  const other = at(1, 0.5, { judged: judged('b', 'c'), episode: ['y'] });
  const merged = mergedStanding(one, other);
  t.same(merged.judged.map(({ id }) => id).toSorted(), ['a', 'b', 'c']);
  t.same([...merged.episode].toSorted(), ['x', 'y']);
  t.equal(merged.places?.most, 2);
});

t.test('a provider that either knows to block is not opened by the other', async (t) => {
  const minutes = fc.nat(300);
  const stop = fc.option(
    fc.tuple(minutes, fc.nat(3)).map(([min, times]) => until(min, times + 1)),
    { nil: undefined },
  );
  const standing = fc
    .tuple(minutes, fc.double({ min: 0.01, max: 1, noNaN: true }), stop)
    .map(([min, factor, known]) => at(min, factor, { stop: known }));
  fc.assert(
    fc.property(standing, standing, (one, other) => {
      const merged = mergedStanding(one, other);
      const runs = [one.stop, other.stop].flatMap((known) =>
        known?.phase === 'suspended' && known.untilMs > merged.sinceMs ? [known.untilMs] : [],
      );
      const most = Math.max(0, ...runs);
      return most === 0 || (merged.stop?.phase === 'suspended' && merged.stop.untilMs >= most);
    }),
  );
  t.pass('no counterexample');
});
