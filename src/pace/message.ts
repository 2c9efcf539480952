/** A message at its end, before it has a verdict. */
import type { Origin } from '../mail/origin.ts';
import type { Grouped } from './item.ts';

/** A message as the milter saw it. */
export interface Message {
  /** undefined: Postfix did not say (it always does at end of message). */
  readonly queueId: string | undefined;
  readonly origin: Origin;
  /** Those that leave the machine or may. */
  readonly recipients: readonly string[];
  /** Decided at RCPT, where some were let in. */
  readonly grouped?: Grouped;
  /** Let in at RCPT (tempfail mode), charged then. */
  readonly admitted?: {
    /** Names its in_flight places, in place of the queue id, which nobody knew then. */
    readonly id: string;
    readonly recipients: readonly string[];
  };
}

/** A message whose destinations have their providers, for as long as it waits. */
export type Sorted = Omit<Message, 'grouped'> & { readonly grouped: Grouped | undefined };

/** What was decided at RCPT stays; of the other destinations what is known now decides. */
export function sorted(
  message: Message,
  groupedOf: (recipients: readonly string[]) => Grouped | undefined,
): Sorted {
  const { grouped: decided = [], ...others } = message;
  const now = groupedOf(message.recipients);
  const news = now?.filter(([destination]) => !decided.some(([one]) => one === destination));
  return { grouped: decided.length === 0 ? now : [...decided, ...(news ?? [])], ...others };
}
