/** An entry of the journal as `journalctl -o json` writes it, a line each (systemd.io/JOURNAL_EXPORT_FORMATS). */
import { type LogLine, readTag } from './log-line.ts';

export interface JournalEntry {
  readonly cursor: string;
  readonly line: LogLine;
}

/** Undefined: no entry, or none of Postfix. */
export function readJournalEntry(json: string): JournalEntry | undefined {
  let found: unknown;
  try {
    found = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof found !== 'object' || found === null) return undefined;
  const entry: Partial<Record<string, unknown>> = { ...found };
  const cursor = entry['__CURSOR'];
  const text = readField(entry.MESSAGE);
  const tag = readTag(readField(entry.SYSLOG_IDENTIFIER) ?? '');
  if (typeof cursor !== 'string' || text === undefined || tag === undefined) return undefined;
  const pid = Number(readField(entry.SYSLOG_PID) ?? readField(entry['_PID']) ?? 0);
  // Microseconds; the sender's own stamp is the nearer one.
  const atUs = Number(entry['_SOURCE_REALTIME_TIMESTAMP'] ?? entry['__REALTIME_TIMESTAMP']);
  if (!Number.isFinite(atUs)) return undefined;
  const line = {
    atMs: Math.floor(atUs / 1000),
    program: tag.program,
    pid: Number.isSafeInteger(pid) ? pid : 0,
    text,
  };
  return { cursor, line };
}

/** A string; bytes that are no UTF-8 come as an array of numbers, repeated fields as an array. */
function readField(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const items: readonly unknown[] = value;
  if (items.every((item) => typeof item === 'number')) return Buffer.from(items).toString('utf8');
  return readField(items[0]);
}
