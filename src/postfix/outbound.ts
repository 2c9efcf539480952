/**
 * What leaves the machine: mail to a domain that is none of Postfix's own (mydestination,
 * virtual_alias_domains, virtual_mailbox_domains, relay_domains) through a transport whose
 * master.cf command is smtp. The transport alone does not tell: a virtual alias has `error`, an
 * inside server `relay`, or `smtp` where transport_maps sends it there.
 *
 * Tables take time, so a destination is prepared when its recipient comes (RCPT) and asked about at
 * the end of the message. Where a table can't be read the transport decides alone: mail to one's own
 * domain may then be paced, but no burst gets out unpaced.
 */
import { type LookUp, tableReader } from './lookup.ts';
import {
  hasTables,
  isNamed,
  matches,
  type MatchList,
  namesOf,
  readMatchList,
} from './match-list.ts';
import { splitMilters } from './milter-list.ts';
import type { PostfixSettings } from './settings.ts';

/** Postfix's own domains; whether a parent's name in the list stands for its subdomains. */
const OWN_DOMAINS = [
  { parameter: 'mydestination', domains: false },
  { parameter: 'virtual_alias_domains', domains: false },
  { parameter: 'virtual_mailbox_domains', domains: false },
  { parameter: 'relay_domains', domains: true },
] as const;

/** Of the answers of tables; twice as many at most. */
const MOST_KNOWN = 10_000;
const KNOWN_MS = 10 * 60 * 1000;
/** After an error the tables are asked again sooner. */
const FAILED_MS = 30 * 1000;

export interface OutboundOptions {
  /** Transports that leave the machine, in place of those whose command is smtp. */
  readonly transports?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told once for each table that can't be read. */
  readonly onTrouble: (error: Error) => void;
}

interface Known {
  /** undefined: a table could not be read. */
  readonly own: boolean | undefined;
  /** Of transport_maps or default_transport; undefined: not asked, or not to be read. */
  readonly transport: string | undefined;
  /** The transport was asked for. */
  readonly complete: boolean;
  readonly untilMs: number;
}

export class Outbound {
  readonly #lists: readonly MatchList[];
  readonly #listsHaveTables: boolean;
  readonly #transportTables: readonly string[];
  readonly #defaultTransport: string;
  readonly #leaving: ReadonlySet<string>;
  readonly #lookUp: LookUp;
  readonly #options: OutboundOptions;
  /** The newer answers, and those that came before them: the oldest go all at once. */
  #known = new Map<string, Known>();
  #older = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<void>>();
  readonly #told = new Set<string>();

  /** See readOutbound. */
  constructor(settings: PostfixSettings, lists: readonly MatchList[], options: OutboundOptions) {
    this.#lists = lists;
    this.#listsHaveTables = lists.some(hasTables);
    this.#options = options;
    this.#lookUp = tableReader(settings.configDirectory);
    this.#transportTables = splitMilters(settings.main.get('transport_maps') ?? '');
    this.#defaultTransport = transportName(settings.main.get('default_transport') ?? '') ?? 'smtp';
    this.#leaving = new Set(
      options.transports ??
        settings.services
          .filter(({ type, command }) => type === 'unix' && command === 'smtp')
          .map(({ name }) => name),
    );
  }

  /**
   * Looks a destination up (lower case, A-labels), so that leaves() knows it. Never rejects.
   * Undefined when it is known already, or is told without a table. `mailer` as for leaves().
   */
  prepare(destination: string, mailer?: string): Promise<void> | undefined {
    const complete = mailer === undefined;
    if (!this.#needsTables(complete)) return undefined;
    const known = this.#knownOf(destination);
    const fresh = known !== undefined && known.untilMs > this.#options.now();
    if (fresh && (known.complete || !complete)) return undefined;
    const name = `${complete ? '' : 'own '}${destination}`;
    const asked = this.#asked.get(name) ?? this.#ask(name, destination, complete);
    this.#asked.set(name, asked);
    return asked;
  }

  /**
   * Whether mail to the destination leaves the machine. `mailer`: {rcpt_mailer}, the transport that
   * Postfix has chosen; undefined for mail from sendmail(1).
   */
  leaves(destination: string, mailer?: string): boolean {
    const known = this.#knownOf(destination);
    const own = this.#listsHaveTables ? known?.own : this.#isListed(destination);
    if (own === true) return false;
    return this.#leaving.has(mailer ?? known?.transport ?? this.#defaultTransport);
  }

  #needsTables(complete: boolean): boolean {
    return this.#listsHaveTables || (complete && this.#transportTables.length > 0);
  }

  /** Where no list has a table. */
  #isListed(destination: string): boolean {
    return this.#lists.some((list) => isNamed(list, destination));
  }

  #knownOf(destination: string): Known | undefined {
    return this.#known.get(destination) ?? this.#older.get(destination);
  }

  async #ask(name: string, destination: string, complete: boolean): Promise<void> {
    const found = await Promise.all([
      this.#isOwn(destination),
      complete ? this.#transport(destination) : undefined,
    ]).catch((error: unknown) => this.#tell(error, destination));
    const [own, transport] = found ?? [undefined, undefined];
    const untilMs = this.#options.now() + (found === undefined ? FAILED_MS : KNOWN_MS);
    if (this.#known.size >= MOST_KNOWN) {
      this.#older = this.#known;
      this.#known = new Map();
    }
    this.#known.set(destination, { own, transport, complete, untilMs });
    this.#asked.delete(name);
  }

  /** Once for each table: the message says the same for every destination. */
  #tell(error: unknown, destination: string): undefined {
    const trouble = error instanceof Error ? error : new Error(String(error));
    const about = trouble.message.replace(destination, '');
    if (this.#told.has(about) || this.#told.size >= 100) return;
    this.#told.add(about);
    this.#options.onTrouble(trouble);
  }

  async #isOwn(destination: string): Promise<boolean> {
    for (const list of this.#lists) if (await matches(list, destination, this.#lookUp)) return true;
    return false;
  }

  /** transport(5): the domain, its parents as `.parent`, then `*`, each in all tables. */
  async #transport(destination: string): Promise<string> {
    const names = [...namesOf(destination, 'dot-name'), '*'];
    const tables = await Promise.all(
      this.#transportTables.map((table) => this.#lookUp(table, names)),
    );
    for (const name of names) {
      const found = tables.find((table) => table.has(name))?.get(name);
      if (found !== undefined) return transportName(found) ?? this.#defaultTransport;
    }
    return this.#defaultTransport;
  }
}

/** Rejects with an Error when a file that one of the lists names can't be read. */
export async function readOutbound(
  settings: PostfixSettings,
  options: OutboundOptions,
): Promise<Outbound> {
  const withParents = words(settings.main.get('parent_domain_matches_subdomains'));
  const lists = await Promise.all(
    OWN_DOMAINS.map(({ parameter, domains }) => {
      const parents = withParents.includes(parameter) ? 'name' : 'dot-name';
      return readMatchList(settings.main.get(parameter) ?? '', domains ? parents : undefined);
    }),
  );
  return new Outbound(settings, lists, options);
}

/** `smtp:[192.0.2.1]:25` -> `smtp`; undefined where it leaves the transport as it is (`:nexthop`). */
function transportName(text: string): string | undefined {
  const name = text.split(':', 1)[0] ?? '';
  return name === '' ? undefined : name;
}

function words(text: string | undefined): readonly string[] {
  return (text ?? '').split(/[\s,]+/).filter((word) => word !== '');
}
