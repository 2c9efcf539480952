/** postsuper fails, hangs, answers late, is missing; postqueue fails: mail waits, nothing is rushed. */
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { waitFor } from '../../lab/wait.ts';
import { burstOf, CONFIG, nothingLost, startCrashScene } from '../crash/crash.ts';

t.setTimeout(120_000);
const scene = await startCrashScene();
t.teardown(() => scene.stop());
const { postfix, postpace } = scene;
const helper = join(postfix.directory, 'helper');
const mode = join(postfix.directory, 'mode');
const { configDirectory } = postfix;

// Asks for its mode with each line, so that it can change while the helper is open.
await writeFile(
  helper,
  `#!/bin/sh
release() { echo "$id" | postsuper -c ${configDirectory} -H - 2>&1; }
while read -r id; do
  case $(cat ${mode}) in
    fails) echo 'postsuper: fatal: no space' >&2; exit 1 ;;
    hangs) exec sleep 600 ;;
    'answers late') said=$(release); sleep 3; echo "$said" ;;
    *) release ;;
  esac
done
`,
);
await chmod(helper, 0o755);
await writeFile(mode, 'works');

// A postqueue that can be broken, before the real one in PATH.
const bin = join(postfix.directory, 'bin');
const broken = join(postfix.directory, 'broken');
mkdirSync(bin);
await writeFile(
  join(bin, 'postqueue'),
  `#!/bin/sh
[ -e ${broken} ] && { echo 'postqueue: fatal: out of luck' >&2; exit 1; }
PATH=\${PATH#${bin}:} exec postqueue "$@"
`,
);
await chmod(join(bin, 'postqueue'), 0o755);
process.env['PATH'] = `${bin}:${process.env['PATH'] ?? ''}`;

const hold = ['postsuper', '-c', configDirectory, '-h', '-', 'deferred'];
await postpace.stop();
await postpace.configure({
  ...CONFIG,
  postfix: { config_directory: configDirectory, release: [helper], hold },
});
await postpace.start();

const troubles: Record<
  string,
  { breaks: () => Promise<void>; mends: () => Promise<void>; told: RegExp }
> = {
  'postsuper fails': {
    breaks: () => writeFile(mode, 'fails'),
    mends: () => writeFile(mode, 'works'),
    told: /release helper: .*no space/,
  },
  'postsuper hangs': {
    breaks: () => writeFile(mode, 'hangs'),
    mends: () => writeFile(mode, 'works'),
    told: /release helper: .*no answer/,
  },
  'postsuper releases and answers too late': {
    breaks: () => writeFile(mode, 'answers late'),
    mends: () => writeFile(mode, 'works'),
    told: /release helper: .*no answer/,
  },
  'postsuper is missing': {
    breaks: async () => {
      await rename(helper, `${helper}.away`);
      await sleep(0);
    },
    mends: () => rename(`${helper}.away`, helper),
    told: /release helper: .*helper/,
  },
  'postqueue fails': {
    breaks: () => writeFile(broken, ''),
    mends: () => rm(broken),
    told: /queue listing: .*out of luck/,
  },
};

for (const [name, { breaks, mends, told }] of Object.entries(troubles)) {
  await t.test(name, { timeout: 60_000 }, async (t) => {
    await breaks();
    // The open helper is the old one until it is closed.
    if (name.endsWith('missing')) await postpace.restart();
    const sinceMs = Date.now();
    const sent = await burstOf(scene, 6);
    t.same([...new Set(sent.map(({ code }) => code))], [250]);
    const warned = async () =>
      (await postpace.control.status()).warnings.find((warning) => told.test(warning));
    t.ok(await waitFor(warned, { what: 'status to tell' }));
    await mends();
    await nothingLost(t, scene, sinceMs);
    await waitFor(async () => !(await warned()), { what: 'status to tell no more' });
  });
}
