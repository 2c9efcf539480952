/** What an outcome of one message at one provider means for its limits: what `adjust` is told. */
export type OutcomeEvent =
  | (Refused & { readonly kind: 'slow' })
  | (Refused & {
      readonly kind: 'blocked';
      /** As long as the provider is known to keep it up. */
      readonly holdMs?: number | undefined;
      /** It stops the provider, and says nothing of a rate: that is an operator's, pinned. */
      readonly keepsRate?: boolean;
    })
  | (Refused & {
      readonly kind: 'judged';
      /** Recipients that it took in the last day, and since the last judgement. */
      readonly deliveredDay: number;
      readonly deliveredSince: number;
      /** When somebody complained of it, where that may be long after it left. */
      readonly reportedMs?: number;
    })
  /** Delivered, or refused for the recipient's sake, that far on: the provider takes our mail. */
  | (Outcome & {
      readonly kind: 'taken';
      readonly recipients: number;
      readonly depth?: number | undefined;
    })
  /** Too many connections: no matter of the rate. */
  | (Outcome & { readonly kind: 'crowded'; readonly inFlight: number })
  /** Greylisted, a network that fails, no outcome at all. */
  | (Outcome & { readonly kind: 'unclear' })
  /** The queue manager kept it back: nobody was asked. */
  | (Outcome & { readonly kind: 'kept' })
  /** A probe leaves. */
  | (Outcome & { readonly kind: 'probe' });

export interface Outcome {
  /** The message, unique in the pool. */
  readonly id: string;
  /** When the message was let go. */
  readonly leftMs: number;
}

export interface Refused extends Outcome {
  /** What was really sent in the minute before it left. */
  readonly sentPerMin: number;
  /** How far it came before it was refused (depth.ts), where that is known. */
  readonly depth?: number | undefined;
}
