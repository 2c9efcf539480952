/** An IMAP server that answers as a test wants it to: what no real one does at command. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { Test } from 'tap';
import type { Dovecot } from './dovecot.ts';

/** Writes untagged lines and the tagged one, given the tag and what stands behind the command. */
type Answer = (socket: TLSSocket, tag: string, rest: string) => void;

const ok =
  (...untagged: readonly string[]): Answer =>
  (socket, tag) =>
    void socket.write([...untagged, `${tag} OK done`, ''].join('\r\n'));

/** A mailbox with one message, of UID 1, that is never given. */
const USUAL: Readonly<Record<string, Answer>> = {
  CAPABILITY: ok('* CAPABILITY IMAP4rev1 MOVE'),
  LIST: ok('* LIST () "/" INBOX'),
  EXAMINE: ok('* 1 EXISTS', '* OK [UIDVALIDITY 7] valid', '* OK [UIDNEXT 2] next'),
  SELECT: ok('* 1 EXISTS', '* OK [UIDVALIDITY 7] valid', '* OK [UIDNEXT 2] next'),
  SEARCH: ok('* SEARCH 1'),
};

/** TLS from the first byte, with the certificate of `vouched`; its account. */
export async function startFakeImap(t: Test, vouched: Dovecot, answers: Record<string, Answer>) {
  const { directory, account } = vouched;
  const [key, cert] = await Promise.all(
    ['key.pem', 'cert.pem'].map((name) => readFile(`${directory}/${name}`)),
  );
  const open = new Set<TLSSocket>();
  const server = createServer({ key, cert }, (socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.write('* OK [CAPABILITY IMAP4rev1 MOVE] ready\r\n');
    let rest = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [tag = '', first = '', ...more] = line.split(' ');
        const name = first === 'UID' ? (more.shift() ?? '') : first;
        const answer = answers[name.toUpperCase()] ?? USUAL[name.toUpperCase()] ?? ok();
        answer(socket, tag, more.join(' '));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  // A server on a port has an address of this kind.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo;
  return { ...account, tls: 'tls' as const, port };
}

/** The answer to a FETCH of one message. */
export function giving(raw: Buffer): Answer {
  return (socket, tag) => {
    socket.write(`* 1 FETCH (UID 1 BODY[]<0> {${raw.length}}\r\n`);
    socket.write(raw);
    socket.write(`)\r\n${tag} OK done\r\n`);
  };
}
