import t from 'tap';

import { groupOf } from '../../src/feedback/category.ts';
import { createClassifier } from '../../src/feedback/classify.ts';
import { parseRules } from '../../src/feedback/rule.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';
import { loadPack } from '../../src/provider/pack.ts';

const rules = loadRules();
const { classify } = createClassifier(rules);

t.ok(rules.length > 180, `${rules.length} rules`);

t.test('every rule decides its own sample', async (test) => {
  for (const rule of rules) {
    const [provider] = rule.providers;
    test.equal(classify(rule.sample, { provider }).rule, rule.id, rule.sample);
  }
});

t.test('a rule that needs no provider decides without one', async (test) => {
  for (const rule of rules) {
    if (rule.onlyThere && rule.providers.length > 0) continue;
    test.equal(classify(rule.sample).rule, rule.id, rule.sample);
  }
});

t.test('a rule of several providers is told by the one that the mail was for', async (test) => {
  for (const rule of rules) {
    for (const provider of rule.providers) {
      const found = classify(rule.sample, { provider });
      test.same([found.rule, found.provider], [rule.id, provider]);
    }
  }
});

t.test('what a provider alone means is not read into others', async (test) => {
  for (const rule of rules.filter(({ onlyThere }) => onlyThere)) {
    if (rule.providers.length === 0) continue;
    test.not(classify(rule.sample).rule, rule.id, rule.id);
    test.not(classify(rule.sample, { provider: 'example.org' }).rule, rule.id, rule.id);
  }
});

t.test('providers are those of the pack, or a destination of its own', async (test) => {
  const known = new Set(loadPack().map(({ id }) => id));
  for (const provider of new Set(rules.flatMap((rule) => rule.providers))) {
    test.ok(known.has(provider) || provider.includes('.'), provider);
  }
  for (const id of known)
    test.ok(
      rules.some((rule) => rule.providers.includes(id)),
      id,
    );
});

t.test('a phrase names no mailbox: a reply is read without its addresses', async (test) => {
  const around = String.raw`\s<>()[\]"',;:`;
  const address = new RegExp(`[^${around}]@|@[^${around}]`);
  for (const { id, says, unless } of rules) {
    const texts = [...says, ...unless].flat(2).map(({ text }) => text);
    test.same(
      texts.filter((text) => address.test(text)),
      [],
      id,
    );
  }
});

t.test('only throttled is divided among groups', async (test) => {
  for (const { id, category, group } of rules) {
    if (group === groupOf(category)) continue;
    test.equal(category, 'throttled', id);
    test.ok(['weather', 'recipient', 'ours'].includes(group), id);
  }
});

t.test('blocks of the providers say how long they last', async (test) => {
  const lasting = rules.filter(
    ({ providers, holdMs }) => providers.length > 0 && holdMs !== undefined,
  );
  test.ok(lasting.length > 30);
  test.equal(rules.find(({ id }) => id === 'outlook/s3150')?.holdMs, 24 * 3600e3);
  test.equal(rules.find(({ id }) => id === 'sfr/blocked')?.holdMs, 2 * 3600e3);
});

t.test('what is wrong with a rule file is said', async (test) => {
  const rule = { category: 'content', sample: '550 x', source: 'own' };
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ rules: { a: rule } }, /f\/a: found neither says nor code nor status/],
    [{ rules: { a: { ...rule, says: 'x' } } }, /expected ASCII text of 2 to 100 characters/],
    [{ rules: { a: { ...rule, says: '{spam' } } }, /expected each \{ to have its \}/],
    [{ rules: { a: { ...rule, says: 'spam', category: 'spam' } } }, /category/],
    [{ rules: { a: { ...rule, code: '6xx' } } }, /expected 421 or 4xx/],
    [{ rules: { a: { ...rule, status: '4.7' } } }, /expected 4\.7\.1/],
    [{ rules: { a: { ...rule, says: 'spam', re: 'x' } } }, /re/],
  ];
  for (const [file, message] of wrong) test.throws(() => parseRules('f', file), { message });
});
