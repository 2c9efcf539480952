/**
 * The key of the tokens in our mail: a file that only the daemon reads, made at the first start.
 * Hosts that read each other's reports share its content.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const NAME = 'feedback.key';
/** Fewer could be guessed. */
const LEAST_CHARACTERS = 32;

/** `file`: one that an administrator put there. Rejects with an Error that says what is wrong with it. */
export async function tokenKey(stateDir: string, file: string | undefined): Promise<Uint8Array> {
  const path = file ?? join(stateDir, NAME);
  const known = await read(path, file !== undefined);
  if (known !== undefined) return checked(path, known);
  const made = randomBytes(32).toString('base64url');
  // Whole or not at all: a key that a crash tore would keep the daemon from starting.
  const draft = `${path}.new`;
  await writeFile(draft, `${made}\n`, { mode: 0o600 });
  await rename(draft, path);
  return Buffer.from(made);
}

async function read(path: string, must: boolean): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (!must && error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}

function checked(path: string, key: string): Uint8Array {
  if (key.length >= LEAST_CHARACTERS) return Buffer.from(key);
  throw new Error(
    `${path}: found a key of ${key.length} characters, expected ${LEAST_CHARACTERS} or more ` +
      `(openssl rand -base64 32)`,
  );
}
