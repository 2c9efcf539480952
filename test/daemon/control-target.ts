/** What the control socket talks to, over pacing on virtual time. */
import type { Test } from 'tap';
import { canonicalProvider } from '../../src/daemon/provider-name.ts';
import { Successors } from '../../src/daemon/successors.ts';
import { Target, type TargetParts } from '../../src/daemon/target.ts';
import type { Limits } from '../../src/limit/limits.ts';
import { createResolver } from '../../src/provider/resolve.ts';
import { openPacing, type Pacing } from '../pace/pacing.ts';
import { noFeedbackVerbs, toldFeedback } from '../pace/told-feedback.ts';

export interface Opened extends Pacing {
  readonly target: Target;
  readonly parts: TargetParts;
  readonly successors: Successors;
}

/** One named provider, `utc` with two domains; all others are destinations of their own. */
export async function openTarget(
  t: Test,
  limits: { readonly utc?: Limits; readonly others?: Limits } = {},
): Promise<Opened> {
  const utc = limits.utc ?? { quotas: [] };
  const resolver = createResolver({
    providers: [
      {
        id: 'utc',
        name: 'UTC',
        domains: ['utc.example', 'etu.utc.example'],
        mxSuffixes: [],
        limits: utc,
        source: 'configuration',
      },
    ],
    default: limits.others ?? { quotas: [] },
  });
  const pacing = await openPacing(t, {
    limitsOf: (provider) => resolver.provider(provider).limits,
    providerOf: (destination) => resolver.resolve(destination).id,
  });
  const { time, pacer, store, log, settings, wishes } = pacing;
  const successors = new Successors();
  const providersOf = (recipients: readonly string[]) => [
    ...new Set(recipients.flatMap((one) => settings.targetOf(one)?.id ?? [])),
  ];
  const parts: TargetParts = {
    clock: time,
    pacer,
    feedback: toldFeedback,
    feedbackVerbs: noFeedbackVerbs,
    store,
    log,
    resolution: (provider) => resolver.provider(provider),
    modeOf: (provider) => (wishes.observed.has(provider) ? 'observe' : 'hold'),
    providersOf,
    canonical: (provider) => canonicalProvider(resolver, provider),
    because: (recipient) => {
      const found = settings.targetOf(recipient);
      if (found === undefined) return { provider: undefined, because: 'stays on this machine' };
      const destination = recipient.slice(recipient.lastIndexOf('@') + 1);
      return { provider: found.id, because: resolver.resolve(destination).because };
    },
    prepare: async () => undefined,
    successors: (queueId) => successors.of(queueId),
    named: () => ['utc'],
    header: () => ({
      version: '0',
      pid: 1,
      startedAt: 0,
      store: 'memory',
      split: null,
      mode: 'hold',
      log: { source: 'none', state: 'followed' },
      postfix: { configDirectory: '/etc/postfix' },
      warnings: [],
    }),
    config: () => ({ mode: 'hold' }),
    reload: async () => undefined,
  };
  return { ...pacing, target: new Target(parts), parts, successors };
}
