import t from 'tap';
import { parseConfig } from '../../src/config/load.ts';
import { showConfig } from '../../src/config/show.ts';
import { formatStore, parseStore } from '../../src/config/store-url.ts';

const one = { kind: 'redis', topology: 'single', tls: false, db: 0 } as const;
const at = (host: string, port: number) => ({ host, port });

const read: readonly (readonly [text: string, expected: unknown, shown: string])[] = [
  ['memory', 'memory', 'memory'],
  ['redis://127.0.0.1', { ...one, hosts: [at('127.0.0.1', 6379)] }, 'redis://127.0.0.1:6379'],
  [
    'rediss://pace:s%40cret@redis.example.org:6380/3',
    {
      ...one,
      tls: true,
      hosts: [at('redis.example.org', 6380)],
      db: 3,
      user: 'pace',
      password: 's@cret',
    },
    'rediss://pace:***@redis.example.org:6380/3',
  ],
  [
    'redis://:a:b@[::1]:6379/0',
    { ...one, hosts: [at('::1', 6379)], password: 'a:b' },
    'redis://:***@[::1]:6379',
  ],
  ['redis://pace@h/', { ...one, hosts: [at('h', 6379)], user: 'pace' }, 'redis://pace@h:6379'],
  [
    'redis://a:7000,b,c:7002',
    { ...one, topology: 'cluster', hosts: [at('a', 7000), at('b', 6379), at('c', 7002)] },
    'redis+cluster://a:7000,b:6379,c:7002',
  ],
  [
    'redis+cluster://a/0',
    { ...one, topology: 'cluster', hosts: [at('a', 6379)] },
    'redis+cluster://a:6379',
  ],
  [
    'rediss+sentinel://pace:geheim@s1,s2:26380/mymaster/2',
    {
      ...one,
      topology: 'sentinel',
      tls: true,
      hosts: [at('s1', 26_379), at('s2', 26_380)],
      master: 'mymaster',
      db: 2,
      user: 'pace',
      password: 'geheim',
    },
    'rediss+sentinel://pace:***@s1:26379,s2:26380/mymaster/2',
  ],
];

for (const [text, expected, shown] of read) {
  const store = parseStore(text);
  t.same(store, expected, text);
  if (store !== undefined) t.equal(formatStore(store), shown);
}

const refused = [
  'redis',
  'redis://',
  'redis://host:0',
  'redis://host:70000',
  'redis://host/one',
  'redis://host/1/2',
  'redis://a,/0',
  'redis://a,b/1',
  'redis://%E0%A4%A@host',
  'redis+sentinel://s1,s2',
  'redis+sentinel://s1/my master',
  'redis+unix:///tmp/redis.sock',
  'redis://[127.0.0.1]:6379',
];
for (const text of refused) t.equal(parseStore(text), undefined, text);

const shown = showConfig(
  parseConfig(
    'store: rediss://pace:geheim@h:6379/1\npool: paris\nredis: { password_file: /etc/p, ca_file: /etc/ca }',
    'p.yaml',
  ),
);
t.match(shown, {
  store: 'rediss://pace:***@h:6379/1',
  pool: 'paris',
  redis: { password_file: '/etc/p', ca_file: '/etc/ca' },
});
t.notMatch(JSON.stringify(shown), 'geheim', 'no password is shown');
