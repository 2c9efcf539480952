/** Changes of main.cf and master.cf as data: where, what stood there, what shall. */

export type Place =
  | { readonly kind: 'main'; readonly name: string }
  /** `id` as in MasterService; the value is the whole line of `postconf -M`. */
  | { readonly kind: 'service'; readonly id: string };

/** undefined: not in the file. */
export interface Change {
  readonly place: Place;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export function samePlace(a: Place, b: Place): boolean {
  return placeName(a) === placeName(b);
}

/** `main.cf smtpd_milters`, `master.cf smtp/inet` */
export function placeName(place: Place): string {
  return place.kind === 'main' ? `main.cf ${place.name}` : `master.cf ${place.id}`;
}

/**
 * The postconf commands that make the changes, at most four: services, settings, then what goes.
 * Few, because postconf waits up to two seconds before it reads a main.cf that was just written.
 */
export function postconfCommands(
  configDirectory: string,
  changes: readonly Change[],
): readonly (readonly string[])[] {
  const words: Readonly<Record<string, string[]>> = { '-M': [], '-e': [], '-X': [], '-MX': [] };
  for (const { place, after } of changes) {
    if (place.kind === 'service' && after !== undefined) words['-M']?.push(`${place.id}=${after}`);
    else if (place.kind === 'service') words['-MX']?.push(place.id);
    else if (after !== undefined) words['-e']?.push(`${place.name} = ${after}`);
    else words['-X']?.push(place.name);
  }
  return Object.entries(words)
    .filter(([, each]) => each.length > 0)
    .map(([flag, each]) => ['postconf', '-c', configDirectory, flag, ...each]);
}

/** The command as an administrator would type it. */
export function shellLine(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

/**
 * Older records and new changes as one list of records: the first `before` and the last `after`
 * of each place. `strip` takes what is ours out of a value that somebody else has changed since.
 */
export function mergeChanges(
  records: readonly Change[],
  changes: readonly Change[],
  strip: (place: Place, value: string) => string | undefined,
): readonly Change[] {
  const merged = [...records];
  for (const change of changes) {
    const at = merged.findIndex(({ place }) => samePlace(place, change.place));
    const old = merged[at];
    if (old === undefined) merged.push(change);
    else if (old.after === change.before) merged[at] = { ...change, before: old.before };
    else {
      const before = change.before === undefined ? undefined : strip(change.place, change.before);
      merged[at] = { ...change, before };
    }
  }
  return merged.filter(({ before, after }) => before !== after);
}
