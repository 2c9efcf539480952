/** A 5xx that is no last word, through a real Postfix: deferred, held again, and delivered later. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { burst } from '../../lab/client.ts';
import { startPostfix } from '../../lab/postfix.ts';
import { MILTER, startPostpace } from '../../lab/postpace.ts';
import { startSink } from '../../lab/sink.ts';
import { waitFor } from '../../lab/wait.ts';

t.setTimeout(120_000);

const sink = await startSink({});
const postfix = await startPostfix({
  milters: MILTER,
  // smtp(8) reads the tables before it goes into its jail.
  chroot: true,
  // No name is found here: everything comes to the sink, through whichever transport.
  main: { smtp_fallback_relay: `[127.0.0.1]:${sink.port}`, smtp_host_lookup: 'native' },
});
const postpace = await startPostpace(postfix, {
  default: { pace: 'none' },
  providers: {
    qq: { domains: ['qq.example'], pace: '600/min', burst: 10 },
    outlook: { domains: ['outlook.example'], pace: '600/min', burst: 10 },
  },
  own_addresses: ['127.0.0.1'],
  // A day in two seconds.
  feedback: { time_scale: 43_200 },
  retry: { min: '500ms', max: '1s' },
});
t.teardown(async () => {
  await postpace.stop();
  await postfix.stop();
  await sink.close();
});

const RATE = 'Ip frequency limited. http://service.mail.qq.com/cgi-bin/help?id=20022';
const BLOCK =
  "550 5.7.1 Unfortunately, messages from [127.0.0.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).";
const filter = (...args: readonly string[]) => postpace.cli('postfix', 'reply-filter', ...args);
const send = (domain: string, serialPrefix: string) =>
  burst({
    port: postfix.port,
    mails: 1,
    from: 'app@here.example',
    to: () => `u@${domain}`,
    serialPrefix,
  });
const took = (domain: string) =>
  sink.deliveries.filter(({ recipient }) => recipient.endsWith(domain)).length;
const linesTo = async (domain: string, status: string) =>
  (await postfix.log())
    .split('\n')
    .filter((line) => line.includes(`@${domain}>`) && line.includes(`status=${status}`));

// What leaves late because it was slowed down is not what this is about.
for (const provider of ['qq', 'outlook']) {
  await postpace.cli('limits', 'set', provider, '--pace', '600/min', '--pin');
}

await t.test('set up: shown first, done once, the daemon told', async (t) => {
  t.match(await filter('--providers', ' , '), { code: 2, stderr: /names nobody/ });
  const byDomain = await filter('--providers', 'qq.example,qq,else.example', '--json');
  t.match(byDomain.json(), { providers: ['qq', 'else.example'] }, 'by a domain too, and once');
  const shown = await filter('--providers', 'qq,outlook');
  t.match(shown.stdout, /postpace-reply-qq\/unix[^]*max_use=1[^]*Nothing was changed/);
  t.notOk(existsSync(`${postfix.configDirectory}/postpace-reply-transport`));
  const done = await filter('--providers', 'qq,outlook', '--apply', '--json');
  t.match(done.json(), {
    applied: true,
    providers: ['qq', 'outlook'],
    table: 'qq.example postpace-reply-qq:\noutlook.example postpace-reply-outlook:\n',
    daemonKnows: true,
    copies: [/main\.cf/, /master\.cf/],
  });
  t.match((await filter('--json')).json(), { changes: [], providers: ['qq', 'outlook'] });
});

await t.test('a rate reply as 550: held again by us, not returned', async (t) => {
  let refused = 0;
  sink.rule = ({ stage, recipients }) => {
    if (stage !== 'rcpt' || !recipients.some((to) => to.endsWith('qq.example'))) return undefined;
    refused += 1;
    // One line, then several of which the last one tells.
    if (refused === 1) return `550 ${RATE}`;
    return refused === 2 ? `550-Mail rejected\r\n550 ${RATE}` : undefined;
  };
  await send('qq.example', 'rate');
  await waitFor(() => took('qq.example') === 1, { what: 'the mail to arrive at last' });
  t.equal((await linesTo('qq.example', 'deferred')).length, 2);
  t.same(await linesTo('qq.example', 'bounced'), []);
  t.match((await linesTo('qq.example', 'deferred'))[0], '[postpace 550] Ip frequency limited');
  t.equal(postpace.log.filter((line) => line.includes('re-held after a deferral')).length, 2);
  const { events } = await postpace.control.feedback('qq', 9);
  t.match(events, [
    { category: 'throttled', group: 'slow', rule: 'qq/frequency' },
    { category: 'throttled', group: 'slow', rule: 'qq/frequency' },
  ]);
});

await t.test('a block is final while open, and tried again while stopped', async (t) => {
  let refused = 0;
  sink.rule = ({ stage, recipients }) => {
    if (stage !== 'rcpt' || !recipients.some((to) => to.endsWith('outlook.example'))) {
      return undefined;
    }
    refused += 1;
    return refused <= 2 ? BLOCK : undefined;
  };
  await send('outlook.example', 'first');
  await waitFor(async () => (await linesTo('outlook.example', 'bounced')).length === 1, {
    what: 'the first to be returned',
  });
  await waitFor(async () => (await postpace.control.history('outlook', 9))[0]?.kind === 'blocked', {
    what: 'the suspension',
  });
  await send('outlook.example', 'probe');
  await waitFor(() => took('outlook.example') === 1, { timeoutMs: 30_000, what: 'the probe' });
  t.equal((await linesTo('outlook.example', 'bounced')).length, 1, 'the probe was not returned');
  t.match((await linesTo('outlook.example', 'deferred'))[0], '[postpace 550] 5.7.1 Unfortunately');
});

await t.test("an administrator's own filter is kept: refused with a word", async (t) => {
  const before = await postfix.command(['postconf', '-c', postfix.configDirectory, '-n']);
  await postfix.set({ smtp_reply_filter: 'regexp:/etc/postfix/mine' });
  const { code, stderr } = await filter('--providers', 'qq', '--apply');
  t.equal(code, 1);
  t.match(stderr, /smtp_reply_filter is regexp:\/etc\/postfix\/mine: .*Yours is kept/);
  await postfix.command(['postconf', '-c', postfix.configDirectory, '-X', 'smtp_reply_filter']);
  const after = await postfix.command(['postconf', '-c', postfix.configDirectory, '-n']);
  t.equal(after.stdout, before.stdout);
});

await t.test('unconfigure takes it back', async (t) => {
  const { code } = await postpace.cli('postfix', 'unconfigure', '--apply');
  t.equal(code, 0);
  const services = await postfix.command(['postconf', '-c', postfix.configDirectory, '-M']);
  t.notMatch(services.stdout, 'postpace-reply');
  const maps = await postfix.command([
    'postconf',
    '-c',
    postfix.configDirectory,
    '-h',
    'transport_maps',
  ]);
  t.equal(maps.stdout.trim(), `texthash:${postfix.configDirectory}/transport`);
  t.notOk(existsSync(`${postfix.configDirectory}/postpace-reply-transport`));
});
