import t from 'tap';
import { stringify } from 'yaml';
import type { Config } from '../../src/config/config.ts';
import { initText } from '../../src/config/init.ts';
import { parseConfig } from '../../src/config/load.ts';
import { showConfig } from '../../src/config/show.ts';

/** Where the limits come from is the file's own after a round trip. */
function withoutSources(config: Config) {
  return { ...config, providers: config.providers.map((one) => ({ ...one, source: '' })) };
}

const full = `
listen: '[::1]:8892'
state_dir: /srv/postpace
postfix: { expire: [postsuper, -f, '-'], outbound_transports: [smtp], hold: unix:/tmp/h }
own_addresses: [192.0.2.25]
dns: { servers: [192.0.2.53, '[::1]:5353'] }
feedback:
  log: none
  journal_unit: postfix
  imap: { host: '::1', tls: starttls, ca_file: /c, user: u, password_file: /p, move_to: Read }
alerts: { mail: a@b.example, command: [tell] }
default: { pace: 20/2s, burst: 4, quotas: [300/h, 1500/day], in_flight: none }
providers:
  qq: { pace: none, mode: observe }
  gmx: { mode: tempfail }
  example.org: { pace: 0.5/min, per_sender: { pace: 10/h, quotas: [20/day] } }
  club: { domains: [hotmail.fr], mx_suffixes: [.club.example] }
tempfail: { ports: [10025, 2525], wait: 20s }
lanes:
  default: { rules: [{ sender: a@b.example, login: 'x\\*', client: [192.0.2.0/24, '::1'] }] }
  bulk: { senders: ['@example.org'], max_hold: 90m, rules: [{ header: { X-A: ['*', b], x-b: '' } }] }
max_hold: 36h
on_max_hold: bounce
adopt: all
reconcile: 1500ms
retry: { min: 90s, max: 2h }
`;

for (const text of ['', full]) {
  const config = parseConfig(text, 'p.yaml');
  const shown = stringify(showConfig(config));
  t.same(
    withoutSources(parseConfig(shown, 'p.yaml')),
    withoutSources(config),
    text === '' ? 'the defaults as shown load again' : 'a full file as shown loads again',
  );
}

t.match(
  showConfig(parseConfig(full, 'p.yaml')),
  {
    listen: 'inet:[::1]:8892',
    default: { pace: '20/2s', burst: 4, quotas: ['300/h', '1500/day'], in_flight: 'none' },
    providers: {
      gmail: { pace: '30/min', burst: 10, quotas: ['500/h', '4000/day'], in_flight: 3 },
      qq: { pace: 'none', mode: 'observe' },
    },
    max_hold: '36h',
    retry: { min: '90s', max: '2h' },
  },
  'rates and times as a postmaster writes them',
);

t.test('the file that config init prints', async (t) => {
  const defaults = parseConfig('', 'p.yaml');
  t.same(parseConfig(initText(), 'p.yaml'), defaults, 'changes nothing as printed');
  const uncommented = initText().replaceAll(/^#(?=(?: {2})?[a-z_.]+:)/gm, '');
  const config = parseConfig(uncommented, 'p.yaml');
  t.not(uncommented, initText(), 'keys were uncommented');
  const { providers, lanes, postfix, dns, ownAddresses, feedback, alerts, ...others } = config;
  const { tempfail, maxHoldMs, ...rest } = others;
  const {
    providers: _providers,
    lanes: _lanes,
    postfix: builtIn,
    dns: _dns,
    ownAddresses: _ownAddresses,
    feedback: _feedback,
    alerts: _alerts,
    tempfail: _tempfail,
    ...expected
  } = defaults;
  t.same(rest, expected, 'what is no example is the default');
  t.match(postfix, { ...builtIn, outboundTransports: ['smtp', 'slow'] }, 'helpers are the default');
  t.match(feedback, { log: 'auto', journalUnit: 'postfix@-.service' });
  t.match(alerts, { mail: 'postmaster@example.org', command: [/tell/] });
  t.same(tempfail, { ports: [10025], waitMs: 20_000 });
  t.match(dns, { groupByMx: true, servers: [{ port: 53 }, { address: '::1', port: 5353 }] });
  t.equal(maxHoldMs, 86_400_000);
  t.equal(ownAddresses.length, 2);
  t.equal(lanes[0]?.senders[0], 'noreply@example.org');
  t.equal(providers.at(-1)?.id, 'example.org');
});
