/**
 * Whether Redis is asked. One failure is enough to ask no more: mail is then decided on without it,
 * at once, and it is tried in the background until it answers. Pure.
 */

export type Breaker =
  | { readonly kind: 'closed' }
  | {
      readonly kind: 'open';
      readonly sinceUs: number;
      /** What failed last, in words. */
      readonly why: string;
      /** Attempts so far that found it away. */
      readonly tried: number;
      readonly nextTryUs: number;
    };

export type BreakerEvent =
  /** Something that was asked, or an attempt, failed. */
  | { readonly kind: 'failed'; readonly atUs: number; readonly why: string }
  /** An attempt found it there, and all that it had to know was told. */
  | { readonly kind: 'joined' };

const FIRST_US = 100_000;
/** Between two attempts at most: nobody is sent to, or waits, longer without need. */
const LONGEST_US = 1_000_000;

export const CLOSED: Breaker = { kind: 'closed' };

export function breakerAfter(breaker: Breaker, event: BreakerEvent): Breaker {
  switch (event.kind) {
    case 'joined':
      return CLOSED;
    case 'failed': {
      const { atUs, why } = event;
      if (breaker.kind === 'closed') {
        return { kind: 'open', sinceUs: atUs, why, tried: 0, nextTryUs: atUs + FIRST_US };
      }
      const waitUs = Math.min(LONGEST_US, FIRST_US * 2 ** (breaker.tried + 1));
      return { ...breaker, why, tried: breaker.tried + 1, nextTryUs: atUs + waitUs };
    }
    default:
      return event satisfies never;
  }
}
