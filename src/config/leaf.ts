/**
 * The single values of the configuration: each reads what the file says and, where it can't, says
 * what was expected. A zod issue's message is that expectation alone; load.ts adds the rest.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { parseDurationUs, parseQuota, parseRate } from '../limit/rate.ts';
import type { Rate } from '../limit/rate.ts';
import { canonicalAddress, parseAddress } from '../mail/address.ts';
import { toDestination } from '../mail/destination.ts';
import { parsePattern } from '../mail/text-pattern.ts';
import { parseDnsServer } from '../provider/dns-server.ts';
import { registrableOf } from '../provider/mx-group.ts';
import type { Helper } from './config.ts';
import { isSocketPath, parseEndpoint } from './endpoint.ts';
import { parseStore, STORE_FORMS } from './store-url.ts';

const MODES = ['hold', 'observe', 'tempfail'] as const;

/** What would have fitted, in words. */
type Expected = string | ((found: unknown) => string);

/** A value that `read` understands; undefined from it means that the value doesn't fit. */
function leaf<T>(expected: Expected, read: (value: unknown) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    const result = read(value);
    if (result !== undefined) return result;
    const message = typeof expected === 'string' ? expected : expected(value);
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** As leaf, for values that are text in the file. */
function text<T>(expected: Expected, read: (value: string) => T | undefined) {
  return leaf(expected, (value) => (typeof value === 'string' ? read(value.trim()) : undefined));
}

/** What a parser of limit/rate.ts makes of the text; undefined where it throws. */
function attempt<T>(parse: (value: string) => T): (value: string) => T | undefined {
  return (value) => {
    try {
      return parse(value);
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  };
}

export function oneOf<const T extends string>(values: readonly T[]) {
  return text(`one of ${values.join(', ')}`, (value) => values.find((known) => known === value));
}

/** A value of a later version: refused by its own sentence, whatever else is wrong with it. */
export function notYet(what: string) {
  return leaf<never>(`nothing: ${what} is not available in this version`, () => undefined);
}

export const mode = oneOf(MODES);

export const ports = leaf('a list of ports such as [10025]', (value) =>
  Array.isArray(value) && value.every(isPort) ? value : undefined,
);

export const port = leaf('a port from 1 to 65535', (value) => (isPort(value) ? value : undefined));

/** A name or an IP address, as a certificate names it. */
export const serverName = text('a host name or an IP address', (value) => {
  if (isIP(value) !== 0) return value;
  return /^[\w-]+(\.[\w-]+)*\.?$/.test(value) && value.length <= 253 ? value : undefined;
});

export const store = text(STORE_FORMS, parseStore);

/** A part of the names of Redis keys. */
export const pool = text('letters, digits, and . _ - between them', (value) =>
  /^[\w.-]{1,64}$/.test(value) ? value : undefined,
);

export const name = text('a name', (value) => (value === '' ? undefined : value));

export const path = text('an absolute path', (value) =>
  value.startsWith('/') && !value.includes('\0') ? value : undefined,
);

export const socketPath = text('an absolute path of at most 107 bytes', (value) => {
  const bare = value.startsWith('unix:') ? value.slice('unix:'.length) : value;
  return isSocketPath(bare) ? bare : undefined;
});

export const endpoint = text(
  'unix:/path (at most 107 bytes), inet:host:port, [::1]:port, systemd or systemd:name',
  parseEndpoint,
);

export const helper = leaf(
  'unix:/path (at most 107 bytes) or a command as a list of words',
  (value): Helper | undefined => {
    if (typeof value === 'string') {
      const read = parseEndpoint(value.trim());
      return read?.kind === 'unix' ? read : undefined;
    }
    const argv = readArgv(value);
    return argv && { kind: 'command', argv };
  },
);

export const command = leaf('a command as a list of words', readArgv);

function readArgv(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const argv = value.filter((word) => typeof word === 'string' && !word.includes('\0'));
  return argv.length === value.length && argv[0] !== '' ? argv.map(String) : undefined;
}

export const logSource = text('auto, journal, none or an absolute path', (value) =>
  ['auto', 'journal', 'none'].includes(value) || value.startsWith('/') ? value : undefined,
);

/** Milliseconds, at least 1. */
export const duration = text('a duration such as 90s, 30m, 2h or 1d', (value) => {
  const us = attempt(parseDurationUs)(value);
  return us === undefined ? undefined : Math.max(1, Math.round(us / 1000));
});

/** 'none': unlimited. */
export const pace = text(
  'a rate such as 20/min, 5/s or 20/2s, or none',
  (value): Rate | 'none' | undefined => (value === 'none' ? value : attempt(parseRate)(value)),
);

export const quota = text(
  'a rate with a whole count, such as 300/h or 1500/day',
  attempt(parseQuota),
);

const COUNT = 'a whole number, at least 1';

export const count = leaf(COUNT, (value) => (isCount(value) ? value : undefined));

/** 'none': unlimited. */
export const countOrNone = leaf(`${COUNT}, or none`, (value) =>
  value === 'none' || isCount(value) ? value : undefined,
);

/** As toDestination writes it. */
export const domain = text(
  'a domain such as example.org (a subdomain is listed by itself)',
  (value) => (/[\s@*,/]/.test(value) || value.startsWith('.') ? undefined : toDestination(value)),
);

export const mxSuffix = text(
  'the end of a host name, such as .google.com, in a domain that somebody has registered',
  (value) => {
    const host = value.startsWith('.') ? toDestination(value.slice(1)) : undefined;
    if (host === undefined || /[\s@*,/]/.test(host)) return undefined;
    return registrableOf(host) === undefined ? undefined : `.${host}`;
  },
);

export const dnsServer = text(
  'an IP address, or one with a port such as 192.0.2.53:5353',
  (value) => parseDnsServer(value),
);

/** As `postpace classify --json` names it. */
export const ruleId = text('a rule such as qq/content-denied', (value) =>
  /^[\w.-]+\/[a-z0-9-]+$/.test(value) ? value : undefined,
);

export const yesOrNo = leaf('true or false', (value) =>
  typeof value === 'boolean' ? value : undefined,
);

export const ipAddress = text('an IP address', (value) => (isIP(value) === 0 ? undefined : value));

/** In the canonical form of addresses; `@domain` for all of a domain. */
export const sender = text('an address such as noreply@example.org, or @example.org', (value) => {
  const address = parseAddress(value);
  return address.kind === 'mailbox' && address.destination !== undefined && !/\s/.test(value)
    ? canonicalAddress(address)
    : undefined;
});

/** Somebody to write to, as the file says it. */
export const mailbox = text(
  'an address such as postmaster@example.org, or a local name such as root',
  (value) =>
    parseAddress(value).kind === 'mailbox' && !/[\s<>,;:\p{Cc}]|^[@-]|@.*@/u.test(value)
      ? value
      : undefined,
);

/** A value that stands for itself, or a list of such. */
export function someOf<T>(one: z.ZodType<T>, error: string) {
  const list = z.array(one, { error }).min(1, { error });
  return z.preprocess((value) => (Array.isArray(value) ? value : [value]), list);
}

/** For a login or a header's value. */
export const pattern = text(
  'a text of at most 200 characters; * stands for anything, \\* for an asterisk, \\\\ for a backslash',
  parsePattern,
);

/** An IP address or a network, as text. */
export const client = text('an IP address or a network such as 192.0.2.0/24', (value) => {
  const [address = '', bits, more] = value.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || more !== undefined) return undefined;
  if (bits === undefined) return value;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128) ? value : undefined;
});

function isPort(value: unknown): value is number {
  return isCount(value) && value <= 65_535;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}
