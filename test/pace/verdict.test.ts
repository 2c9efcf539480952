import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { whyOf } from '../../src/pace/verdict.ts';
import { openPacing, pace } from './pacing.ts';

const ONE = { 'one.example': pace(60) };

t.test('a free provider: it passes; the next one waits for its pace', async (t) => {
  const { send, log, pacer, store } = await openPacing(t, { limits: ONE });
  t.same(await send('ID00001', 'a@one.example'), { kind: 'pass' });
  t.same(await send('ID00002', 'b@one.example'), { kind: 'hold', why: 'pace of one.example' });
  t.equal((await store.usage('one.example')).minute, 1);
  t.equal(pacer.is.desk.record('ID00002')?.why, 'pace of one.example');
  t.ok(pacer.is.flights.get('ID00001'), 'what passed is followed to its outcome');
  t.same(log.of('held').find(({ level }) => level === 'info')?.fields, {
    queueId: 'ID00002',
    providers: ['one.example'],
    lane: 'default',
    why: 'pace of one.example',
  });
});

t.test('no address is logged above debug', async (t) => {
  const { send, log, time } = await openPacing(t, { limits: ONE });
  for (const id of ['ID00001', 'ID00002'])
    await send(id, 'somebody@one.example', 'app@sender.test');
  await time.advance(3000);
  t.ok(log.of('released').length > 0);
  for (const { level, fields, text } of log.lines) {
    const line = JSON.stringify({ fields, text });
    if (level !== 'debug') t.notMatch(line, /somebody|app@/, line);
    if (/held|released|passed/.test(text)) t.match(fields.queueId, /^ID0000[12]$/);
  }
  t.match(JSON.stringify(log.lines.filter(({ level }) => level === 'debug')), /somebody@one/);
});

t.test('mail that stays on the machine passes untouched', async (t) => {
  const { send, pacer, store, wishes } = await openPacing(t, { limits: ONE });
  wishes.otherwise = pace(1);
  for (let i = 0; i < 5; i++) {
    t.same(await send(`ID0000${i}`, ['a@mail.inside', 'b@other.inside']), { kind: 'pass' });
  }
  t.equal(pacer.is.desk.size, 0);
  t.same(await store.providers(), []);
  t.equal(pacer.is.flights.size, 0);
});

t.test('a mixed message is charged for what leaves, and held as a whole', async (t) => {
  const { send, pacer, store } = await openPacing(t, { limits: ONE });
  await send('ID00001', ['a@one.example', 'b@mail.inside', 'A@one.example']);
  t.equal((await store.usage('one.example')).minute, 1, 'one address twice is one recipient');
  t.equal((await send('ID00002', ['a@one.example', 'b@mail.inside'])).kind, 'hold');
  t.same(pacer.is.desk.record('ID00002')?.recipients, ['a@one.example', 'b@mail.inside']);
});

t.test('the record is on disk when the verdict is there', async (t) => {
  const { pacer, stateDir, send } = await openPacing(t, { limits: ONE });
  await send('ID00001', 'a@one.example');
  const verdict = pacer.is.verdicts.decide({
    queueId: 'ID00002',
    origin: { sender: 'app@example.org' },
    recipients: ['b@one.example'],
  });
  const onDisk = await verdict.then(() => readFileSync(join(stateDir, 'held.ndjson'), 'utf8'));
  t.match(onDisk, /"queueId":"ID00002"/);
});

t.test('older mail in the same or a better lane goes first', async (t) => {
  const { send, time, postfix } = await openPacing(t, { limits: { 'one.example': pace(60, 3) } });
  for (let i = 0; i < 3; i++) await send(`PASS00${i}`, 'a@one.example');
  t.equal((await send('HELD001', 'a@one.example')).kind, 'hold');
  // A place is free at 1 s; the tick of the scheduler has not come yet.
  t.same(await send('HELD002', 'a@one.example'), {
    kind: 'hold',
    why: 'older mail to one.example waits',
  });
  t.equal((await send('BULK001', 'a@one.example', 'bulk@example.org')).kind, 'hold');
  await time.advance(2500);
  t.same(postfix.left, ['HELD001', 'HELD002']);
  await time.advance(5000);
  await send('BULK002', 'a@one.example', 'bulk@example.org');
  await send('BULK003', 'a@one.example', 'bulk@example.org');
  await send('BULK004', 'a@one.example', 'bulk@example.org');
  t.equal((await send('BULK005', 'a@one.example', 'bulk@example.org')).kind, 'hold');
  await time.advance(999);
  t.equal((await send('URGENT1', 'a@one.example', 'transactional@example.org')).kind, 'hold');
});

