/**
 * The milter's side of the daemon: collects a message's envelope, asks for the verdict at its end.
 * Before the end of message a failure of ours answers continue, at the end QUARANTINE; never a
 * refusal, never a closed socket. At the ports of tempfail mode recipients go by door.ts first.
 */
import { parseAddress } from '../mail/address.ts';
import { type HeaderText, headerText } from '../mail/header-text.ts';
import type { Origin } from '../mail/origin.ts';
import type { Connect } from '../milter/command.ts';
import type { Editor } from '../milter/editor.ts';
import type { Handler, MilterOptions } from '../milter/options.ts';
import { proceed } from '../milter/verdict.ts';
import type { Grouped } from '../pace/item.ts';
import { type PaceLog, reasonOf } from '../pace/log.ts';
import type { Message } from '../pace/message.ts';
import type { Verdict } from '../pace/verdict.ts';
import { type Admission, atDoor, type DoorKeeper, ourRefusal } from './refusal.ts';

/** One SMTP session. */
export interface Conversation {
  /** `{daemon_port}`: where the client connected; absent from sendmail(1). */
  port: number | undefined;
  /** The client's; absent for sendmail(1), which Postfix shows as a client without a port. */
  address: string | undefined;
}

interface Recipient {
  readonly address: string;
  readonly destination: string | undefined;
  /** `{rcpt_mailer}`: the transport as Postfix resolved it; absent from sendmail(1). */
  readonly mailer: string | undefined;
}

export interface Transaction {
  sender: string;
  login: string | undefined;
  readonly client: string | undefined;
  readonly headers: Map<string, HeaderText[]>;
  readonly recipients: Recipient[];
  /** What was let in at RCPT. */
  admitted: Admission | undefined;
  /** What was decided of its destinations then. */
  grouped: Grouped;
}

export interface MilterParts {
  /**
   * Starts what must be looked up to tell whether mail leaves; called early, at RCPT. Undefined:
   * nothing must.
   */
  readonly prepare: (destination: string, mailer: string | undefined) => Promise<void> | undefined;
  readonly leaves: (destination: string, mailer: string | undefined) => boolean;
  /** Headers that are looked at, in lower case, as of now. */
  readonly headerNames: () => ReadonlySet<string>;
  /** When what was begun for these is found out, or not worth more waiting; undefined: it is. */
  readonly settled: (destinations: readonly string[]) => Promise<void> | undefined;
  readonly decide: (message: Message) => Promise<Verdict>;
  readonly holdAnyway: (message: Message, why: string) => Verdict;
  /** A header for mail that leaves, by which a report of it is known again; absent: none. */
  readonly token?: (
    queueId: string,
    recipients: readonly string[],
  ) => { readonly name: string; readonly value: string };
  /** Absent: no provider is in tempfail mode. */
  readonly door?: DoorKeeper;
  readonly log: PaceLog;
}

/** Below Postfix's own 8 s at end of message, so that the answer is ours. */
const DECISION_MS = 4000;
const VERDICT_MS = 3000;
/** A peer that talks no milter protocol is told of this often at most: a port scan is no news. */
const FAULTS_EVERY_MS = 60_000;

