/** The trial that most is shown with: Outlook, limits that learn, a day in a minute. */
import type { Rule } from '../sink.ts';
import { minuteMsOf, startTrial, type Trial } from './trial.ts';

const SCALE = 1440;

/** How long a minute takes. */
export const MINUTE_MS = minuteMsOf(SCALE);

/** `ceilingPerMin`: what postpace is told, recipients a minute. Rejects as startTrial does. */
export function startOutlook(rule: Rule, ceilingPerMin: number): Promise<Trial> {
  return startTrial({
    pacing: 'learning',
    provider: 'outlook',
    domain: 'outlook.com',
    scale: SCALE,
    inFlight: 2,
    rule,
    ceilingPerMin,
  });
}
