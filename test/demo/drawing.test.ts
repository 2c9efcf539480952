import t from 'tap';
import { CAST, members } from '../../lab/demo/cast.ts';
import { chart, windowsPerColumn } from '../../lab/demo/chart.ts';
import { course } from '../../lab/demo/course.ts';
import { coursePlot } from '../../lab/demo/course-plot.ts';
import { courseSvg } from '../../lab/demo/course-svg.ts';
import { demoOptions } from '../../lab/demo/options.ts';
import { plot, plotTimes } from '../../lab/demo/plot.ts';
import { membersOf } from '../../lab/demo/snapshot.ts';
import { svg } from '../../lab/demo/svg.ts';

const input = {
  name: 'QQ',
  limitText: 'at most 6 in any minute',
  perWindow: 5,
  burst: 2,
  acceptedMs: [0, 1, 2, 3, 4, 5, 3000, 3001, 6000],
  refusedMs: [3002, 3003, 3004, 3005, 3006, 3007, 3008, 3009, 3010, 3011],
};

t.test('a chart counts arrivals and refusals a column', async (t) => {
  const { columns, limit } = chart(input, 0, 9000, 3000, 1);
  t.equal(limit, 6);
  t.same(columns, [
    { accepted: 6, refused: 0 },
    { accepted: 2, refused: 10 },
    { accepted: 1, refused: 0 },
  ]);
  t.equal(windowsPerColumn(120_000, 3000, 64), 1);
  t.equal(windowsPerColumn(600_000, 3000, 64), 4);
});

/** Three columns fill the plot. */
function wide(cells: string): string {
  return cells.replaceAll(/./g, (cell) => cell.repeat(21));
}

t.test('a plot draws them with the limit, within 80 columns', async (t) => {
  const one = chart(input, 0, 9000, 3000, 1);
  const lines = plot(one, { colour: false });
  t.same(lines.slice(0, 5), [
    'QQ: at most 6 in any minute',
    `    12 │${wide(' ░ ')}`,
    `       │${wide(' ░ ')}`,
    `     6 ┤${wide('█░╌')}`,
    `       │${wide('█░▃')}`,
  ]);
  t.equal(plotTimes(one), `        0${' '.repeat(20)}3${' '.repeat(20)}6 s`);
  const long = chart(input, 0, 64 * 3000, 3000, 1);
  t.ok([...plot(long, { colour: false }), plotTimes(long)].every((line) => line.length <= 80));
});

t.test('the labels of the picture stand clear of one another', async (t) => {
  const charts = [
    chart(input, 0, 9000, 3000, 1),
    chart({ ...input, refusedMs: [3002] }, 0, 9000, 3000, 1),
  ];
  const picture = svg('1 & 2', 'below', charts);
  t.match(picture, /<text [^>]*>1 &amp; 2<\/text>/);
  const sides = [...picture.matchAll(/<text x="62" y="([\d.]+)"/g)].map(([, y]) => Number(y));
  t.equal(sides.length, 5, 'zero, limit and peak; zero and limit');
  const sorted = sides.toSorted((a, b) => a - b);
  t.ok(sorted.slice(1).every((y, i) => y - (sorted[i] ?? y) >= 12));
});

t.test('an @all is shared out as in the field, none forgotten', async (t) => {
  t.same(
    [...membersOf(1000)],
    [
      ['utc', 784],
      ['gmail', 131],
      ['outlook', 65],
      ['qq', 20],
    ],
  );
  t.equal(new Set(members(1000)).size, 1000);
  for (const mails of [1, 7, 60, 999]) {
    const sum = [...membersOf(mails).values()].reduce((total, count) => total + count, 0);
    t.equal(sum, mails);
  }
  for (const { id, hiddenPerMinute, perMinute, burst } of CAST) {
    t.ok(hiddenPerMinute > perMinute + burst - 1, `${id} tolerates its limit`);
  }
});

t.test('options', async (t) => {
  t.same(demoOptions([]), { mails: 1000, without: false, feedbackHours: undefined });
  t.same(demoOptions(['--mails=60', '--without']), {
    mails: 60,
    without: true,
    feedbackHours: undefined,
  });
  for (const argv of [['--mails', '0'], ['--mails', '5001'], ['--mails', '1.5'], ['--quick']]) {
    t.throws(() => demoOptions(argv), SyntaxError, argv.join(' '));
  }
});

t.test('a course has an hour a column: taken, warned, and the limits of the time', async (t) => {
  const drawn = course({
    fromMs: 1000,
    minuteMs: 10,
    hours: 3,
    ceilingPerMin: 1,
    takenMs: [1000, 1599, 1600],
    warnedMs: [1700],
    samples: [
      { atMs: 1000, factor: 1, wallPerMin: undefined, phase: undefined },
      { atMs: 1800, factor: 0.5, wallPerMin: 0.8, phase: 'slowed' },
    ],
    hiddenPerMin: (hour) => (hour < 2 ? 0.7 : undefined),
  });
  t.same(drawn, [
    { taken: 2, warned: 0, limit: 60, wall: undefined, hidden: 42 },
    { taken: 1, warned: 1, limit: 30, wall: 48, hidden: 42 },
    { taken: 0, warned: 0, limit: 30, wall: 48, hidden: undefined },
  ]);
  const lines = coursePlot(drawn, false);
  t.match(lines[0], /^ {4}60 │● {2}$/);
  t.match(lines.join('\n'), /warned │ 1 /);
  const picture = courseSvg('Title <1>', 'below', drawn);
  t.match(picture, /^<svg .*Title &lt;1>.*<\/svg>\n$/s);
  t.equal(picture.match(/<polyline/g)?.length, 3, 'wall, hidden limit, limit in force');
});
