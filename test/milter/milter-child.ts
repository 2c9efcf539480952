/**
 * A milter in a process of its own, for tests that end it or starve it: quarantines every message,
 * drains at SIGTERM. usage: milter-child PATH|fd
 */
import { createMilter } from '../../src/milter/server.ts';

const [where = 'fd'] = process.argv.slice(2);
const milter = createMilter({
  edits: ['quarantine'],
  on: {
    connect() {},
    mail() {},
    rcpt() {},
    data() {},
    eom: ({ edit }) => edit.quarantine('paced'),
  },
  onFault: (error, at) => void process.stderr.write(`${at}: ${String(error)}\n`),
});
process.once('SIGTERM', () => void milter.drain(2000));
await milter.listen(where === 'fd' ? { fd: 3 } : { path: where });
process.stdout.write('ready\n');
