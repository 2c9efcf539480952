import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { startPostfix } from '../../lab/postfix.ts';
import { type OutboundOptions, readOutbound } from '../../src/postfix/outbound.ts';
import { readPostfix, readTimeMs } from '../../src/postfix/settings.ts';

// On a busy machine a process of Postfix takes its time.
t.setTimeout(180_000);

const postfix = await startPostfix({
  main: {
    // Only its configuration is used; what the tables hold is written below.
    virtual_mailbox_domains: 'lab.test, !no.mailbox.test, inline:{mailbox.test=x}',
    virtual_alias_maps: 'inline:{alias.test=x}, inline:{{someone@nowhere.test=x}}',
    maximal_queue_lifetime: '36h',
    smtpd_milters: 'unix:postpace/milter.sock',
    smtpd_delay_open_until_valid_rcpt: 'yes',
  },
  master: [
    'slow unix - - n - - smtp -o smtp_destination_rate_delay=1s',
    'odd unix - - n - - pipe user=nobody argv=/bin/true',
  ],
});
t.teardown(() => postfix.stop());
const file = (name: string) => join(postfix.configDirectory, name);
await writeFile(file('destinations'), '# ours\nfile.test other.test\n');
await writeFile(file('relay'), 'relay.test x\n.dotted.test x\n');
await writeFile(
  file('transport'),
  'inside.test smtp:[192.0.2.5]\nslowed.test slow:\n.sub.test odd:\nempty.test :[192.0.2.9]\n',
);
await postfix.set({
  mydestination: `localhost.lab.test, ${file('destinations')}`,
  relay_domains: `inside.test, texthash:${file('relay')}`,
  transport_maps: `texthash:${file('transport')}`,
});

async function outbound(options: Partial<OutboundOptions> = {}) {
  const settings = await readPostfix(postfix.configDirectory);
  return readOutbound(settings, {
    now: () => 0,
    onTrouble: (error) => t.fail(error.message),
    ...options,
  });
}

await t.test('what postconf says', async (t) => {
  const settings = await readPostfix(postfix.configDirectory);
  t.match(settings, {
    configDirectory: postfix.configDirectory,
    queueDirectory: postfix.queueDirectory,
    mailVersion: /^3\.\d+/,
    myhostname: 'mail.lab.test',
    longQueueIds: true,
    maximalQueueLifetimeMs: 36 * 3600 * 1000,
    defaultProcessLimit: 300,
    maillogFile: postfix.logFile,
    syslogFacility: 'mail',
    smtpdMilters: 'unix:postpace/milter.sock',
    nonSmtpdMilters: '',
    authorizedFlushUsers: 'static:anyone',
  });
  t.match(
    settings.services.find((service) => service.name === 'slow'),
    { type: 'unix', command: 'smtp' },
  );
  t.same(
    ['5d', '300', '2w', '10m', '200ms', ''].map((text) => readTimeMs(text, 's')),
    [432_000_000, 300_000, 1_209_600_000, 600_000, undefined, undefined],
  );
});

await t.test('no Postfix there', async (t) => {
  await t.rejects(readPostfix('/nowhere'), {
    message: /^postconf -c \/nowhere -[xM]: .*No such file/,
  });
  const path = process.env.PATH;
  process.env.PATH = '/nowhere';
  t.teardown(() => (process.env.PATH = path));
  await t.rejects(readPostfix('/nowhere'), { message: /command not found/ });
});

await t.test('what leaves the machine', async (t) => {
  const table: [destination: string, mailer: string | undefined, leaves: boolean][] = [
    ['far.test', 'smtp', true],
    ['far.test', undefined, true],
    ['far.test', 'slow', true],
    // lmtp is the same program under another name; relay is an smtp to the inside by its domain.
    ['far.test', 'lmtp', false],
    ['far.test', 'odd', false],
    ['far.test', 'relay', true],
    ['localhost.lab.test', 'local', false],
    ['localhost.lab.test', undefined, false],
    ['sub.localhost.lab.test', 'smtp', true],
    ['file.test', 'smtp', false],
    ['other.test', undefined, false],
    ['lab.test', 'virtual', false],
    ['mailbox.test', undefined, false],
    ['no.mailbox.test', undefined, true],
    ['alias.test', 'error', false],
    ['nowhere.test', 'smtp', true],
    // In relay_domains, wherever transport_maps sends it; subdomains too.
    ['inside.test', 'smtp', false],
    ['deep.inside.test', 'smtp', false],
    ['relay.test', 'relay', false],
    ['a.b.relay.test', 'relay', false],
    ['x.dotted.test', 'smtp', true],
    ['slowed.test', undefined, true],
    ['x.sub.test', undefined, false],
    ['sub.test', undefined, true],
    ['empty.test', undefined, true],
  ];
  const decide = await outbound();
  for (const [destination, mailer, leaves] of table) {
    await decide.prepare(destination, mailer);
    t.equal(
      decide.leaves(destination, mailer),
      leaves,
      `${destination} by ${mailer ?? 'sendmail'}`,
    );
  }
  const only = await outbound({ transports: ['odd'] });
  await only.prepare('far.test');
  t.equal(only.leaves('far.test', 'smtp'), false);
  t.equal(only.leaves('far.test', 'odd'), true);
});

await t.test('parents without parent_domain_matches_subdomains', async (t) => {
  await postfix.set({ parent_domain_matches_subdomains: 'mynetworks' });
  t.teardown(() => postfix.set({ parent_domain_matches_subdomains: 'relay_domains' }));
  const decide = await outbound();
  const table = { 'deep.inside.test': true, 'x.dotted.test': false, 'dotted.test': true };
  for (const [destination, leaves] of Object.entries(table)) {
    await decide.prepare(destination);
    t.equal(decide.leaves(destination, 'smtp'), leaves, destination);
  }
});

await t.test(
  'a table that can not be read: the transport decides, and it is told once',
  async (t) => {
    await postfix.set({ relay_domains: `hash:${file('missing')}` });
    const told: string[] = [];
    let nowMs = 0;
    const decide = await outbound({
      onTrouble: (error) => told.push(error.message),
      now: () => nowMs,
    });
    for (const destination of ['far.test', 'inside.test']) {
      await decide.prepare(destination);
      t.equal(decide.leaves(destination, 'smtp'), true, destination);
      t.equal(decide.leaves(destination, 'local'), false, destination);
      t.equal(decide.leaves(destination), true, destination);
    }
    t.equal(told.length, 1);
    t.match(told[0], /missing\.db: No such file or directory/);
    // Once it is there, and half a minute later, it counts.
    await writeFile(file('missing'), 'inside.test x\n');
    await postfix.command(['postmap', `hash:${file('missing')}`]);
    nowMs += 31_000;
    await decide.prepare('inside.test');
    t.equal(decide.leaves('inside.test', 'smtp'), false);
  },
);

await t.test('a file of a list that can not be read', async (t) => {
  await postfix.set({ mydestination: '/nowhere/domains' });
  await t.rejects(outbound(), { message: /\/nowhere\/domains/ });
});
