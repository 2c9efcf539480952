import t from 'tap';
import { deferral } from '../pace/log-events.ts';
import { pace } from '../pace/pacing.ts';
import { Target } from '../../src/daemon/target.ts';
import { toldFeedback } from '../pace/told-feedback.ts';
import { openTarget } from './control-target.ts';

const UTC = { ...pace(20, 3), quotas: [{ count: 300, windowUs: 3600e6 }], inFlight: 5 };

t.test('a recipient: provider and why, and its limits', async (t) => {
  const { target } = await openTarget(t, { utc: UTC });
  const report = await target.explain('Someone@etu.utc.example');
  t.same(report.sentences, [
    'Mail to Someone@etu.utc.example counts for utc (listed domain etu.utc.example).',
    'Limits of utc: 20/min, at most 3 at once; 300/h; 5 in flight (from: configuration).',
    'Nothing waits for it: a message sent now would pass if the pace allows.',
  ]);
  t.equal(report.provider?.provider, 'utc');
  const own = await target.explain('other.example');
  t.match(own.sentences[0], 'counts for other.example (destination of its own)');
  t.match(own.sentences[1], 'Limits of other.example: none (from: default).');
  const inside = await target.explain('me@mail.inside');
  t.same(inside.sentences, ['Mail to me@mail.inside stays on this machine: it is never held.']);
  t.equal(inside.provider, null);
});

t.test('a held message: since when, why, and when it leaves', async (t) => {
  const { target, send, time } = await openTarget(t, { utc: pace(1) });
  await send('ID00001', 'a@utc.example');
  await send('ID00002', 'a@utc.example');
  await time.advance(20_000);
  const { sentences, message } = await target.explain('ID00002');
  t.equal(sentences[0], 'ID00002 is held since 20s: pace of utc.');
  t.match(sentences[1], /^It leaves in about 40s, at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.$/);
  t.match(sentences[2], 'Limits of utc: 1/min, at most 1 at once');
  t.equal(sentences[3], '1 message(s) wait for it.');
  t.equal(message?.queueId, 'ID00002');
});

t.test('by a former name, and by the one the application saw', async (t) => {
  const { target, hold, successors } = await openTarget(t, { utc: pace(1) });
  hold('FIRST01', 'a@utc.example');
  hold('NEW0001', 'b@utc.example', { formerIds: ['OLD0001'] });
  hold('SPLIT01', 'b@utc.example');
  hold('SPLIT02', 'b@utc.example');
  successors.add('APP0001', 'SPLIT01');
  successors.add('APP0001', 'SPLIT02');
  t.equal(
    (await target.explain('OLD0001')).sentences[1],
    'The id OLD0001 is an earlier name of it.',
  );
  const app = await target.explain('APP0001');
  t.match(app.sentences[0], /^SPLIT01 is held/);
  t.match(app.sentences[2], '2 messages came of APP0001; this is one of them.');
});

t.test('a provider that defers, is suspended, is let through', async (t) => {
  const { target, send, pacer, postfix, time } = await openTarget(t, { utc: pace(60) });
  await send('ID00001', 'a@utc.example');
  postfix.put('ID00001', 'deferred');
  await pacer.see(deferral('ID00001', 'a@utc.example', time.nowMs(), { reply: '421 slow down' }));
  await time.advance(200);
  await target.suspend('utc', 'root', undefined, 'blocked');
  await target.setLimits('utc', { pace: '5/min', by: 'root' });
  const text = (await target.explain('ID00001')).sentences.join('\n');
  for (const part of [
    'Its provider deferred it 1 time(s).',
    'It is suspended: blocked (by root).',
    'It defers mail, so that one probe at a time goes out; it said: 421 slow down',
    '(set by an operator)',
  ]) {
    t.match(text, part);
  }
  await target.pass('utc', 'root', '1h');
  t.match(
    (await target.explain('x@utc.example')).sentences.join('\n'),
    'An operator lets everything to it pass just now.',
  );
});

t.test('holds that are not ours, what is under way, and what is not here', async (t) => {
  const { target, pacer, postfix, wishes, send, time } = await openTarget(t);
  wishes.ownerOf = (id) =>
    id === 'ALIEN01' ? { owner: 'foreign', why: 'held by a check: x' } : undefined;
  postfix.put('ALIEN01', 'hold');
  postfix.put('ALIEN02', 'hold');
  await pacer.compare();
  t.same((await target.explain('ALIEN01')).sentences, [
    'ALIEN01 is in hold, and not by postpace: held by a check: x. It is left alone.',
    '`postsuper -H ALIEN01` releases it.',
  ]);
  t.match((await target.explain('ALIEN02')).sentences[1], '`postpace held adopt ALIEN02`');
  await send('FLYING1', 'a@utc.example');
  await time.advance(5000);
  t.same((await target.explain('FLYING1')).sentences, [
    'FLYING1 was let go 5s ago and is with Postfix, without an outcome yet.',
  ]);
  const gone = await target.explain('GONE001');
  t.match(gone.sentences[0], 'GONE001 does not wait here');
  t.equal(gone.because, 'not known');
});

t.test('a provider that blocks us: not before the first probe', async (t) => {
  const { target, parts, time, hold } = await openTarget(t, { utc: pace(60) });
  hold('ID00001', 'a@utc.example');
  const until = time.nowMs() + 3600e3;
  const suspended = {
    phase: 'suspended',
    since: 0,
    until,
    wall: null,
    reply: '550 S3150',
  } as const;
  const feedback = {
    ...toldFeedback,
    room: () => ({ messages: 0, lookMs: until }),
    report: async () => ({ factor: 1, feedback: suspended }),
  };
  const blocked = await new Target({ ...parts, feedback }).explain('ID00001');
  t.match(blocked.sentences[1], /^It leaves once its provider takes mail again, not before \d{4}-/);
  t.match(
    blocked.sentences.join('\n'),
    /^It blocks us: .*then a first probe\. It said: 550 S3150$/m,
  );
  t.match((await target.explain('ID00001')).sentences[1], /^It leaves/);
});
