import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createMilter, type Milter } from '../../src/milter/server.ts';
import { reject, reply } from '../../src/milter/verdict.ts';

const dir = mkdtempSync(join(tmpdir(), 'milter-'));
t.after(() => rmSync(dir, { recursive: true, force: true }));

/** Runs a Lua script; resolves to what it said when it failed, '' when all was well. */
async function miltertest(socket: string, script: string): Promise<string> {
  const file = join(dir, 'script.lua');
  writeFileSync(file, script);
  const child = spawn('miltertest', ['-s', file, '-D', `socket=${socket}`]);
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const [code] = await once(child, 'close');
  return code === 0 ? said : `exit ${String(code)}: ${said}`;
}

const HELPERS = `
function must(err, what) if err ~= nil then error(what .. ": " .. err) end end
function answer(conn, wanted, what)
  local got = mt.getreply(conn)
  if got ~= wanted then error(what .. ": got " .. string.char(got)) end
end
conn = mt.connect(socket)
if conn == nil then error("no connection") end
`;

const SESSION = `${HELPERS}
must(mt.negotiate(conn, nil, nil, nil), "negotiate")
if not mt.test_action(conn, SMFIF_QUARANTINE) then error("QUARANTINE not asked for") end
must(mt.macro(conn, SMFIC_CONNECT, "j", "mx.test", "v", "Postfix 3.7.11"), "macro")
must(mt.conninfo(conn, "host.example", "192.0.2.1"), "connect")
answer(conn, SMFIR_CONTINUE, "connect")
must(mt.helo(conn, "helo.example"), "helo")
answer(conn, SMFIR_CONTINUE, "helo")
for i = 1, 3 do
  must(mt.macro(conn, SMFIC_MAIL, "{auth_authen}", "alice" .. i), "macro")
  must(mt.mailfrom(conn, "<alice@example.org>", "SIZE=10", "BODY=8BITMIME"), "mail")
  answer(conn, SMFIR_CONTINUE, "mail")
  must(mt.rcptto(conn, "<bob@example.net>"), "rcpt")
  answer(conn, SMFIR_CONTINUE, "rcpt")
  must(mt.rcptto(conn, "<tempfail@example.net>"), "rcpt")
  answer(conn, SMFIR_REPLYCODE, "tempfail")
  must(mt.macro(conn, SMFIC_RCPT, "i", "QID" .. i), "macro")
  must(mt.rcptto(conn, "<reject@example.net>"), "rcpt")
  answer(conn, SMFIR_REJECT, "reject")
  must(mt.unknown(conn, "FOO BAR baz"), "unknown")
  answer(conn, SMFIR_CONTINUE, "unknown")
  must(mt.data(conn), "data")
  answer(conn, SMFIR_CONTINUE, "data")
  must(mt.header(conn, "Subject", " with space"), "header")
  must(mt.header(conn, "X-Fold", "a\\n b"), "header")
  answer(conn, SMFIR_CONTINUE, "header")
  must(mt.eoh(conn), "eoh")
  must(mt.bodystring(conn, "hello\\r\\n"), "body")
  must(mt.bodyrandom(conn, 200000), "body")
  must(mt.eom(conn), "eom")
  answer(conn, SMFIR_CONTINUE, "eom")
  if not mt.eom_check(conn, MT_HDRADD, "X-Queue-Id", "QID" .. i) then error("no header") end
  if not mt.eom_check(conn, MT_QUARANTINE, "paced") then error("no quarantine") end
  if i == 1 then must(mt.abort(conn), "abort") end
  must(mt.abort(conn), "abort")
end
must(mt.mailfrom(conn, "<>"), "null sender")
answer(conn, SMFIR_CONTINUE, "null sender")
mt.disconnect(conn)
`;

const ABRUPT = `${HELPERS}
must(mt.negotiate(conn, 2, nil, SMFIP_NOCONNECT + SMFIP_NOHELO + SMFIP_NOMAIL + SMFIP_NORCPT + SMFIP_NOBODY + SMFIP_NOHDRS + SMFIP_NOEOH), "negotiate")
must(mt.conninfo(conn, "host.example", "unspec"), "connect")
must(mt.mailfrom(conn, "<alice@example.org>"), "mail")
must(mt.rcptto(conn, "<bob@example.net>"), "rcpt")
mt.disconnect(conn, false)
`;

interface Seen {
  readonly milter: Milter;
  readonly log: string[];
}

function seen(): Seen {
  const log: string[] = [];
  const milter = createMilter({
    edits: ['quarantine', 'addHeader'],
    macros: { eom: ['i'] },
    on: {
      connect: (event) => void log.push(`connect ${event.host} ${event.family} ${event.address}`),
      helo: (event) => void log.push(`helo ${event.name}`),
      mail: (event, { macros }) =>
        void log.push(`mail ${event.address} ${event.args.join()} ${macros.get('{auth_authen}')}`),
      rcpt({ address }) {
        if (address.includes('tempfail')) return reply(451, '4.7.1', 'Rate 100% exceeded');
        return address.includes('reject') ? reject : undefined;
      },
      data() {},
      unknown: (event) => void log.push(`unknown ${event.line}`),
      header: (event) => void log.push(`${event.name}:${event.value.toString()}`),
      eoh() {},
      body() {},
      eom({ edit }, { macros }) {
        edit.addHeader('X-Queue-Id', macros.get('i') ?? 'none');
        edit.quarantine('paced');
      },
    },
    end: (how) => void log.push(how),
    onFault: (error) => void log.push(String(error)),
  });
  return { milter, log };
}

for (const family of ['unix', 'inet'] as const) {
  t.test(`miltertest over ${family}`, async (t) => {
    const { milter, log } = seen();
    const address = await milter.listen(
      family === 'unix' ? { path: join(dir, 'm.sock') } : { host: '127.0.0.1', port: 0 },
    );
    const socket =
      'port' in address ? `inet:${address.port}@127.0.0.1` : `unix:${join(dir, 'm.sock')}`;
    t.equal(await miltertest(socket, SESSION), '');
    t.strictSame(log.slice(0, 7), [
      'connect host.example inet 192.0.2.1',
      'helo helo.example',
      'mail <alice@example.org> SIZE=10,BODY=8BITMIME alice1',
      'unknown FOO BAR baz',
      'Subject: with space',
      'X-Fold:a\n b',
      'passed',
    ]);
    t.match(log[7], /alice2$/);
    t.strictSame(log.slice(-2), ['mail <>  undefined', 'aborted'], 'and no macro of the last');
    t.match(milter.counters, { sessions: 1, messages: 3 });
    log.length = 0;
    t.equal(await miltertest(socket, ABRUPT), '');
    t.strictSame(log, [
      'connect host.example unknown undefined',
      // miltertest puts in what a script leaves out.
      'helo test.example.com',
      'mail <alice@example.org>  undefined',
      'aborted',
    ]);
    await milter.close();
  });
}
