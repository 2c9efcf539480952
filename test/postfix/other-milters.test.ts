import t from 'tap';
import { startPostfix } from '../../lab/postfix.ts';
import { otherMilters } from '../../src/postfix/other-milters.ts';
import { readPostfix } from '../../src/postfix/settings.ts';

// On a busy machine a process of Postfix takes its time.
t.setTimeout(180_000);

await t.test('milters beside ours, wherever they are named', async (t) => {
  const ours = '{ unix:postpace/milter.sock, default_action=quarantine }';
  const postfix = await startPostfix({
    main: {
      signer: 'unix:signer.sock',
      smtpd_milters: `$signer, { inet:127.0.0.1:11332, default_action=quarantine }, ${ours}`,
      non_smtpd_milters: `$signer, ${ours}`,
    },
    master: [
      '127.0.0.1:0 inet n - n - - smtpd -o smtpd_milters=unix:extra.sock -o milter_default_action=quarantine',
    ],
  });
  t.teardown(() => postfix.stop());
  const settings = await readPostfix(postfix.configDirectory);
  t.same(otherMilters(settings, ['unix:postpace/milter.sock']), [
    { socket: 'unix:signer.sock', quarantines: false },
    { socket: 'inet:127.0.0.1:11332', quarantines: true },
    { socket: 'unix:extra.sock', quarantines: true },
  ]);
});
