/** A destination's provider as the daemon decides and explains it, beside a real DNS server. */
import t from 'tap';
import { startDns } from '../../lab/dns.ts';
import { waitFor } from '../../lab/wait.ts';
import { parseConfig } from '../../src/config/load.ts';
import { Grouping } from '../../src/daemon/grouping.ts';
import { SpokenLog } from '../pace/spoken-log.ts';

const OUTLOOK = 'contoso-example.mail.protection.outlook.com';
const dns = await startDns({
  example: `contoso 120 MX 0 ${OUTLOOK}.\nlate MX 0 ${OUTLOOK}.\nhosted MX 0 mx.hosting.test.\n`,
  broken: '',
});
t.teardown(() => dns.stop());

const text = (more = '') => `dns: { servers: ['${dns.server}'${more}] }`;
const config = (yaml: string) => parseConfig(yaml, 'p.yaml');
const now = { ms: Date.parse('2026-11-24T12:00:00') };
const log = new SpokenLog();
const grouping = new Grouping(config(text()), { nowMs: () => now.ms, log });
const looked = async (destination: string) => {
  grouping.start(destination);
  await grouping.wait([destination]);
  return grouping.resolve(destination).id;
};

t.test('what DNS says, and what is never asked', async (t) => {
  t.equal(await looked('contoso.example'), 'microsoft365');
  t.equal(
    grouping.explain('contoso.example'),
    `MX host ${OUTLOOK}, by the rule .mail.protection.outlook.com; known until 2026-11-24 12:02:00`,
  );
  t.equal(await looked('hosted.example'), 'hosting.test');
  t.match(
    grouping.explain('hosted.example'),
    /^MX host mx.hosting.test, in hosting.test; known until/,
  );
  t.equal(await looked('a.broken'), 'a.broken');
  t.equal(
    grouping.explain('a.broken'),
    'destination of its own: DNS fails: SERVFAIL from 127.0.0.1; asked again at 2026-11-24 12:00:30',
  );
  for (const one of ['gmail.com', '[192.0.2.1]', 'localhost']) {
    grouping.start(one);
    t.equal(grouping.wait([one]), undefined, `${one} is not asked for`);
  }
  t.equal(grouping.explain('gmail.com'), 'listed domain gmail.com');
  t.equal(grouping.explain('[192.0.2.1]'), 'destination of its own');
});

t.test('DNS that is slow: a provider of its own, the MX from the second mail on', async (t) => {
  dns.freeze();
  t.equal(await looked('late.example'), 'late.example');
  t.equal(grouping.explain('late.example'), 'destination of its own: DNS has not told its MX yet');
  dns.thaw();
  const known = () => grouping.resolve('late.example').id === 'microsoft365';
  await waitFor(known, { what: 'the late answer' });
  t.match(grouping.explain('late.example'), /^MX host contoso-example/);
});

t.test('stale while DNS fails', async (t) => {
  now.ms += 3600_000;
  grouping.replace(config(`dns: { servers: ['127.0.0.1:1'] }`));
  t.equal(await looked('contoso.example'), 'microsoft365');
  t.match(
    grouping.explain('contoso.example'),
    /; known until 2026-11-24 12:02:00, and DNS fails: .*ECONNREFUSED.* from 127\.0\.0\.1$/,
  );
});

t.test('new rules read what is known; a list goes before the MX; off is off', async (t) => {
  grouping.replace(
    config(`providers: { mine: { mx_suffixes: [.mail.protection.outlook.com], pace: 1/h } }`),
  );
  t.equal(grouping.resolve('contoso.example').id, 'mine', "the file's word goes before the pack's");
  grouping.replace(config('providers: { club: { domains: [contoso.example] } }'));
  t.equal(grouping.resolve('contoso.example').id, 'club');
  grouping.replace(config('dns: { group_by_mx: false }'));
  t.equal(grouping.resolve('contoso.example').id, 'contoso.example');
  t.equal(grouping.explain('contoso.example'), 'destination of its own');
  grouping.replace(config(text()));
});

t.test('whose member a destination is', async (t) => {
  t.ok(grouping.isMember('contoso.example', 'microsoft365'));
  t.ok(grouping.isMember('hosted.example', 'hosting.test'));
  t.notOk(grouping.isMember('contoso.example', 'contoso.example'), 'itself');
  t.notOk(grouping.isMember('gmail.com', 'gmail'), 'listed');
  t.notOk(grouping.isMember('lists.hosting.test', 'hosting.test'), 'of the same owner');
  t.notOk(grouping.isMember('lists.utc.fr', 'utc'), 'below a listed domain');
});

t.test('set apart: a provider of its own, with the limits of the one its MX names', async (t) => {
  const outcome = { recipient: 'x@contoso.example', provider: 'microsoft365', relay: 'none' };
  grouping.membership.refused(outcome, 'connect to mx: Connection timed out');
  const { id, limits, because } = grouping.resolve('contoso.example');
  t.equal(id, 'contoso.example');
  t.equal(limits, grouping.resolver.provider('microsoft365').limits);
  t.match(
    because,
    /set apart from microsoft365, which its MX names, until mail to it is taken again/,
  );
  t.match(because, /it was deferred: connect to mx: Connection timed out$/);
  t.equal(grouping.provider('contoso.example').limits, limits);
  t.equal(grouping.explain('contoso.example'), because);
  grouping.membership.answered(
    { ...outcome, provider: id, relay: `${OUTLOOK}[192.0.2.1]:25` },
    true,
  );
  t.equal(grouping.resolve('contoso.example').id, 'microsoft365');
});
