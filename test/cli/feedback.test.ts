import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';

import { ControlError } from '../../src/control/api.ts';
import { fakeDaemon, HEARD } from '../control/fake-daemon.ts';
import { postpace, served } from './postpace.ts';

// Every run is a process of its own: a busy machine needs its time.
t.setTimeout(120_000);

async function folder(t: Test): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'postpace-feedback-'));
  t.teardown(() => rm(made, { recursive: true }));
  return made;
}

t.test('what strangers wrote moves no cursor', async (t) => {
  const daemon = fakeDaemon();
  const [event] = HEARD.events;
  const hostile = {
    ...event!,
    recipient: 'a\u001b[2J@b.example',
    reply: '550 \u009b31m\u202ered\nx',
  };
  const fake = await served({
    ...daemon,
    feedback: async () => ({ ...HEARD, events: [hostile] }),
  });
  t.teardown(() => fake.close());
  const { out } = await fake.run('feedback', 'list');
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  t.notMatch(out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  t.match(out, /a\?\[2J@b\.example: 550 \?31m\?red x/);
  const { out: text } = await fake.run('feedback', 'list', '--json');
  t.notMatch(text, /[\u007f-\u009f\u202e]/);
  t.equal(JSON.parse(text).events[0].reply, hostile.reply);
});

t.test('a Maildir goes in whole, whatever the daemon can bear in a minute', async (t) => {
  const daemon = fakeDaemon();
  const maildir = await folder(t);
  let refusals = 0;
  const fake = await served({
    ...daemon,
    ingest: async (what) => {
      if (daemon.asked.length === 2 && refusals < 2) {
        refusals += 1;
        // Somebody reads his mail.
        await rm(join(maildir, 'cur', '3'), { force: true });
        throw new ControlError(503, 'Too many.');
      }
      return daemon.ingest(what);
    },
  });
  t.teardown(() => fake.close());
  for (const name of ['cur', 'new', 'tmp']) await mkdir(join(maildir, name));
  for (let i = 0; i < 5; i += 1) await writeFile(join(maildir, 'cur', `${i}`), `Subject: ${i}\n`);
  const { exit, out, err } = await fake.run('feedback', 'ingest', maildir);
  t.match({ exit, out, err }, { exit: 0, out: /^4 read, 4 events/, err: '' });
  t.equal(daemon.asked.length, 4);
  t.equal(refusals, 2);
});

t.test('a message that Postfix hands in is asked to come again', async (t) => {
  const fake = await served({
    ...fakeDaemon(),
    ingest: () => Promise.reject(new ControlError(503, 'Too many.')),
  });
  t.teardown(() => fake.close());
  const args = ['feedback', 'ingest', '--control', fake.socket];
  t.match(await postpace(args, {}, 'Subject: x\n'), { exit: 75, err: 'postpace: Too many.\n' });
});

t.test('an mbox on standard input goes in whole once it began', async (t) => {
  const daemon = fakeDaemon();
  let refusals = 0;
  const fake = await served({
    ...daemon,
    ingest: async (what) => {
      if (daemon.asked.length === 1 && refusals < 1) {
        refusals += 1;
        throw new ControlError(503, 'Too many.');
      }
      return daemon.ingest(what);
    },
  });
  t.teardown(() => fake.close());
  const from = 'From MAILER-DAEMON Tue Nov 24 14:00:00 2026\n';
  const mbox = [1, 2, 3].map((i) => `${from}Subject: ${i}\n\nhello\n\n`).join('');
  t.match(await postpace(['feedback', 'ingest', '--control', fake.socket], {}, mbox), {
    exit: 0,
    out: /^3 read, 3 events/,
    err: '',
  });
  t.equal(refusals, 1);
});

t.test("what can't be read is told in a sentence", async (t) => {
  const fake = await served();
  t.teardown(() => fake.close());
  const there = await folder(t);
  t.match(await fake.run('feedback', 'ingest', '--ndjson', there), {
    exit: 1,
    err: `postpace: ${there}: found a folder, expected a file of lines\n`,
  });
  t.match(await fake.run('feedback', 'ingest', '--ndjson', join(there, 'none')), {
    exit: 1,
    err: /^postpace: .*none: there is no such file\n$/,
  });
  t.match(await fake.run('feedback', 'ingest', '--ndjson', '--format', 'dsn', there), {
    exit: 2,
    err: 'postpace: --ndjson and --format dsn: one or the other.\n',
  });
  t.match(await fake.run('feedback', 'ingest', fake.socket), {
    exit: 1,
    out: '',
    err: /^postpace: .*control\.sock can't be read: ENXIO/,
  });
});

t.test('lines of control characters fit into a request', async (t) => {
  const fake = await served();
  t.teardown(() => fake.close());
  const file = join(await folder(t), 'lines');
  await writeFile(file, `${'\u0001'.repeat(1000)}\n`.repeat(1000));
  t.match(await fake.run('feedback', 'ingest', '--ndjson', file), { exit: 0, err: '' });
});
