/** Pacing beside a real Postfix: its queue, its release helpers, and whose a hold is by its log. */
import type { Config } from '../config/config.ts';
import type { Clock } from '../pace/clock.ts';
import type { HeldBook } from '../pace/held-book.ts';
import type { PaceLog } from '../pace/log.ts';
import { Pacer } from '../pace/pacer.ts';
import { Claims } from '../postfix/claim.ts';
import { HoldEvidence } from '../postfix/evidence.ts';
import { otherMilters } from '../postfix/other-milters.ts';
import { PostfixQueue } from '../postfix/queue.ts';
import { PostfixReleaser } from '../postfix/release.ts';
import type { Store } from '../store/store.ts';
import type { Live } from './live.ts';
import { milterNames } from './places.ts';

export interface PacingParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: PaceLog;
  readonly live: Live;
  readonly book: HeldBook;
  readonly store: Store;
}

export interface PostfixPacing {
  readonly pacer: Pacer;
  readonly releaser: PostfixReleaser;
  /** To be fed with every event of the log. */
  readonly evidence: HoldEvidence;
}

export function createPacing(parts: PacingParts): PostfixPacing {
  const { config, clock, log, live, book, store } = parts;
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
    settings: live.settings(),
    log,
  });
  return { pacer, releaser, evidence };
}
