/**
 * Bounces that keep to no standard: text for people with addresses and replies somewhere in it, as
 * qmail, Exim, older Exchange, sendmail, Yahoo and many others write it. Read line by line: who is
 * named at the beginning of a line, and what stands below until the next one is named.
 */
import type { ReportedRecipient } from './mail-report.ts';
import { MOST_CHARACTERS, statusIn } from './reply.ts';
import type { ReportMessage } from './report-part.ts';

const SENDER =
  /^["']?(?:mailer-?daemon|postmaster|mail-?admin|mdaemon|mmdf|uucp|root|mail(?:-?delivery)?)\b/i;
const SUBJECT =
  /undeliver|not deliver|failure notice|delivery (?:status|failure|report|problem|notification|delayed|error)|(?:mail|message|delivery).{0,30}(?:fail|error|return|reject|delay|warning)|return(?:ed)? mail|non.?remis|unzustell|nicht zustellbar|mail system error|user unknown|nondeliverable|could not (?:send|be)/i;
/** First sentences that nobody else writes. */
const OPENING =
  /this is the (?:qmail-send|mail|machine generated)|created automatically by (?:the )?mail delivery|did not reach the following recipient|unable to deliver|could(?:n't| not) be delivered|undeliverable|following address(?:\(es\)|es)? (?:failed|had)|transcript of session follows|delivery to the following recipient|wasn't able to deliver|was not delivered|returned to (?:you|sender)|permanent(?:ly)? (?:fatal )?error|were rejected|unsent message|failed address|adresse .{0,40}(?:refus|inconnu|erron)|fehlgeschlagen|has been rejected|error delivering your mail|could not deliver message|delivery has failed/i;
/** From here on it is the message that came back. */
const COPY =
  /^[\s>*-]*(?:-{2,} ?(?:this is a copy|below this line|the header|original message|the unsent|unsent message|start of|header of|message header|returned mail|forwarded)|original message (?:follows|header)|unsent message (?:follows|below)|the (?:body|text|header)s? of (?:the|your) (?:message|mail)|received: (?:from|by) |original message (?:details|headers)|message headers follow|return-path: ?<|message header follows|your (?:original )?message (?:follows|is returned|reads))/i;
const ADDRESS = /[^\s<>()[\]",;:*|'`]{1,64}@[a-z0-9._-]{1,255}[a-z0-9]/i;
/** An address as the subject of its line: `<a@b>:`, `  a@b`, `To: a@b`, `550 <a@b>... …`. */
const LINE =
  /^[\s>*#[-]*(?:(?:failed |final |original[- ])?(?:to|recipients?|rcpt to|address|user|mailbox|e-?mail|recipient address|failed (?:recipient|address)|message to|delivery to|could not deliver message to)\s*[:=]?\s*|(?:[245]\d\d[ -])?(?:[245]\.\d+\.\d+ )?)["'(]?<?(?:smtp:|rfc822;\s*)?([^\s<>()[\]",;:*|'`]{1,64}@[a-z0-9._-]{1,255}[a-z0-9])/i;

const MOST_LINES = 400;

/** Whether it looks like a bounce at all; most mail does not. */
export function isBounceProse({ header, from, subject, text }: ReportMessage): boolean {
  const isNull = header('return-path')?.trim() === '<>';
  const opening = OPENING.test(text.slice(0, 3000));
  if (header('x-failed-recipients') !== undefined) return true;
  if (!SENDER.test(from) && !isNull) return opening && SUBJECT.test(subject);
  return opening || SUBJECT.test(subject) || /\b[45]\d\d[ -][45]\.\d\.\d/.test(text.slice(0, 5000));
}

export function readProse(message: ReportMessage): readonly ReportedRecipient[] {
  const lines = ownLines(message.text);
  const failed = message.header('x-failed-recipients');
  const wanted =
    failed === undefined
      ? []
      : [...failed.matchAll(new RegExp(ADDRESS, 'gi'))].map(([one]) => one.toLowerCase());
  const found = new Map<string, string[]>();
  let intro: string[] = [];
  let open: string[] | undefined;
  for (const line of lines) {
    const address = LINE.exec(line)?.[1];
    if (address !== undefined && address.toLowerCase() !== message.from.toLowerCase()) {
      open = found.get(address.toLowerCase());
      if (open === undefined) {
        open = [];
        found.set(address.toLowerCase(), open);
      }
    }
    (open ?? intro).push(line.trim());
  }
  if (found.size === 0) {
    const [first] = lines.flatMap((line) => ADDRESS.exec(line)?.[0] ?? []);
    const address = wanted[0] ?? first;
    return [recipientOf(address, intro.join(' '), '')];
  }
  const names = wanted.length > 0 ? wanted : [...found.keys()];
  // An address in a list may have its reason above or below all of them.
  const around = bounded([...intro, ...[...found.values()].flat()].join(' '));
  return names.map((name) => recipientOf(name, (found.get(name) ?? []).join(' '), around));
}

function bounded(text: string): string {
  return text
    .slice(0, 4 * MOST_CHARACTERS)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MOST_CHARACTERS);
}

function recipientOf(
  recipient: string | undefined,
  text: string,
  around: string,
): ReportedRecipient {
  const reply = bounded(text);
  const status = statusIn(reply);
  const isDelay =
    /will (?:be retried|keep trying|continue)|still being retried|not yet been delivered|warning message only|delivery attempts will continue|has been delayed/i.test(
      reply,
    );
  return {
    recipient,
    originalRecipient: undefined,
    action: isDelay ? 'delayed' : 'failed',
    status,
    remoteMta: undefined,
    reply,
    around,
  };
}

/** The lines before the copy of the message. */
function ownLines(text: string): readonly string[] {
  const lines = text.slice(0, 60_000).split(/\r?\n/).slice(0, MOST_LINES);
  const cut = lines.findIndex((line, at) => at > 0 && COPY.test(line.slice(0, 200)));
  return (cut < 0 ? lines : lines.slice(0, cut)).map((line) => line.slice(0, 1000));
}
