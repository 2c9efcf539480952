/**
 * A process of its own: src/milter with the daemon's negotiation and handlers that do nothing, to
 * tell what the milter costs from what pacing does.
 * usage: node bare-milter.js SOCKET
 */
import { milterOptions } from '../../src/daemon/milter.ts';
import { createMilter } from '../../src/milter/server.ts';

const { edits, macros } = milterOptions({
  prepare: async () => undefined,
  leaves: () => true,
  headerNames: () => new Set(),
  settled: () => undefined,
  decide: async () => ({ kind: 'pass' }),
  holdAnyway: () => ({ kind: 'pass' }),
  log: { debug: ignored, info: ignored, warn: ignored, error: ignored },
});
const milter = createMilter({
  ...(edits && { edits }),
  ...(macros && { macros }),
  observe: { mail: ignored, rcpt: ignored },
  on: { connect: ignored, data: ignored, eom: ignored },
});
await milter.listen({ path: process.argv[2] ?? '' });

function ignored(): void {
  // Every event is let pass.
}
