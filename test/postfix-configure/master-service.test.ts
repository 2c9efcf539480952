import t from 'tap';
import {
  readService,
  serviceOption,
  withOption,
  writeService,
} from '../../src/postfix/master-service.ts';

const line =
  'submission inet  n       -       y       -       -       smtpd -v -o syslog_name=postfix/submission ' +
  '-o smtpd_milters=inet:a:1 -o {smtpd_client_restrictions = permit_mynetworks, reject} -o {smtpd_milters=inet:b:2 {unix:/c, d=e}}';

function service(text: string) {
  const found = readService(text);
  if (found === undefined) throw new Error(text);
  return found;
}

t.test('a line of postconf -M is read', async (t) => {
  const found = service(line);
  t.match(found, { id: 'submission/inet', chroot: 'y', command: 'smtpd' });
  t.equal(found.columns, 'submission inet n - y - -');
  t.equal(serviceOption(found, 'smtpd_milters'), 'inet:b:2 {unix:/c, d=e}', 'the last one holds');
  t.equal(serviceOption(found, 'smtpd_client_restrictions'), 'permit_mynetworks, reject');
  t.equal(serviceOption(found, 'content_filter'), undefined);
  t.equal(serviceOption(service('a inet n - n - - smtpd -o x='), 'x'), '');
  t.equal(readService('smtp inet n'), undefined);
});

t.test('written back it says the same', async (t) => {
  t.equal(writeService(service(line)), line.replaceAll(/ {2,}/g, ' '));
});

t.test('an option is set in its place, added, or taken out', async (t) => {
  const found = service('a inet n - n - - smtpd -o x=1 -o y=2');
  t.equal(writeService(withOption(found, 'x', '3')), 'a inet n - n - - smtpd -o x=3 -o y=2');
  t.equal(writeService(withOption(found, 'x', '3 4')), 'a inet n - n - - smtpd -o {x=3 4} -o y=2');
  t.equal(writeService(withOption(found, 'z', '')), 'a inet n - n - - smtpd -o x=1 -o y=2 -o z=');
  t.equal(writeService(withOption(found, 'y', undefined)), 'a inet n - n - - smtpd -o x=1');
  const twice = withOption(service(line), 'smtpd_milters', 'inet:z:9');
  t.equal(serviceOption(twice, 'smtpd_milters'), 'inet:z:9');
  t.equal(twice.args.filter((each) => each.includes('smtpd_milters')).length, 1);
});
