/** The reference: a C milter that does nothing, and the proof that it asks for the same as we do. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { encodeCommand } from '../../src/milter/mta.ts';
import type { Workshop } from './workshop.ts';

/** What Postfix 3.4 and later offer. */
export const OFFER = { kind: 'optneg', version: 6, actions: 0x1ff, protocol: 0x1fffff } as const;

export interface Reference {
  readonly socket: string;
  readonly pid: number;
}

/** Compiles and starts it. */
export async function startNoop(workshop: Workshop): Promise<Reference> {
  const program = await workshop.compile('noop-milter', '-lmilter', '-lpthread');
  const socket = workshop.path('noop.sock');
  return { socket, pid: await workshop.start([program, `unix:${socket}`], socket) };
}

/** Rejects unless both milters answer Postfix's offer with the same bytes; gives them as hex. */
export async function sameSteps(ours: string, reference: string): Promise<string> {
  const [own, other] = await Promise.all([agreement(ours), agreement(reference)]);
  if (own !== other) throw new Error(`negotiated ${own}, the no-op milter ${other}`);
  return own;
}

async function agreement(path: string): Promise<string> {
  const socket = connect(path);
  await once(socket, 'connect');
  socket.write(encodeCommand(OFFER));
  const parts: Buffer[] = [];
  for await (const chunk of socket) {
    parts.push(Buffer.from(chunk));
    const all = Buffer.concat(parts);
    if (all.length >= 4 && all.length >= 4 + all.readUInt32BE(0)) break;
  }
  socket.destroy();
  return Buffer.concat(parts).toString('hex');
}
