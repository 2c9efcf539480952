/** How far a mailbox was read, on disk. */
import { join } from 'node:path';
import { z } from 'zod';
import { readStateFile, writeStateFile } from './state-file.ts';

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
export function readImapPlace(
  stateDir: string,
  onTrouble: (text: string) => void,
): Promise<ImapPlace | undefined> {
  return readStateFile(join(stateDir, NAME), imapPlace, 'place in a mailbox', onTrouble);
}

/** Rejects with what the disk has against it. */
export function writeImapPlace(stateDir: string, place: ImapPlace): Promise<void> {
  return writeStateFile(join(stateDir, NAME), place);
}
