/** What no single value of the file can tell: keys that contradict one another. */
import { formatDuration } from '../limit/rate.ts';
import { DEFAULTS } from './defaults.ts';
import { formatPath } from './problem.ts';
import type { Finding, KeyPath } from './problem.ts';
import { domainsOf } from './providers.ts';
import type { ConfigFile } from './schema.ts';

export interface Contradiction extends Finding {
  /** Another key that it takes to be as the file says, or absent. */
  readonly restsOn?: KeyPath;
}

const PROVIDER_ID = /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/;

/** Everything contradictory in a file whose values are fine each by itself. */
export function contradictions(file: ConfigFile): readonly Contradiction[] {
  return [
    ...misnamedProviders(file),
    ...claimedTwice(providerDomains(file), 'domain'),
    ...claimedTwice(providerSuffixes(file), 'MX suffix'),
    ...claimedTwice(laneSenders(file), 'sender'),
    ...laneRules(file),
    ...limitContradictions(file),
    ...tempfail(file),
    ...imap(file),
    ...ending(file),
  ];
}

function misnamedProviders(file: ConfigFile): readonly Contradiction[] {
  return Object.keys(file.providers ?? {})
    .filter((id) => id === 'default' || !PROVIDER_ID.test(id))
    .map((id) => ({
      path: ['providers', id],
      text:
        id === 'default'
          ? 'found a provider named default, expected another name (limits for all others are under the key default)'
          : `found the name ${JSON.stringify(id)}, expected lower-case letters, digits, and . _ - between them`,
    }));
}

interface Claim {
  readonly what: string;
  readonly by: string;
  readonly path: KeyPath;
}

function providerDomains(file: ConfigFile): readonly Claim[] {
  return Object.entries(file.providers ?? {}).flatMap(([id, part]) =>
    domainsOf(id, part).map((what) => {
      const index = part.domains?.indexOf(what) ?? -1;
      const path: KeyPath = index < 0 ? ['providers', id] : ['providers', id, 'domains', index];
      return { what, by: formatPath(['providers', id]), path };
    }),
  );
}

function providerSuffixes(file: ConfigFile): readonly Claim[] {
  return Object.entries(file.providers ?? {}).flatMap(([id, part]) =>
    (part.mx_suffixes ?? []).map((what, index) => {
      const by = formatPath(['providers', id]);
      return { what, by, path: ['providers', id, 'mx_suffixes', index] };
    }),
  );
}

function laneSenders(file: ConfigFile): readonly Claim[] {
  return Object.entries(file.lanes ?? {}).flatMap(([lane, part]) =>
    (part?.senders ?? []).map((what, index) => {
      return { what, by: formatPath(['lanes', lane]), path: ['lanes', lane, 'senders', index] };
    }),
  );
}

const HEADER_NAME = /^[!-9;-~]{1,100}$/;

function laneRules(file: ConfigFile): readonly Contradiction[] {
  return Object.entries(file.lanes ?? {}).flatMap(([lane, part]) =>
    (part?.rules ?? []).flatMap((rule, index) => {
      const path: KeyPath = ['lanes', lane, 'rules', index];
      if (Object.keys(rule).length === 0) {
        const text = 'found a rule without a condition, expected sender, login, client or header';
        return [{ path, text }];
      }
      const names = Object.keys(rule.header ?? {});
      if (rule.header !== undefined && names.length === 0) {
        const text = 'found no header, expected at least one, such as { Precedence: bulk }';
        return [{ path: [...path, 'header'], text }];
      }
      return names
        .filter((name) => !HEADER_NAME.test(name))
        .map((name) => ({
          path: [...path, 'header', name],
          text: `found ${JSON.stringify(name)}, expected the name of a header, without the colon`,
        }));
    }),
  );
}

function claimedTwice(claims: readonly Claim[], noun: string): readonly Contradiction[] {
  const first = new Map<string, Claim>();
  return claims.flatMap((claim) => {
    const owner = first.get(claim.what) ?? claim;
    first.set(claim.what, owner);
    if (owner.by === claim.by) return [];
    const text = `found ${claim.what}, expected each ${noun} in one place: ${owner.by} lists it too`;
    return [{ path: claim.path, text }];
  });
}

