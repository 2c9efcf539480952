import t from 'tap';
import { createLaneOf } from '../../src/config/lane.ts';
import { parseConfig } from '../../src/config/load.ts';

const { lanes } = parseConfig(
  `lanes:
  transactional: { senders: [noreply@example.org, '@shop.example'] }
  default: { senders: [team@lists.example] }
  bulk: { senders: ['@lists.example', news@shop.example] }
`,
  'p.yaml',
);
const laneOf = createLaneOf(lanes);

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
for (const [name, sender, lane] of table) t.equal(laneOf(sender), lane, name);
