import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ReplyTables, replyTablePath } from '../../src/daemon/reply-tables.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';
import { readService, type MasterService } from '../../src/postfix/master-service.ts';

const stateDir = await mkdtemp(join(tmpdir(), 'postpace-tables-'));
t.teardown(() => rm(stateDir, { recursive: true }));
const path = replyTablePath(stateDir, 'qq');

/** As they are read from master.cf: a list of its own each time. */
function services(): readonly MasterService[] {
  const found = readService(
    `postpace-reply-qq unix - - n - - smtp -o smtp_reply_filter=regexp:${path} -o max_use=1`,
  );
  return found === undefined ? [] : [found];
}

t.test('what became of a table meanwhile is seen with the next reload', async (t) => {
  let now = services();
  t.equal(now.length, 1);
  let isStopped = false;
  const tables = new ReplyTables({
    rules: loadRules(),
    stateDir,
    services: () => now,
    notFinal: () => [],
    isStopped: () => isStopped,
    onTrouble: (error) => t.fail(String(error)),
  });
  await tables.keep();
  t.match(await readFile(path, 'utf8'), /It is open/);
  isStopped = true;
  await tables.keep();
  t.match(await readFile(path, 'utf8'), /It is stopped/);
  // Taken away, and set up anew.
  await rm(path);
  now = services();
  await tables.keep();
  t.match(await readFile(path, 'utf8'), /It is stopped/);
});
