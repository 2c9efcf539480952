/** Killed right after a report was taken: it counts once, neither never nor twice. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import type { IngestReport } from '../../src/control/api.ts';
import { dsn } from '../feedback/report-samples.ts';
import { startScene } from '../live/scene.ts';

const scene = await startScene({
  config: {
    default: { pace: 'none' },
    providers: { utc: { domains: ['utc.example'], pace: '600/min', burst: 100 } },
  },
});
t.teardown(() => scene.stop());
t.setTimeout(60_000);

await t.test('what it changed is there after the kill', async (t) => {
  const sent = await scene.burst({
    mails: 2,
    from: 'app@here.example',
    to: (i) => `u${i}@utc.example`,
  });
  await scene.arrived(2, undefined, 10_000);
  // Before it has any place the whole log is history.
  const place = join(scene.postpace.stateDir, 'log-position.json');
  await waitFor(() => existsSync(place), { what: 'a place in the log' });
  const ingest = async (n: number) => {
    const file = join(scene.postfix.directory, `report-${n}`);
    await writeFile(file, dsn({ recipient: `u${n}@utc.example`, queueId: sent[n]?.queueId ?? '' }));
    const told = await scene.postpace.cli('feedback', 'ingest', file, '--json');
    // The shape that docs/cli.md gives.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const [report] = told.json() as IngestReport[];
    return report?.events.map(({ outcome, why }) => `${outcome} ${why ?? ''}`.trim());
  };
  t.same(await ingest(0), ['counted']);
  t.same(await ingest(1), ['moved tightened']);
  await scene.postpace.kill('SIGKILL');
  await scene.postpace.start();
  t.ok((await scene.provider('utc')).factor < 1, 'the limit is still lowered');
  t.same([await ingest(0), await ingest(1)], [['ignored told before'], ['ignored told before']]);
  t.equal((await scene.postpace.control.history('utc', 10)).length, 1, 'once');
});
