/** A domain's MX is its owner's word: what becomes of its mail is held against nobody else. */
import t, { type Test } from 'tap';
import type { Limits } from '../../src/limit/limits.ts';
import { Membership } from '../../src/pace/membership.ts';
import type { Feedback } from '../../src/pace/ports.ts';
import type { DeliveryEvent } from '../../src/postfix/event.ts';
import { delivery } from './log-events.ts';
import { openPacing, pace } from './pacing.ts';
import { SpokenLog } from './spoken-log.ts';
import { toldFeedback } from './told-feedback.ts';

const HOST = 'mx.outlook[192.0.2.1]:25';
const SLOW = '451 4.7.500 Server busy';

t.test('who is blamed, and who is alive', async (t) => {
  const now = { ms: 0 };
  const membership = new Membership({
    nowMs: () => now.ms,
    log: new SpokenLog(),
    memberOf: (recipient, provider) => {
      const destination = recipient.slice(recipient.indexOf('@') + 1);
      const isMember = destination !== 'outlook.com' && destination !== provider;
      return isMember ? { destination, owner: destination.replace(/^.*\./, '') } : undefined;
    },
    ownId: (destination) => destination,
    ofHost: (host) => (host === 'mx.outlook' ? 'outlook' : undefined),
  });
  const outcome = (domain: string, relay = HOST, provider = 'outlook') => ({
    recipient: `x@${domain}`,
    provider,
    relay,
  });
  const blamed = (domain: string, relay = HOST) =>
    membership.refused(outcome(domain, relay), SLOW).blamed;
  const taken = (domain: string, relay = HOST) =>
    membership.answered(outcome(domain, relay), true).alive;

  t.same(blamed('outlook.com'), ['outlook'], 'a listed domain speaks for its provider');
  t.same(blamed('outlook.com', 'none'), ['outlook']);
  t.same(blamed('a.new'), ['a.new'], 'an unproven member for itself');
  t.ok(membership.areNew('outlook', ['b.one']));
  t.same(taken('b.one', 'mx.evil.example[192.0.2.9]:25'), [], 'taken elsewhere proves nothing');
  t.same(taken('b.one', 'none'), []);
  t.ok(membership.areNew('outlook', ['b.one']));
  t.same(membership.answered(outcome('b.one'), false), { alive: [] }, 'a bounce proves nothing');
  t.same(taken('b.one'), ['outlook'], 'taken by its host');
  t.notOk(membership.areNew('outlook', ['b.one']));
  t.notOk(membership.areNew('outlook', ['b.one', 'a.new']), 'one of them is enough');
  t.ok(membership.areNew('gmail', ['b.one']), 'proven elsewhere');
  t.same(blamed('b.one', 'none'), ['b.one'], 'a proven one that reached no host: for itself');

  const speaks = (domain: string, tells: 'taken' | 'refused', relay = HOST) =>
    membership.speaksFor(outcome(domain, relay), tells);
  t.equal(speaks('outlook.com', 'refused', 'none'), 'outlook');
  t.equal(speaks('b.four', 'taken'), 'outlook');
  t.equal(speaks('b.four', 'taken', 'mx.evil.example[192.0.2.9]:25'), 'b.four');
  t.equal(speaks('b.four', 'refused'), 'b.four', 'unproven');
  taken('x.five');
  taken('y.six');
  t.equal(speaks('x.five', 'refused'), 'x.five', 'one owner alone');
  t.equal(speaks('x.five', 'refused'), 'x.five', 'however often');
  t.equal(speaks('y.six', 'refused'), 'outlook', 'another one says the same');
  now.ms += 600_001;
  for (const domain of ['c.one', 'd.one', 'e.two', 'f.three']) taken(domain);
  t.same(blamed('c.one'), ['c.one'], 'the first proven one, refused by its host');
  t.same(blamed('d.one'), ['d.one'], 'another domain of the same owner confirms nothing');
  now.ms += 600_001;
  t.same(blamed('e.two'), ['e.two'], 'another owner, too late');
  t.same(blamed('f.three'), ['f.three', 'outlook'], 'two owners within ten minutes');

  t.same(membership.apart('f.three')?.from, 'outlook');
  t.equal(membership.placeOf('f.three', 'outlook'), 'f.three');
  t.equal(membership.placeOf('f.three', 'gmail'), 'gmail', 'its MX names another by now');
  t.same(blamed('f.three'), ['f.three'], 'set apart: for itself');
  const back = membership.answered(outcome('f.three', HOST, 'f.three'), true);
  t.same(back, {
    alive: ['f.three'],
    move: { destination: 'f.three', from: 'f.three', to: 'outlook' },
  });
  t.equal(membership.apart('f.three'), undefined);
  now.ms += 24 * 3600_000;
  t.equal(membership.apart('e.two'), undefined, 'tried with the others again after a day');
  t.same(membership.sentBack(outcome('outlook.com'), 'gone'), undefined);
  t.same(membership.sentBack(outcome('g.four'), 'gone'), {
    destination: 'g.four',
    from: 'outlook',
    to: 'g.four',
  });
});

