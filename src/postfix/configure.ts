/**
 * `postpace postfix configure`: which changes make postpace the last milter of an instance.
 * Pure: an instance as read in, changes out, with what stands against them.
 */
import type { Change } from './change.ts';
import { findConflicts } from './configure-conflicts.ts';
import { isNamed, namesSendmail, type ConfigureRequest } from './configure-request.ts';
import { splitChanges } from './configure-split.ts';
import { Draft } from './draft.ts';
import type { Instance } from './instance.ts';
import { serviceOption } from './master-service.ts';
import { withOursLast, withoutOurs, type OurMilter } from './milter-list.ts';
import { isSplitService } from './split-pieces.ts';

export interface ConfigurePlan {
  readonly changes: readonly Change[];
  /** Sentences: what was left alone and why. */
  readonly warnings: readonly string[];
  /** Sentences: why this instance can't be configured like that; nothing may be applied then. */
  readonly conflicts: readonly string[];
}

export function planConfigure(instance: Instance, request: ConfigureRequest): ConfigurePlan {
  const draft = new Draft(instance);
  const found = findConflicts(instance, request);
  draft.main('enable_long_queue_ids', 'yes');
  if (request.splitPort === undefined) placeMilter(draft, request);
  else {
    removeMilter(draft, request.ours);
    splitChanges(draft, request, request.splitPort);
  }
  return { changes: draft.changes(), ...found };
}

function placeMilter(draft: Draft, { ours, services: names }: ConfigureRequest): void {
  const placed = (list: string, wanted: boolean) =>
    wanted ? withOursLast(list, ours, draft.value) : withoutOurs(list, ours);
  const sendmail = names === undefined || namesSendmail(names);
  const before = draft.value('smtpd_milters') ?? '';
  draft.main('smtpd_milters', placed(before, names === undefined));
  draft.main('non_smtpd_milters', placed(draft.value('non_smtpd_milters') ?? '', sendmail));
  for (const service of draft.services) {
    const own = serviceOption(service, 'smtpd_milters');
    const named = names !== undefined && isNamed(service, names);
    if (service.command === 'smtpd' && (named || own)) {
      const list = own ?? draft.value('smtpd_milters') ?? '';
      draft.option(service, 'smtpd_milters', placed(list, named || names === undefined));
    }
    const other = serviceOption(service, 'non_smtpd_milters');
    if (other) draft.option(service, 'non_smtpd_milters', placed(other, sendmail));
  }
}

function removeMilter(draft: Draft, ours: OurMilter): void {
  for (const name of ['smtpd_milters', 'non_smtpd_milters']) {
    draft.main(name, withoutOurs(draft.value(name) ?? '', ours));
    for (const service of draft.services) {
      const own = serviceOption(service, name);
      if (own && !isSplitService(service)) draft.option(service, name, withoutOurs(own, ours));
    }
  }
}
