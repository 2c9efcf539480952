import t from 'tap';
import { ControlError } from '../../src/control/api.ts';
import { pace } from '../pace/pacing.ts';
import { openTarget } from './control-target.ts';

const UTC = { ...pace(20, 3), quotas: [{ count: 300, windowUs: 3600e6 }], inFlight: 5 };

t.test('limits are set, in force at once, kept as history, and reset', async (t) => {
  const { target, pacer } = await openTarget(t, { utc: UTC });
  const by = 'root';
  const report = await target.setLimits('utc', { pace: '60/min', burst: 9, by, reason: 'trial' });
  t.match(report.limits, { pace: '60/min', burst: 9, quotas: ['300/h'], inFlight: 5 });
  t.match(report.configured, { pace: '20/min', burst: 3 });
  t.equal(report.limitsFrom, 'override');
  t.equal(pacer.is.gate.limits('utc').pace?.count, 60);
  await target.setLimits('ETU.utc.example', { quotas: [], by });
  t.match((await target.limits('utc'))[0]?.limits, { pace: '60/min', burst: 9, quotas: [] });
  const reset = await target.resetLimits('utc', by, 'done');
  t.same(reset.limits, reset.configured);
  t.same(
    (await target.history('utc', 10)).map(({ kind, from, to, why }) => [kind, from, to, why]),
    [
      ['reset', '60/min burst 9, 5 in flight', '20/min burst 3, 300/h, 5 in flight', 'done'],
      ['override', '60/min burst 9, 300/h, 5 in flight', '60/min burst 9, 5 in flight', ''],
      [
        'override',
        '20/min burst 3, 300/h, 5 in flight',
        '60/min burst 9, 300/h, 5 in flight',
        'trial',
      ],
    ],
  );
});

t.test('what is raised lets waiting mail go at once', async (t) => {
  const { target, send, postfix, time } = await openTarget(t, { utc: pace(1) });
  for (let i = 0; i < 5; i++) await send(`ID0000${i}`, 'a@utc.example');
  await time.advance(100);
  t.same(postfix.left, []);
  await target.setLimits('utc', { pace: '60/s', by: 'root' });
  await time.advance(1000);
  t.equal(postfix.left.length, 4);
});

t.test('an override ends by itself', async (t) => {
  const { target, time, pacer } = await openTarget(t, { utc: UTC });
  const report = await target.setLimits('utc', { inFlight: 1, for: '2min', by: 'root' });
  t.equal(report.overrideUntil, Math.round(time.nowMs() + 120e3));
  await time.advance(120e3 + 1);
  t.equal(pacer.is.gate.limits('utc').inFlight, 5);
  t.equal((await target.limits('utc'))[0]?.limitsFrom, 'configuration');
});

t.test('what has ended is not taken over into the next override', async (t) => {
  const { target, time } = await openTarget(t, { utc: UTC });
  await target.setLimits('utc', { pace: '5/min', for: '1h', by: 'root' });
  await time.advance(2 * 3600e3);
  const report = await target.setLimits('utc', { inFlight: 2, by: 'root' });
  t.match(report.limits, { pace: '20/min', burst: 3, inFlight: 2 });
});

t.test('the history tells the burst that a pace brings along', async (t) => {
  const { target } = await openTarget(t, { utc: UTC });
  const { limits } = await target.setLimits('utc', { pace: '60/min', by: 'root' });
  t.equal(limits.burst, 6);
  t.match((await target.history('utc', 1))[0], { to: '60/min burst 6, 300/h, 5 in flight' });
});

t.test('mistakes are told by the name of the option', async (t) => {
  const { target } = await openTarget(t, { utc: UTC });
  const by = 'root';
  const table: readonly (readonly [RegExp, () => Promise<unknown>])[] = [
    [/^nothing to set: give --pace/, () => target.setLimits('utc', { by })],
    [/^--pace: found "fast", expected a rate/, () => target.setLimits('utc', { pace: 'fast', by })],
    [/^--quota: found "x", expected a rate/, () => target.setLimits('utc', { quotas: ['x'], by })],
    [/^--burst: found 0, expected a whole/, () => target.setLimits('utc', { burst: 0, by })],
    [/^--in-flight: found 1.5,/, () => target.setLimits('utc', { inFlight: 1.5, by })],
    [/^--for: found "soon"/, () => target.setLimits('utc', { burst: 1, for: 'soon', by })],
    [/^--for: found "0x"/, () => target.suspend('utc', by, '0x')],
    [/^--for: /, () => target.suspend('utc', by, '0s')],
    [/^--for: /, () => target.pass(undefined, by, 'never')],
  ];
  for (const [message, action] of table) {
    await t.rejects(action, { name: 'ControlError', status: 400, message });
  }
  t.same(await target.history(undefined, 10), [], 'and nothing was changed');
  const missing = new ControlError(
    404,
    'found "utk", expected a provider\'s name or a domain; did you mean utc?',
  );
  await t.rejects(target.suspend('utk', by), missing);
});

t.test('suspended: nothing leaves until it is resumed', async (t) => {
  const { target, send, postfix, time } = await openTarget(t, { utc: pace(60) });
  const report = await target.suspend('utc', 'root', undefined, 'blocked');
  t.same(report.suspended, { until: null, why: 'blocked (by root)' });
  t.equal((await send('ID00001', 'a@utc.example')).kind, 'hold');
  await time.advance(300e3);
  t.same(postfix.left, []);
  t.equal((await target.resume('utc', 'root')).suspended, null);
  await time.advance(10);
  t.same(postfix.left, ['ID00001']);
  t.match(await target.history('utc', 1), [{ kind: 'resume', from: 'suspended', to: '60/min' }]);
  await t.rejects(target.resume('utc', 'root'), { status: 409, message: 'utc is not suspended' });
});

t.test('suspended for a time: it goes on by itself', async (t) => {
  const { target, send, postfix, time } = await openTarget(t, { utc: pace(60) });
  await target.suspend('utc', 'root', '10m');
  await send('ID00001', 'a@utc.example');
  await time.advance(599_000);
  t.same(postfix.left, []);
  await time.advance(2000);
  t.same(postfix.left, ['ID00001']);
});

t.test('pass: what waits leaves, and 0s ends it', async (t) => {
  const { target, send, postfix, time } = await openTarget(t, { utc: pace(1), others: pace(1) });
  for (let i = 0; i < 4; i++) await send(`UTC000${i}`, 'a@utc.example');
  for (let i = 0; i < 4; i++) await send(`OTHER0${i}`, 'a@other.example');
  const { until } = await target.pass(undefined, 'root', '1h', 'panic');
  t.equal(until, Math.round(time.nowMs() + 3600e3));
  t.equal((await target.status()).passAllUntil, until);
  await time.advance(100);
  t.equal(postfix.left.length, 6);
  t.equal((await send('FRESH01', 'a@utc.example')).kind, 'pass');
  for (const zero of ['0s', '0', '0m', '0h']) await target.pass(undefined, 'root', zero);
  t.equal((await target.status()).passAllUntil, null);
  t.equal((await send('FRESH02', 'a@utc.example')).kind, 'hold');
  t.same(
    (await target.history(undefined, 1)).map(({ provider, kind, to }) => [provider, kind, to]),
    [['*', 'pass', 'limits hold again']],
  );
});