async function scene(
  t: Test,
  limits: Limits = { ...pace(60, 2), inFlight: 2 },
  feedback: Feedback = toldFeedback,
) {
  const mx = new Map([
    ['contoso.example', 'outlook'],
    ['evil.example', 'outlook'],
  ]);
  const all = await openPacing(t, {
    limits: { outlook: limits, 'evil.example': limits },
    providerOf: (destination) => (destination === 'outlook.com' ? 'outlook' : destination),
    mx,
    feedback,
  });
  const says = (queueId: string, to: string, event: Partial<DeliveryEvent>): void =>
    all.pacer.is.outcomes.see(delivery(queueId, to, all.time.nowMs(), event));
  return { ...all, mx, says };
}

t.test('a member shares the rate, from its first mail', async (t) => {
  const { send } = await scene(t);
  t.equal((await send('AAAAAA01', 'x@outlook.com')).kind, 'pass');
  t.equal((await send('AAAAAA02', 'x@contoso.example')).kind, 'pass');
  t.match(await send('AAAAAA03', 'y@contoso.example'), { kind: 'hold', why: 'pace of outlook' });
  t.match(await send('AAAAAA04', 'y@outlook.com'), { kind: 'hold', why: /older mail to outlook/ });
});

t.test('mail that goes nowhere keeps no in_flight place and nobody waiting', async (t) => {
  const { send, time, says, pacer, store } = await scene(t);
  await send('AAAAAA01', 'x@evil.example');
  await time.advance(2000);
  await send('AAAAAA02', 'y@evil.example');
  await time.advance(2000);
  t.same(await store.inFlight('outlook'), [], 'no place is taken');
  t.equal((await send('AAAAAA03', 'x@outlook.com')).kind, 'pass');
  t.equal((await store.inFlight('outlook')).length, 1);

  await time.advance(30_000);
  says('AAAAAA01', 'x@evil.example', {
    status: 'deferred',
    relay: 'none',
    contacted: false,
    dsn: '4.4.1',
    reply: 'connect to www.outlook[192.0.2.80]:25: Connection timed out',
  });
  t.equal(pacer.is.patients.of('outlook'), undefined, 'the provider is not blamed');
  t.ok(pacer.is.patients.of('evil.example'), 'the domain is');
  await time.advance(2000);
  t.same(pacer.is.desk.record('AAAAAA01')?.grouped, [['evil.example', 'evil.example']]);
  t.equal((await send('AAAAAA04', 'z@outlook.com')).kind, 'pass');
  t.match(await send('AAAAAA05', 'z@evil.example'), { kind: 'hold', why: /evil.example/ });
});

t.test('what waits at the provider moves to the domain that was set apart, and back', async (t) => {
  const { send, time, says, pacer, log } = await scene(t, { ...pace(1, 1), inFlight: 2 });
  await send('AAAAAA01', 'x@evil.example');
  await send('AAAAAA02', 'y@evil.example');
  await send('AAAAAA03', 'x@outlook.com');
  const lines = () =>
    ['outlook', 'evil.example'].map((one) => pacer.is.scheduler.lineUp.queue(one)?.size ?? 0);
  t.same(lines(), [2, 0]);
  says('AAAAAA01', 'x@evil.example', {
    status: 'deferred',
    relay: HOST,
    contacted: true,
    dsn: '4.4.62',
    reply: '451 4.4.62 Mail sent to the wrong region',
  });
  t.same(lines(), [1, 1]);
  t.equal(pacer.is.patients.of('outlook'), undefined);
  t.equal(log.of('set apart from its provider').length, 1);
  await time.advance(1000);

  says('AAAAAA01', 'x@evil.example', {
    status: 'sent',
    relay: HOST,
    contacted: true,
    dsn: '2.0.0',
    reply: '250 ok',
  });
  t.same(pacer.is.desk.record('AAAAAA02')?.grouped, [['evil.example', 'outlook']]);
  t.equal(pacer.is.patients.of('evil.example'), undefined);
});

