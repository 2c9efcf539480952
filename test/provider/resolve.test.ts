import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import type { Provider } from '../../src/provider/provider.ts';
import { createResolver } from '../../src/provider/resolve.ts';

const limits = { quotas: [], inFlight: 5 };
const university: Provider = {
  id: 'utc',
  name: 'UTC',
  domains: ['utc.fr', 'etu.utc.fr', 'xn--cole-9oa.fr'],
  mxSuffixes: [],
  limits: { quotas: [{ count: 300, windowUs: 3600e6 }] },
  mode: 'observe',
  source: 'configuration',
};
const gmail: Provider = {
  id: 'gmail',
  name: 'Gmail',
  domains: ['gmail.com'],
  mxSuffixes: [],
  limits: { quotas: [] },
  source: 'built-in: …',
};
const resolver = createResolver({ providers: [university, gmail], default: limits });

const table: readonly (readonly [destination: string, id: string, because: string])[] = [
  ['utc.fr', 'utc', 'listed domain utc.fr'],
  ['etu.utc.fr', 'utc', 'listed domain etu.utc.fr'],
  ['xn--cole-9oa.fr', 'utc', 'listed domain xn--cole-9oa.fr'],
  ['lists.utc.fr', 'lists.utc.fr', 'destination of its own'],
  ['notutc.fr', 'notutc.fr', 'destination of its own'],
  ['gmail.com', 'gmail', 'listed domain gmail.com'],
  ['[192.0.2.1]', '[192.0.2.1]', 'destination of its own'],
  ['localhost', 'localhost', 'destination of its own'],
  ['gmail', 'gmail.', 'destination of its own'],
  ['default', 'default.', 'destination of its own'],
  ['constructor', 'constructor', 'destination of its own'],
  ['__proto__', '__proto__', 'destination of its own'],
];
for (const [destination, id, because] of table) {
  const found = resolver.resolve(destination);
  t.equal(found.id, id, `${destination} is ${id}`);
  t.equal(found.because, because, `${destination}: why`);
  const named = [university, gmail].find((provider) => provider.id === id);
  t.equal(found.limits, named?.limits ?? limits, `${destination}: limits`);
  const again = resolver.provider(id);
  t.equal(again.id, id, `${id} is found by its id again`);
  t.equal(again.limits, found.limits, `${id} has the same limits by its id`);
  t.equal(resolver.isNamed(id), id === 'utc' || id === 'gmail', `${id}: named or not`);
}

t.equal(resolver.resolve('utc.fr').mode, 'observe', 'a mode of its own');
t.notOk('mode' in resolver.resolve('gmail.com'), 'no mode of its own');
t.equal(resolver.resolve('example.org').limits, limits, 'default limits');
t.equal(resolver.resolve('example.org').source, 'default', 'where default limits come from');
t.equal(
  resolver.provider('etu.utc.fr').id,
  'utc',
  'a postmaster may type a domain for its provider',
);

t.test('many destinations cost no memory', async (t) => {
  const setup = createResolver({ providers: [university], default: limits });
  for (let i = 0; i < 1000; i += 1) setup.resolve(`warm-${i}.example`);
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 100_000; i += 1) {
    const found = setup.resolve(`host-${i}.example`);
    if (found.limits !== limits) throw new Error('not the default limits');
  }
  gc();
  const grownBytes = process.memoryUsage().heapUsed - before;
  t.ok(grownBytes < 2_000_000, `100,000 destinations left ${grownBytes} bytes`);
});
