import { existsSync } from 'node:fs';
import t from 'tap';
import { chooseLog } from '../../src/postfix/follow.ts';

await t.test('where the log is', async (t) => {
  t.equal(await chooseLog('none', ''), undefined);
  t.same(await chooseLog('journal', '/x'), { kind: 'journal' });
  t.same(await chooseLog('/x/mail.log', '/y'), { kind: 'file', path: '/x/mail.log' });
  t.same(await chooseLog('auto', '/x/maillog'), { kind: 'file', path: '/x/maillog' });
  const usual = ['/var/log/mail.log', '/var/log/maillog', '/var/log/mail/mail.log'];
  const path = usual.find((file) => existsSync(file));
  const expected = path === undefined ? { kind: 'journal' } : { kind: 'file', path };
  t.same(await chooseLog('auto', ''), expected);
  t.same(await chooseLog('auto', '/dev/stdout'), expected, 'a container writes to no file');
});
