/** Pacing beside a real Postfix: its queue, its release helpers, and whose a hold is by its log. */
import type { Config } from '../config/config.ts';
import { createClassifier } from '../feedback/classify.ts';
import { CONTROL_DEFAULTS } from '../feedback/control-settings.ts';
import { Learner } from '../feedback/learner.ts';
import { loadRules } from '../feedback/rule-files.ts';
import { perMinute, steadyPerMinute } from '../limit/factor.ts';
import type { Clock } from '../pace/clock.ts';
import type { HeldBook } from '../pace/held-book.ts';
import { type PaceLog, reasonOf } from '../pace/log.ts';
import { Pacer } from '../pace/pacer.ts';
import { Claims } from '../postfix/claim.ts';
import { HoldEvidence } from '../postfix/evidence.ts';
import { otherMilters } from '../postfix/other-milters.ts';
import { PostfixQueue } from '../postfix/queue.ts';
import { PostfixReleaser } from '../postfix/release.ts';
import type { Store } from '../store/store.ts';
import { openAt } from '../pace/flights.ts';
import { signToken, TOKEN_HEADER } from '../feedback/token.ts';
import { FloodGuard } from '../feedback/flood-guard.ts';
import { Alerts } from './alerts.ts';
import { DaemonFeedback } from './feedback.ts';
import { FeedbackList } from './feedback-list.ts';
import type { FeedbackMemory } from './feedback-memory.ts';
import { FeedbackVerbs } from './feedback-verbs.ts';
import type { Live } from './live.ts';
import { ImapSource } from './imap-source.ts';
import { MailFeedback } from './mail-feedback.ts';
import type { MilterParts } from './milter.ts';
import { milterNames } from './places.ts';
import { ReplyTables } from './reply-tables.ts';

export interface PacingParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: PaceLog;
  readonly live: Live;
  readonly book: HeldBook;
  readonly store: Store;
  readonly memory: FeedbackMemory;
  /** Whether the daemon reads outcomes from a log by itself. */
  readonly followsLog: boolean;
  /** Whether what was in the log at the start has been read. */
  readonly knowsLog: () => boolean;
}

export interface PostfixPacing {
  readonly pacer: Pacer;
  readonly releaser: PostfixReleaser;
  /** To be fed with every event of the log. */
  readonly evidence: HoldEvidence;
  readonly feedback: DaemonFeedback;
  /** Reports that come as mail. */
  readonly reports: MailFeedback;
  /** Where they come from, if a mailbox is named. */
  readonly imap: ImapSource;
  readonly feedbackVerbs: FeedbackVerbs;
  /** The header by which a report of a message is known again. */
  readonly sign: NonNullable<MilterParts['token']>;
}

