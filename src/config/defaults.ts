import type { Config } from './config.ts';

/** What holds where the file says nothing; the providers are the built-in pack. */
export const DEFAULTS: Omit<Config, 'file' | 'providers'> = {
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
  default: {
    pace: { count: 60, windowUs: 60e6, burst: 10 },
    quotas: [],
    inFlight: 5,
  },
  lanes: [
    { name: 'transactional', senders: [], rules: [] },
    { name: 'default', senders: [], rules: [] },
    { name: 'bulk', senders: [], rules: [] },
  ],
  onMaxHold: 'release',
  adopt: 'evidence',
  reconcileMs: 60_000,
  retry: { minMs: 60_000, maxMs: 30 * 60_000 },
};
