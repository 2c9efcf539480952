/** What feedback keeps in the state directory, opened. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { Remembered } from '../feedback/remembered.ts';
import { SentBook } from '../feedback/sent-book.ts';
import { tokenKey } from './token-key.ts';

export interface FeedbackMemory {
  readonly key: Uint8Array;
  readonly sent: SentBook;
  readonly counted: Remembered;
}

/** Recipients whose mail's fate is known, and reports that were counted: the last so many. */
const MOST_SENT = 50_000;
const MOST_COUNTED = 20_000;

/** The directory is there: the held records lie in it. Rejects with an Error that names the file. */
export async function openFeedbackMemory(
  { stateDir, feedback }: Pick<Config, 'stateDir' | 'feedback'>,
  onTrouble: (text: string) => void,
): Promise<FeedbackMemory> {
  const remembered = (name: string, most: number) =>
    new Remembered({ path: join(stateDir, name), most, onTrouble });
  return {
    key: await tokenKey(stateDir, feedback.tokenKeyFile),
    sent: new SentBook(remembered('sent.tsv', MOST_SENT)),
    counted: remembered('reports.tsv', MOST_COUNTED),
  };
}