function limitContradictions(file: ConfigFile): readonly Contradiction[] {
  const providers: (readonly [KeyPath, NonNullable<ConfigFile['default']>])[] = [
    [['default'], file.default ?? {}],
    ...Object.entries(file.providers ?? {}).map(([id, part]) => [['providers', id], part] as const),
  ];
  const senders = providers.flatMap(([path, { per_sender: part }]) =>
    part === undefined ? [] : [[[...path, 'per_sender'], part] as const],
  );
  const empty = senders
    .filter(([, { pace, quotas }]) => pace === undefined && quotas === undefined)
    .map(([path]) => ({
      path,
      text: 'found no limit, expected a pace or quotas (pace: none for no limit)',
    }));
  const others = [...providers, ...senders].flatMap(([path, part]) => {
    const wrong: Contradiction[] = [];
    if (part.pace === 'none' && part.burst !== undefined) {
      const text = `found ${part.burst}, expected no burst where pace is none`;
      wrong.push({ path: [...path, 'burst'], text });
    }
    const windows = (part.quotas ?? []).map((quota) => quota.windowUs);
    windows.forEach((windowUs, index) => {
      if (windows.indexOf(windowUs) === index) return;
      const text = 'found a second quota over the same time, expected one for each';
      wrong.push({ path: [...path, 'quotas', index], text });
    });
    return wrong;
  });
  return [...empty, ...others];
}

/** Beyond it Postfix's own client gives up waiting for an answer to RCPT (300 s). */
const LONGEST_WAIT_MS = 240_000;

function tempfail(file: ConfigFile): readonly Contradiction[] {
  const wrong: Contradiction[] = [];
  const { ports = [], wait } = file.tempfail ?? {};
  const modes: (readonly [KeyPath, string | undefined])[] = [
    [['mode'], file.mode],
    ...Object.entries(file.providers ?? {}).map(
      ([id, part]) => [['providers', id, 'mode'], part.mode] as const,
    ),
  ];
  if (ports.length === 0) {
    const text =
      'found tempfail, expected tempfail.ports beside it: an application that is answered 451 ' +
      'loses the mail; name the ports where none but mail servers with a queue deliver';
    for (const [path, mode] of modes) {
      if (mode === 'tempfail') wrong.push({ path, text, restsOn: ['tempfail', 'ports'] });
    }
  }
  if (wait !== undefined && wait > LONGEST_WAIT_MS) {
    const shown = formatDuration(wait * 1000);
    const text = `found ${shown}, expected at most 4min: Postfix waits 5min for an answer`;
    wrong.push({ path: ['tempfail', 'wait'], text });
  }
  return wrong;
}

const IMAP_NEEDS = [
  ['host', 'the name of the IMAP server'],
  ['user', 'the name to log in with'],
  ['password_file', 'the path of a file whose first line is the password'],
] as const;

function imap({ feedback }: ConfigFile): readonly Contradiction[] {
  const part = feedback?.imap;
  if (part === undefined) return [];
  const wrong: Contradiction[] = IMAP_NEEDS.flatMap(([key, expected]) => {
    if (part[key] !== undefined) return [];
    const path = ['feedback', 'imap', key];
    return [{ path, text: `found nothing, expected ${expected}`, restsOn: path }];
  });
  const { mailbox = 'INBOX', move_to: moveTo } = part;
  if (moveTo !== undefined && moveTo.toLowerCase() === mailbox.toLowerCase()) {
    const text = `found ${JSON.stringify(moveTo)}, expected another folder than the one that is read`;
    const restsOn = ['feedback', 'imap', 'mailbox'];
    wrong.push({ path: ['feedback', 'imap', 'move_to'], text, restsOn });
  }
  return wrong;
}

function ending(file: ConfigFile): readonly Contradiction[] {
  const wrong: Contradiction[] = [];
  if (file.on_max_hold === 'bounce' && file.postfix?.expire === undefined) {
    const text = 'found bounce, expected postfix.expire beside it: bouncing needs that helper';
    wrong.push({ path: ['on_max_hold'], text, restsOn: ['postfix', 'expire'] });
  }
  const { min, max = DEFAULTS.retry.maxMs } = file.retry ?? {};
  if (min !== undefined && min > max) {
    const [shown, most] = [min, max].map((ms) => formatDuration(ms * 1000));
    const text = `found ${shown}, expected at most retry.max, which is ${most}`;
    wrong.push({ path: ['retry', 'min'], text, restsOn: ['retry', 'max'] });
  }
  return wrong;
}
