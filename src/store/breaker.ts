/**
 * Whether Redis is asked. One failure is enough to ask no more: it is tried in the background, at
 * once and until it answers. A first attempt that succeeds makes it a hiccup, during which mail was
 * held; one that fails makes it an absence, and mail is decided on without Redis. Pure.
 */

export type Breaker =
  | { readonly kind: 'closed' }
  | {
      /** doubted: no attempt has been made yet. */
      readonly kind: 'doubted' | 'open';
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
        return { kind: 'doubted', sinceUs: atUs, why, tried: 0, nextTryUs: atUs };
      }
      const waitUs = Math.min(LONGEST_US, FIRST_US * 2 ** breaker.tried);
      const tried = breaker.tried + 1;
      return { ...breaker, kind: 'open', why, tried, nextTryUs: atUs + waitUs };
    }
    default:
      return event satisfies never;
  }
}
