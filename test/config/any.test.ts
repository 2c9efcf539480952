import * as fc from 'fast-check';
import t from 'tap';
import { stringify } from 'yaml';
import { ConfigError } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load.ts';
import { keysAt } from '../../src/config/schema.ts';

let refused = 0;
let loaded = 0;

/** Loads, or says where and what is wrong; anything else is a bug. */
function isLoadedOrRefused(text: string): boolean {
  try {
    parseConfig(text, 'p.yaml');
    loaded += 1;
    return true;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    refused += 1;
    return error.message.split('\n').every((line) => /^p\.yaml:[1-9]\d*: /.test(line));
  }
}

const words = ['20/min', '300/h', 'none', '2h', 'hold', '/tmp/x', 'utc.fr', '@utc.fr', '192.0.2.1'];
const scalar = fc.oneof(fc.constantFrom(...words), fc.string(), fc.double(), fc.constant(null));
const inner = [['postfix'], ['default'], ['retry'], ['lanes', 'bulk'], ['providers', 'utc']];
const key = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...keysAt([])) },
  { weight: 8, arbitrary: fc.constantFrom(...inner.flatMap(keysAt), 'utc', 'a.org', 'b.org') },
  { weight: 1, arbitrary: fc.string() },
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
  ),
}));
const files = fc.dictionary(key, tree, { maxKeys: 5 }).map((file) => stringify(file));
const small = fc.record({ mode: scalar }).map((file) => stringify(file));

t.doesNotThrow(
  () => fc.assert(fc.property(fc.oneof(files, small), isLoadedOrRefused), { numRuns: 600 }),
  'any values at any keys',
);
t.doesNotThrow(
  () => fc.assert(fc.property(fc.string({ unit: 'binary' }), isLoadedOrRefused), { numRuns: 300 }),
  'any text',
);
t.ok(refused > 300 && loaded > 10, `${refused} were refused, ${loaded} loaded`);
