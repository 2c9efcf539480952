import t from 'tap';
import { brokenPromises, fullest } from './windows.ts';

const each = (times: readonly number[]): { atUs: number; recipients: number }[] =>
  times.map((atUs) => ({ atUs, recipients: 1 }));

t.test('the checker finds what it is there to find', async (t) => {
  const pace = { count: 2, windowUs: 100, burst: 1 };
  t.same(brokenPromises(each([0, 50, 100, 150]), { pace, quotas: [] }), []);
  t.equal(brokenPromises(each([0, 49, 98]), { pace, quotas: [] }).length, 1, 'three in 99');
  const quotas = [{ count: 2, windowUs: 100 }];
  t.same(brokenPromises(each([0, 1, 100, 101]), { quotas }), [], 'a window is half open');
  t.equal(brokenPromises(each([0, 1, 99]), { quotas }).length, 1);
  const large = [{ atUs: 0, recipients: 7 }];
  t.same(brokenPromises(large, { quotas }), [], 'above the count, but alone');
  t.equal(brokenPromises([...large, { atUs: 99, recipients: 1 }], { quotas }).length, 1);
  t.equal(fullest(each([0, 10, 20, 109, 110]), 100), 3);
});
