/** The milters beside ours, and whether Postfix holds mail for them when they fail. */
import { serviceOption } from './master-service.ts';
import { expandMilters, milterSocket } from './milter-list.ts';
import type { PostfixSettings } from './settings.ts';

export interface OtherMilter {
  /** As Postfix names it in the log: `unix:opendkim/opendkim.sock`. */
  readonly socket: string;
  /** default_action=quarantine: mail is held for it, too, when it can't be reached. */
  readonly quarantines: boolean;
}

/** From main.cf and every `-o smtpd_milters=` and the like; `ours`: the names of our socket. */
export function otherMilters(
  settings: PostfixSettings,
  ours: readonly string[],
): readonly OtherMilter[] {
  const value = (name: string) => settings.main.get(name);
  const parameters = ['smtpd_milters', 'non_smtpd_milters'];
  const lists = [undefined, ...settings.services].flatMap((service) =>
    parameters.map((name) => ({
      list: (service === undefined ? value(name) : serviceOption(service, name)) ?? '',
      usual:
        (service && serviceOption(service, 'milter_default_action')) ??
        value('milter_default_action'),
    })),
  );
  const found = new Map<string, boolean>();
  for (const { list, usual } of lists) {
    for (const element of expandMilters(list, value)) {
      const socket = milterSocket(element);
      if (ours.includes(socket)) continue;
      const action = /[\s,{]default_action\s*=\s*(\w+)/.exec(element)?.[1] ?? usual;
      found.set(socket, found.get(socket) === true || action === 'quarantine');
    }
  }
  return [...found].map(([socket, quarantines]) => ({ socket, quarantines }));
}
