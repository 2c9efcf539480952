import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import t from 'tap';

import { displayWidth } from '../../src/cli/width.ts';
import { fakeDaemon, NOW, OUTLOOK, STATUS, UTC } from '../control/fake-daemon.ts';
import { ENV, MAIN, postpace, served, type Served } from './postpace.ts';

// Every run is a process of its own: a busy machine needs its time.
t.setTimeout(120_000);

let fake: Served;
t.before(async () => {
  fake = await served();
});
t.teardown(() => fake.close());

const GOLDEN = `\
postpace 0.1.0, pid 4711, up 2 h 5 min; mode hold; store memory; log
/var/log/mail.log: following
WARNING: postpace is not the last milter of smtpd: opendkim comes after it
held: 469 ours, 2 foreign (not touched), 1 unclaimed (see held adopt)

PROVIDER  1 MIN  1 H  1 DAY  FLIGHT  HELD  NEXT    LAST LEAVES
utc          20  143   1143     3/5   457  in 3 s  15:14 (in 23 min)
  limits 20/min burst 3, 300/h, 1500/day, 5 in flight, by configuration
  held: transactional 3, default 454
outlook       0    0     50     0/2    12  -       -
  limits 5/min burst 1, 2 in flight, by override until 16:51 (in 2 h);
  configured: 10/min burst 1, 2 in flight
  SUSPENDED until Nov 25 16:51 (in 1 d 2 h): S3150, form sent
  TROUBLE since 14:41 (10 min ago): 451 4.7.650 The mail server [192.0.2.25] has
  been temporarily rate limited; next probe 14:56 (in 5 min)
  held: default 12
`;

t.test('at 80 columns: warnings first, only providers with mail', async (test) => {
  test.same(await fake.run('status'), { exit: 0, out: GOLDEN, err: '' });
});

t.test('into a pipe nothing is wrapped or cut', async (test) => {
  const { out } = await postpace(['status', '--control', fake.socket], { COLUMNS: '' });
  test.match(out, /^postpace 0\.1\.0, .*; log \/var\/log\/mail\.log: following$/m);
  test.match(out, /^ {2}TROUBLE since .*rate limited; next probe 14:56 \(in 5 min\)$/m);
});

t.test('one provider, exactly', async (test) => {
  const one = await fake.run('status', 'utc');
  test.match(one.out, /^utc /m);
  test.notMatch(one.out, /^outlook/m);
  test.same(await fake.run('status', 'ut'), {
    exit: 1,
    out: '',
    err: 'postpace: There is no provider ut.\n',
  });
  const quiet = await fake.run('status', 'quiet');
  test.match(quiet.out, /^quiet .*\n {2}limits unlimited, by configuration$/m, 'also an idle one');
});

t.test('--json is the report', async (test) => {
  const { exit, out } = await fake.run('status', '--json');
  test.equal(exit, 0);
  test.same(JSON.parse(out), { ...STATUS, providers: [UTC, OUTLOOK] });
});

t.test('everything passes, observe mode, nothing happened yet', async (test) => {
  const report = {
    ...STATUS,
    mode: 'observe' as const,
    passAllUntil: STATUS.now + 3_600_000,
    warnings: [],
    held: { ours: 0, foreign: 0, unclaimed: 0 },
    providers: [],
  };
  const other = await served({ ...fakeDaemon(), status: async () => report });
  test.teardown(() => other.close());
  test.equal(
    (await other.run('status')).out,
    `postpace 0.1.0, pid 4711, up 2 h 5 min; mode observe; store memory; log
/var/log/mail.log: following
EVERYTHING PASSES unpaced until 15:51 (in 1 h)
held: 0 ours

No mail in the last day.
`,
  );
});

t.test('destinations without a row are counted', async (test) => {
  const report = { ...STATUS, unlisted: { providers: 9800, held: 9900 } };
  const other = await served({ ...fakeDaemon(), status: async () => report });
  test.teardown(() => other.close());
  const { out } = await other.run('status');
  test.match(out, /\n\nand 9800 more destinations with 9900 messages held\n$/);
});

