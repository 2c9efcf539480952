import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import t from 'tap';
import { checkToken, MOST_TAGS, signToken } from '../../src/feedback/token.ts';

const key = randomBytes(32);
const facts = { id: 'mx.here.example/4cRxYz1abcz2Gk', atSec: 1_764_000_000 };

t.test('our own token, folded and unfolded', (t) => {
  const value = signToken(key, facts, ['Jane@Utc.fr', 'joe@utc.fr']);
  for (const came of [value, value.replace(/\n /g, '\r\n\t'), value.replace(/\n/g, '')]) {
    const verdict = checkToken(key, came);
    if (verdict.kind !== 'genuine') throw new Error(`forged: ${came}`);
    t.same(verdict.facts, facts);
    t.same(
      ['jane@utc.fr', 'JOE@UTC.FR', 'eve@utc.fr'].map((each) => verdict.wentTo(each)),
      [true, true, false],
    );
  }
  t.ok(
    value.split('\n').every((line) => line.length < 100),
    value,
  );
  t.end();
});

const wentTo = (signed: string, reported: string) => {
  const verdict = checkToken(key, signToken(key, facts, [signed]));
  return verdict.kind === 'genuine' && verdict.wentTo(reported);
};

t.test('a domain beyond ASCII is the same in both of its spellings', (t) => {
  t.equal(wentTo('jörg@Müller.example', 'jörg@xn--mller-kva.example'), true);
  t.equal(wentTo('jane@xn--mller-kva.example', 'jane@müller.example'), true);
  t.equal(wentTo('jane@müller.example', 'jane@muller.example'), false);
  t.end();
});

t.test('to many: it does not tell to whom', (t) => {
  const many = Array.from({ length: MOST_TAGS + 1 }, (_, i) => `u${i}@utc.fr`);
  const verdict = checkToken(key, signToken(key, facts, many));
  t.equal(verdict.kind === 'genuine' && verdict.wentTo('u1@utc.fr'), undefined);
  const most = checkToken(key, signToken(key, facts, many.slice(1)));
  t.equal(most.kind === 'genuine' && most.wentTo('u1@utc.fr'), true);
  t.end();
});

t.test('changed in any character, or under another key, it is forged', (t) => {
  const value = signToken(key, facts, ['jane@utc.fr']).replace(/\s+/g, '');
  fc.assert(
    fc.property(
      fc.nat(value.length - 1),
      fc.constantFrom('a', 'Z', '0', '_', '-', ';', '=', '/'),
      (at, char) => {
        fc.pre(value[at] !== char);
        const changed = value.slice(0, at) + char + value.slice(at + 1);
        return checkToken(key, changed).kind === 'forged';
      },
    ),
  );
  t.equal(checkToken(randomBytes(32), value).kind, 'forged');
  fc.assert(fc.property(fc.string(), (text) => checkToken(key, text).kind === 'forged'));
  t.end();
});
