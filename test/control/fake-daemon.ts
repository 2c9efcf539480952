import {
  ControlError,
  type ControlTarget,
  type FeedbackListReport,
  type HeldReport,
  type ProviderReport,
  type StatusReport,
} from '../../src/control/api.ts';

/** 14:51 in Paris. */
export const NOW = Date.UTC(2026, 10, 24, 13, 51, 0);
const MIN = 60_000;
const H = 60 * MIN;

export const UTC: ProviderReport = {
  provider: 'utc',
  name: 'Université de technologie de Compiègne',
  mode: 'hold',
  limits: { pace: '20/min', burst: 3, quotas: ['300/h', '1500/day'], inFlight: 5, perSender: null },
  configured: {
    pace: '20/min',
    burst: 3,
    quotas: ['300/h', '1500/day'],
    inFlight: 5,
    perSender: null,
  },
  limitsFrom: 'configuration',
  overrideUntil: null,
  suspended: null,
  passUntil: null,
  trouble: null,
  factor: 1,
  feedback: null,
  sent: { minute: 20, hour: 143, day: 1143 },
  inFlight: 3,
  held: 457,
  heldByLane: { transactional: 3, default: 454 },
  limitedSenders: { senders: 0, held: 0 },
  nextRelease: NOW + 3_000,
  lastRelease: NOW + 23 * MIN,
};

export const OUTLOOK: ProviderReport = {
  ...UTC,
  provider: 'outlook',
  name: 'Outlook.com',
  limits: { pace: '5/min', burst: 1, quotas: [], inFlight: 2, perSender: null },
  configured: { pace: '10/min', burst: 1, quotas: [], inFlight: 2, perSender: null },
  limitsFrom: 'override',
  overrideUntil: NOW + 2 * H,
  suspended: { until: NOW + 26 * H, why: 'S3150, form sent' },
  trouble: {
    since: NOW - 10 * MIN,
    nextProbe: NOW + 5 * MIN,
    reply: '451 4.7.650 The mail server [192.0.2.25] has been temporarily rate limited',
  },
  sent: { minute: 0, hour: 0, day: 50 },
  inFlight: 0,
  held: 12,
  heldByLane: { default: 12 },
  nextRelease: null,
  lastRelease: null,
};

/** Has had no mail: status leaves it out. */
export const QUIET: ProviderReport = {
  ...UTC,
  provider: 'quiet',
  limits: { pace: null, burst: null, quotas: [], inFlight: null, perSender: null },
  configured: { pace: null, burst: null, quotas: [], inFlight: null, perSender: null },
  sent: { minute: 0, hour: 0, day: 0 },
  inFlight: 0,
  held: 0,
  heldByLane: {},
  nextRelease: null,
  lastRelease: null,
};

export const STATUS: StatusReport = {
  version: '0.1.0',
  pid: 4711,
  startedAt: NOW - 125 * MIN,
  now: NOW,
  store: 'memory',
  split: null,
  mode: 'hold',
  log: { source: '/var/log/mail.log', state: 'following' },
  // Not there: should a test ever reach the real postsuper, it has nothing to work on.
  postfix: { configDirectory: '/nonexistent/postfix' },
  held: { ours: 469, foreign: 2, unclaimed: 1 },
  passAllUntil: null,
  warnings: ['postpace is not the last milter of smtpd: opendkim comes after it'],
  providers: [UTC, OUTLOOK, QUIET],
  unlisted: { providers: 0, held: 0 },
};

/** The nth held message; the ids are as long as Postfix's long ones. */
export function heldMessage(n: number, but: Partial<HeldReport> = {}): HeldReport {
  return {
    queueId: `4cRxYz1abcz${String(n).padStart(3, '0')}`,
    formerIds: [],
    owner: 'ours',
    sender: 'mattermost@example.org',
    login: null,
    senderLimit: false,
    recipients: [`student${n}@etu.utc.fr`],
    providers: ['utc'],
    lane: 'default',
    arrivedAt: NOW - 34 * MIN,
    heldAt: NOW - 34 * MIN,
    why: 'pace 20/min of utc',
    leavesAt: NOW + n * 3_000,
    notBefore: null,
    expiresAt: NOW + 30 * H,
    deferrals: 0,
    ...but,
  };
}

export const HELD: readonly HeldReport[] = [
  heldMessage(1, { lane: 'transactional', leavesAt: NOW - 1 }),
  heldMessage(2, {
    recipients: ['a@utc.fr', 'b@gmail.com', 'c@qq.com'],
    providers: ['utc', 'gmail'],
  }),
  heldMessage(3, { sender: '', formerIds: ['7F3A21B0C4'], deferrals: 2, leavesAt: NOW + 12 * MIN }),
  heldMessage(4, {
    owner: 'foreign',
    leavesAt: null,
    expiresAt: null,
    why: 'header rule',
    lane: '',
  }),
  heldMessage(5, { owner: 'unclaimed', leavesAt: null, expiresAt: null, why: '', lane: '' }),
];

