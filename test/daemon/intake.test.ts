import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import { Intake } from '../../src/daemon/intake.ts';
import type { LogEvent } from '../../src/postfix/event.ts';
import type {
  Followed,
  FollowSettings,
  FollowState,
  LogFollower,
} from '../../src/postfix/follow.ts';
import { removed } from '../pace/log-events.ts';
import { newStateDir } from '../pace/pacing.ts';
import { SpokenLog } from '../pace/spoken-log.ts';

/** A log that says what the test puts into it. */
class PlayedLog implements LogFollower {
  readonly settings: FollowSettings;
  readonly #events: Followed[] = [];
  #tell: (() => void) | undefined;
  #closed = false;
  caughtUp = false;
  trouble: string | undefined;
  fault: Error | undefined;

  constructor(settings: FollowSettings) {
    this.settings = settings;
  }

  say(event: LogEvent, offset: number, history = false): void {
    const cursor = { kind: 'file', path: 'log', inode: 1, offset, check: 0, atMs: 0 } as const;
    this.#events.push({ event, cursor, history });
    this.#tell?.();
  }

  state(): FollowState {
    const { trouble, caughtUp } = this;
    return {
      source: 'log',
      trouble,
      behindBytes: 0,
      lastEventMs: undefined,
      lost: undefined,
      caughtUp,
    };
  }

  close(): void {
    this.#closed = true;
    this.#tell?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<readonly Followed[]> {
    for (;;) {
      const next = this.#events.shift();
      if (next !== undefined) yield [next];
      else if (this.fault) throw this.fault;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#tell = resolve));
    }
  }
}

interface Opened {
  readonly intake: Intake;
  readonly played: () => PlayedLog;
  readonly evidence: string[];
  readonly news: string[];
  readonly log: SpokenLog;
  /** What news left to be kept is written by then. */
  readonly kept: { until: Promise<void> };
}

function idOf(event: LogEvent): string {
  return 'queueId' in event ? event.queueId : '';
}

function open(
  t: Test,
  stateDir: string,
  news?: (event: LogEvent) => Promise<void>,
  ahead?: (events: readonly LogEvent[]) => Promise<void>,
): Opened {
  const log = new SpokenLog();
  const evidence: string[] = [];
  const seen: string[] = [];
  const kept = { until: Promise.resolve() };
  let played: PlayedLog | undefined;
  const intake = new Intake({
    stateDir,
    clock: {
      nowMs: () => performance.now(),
      nowUs: () => performance.now() * 1000,
      aheadMs: () => 7,
    },
    log,
    open: (settings) => (played = new PlayedLog(settings)),
    evidence: (event) => evidence.push(idOf(event)),
    ahead: (events) => ahead?.(events),
    news: async (event) => {
      await news?.(event);
      seen.push(idOf(event));
    },
    keep: () => kept.until,
  });
  t.teardown(() => intake.stop());
  return { intake, played: () => played!, evidence, news: seen, log, kept };
}

const turns = async (count = 5): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

t.test('each event is evidence; what was there before the first start is no news', async (t) => {
  const { intake, played, evidence, news } = open(t, newStateDir(t));
  await intake.start();
  t.equal(played().settings.cursor, undefined);
  t.equal(played().settings.aheadMs?.(), 7);
  played().say(removed('OLD0001', 1), 10, true);
  played().say(removed('NEW0001', 2), 20);
  await turns();
  t.same(evidence, ['OLD0001', 'NEW0001']);
  t.same(news, ['NEW0001']);
});

t.test('what news must look up is asked for ahead, and waited for', async (t) => {
  const asked: string[][] = [];
  let free: (() => void) | undefined;
  const { intake, played, news } = open(t, newStateDir(t), undefined, async (events) => {
    asked.push(events.map(idOf));
    await new Promise<void>((resolve) => (free = resolve));
  });
  await intake.start();
  played().say(removed('NEW0001', 1), 10);
  await turns();
  t.same(asked, [['NEW0001']]);
  t.same(news, []);
  free?.();
  await turns();
  t.same(news, ['NEW0001']);
});

t.test('a restart goes on behind the last event that was dealt with', async (t) => {
  const stateDir = newStateDir(t);
  let isStuck = false;
  let free: (() => void) | undefined;
  const first = open(t, stateDir, async () => {
    if (isStuck) await new Promise<void>((resolve) => (free = resolve));
  });
  await first.intake.start();
  first.played().say(removed('ID00001', 1), 10);
  first.played().say(removed('ID00002', 1), 20);
  await turns();
  isStuck = true;
  first.played().say(removed('ID00003', 1), 30);
  await turns();
  const path = join(stateDir, 'log-position.json');
  for (let i = 0; i < 500 && !existsSync(path); i++) await sleep(20);
  t.match(JSON.parse(readFileSync(path, 'utf8')), { offset: 20 }, 'not behind what is not done');
  free?.();
  const second = open(t, stateDir);
  await second.intake.start();
  t.match(second.played().settings.cursor, { kind: 'file', offset: 20 });
});

t.test('what was heard is kept before the place behind it is', async (t) => {
  const stateDir = newStateDir(t);
  const { intake, played, kept } = open(t, stateDir);
  let write: (() => void) | undefined;
  kept.until = new Promise((resolve) => (write = resolve));
  await intake.start();
  played().say(removed('ID00001', 1), 10);
  await turns();
  const stopped = intake.stop();
  await sleep(200);
  const path = join(stateDir, 'log-position.json');
  t.notOk(existsSync(path), 'killed here, it is read again');
  write?.();
  await stopped;
  t.match(JSON.parse(readFileSync(path, 'utf8')), { offset: 10 });
});

t.test('a torn position is told, and the log read anew', async (t) => {
  const stateDir = newStateDir(t);
  writeFileSync(join(stateDir, 'log-position.json'), '{"kind":"fi');
  const { intake, played, log } = open(t, stateDir);
  await intake.start();
  t.equal(played().settings.cursor, undefined);
  t.equal(log.of('reading the log anew').length, 1);
});

t.test('caught up, or not in time', async (t) => {
  const { intake, played } = open(t, newStateDir(t));
  await intake.start();
  t.notOk(await intake.caughtUp(50));
  played().caughtUp = true;
  t.ok(await intake.caughtUp(5000));
});

t.test('a log that ends with an error is said to', async (t) => {
  const { intake, played, log } = open(t, newStateDir(t));
  await intake.start();
  played().fault = new Error('no such unit');
  played().say(removed('ID00001', 1), 10);
  await turns();
  t.match(log.of('no longer followed')[0]?.fields, { error: 'no such unit' });
  t.match(intake.state(), { trouble: 'no longer followed: no such unit' });
});

/** So long that a few of them are a turn, on a fast machine and on a slow one. */
async function busy(): Promise<void> {
  const endMs = performance.now() + 0.2;
  while (performance.now() < endMs);
}

t.test('many events leave room for other work', async (t) => {
  const { intake, played, news } = open(t, newStateDir(t), busy);
  await intake.start();
  for (let i = 0; i < 800; i++) played().say(removed(`ID${i}`, 1), i);
  let others = 0;
  while (news.length < 800) {
    others++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok(others >= 80, `${others} turns`);
});
