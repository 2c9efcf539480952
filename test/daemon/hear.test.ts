/** What reports make of a limit, hours after the mail that they are about. */
import t, { type Test } from 'tap';
import { Alerts } from '../../src/daemon/alerts.ts';
import { DaemonFeedback } from '../../src/daemon/feedback.ts';
import { FeedbackList } from '../../src/daemon/feedback-list.ts';
import { createClassifier } from '../../src/feedback/classify.ts';
import { CONTROL_DEFAULTS } from '../../src/feedback/control-settings.ts';
import { Learner } from '../../src/feedback/learner.ts';
import { Remembered } from '../../src/feedback/remembered.ts';
import { SentBook } from '../../src/feedback/sent-book.ts';
import { openMemoryStore } from '../../src/store/memory.ts';
import { newStateDir, pace } from '../pace/pacing.ts';
import { SpokenLog } from '../pace/spoken-log.ts';
import { VirtualTime } from '../pace/virtual-time.ts';

async function open(t: Test) {
  const time = new VirtualTime(t);
  const nowMs = (): number => time.nowMs();
  const log = new SpokenLog();
  const store = await openMemoryStore({ clock: time.forStore });
  const onStoreTrouble = (error: unknown): void => void t.fail(String(error));
  const learner = new Learner({
    clock: time,
    store,
    log,
    ceilingPerMin: () => 600,
    steadyPerMin: () => 600,
    isPinned: () => false,
    settings: () => CONTROL_DEFAULTS,
    onStoreTrouble,
  });
  const helper = { kind: 'unix', path: '/none' } as const;
  const postfix = { configDirectory: '/none', release: helper, hold: helper };
  const feedback = new DaemonFeedback({
    learner,
    classifier: createClassifier([]),
    store,
    log,
    sent: new SentBook(
      new Remembered({ path: `${newStateDir(t)}/sent.tsv`, most: 10, onTrouble: () => undefined }),
    ),
    list: new FeedbackList(0, () => undefined),
    alerts: new Alerts({
      log,
      nowMs,
      host: 'mx',
      config: () => ({ alerts: {}, postfix }),
      env: {},
    }),
    nowMs,
    adjusts: () => true,
    scale: () => 1,
    ownAddresses: () => [],
    onStoreTrouble,
    keepTables: () => Promise.resolve(),
  });
  return {
    time,
    send: (recipients: number) =>
      store.charge([{ provider: 'utc', recipients, limits: pace(600) }]),
    /** Two recipients complain; the rate that is left. */
    complain: async (leftMs: number) => {
      for (const id of ['mx/1', 'mx/2']) await feedback.hear('utc', { id, leftMs }, 'spam');
      return learner.factor('utc') * 600;
    },
  };
}

t.test('at once: half of what is sent in that minute', async (t) => {
  const { time, send, complain } = await open(t);
  await send(120);
  t.equal(await complain(time.nowMs()), 60);
});

t.test('in a quiet hour, of mail that had left long before: half of the limit', async (t) => {
  const { time, send, complain } = await open(t);
  await send(120);
  const leftMs = time.nowMs();
  await time.advance(3_600_000);
  await send(1);
  t.equal(await complain(leftMs), 300);
});
