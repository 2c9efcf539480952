/** What an answer means beyond its own message: who takes mail, who does not, whose mail moves. */
import type { DeliveryEvent } from '../postfix/event.ts';
import type { Desk } from './desk.ts';
import type { Grouped } from './item.ts';
import type { Membership, Outcome } from './membership.ts';
import type { Patients } from './patients.ts';
import type { Blame, Departure, Feedback } from './ports.ts';

export interface ConsequencesParts {
  readonly desk: Desk;
  readonly patients: Patients;
  readonly membership: Membership;
  readonly feedback: Feedback;
  readonly wake: (provider: string) => void;
}

/** Postfix's words for an MX host that has no address. */
const NO_HOST = /^(Host or domain name not found|unable to look up host)/i;

export class Consequences {
  readonly #parts: ConsequencesParts;

  constructor(parts: ConsequencesParts) {
    this.#parts = parts;
    const { membership, feedback } = parts;
    membership.keepApart((id) => feedback.room(id) !== undefined || feedback.factor(id) < 1);
  }

  /** Each attempt: what it says moves the limits of whom it speaks for. Whose affair it is. */
  saw(event: DeliveryEvent, outcome: Outcome, departure: Departure): Blame {
    const { feedback, membership } = this.#parts;
    const { provider } = outcome;
    let refused = provider;
    const blames = feedback.saw(event, provider, departure, (tells) => {
      const speaker = membership.speaksFor(outcome, tells);
      if (tells === 'refused') refused = speaker;
      return speaker;
    });
    // What its own limits are moved by must not be met by its next mail. A deferral is told apart below.
    if (refused !== provider && event.status === 'bounced') this.#sentBack(outcome, event.reply);
    return blames;
  }

  /** The mail has its outcome: a server took it or refused it for good, or none was found. */
  ended({ contacted, status, reply }: DeliveryEvent, outcome: Outcome): void {
    const { patients, desk, wake, membership } = this.#parts;
    if (!contacted && status === 'bounced' && NO_HOST.test(reply)) this.#sentBack(outcome, reply);
    if (!contacted || status === 'expired') return;
    const { alive, move } = membership.answered(outcome, status === 'sent');
    for (const provider of alive) {
      if (!patients.accepted(provider)) continue;
      desk.recovered(provider);
      wake(provider);
    }
    if (move !== undefined) desk.move(move);
  }

  /** A message that left at `leftMs` was deferred, not for its recipient's sake. */
  refused(outcome: Outcome, reply: string, leftMs: number): void {
    const { patients, desk, membership } = this.#parts;
    const { blamed, move } = membership.refused(outcome, reply);
    for (const provider of blamed) patients.refused(provider, reply, leftMs);
    if (move !== undefined) desk.move(move);
  }

  /** What is held anew counts for those that it counts for now. */
  regrouped(grouped: Grouped | undefined): Grouped | undefined {
    return grouped?.map(([destination, provider]) => [
      destination,
      this.#parts.membership.placeOf(destination, provider),
    ]);
  }

  /** It is its domain's own affair: what waits for that moves out of the provider's line. */
  #sentBack(outcome: Outcome, reply: string): void {
    const move = this.#parts.membership.sentBack(outcome, reply);
    if (move !== undefined) this.#parts.desk.move(move);
  }
}
