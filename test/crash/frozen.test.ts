/** SIGSTOP of postpace in the middle of a burst: the application never notices, the mail waits. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { burstOf, nothingLost, startCrashScene } from './crash.ts';

t.setTimeout(120_000);
const scene = await startCrashScene();
t.teardown(() => scene.stop());
const { postpace } = scene;

await t.test('frozen in the middle of a burst', { timeout: 100_000 }, async (t) => {
  const first = burstOf(scene, 20);
  await sleep(60);
  await postpace.kill('SIGSTOP');
  const second = burstOf(scene, 10);
  const sent = [...(await first), ...(await second)];
  const latencies = sent.map(({ latencyMs }) => latencyMs);
  const longestMs = Math.max(...latencies);
  t.same([...new Set(sent.map(({ code }) => code))], [250]);
  t.comment(
    `longest answer ${Math.round(longestMs)} ms, of ${latencies.filter((ms) => ms > 1000).length} that waited`,
  );
  t.ok(
    longestMs < 10_000,
    `every application has its 250 within 10 s: ${Math.round(longestMs)} ms`,
  );
  t.ok((await scene.inHold()).length >= 10, 'what it could not decide is held');
  await postpace.kill('SIGCONT');
  await nothingLost(t, scene);
});

await t.test('frozen when the message has come but for its end', { timeout: 40_000 }, async (t) => {
  const socket = connect({ port: scene.postfix.port, host: '127.0.0.1' });
  t.teardown(() => socket.destroy());
  const reply = async (line?: string): Promise<string> => {
    if (line !== undefined) socket.write(`${line}\r\n`);
    const [chunk] = await once(socket, 'data');
    return String(chunk);
  };
  await reply();
  await reply('EHLO app.lab.test');
  await reply('MAIL FROM:<mattermost@app.example>');
  await reply('RCPT TO:<late@slow.example>');
  await reply('DATA');
  socket.write('Subject: late\r\n\r\nlate\r\n');
  await postpace.kill('SIGSTOP');
  const sinceMs = performance.now();
  t.match(await reply('.'), /^250 /);
  const tookMs = performance.now() - sinceMs;
  t.comment(`answered after ${Math.round(tookMs)} ms`);
  t.ok(tookMs < 10_000, `within 10 s: ${Math.round(tookMs)} ms`);
  t.equal((await scene.inHold()).length, 1, 'held');
  await postpace.kill('SIGCONT');
  const arrived = () => scene.deliveries.filter(({ recipient }) => recipient.startsWith('late'));
  await scene.arrived(scene.sent.length + 1, undefined, 20_000);
  t.equal(arrived().length, 1, 'once');
});