t.test('a host that does not exist: apart, and nobody is in trouble', async (t) => {
  const { send, says, pacer } = await scene(t);
  await send('AAAAAA01', 'x@evil.example');
  says('AAAAAA01', 'x@evil.example', {
    status: 'bounced',
    relay: 'none',
    contacted: false,
    dsn: '5.4.4',
    reply:
      'Host or domain name not found. Name service error for name=no.outlook type=A: Host not found',
  });
  t.same([...pacer.is.patients.providers()], []);
  t.equal((await send('AAAAAA02', 'x@evil.example')).kind, 'pass');
  t.same(pacer.is.flights.get('AAAAAA02')?.record.grouped, [['evil.example', 'evil.example']]);
});

t.test('blocked for good: apart for as long as its own limits are lowered', async (t) => {
  const lowered = new Map<string, number>();
  const { send, says, pacer, time } = await scene(t, pace(60, 9), {
    ...toldFeedback,
    factor: (provider) => lowered.get(provider) ?? 1,
    saw(event, _provider, _departure, speaksFor) {
      if (event.status === 'bounced') lowered.set(speaksFor('refused'), 0.5);
      return 'nobody';
    },
  });
  const place = () => pacer.is.flights.get('AAAAAA02')?.record.grouped;
  const heard = { relay: HOST, contacted: true } as const;
  await send('AAAAAA01', 'x@evil.example');
  says('AAAAAA01', 'x@evil.example', {
    ...heard,
    status: 'bounced',
    dsn: '5.7.1',
    reply: '550 no',
  });
  t.same([...lowered], [['evil.example', 0.5]], 'nobody else answers for it');
  await send('AAAAAA02', 'y@evil.example');
  t.same(place(), [['evil.example', 'evil.example']], 'its next mail meets what was lowered');
  says('AAAAAA02', 'y@evil.example', { ...heard, status: 'sent', dsn: '2.0.0', reply: '250 ok' });
  await time.advance(25 * 3600_000);
  await send('AAAAAA02', 'z@evil.example');
  t.same(place(), [['evil.example', 'evil.example']], 'taken once is not back');
  lowered.clear();
  says('AAAAAA02', 'z@evil.example', { ...heard, status: 'sent', dsn: '2.0.0', reply: '250 ok' });
  await send('AAAAAA02', 'z@evil.example');
  t.same(place(), [['evil.example', 'outlook']]);
});

t.test('held mail keeps its provider when the MX changes, over a restart too', async (t) => {
  const { send, mx, pacer, time, postfix, store, stateDir, wishes } = await scene(t, pace(1, 1));
  await send('AAAAAA01', 'x@contoso.example');
  await send('AAAAAA02', 'y@contoso.example');
  t.same(pacer.is.desk.record('AAAAAA02')?.grouped, [['contoso.example', 'outlook']]);
  mx.set('contoso.example', 'gmail');
  pacer.is.desk.requeue();
  t.same(pacer.is.desk.item('AAAAAA02')?.shares, [
    { provider: 'outlook', recipients: 1, members: ['contoso.example'] },
  ]);
  t.equal(
    (await send('AAAAAA03', 'z@contoso.example')).kind,
    'pass',
    'new mail goes by the new one',
  );
  t.same(pacer.is.flights.get('AAAAAA03')?.record.grouped, [['contoso.example', 'gmail']]);
  pacer.stop();

  const again = await openPacing(t, { time, postfix, store, stateDir, mx, limits: wishes.limits });
  t.same(again.pacer.is.desk.item('AAAAAA02')?.shares, [
    { provider: 'outlook', recipients: 1, members: ['contoso.example'] },
  ]);
});