t.test('a better lane overtakes what waits in a worse one', async (t) => {
  const { hold, send, store } = await openPacing(t, { limits: ONE, starts: false });
  hold('BULK001', 'a@one.example', { lane: 'bulk' });
  await new Promise((resolve) => setImmediate(resolve));
  t.equal((await send('BULK002', 'a@one.example', 'bulk@example.org')).kind, 'hold');
  t.equal((await send('MAIL001', 'a@one.example')).kind, 'pass');
  t.equal((await store.usage('one.example')).minute, 1);
});

t.test('no queue id: held, though there is nothing to release later', async (t) => {
  const { pacer } = await openPacing(t, { limits: ONE });
  const message = { queueId: undefined, origin: { sender: '' }, recipients: ['a@one.example'] };
  t.same(await pacer.is.verdicts.decide(message), {
    kind: 'hold',
    why: 'Postfix gave no queue id',
  });
  t.equal(pacer.is.desk.size, 0);
});

t.test('whatever fails, the message is held, with a record', async (t) => {
  const { send, store, pacer, log, postfix, time } = await openPacing(t, { limits: ONE });
  await store.close();
  t.same(await send('ID00001', 'a@one.example'), {
    kind: 'hold',
    why: 'postpace could not decide',
  });
  t.ok(pacer.is.desk.record('ID00001'));
  t.match(log.of('no verdict')[0]?.fields.error, /closed/);
  await time.advance(10_000);
  t.same(postfix.left, []);
  t.match(pacer.troubles, ['store: the memory store is closed']);
});

t.test('even a failure in telling who it goes to rejects nothing', async (t) => {
  const { send, wishes, pacer } = await openPacing(t, { limits: ONE });
  wishes.fault = new Error('a table is broken');
  const verdict = await send('ID00001', 'a@one.example');
  t.equal(verdict.kind, 'hold');
  wishes.fault = undefined;
  t.ok(pacer.is.desk.record('ID00001'));
});

t.test('more recipients than a quota takes: sent alone, and said', async (t) => {
  const quotas = [{ count: 2, windowUs: 60e6 }];
  const { send, log } = await openPacing(t, { limits: { 'one.example': { quotas } } });
  t.equal(
    (await send('ID00001', ['a@one.example', 'b@one.example', 'c@one.example'])).kind,
    'pass',
  );
  t.same(log.of('admitted alone')[0], {
    level: 'warn',
    text: 'admitted alone: more recipients than its quota of 2',
    fields: { queueId: 'ID00001', provider: 'one.example' },
  });
});

t.test('observed: everything passes, and what would have been is told', async (t) => {
  const { send, wishes, log, time, pacer, postfix } = await openPacing(t, { limits: ONE });
  wishes.observed.add('one.example');
  for (let i = 0; i < 3; i++) t.equal((await send(`ID0000${i}`, 'a@one.example')).kind, 'pass');
  t.same(
    log.of('would be held').map(({ fields }) => [fields.queueId, fields.why]),
    [
      ['ID00001', 'pace of one.example'],
      ['ID00002', 'older mail to one.example waits'],
    ],
  );
  t.equal(pacer.is.desk.size, 0);
  await time.advance(5000);
  t.same(
    log.of('would be released').map(({ fields }) => [fields.queueId, fields.waitedMs]),
    [
      ['ID00001', 1000],
      ['ID00002', 2000],
    ],
  );
  t.same(postfix.releases, []);
});

t.test('observed at one provider, paced at the other: the paced one decides', async (t) => {
  const limits = { 'one.example': pace(60), 'two.example': pace(1) };
  const { send, wishes, store } = await openPacing(t, { limits });
  wishes.observed.add('two.example');
  const both = ['a@one.example', 'a@two.example'];
  t.equal((await send('ID00001', both)).kind, 'pass');
  t.equal((await send('ID00002', both)).kind, 'hold');
  t.equal((await store.usage('two.example')).minute, 1);
});

t.test('what a message waits for, in words', async (t) => {
  const kinds = ['pace', 'quota', 'in_flight', 'suspended', 'waiting', 'trouble'] as const;
  t.same(
    kinds.map((kind) => whyOf({ kind, provider: 'p' })),
    [
      'pace of p',
      'quota of p',
      'mail to p is still under way',
      'p is suspended',
      'older mail to p waits',
      'p defers mail',
    ],
  );
});
