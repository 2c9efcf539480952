/** The commands of a plain SMTP session, for tests that vary one thing. */
import type { Command } from '../../src/milter/command.ts';
import { envelope } from '../../src/milter/mta.ts';

export const CONNECT: Command = {
  kind: 'connect',
  host: 'client.example',
  family: 'inet',
  port: 54321,
  address: '192.0.2.1',
};
export const HELO: Command = { kind: 'helo', name: 'client.example' };
export const MAIL: Command = envelope('mail', '<alice@example.org>', ['SIZE=10']);
export const RCPT: Command = envelope('rcpt', '<bob@example.net>');
export const DATA: Command = { kind: 'data' };
export const HEADER: Command = { kind: 'header', name: 'Subject', value: Buffer.from('hi') };
export const EOH: Command = { kind: 'eoh' };
export const BODY: Command = { kind: 'body', chunk: Buffer.from('hello\r\n') };
export const EOM: Command = { kind: 'eom' };
export const UNKNOWN: Command = { kind: 'unknown', line: 'NOSUCH' };
export const ABORT: Command = { kind: 'abort' };
export const QUIT: Command = { kind: 'quit' };
export const QUIT_NC: Command = { kind: 'quit_nc' };

export function macroList(letter: string, ...list: string[]): Command {
  return { kind: 'macros', letter, list };
}