/** Headers of one name that are looked at. */
const MOST_HEADERS = 20;

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
      if (leaves) await parts.settled([destination]);
      const wait = { signal: context.signal, progress: () => context.progress() };
      const refusal = leaves ? await atDoor(door, originOf(txn), txn, text, wait) : undefined;
      if (refusal === undefined) txn.recipients.push(recipient);
      return refusal ?? proceed;
    })();
  };
  return {
    session: () => ({ port: undefined, address: undefined }),
    transaction: ({ address: client }) => ({
      sender: '',
      login: undefined,
      client,
      headers: new Map(),
      recipients: [],
      admitted: undefined,
      grouped: [],
    }),
    // Nobody sends headers that no lane goes by. A connection that was made before a lane asked for
    // them brings none, and its mail is in the lane that the rest of it says.
    spared: () => (parts.headerNames().size === 0 ? ['header'] : []),
    edits: parts.token === undefined ? ['quarantine'] : ['quarantine', 'addHeader'],
    macros: {
      mail: ['{auth_authen}'],
      rcpt: ['i', '{rcpt_addr}', '{rcpt_host}', '{rcpt_mailer}'],
      eom: ['i'],
      ...(door && { connect: ['j', 'v', '{daemon_port}'] }),
    },
    limits: { decisionMs: DECISION_MS, eomMs: DECISION_MS },
    // Nothing of ours depends on an answer to MAIL, nor, but for the door, on one to RCPT, so that
    // Postfix need not wait for it.
    observe: {
      mail(event, { txn, macros }) {
        const address = parseAddress(event.raw);
        txn.sender = address.kind === 'null' ? '' : address.text;
        txn.login = macros.get('{auth_authen}') || undefined;
      },
      ...(door === undefined && { rcpt: (event, context) => void rcpt(event, context) }),
      header({ name, value }, { txn: { headers } }) {
        const key = name.toLowerCase();
        if (!parts.headerNames().has(key)) return;
        const values = headers.get(key) ?? [];
        headers.set(key, values);
        if (values.length < MOST_HEADERS) values.push(headerText(value));
      },
    },
    on: {
      connect(event, { session, macros }) {
        const port = macros.get('{daemon_port}');
        session.port = port === undefined ? undefined : Number(port);
        session.address = clientAddress(event);
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
    return parts.holdAnyway({ queueId, origin: originOf(txn), recipients }, 'no verdict in time');
  });
  if (verdict.kind === 'hold') {
    // It is charged again when it leaves; until then nothing of it is under way.
    if (txn.admitted !== undefined) parts.door?.leave(txn.admitted);
    edit.quarantine(`postpace: ${verdict.why}`.slice(0, 200));
  }
  sign(parts, txn, queueId, edit);
  return proceed;
}

/** A connection that was made before tokens were asked for does not allow it. */
function sign(
  { token, leaves }: MilterParts,
  { recipients }: Transaction,
  queueId: string | undefined,
  edit: Editor,
): void {
  if (token === undefined || queueId === undefined || !edit.granted('addHeader')) return;
  const leaving = recipients.flatMap(({ address, destination, mailer }) =>
    destination !== undefined && leaves(destination, mailer) ? [address] : [],
  );
  const header = leaving.length > 0 ? token(queueId, leaving) : undefined;
  if (header !== undefined) edit.addHeader(header.name, header.value);
}

async function decide(
  parts: MilterParts,
  txn: Transaction,
  queueId: string | undefined,
): Promise<Verdict> {
  const recipients: string[] = [];
  const destinations: string[] = [];
  for (const { address, destination, mailer } of txn.recipients) {
    if (destination === undefined) continue;
    const asked = parts.prepare(destination, mailer);
    if (asked !== undefined) await asked;
    if (!parts.leaves(destination, mailer)) continue;
    recipients.push(address);
    destinations.push(destination);
  }
  if (recipients.length === 0) return { kind: 'pass' };
  const unsettled = parts.settled(destinations);
  if (unsettled !== undefined) await unsettled;
  const { admitted, grouped } = txn;
  return parts.decide({
    queueId,
    origin: originOf(txn),
    recipients,
    ...(grouped.length > 0 && { grouped }),
    ...(admitted && { admitted }),
  });
}

function originOf({ sender, login, client, headers }: Transaction): Origin {
  return { sender, login, client, headers };
}

/** sendmail(1) comes as `localhost`, 127.0.0.1, port 0. */
function clientAddress({ host, family, address, port }: Connect): string | undefined {
  if (family !== 'inet' && family !== 'inet6') return undefined;
  return host === 'localhost' && address === '127.0.0.1' && port === 0 ? undefined : address;
}

function inTime(verdict: Promise<Verdict>, otherwise: () => Verdict): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(otherwise()), VERDICT_MS);
    verdict.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}
