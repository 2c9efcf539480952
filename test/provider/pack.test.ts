import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { parse } from 'yaml';
import { toDestination } from '../../src/mail/destination.ts';
import { loadPack } from '../../src/provider/pack.ts';
import { createResolver } from '../../src/provider/resolve.ts';

const file = new URL('../../providers/pack.yaml', import.meta.url);
const text = readFileSync(file, 'utf8');
const pack = loadPack();

interface Figure {
  readonly is: string | number;
  readonly source: string;
}

interface RawPack {
  readonly sources: Readonly<Record<string, string>>;
  readonly providers: Readonly<
    Record<
      string,
      {
        readonly limits: {
          readonly because: string;
          readonly pace: Figure;
          readonly burst: Figure;
          readonly quotas: readonly Figure[];
          readonly in_flight: Figure;
        };
        readonly published: readonly { readonly fact: string; readonly source: string }[];
        readonly mx_source?: string;
      }
    >
  >;
}

t.same(
  pack.map((provider) => provider.id),
  [
    'utc',
    'outlook',
    'microsoft365',
    'gmail',
    'yahoo',
    'yahoo-jp',
    'qq',
    'netease',
    'orange',
    'free',
    'sfr',
    'laposte',
    'gmx',
    'icloud',
    'comcast',
    'mailru',
    'yandex',
  ],
  'the providers that a postmaster can name',
);

// Read without the loader, so that its checks are not what is trusted here.
const raw: RawPack = parse(text);
const used = new Set<string>();
for (const [id, { limits, published, mx_source: mxSource }] of Object.entries(raw.providers)) {
  const figures = [limits.pace, limits.burst, ...limits.quotas, limits.in_flight];
  t.equal(figures.length, 5, `${id} has a pace, a burst, two quotas and in_flight`);
  t.ok(limits.because.length > 10, `${id} says what its limits rest on`);
  for (const { is, source } of figures) {
    t.ok(raw.sources[source], `${id}: ${is} has a source`);
    used.add(source);
  }
  for (const { fact, source } of published) {
    t.ok(raw.sources[source], `${id}: "${fact}" has a source`);
    used.add(source);
  }
  if (mxSource !== undefined) used.add(mxSource);
}
t.same(
  Object.keys(raw.sources).filter((key) => !used.has(key)),
  [],
  'no source is listed in vain',
);

t.match(
  pack.find((provider) => provider.id === 'outlook'),
  {
    limits: {
      pace: { count: 10, windowUs: 60e6, burst: 3 },
      quotas: [
        { count: 150, windowUs: 3600e6 },
        { count: 800, windowUs: 86400e6 },
      ],
      inFlight: 2,
    },
    mxSuffixes: ['.olc.protection.outlook.com'],
    source: /^built-in: it reacts to bursts, .* \(postpace's own starting point, /,
  },
  'figures are converted, and explained',
);
for (const { id, limits } of pack) {
  const { pace } = limits;
  t.ok(pace !== undefined && pace.burst <= pace.count, `${id}: a burst is no more than its pace`);
}

/** `a` -> `ａ`: another spelling of the same label, which IDNA maps to the plain one. */
function fullWidth(domain: string): string {
  return domain.replaceAll(/[a-z0-9]/g, (c) =>
    String.fromCodePoint((c.codePointAt(0) ?? 0) + 0xfee0),
  );
}

const resolver = createResolver({ providers: pack, default: { quotas: [] } });
const listed = new Set<string>();
for (const { id, domains } of pack) {
  for (const domain of domains) {
    t.notOk(listed.has(domain), `${domain} is listed once`);
    listed.add(domain);
    t.equal(toDestination(domain), domain, `${domain} is written as a destination`);
    const mixed = domain.replaceAll(/[a-z]/g, (c, at: number) =>
      at % 2 === 0 ? c.toUpperCase() : c,
    );
    for (const typed of [
      domain,
      mixed,
      `${domain}.`,
      fullWidth(domain),
      `${fullWidth(domain)}。`,
    ]) {
      const found = resolver.resolve(toDestination(typed) ?? '');
      t.equal(found.id, id, `${typed} is ${id}`);
      t.equal(found.because, `listed domain ${domain}`, `${typed} says why`);
    }
  }
}
t.ok(listed.size > 70, 'domains were listed');

t.test('a damaged pack is refused', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'postpace-pack-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const damaged: readonly (readonly [name: string, text: string, message: RegExp])[] = [
    ['a figure without a source', text.replace('is: 6/min, source: own', 'is: 6/min'), /source/],
    ['an unknown source', text.replace('source: renater', 'source: rumour'), /utc.*rumour/],
    ['a rate that is none', text.replace('is: 6/min', 'is: 6 a minute'), /6 a minute/],
    ['an unknown key', text.replace('mx_suffixes: []', 'mx: []'), /mx/],
  ];
  for (const [name, content, message] of damaged) {
    t.not(content, text, `${name}: damaged`);
    const path = join(dir, 'pack.yaml');
    writeFileSync(path, content);
    t.throws(() => loadPack(pathToFileURL(path)), { message }, name);
  }
});
