/**
 * `npm run demo -- --feedback`: a provider whose limit nobody knows, a ceiling three times too high,
 * and postpace that finds the limit, follows it down, and is back at the ceiling when it is lifted.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BLOCK, outlookLike, WARNING, type Bound } from '../trial/providers.ts';
import { MINUTE_MS, startOutlook } from '../trial/outlook.ts';
import type { Trial } from '../trial/trial.ts';
import { nowMs } from '../wait.ts';
import { course, type Hour } from './course.ts';
import { coursePlot } from './course-plot.ts';
import { courseSvg } from './course-svg.ts';
import { own } from './report.ts';
import type { Screen } from './screen.ts';

const FEEDBACK_PICTURE = 'demo-feedback.svg';

/** What it bears at first, and from the second act on. */
const FIRST: Bound = { count: 4, minutes: 12 };
const SECOND: Bound = { count: 3, minutes: 15 };
const CEILING = (3 * FIRST.count) / FIRST.minutes;
/** Parts of the time: the first limit, a lower one, none. */
const ACTS = [0.3, 0.25, 0.45] as const;
/** Mail that always waits. */
const AHEAD = 30;

/** Exit status: 0 if nothing was lost and the provider never blocked, else 1. */
export async function feedbackDemo(
  hours: number,
  screen: Screen,
  interrupt: AbortSignal,
): Promise<number> {
  const ends = [Math.round(ACTS[0] * hours), Math.round((ACTS[0] + ACTS[1]) * hours)] as const;
  screen.say(
    'A private Postfix, postpace, and a provider that says 4.7.650 to who is faster than it bears.',
    `It bears ${perDay(FIRST)} a day, after ${ends[0]} hours ${perDay(SECOND)}, after ${ends[1]} anything;`,
    `postpace is only told ${Math.round(1440 * CEILING)} a day. An hour is played in ${(60 * MINUTE_MS) / 1000} s, ${hours} of them.`,
    '',
  );
  const trial = await startOutlook(outlookLike(FIRST, MINUTE_MS), CEILING);
  try {
    const fromMs = nowMs();
    for (let hour = 0; hour < hours; hour += 1) {
      interrupt.throwIfAborted();
      if (hour === ends[0]) trial.sink.rule = outlookLike(SECOND, MINUTE_MS);
      if (hour === ends[1]) trial.sink.rule = undefined;
      await trial.pass(fromMs / MINUTE_MS + 60 * (hour + 1) - nowMs() / MINUTE_MS, AHEAD);
      if (hour % 4 === 3) screen.say(progress(trial, hour + 1));
    }
    const drawn = course({
      fromMs,
      minuteMs: MINUTE_MS,
      hours,
      ceilingPerMin: CEILING,
      takenMs: trial.sink.deliveries.map(({ mailAtMs }) => mailAtMs),
      warnedMs: trial.said(WARNING),
      samples: trial.samples,
      hiddenPerMin: (hour) =>
        hour < ends[0] ? rate(FIRST) : hour < ends[1] ? rate(SECOND) : undefined,
    });
    screen.say('', ...coursePlot(drawn, screen.colour), '');
    return await conclude(trial, drawn, screen);
  } finally {
    await trial.stop();
  }
}

async function conclude(trial: Trial, drawn: readonly Hour[], screen: Screen): Promise<number> {
  const path = resolve(FEEDBACK_PICTURE);
  const title = 'A hidden limit, found, followed and left';
  await writeFile(path, courseSvg(title, 'An hour is played in two and a half seconds', drawn));
  await own(path);
  // What still waits is let go, so that the books can be closed.
  await trial.settles(720);
  const { accepted, delivered, lost, duplicated } = trial.account();
  const blocks = trial.said(BLOCK).length;
  screen.say(
    `taken from the application  ${accepted}`,
    `delivered                   ${delivered}`,
    `lost, duplicated            ${lost.length}, ${duplicated.length}`,
    `warnings, blocks            ${trial.said(WARNING).length}, ${blocks}`,
    '',
    `The plot as a picture: ${path}`,
  );
  return lost.length === 0 && duplicated.length === 0 && blocks === 0 ? 0 : 1;
}

function progress(trial: Trial, hour: number): string {
  const { factor = 1 } = trial.samples.at(-1) ?? {};
  const warned = trial.said(WARNING).length;
  return `${hour} h: ${trial.sink.deliveries.length} delivered, limit at ${Math.round(100 * factor)} % of the ceiling, ${warned} warnings`;
}

function rate({ count, minutes }: Bound): number {
  return count / minutes;
}

function perDay(bound: Bound): number {
  return Math.round(1440 * rate(bound));
}
