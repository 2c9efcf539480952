/**
 * A domain's MX, asked for at the configured servers in turn: UDP first, TCP where the reply was cut
 * off. Node's own resolver is no help here: its resolveMx tells no TTL.
 */
import { randomInt } from 'node:crypto';
import { askOverTcp, askOverUdp, type DnsServer } from './dns-exchange.ts';
import { encodeQuestion, type MxReply, readReply } from './mx-answer.ts';

/** Never `truncated`. */
export type MxFound = Exclude<MxReply, { readonly kind: 'truncated' }>;

/**
 * Each server is asked with the first wait, then each with the second. Mail waits for less; an
 * answer that comes late is of use to the next message.
 */
const WAITS_MS = [800, 2000];
/** As many as the C library asks. */
const MOST_SERVERS = 3;

/** Never rejects. `domain` as isDomain accepts it; `servers` in the order of preference. */
export async function lookUpMx(domain: string, servers: readonly DnsServer[]): Promise<MxFound> {
  let why = 'no DNS server is known';
  for (const waitMs of WAITS_MS) {
    for (const server of servers.slice(0, MOST_SERVERS)) {
      const found = await ask(domain, server, waitMs);
      if (found.kind === 'answer') return found;
      why = `${found.why} from ${server.address}`;
    }
  }
  return { kind: 'failed', why };
}

async function ask(domain: string, server: DnsServer, timeoutMs: number): Promise<MxFound> {
  const id = randomInt(0x10000);
  const question = {
    server,
    query: encodeQuestion(id, domain),
    read: (reply: Buffer) => readReply(reply, id, domain),
    timeoutMs,
  };
  try {
    let found = await askOverUdp(question);
    if (found.kind === 'truncated') found = await askOverTcp(question);
    return found.kind === 'truncated' ? { kind: 'failed', why: 'a reply cut off' } : found;
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
}
