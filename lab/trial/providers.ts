/**
 * Simulated providers with rules that they tell nobody, as sinks play them. Each keeps its own state:
 * make a new one for each sink. `minuteMs` is how long a minute takes; what they say is what their
 * likes say (rules/*.yaml), about the address 192.0.2.25.
 */
import type { Question, Rule } from '../sink.ts';

/** What the world sees the sender come from. */
export const OWN_ADDRESS = '192.0.2.25';
/** Of somebody who forwards mail. */
const FORWARDER = '198.51.100.7';

export const WARNING = `451 4.7.650 The mail server [${OWN_ADDRESS}] has been temporarily rate limited due to IP reputation. See https://postmaster.live.com (S843)`;
export const BLOCK = `550 5.7.1 Unfortunately, messages from [${OWN_ADDRESS}] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).`;
export const POLICY = '550 5.7.1 Policy reason';
export const FREQUENCY =
  '550 Ip frequency limited. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000725';
export const CONNECTIONS =
  '421 mwinf5c79 ME Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR005_104 [104]';
export const DOWNSTREAM = `550 5.7.1 host outlook-com.olc.protection.outlook.com said: 550 5.7.1 Unfortunately, messages from [${FORWARDER}] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).`;

/** At most so many in any window of so many minutes. */
export interface Bound {
  readonly count: number;
  readonly minutes: number;
}

/** Recent times, those of the last windowMs. */
class Recent {
  #times: number[] = [];
  readonly windowMs: number;

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  count(nowMs: number): number {
    this.#times = this.#times.filter((atMs) => atMs > nowMs - this.windowMs);
    return this.#times.length;
  }

  add(nowMs: number): void {
    this.#times.push(nowMs);
  }
}

/** How many warnings in ten minutes Outlook lets pass before it blocks. */
const WARNINGS = 20;

/** Above its rate it says slow down; who goes on all the same is blocked for an hour. */
export function outlookLike(bound: Bound, minuteMs: number): Rule {
  const taken = new Recent(bound.minutes * minuteMs);
  const warned = new Recent(10 * minuteMs);
  let blockedUntilMs = -Infinity;
  return ({ stage, atMs }) => {
    if (stage !== 'mail') return undefined;
    if (atMs < blockedUntilMs) return BLOCK;
    if (taken.count(atMs) < bound.count) {
      taken.add(atMs);
      return undefined;
    }
    warned.add(atMs);
    if (warned.count(atMs) <= WARNINGS) return WARNING;
    blockedUntilMs = atMs + 60 * minuteMs;
    return BLOCK;
  };
}

/** A university's gateway: what comes beyond a burst is refused for good, after the message. */
export function utcLike(bound: Bound, minuteMs: number): Rule {
  const taken = new Recent(bound.minutes * minuteMs);
  return ({ stage, atMs }) => {
    if (stage !== 'end') return undefined;
    if (taken.count(atMs) >= bound.count) return POLICY;
    taken.add(atMs);
    return undefined;
  };
}

/**
 * Limits of a minute, an hour and a day, each refused as if it were for good: over that of a minute
 * for ten minutes, of an hour for two hours, of a day for the rest of the day.
 */
export function qqLike(
  counts: { readonly minute: number; readonly hour: number; readonly day: number },
  minuteMs: number,
): Rule {
  const tiers = [
    { most: counts.minute, taken: new Recent(minuteMs), closedMs: 10 * minuteMs },
    { most: counts.hour, taken: new Recent(60 * minuteMs), closedMs: 120 * minuteMs },
    { most: counts.day, taken: new Recent(1440 * minuteMs), closedMs: 0 },
  ];
  let closedUntilMs = -Infinity;
  return ({ stage, atMs }) => {
    if (stage !== 'rcpt') return undefined;
    if (atMs < closedUntilMs) return FREQUENCY;
    const full = tiers.findLast(({ most, taken }) => taken.count(atMs) >= most);
    if (full !== undefined) {
      closedUntilMs = atMs + full.closedMs;
      return FREQUENCY;
    }
    for (const { taken } of tiers) taken.add(atMs);
    return undefined;
  };
}

/** So many connections at once, whatever the rate. */
export function orangeLike(mostConnections: number): Rule {
  return ({ stage, connections }) =>
    stage === 'connect' && connections > mostConnections ? CONNECTIONS : undefined;
}

/** Takes everything, and is itself blocked where it forwards the mail of some recipients to. */
export function forwarder(isForwarded: (recipient: string) => boolean): Rule {
  return ({ stage, recipients }: Question) =>
    stage === 'end' && recipients.some(isForwarded) ? DOWNSTREAM : undefined;
}
