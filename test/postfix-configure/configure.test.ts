import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { planUnconfigure } from '../../src/postfix/unconfigure.ts';
import { applyChanges, readRecords } from '../../src/postfix/configure-apply.ts';
import { readInstance } from '../../src/postfix/instance.ts';
import { ourMilter } from '../../src/postfix/socket-place.ts';
import { scratch, type Scratch } from './scratch.ts';

t.setTimeout(120_000);

const line =
  '{ unix:postpace/milter.sock, connect_timeout=2s, command_timeout=5s, content_timeout=8s, default_action=quarantine }';

async function takeOut(at: Scratch, records = true): Promise<void> {
  await at.age();
  const instance = await readInstance(at.directory);
  const { changes } = records ? await readRecords(at.directory) : { changes: [] };
  const ours = ourMilter(at.listen, `${at.directory}/queue`);
  const { first, hop, last } = planUnconfigure(instance, changes, ours);
  await applyChanges(at.directory, [...first, ...hop, ...last], 'out');
}

t.test('the last milter everywhere, long queue ids, a directory, copies', async (t) => {
  const at = await scratch([
    'signers = inet:localhost:8891',
    'smtpd_milters = $signers,',
    '    { unix:/x, default_action = accept }',
    'non_smtpd_milters = $signers',
  ]);
  t.teardown(() => at.remove());
  const before = await readFile(join(at.directory, 'main.cf'), 'utf8');
  const shown = await at.configure({ apply: false });
  t.equal(shown.applied, false);
  t.equal(await readFile(join(at.directory, 'main.cf'), 'utf8'), before, 'printed, not done');

  const { copies, madeDirectory } = await at.configure();
  t.equal(
    await at.value('smtpd_milters'),
    `$signers, { unix:/x, default_action = accept }, ${line}`,
  );
  t.equal(await at.value('non_smtpd_milters'), `$signers, ${line}`);
  t.equal(await at.value('submission/inet/smtpd_milters'), `inet:a:1, inet:b:2, ${line}`);
  t.equal(await at.value('enable_long_queue_ids'), 'yes');
  t.equal(await readFile(copies[0] ?? '', 'utf8'), before, 'the copy is what was there');
  t.match(copies[0], /main\.cf\.postpace-20261124T000000Z$/);
  t.equal((await stat(madeDirectory ?? '')).mode & 0o7777, 0o2750);
});

t.test('a second run changes nothing', async (t) => {
  const at = await scratch(['smtpd_milters = inet:a:1', 'non_smtpd_milters = $smtpd_milters']);
  t.teardown(() => at.remove());
  await at.configure();
  t.equal(await at.value('non_smtpd_milters'), '$smtpd_milters', 'ours comes with the reference');
  const once = await at.state();
  const again = await at.configure();
  t.same(again.changes, []);
  t.same(again.copies, []);
  t.equal(await at.state(), once);
});

t.test('it moves to the end when another milter was added behind it', async (t) => {
  const at = await scratch([]);
  t.teardown(() => at.remove());
  await at.configure();
  await at.postconf('-e', `smtpd_milters = ${line}, inet:signer:1`);
  await at.configure();
  t.equal(await at.value('smtpd_milters'), `inet:signer:1, ${line}`);
  await takeOut(at);
  t.equal(await at.value('smtpd_milters'), 'inet:signer:1', 'the newcomer stays');
});

t.test('there and back leaves everything to the letter', async (t) => {
  const setUps: readonly (readonly [string, readonly string[], object])[] = [
    ['nothing set', [], {}],
    ['lists', ['smtpd_milters = inet:a:1 inet:b:2', 'non_smtpd_milters = $smtpd_milters'], {}],
    ['an empty list', ['smtpd_milters =', 'enable_long_queue_ids = no'], {}],
    ['services', ['smtpd_milters = inet:a:1'], { services: ['smtp', 'submission', 'sendmail'] }],
    ['split', ['smtpd_milters = inet:a:1'], { split: true }],
    ['split services', ['content_filter ='], { split: true, services: ['smtp', 'sendmail'] }],
  ];
  for (const [name, main, options] of setUps) {
    const at = await scratch(main);
    const before = await at.state();
    await at.configure(options);
    const during = await at.state();
    t.not(during, before, `${name}: configured`);
    t.same((await at.configure(options)).changes, [], `${name}: a second run`);
    await takeOut(at);
    t.equal(await at.state(), before, `${name}: unconfigured`);
    await at.remove();
  }
});

