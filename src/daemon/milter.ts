/**
 * The milter's side of the daemon: collects a message's envelope, asks for the verdict at its end.
 * Before the end of message a failure of ours answers continue, at the end QUARANTINE; never a
 * refusal, never a closed socket. At the ports of tempfail mode recipients go by door.ts first.
 */
import { parseAddress } from '../mail/address.ts';
import type { Editor } from '../milter/editor.ts';
import type { Handler, MilterOptions } from '../milter/options.ts';
import { proceed } from '../milter/verdict.ts';
import { type PaceLog, reasonOf } from '../pace/log.ts';
import type { Message, Verdict } from '../pace/verdict.ts';
import { type Admission, atDoor, type DoorKeeper, ourRefusal } from './refusal.ts';

/** One SMTP session. */
export interface Conversation {
  /** `{daemon_port}`: where the client connected; absent from sendmail(1). */
  port: number | undefined;
}

interface Recipient {
  readonly address: string;
  readonly destination: string | undefined;
  /** `{rcpt_mailer}`: the transport as Postfix resolved it; absent from sendmail(1). */
  readonly mailer: string | undefined;
}

export interface Transaction {
  sender: string;
  readonly recipients: Recipient[];
  /** What was let in at RCPT. */
  admitted: Admission | undefined;
}

export interface MilterParts {
  /**
   * Starts what must be looked up to tell whether mail leaves; called early, at RCPT. Undefined:
   * nothing must.
   */
  readonly prepare: (destination: string, mailer: string | undefined) => Promise<void> | undefined;
  readonly leaves: (destination: string, mailer: string | undefined) => boolean;
  readonly decide: (message: Message) => Promise<Verdict>;
  readonly holdAnyway: (message: Message, why: string) => Verdict;
  /** Absent: no provider is in tempfail mode. */
  readonly door?: DoorKeeper;
  readonly log: PaceLog;
}

/** Below Postfix's own 8 s at end of message, so that the answer is ours. */
const DECISION_MS = 4000;
const VERDICT_MS = 3000;
/** A peer that talks no milter protocol is told of this often at most: a port scan is no news. */
const FAULTS_EVERY_MS = 60_000;

export function milterOptions(parts: MilterParts): MilterOptions<Conversation, Transaction> {
  const { door } = parts;
  let quietUntil = 0;
  const rcpt: Handler<'rcpt', Conversation, Transaction> = (event, context) => {
    const { txn, macros } = context;
    const address = parseAddress(event.raw);
    if (address.kind === 'null') return proceed;
    const { destination, text } = address;
    const mailer = macros.get('{rcpt_mailer}');
    const recipient = { address: text, destination, mailer };
    if (destination === undefined || door?.ports().includes(context.session.port ?? 0) !== true) {
      txn.recipients.push(recipient);
      if (destination !== undefined) void parts.prepare(destination, mailer);
      return proceed;
    }
    return (async () => {
      await parts.prepare(destination, mailer);
      const leaves = parts.leaves(destination, mailer);
      const wait = { signal: context.signal, progress: () => context.progress() };
      const refusal = leaves ? await atDoor(door, txn, text, wait) : undefined;
      if (refusal === undefined) txn.recipients.push(recipient);
      return refusal ?? proceed;
    })();
  };
  return {
    session: () => ({ port: undefined }),
    transaction: () => ({ sender: '', recipients: [], admitted: undefined }),
    edits: ['quarantine'],
    macros: {
      rcpt: ['i', '{rcpt_addr}', '{rcpt_host}', '{rcpt_mailer}'],
      eom: ['i'],
      ...(door && { connect: ['j', 'v', '{daemon_port}'] }),
    },
    limits: { decisionMs: DECISION_MS, eomMs: DECISION_MS },
    // Nothing of ours depends on an answer to MAIL, nor, but for the door, on one to RCPT, so that
    // Postfix need not wait for it.
    observe: {
      mail(event, { txn }) {
        const address = parseAddress(event.raw);
        txn.sender = address.kind === 'null' ? '' : address.text;
      },
      ...(door === undefined && { rcpt: (event, context) => void rcpt(event, context) }),
    },
    on: {
      connect(_, { session, macros }) {
        const port = macros.get('{daemon_port}');
        session.port = port === undefined ? undefined : Number(port);
        return proceed;
      },
      ...(door && { rcpt }),
      data: () => proceed,
      eom: ({ edit }, { txn, macros }) => judge(parts, txn, macros.get('i'), edit),
    },
    ...(door && {
      end(how, { txn }) {
        if (how !== 'passed' && txn?.admitted !== undefined) door.leave(txn.admitted);
      },
    }),
    onError(error, { stage, edit }) {
      parts.log.error({ stage, error: reasonOf(error) }, 'a milter event failed');
      edit?.quarantine('postpace could not decide');
      return stage === 'rcpt' && door ? ourRefusal() : proceed;
    },
    onFault(error, where) {
      const now = performance.now();
      if (where === 'peer' && now < quietUntil) return;
      quietUntil = now + FAULTS_EVERY_MS;
      parts.log.warn({ where, error: reasonOf(error) }, 'milter socket: not a milter conversation');
    },
  };
}

async function judge(
  parts: MilterParts,
  txn: Transaction,
  queueId: string | undefined,
  edit: Editor,
): Promise<typeof proceed> {
  const verdict = await inTime(decide(parts, txn, queueId), () => {
    // Who it goes to may be what could not be found out in time: all of them count as leaving.
    const recipients = txn.recipients.map(({ address }) => address);
    return parts.holdAnyway({ queueId, sender: txn.sender, recipients }, 'no verdict in time');
  });
  if (verdict.kind === 'hold') {
    // It is charged again when it leaves; until then nothing of it is under way.
    if (txn.admitted !== undefined) parts.door?.leave(txn.admitted);
    edit.quarantine(`postpace: ${verdict.why}`.slice(0, 200));
  }
  return proceed;
}

async function decide(
  parts: MilterParts,
  { sender, recipients: all, admitted }: Transaction,
  queueId: string | undefined,
): Promise<Verdict> {
  const recipients: string[] = [];
  for (const { address, destination, mailer } of all) {
    if (destination === undefined) continue;
    const asked = parts.prepare(destination, mailer);
    if (asked !== undefined) await asked;
    if (parts.leaves(destination, mailer)) recipients.push(address);
  }
  if (recipients.length === 0) return { kind: 'pass' };
  return parts.decide({ queueId, sender, recipients, ...(admitted && { admitted }) });
}

function inTime(verdict: Promise<Verdict>, otherwise: () => Verdict): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(otherwise()), VERDICT_MS);
    verdict.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}
