/** kill -9 while held mail is being released, or deferred mail taken back to hold. */
import t from 'tap';
import { burstOf, CONFIG, DOMAIN, killed, nothingLost, startCrashScene } from '../crash/crash.ts';
import { killingHelper, type Step } from '../crash/killing-helper.ts';

const MAILS = 8;

const steps: Record<Step, string> = {
  before: 'before postsuper did anything',
  after: 'when postsuper is done and nobody knows',
  answering: 'while postsuper answers',
};

t.setTimeout(120_000);
const scene = await startCrashScene();
t.teardown(() => scene.stop());
const { postpace } = scene;
const { configDirectory } = scene.postfix;
const release = ['postsuper', '-c', configDirectory, '-H', '-'];
const hold = ['postsuper', '-c', configDirectory, '-h', '-', 'deferred'];

async function start(replaced: object): Promise<void> {
  const postfix = { config_directory: configDirectory, release, hold, ...replaced };
  await postpace.configure({ ...CONFIG, postfix });
  await postpace.start();
}

for (const helper of ['release', 'hold'] as const) {
  for (const step of ['before', 'after', 'answering'] as const) {
    await t.test(`${helper}: ${steps[step]}`, { timeout: 60_000 }, async (t) => {
      await postpace.stop();
      const argv = helper === 'release' ? release : hold;
      await start({ [helper]: await killingHelper(scene, step, argv) });
      const sink = scene.sink(DOMAIN);
      if (helper === 'hold') {
        sink.rule = ({ stage }) => (stage === 'rcpt' ? '451 4.7.1 later' : undefined);
      }
      const sinceMs = Date.now();
      await burstOf(scene, MAILS);
      await killed(scene);
      sink.rule = undefined;
      await start({});
      await nothingLost(t, scene, sinceMs);
    });
  }
}
