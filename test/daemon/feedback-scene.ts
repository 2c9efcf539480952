/** Feedback as the daemon runs it, over a real memory store on virtual time: what it makes of outcomes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { Alerts } from '../../src/daemon/alerts.ts';
import { DaemonFeedback } from '../../src/daemon/feedback.ts';
import { FeedbackList } from '../../src/daemon/feedback-list.ts';
import { createClassifier } from '../../src/feedback/classify.ts';
import { CONTROL_DEFAULTS } from '../../src/feedback/control-settings.ts';
import { Learner } from '../../src/feedback/learner.ts';
import { Remembered } from '../../src/feedback/remembered.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';
import { SentBook } from '../../src/feedback/sent-book.ts';
import type { DeliveryEvent } from '../../src/postfix/event.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { delivery } from '../pace/log-events.ts';
import { SpokenLog } from '../pace/spoken-log.ts';
import { VirtualTime } from '../pace/virtual-time.ts';

const classifier = createClassifier(loadRules());
const CEILING = 60;

export interface FeedbackScene {
  readonly time: VirtualTime;
  readonly store: Store;
  readonly feedback: DaemonFeedback;
  readonly learner: Learner;
  readonly log: SpokenLog;
  /** Providers with an override that is pinned. */
  readonly pinned: Set<string>;
  /** Messages leave for `p` now, one recipient each. */
  readonly leave: (...ids: readonly string[]) => Promise<void>;
  /** The outcome of one of them, as the log tells it now. */
  readonly outcome: (id: string, leftMs: number, more?: Partial<DeliveryEvent>) => Promise<void>;
  /** Another daemon's view of the same store. */
  readonly anotherLearner: () => Promise<Learner>;
}

export async function openFeedback(t: Test): Promise<FeedbackScene> {
  const time = new VirtualTime(t);
  time.ticks = false;
  const log = new SpokenLog();
  const stateDir = mkdtempSync(join(tmpdir(), 'postpace-feedback-'));
  t.teardown(() => rmSync(stateDir, { recursive: true, force: true }));
  const store = await openMemoryStore({ clock: time.forStore });
  const pinned = new Set<string>();
  const newLearner = () =>
    new Learner({
      clock: time,
      store,
      log,
      ceilingPerMin: () => CEILING,
      steadyPerMin: () => CEILING,
      isPinned: (provider) => pinned.has(provider),
      settings: () => CONTROL_DEFAULTS,
      onStoreTrouble: (error) => t.fail(String(error)),
    });
  const learner = newLearner();
  store.onChange(() => void learner.read());
  const config = {
    alerts: {},
    postfix: {
      configDirectory: stateDir,
      release: { kind: 'unix', path: '/r' },
      hold: { kind: 'unix', path: '/h' },
    },
  } as const;
  const nowMs = () => time.nowMs();
  const path = join(stateDir, 'sent.tsv');
  const feedback = new DaemonFeedback({
    learner,
    classifier,
    store,
    log,
    sent: new SentBook(new Remembered({ path, most: 100, onTrouble: (text) => t.fail(text) })),
    list: new FeedbackList(0, () => undefined),
    alerts: new Alerts({ log, nowMs, host: 'mx', config: () => config, env: {} }),
    nowMs,
    adjusts: () => true,
    scale: () => 1,
    ownAddresses: () => ['192.0.2.25'],
    onStoreTrouble: (error) => t.fail(String(error)),
    keepTables: async () => undefined,
  });
  const limits = { pace: { count: CEILING, windowUs: 60e6, burst: 100 }, quotas: [] };
  return {
    time,
    store,
    feedback,
    learner,
    log,
    pinned,
    async leave(...ids) {
      for (const id of ids) {
        const demands = [{ provider: 'p', recipients: 1, limits }];
        await store.take({ id, lane: 1, queued: true, demands });
      }
    },
    async outcome(id, leftMs, more = {}) {
      const event = delivery(id, `${id}@p.example`, time.nowMs(), more);
      feedback.saw(event, 'p', { id, leftMs }, () => 'p');
      await time.settle();
    },
    async anotherLearner() {
      const another = newLearner();
      await another.read();
      return another;
    },
  };
}
