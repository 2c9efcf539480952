/**
 * A mail server's side of many milter conversations, as Postfix 3.7 has them when MAIL and RCPT
 * need no answer: three writes a message. The frames are made here; bench/milter-load.c sends them.
 */
import { writeFile } from 'node:fs/promises';
import type { Command } from '../../src/milter/command.ts';
import { encodeCommand, envelope } from '../../src/milter/mta.ts';
import { command } from '../../lab/process.ts';
import { OFFER } from './noop.ts';
import type { Workshop } from './workshop.ts';

/** Message n goes to destination `base` + n modulo `count`. */
export interface Destinations {
  readonly base: number;
  readonly count: number;
}

export interface LoadOptions {
  readonly socket: string;
  readonly connections: number;
  readonly messages: number;
  /** Number of the first message; each has its own queue id. */
  readonly first: number;
  /** Pause between the messages of a connection; default none. */
  readonly intervalUs?: number;
  /** A new connection for each message, as applications send; default: the connections stay. */
  readonly each?: boolean;
  readonly to: Destinations;
}

/** Answers to the end of message, in milliseconds. */
export interface LoadFigures {
  readonly messages: number;
  readonly seconds: number;
  readonly quarantined: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly mostMs: number;
  readonly above20ms: number;
}

export interface Load {
  /** Rejects when the milter hangs up, or answers something else than continue or quarantine. */
  run(options: LoadOptions): Promise<LoadFigures>;
}

/** The queue id of message n. */
export function queueIdOf(n: number): string {
  return String(n).padStart(10, '0');
}

/** The domain of destination number n. */
export function domainOf(n: number): string {
  return `d${String(n).padStart(7, '0')}.example`;
}

/** Compiles the generator. `mailer`: the transport that the recipients are said to have. */
export async function openLoad(workshop: Workshop, mailer: string): Promise<Load> {
  const program = await workshop.compile('milter-load', '-lpthread');
  const script = workshop.path('load.script');
  const lines = Object.entries(conversation(mailer)).map(
    ([name, commands]) => `${name} ${Buffer.concat(commands.map(encodeCommand)).toString('hex')}\n`,
  );
  await writeFile(script, lines.join(''));
  return {
    async run({ socket, connections, messages, first, intervalUs, each, to }) {
      const pace = [intervalUs ?? 0, each === true ? 1 : 0];
      const options = [connections, messages, first, ...pace, to.count, to.base];
      const { code, stdout, stderr } = await command([
        program,
        socket,
        script,
        ...options.map(String),
      ]);
      if (code !== 0) throw new Error(`milter-load: exit ${code}: ${stderr}`);
      // What milter-load.c prints.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return JSON.parse(stdout) as LoadFigures;
    },
  };
}

/** Marks that the generator replaces. */
const ID = '@@@@@@@@@@';
const DOMAIN = 'd#######.example';

function macros(letter: string, ...list: readonly string[]): Command {
  return { kind: 'macros', letter, list };
}

function conversation(mailer: string): Readonly<Record<string, readonly Command[]>> {
  const host = 'mail.lab.test';
  const daemon = ['j', host, '{daemon_name}', host, '{daemon_addr}', '127.0.0.1'];
  const client = { host: 'localhost', family: 'inet', port: 34567, address: '127.0.0.1' } as const;
  return {
    offer: [OFFER],
    connect: [
      macros('C', ...daemon, 'v', 'Postfix 3.7.11', '_', 'localhost [127.0.0.1]'),
      { kind: 'connect', ...client },
      macros('H'),
    ],
    envelope: [
      // Nobody logged in: the one macro that was asked for has no value.
      macros('M'),
      envelope('mail', '<app@lab.test>'),
      macros('R', '{rcpt_addr}', `user@${DOMAIN}`, '{rcpt_host}', DOMAIN, '{rcpt_mailer}', mailer),
      envelope('rcpt', `<user@${DOMAIN}>`),
      macros('T', 'i', ID),
      { kind: 'data' },
    ],
    end: [macros('E', 'i', ID), { kind: 'eom' }],
    next: [{ kind: 'abort' }],
    quit: [{ kind: 'abort' }, { kind: 'abort' }, { kind: 'quit' }],
  };
}
