import t from 'tap';
import type { MxAnswer } from '../../src/provider/mx-answer.ts';
import { registrableOf } from '../../src/provider/mx-group.ts';
import { loadPack } from '../../src/provider/pack.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { createResolver } from '../../src/provider/resolve.ts';

const mine: Provider = {
  id: 'school',
  name: 'School',
  domains: ['school.example', 'mx.listed.example'],
  mxSuffixes: ['.relay.school.example'],
  limits: { quotas: [] },
  source: 'configuration',
};
const resolver = createResolver({ providers: [...loadPack(), mine], default: { quotas: [] } });

const mx = (...hosts: string[]): MxAnswer => ({ kind: 'hosts', hosts });
const OWN = 'destination of its own: ';

const table: readonly (readonly [
  destination: string,
  answer: MxAnswer | undefined,
  id: string,
  because: string,
])[] = [
  [
    'contoso.example',
    mx('contoso-example.mail.protection.outlook.com'),
    'microsoft365',
    'MX host contoso-example.mail.protection.outlook.com, by the rule .mail.protection.outlook.com',
  ],
  [
    'club.example',
    mx('eur.olc.protection.outlook.com'),
    'outlook',
    'MX host eur.olc.protection.outlook.com, by the rule .olc.protection.outlook.com',
  ],
  [
    'shop.example',
    mx('alt1.aspmx.l.google.com', 'aspmx.l.google.com', 'aspmx2.googlemail.com'),
    'gmail',
    'MX host alt1.aspmx.l.google.com, by the rule .google.com',
  ],
  // Not below the suffix, but looking like it.
  [
    'evil.example',
    mx('x.mail.protection.outlook.com.evil.example'),
    'evil.example',
    'MX host x.mail.protection.outlook.com.evil.example, in evil.example',
  ],
  [
    'evil.example',
    mx('fakemail.protection.outlook.com'),
    'outlook',
    'MX host fakemail.protection.outlook.com, in outlook.com',
  ],
  ['evil.example', mx('xgoogle.com'), 'xgoogle.com', 'MX host xgoogle.com, in xgoogle.com'],
  // The suffix is below the host's name, never the name itself.
  [
    'a.example',
    mx('relay.school.example'),
    'school',
    'MX host relay.school.example, in school.example',
  ],
  [
    'evil.example',
    mx('a.mail.protection.outlook.com', 'mx.evil.example'),
    'evil.example',
    `${OWN}its MX hosts a.mail.protection.outlook.com and mx.evil.example belong to different providers`,
  ],
  [
    'both.example',
    mx('a.mail.protection.outlook.com', 'b.olc.protection.outlook.com'),
    'both.example',
    `${OWN}its MX hosts a.mail.protection.outlook.com and b.olc.protection.outlook.com belong to different providers`,
  ],
  // Unknown hosts: by whom they were registered.
  [
    'one.example',
    mx('mx1.hosting.test', 'mx2.eu.hosting.test'),
    'hosting.test',
    'MX host mx1.hosting.test, in hosting.test',
  ],
  [
    'two.example',
    mx('mx.hosting.test'),
    'hosting.test',
    'MX host mx.hosting.test, in hosting.test',
  ],
  ['uk.example', mx('mx.post.co.uk'), 'post.co.uk', 'MX host mx.post.co.uk, in post.co.uk'],
  ['tld.example', mx('co.uk'), 'tld.example', `${OWN}its MX host co.uk is nobody's`],
  [
    'pages.example',
    mx('mx.me.github.io'),
    'me.github.io',
    'MX host mx.me.github.io, in me.github.io',
  ],
  [
    'own.example',
    mx('mail.own.example'),
    'own.example',
    'MX host mail.own.example, in own.example',
  ],
  [
    'lists.own.example',
    mx('mail.own.example'),
    'own.example',
    'MX host mail.own.example, in own.example',
  ],
  [
    'sub.school.example',
    mx('mx.school.example'),
    'school',
    'MX host mx.school.example, in school.example',
  ],
  // What says that there is no provider.
  [
    'null.example',
    { kind: 'null' },
    'null.example',
    `${OWN}its null MX says that it takes no mail`,
  ],
  [
    'host.example',
    { kind: 'address' },
    'host.example',
    `${OWN}it has no MX: mail goes to its own address`,
  ],
  ['gone.example', { kind: 'missing' }, 'gone.example', `${OWN}DNS knows no such domain`],
  ['odd.example', { kind: 'unusable', why: 'it is odd' }, 'odd.example', `${OWN}it is odd`],
  ['slow.example', undefined, 'slow.example', 'destination of its own'],
  // A list goes before the MX.
  ['gmail.com', mx('a.mail.protection.outlook.com'), 'gmail', 'listed domain gmail.com'],
  ['school.example', mx('a.mail.protection.outlook.com'), 'school', 'listed domain school.example'],
];
for (const [destination, answer, id, because] of table) {
  const found = resolver.resolve(destination, answer);
  t.same([found.id, found.because], [id, because], `${destination} counts for ${id}`);
  t.equal(resolver.provider(id).limits, found.limits, `${id}: the same limits by its id`);
}

t.equal(resolver.ofHost('a.mail.protection.outlook.com'), 'microsoft365');
t.equal(resolver.ofHost('mx.hosting.test'), 'hosting.test');
t.equal(resolver.ofHost('mx.utc.fr'), 'utc', 'in a listed domain');
t.equal(resolver.ofHost('localhost'), undefined);
t.equal(registrableOf('127.0.0.1'), undefined);

t.test('the longest suffix decides, whatever the order', async (t) => {
  const one = { ...mine, id: 'one', domains: [], mxSuffixes: ['.hosting.test'] };
  const two = { ...mine, id: 'two', domains: [], mxSuffixes: ['.fast.hosting.test'] };
  for (const providers of [
    [one, two],
    [two, one],
  ]) {
    const by = createResolver({ providers, default: { quotas: [] } });
    t.equal(by.ofHost('mx.fast.hosting.test'), 'two');
    t.equal(by.ofHost('mx.slow.hosting.test'), 'one');
  }
});
