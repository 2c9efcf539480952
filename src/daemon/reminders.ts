/** What slowing down does not help, and what is another's affair: said once an hour each. */
import { readableCause } from '../feedback/cause.ts';
import type { Classification } from '../feedback/classify.ts';
import type { PaceLog } from '../pace/log.ts';
import type { DeliveryEvent } from '../postfix/event.ts';

/** The same thing to mend is said so often. */
const REMIND_MS = 3_600_000;
const MOST_REMINDERS = 1000;

export class Reminders {
  readonly #log: PaceLog;
  readonly #reminded = new Map<string, number>();

  constructor(log: PaceLog) {
    this.#log = log;
  }

  remind(
    { queueId, reply }: Pick<DeliveryEvent, 'queueId' | 'reply'>,
    provider: string,
    { category, group, blames, rule }: Classification,
    nowMs: number,
  ): void {
    const isOthers = blames === 'intermediary';
    if (group !== 'ours' && !isOthers) return;
    const key = `${provider} ${category} ${blames}`;
    if ((this.#reminded.get(key) ?? -Infinity) > nowMs - REMIND_MS) return;
    if (this.#reminded.size >= MOST_REMINDERS) this.#reminded.clear();
    this.#reminded.set(key, nowMs);
    const fields = { queueId, provider, category, rule, reply: readableCause(reply) };
    if (isOthers) {
      this.#log.info(fields, 'refused for the sake of somebody who forwards: no limit moves');
    } else {
      this.#log.warn(fields, 'refused for something of ours to mend: slowing does not help');
    }
  }
}
