/**
 * How many connections the process can hold. When it is out of descriptors libuv closes what comes
 * without a word, so the limit has to be known before it is reached.
 */
import { readFileSync } from 'node:fs';

/** Left to the rest of the process: files, other sockets, children. */
const RESERVE = 64;

/** Infinity where the system does not say. */
export function connectionsMost(): number {
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return Infinity;
  }
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  if (soft === undefined) return Infinity;
  return Math.max(Number(soft) - RESERVE, Math.floor(Number(soft) / 2));
}
