/** Against a real DNS server on loopback: nsd, with zones that are good, odd, broken and hostile. */
import { createServer } from 'node:net';
import { once } from 'node:events';
import t from 'tap';
import { startDns } from '../../lab/dns.ts';
import { freePort, portOf } from '../../lab/port.ts';
import { waitFor } from '../../lab/wait.ts';
import { toDestination } from '../../src/mail/destination.ts';
import { MxCache } from '../../src/provider/mx-cache.ts';
import { lookUpMx } from '../../src/provider/mx-lookup.ts';

const many = Array.from({ length: 60 }, (_, i) => {
  return `large MX 10 mx-with-a-rather-long-name-number-${i}.mail.protection.outlook.com.`;
});
const records = `
contoso 120 MX 0 contoso-example.mail.protection.outlook.com.
xn--mnchen-3ya MX 10 mx.xn--mnchen-3ya.example.
alias CNAME contoso
split MX 10 contoso-example.mail.protection.outlook.com.
split MX 20 mx.evil.example.
null MX 0 .
address A 192.0.2.1
mixed MX 0 .
mixed MX 10 mx.example.
blank MX 10 a\\032b.mail.protection.outlook.com.
bytes MX 10 \\255\\000.mail.protection.outlook.com.
forged MX 10 x.mail.protection.outlook.com.evil
changing 60 MX 10 old.example.
${many.join('\n')}
`;
const dns = await startDns({ example: records, broken: '' });
t.teardown(() => dns.stop());
const server = { address: '127.0.0.1', port: dns.port };
const ask = (domain: string, servers = [server]) => lookUpMx(domain, servers);

const answers: Readonly<Record<string, object>> = {
  'contoso.example': {
    answer: { kind: 'hosts', hosts: ['contoso-example.mail.protection.outlook.com'] },
    ttlSec: 120,
  },
  'alias.example': {
    answer: { kind: 'hosts', hosts: ['contoso-example.mail.protection.outlook.com'] },
  },
  [toDestination('MÜNCHEN.example') ?? '']: { answer: { hosts: ['mx.xn--mnchen-3ya.example'] } },
  'split.example': {
    answer: { hosts: ['contoso-example.mail.protection.outlook.com', 'mx.evil.example'] },
  },
  'null.example': { answer: { kind: 'null' }, ttlSec: 300 },
  'address.example': { answer: { kind: 'address' }, ttlSec: 90 },
  'nothing.example': { answer: { kind: 'missing' }, ttlSec: 90 },
  'mixed.example': { answer: { kind: 'unusable' } },
  'blank.example': { answer: { kind: 'unusable' } },
  'bytes.example': { answer: { kind: 'unusable' } },
  'forged.example': { answer: { hosts: ['x.mail.protection.outlook.com.evil.example'] } },
};
t.test('what the server says', async (t) => {
  for (const [domain, expected] of Object.entries(answers)) {
    t.match(await ask(domain), { kind: 'answer', ...expected }, domain);
  }
});

t.test('a reply that does not fit comes over TCP', async (t) => {
  const found = await ask('large.example');
  t.match(found, { kind: 'answer', answer: { kind: 'hosts' } });
  const hosts = found.kind === 'answer' && found.answer.kind === 'hosts' ? found.answer.hosts : [];
  t.equal(hosts.length, 60);
});

t.test('a server that fails, refuses, or is not there: the next one', async (t) => {
  const nobody = { address: '127.0.0.1', port: await freePort() };
  t.match(await ask('sub.broken'), { kind: 'failed', why: 'SERVFAIL from 127.0.0.1' });
  t.match(await ask('elsewhere.test'), { kind: 'failed', why: 'REFUSED from 127.0.0.1' });
  t.match(await ask('contoso.example', [nobody]), { kind: 'failed', why: /ECONNREFUSED/ });
  t.match(await ask('contoso.example', [nobody, server]), { kind: 'answer' });
  t.match(await ask('contoso.example', []), { kind: 'failed', why: 'no DNS server is known' });
});

t.test('over TCP a server that hangs up or talks of something else', async (t) => {
  // UDP says that the reply was cut off, and this one is asked again.
  const { askOverTcp } = await import('../../src/provider/dns-exchange.ts');
  const rude = createServer((socket) => {
    socket.once('data', () => socket.end(Buffer.from([0, 3, 1, 2, 3])));
  });
  rude.listen(0, '127.0.0.1');
  await once(rude, 'listening');
  const question = {
    server: { address: '127.0.0.1', port: portOf(rude) },
    query: Buffer.from('?'),
    timeoutMs: 5000,
  };
  await t.rejects(askOverTcp({ ...question, read: () => undefined }), /another question/);
  t.same(await askOverTcp({ ...question, read: (bytes) => [...bytes] }), [1, 2, 3]);
  rude.close();
});

async function isNew(): Promise<boolean> {
  return JSON.stringify(await ask('changing.example')).includes('new.example');
}

t.test('frozen: mail waits half a second, stale answers go on, and it heals', async (t) => {
  const now = { shiftMs: 0 };
  const cache = new MxCache({
    lookUp: (domain) => ask(domain),
    nowMs: () => performance.now() + now.shiftMs,
  });
  cache.start('changing.example');
  await cache.wait(['changing.example']);
  t.match(cache.get('changing.example'), { answer: { hosts: ['old.example'] }, fresh: true });

  await dns.change('example', records.replace('old.example.', 'new.example.'));
  await waitFor(isNew, { what: 'nsd to have the new zone' });
  cache.start('changing.example');
  t.match(
    cache.get('changing.example'),
    { answer: { hosts: ['old.example'] }, fresh: true },
    'its TTL',
  );

  now.shiftMs = 61_000;
  dns.freeze();
  cache.start('changing.example');
  cache.start('contoso.example');
  const begunMs = performance.now();
  await cache.wait(['changing.example', 'contoso.example']);
  const waitedMs = performance.now() - begunMs;
  t.ok(waitedMs > 300 && waitedMs < 2000, `waited ${Math.round(waitedMs)} ms`);
  t.match(
    cache.get('changing.example'),
    { answer: { hosts: ['old.example'] }, fresh: false },
    'stale',
  );
  t.match(cache.get('contoso.example'), { kind: 'asked' });
  await waitFor(() => cache.get('contoso.example')?.kind === 'failed', {
    what: 'the lookup to end',
  });
  t.match(cache.get('contoso.example'), { why: 'no answer from 127.0.0.1' });
  t.match(cache.get('changing.example'), { failed: 'no answer from 127.0.0.1' });

  dns.thaw();
  now.shiftMs += 31_000;
  for (const domain of ['changing.example', 'contoso.example']) cache.start(domain);
  const healed = (): boolean =>
    cache.get('contoso.example')?.kind === 'known' &&
    JSON.stringify(cache.get('changing.example')).includes('new.example');
  await waitFor(healed, { what: 'both to be known' });
  t.match(cache.get('changing.example'), { fresh: true });
});
