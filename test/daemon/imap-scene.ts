/** The source of reports as the daemon has it, over a mailbox of a real Dovecot, and what it told. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { waitFor } from '../../lab/wait.ts';
import type { ImapConfig } from '../../src/config/config.ts';
import { FeedbackList } from '../../src/daemon/feedback-list.ts';
import { ImapSource, type Retry } from '../../src/daemon/imap-source.ts';
import { MailFeedback } from '../../src/daemon/mail-feedback.ts';
import { createClassifier } from '../../src/feedback/classify.ts';
import { FloodGuard } from '../../src/feedback/flood-guard.ts';
import { Remembered } from '../../src/feedback/remembered.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';
import { SentBook } from '../../src/feedback/sent-book.ts';
import { signToken, TOKEN_HEADER } from '../../src/feedback/token.ts';
import { dsn } from '../feedback/report-samples.ts';
import { newStateDir } from '../pace/pacing.ts';
import { SpokenLog } from '../pace/spoken-log.ts';

export const HOST = 'mx.here.example';
const key = randomBytes(32);
const classifier = createClassifier(loadRules());

const nowMs = (): number => Date.now();

export const recipient = (n: number): string => `u${n}@there.example`;

/** A report about the message `M<n>`, which our token is in. */
export function report(n: number): Buffer {
  const facts = { id: `${HOST}/M${n}`, atSec: Math.floor(Date.now() / 1000) };
  const token = signToken(key, facts, [recipient(n)]).replaceAll('\n', '\r\n');
  return dsn({ recipient: recipient(n), header: [`${TOKEN_HEADER}: ${token}`] });
}

/** One state directory, over all restarts. */
export function startSource(
  t: Test,
  account: ImapConfig,
  retry: Retry = { firstMs: 50, lastMs: 200 },
) {
  const stateDir = newStateDir(t);
  const log = new SpokenLog();
  const onTrouble = (text: string): void => void t.fail(text);
  const remembered = (name: string) =>
    new Remembered({ path: join(stateDir, name), most: 1000, onTrouble });
  const list = new FeedbackList(0, () => undefined);
  const heard: string[] = [];
  const sizes: number[] = [];
  let mayTake = true;
  let settings: ImapConfig | undefined = account;
  const open = (): ImapSource => {
    const sent = new SentBook(remembered('sent.tsv'));
    sent.note('4record', [recipient(0)], { id: `${HOST}/4record`, leftMs: nowMs(), fate: 'taken' });
    const mail = new MailFeedback({
      feedback: {
        hear: (provider, { id }) => Promise.resolve(void heard.push(`${provider} ${id}`)),
        attempt: () => Promise.resolve(undefined),
        remind: () => undefined,
      },
      classifier,
      list,
      sent,
      counted: remembered('reports.tsv'),
      guard: new FloodGuard(),
      key,
      host: HOST,
      nowMs,
      providerOf: (address) => address.split('@')[1],
      speaksFor: (_recipient, provider) => provider,
      ownAddresses: () => [],
      inFlight: () => undefined,
    });
    return new ImapSource({
      stateDir,
      log,
      nowMs,
      settings: () => settings,
      take: (raw) => {
        sizes.push(raw.length);
        return mail.takeMail(raw, 'imap');
      },
      mayTake: () => Promise.resolve(mayTake),
      retry,
    });
  };
  let source = open();
  source.start();
  t.teardown(() => source.stop());
  return {
    stateDir,
    log,
    heard,
    sizes,
    told: () => list.report(undefined, 100).events.map((one) => `${one.trust} ${one.outcome}`),
    source: () => source,
    mayTake: (now: boolean) => (mayTake = now),
    configure: (now: ImapConfig | undefined) => (settings = now),
    async restart(change: () => Promise<void> = () => Promise.resolve()) {
      await source.stop();
      await change();
      source = open();
      source.start();
    },
    read: (count: number) => waitFor(() => sizes.length >= count, { what: `${count} messages` }),
    place: async () => JSON.parse(await readFile(join(stateDir, 'imap-place.json'), 'utf8')),
  };
}
