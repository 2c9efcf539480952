/** Where to begin in a log file and its predecessors: what is history, and what is news. */
import type { FollowSettings, LogCursor } from './follow.ts';
import { generations, holds, LogFile, type Rotated } from './log-file.ts';

/** A file that is open at the place where to begin. */
export interface Part {
  readonly file: LogFile;
  /** Lines that end at or before this offset are history. */
  readonly historyEnd: number;
  /** Bytes to read when it was opened. */
  readonly bytes: number;
  readonly mtimeMs: number;
}

export interface Plan {
  /** The oldest first; the last one is read on, until there is a newer one. */
  readonly parts: readonly Part[];
  /** The place behind all history. */
  readonly start: LogCursor | undefined;
  /** Lines up to this time are history too: the cursor's place was not found. */
  readonly historyUntilMs: number;
  readonly lost: string | undefined;
}

/** Rotated between listing and opening: that often it is listed anew. */
const ATTEMPTS = 5;
const LOST = 'the log was rotated away or replaced since it was last read: lines may be missing';

/** Opens what is to be read. Rejects when a file can't be opened. */
export async function planLog(path: string, settings: FollowSettings): Promise<Plan> {
  const startedMs = settings.now();
  for (let attempt = 1; ; attempt++) {
    const files = await generations(path);
    const opened = await openAll(files, settings, path, startedMs);
    if (opened !== undefined || attempt === ATTEMPTS)
      return opened ?? { parts: [], start: undefined, historyUntilMs: 0, lost: LOST };
  }
}

async function openAll(
  files: readonly Rotated[],
  { cursor, lookBack }: FollowSettings,
  path: string,
  startedMs: number,
): Promise<Plan | undefined> {
  const known = cursor?.kind === 'file' ? cursor : undefined;
  const place = known && (await findPlace(files, known));
  let lost = known !== undefined && place === undefined ? LOST : undefined;
  // What is older than the place, or there at the first start, is history.
  const last = place === undefined ? files.length - 1 : files.indexOf(place);
  const historyUntilMs = known !== undefined && place === undefined ? known.atMs : 0;
  const parts: Part[] = [];
  let budget = lookBack.bytes;
  try {
    for (const [index, found] of [...files.entries()].toReversed()) {
      const isNews = index > last || (historyUntilMs > 0 && found.mtimeMs >= historyUntilMs);
      const end = found === place && known !== undefined ? known.offset : isNews ? 0 : found.size;
      const isOld = found.mtimeMs < startedMs - lookBack.ms;
      if (!isNews && index < last && (budget <= 0 || isOld)) break;
      const offset = Math.max(0, end - budget);
      const file = await LogFile.open(found.path, offset).catch(unlessIts(path, found.path));
      if (file === undefined) {
        if (isNews || found === place) lost = LOST;
        break;
      }
      parts.unshift({ file, historyEnd: end, bytes: found.size - offset, mtimeMs: found.mtimeMs });
      if (file.inode !== found.inode) {
        await closeAll(parts);
        return undefined;
      }
      budget -= end;
    }
    const start = place === undefined ? await endOf(parts, path, startedMs) : known;
    return { parts, start, historyUntilMs, lost };
  } catch (error) {
    await closeAll(parts);
    throw error;
  }
}

/** A predecessor that can't be read is left out; the log itself is waited for. */
function unlessIts(path: string, one: string): (error: unknown) => undefined {
  return (error) => {
    if (one === path) throw error;
  };
}

async function closeAll(parts: readonly Part[]): Promise<void> {
  await Promise.all(parts.map((part) => part.file.close()));
}

/** The file that has the bytes before the cursor. */
async function findPlace(
  files: readonly Rotated[],
  cursor: Extract<LogCursor, { readonly kind: 'file' }>,
): Promise<Rotated | undefined> {
  // Its inode first: a copy (copytruncate) has the same bytes.
  const candidates = files.toSorted(
    (a, b) => Number(b.inode === cursor.inode) - Number(a.inode === cursor.inode),
  );
  for (const file of candidates) if (await holds(file.path, cursor)) return file;
  return undefined;
}

async function endOf(
  parts: readonly Part[],
  path: string,
  atMs: number,
): Promise<LogCursor | undefined> {
  const last = parts.at(-1);
  if (last === undefined) return undefined;
  const place = await last.file.lastLine(last.historyEnd);
  return { kind: 'file', path, atMs, ...place };
}
