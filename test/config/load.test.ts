import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError } from '../../src/config/config.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { loadPack } from '../../src/provider/pack.ts';

const MINUTE_US = 60e6;
const HOUR_US = 3600e6;

function read(text: string): Config {
  return parseConfig(text, 'postpace.yaml');
}

function provider(config: Config, id: string) {
  return config.providers.find((one) => one.id === id);
}

const defaults: Omit<Config, 'file'> = {
  listen: { kind: 'unix', path: '/var/spool/postfix/postpace/milter.sock' },
  mode: 'hold',
  tempfail: { ports: [], waitMs: 0 },
  store: 'memory',
  pool: 'postpace',
  redis: {},
  stateDir: '/var/lib/postpace',
  control: '/run/postpace/control.sock',
  logLevel: 'info',
  postfix: {
    configDirectory: '/etc/postfix',
    release: { kind: 'unix', path: '/run/postpace/release.sock' },
    hold: { kind: 'unix', path: '/run/postpace/hold.sock' },
  },
  dns: { groupByMx: true },
  ownAddresses: [],
  feedback: { log: 'auto', adjust: true, timeScale: 1, notFinal: [], token: false },
  alerts: {},
  default: { pace: { count: 60, windowUs: MINUTE_US, burst: 10 }, quotas: [], inFlight: 5 },
  providers: loadPack(),
  lanes: [
    { name: 'transactional', senders: [], rules: [] },
    { name: 'default', senders: [], rules: [] },
    { name: 'bulk', senders: [], rules: [] },
  ],
  onMaxHold: 'release',
  adopt: 'evidence',
  reconcileMs: 60_000,
  retry: { minMs: 60_000, maxMs: 1_800_000 },
};

const dir = mkdtempSync(join(tmpdir(), 'postpace-config-'));
t.teardown(() => rmSync(dir, { recursive: true }));
const there = join(dir, 'postpace.yaml');
const other = join(dir, 'other.yaml');
const absent = join(dir, 'absent.yaml');
writeFileSync(there, 'mode: observe\n');
writeFileSync(other, 'log_level: debug\n');

t.test('which file is read', async (t) => {
  t.same(loadConfig({ env: {}, defaultFile: absent }), defaults, 'none: the defaults');
  t.match(loadConfig({ env: {}, defaultFile: there }), { file: there, mode: 'observe' }, 'default');
  const env = { POSTPACE_CONFIG: other };
  t.match(loadConfig({ env, defaultFile: there }), { file: other, mode: 'hold' }, 'environment');
  t.match(loadConfig({ file: there, env }), { file: there, logLevel: 'info' }, '--config');
  const named = { file: absent, env: {}, defaultFile: there };
  t.throws(() => loadConfig(named), { name: 'ConfigError', message: /absent\.yaml: .*ENOENT/ });
  t.throws(() => loadConfig({ file: dir, env: {} }), ConfigError, 'a directory is no file');
});

for (const text of ['', '# only a comment\n', '---\n', 'providers:\nlanes:\npostfix:\n', '{}']) {
  t.same(read(text), { file: 'postpace.yaml', ...defaults }, `${JSON.stringify(text)}: defaults`);
}

t.test('every key', async (t) => {
  const config = read(`
listen: inet:127.0.0.1:8892
mode: observe
tempfail: { ports: [10025], wait: 20s }
store: memory
state_dir: /srv/postpace
control: unix:/tmp/control.sock
log_level: debug
postfix:
  config_directory: /etc/postfix-out
  release: [sudo, -n, postsuper, -H, '-']
  hold: unix:/tmp/hold.sock
  expire: [sudo, -n, postsuper, -f, '-']
  outbound_transports: [smtp, slow]
dns: { group_by_mx: false, servers: [192.0.2.53, '192.0.2.54:5353', '2001:db8::53', '[::1]:5353'] }
own_addresses: [192.0.2.25, '2001:db8::25']
feedback: { log: /var/log/mail.log, journal_unit: postfix@-.service, adjust: off, time_scale: 60, not_final: [qq/content-denied], token: on, token_key_file: /etc/postpace/feedback.key }
alerts: { mail: root, command: [tell, '--now'] }
default: { pace: 20/2s, burst: 4, quotas: [300/h], in_flight: none }
lanes:
  transactional: { senders: [NoReply@Example.ORG., '@münchen.de'], max_hold: 2h }
  bulk: { senders: [news@example.org] }
max_hold: 1d
on_max_hold: bounce
adopt: all
reconcile: 500ms
retry: { min: 5s, max: 1m }
`);
  const { providers, ...rest } = config;
  t.same(providers, defaults.providers, 'no provider changed');
  t.same(rest, {
    file: 'postpace.yaml',
    listen: { kind: 'inet', host: '127.0.0.1', port: 8892 },
    mode: 'observe',
    tempfail: { ports: [10025], waitMs: 20_000 },
    store: 'memory',
    pool: 'postpace',
    redis: {},
    stateDir: '/srv/postpace',
    control: '/tmp/control.sock',
    logLevel: 'debug',
    postfix: {
      configDirectory: '/etc/postfix-out',
      release: { kind: 'command', argv: ['sudo', '-n', 'postsuper', '-H', '-'] },
      hold: { kind: 'unix', path: '/tmp/hold.sock' },
      expire: { kind: 'command', argv: ['sudo', '-n', 'postsuper', '-f', '-'] },
      outboundTransports: ['smtp', 'slow'],
    },
    dns: {
      groupByMx: false,
      servers: [
        { address: '192.0.2.53', port: 53 },
        { address: '192.0.2.54', port: 5353 },
        { address: '2001:db8::53', port: 53 },
        { address: '::1', port: 5353 },
      ],
    },
    ownAddresses: ['192.0.2.25', '2001:db8::25'],
    feedback: {
      notFinal: ['qq/content-denied'],
      log: '/var/log/mail.log',
      journalUnit: 'postfix@-.service',
      adjust: false,
      timeScale: 60,
      token: true,
      tokenKeyFile: '/etc/postpace/feedback.key',
    },
    alerts: { mail: 'root', command: ['tell', '--now'] },
    default: {
      pace: { count: 20, windowUs: 2e6, burst: 4 },
      quotas: [{ count: 300, windowUs: HOUR_US }],
    },
    lanes: [
      {
        name: 'transactional',
        senders: ['noreply@example.org', '@xn--mnchen-3ya.de'],
        rules: [],
        maxHoldMs: 7_200_000,
      },
      { name: 'default', senders: [], rules: [] },
      { name: 'bulk', senders: ['news@example.org'], rules: [] },
    ],
    maxHoldMs: 86_400_000,
    onMaxHold: 'bounce',
    adopt: 'all',
    reconcileMs: 500,
    retry: { minMs: 5000, maxMs: 60_000 },
  });
});

