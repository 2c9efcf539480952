/**
 * The providers of the demo, and how each treats a sender that is too fast. Their limits are those
 * a small server would really be given, a minute played in three seconds.
 */
import { hiddenRate } from '../rules.ts';
import type { Rule, Stage } from '../sink.ts';

export interface Role {
  readonly id: string;
  readonly name: string;
  readonly domains: readonly string[];
  /** Out of how many members of the `@all` this many have their mailbox here. */
  readonly share: number;
  /** Recipients a minute, in real life; and how many back to back after a pause. */
  readonly perMinute: number;
  readonly burst: number;
  readonly inFlight: number;
  /** What nobody tells the sender: messages a minute beyond which it refuses. */
  readonly hiddenPerMinute: number;
  readonly stage: Stage;
  readonly reply: string;
  /** How many minutes the sender stays blocked after an excess. */
  readonly blockMinutes: number;
}

export const CAST: readonly Role[] = [
  {
    id: 'utc',
    name: 'UTC',
    domains: ['utc.fr', 'etu.utc.fr'],
    share: 600,
    perMinute: 20,
    burst: 3,
    inFlight: 5,
    hiddenPerMinute: 40,
    stage: 'end',
    reply: '550 5.7.1 Policy reason',
    blockMinutes: 60,
  },
  {
    id: 'gmail',
    name: 'Gmail',
    domains: ['gmail.com'],
    share: 100,
    perMinute: 30,
    burst: 10,
    inFlight: 5,
    hiddenPerMinute: 80,
    stage: 'mail',
    reply: '421 4.7.28 Gmail has detected an unusual rate of unsolicited mail',
    blockMinutes: 0,
  },
  {
    id: 'outlook',
    name: 'Outlook',
    domains: ['outlook.com', 'hotmail.com'],
    share: 50,
    perMinute: 10,
    burst: 3,
    inFlight: 2,
    hiddenPerMinute: 20,
    stage: 'mail',
    reply:
      "550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent. Please contact your " +
      'Internet service provider since part of their network is on our block list (S3150).',
    blockMinutes: 60,
  },
  {
    id: 'qq',
    name: 'QQ',
    domains: ['qq.com'],
    share: 15,
    perMinute: 5,
    burst: 2,
    inFlight: 1,
    hiddenPerMinute: 8,
    stage: 'rcpt',
    reply: '550 Ip frequency limited',
    blockMinutes: 5,
  },
];

/** How long a real minute takes in the demo: shorter for a larger burst, so that it ends in time. */
export function minuteMs(mails: number): number {
  return Math.round(3000 * Math.min(1, 1000 / mails));
}

/** How a provider answers who exceeds its hidden rate. */
export function temper(role: Role, windowMs: number): Rule {
  return hiddenRate({
    count: role.hiddenPerMinute,
    windowMs,
    stage: role.stage,
    reply: role.reply,
    blockMs: role.blockMinutes * windowMs,
  });
}

/** The members that an `@all` reaches, providers mixed as a member list mixes them. */
export function members(mails: number): readonly string[] {
  const shares = CAST.reduce((sum, { share }) => sum + share, 0);
  const owed = CAST.map(({ share }) => share / shares);
  const given = CAST.map(() => 0);
  return Array.from({ length: mails }, (_, index) => {
    // Whoever is furthest behind their share is next.
    const lag = owed.map((part, i) => part * (index + 1) - (given[i] ?? 0));
    const next = lag.indexOf(Math.max(...lag));
    given[next] = (given[next] ?? 0) + 1;
    const { domains = [] } = CAST[next] ?? {};
    return `member${index}@${domains[index % domains.length]}`;
  });
}