t.test('without its records only what is ours goes', async (t) => {
  const at = await scratch(['smtpd_milters = inet:a:1']);
  t.teardown(() => at.remove());
  const before = await at.state();
  await at.configure();
  await takeOut(at, false);
  const long = 'enable_long_queue_ids = yes\n';
  const left = (await at.state())
    .replace(long, '')
    .replace('{smtpd_milters=inet:a:1, inet:b:2}', 'smtpd_milters=inet:a:1,inet:b:2');
  t.equal(left, before);
});

t.test('--services: those alone, by -o', async (t) => {
  const at = await scratch(['smtpd_milters = inet:a:1']);
  t.teardown(() => at.remove());
  await at.configure();
  await at.configure({ services: ['smtp'] });
  t.equal(await at.value('smtpd_milters'), 'inet:a:1', 'no longer in main.cf');
  t.equal(await at.value('non_smtpd_milters'), '');
  t.equal(await at.value('smtp/inet/smtpd_milters'), `inet:a:1, ${line}`);
  t.equal(await at.value('submission/inet/smtpd_milters'), 'inet:a:1, inet:b:2');
});

t.test('what stands against it is said, and nothing is done', async (t) => {
  const master = ['smtp inet n - y - - smtpd', 'cleanup unix n - y - 0 cleanup'];
  const rows: readonly (readonly [string, readonly string[], object, RegExp])[] = [
    ['protocol', ['milter_protocol = 1'], {}, /milter_protocol is 1/],
    ['no milters', ['receive_override_options = no_milters'], {}, /no_milters/],
    ['a content filter', ['content_filter = amavis:[127.0.0.1]:10024'], {}, /--services/],
    ['and the split', ['content_filter = a:b'], { split: true }, /content_filter for itself/],
    ['an unknown service', [], { services: ['smtpz'] }, /no smtpd service smtpz.*smtp, sendmail/],
    ['outside the chroot', [], { listen: 'unix:/run/p.sock' }, /chrooted and can't reach/],
  ];
  for (const [name, main, options, conflict] of rows) {
    const at = await scratch(main, master);
    const before = await at.state();
    const outcome = await at.configure(options);
    t.match(outcome.conflicts.join('\n'), conflict, name);
    t.equal(outcome.applied, false, name);
    t.equal(await at.state(), before, name);
    t.same((await readdir(at.directory)).toSorted(), ['main.cf', 'master.cf', 'queue'], name);
    await at.remove();
  }
});

t.test('what passes it by is left alone and said', async (t) => {
  const at = await scratch(
    [],
    [
      'smtp inet n - n - - smtpd -o smtpd_milters=',
      '10025 inet n - n - - smtpd -o receive_override_options=no_milters',
      '10026 inet n - n - - smtpd -o content_filter=x:y',
    ],
  );
  t.teardown(() => at.remove());
  const { warnings } = await at.configure();
  t.match(warnings, [/^smtp\/inet has -o smtpd_milters=/, /^10025\/inet has no_milters/, /^10026/]);
  t.equal(await at.value('smtp/inet/smtpd_milters'), '');
});

t.test('a failing postconf leaves the files as they were', async (t) => {
  const at = await scratch([]);
  t.teardown(() => at.remove());
  const before = await at.state();
  const changes = [
    { place: { kind: 'main', name: 'relayhost' }, before: undefined, after: 'x' },
    { place: { kind: 'service', id: 'a/b' }, before: undefined, after: 'not a service' },
  ] as const;
  await t.rejects(applyChanges(at.directory, changes, 'copy'), /postconf/);
  t.equal(await at.state(), before);
});

t.test('another socket', async (t) => {
  t.match(ourMilter('inet:127.0.0.1:8892', '/q').element, /^\{ inet:127\.0\.0\.1:8892, /);
  t.match(ourMilter('systemd', '/q').element, /^\{ unix:postpace\/milter\.sock, /);
  t.match(ourMilter('unix:/run/p.sock', '/q').element, /^\{ unix:\/run\/p\.sock, /);
});
