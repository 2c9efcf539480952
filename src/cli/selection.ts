/** Which held messages a verb is about: by id, provider and sender; all that are given must fit. */
import type { Argv } from 'yargs';

import type { Selection } from '../control/api.ts';

export interface SelectionOptions {
  readonly ids?: readonly string[] | undefined;
  readonly provider?: string | undefined;
  readonly sender?: string | undefined;
}

export function selectionOptions<T>(yargs: Argv<T>) {
  return yargs
    .positional('ids', { type: 'string', array: true, describe: 'Queue ids' })
    .option('provider', {
      type: 'string',
      requiresArg: true,
      describe: 'Mail for this provider (its exact id)',
    })
    .option('sender', {
      type: 'string',
      requiresArg: true,
      describe: "Mail of this sender (its exact address; '<>' for bounces)",
    });
}

/** The same, where selecting nothing must not mean everything. */
export function someSelection<T>(yargs: Argv<T>) {
  return selectionOptions(yargs).check((args) => {
    if ((args.ids?.length ?? 0) > 0 || args.provider !== undefined || args.sender !== undefined) {
      return true;
    }
    throw new Error('Which messages? Name queue ids, --provider or --sender');
  });
}

export function selectionOf(options: SelectionOptions): Selection {
  const { ids, provider, sender } = options;
  return {
    ...(ids !== undefined && ids.length > 0 && { ids }),
    ...(provider !== undefined && { provider }),
    ...(sender !== undefined && { sender: sender === '<>' ? '' : sender }),
  };
}
