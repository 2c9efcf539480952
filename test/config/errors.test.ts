import t from 'tap';
import { ConfigError } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load.ts';
import { STORE_FORMS } from '../../src/config/store-url.ts';

/** The message for a text, or what came instead of an error. */
function messageOf(text: string): string {
  try {
    parseConfig(text, 'p.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no error';
}

const LISTEN =
  'unix:/path (at most 107 bytes), inet:host:port, [::1]:port, systemd or systemd:name';
const RATE = 'a rate such as 20/min, 5/s or 20/2s, or none';
const HELPER = 'unix:/path (at most 107 bytes) or a command as a list of words';
const DOMAIN = 'a domain such as example.org (a subdomain is listed by itself)';
const SENDER = 'an address such as noreply@example.org, or @example.org';
const UNNAMED =
  'found tempfail, expected tempfail.ports beside it: an application that is answered 451 ' +
  'loses the mail; name the ports where none but mail servers with a queue deliver';
const PATTERN =
  'a text of at most 200 characters; * stands for anything, \\* for an asterisk, \\\\ for a backslash';
const DURATION = 'a duration such as 90s, 30m, 2h or 1d';
const KEYS =
  'listen, mode, tempfail, store, pool, redis, state_dir, control, http, log_level, postfix, dns, own_addresses, feedback, ' +
  'alerts, default, providers, lanes, max_hold, on_max_hold, adopt, reconcile, retry';
const long = `/${'x'.repeat(107)}`;

const table: readonly (readonly [text: string, message: string])[] = [
  // A mailbox that reports come to.
  [
    'feedback: { imap: { host: imap.example.org } }',
    'p.yaml:1: feedback.imap.user: found nothing, expected the name to log in with\n' +
      'p.yaml:1: feedback.imap.password_file: found nothing, expected the path of a file whose first line is the password',
  ],
  [
    'feedback: { imap: { host: imap://x, user: u, password_file: imap.password } }',
    'p.yaml:1: feedback.imap.host: found "imap://x", expected a host name or an IP address\n' +
      'p.yaml:1: feedback.imap.password_file: found "imap.password", expected an absolute path',
  ],
  [
    'feedback: { imap: { host: a.example, user: u, password_file: /p, port: 0, tls: none } }',
    'p.yaml:1: feedback.imap.port: found 0, expected a port from 1 to 65535\n' +
      'p.yaml:1: feedback.imap.tls: found "none", expected one of tls, starttls',
  ],
  [
    'feedback: { imap: { host: a.example, user: u, password_file: /p, move_to: inbox } }',
    'p.yaml:1: feedback.imap.move_to: found "inbox", expected another folder than the one that is read',
  ],
  [
    'feedback: { imap: { hosts: a.example, user: u, password_file: /p } }',
    'p.yaml:1: feedback.imap.hosts: found an unknown key, expected host, perhaps\n' +
      'p.yaml:1: feedback.imap.host: found nothing, expected the name of the IMAP server',
  ],
  // Lanes and senders.
  [
    'lanes: { bulk: { rules: [{ headers: { X: y } }] } }',
    'p.yaml:1: lanes.bulk.rules[0].headers: found an unknown key, expected header, perhaps',
  ],
  [
    'lanes: { bulk: { rules: [{ subject: x }] } }',
    'p.yaml:1: lanes.bulk.rules[0].subject: found an unknown key, expected one of sender, login, client, header',
  ],
  [
    'lanes: { bulk: { rules: [{}] } }',
    'p.yaml:1: lanes.bulk.rules[0]: found a rule without a condition, expected sender, login, client or header',
  ],
  [
    'lanes: { bulk: { rules: [{ header: {} }] } }',
    'p.yaml:1: lanes.bulk.rules[0].header: found no header, expected at least one, such as { Precedence: bulk }',
  ],
  [
    "lanes: { bulk: { rules: [{ header: { 'Precedence:': bulk } }] } }",
    'p.yaml:1: lanes.bulk.rules[0].header.Precedence:: found "Precedence:", expected the name of a header, without the colon',
  ],
  [
    'lanes: { bulk: { rules: [{ client: 192.0.2.0/33 }] } }',
    'p.yaml:1: lanes.bulk.rules[0].client: found "192.0.2.0/33", expected an IP address or a network such as 192.0.2.0/24',
  ],
  [
    "lanes: { bulk: { rules: [{ login: 'a\\b' }] } }",
    `p.yaml:1: lanes.bulk.rules[0].login: found "a\\\\b", expected ${PATTERN}`,
  ],
  [
    'lanes: { bulk: { rules: [{ sender: me }] } }',
    `p.yaml:1: lanes.bulk.rules[0].sender: found "me", expected ${SENDER}`,
  ],
  [
    'lanes: { bulk: { rules: [{ sender: [a@b.example, me] }] } }',
    `p.yaml:1: lanes.bulk.rules[0].sender[1]: found "me", expected ${SENDER}`,
  ],
  [
    'default: { per_sender: {} }',
    'p.yaml:1: default.per_sender: found no limit, expected a pace or quotas (pace: none for no limit)',
  ],
  [
    'default: { per_sender: { pace: 5/min, in_flight: 2 } }',
    'p.yaml:1: default.per_sender.in_flight: found an unknown key, expected one of pace, burst, quotas',
  ],
  [
    'providers: { utc: { per_sender: { pace: none, burst: 2 } } }',
    'p.yaml:1: providers.utc.per_sender.burst: found 2, expected no burst where pace is none',
  ],
  // Endpoints and paths.
  ['listen: 8892', `p.yaml:1: listen: found 8892, expected ${LISTEN}`],
  [
    'listen: inet:8892@localhost',
    `p.yaml:1: listen: found "inet:8892@localhost", expected ${LISTEN}`,
  ],
  ['listen: inet:localhost:0', `p.yaml:1: listen: found "inet:localhost:0", expected ${LISTEN}`],
  [
    'listen: inet:localhost:70000',
    `p.yaml:1: listen: found "inet:localhost:70000", expected ${LISTEN}`,
  ],
  ['listen: unix:milter.sock', `p.yaml:1: listen: found "unix:milter.sock", expected ${LISTEN}`],
  ['listen: "[localhost]:1"', `p.yaml:1: listen: found "[localhost]:1", expected ${LISTEN}`],
  ['listen: "systemd:"', `p.yaml:1: listen: found "systemd:", expected ${LISTEN}`],
  [`listen: unix:${long}`, `p.yaml:1: listen: found "unix:/${'x'.repeat(72)}…, expected ${LISTEN}`],
  ['state_dir: var', 'p.yaml:1: state_dir: found "var", expected an absolute path'],
  [
    'control: c.sock',
    'p.yaml:1: control: found "c.sock", expected an absolute path of at most 107 bytes',
  ],
  [
    'postfix: { release: sudo postsuper }',
    `p.yaml:1: postfix.release: found "sudo postsuper", expected ${HELPER}`,
  ],
  ['postfix: { release: [] }', `p.yaml:1: postfix.release: found [], expected ${HELPER}`],
  ['postfix: { hold: [sudo, 1] }', `p.yaml:1: postfix.hold: found ["sudo",1], expected ${HELPER}`],
  ['postfix: { hold: systemd }', `p.yaml:1: postfix.hold: found "systemd", expected ${HELPER}`],
  [
    'feedback: { log: mail.log }',
    'p.yaml:1: feedback.log: found "mail.log", expected auto, journal, none or an absolute path',
  ],
  ...["'Post Master <a@b.example>'", '-oX@b.example', "'@b.example'", 'a@b@c.example', "''"].map(
    (found): readonly [string, string] => [
      `alerts: { mail: ${found} }`,
      `p.yaml:1: alerts.mail: found "${found.replaceAll("'", '')}", expected an address such as postmaster@example.org, or a local name such as root`,
    ],
  ),
  [
    'alerts: { command: notify --all }',
    'p.yaml:1: alerts.command: found "notify --all", expected a command as a list of words',
  ],
  [
    'alerts: { email: a@b.example }',
    'p.yaml:1: alerts.email: found an unknown key, expected mail, perhaps',
  ],
  ['postfix: 3', 'p.yaml:1: postfix: found 3, expected a map of keys'],

  // Words.
  ['mode: pause', 'p.yaml:1: mode: found "pause", expected one of hold, observe, tempfail'],
  [
    'log_level: verbose',
    'p.yaml:1: log_level: found "verbose", expected one of debug, info, warn, error',
  ],
  ['adopt: none', 'p.yaml:1: adopt: found "none", expected one of evidence, all'],
  [
    'on_max_hold: drop',
    'p.yaml:1: on_max_hold: found "drop", expected one of release, bounce, keep',
  ],
  ['store: disk', `p.yaml:1: store: found "disk", expected ${STORE_FORMS}`],
  [
    'store: redis://:geheim@127.0.0.1:6379/zero',
    `p.yaml:1: store: found "redis://***@127.0.0.1:6379/zero", expected ${STORE_FORMS}`,
  ],
  ['pool: a b', 'p.yaml:1: pool: found "a b", expected letters, digits, and . _ - between them'],
  ['mode:', 'p.yaml:1: mode: found nothing, expected one of hold, observe, tempfail'],

  // Where mail may be refused must be said.
  ['mode: tempfail', `p.yaml:1: mode: ${UNNAMED}`],
  [
    'providers: { qq: { mode: tempfail } }\ntempfail: { ports: [] }',
    `p.yaml:1: providers.qq.mode: ${UNNAMED}`,
  ],
  [
    'mode: tempfail\ntempfail: { ports: [smtp] }',
    'p.yaml:2: tempfail.ports: found ["smtp"], expected a list of ports such as [10025]',
  ],
  [
    'mode: tempfail\ntempfail: { ports: [10025], wait: 10m }',
    'p.yaml:2: tempfail.wait: found 10min, expected at most 4min: Postfix waits 5min for an answer',
  ],

  // What a later version will have.
  [
    'http: 127.0.0.1:8893',
    'p.yaml:1: http: found "127.0.0.1:8893", expected nothing: HTTP is not available in this version',
  ],

  // Rates, counts and times.
  ['default: { pace: 20 }', `p.yaml:1: default.pace: found 20, expected ${RATE}`],
  [
    'default: { pace: 20 per minute }',
    `p.yaml:1: default.pace: found "20 per minute", expected ${RATE}`,
  ],
  ['default: { pace: 0/min }', `p.yaml:1: default.pace: found "0/min", expected ${RATE}`],
  [
    'default: { pace: 20/fortnight }',
    `p.yaml:1: default.pace: found "20/fortnight", expected ${RATE}`,
  ],
  [
    'default: { burst: 0 }',
    'p.yaml:1: default.burst: found 0, expected a whole number, at least 1',
  ],
  [
    'default: { burst: 1.5 }',
    'p.yaml:1: default.burst: found 1.5, expected a whole number, at least 1',
  ],
  [
    'default: { burst: "3" }',
    'p.yaml:1: default.burst: found "3", expected a whole number, at least 1',
  ],
  [
    'default: { burst: .inf }',
    'p.yaml:1: default.burst: found Infinity, expected a whole number, at least 1',
  ],
  [
    'default: { in_flight: -1 }',
    'p.yaml:1: default.in_flight: found -1, expected a whole number, at least 1, or none',
  ],
  [
    'default: { quotas: 300/h }',
    'p.yaml:1: default.quotas: found "300/h", expected a list of rates such as [300/h, 1500/day]',
  ],
  [
    'default: { quotas: [300/h, 0.5/day] }',
    'p.yaml:1: default.quotas[1]: found "0.5/day", expected a rate with a whole count, such as 300/h or 1500/day',
  ],
  ['max_hold: 3', `p.yaml:1: max_hold: found 3, expected ${DURATION}`],
  ['reconcile: -1s', `p.yaml:1: reconcile: found "-1s", expected ${DURATION}`],
  ['retry: { min: soon }', `p.yaml:1: retry.min: found "soon", expected ${DURATION}`],

  // Lists of names.
  [
    'own_addresses: [mail.example.org]',
    'p.yaml:1: own_addresses[0]: found "mail.example.org", expected an IP address',
  ],
  [
    'own_addresses: 192.0.2.25',
    'p.yaml:1: own_addresses: found "192.0.2.25", expected a list of IP addresses',
  ],
  [
    'providers: { a: { domains: ["*.utc.fr"] } }',
    `p.yaml:1: providers.a.domains[0]: found "*.utc.fr", expected ${DOMAIN}`,
  ],
  [
    'providers: { a: { domains: [x@utc.fr] } }',
    `p.yaml:1: providers.a.domains[0]: found "x@utc.fr", expected ${DOMAIN}`,
  ],
  [
    'providers: { a: { domains: [.utc.fr] } }',
    `p.yaml:1: providers.a.domains[0]: found ".utc.fr", expected ${DOMAIN}`,
  ],
  [
    'providers: { a: { mx_suffixes: [mx.utc.fr] } }',
    'p.yaml:1: providers.a.mx_suffixes[0]: found "mx.utc.fr", expected the end of a host name, such as .google.com, in a domain that somebody has registered',
  ],
  [
    'providers: { a: { mx_suffixes: [.co.uk] } }',
    'p.yaml:1: providers.a.mx_suffixes[0]: found ".co.uk", expected the end of a host name, such as .google.com, in a domain that somebody has registered',
  ],
  [
    'providers:\n  a: { mx_suffixes: [.mx.test.org] }\n  b: { mx_suffixes: [.MX.test.org.] }',
    'p.yaml:3: providers.b.mx_suffixes[0]: found .mx.test.org, expected each MX suffix in one place: providers.a lists it too',
  ],
  [
    'dns: { servers: [] }',
    'p.yaml:1: dns.servers: found [], expected at least one server; group_by_mx: false asks none',
  ],
  ...[
    'localhost',
    '192.0.2.53:0',
    '192.0.2.53:99999',
    '[192.0.2.53]:53',
    '::1:x',
    '192.0.2.256',
  ].map((found): readonly [string, string] => [
    `dns: { servers: ['${found}'] }`,
    `p.yaml:1: dns.servers[0]: found "${found}", expected an IP address, or one with a port such as 192.0.2.53:5353`,
  ]),
  ['dns: { group_by_mx: on }', 'p.yaml:1: dns.group_by_mx: found "on", expected true or false'],
  [
    'lanes: { bulk: { senders: [news] } }',
    `p.yaml:1: lanes.bulk.senders[0]: found "news", expected ${SENDER}`,
  ],
  ['providers: [utc]', 'p.yaml:1: providers: found ["utc"], expected a map of providers'],
  ['providers: { utc: 20/min }', 'p.yaml:1: providers.utc: found "20/min", expected a map of keys'],

  // Unknown keys.
  ['stateDir: /var', 'p.yaml:1: stateDir: found an unknown key, expected state_dir, perhaps'],
  ['provider: {}', 'p.yaml:1: provider: found an unknown key, expected providers, perhaps'],
  [
    'postfix: { config_dir: /etc }',
    'p.yaml:1: postfix.config_dir: found an unknown key, expected one of config_directory, release, hold, expire, outbound_transports',
  ],
  [
    'providers: { utc: { quota: [1/h] } }',
    'p.yaml:1: providers.utc.quota: found an unknown key, expected quotas, perhaps',
  ],
  [
    'lanes: { fast: {} }',
    'p.yaml:1: lanes.fast: found an unknown key, expected one of transactional, default, bulk',
  ],
  [
    'retry: { minimum: 1m }',
    'p.yaml:1: retry.minimum: found an unknown key, expected one of min, max',
  ],

  // Keys that contradict one another.
  [
    'providers:\n  a: { domains: [x.org, y.org] }\n  b:\n    domains:\n      - z.org\n      - X.org.\n',
    'p.yaml:6: providers.b.domains[1]: found x.org, expected each domain in one place: providers.a lists it too',
  ],
  [
    'providers:\n  a: { domains: [x.org] }\n  x.org: {}\n',
    'p.yaml:3: providers.x.org: found x.org, expected each domain in one place: providers.a lists it too',
  ],
  [
    'lanes:\n  bulk: { senders: [a@x.org] }\n  default: { senders: [A@X.org] }\n',
    'p.yaml:2: lanes.bulk.senders[0]: found a@x.org, expected each sender in one place: lanes.default lists it too',
  ],
  [
    'providers: { Utc: {} }',
    'p.yaml:1: providers.Utc: found the name "Utc", expected lower-case letters, digits, and . _ - between them',
  ],
  [
    'providers: { default: {} }',
    'p.yaml:1: providers.default: found a provider named default, expected another name (limits for all others are under the key default)',
  ],
  [
    'default: { pace: none, burst: 3 }',
    'p.yaml:1: default.burst: found 3, expected no burst where pace is none',
  ],
  [
    'default: { quotas: [300/h, 5/60min] }',
    'p.yaml:1: default.quotas[1]: found a second quota over the same time, expected one for each',
  ],
  [
    'on_max_hold: bounce',
    'p.yaml:1: on_max_hold: found bounce, expected postfix.expire beside it: bouncing needs that helper',
  ],
  [
    'retry: { min: 2h }',
    'p.yaml:1: retry.min: found 2h, expected at most retry.max, which is 30min',
  ],

  // YAML itself.
  ['hello', 'p.yaml:1: found "hello", expected a map of keys'],
  ['- mode', 'p.yaml:1: found ["mode"], expected a map of keys'],
  ['mode: hold\nmode: observe', 'p.yaml:2: found the key "mode" a second time, expected it once'],
  ['mode: hold\n\tstore: memory', 'p.yaml:2: not valid YAML: Tabs are not allowed as indentation'],
  ['mode: hold\n---\nmode: hold', 'p.yaml:2: found a second document (---), expected one'],
  [
    'default: &a [*a]',
    'p.yaml:1: default: found a value that contains itself, expected a map of keys',
  ],
  [
    '__proto__: { mode: hold }',
    `p.yaml:1: __proto__: found an unknown key, expected one of ${KEYS}`,
  ],
];
for (const [text, message] of table) t.equal(messageOf(text), message, text.slice(0, 70));

t.equal(
  messageOf(`# All problems of a file at once, each with its line.
mode: fast

postfix:
  release: [sudo, -n, postsuper, -H, '-']
  expire: nothing
providers:
  utc:
    domains:
      - utc.fr
    pace: 20 a minute
  school: { domains: [utc.fr] }
on_max_hold: bounce
retry: { min: 2h, max: long }
colour: red
`),
  [
    'p.yaml:2: mode: found "fast", expected one of hold, observe, tempfail',
    `p.yaml:6: postfix.expire: found "nothing", expected ${HELPER}`,
    `p.yaml:11: providers.utc.pace: found "20 a minute", expected ${RATE}`,
    'p.yaml:12: providers.school.domains[0]: found utc.fr, expected each domain in one place: providers.utc lists it too',
    `p.yaml:14: retry.max: found "long", expected ${DURATION}`,
    `p.yaml:15: colour: found an unknown key, expected one of ${KEYS}`,
  ].join('\n'),
  'all problems, and none that only follows from another',
);
