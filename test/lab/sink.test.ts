import t from 'tap';
import { burst, send } from '../../lab/client.ts';
import { between, firstOf, hiddenRate, refuse } from '../../lab/rules.ts';
import { startSink, type Stage } from '../../lab/sink.ts';
import { nowMs } from '../../lab/wait.ts';

const mail = { from: 'a@lab.test', to: ['b@qq.com', 'c@qq.com'], serial: 's1' };

t.test('it records one delivery a recipient, with headers and serial', async (t) => {
  const sink = await startSink();
  t.teardown(() => sink.close());
  const sent = await send(sink, { ...mail, headers: { 'X-Tag': 'one' } });
  t.match(sent, { code: 250, serial: 's1', refused: [] });
  t.match(
    sink.deliveries.map(({ recipient, serial }) => ({ recipient, serial })),
    [
      { recipient: 'b@qq.com', serial: 's1' },
      { recipient: 'c@qq.com', serial: 's1' },
    ],
  );
  t.equal(sink.deliveries[0]?.headers.get('x-tag'), 'one');
  t.match(sink.connections, { total: 1, most: 1 });
});

for (const stage of ['connect', 'mail', 'rcpt', 'data', 'end'] as const satisfies Stage[]) {
  t.test(`it refuses at ${stage} and records why`, async (t) => {
    const sink = await startSink({ rule: refuse(stage, '451 4.7.1 slow down') });
    t.teardown(() => sink.close());
    t.match(await send(sink, mail), { code: 451, reply: '451 4.7.1 slow down' });
    t.equal(sink.deliveries.length, 0);
    t.match(sink.refusals[0], { stage, reply: '451 4.7.1 slow down' });
    sink.rule = undefined;
    t.match(await send(sink, mail), { code: 250 });
  });
}

t.test('closed it refuses connections, and comes back on the same port', async (t) => {
  const sink = await startSink();
  const { port } = sink;
  await sink.close();
  t.match(await send({ port }, mail), { code: 0, reply: /ECONNREFUSED/ });
  await sink.listen();
  t.teardown(() => sink.close());
  t.match(await send({ port }, mail), { code: 250 });
});

t.test('beyond the hidden rate it blocks', async (t) => {
  const reply = '550 5.7.1 blocked (S3150)';
  const rule = hiddenRate({ count: 5, windowMs: 60_000, stage: 'mail', reply, blockMs: 60_000 });
  const sink = await startSink({ rule });
  t.teardown(() => sink.close());
  const sent = await burst({ port: sink.port, mails: 12, from: 'a@lab.test', to: () => 'b@x.fr' });
  t.equal(sent.filter(({ code }) => code === 250).length, 5);
  t.equal(sent.filter(({ code }) => code === 550).length, 7);
});

t.test('the first rule that answers counts, and a rule may hold for a while only', async (t) => {
  const sink = await startSink();
  t.teardown(() => sink.close());
  const soon = nowMs() + 3_600_000;
  const never = between(0, 1, refuse('mail', '421 4.3.2 not any more'));
  const now = between(0, soon, refuse('rcpt', '450 4.2.1 later'));
  sink.rule = firstOf(never, now, refuse('rcpt', '550 5.1.1 no such user'));
  t.match(await send(sink, mail), { code: 450 });
  sink.rule = firstOf(never, refuse('rcpt', '550 5.1.1 no such user'), now);
  t.match(await send(sink, mail), { code: 550, refused: [{ recipient: 'b@qq.com' }, {}] });
});

t.test('more connections than its cap are answered 421', async (t) => {
  const sink = await startSink({ mostConnections: 3, latencyMs: 100 });
  t.teardown(() => sink.close());
  const sent = await burst({ port: sink.port, mails: 10, from: 'a@lab.test', to: () => 'b@x.fr' });
  t.equal(sent.filter(({ code }) => code === 250).length, 3);
  t.equal(sent.filter(({ code }) => code === 421).length, 7);
});
