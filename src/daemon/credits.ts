/** What was delivered counts for the climb, and is told in one piece: not each mail is a change. */
import type { Learner } from '../feedback/learner.ts';
import type { Departure } from '../feedback/outcome-reader.ts';

interface Credit {
  recipients: number;
  readonly first: Departure;
}

export class Credits {
  readonly #learner: Pick<Learner, 'tell'>;
  readonly #due = new Map<string, Credit>();

  constructor(learner: Pick<Learner, 'tell'>) {
    this.#learner = learner;
  }

  add(provider: string, departure: Departure): void {
    const credit = this.#due.get(provider);
    if (credit !== undefined) credit.recipients += 1;
    else this.#due.set(provider, { recipients: 1, first: departure });
  }

  /** Never rejects. */
  async pay(): Promise<void> {
    const due = [...this.#due];
    this.#due.clear();
    await Promise.all(
      due.map(([provider, { recipients, first }]) =>
        this.#learner.tell(provider, { kind: 'taken', recipients, ...first }, 'delivered'),
      ),
    );
  }
}