t.test("a stranger's text can't command the terminal", async (test) => {
  const nasty = '451 \u001b]0;owned\u0007\u009b2J \u202egnp.exe 用户';
  const provider = { ...OUTLOOK, trouble: { since: 0, nextProbe: null, reply: nasty } };
  const report = { ...STATUS, providers: [provider] };
  const other = await served({ ...fakeDaemon(), status: async () => report });
  test.teardown(() => other.close());
  const text = await other.run('status');
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  test.notMatch(text.out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  test.match(text.out, /451 \?\]0;owned\?\?2J\s+\?gnp\.exe\s+用户/);
  const json = await other.run('status', '--json');
  // oxlint-disable-next-line no-control-regex -- as above
  test.notMatch(json.out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  test.same(JSON.parse(json.out).providers[0].trouble.reply, nasty, 'and is all there');
  for (const line of text.out.split('\n')) test.ok(displayWidth(line) <= 80, line);
});

t.test('--watch into a pipe repeats until SIGINT', async (test) => {
  const child = spawn(
    process.execPath,
    [MAIN, 'status', '--watch', '--json', '--control', fake.socket],
    {
      env: ENV,
    },
  );
  let out = '';
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      if (out.split('\n').length > 2) resolve();
    });
  });
  child.kill('SIGINT');
  const [exit] = await once(child, 'close');
  test.equal(exit, 0);
  const lines = out.trim().split('\n');
  test.ok(lines.length >= 2, 'an object a line');
  for (const line of lines) test.equal(JSON.parse(line).pid, 4711);
});

t.test('--watch ends on SIGINT although the daemon hangs', async (test) => {
  let asked = 0;
  const waits = new EventEmitter();
  const status = (): Promise<typeof STATUS> => {
    if (asked++ === 0) return Promise.resolve(STATUS);
    waits.emit('waits');
    return new Promise(() => undefined);
  };
  const other = await served({ ...fakeDaemon(), status });
  test.teardown(() => other.close());
  const child = spawn(process.execPath, [MAIN, 'status', '--watch', '--control', other.socket], {
    env: ENV,
  });
  await once(waits, 'waits');
  child.kill('SIGINT');
  const [exit] = await once(child, 'close');
  test.equal(exit, 0);
});

t.test('--watch on a terminal: alternate screen, left again on Ctrl-C', async (test) => {
  // script(1) gives the program a terminal; its standard input is that terminal's keyboard.
  const command = `stty rows 12 cols 60; exec ${process.execPath} ${MAIN} status --watch --control ${fake.socket}`;
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { ...ENV, TERM: 'xterm', SHELL: '/bin/sh' },
  });
  let out = '';
  let pressed = false;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
    if (!pressed && out.split('\u001b[H').length > 2) {
      pressed = true;
      child.stdin.write('\u0003');
    }
  });
  const [exit] = await once(child, 'close');
  test.equal(exit, 0);
  const frames = out.split('\u001b[H');
  test.equal(frames[0]?.trim(), '\u001b[?1049h\u001b[?25l', 'enters the screen, hides the cursor');
  test.ok(out.trim().endsWith('\u001b[?25h\u001b[?1049l'), 'shows the cursor, leaves the screen');
  test.ok(frames.length >= 3, 'drawn more than once');
  const first = (frames[1] ?? '').split('\n');
  test.ok(first.length <= 12, `${first.length} lines fit on 12 rows`);
  test.match(frames[1], /… \d+ more lines/);
  test.ok(frames[1]?.includes('mWARNING: '), 'in colour');
});

t.test('NO_COLOR on a terminal', async (test) => {
  const command = `exec ${process.execPath} ${MAIN} status --control ${fake.socket}`;
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { ...ENV, TERM: 'xterm', SHELL: '/bin/sh', NO_COLOR: '1' },
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  await once(child, 'close');
  test.match(out, /WARNING: postpace is not the last milter/);
  // oxlint-disable-next-line no-control-regex -- as above
  test.notMatch(out, /\u001b/);
});

t.test('what answers hold back: since when, and what releases it', async (test) => {
  const at = { since: NOW - 600e3, until: null, wall: null, reply: '421 wait' } as const;
  type Held = NonNullable<typeof UTC.feedback>;
  const row = (provider: string, factor: number, some: Partial<Held> & Pick<Held, 'phase'>) => ({
    ...UTC,
    provider,
    factor,
    feedback: { ...at, ...some },
  });
  const providers = [
    row('a', 0.4, { phase: 'slowed', wall: '12/min' }),
    row('b', 1, { phase: 'suspended', until: NOW + 3600e3 }),
    row('c', 1, { phase: 'probing' }),
    row('d', 1, { phase: 'crowded' }),
  ];
  const other = await served({ ...fakeDaemon(), status: async () => ({ ...STATUS, providers }) });
  test.teardown(() => other.close());
  const { out } = await other.run('status');
  const text = out.replaceAll(/\s+/g, ' ');
  for (const note of [
    'SLOWED to 40 % since 14:41 (10 min ago), it bore less than 12/min; climbs back as mail is taken: 421 wait',
    'BLOCKED since 14:41 (10 min ago); first probe 15:51 (in 1 h): 421 wait',
    'PROBING: it blocked us, and opens as probes are taken: 421 wait',
    'CROWDED since 14:41 (10 min ago): fewer messages at once, one more every 6 h: 421 wait',
  ]) {
    test.ok(text.includes(note), note);
  }
});
