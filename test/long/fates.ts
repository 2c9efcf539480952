/**
 * The same mail to a provider with a hidden rule: with nothing beside Postfix, with fixed limits that
 * are ten times too high, and with limits that learn.
 */
import type { Test } from 'tap';
import type { Rule } from '../../lab/sink.ts';
import { startTrial, type Pacing, type Trial } from '../../lab/trial/trial.ts';

export const SCALE = 720;

export interface Case {
  readonly provider: string;
  readonly domain: string;
  readonly rule: () => Rule;
  /** What it bears for hours, recipients a minute. */
  readonly perMinute: number;
  readonly inFlight: number;
  /** Bursts, and minutes from one to the next. */
  readonly bursts: number;
  readonly mails: number;
  readonly everyMinutes: number;
  /** Refusals that it means for good although they are about the rate. */
  readonly softened?: string;
}

async function play(trial: Trial, { bursts, mails, everyMinutes }: Case): Promise<void> {
  for (let i = 0; i < bursts; i += 1) {
    await trial.send(mails);
    await trial.pass(everyMinutes);
  }
  await trial.settles(2 * 1440);
}

/** What becomes of the mail with one kind of pacing. */
export async function fate(one: Case, pacing: Pacing) {
  const { provider, domain, perMinute, inFlight, softened } = one;
  const trial = await startTrial({
    pacing,
    provider,
    domain,
    scale: SCALE,
    inFlight,
    rule: one.rule(),
    ceilingPerMin: 10 * perMinute,
    ...(softened !== undefined && pacing !== 'none' && { softened }),
  });
  try {
    await play(trial, one);
    const { accepted, delivered, duplicated } = trial.account();
    const refused = trial.sink.refusals.length;
    const waiting = (await trial.postfix.postqueue()).length;
    return { accepted, lost: accepted - delivered - waiting, waiting, duplicated, refused };
  } finally {
    await trial.stop();
  }
}

/** All three, told as comments. */
export async function fates(t: Test, one: Case) {
  const told = async (pacing: Pacing) => {
    const found = await fate(one, pacing);
    const { accepted, lost, waiting, refused } = found;
    t.comment(
      `${pacing}: ${lost} of ${accepted} lost, ${waiting} still wait, refused ${refused} times`,
    );
    return found;
  };
  const none = await told('none');
  const fixed = await told('fixed');
  return { none, fixed, learning: await told('learning') };
}
