/** kill -9 while Postfix asks: before the verdict, on its way, and just after QUARANTINE. */
import { join } from 'node:path';
import t from 'tap';
import { burstOf, CONFIG, killed, nothingLost, startCrashScene } from './crash.ts';
import { type Cut, type Packet, startTap } from './milter-tap.ts';

const MAILS = 15;

const cuts: Record<string, (packet: Packet) => Cut> = {
  'before postpace saw the end of a message': ({ from, code }) =>
    from === 'postfix' && code === 'E' ? 'before' : undefined,
  'when the record is written, before the answer arrives': ({ from, code }) =>
    from === 'postpace' && code === 'q' ? 'before' : undefined,
  'between QUARANTINE and the final answer': ({ from, code }) =>
    from === 'postpace' && code === 'q' ? 'after' : undefined,
  'just after QUARANTINE was answered': ({ from, code, quarantined }) =>
    from === 'postpace' && code === 'c' && quarantined ? 'after' : undefined,
};

t.setTimeout(120_000);
const scene = await startCrashScene();
t.teardown(() => scene.stop());
const { postpace } = scene;
const socket = (name: string) => join(scene.postfix.queueDirectory, 'postpace', name);

for (const [when, cutAt] of Object.entries(cuts)) {
  await t.test(when, { timeout: 60_000 }, async (t) => {
    await postpace.stop();
    await postpace.configure({ ...CONFIG, listen: `unix:${socket('behind.sock')}` });
    await postpace.start();
    let asked = 0;
    const tap = await startTap(
      { listen: socket('milter.sock'), target: socket('behind.sock') },
      (packet) => {
        if (packet.from === 'postfix' && packet.code === 'E') asked += 1;
        return asked > 5 ? cutAt(packet) : undefined;
      },
      () => process.kill(postpace.pid ?? 0, 'SIGKILL'),
    );
    const sinceMs = Date.now();
    await burstOf(scene, MAILS);
    t.ok(tap.isCut(), 'postpace was killed');
    await killed(scene);
    await tap.close();
    t.ok((await scene.inHold()).length > 0, 'mail waits for it');
    await postpace.configure(CONFIG);
    await postpace.start();
    await nothingLost(t, scene, sinceMs);
  });
}