t.test('a built-in provider keeps what the file does not name', async (t) => {
  const before = provider(read(''), 'outlook');
  const after = provider(read('providers: { outlook: { pace: 8/min, in_flight: 1 } }'), 'outlook');
  t.same(after, {
    ...before,
    limits: { ...before?.limits, pace: { count: 8, windowUs: MINUTE_US, burst: 3 }, inFlight: 1 },
    source: `configuration (pace, in_flight); ${before?.source}`,
  });
  const whole = '{ pace: none, burst: 1, quotas: [], in_flight: none }'.replace('burst: 1, ', '');
  t.match(provider(read(`providers: { outlook: ${whole} }`), 'outlook'), {
    limits: { quotas: [] },
    source: /^configuration \(pace, quotas, in_flight\)/,
  });
});

t.test('the configuration that the README shows', async (t) => {
  const config = read(
    'providers: { utc: { domains: [utc.fr, etu.utc.fr], pace: 20/min, burst: 3, quotas: [300/h, 1500/day] } }',
  );
  t.match(provider(config, 'utc'), {
    domains: ['utc.fr', 'etu.utc.fr'],
    limits: {
      pace: { count: 20, windowUs: MINUTE_US, burst: 3 },
      quotas: [
        { count: 300, windowUs: HOUR_US },
        { count: 1500, windowUs: 24 * HOUR_US },
      ],
    },
  });
});

t.test('providers of the file', async (t) => {
  const config = read(`
default: { quotas: [1000/day], in_flight: 3 }
providers:
  bluewin: { name: Bluewin, domains: [BLUEWIN.ch, 'münchen.de.'], mx_suffixes: [.bluewin.ch], pace: 50/h, mode: observe }
  example.org: { pace: 5/s }
  club: { domains: [hotmail.fr] }
`);
  t.same(provider(config, 'bluewin'), {
    id: 'bluewin',
    name: 'Bluewin',
    domains: ['bluewin.ch', 'xn--mnchen-3ya.de'],
    mxSuffixes: ['.bluewin.ch'],
    limits: {
      pace: { count: 50, windowUs: HOUR_US, burst: 5 },
      quotas: [{ count: 1000, windowUs: 24 * HOUR_US }],
      inFlight: 3,
    },
    mode: 'observe',
    source: 'configuration',
  });
  t.match(provider(config, 'example.org'), {
    domains: ['example.org'],
    limits: { pace: { count: 5, windowUs: 1e6, burst: 1 } },
  });
  t.same(provider(config, 'club')?.limits, config.default, 'limits of the default');
  t.notOk(provider(config, 'outlook')?.domains.includes('hotmail.fr'), "the file's claim wins");
  t.ok(provider(config, 'outlook')?.domains.includes('hotmail.com'), 'the others stay');
});

const bursts: readonly (readonly [text: string, burst: number | undefined])[] = [
  ['default: { pace: 20/min }', 2],
  ['default: { pace: 9/min }', 1],
  ['default: { pace: 0.5/min }', 1],
  ['default: { pace: 20/min, burst: 7 }', 7],
  ['default: { burst: 7 }', 7],
  ['default: { quotas: [10/h] }', 10],
  ['default: { pace: none }', undefined],
];
for (const [text, burst] of bursts) {
  t.equal(read(text).default.pace?.burst, burst, `${text}: burst ${burst}`);
}

const listens: readonly (readonly [text: string, listen: Config['listen']])[] = [
  ['unix:/run/milter.sock', { kind: 'unix', path: '/run/milter.sock' }],
  ['inet:localhost:8892', { kind: 'inet', host: 'localhost', port: 8892 }],
  ['127.0.0.1:8892', { kind: 'inet', host: '127.0.0.1', port: 8892 }],
  ["'[::1]:8892'", { kind: 'inet', host: '::1', port: 8892 }],
  ['inet:[::1]:8892', { kind: 'inet', host: '::1', port: 8892 }],
  ['systemd', { kind: 'systemd' }],
  ['systemd:milter', { kind: 'systemd', name: 'milter' }],
];
for (const [text, listen] of listens) t.same(read(`listen: ${text}`).listen, listen, text);

t.equal(read('retry: { max: 30s }').retry.minMs, 30_000, 'a first wait is no longer than the last');
t.same(
  read(
    'x-y: &own { pace: 5/min }\n'.replace('x-y', 'default').concat('providers: { a: *own }'),
  ).providers.at(-1)?.limits.pace,
  { count: 5, windowUs: MINUTE_US, burst: 1 },
  'anchors and aliases',
);
