import { readFileSync } from 'node:fs';
import t from 'tap';
import { configFile, keysAt } from '../../src/config/schema.ts';
import { loadPack } from '../../src/provider/pack.ts';

const page = readFileSync('docs/configuration.md', 'utf8');

t.ok(configFile.safeParse({}).success, 'every key may be left out');

const maps: readonly (readonly [path: readonly string[], prefix: string, keys: number])[] = [
  [[], '', 23],
  [['tempfail'], 'tempfail.', 2],
  [['redis'], 'redis.', 3],
  [['postfix'], 'postfix.', 5],
  [['dns'], 'dns.', 2],
  [['feedback'], 'feedback.', 8],
  [['feedback', 'imap'], 'feedback.imap.', 8],
  [['alerts'], 'alerts.', 2],
  [['retry'], 'retry.', 2],
  [['lanes'], 'lanes.', 3],
  [['lanes', 'bulk'], '', 3],
  [['default'], '', 5],
  [['default', 'per_sender'], '', 3],
  [['providers', 'utc'], '', 9],
];
const headings = ['postfix', 'dns', 'own_addresses', 'feedback', 'providers', 'lanes'];
for (const [path, prefix, count] of maps) {
  const keys = keysAt(path);
  t.equal(keys.length, count, `${path.join('.') || 'the file'} has ${count} keys`);
  for (const key of keys) {
    const found =
      page.includes(`\`${prefix}${key}\``) ||
      (path.length === 0 && (headings.includes(key) || page.includes(`\`${key}.`)));
    t.ok(found, `${prefix}${key} is documented`);
  }
}
for (const { id } of loadPack()) t.ok(page.includes(`\`${id}\``), `${id} is listed`);
