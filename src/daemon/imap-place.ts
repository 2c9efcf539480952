/** How far a mailbox was read, on disk: written beside and renamed, so that it is never torn. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { reasonOf } from '../pace/log.ts';

const NAME = 'imap-place.json';

const imapPlace = z.object({
  /** Server, user and mailbox: UIDs mean nothing elsewhere. */
  account: z.string(),
  /** UIDs of another validity are those of other messages (RFC 9051, 2.3.1.1). */
  uidValidity: z.string(),
  /** The last message that was read; 0: none. */
  uid: z.int().min(0),
});

export type ImapPlace = Readonly<z.infer<typeof imapPlace>>;

/** undefined: there is none, or none that can be read (told to `onTrouble`). */
export async function readImapPlace(
  stateDir: string,
  onTrouble: (text: string) => void,
): Promise<ImapPlace | undefined> {
  const path = join(stateDir, NAME);
  try {
    return imapPlace.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isMissing) onTrouble(`${path} is no place in a mailbox: ${reasonOf(error)}`);
    return undefined;
  }
}

/** Rejects with what the disk has against it. */
export async function writeImapPlace(stateDir: string, place: ImapPlace): Promise<void> {
  const path = join(stateDir, NAME);
  await writeFile(`${path}.new`, JSON.stringify(place), { mode: 0o640 });
  await rename(`${path}.new`, path);
}
