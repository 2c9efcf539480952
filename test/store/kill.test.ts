/** A process that admits for all it is worth is killed, again and again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openMemoryStore } from '../../src/store/memory.ts';
import { systemClock } from '../../src/store/clock.ts';
import { newStateDir } from './state-dir.ts';

const CHILD = fileURLToPath(new URL('admitting-child.js', import.meta.url));
const LIVES = 6;

t.test('kill -9 at any moment: no quota is overrun, no burst comes twice', async (t) => {
  const stateDir = newStateDir(t);
  const admitted = new Map<string, number>();
  for (let life = 0; life < LIVES; life += 1) {
    const child = spawn(process.execPath, [CHILD, stateDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout });
    let heard = 0;
    lines.on('line', (provider) => {
      admitted.set(provider, (admitted.get(provider) ?? 0) + 1);
      heard += 1;
      if (heard === 40 + life * 37) child.kill('SIGKILL');
    });
    // It would never end by itself.
    const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const [, signal] = await once(child, 'close');
    clearTimeout(patience);
    t.ok(heard >= 40 + life * 37, 'it admitted to the end');
    t.equal(signal, 'SIGKILL', `${heard} admissions before it was killed`);
  }
  for (const [provider, recipients] of admitted) {
    const most = provider.startsWith('pace') ? 5 : 7;
    t.ok(recipients <= most, `${provider}: ${recipients}`);
  }
  const store = await openMemoryStore({ stateDir, clock: systemClock });
  for (const [provider, recipients] of admitted) {
    if (provider.startsWith('quota')) {
      t.ok((await store.usage(provider)).day >= recipients, `${provider} is remembered`);
    }
  }
  await store.close();
});