export const HEARD: FeedbackListReport = {
  since: NOW - 5 * H,
  counts: { 'imap: counted': 1, 'pipe: ignored, forged token': 12 },
  events: [
    {
      at: NOW - 10 * MIN,
      source: 'imap',
      kind: 'dsn',
      queueId: '4cRxYz1abcz2Gk',
      recipient: 'jane@hotmail.com',
      provider: 'outlook',
      category: 'policy',
      group: 'judged',
      blames: 'ours',
      rule: 'generic/policy',
      reply: '550 5.7.1 Policy reason',
      trust: 'token',
      outcome: 'counted',
      why: null,
    },
    {
      at: NOW - 20 * MIN,
      source: 'pipe',
      kind: 'complaint',
      queueId: null,
      recipient: 'joe@yahoo.com',
      provider: 'yahoo',
      category: 'complaint',
      group: 'judged',
      blames: 'ours',
      rule: null,
      reply: 'feedback report: abuse',
      trust: 'unproven',
      outcome: 'ignored',
      why: 'forged token',
    },
  ],
};

export interface FakeDaemon extends ControlTarget {
  /** What was asked, in order: the method and its arguments. */
  readonly asked: (readonly unknown[])[];
}

function named(provider: string): ProviderReport {
  const found = STATUS.providers.find((each) => each.provider === provider);
  if (found === undefined) throw new ControlError(404, `There is no provider ${provider}.`);
  return found;
}

/** A daemon with fixed answers, that writes down what it is asked. */
export function fakeDaemon(heldNow: readonly HeldReport[] = HELD): FakeDaemon {
  const asked: (readonly unknown[])[] = [];
  const note = (...what: unknown[]): void => {
    asked.push(what);
  };
  return {
    asked,
    status: async (provider) => {
      note('status', provider);
      return provider === undefined ? STATUS : { ...STATUS, providers: [named(provider)] };
    },
    limits: async (provider) => {
      note('limits', provider);
      return provider === undefined ? STATUS.providers : [named(provider)];
    },
    setLimits: async (provider, change) => {
      note('setLimits', provider, change);
      if (change.pace === '1/day') throw new ControlError(400, 'pace: 1/day would take years');
      return {
        ...named(provider),
        limits: { ...UTC.limits, pace: change.pace ?? UTC.limits.pace },
        limitsFrom: 'override',
        overrideUntil: change.for === undefined ? null : NOW + 2 * H,
      };
    },
    resetLimits: async (provider, by, reason) => {
      note('resetLimits', provider, by, reason);
      return named(provider);
    },
    history: async (provider, most) => {
      note('history', provider, most);
      return [
        {
          at: NOW - 3 * H,
          provider: 'outlook',
          kind: 'override',
          from: '10/min',
          to: '5/min',
          why: 'exam results go out today, and last year they blocked us for it',
          by: 'jane',
          until: NOW + 2 * H,
        },
        {
          at: NOW - 30 * H,
          provider: '*',
          kind: 'suspension',
          from: '',
          to: '',
          why: 'S3150, form sent',
          by: 'root',
          until: null,
        },
      ];
    },
    suspend: async (provider, by, forText, reason) => {
      note('suspend', provider, by, forText, reason);
      const end = forText === undefined ? null : NOW + 2 * H;
      return { ...named(provider), suspended: { until: end, why: reason ?? '' } };
    },
    resume: async (provider, by, reason) => {
      note('resume', provider, by, reason);
      return named(provider);
    },
    pass: async (provider, by, forText, reason) => {
      note('pass', provider, by, forText, reason);
      return { until: forText === '0s' ? NOW : NOW + H };
    },
    held: async (selection) => {
      note('held', selection);
      return heldNow.filter(
        (each) =>
          (selection.ids === undefined ||
            selection.ids.some((id) => id === each.queueId || each.formerIds.includes(id))) &&
          (selection.provider === undefined || each.providers.includes(selection.provider)) &&
          (selection.sender === undefined || each.sender === selection.sender),
      );
    },
    releaseHeld: async (selection, by) => {
      note('releaseHeld', selection, by);
      if (selection.ids?.includes('4cRxYz1abcz004')) {
        return {
          done: [],
          failed: [{ queueId: '4cRxYz1abcz004', why: 'held by something else, not by postpace' }],
        };
      }
      return { done: ['4cRxYz1abcz001', '4cRxYz1abcz002'], failed: [] };
    },
    reconcile: async () => {
      note('reconcile');
    },
    adoptHeld: async (ids, by) => {
      note('adoptHeld', ids, by);
      return { done: ids, failed: [] };
    },
    feedback: async (provider, most) => {
      note('feedback', provider, most);
      return { ...HEARD, events: HEARD.events.slice(0, most) };
    },
    ingest: async (what) => {
      note('ingest', what);
      return { kind: 'dsn', events: HEARD.events.slice(0, 1), wrong: [] };
    },
    explain: async (query) => {
      note('explain', query);
      return {
        query,
        sentences: [
          `${query} belongs to utc: listed domain etu.utc.fr.`,
          'It waits for the pace of 20/min, behind 456 others of the lane default, and is expected to leave at 15:14.',
        ],
        provider: UTC,
        because: 'listed domain etu.utc.fr',
        message: null,
      };
    },
    config: async () => {
      note('config');
      return { mode: 'hold', store: 'memory', providers: { utc: { pace: '20/min' } } };
    },
    reload: async () => {
      note('reload');
    },
  };
}