export function createPacing(parts: PacingParts): PostfixPacing {
  const { config, clock, log, live, book, store, memory, followsLog } = parts;
  const { configDirectory, queueDirectory, myhostname } = live.postfix;
  const ours = milterNames(config, live.postfix);
  const evidence = new HoldEvidence({
    sockets: ours,
    quarantining: otherMilters(live.postfix, ours)
      .filter(({ quarantines }) => quarantines)
      .map(({ socket }) => socket),
    reason: 'postpace: ',
  });
  const claims = new Claims({
    settings: () => live.postfix,
    ours,
    evidenceOf: (queueId) => evidence.ownerOf(queueId),
    nowMs: () => clock.nowMs(),
  });
  const releaser = new PostfixReleaser({
    configDirectory,
    queueDirectory,
    release: config.postfix.release,
    hold: config.postfix.hold,
    ...(config.postfix.expire && { expire: config.postfix.expire }),
    deferred: () => pacer.is.reconcile.deferredCount,
    onLate: (error, queueIds) =>
      log.warn(
        { error: error.message, queueIds },
        'released mail could not be woken: it is taken back to hold',
      ),
  });
  const onStoreTrouble = (error: unknown): void =>
    log.warn({ error: reasonOf(error) }, 'an outcome moved no limit');
  const learner: Learner = new Learner({
    clock,
    store,
    log,
    ceilingPerMin: (provider) => perMinute(pacer.is.gate.ceiling(provider)),
    steadyPerMin: (provider) => steadyPerMinute(pacer.is.gate.ceiling(provider)),
    isPinned: (provider) => pacer.is.gate.isPinned(provider),
    settings: () => ({ ...CONTROL_DEFAULTS, scale: live.config.feedback.timeScale }),
    onStoreTrouble,
  });
  const rules = loadRules();
  const tables = new ReplyTables({
    rules,
    stateDir: config.stateDir,
    services: () => live.postfix.services,
    notFinal: () => live.config.feedback.notFinal,
    isStopped: (provider) =>
      live.config.feedback.adjust && learner.standing(provider)?.stop !== undefined,
    onTrouble: (error) =>
      log.warn({ error: reasonOf(error) }, 'a table of the reply filter cannot be written'),
  });
  const nowMs = (): number => clock.nowMs();
  const classifier = createClassifier(rules);
  const alerts = new Alerts({
    log,
    nowMs,
    host: myhostname,
    config: () => live.config,
    env: process.env,
  });
  const list = new FeedbackList(Math.round(nowMs()), (event) => alerts.heard(event));
  const feedback = new DaemonFeedback({
    learner,
    keepTables: () => tables.keep(),
    classifier,
    store,
    log,
    sent: memory.sent,
    list,
    alerts,
    nowMs,
    adjusts: () => live.config.feedback.adjust,
    scale: () => live.config.feedback.timeScale,
    ownAddresses: () => live.ownAddresses(),
    onStoreTrouble,
  });
  const pacer: Pacer = new Pacer({
    clock,
    host: myhostname,
    store,
    book,
    queue: new PostfixQueue(configDirectory),
    releaser: {
      release: (messages) => releaser.release(messages),
      hold: (queueIds) => {
        evidence.expectHold(queueIds);
        return releaser.hold(queueIds);
      },
      ...(releaser.expire && { expire: releaser.expire }),
    },
    ownerOf: (queueId) => claims.of(queueId),
    feedback,
    settings: live.settings(),
    membership: live.grouping.membership,
    log,
  });
  const guard = new FloodGuard();
  const reports = new MailFeedback({
    ...memory,
    feedback,
    classifier,
    list,
    guard,
    host: myhostname,
    nowMs,
    providerOf: (recipient) => live.targetOf(recipient)?.id,
    // Nobody knows which host a report is from.
    speaksFor: (recipient, provider) =>
      live.grouping.membership.speaksFor({ recipient, provider, relay: '' }, 'refused'),
    ownAddresses: () => live.ownAddresses(),
    inFlight: (queueId, recipient) => {
      const flight = followsLog ? undefined : pacer.is.flights.get(queueId);
      if (flight === undefined || openAt(flight, [recipient]) === undefined) return undefined;
      return { id: flight.id, leftMs: flight.sinceMs };
    },
  });
  const imap = new ImapSource({
    stateDir: config.stateDir,
    log,
    nowMs,
    settings: () => live.config.feedback.imap,
    take: (raw) => reports.takeMail(raw, 'imap'),
    mayTake: () => guard.mayTake('imap'),
  });
  const feedbackVerbs = new FeedbackVerbs({
    mail: reports,
    list,
    guard,
    sent: memory.sent,
    isReady: parts.knowsLog,
    nowMs,
    see: followsLog ? undefined : (event) => pacer.see(event),
  });
  const sign: PostfixPacing['sign'] = (queueId, recipients) => {
    const facts = { id: pacer.is.desk.idOf(queueId), atSec: Math.floor(nowMs() / 1000) };
    return { name: TOKEN_HEADER, value: signToken(memory.key, facts, recipients) };
  };
  return { pacer, releaser, evidence, feedback, reports, imap, feedbackVerbs, sign };
}
