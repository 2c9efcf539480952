import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Change } from '../../src/postfix/change.ts';
import { planGate, type GatePlan } from '../../src/postfix/gate-plan.ts';
import { readInstance } from '../../src/postfix/instance.ts';
import { readPostfix } from '../../src/postfix/settings.ts';
import { scratch, type Scratch } from './scratch.ts';

t.setTimeout(60_000);

/** `interfaces`: inet_interfaces, of which Postfix allows none that this machine lacks. */
async function plan(at: Scratch, interfaces = 'all'): Promise<GatePlan> {
  await at.age();
  const { main } = await readPostfix(at.directory);
  return planGate(await readInstance(at.directory), undefined, {
    providers: [
      { id: 'fast', domains: ['fast.example', 'fast.test'], intervalUs: 10_000 },
      { id: 'slow', domains: ['slow.example'], intervalUs: 3_000_000 },
      { id: 'slowest', domains: ['slowest.example'], intervalUs: 30_000_000 },
      { id: 'by-mx', domains: [] },
      { id: 'free', domains: ['free.example'] },
    ],
    port: 10_025,
    milter: 'unix:postpace/milter.sock',
    waitMs: 20_000,
    queueDirectory: '/q',
    dataDirectory: '/data-of-the-gate',
    expanded: new Map([...main, ['inet_interfaces', interfaces]]),
    tablePath: '/etc/postfix/postpace-gate-transport',
  });
}

const valueOf = (changes: readonly Change[], name: string): string | undefined =>
  changes.find(({ place }) => (place.kind === 'main' ? place.name : place.id) === name)?.after;

t.test('a transport, an address and its processes for each provider', async (t) => {
  const at = await scratch(['transport_maps = hash:/etc/postfix/transport']);
  t.teardown(() => at.remove());
  const { first, second, table, conflicts } = await plan(at);
  t.same(conflicts, []);
  t.same(table.trim().split('\n'), [
    'fast.example postpace-gate-fast:[127.0.0.3]:10025',
    'fast.test postpace-gate-fast:[127.0.0.3]:10025',
    'slow.example postpace-gate-slow:[127.0.0.4]:10025',
    'slowest.example postpace-gate-slowest:[127.0.0.5]:10025',
    'free.example postpace-gate-free:[127.0.0.6]:10025',
  ]);
  // As many as have their turn within 20 s: 20 at most, one at least.
  const processes = ['fast', 'slow', 'slowest', 'free'].map(
    (id) => valueOf(first, `postpace-gate-${id}/unix`)?.split(' ')[6],
  );
  t.same(processes, ['20', '6', '1', '20']);
  t.equal(valueOf(first, 'default_transport'), 'postpace-gate:[127.0.0.2]:10025');
  t.equal(
    valueOf(first, 'transport_maps'),
    'texthash:/etc/postfix/postpace-gate-transport, hash:/etc/postfix/transport',
  );
  t.equal(valueOf(first, 'postpace-gate-slow_destination_recipient_limit'), '1');
  t.match(valueOf(first, '127.0.0.1:10026/inet'), /smtpd/);
  for (let host = 2; host <= 6; host++) t.ok(valueOf(second, `127.0.0.${host}:10025/inet`));
  t.match(valueOf(second, 'smtpd_milters'), /default_action=tempfail/);
  t.equal(valueOf(second, 'smtpd_error_sleep_time'), '0');
});

t.test('the gate sends as the first instance did, and has nothing of its own', async (t) => {
  const at = await scratch([
    'relayhost = [relay.example]:587',
    'smtp_tls_session_cache_database = btree:${data_directory}/smtp_scache',
    'data_directory = /var/lib/postfix',
    'mydomain = example.org',
    'mydestination = $mydomain, localhost',
    'smtpd_milters = inet:signer:1',
  ]);
  t.teardown(() => at.remove());
  const { second } = await plan(at, '127.0.0.1, 192.0.2.25');
  t.equal(valueOf(second, 'relayhost'), '[relay.example]:587');
  t.equal(
    valueOf(second, 'smtp_tls_session_cache_database'),
    'btree:/data-of-the-gate/smtp_scache',
  );
  t.match(valueOf(second, 'relay_domains'), /^example\.org, localhost/);
  t.equal(valueOf(second, 'relay_transport'), 'relay:[127.0.0.1]:10026');
  t.equal(valueOf(second, 'mydestination'), '');
  t.equal(valueOf(second, 'smtp_bind_address'), '192.0.2.25', 'mail leaves from there as before');
  t.notMatch(valueOf(second, 'smtpd_milters'), /signer/);
  t.equal(valueOf(second, 'queue_directory'), undefined);
});

t.test('what would lead mail round it is a conflict', async (t) => {
  const at = await scratch(['sender_dependent_default_transport_maps = hash:/x']);
  t.teardown(() => at.remove());
  t.match((await plan(at)).conflicts, [/sender_dependent_default_transport_maps/]);
});

t.test('planned again on what it made, nothing changes', async (t) => {
  const at = await scratch([]);
  t.teardown(() => at.remove());
  const { first } = await plan(at);
  for (const { place, after = '' } of first) {
    const flag = place.kind === 'main' ? '-e' : '-M';
    const name = place.kind === 'main' ? place.name : place.id;
    await at.postconf(flag, `${name}=${after}`);
  }
  // texthash tables are not read by postconf; the file's text is what it is.
  const main = join(at.directory, 'main.cf');
  await writeFile(main, await readFile(main));
  t.same((await plan(at)).first, []);
});
