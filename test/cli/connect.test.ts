import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

import { controlSocket } from '../../src/cli/connect.ts';

const none = { json: false, config: undefined, control: undefined };

let directory: string;
t.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'postpace-connect-'));
});
t.teardown(() => rm(directory, { recursive: true }));

async function file(text: string): Promise<string> {
  const path = join(directory, 'postpace.yaml');
  await writeFile(path, text);
  return path;
}

t.test('--control comes first', async (test) => {
  const options = { ...none, config: '/nonexistent', control: '/run/x.sock' };
  test.equal(await controlSocket(options, {}), '/run/x.sock');
  test.equal(await controlSocket({ ...none, control: 'unix:/run/x.sock' }, {}), '/run/x.sock');
});

t.test("then the file's key, whatever else is wrong in it", async (test) => {
  const config = await file('control: /run/y.sock\nstoer: oops\n');
  test.equal(await controlSocket({ ...none, config }, {}), '/run/y.sock');
  test.equal(await controlSocket(none, { POSTPACE_CONFIG: config }), '/run/y.sock');
  await file('control: unix:/run/z.sock\n');
  test.equal(await controlSocket({ ...none, config }, {}), '/run/z.sock');
});

t.test('then the default', async (test) => {
  for (const text of ['', 'mode: hold\n', '# nothing\n', '[]']) {
    const config = await file(text);
    test.equal(await controlSocket({ ...none, config }, {}), '/run/postpace/control.sock');
  }
});

t.test('a file that is named and no use is a ConfigError', async (test) => {
  const missing = { ...none, config: '/nonexistent/postpace.yaml' };
  await test.rejects(controlSocket(missing, {}), { name: 'ConfigError', message: /can't be read/ });
  const config = await file('control: [unclosed\n');
  await test.rejects(controlSocket({ ...none, config }, {}), {
    name: 'ConfigError',
    message: /postpace\.yaml: .*\n[^]*--control SOCKET/,
  });
  await file('control: 7\n');
  await test.rejects(controlSocket({ ...none, config }, {}), {
    name: 'ConfigError',
    message: /control: expected the path of a unix socket, found 7/,
  });
});
