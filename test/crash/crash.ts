/** The stage of a crash: one slow provider, a burst for it, and what must be true afterwards. */
import type { Test } from 'tap';
import { overruns } from '../../lab/ledger.ts';
import { waitFor } from '../../lab/wait.ts';
import { fileKey } from '../../src/pace/queue-identity.ts';
import { startScene, type Scene, type SceneOptions } from '../live/scene.ts';

export const DOMAIN = 'slow.example';
/** One mail each 200 ms, never two at once. */
const PACE = { count: 5, windowMs: 1000, burst: 1 };
export const CONFIG = {
  default: { pace: 'none' },
  retry: { min: '1s', max: '2s' },
  reconcile: '2s',
  providers: {
    slow: { domains: [DOMAIN], pace: '5/s', burst: 1, quotas: [], in_flight: 20 },
  },
};

export function startCrashScene(options: Partial<SceneOptions> = {}): Promise<Scene> {
  return startScene({ sinks: { [DOMAIN]: {} }, config: CONFIG, ...options });
}

export function member(index: number): string {
  return `member${index}@${DOMAIN}`;
}

/** The `@all` of an application, to the slow provider. */
export function burstOf(scene: Scene, mails: number): ReturnType<Scene['burst']> {
  return scene.burst({ mails, from: 'mattermost@app.example', to: member });
}

/** Resolves when something else has killed postpace. */
export async function killed({ postpace }: Scene): Promise<void> {
  await waitFor(() => !postpace.running, { what: 'postpace to be dead', everyMs: 5 });
}

/**
 * Every mail was taken and arrived once, at the pace, and nothing stays behind: whatever happened
 * to postpace. `sinceMs`: arrivals before are another test's.
 */
export async function nothingLost(t: Test, scene: Scene, sinceMs = 0): Promise<void> {
  await scene.arrived(scene.sent.length, DOMAIN, 30_000);
  const { lost, duplicated, unknown, refused } = scene.account();
  t.same({ lost, duplicated, unknown }, { lost: [], duplicated: [], unknown: [] });
  t.equal(refused, 0, 'the application has its 250 in every case');
  await keptPace(t, scene, sinceMs);
  t.same(await scene.inHold(), [], 'nothing stays behind');
}

/**
 * The pace in every window: of the ledger exactly, at the sink with windows shortened by how much
 * the way from admission to arrival differed.
 */
export async function keptPace(t: Test, scene: Scene, sinceMs = 0): Promise<void> {
  const admissions = (await scene.admissions('slow')).filter(({ atMs }) => atMs >= sinceMs);
  const arrivals = scene.sink(DOMAIN).deliveries.filter(({ mailAtMs }) => mailAtMs >= sinceMs);
  const keys = new Map(scene.sent.map(({ serial, queueId }) => [serial, keyOf(queueId ?? '')]));
  const known = new Set(keys.values());
  const delaysMs = arrivals.flatMap(({ serial, mailAtMs }) => {
    const key = keys.get(serial);
    // Mail from sendmail(1) has a name that nobody told us: it is none of the others.
    const isIts = (id: string) => (key === undefined ? !known.has(keyOf(id)) : keyOf(id) === key);
    const last = admissions.findLast(({ id, atMs }) => isIts(id) && atMs < mailAtMs);
    return last === undefined ? [] : [mailAtMs - last.atMs];
  });
  t.ok(delaysMs.length >= arrivals.length / 3, 'most admissions are in the journal');
  const spreadMs = Math.ceil(Math.max(...delaysMs) - Math.min(...delaysMs));
  t.comment(`${admissions.length} admissions, ${arrivals.length} arrivals, spread ${spreadMs} ms`);
  for (const windowMs of [1000, 3000]) {
    const promise = { ...PACE, count: (PACE.count * windowMs) / PACE.windowMs, windowMs };
    const admittedMs = admissions.map(({ atMs }) => atMs);
    const arrivedMs = arrivals.map(({ mailAtMs }) => mailAtMs);
    t.same(overruns(admittedMs, [promise]), [], `admitted at the pace in any ${windowMs} ms`);
    t.same(overruns(arrivedMs, [promise], spreadMs), [], `arrived at it in any ${windowMs} ms`);
  }
}

/** The file: it may have another name by the time it leaves. */
function keyOf(id: string): string {
  return fileKey(id.slice(id.lastIndexOf('/') + 1)) ?? id;
}
