import t from 'tap';
import { listenFds } from '../../src/systemd/listen.ts';

t.test('sockets passed by systemd, by name', async (t) => {
  const env = { LISTEN_PID: '42', LISTEN_FDS: '2', LISTEN_FDNAMES: 'milter:control' };
  t.same(listenFds(env, 42), [
    { fd: 3, name: 'milter' },
    { fd: 4, name: 'control' },
  ]);
  t.same(listenFds(env, 43), [], "another process's");
  t.same(listenFds({ LISTEN_PID: '42', LISTEN_FDS: '1' }, 42), [{ fd: 3, name: 'unknown' }]);
});

t.test('none', async (t) => {
  t.same(listenFds({}, 42), []);
  for (const count of ['0', '-1', 'x', '', '1.5'])
    t.same(listenFds({ LISTEN_PID: '42', LISTEN_FDS: count }, 42), [], count);
});
