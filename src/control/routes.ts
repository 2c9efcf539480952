/**
 * What can be asked on the control socket: one row a question, its parameters (from the query of a
 * GET, the body of a POST) checked before the daemon sees them.
 */
import { z } from 'zod';

import { ControlError, type ControlTarget } from './api.ts';

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Throws ControlError 400 for bad parameters; rejects with what the target rejects with. */
  readonly answer: (target: ControlTarget, parameters: unknown) => Promise<unknown>;
}

const name = z.string().min(1).max(320);
const text = z.string().max(1000);
const by = z.string().min(1).max(100);
const duration = z.string().min(1).max(40);
const queueIds = z.array(z.string().regex(/^[0-9A-Za-z]{6,32}$/, 'not a queue id'));

const selection = z.strictObject({
  ids: queueIds.exactOptional(),
  provider: name.exactOptional(),
  sender: z.string().max(320).exactOptional(),
});

const change = z.strictObject({
  pace: duration.exactOptional(),
  burst: z.int().min(1).exactOptional(),
  quotas: z.array(duration).max(20).exactOptional(),
  inFlight: z.int().min(1).exactOptional(),
  for: duration.exactOptional(),
  pin: z.boolean().exactOptional(),
  reason: text.exactOptional(),
  by,
});

const ingest = z.strictObject({
  format: z.enum(['mail', 'ndjson', 'log']),
  content: z.string().max(1_500_000),
});

const nothing = z.strictObject({});
const perhapsProvider = z.strictObject({ provider: name.exactOptional() });

/** What actions on one provider take. */
const deed = z.strictObject({ provider: name, by, reason: text.exactOptional() });

function route<S extends z.ZodType>(
  method: Route['method'],
  url: string,
  schema: S,
  ask: (target: ControlTarget, parameters: z.output<S>) => Promise<unknown>,
): Route {
  return {
    method,
    url,
    answer: async (target, parameters) => {
      const read = schema.safeParse(parameters ?? {});
      if (read.success) return ask(target, read.data);
      const [issue] = read.error.issues;
      const where = issue?.path.join('.') ?? '';
      throw new ControlError(
        400,
        `Bad request${where === '' ? '' : `, ${where}`}: ${issue?.message ?? 'unreadable'}`,
      );
    },
  };
}

export const ROUTES: readonly Route[] = [
  route('GET', '/version', nothing, async () => ({})),
  route('GET', '/status', perhapsProvider, (target, { provider }) => target.status(provider)),
  route('GET', '/limits', perhapsProvider, (target, { provider }) => target.limits(provider)),
  route('POST', '/limits/set', z.strictObject({ provider: name, change }), (target, asked) =>
    target.setLimits(asked.provider, asked.change),
  ),
  route('POST', '/limits/reset', deed, (target, asked) =>
    target.resetLimits(asked.provider, asked.by, asked.reason),
  ),
  route(
    'GET',
    '/limits/history',
    perhapsProvider.extend({ most: z.coerce.number().int().min(1).max(100_000) }),
    (target, { provider, most }) => target.history(provider, most),
  ),
  route('POST', '/suspend', deed.extend({ for: duration.exactOptional() }), (target, asked) =>
    target.suspend(asked.provider, asked.by, asked.for, asked.reason),
  ),
  route('POST', '/resume', deed, (target, asked) =>
    target.resume(asked.provider, asked.by, asked.reason),
  ),
  route(
    'POST',
    '/pass',
    deed.extend({ provider: name.exactOptional(), for: duration }),
    (target, asked) => target.pass(asked.provider, asked.by, asked.for, asked.reason),
  ),
  route('POST', '/held/list', selection, (target, asked) => target.held(asked)),
  route('POST', '/held/release', z.strictObject({ selection, by }), (target, asked) =>
    target.releaseHeld(asked.selection, asked.by),
  ),
  route('POST', '/held/adopt', z.strictObject({ ids: queueIds, by }), (target, asked) =>
    target.adoptHeld(asked.ids, asked.by),
  ),
  route('POST', '/held/reconcile', nothing, (target) => target.reconcile()),
  route('GET', '/explain', z.strictObject({ query: name }), (target, { query }) =>
    target.explain(query),
  ),
  route(
    'GET',
    '/feedback',
    perhapsProvider.extend({ most: z.coerce.number().int().min(1).max(100_000) }),
    (target, { provider, most }) => target.feedback(provider, most),
  ),
  route('POST', '/feedback/ingest', ingest, (target, asked) => target.ingest(asked)),
  route('GET', '/config', nothing, (target) => target.config()),
  route('POST', '/reload', nothing, (target) => target.reload()),
];
