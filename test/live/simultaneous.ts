/**
 * However many ask at the same moment, as many pass as the burst has room for. Ten rounds run in
 * test/long.
 */
import t from 'tap';
import { overruns } from '../../lab/ledger.ts';
import { startScene } from './scene.ts';

const MAILS = 200;

export async function passesTheBurst(rounds: number): Promise<void> {
  const scene = await startScene({
    config: {
      default: { pace: '20/h', burst: 20, in_flight: 'none' },
      providers: {
        tight: { domains: ['tight.example'], pace: '20/h', burst: 2, in_flight: 'none' },
        scaled: { domains: ['scaled.example'], pace: '20/4s', burst: 2, in_flight: 1000 },
      },
    },
  });
  t.setTimeout(200_000);
  t.teardown(() => scene.stop());

  async function atOnce(domain: string, mails: number): Promise<readonly number[]> {
    const sent = await scene.burst({
      mails,
      connections: mails,
      from: 'app@here.example',
      to: (i) => `u${i}@${domain}`,
    });
    return [...new Set(sent.map(({ code }) => code))];
  }

  const arrivedAt = (domain: string) =>
    scene.deliveries.filter(({ recipient }) => recipient.endsWith(`@${domain}`)).length;

  await t.test(`${MAILS} connections at 20/h, burst 20: exactly 20 pass, each time`, async (t) => {
    for (let round = 0; round < rounds; round++) {
      const domain = `round${round}.example`;
      t.same(await atOnce(domain, MAILS), [250], 'every mail has its 250');
      await scene.arrived(20 * (round + 1), undefined, 20_000);
      const { sent, held } = await scene.provider(domain);
      t.same({ sent: sent.hour, held }, { sent: 20, held: MAILS - 20 }, domain);
    }
    for (let round = 0; round < rounds; round++) t.equal(arrivedAt(`round${round}.example`), 20);
  });

  await t.test(`${MAILS} connections at burst 2: exactly 2 pass`, async (t) => {
    t.same(await atOnce('tight.example', MAILS), [250]);
    const { sent, held } = await scene.provider('tight');
    t.same({ sent: sent.hour, held }, { sent: 2, held: MAILS - 2 });
    await scene.arrived(20 * rounds + 2, undefined, 20_000);
    t.equal(arrivedAt('tight.example'), 2);
  });

  await t.test('after the burst of 2 the pace, and no window beyond it', async (t) => {
    const mails = 60;
    t.same(await atOnce('scaled.example', mails), [250]);
    await scene.arrived(20 * rounds + 2 + mails, undefined, 40_000);
    t.same(scene.account().duplicated, []);
    const admitted = (await scene.admissions('scaled')).map(({ atMs }) => atMs);
    t.equal(admitted.length, mails);
    for (const windowMs of [200, 1000, 4000]) {
      const promise = { count: windowMs / 200, windowMs, burst: 2 };
      t.same(overruns(admitted, [promise]), [], `within ${windowMs} ms`);
    }
    const tookMs = Math.max(...admitted) - Math.min(...admitted);
    t.ok(tookMs < (mails - 2) * 200 + 2000, `${Math.round(tookMs)} ms: nothing was given away`);
  });
}
