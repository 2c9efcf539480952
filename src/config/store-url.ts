/** Where limits are counted, as the file writes it: `memory`, or the URL of a Redis. */
import { isIPv6 } from 'node:net';
import type { RedisConfig } from './config.ts';

/** What would have fitted. */
export const STORE_FORMS =
  'memory, redis://host:6379/0, redis://host,host,host (a Cluster) or ' +
  'redis+sentinel://host,host,host/master; rediss:// for TLS, user:password@ before the host';

const URL_FORM =
  /^redis(s?)(\+sentinel|\+cluster)?:\/\/(?:([^@/\s]*)@)?([^@/?#\s]+)((?:\/[^/?#\s]*)*)$/;
const PORTS = { single: 6379, cluster: 6379, sentinel: 26_379 } as const;

/** undefined: none of the forms. */
export function parseStore(text: string): 'memory' | RedisConfig | undefined {
  if (text === 'memory') return text;
  const match = URL_FORM.exec(text);
  if (match === null) return undefined;
  const [, tls, kind, login = '', hostList = '', path = ''] = match;
  const names = hostList.split(',');
  const topology =
    kind === '+sentinel'
      ? 'sentinel'
      : kind === '+cluster' || names.length > 1
        ? 'cluster'
        : 'single';
  const hosts = names.flatMap((name) => hostOf(name, PORTS[topology]) ?? []);
  const place = placeOf(topology, path);
  const who = loginOf(login);
  if (hosts.length !== names.length || place === undefined || who === undefined) return undefined;
  return { kind: 'redis', topology, tls: tls === 's', hosts, ...place, ...who };
}

/** As parseStore reads it, the password left out. */
export function formatStore(store: 'memory' | RedisConfig): string {
  if (store === 'memory') return store;
  const { topology, tls, hosts, master, user, password, db } = store;
  const scheme = `redis${tls ? 's' : ''}${topology === 'single' ? '' : `+${topology}`}`;
  const secret = password === undefined ? '' : ':***';
  const login = user === undefined && secret === '' ? '' : `${encoded(user)}${secret}@`;
  const list = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  const path = [...(master === undefined ? [] : [master]), ...(db === 0 ? [] : [db])];
  return [`${scheme}://${login}${list.join(',')}`, ...path].join('/');
}

type Place = Pick<RedisConfig, 'db'> & { readonly master?: string };

/** `/DB`, or with Sentinel `/MASTER` and `/MASTER/DB`; a Cluster has one database. */
function placeOf(topology: RedisConfig['topology'], path: string): Place | undefined {
  const parts = path.split('/').slice(1);
  const master = topology === 'sentinel' ? parts.shift() : undefined;
  const db = parts.shift() ?? '';
  if (parts.length > 0 || !/^\d{0,4}$/.test(db)) return undefined;
  if (topology === 'sentinel' && !/^[\w.-]+$/.test(master ?? '')) return undefined;
  if (topology === 'cluster' && Number(db) !== 0) return undefined;
  return { db: Number(db), ...(master !== undefined && { master }) };
}

function hostOf(text: string, port: number): RedisConfig['hosts'][number] | undefined {
  const match = /^(?:\[([^\]]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, digits] = match;
  const host = bracketed ?? plain ?? '';
  const own = digits === undefined ? port : Number(digits);
  if (own < 1 || own > 65_535 || (bracketed !== undefined && !isIPv6(bracketed))) return undefined;
  return { host, port: own };
}

function loginOf(text: string): Pick<RedisConfig, 'user' | 'password'> | undefined {
  const [user, ...rest] = text.split(':');
  const password = rest.length === 0 ? undefined : rest.join(':');
  try {
    return {
      ...(user !== undefined && user !== '' && { user: decodeURIComponent(user) }),
      ...(password !== undefined && { password: decodeURIComponent(password) }),
    };
  } catch {
    return undefined;
  }
}

function encoded(user = ''): string {
  return encodeURIComponent(user);
}
