/** An application that sends mail as Mattermost does: one SMTP connection a mail, many at once. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { nowMs } from './wait.ts';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** Beside From, To, Subject, Date and X-Serial. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of the body; default 200. */
  readonly sizeBytes?: number;
  /** The X-Serial header; default: random. */
  readonly serial?: string;
}

export interface Sent {
  readonly serial: string;
  readonly to: readonly string[];
  /** The reply to the dot, or the one that ended the attempt before. 0: no reply at all. */
  readonly code: number;
  readonly reply: string;
  /** Queue id from `250 2.0.0 Ok: queued as ID`. */
  readonly queueId?: string;
  /** Recipients refused at RCPT, with the reply. */
  readonly refused: readonly { readonly recipient: string; readonly reply: string }[];
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** From connect to the last reply. */
  readonly latencyMs: number;
}

export interface Burst {
  readonly port: number;
  readonly host?: string;
  readonly mails: number;
  /** Connections at once; default 50. */
  readonly connections?: number;
  readonly from: string | ((index: number) => string);
  readonly to: (index: number) => string | readonly string[];
  readonly headers?: (index: number) => Readonly<Record<string, string>>;
  readonly sizeBytes?: number;
  /** Default: random, so that serials of two bursts differ. */
  readonly serialPrefix?: string;
  /** Called with each result as it comes. */
  readonly onSent?: (sent: Sent) => void;
}

/** Sends all of them; the results are in the order of their index. Never rejects for a refusal. */
export async function burst(options: Burst): Promise<readonly Sent[]> {
  const { port, host = '127.0.0.1', mails, connections = 50, from, to } = options;
  const prefix = options.serialPrefix ?? randomSerial();
  const results: Sent[] = Array.from({ length: mails });
  let next = 0;
  const work = async () => {
    while (next < mails) {
      const index = next++;
      const recipients = to(index);
      const sent = await send(
        { port, host },
        {
          from: typeof from === 'string' ? from : from(index),
          to: typeof recipients === 'string' ? [recipients] : recipients,
          serial: `${prefix}-${index}`,
          ...(options.headers === undefined ? {} : { headers: options.headers(index) }),
          ...(options.sizeBytes === undefined ? {} : { sizeBytes: options.sizeBytes }),
        },
      );
      results[index] = sent;
      options.onSent?.(sent);
    }
  };
  await Promise.all(Array.from({ length: Math.min(connections, mails) }, work));
  return results;
}

/** One mail over one connection. Never rejects: what went wrong is in the result. */
export async function send(
  server: { readonly port: number; readonly host?: string },
  mail: Mail,
): Promise<Sent> {
  const serial = mail.serial ?? randomSerial();
  const startedAtMs = nowMs();
  const refused: { recipient: string; reply: string }[] = [];
  const socket = connect({ port: server.port, host: server.host ?? '127.0.0.1', noDelay: true });
  let reply = '';
  try {
    reply = await dialogue(socket, mail, serial, refused);
  } catch (error) {
    reply = error instanceof Error ? error.message : String(error);
  } finally {
    socket.destroy();
  }
  const code = /^\d{3}/.test(reply) ? Number(reply.slice(0, 3)) : 0;
  const queueId = /queued as (\S+)/.exec(reply)?.[1];
  const latencyMs = nowMs() - startedAtMs;
  return {
    serial,
    to: mail.to,
    code,
    reply,
    ...(queueId === undefined ? {} : { queueId }),
    refused,
    startedAtMs,
    latencyMs,
  };
}

async function dialogue(
  socket: Socket,
  mail: Mail,
  serial: string,
  refused: { recipient: string; reply: string }[],
): Promise<string> {
  const replies = repliesOf(socket);
  const ask = async (line?: string): Promise<string> => {
    if (line !== undefined) socket.write(`${line}\r\n`);
    const { value } = await replies.next();
    if (value === undefined) throw new Error('the server hung up without a reply');
    return value;
  };
  socket.setTimeout(120_000, () => socket.destroy(new Error('no reply within 120 s')));
  await once(socket, 'connect');
  for (const line of [undefined, 'EHLO app.lab.test', `MAIL FROM:<${mail.from}>`]) {
    const reply = await ask(line);
    if (!reply.startsWith('2')) return reply;
  }
  for (const recipient of mail.to) {
    const reply = await ask(`RCPT TO:<${recipient}>`);
    if (!reply.startsWith('2')) refused.push({ recipient, reply });
  }
  const last = refused.at(-1);
  if (last !== undefined && refused.length === mail.to.length) return last.reply;
  const go = await ask('DATA');
  if (!go.startsWith('354')) return go;
  const outcome = await ask(`${message(mail, serial)}\r\n.`);
  // The mail is settled; QUIT is a courtesy whose answer nobody waits for.
  socket.write('QUIT\r\n');
  return outcome;
}

function message(mail: Mail, serial: string): string {
  const headers: Record<string, string> = {
    From: `<${mail.from}>`,
    To: mail.to.length === 1 ? `<${mail.to[0]}>` : 'undisclosed-recipients:;',
    Subject: `Notification ${serial}`,
    Date: new Date(nowMs()).toUTCString().replace('GMT', '+0000'),
    'X-Serial': serial,
    ...mail.headers,
  };
  const line = 'Somebody mentioned @all in a channel that you follow on our server.\r\n';
  const size = mail.sizeBytes ?? 200;
  const body = line.repeat(Math.ceil(size / line.length)).slice(0, size);
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${head.join('')}\r\n${body.trimEnd()}`;
}

/** Whole replies, the lines of a long one joined by newlines. */
async function* repliesOf(socket: Socket): AsyncGenerator<string, void> {
  let buffered = '';
  let lines: string[] = [];
  socket.setEncoding('latin1');
  for await (const chunk of socket) {
    buffered += String(chunk);
    for (let end = buffered.indexOf('\r\n'); end >= 0; end = buffered.indexOf('\r\n')) {
      const line = buffered.slice(0, end);
      buffered = buffered.slice(end + 2);
      lines.push(line);
      if (line.charAt(3) === '-') continue;
      yield lines.join('\n');
      lines = [];
    }
  }
}

function randomSerial(): string {
  return Math.random().toString(36).slice(2, 12);
}
