import t from 'tap';
import { createLaneOf, headerNames } from '../../src/config/lane.ts';
import { parseConfig } from '../../src/config/load.ts';
import { headerText } from '../../src/mail/header-text.ts';
import type { Origin } from '../../src/mail/origin.ts';

const settings = parseConfig(
  `lanes:
  transactional: { senders: [noreply@example.org, '@shop.example'] }
  default: { senders: [team@lists.example] }
  bulk: { senders: ['@lists.example', news@shop.example] }
`,
  'p.yaml',
);
const laneOf = createLaneOf(settings);

const table: readonly (readonly [name: string, sender: string, lane: string])[] = [
  ['a listed address', 'noreply@example.org', 'transactional'],
  ['in brackets, another case', '<NoReply@Example.ORG>', 'transactional'],
  ['a listed domain', 'orders@shop.example', 'transactional'],
  ['an address before its domain', 'news@shop.example', 'bulk'],
  ['an address kept out of its domain', 'team@lists.example', 'default'],
  ['a listed domain of another lane', 'any@lists.example.', 'bulk'],
  ['a subdomain is not its domain', 'a@mail.shop.example', 'default'],
  ['not listed', 'jo@example.org', 'default'],
  ['the null sender', '<>', 'default'],
  ['the null sender, empty', '', 'default'],
  ['no domain', 'root', 'default'],
];
for (const [name, sender, lane] of table) t.equal(laneOf({ sender }), lane, name);

const headers = (
  all: Readonly<Record<string, readonly string[]>>,
): NonNullable<Origin['headers']> =>
  new Map(
    Object.entries(all).map(([name, values]) => [
      name,
      values.map((value) => headerText(Buffer.from(value))),
    ]),
  );

t.test('rules: all conditions of one, the first that matches, before the senders', async (t) => {
  const config = parseConfig(
    `lanes:
  transactional:
    senders: [noreply@example.org]
    rules:
      - { sender: '@shop.example', header: { X-Kind: [reset, 'confirm*'] } }
      - { login: 'wekan', client: [192.0.2.0/24, '2001:db8::/32'] }
  default:
    rules:
      - { client: 198.51.100.7 }
  bulk:
    senders: ['@lists.example']
    rules:
      - header: { List-Unsubscribe: '*', Precedence: bulk }
      - login: '*@news.example'
      - sender: [noreply@example.org, '@bulk.example']
`,
    'p.yaml',
  );
  const laneBy = createLaneOf(config);
  const list = headers({ 'list-unsubscribe': [''], precedence: ['Bulk'] });
  const cases: readonly (readonly [name: string, origin: Origin, lane: string])[] = [
    [
      'a sender and a header',
      { sender: 'a@shop.example', headers: headers({ 'x-kind': ['Confirm your order'] }) },
      'transactional',
    ],
    ['one of the two alone', { sender: 'a@shop.example', headers: list }, 'bulk'],
    [
      'any of several headers of a name',
      { sender: 'a@shop.example', headers: headers({ 'x-kind': ['other', 'reset'] }) },
      'transactional',
    ],
    ['a login and a client', { sender: '', login: 'Wekan', client: '192.0.2.9' }, 'transactional'],
    ['in another network', { sender: '', login: 'wekan', client: '192.0.3.9' }, 'default'],
    ['IPv6', { sender: '', login: 'wekan', client: '2001:DB8::9' }, 'transactional'],
    ['IPv4 in IPv6', { sender: '', login: 'wekan', client: '::ffff:192.0.2.9' }, 'transactional'],
    ['a client that is not known', { sender: '', login: 'wekan' }, 'default'],
    ['a better lane’s rule', { sender: '', client: '198.51.100.7', headers: list }, 'default'],
    ['both headers', { sender: 'x@y.example', headers: list }, 'bulk'],
    [
      'one of both',
      { sender: 'x@y.example', headers: headers({ precedence: ['bulk'] }) },
      'default',
    ],
    ['headers that are not known', { sender: 'x@y.example' }, 'default'],
    ['the end of a login', { sender: 'x@y.example', login: 'eve@news.example' }, 'bulk'],
    ['a rule before a list', { sender: 'noreply@example.org' }, 'bulk'],
    ['a list where no rule matches', { sender: 'x@lists.example' }, 'bulk'],
  ];
  for (const [name, origin, lane] of cases) t.equal(laneBy(origin), lane, name);
  t.same([...headerNames(config)], ['x-kind', 'list-unsubscribe', 'precedence']);
  t.equal(headerNames(settings).size, 0);
});

const BY_HEADER = `lanes: { bulk: { rules: [{ header: { X-Postpace-Alert: '*' } }] } }`;

t.test('an alert of ours is transactional, whatever the rules say', async (t) => {
  const told = parseConfig(`${BY_HEADER}\nalerts: { mail: ops@example.org }`, 'p.yaml');
  const untold = parseConfig(`${BY_HEADER}\nalerts: { command: [tell] }`, 'p.yaml');
  const alert: Origin = { sender: '', headers: headers({ 'x-postpace-alert': ['blocked'] }) };
  t.equal(createLaneOf(told)(alert), 'transactional');
  t.equal(createLaneOf(told)({ ...alert, sender: '<>' }), 'transactional');
  t.equal(createLaneOf(told)({ ...alert, client: '127.0.0.1' }), 'bulk', 'by SMTP anybody says so');
  t.equal(
    createLaneOf(told)({ ...alert, sender: 'jo@example.org' }),
    'bulk',
    'not the null sender',
  );
  t.equal(createLaneOf(told)({ sender: '', headers: new Map() }), 'default');
  t.equal(createLaneOf(untold)(alert), 'bulk', 'none are mailed');
  const mailed = parseConfig('alerts: { mail: root }', 'p.yaml');
  t.same([...headerNames(mailed)], ['x-postpace-alert']);
});
