/** What in an instance stands against postpace, or lets mail pass by it. */
import { isNamed, namesSendmail, type ConfigureRequest } from './configure-request.ts';
import { expanded, type Instance } from './instance.ts';
import { serviceOption, type MasterService } from './master-service.ts';
import { milterSocket } from './milter-list.ts';
import { isSplitFilter, isSplitService, splitPort } from './split-pieces.ts';

interface Found {
  readonly warnings: readonly string[];
  readonly conflicts: readonly string[];
}

export function findConflicts(instance: Instance, request: ConfigureRequest): Found {
  const entries = instance.services.filter(
    (service) => service.command === 'smtpd' && !isSplitService(service),
  );
  return {
    conflicts: [
      ...wholeInstance(instance),
      ...unknownServices(instance, request),
      ...outsideChroot(instance, request),
      ...otherSetUp(instance, request),
      ...foreignFilter(instance, request),
    ],
    warnings: entries.flatMap((service) => passedBy(service, request)),
  };
}

function wholeInstance(instance: Instance): readonly string[] {
  const conflicts: string[] = [];
  const version = expanded(instance, 'mail_version');
  if (Number.parseInt(version, 10) < 3)
    conflicts.push(`Postfix ${version} has no settings per milter; 3.0 or later is needed.`);
  const protocol = expanded(instance, 'milter_protocol');
  if (!/^[2346]$/.test(protocol))
    conflicts.push(`milter_protocol is ${protocol}; postpace speaks 2, 3, 4 and 6.`);
  if (/\bno_milters\b/.test(expanded(instance, 'receive_override_options')))
    conflicts.push(
      'receive_override_options in main.cf has no_milters: no milter would be asked at all.',
    );
  return conflicts;
}

function unknownServices(instance: Instance, { services }: ConfigureRequest): readonly string[] {
  const known = instance.services.filter(
    (service) => service.command === 'smtpd' && !isSplitService(service),
  );
  return (services ?? [])
    .filter((name) => !namesSendmail([name]) && !known.some((each) => isNamed(each, [name])))
    .map((name) => {
      const names = [...known.map((each) => each.name), 'sendmail'].join(', ');
      return `--services: there is no smtpd service ${name} in master.cf; there are ${names}.`;
    });
}

function outsideChroot(instance: Instance, { ours }: ConfigureRequest): readonly string[] {
  const socket = milterSocket(ours.element);
  const chrooted = instance.services.find(
    ({ command, chroot }) => ['smtpd', 'cleanup'].includes(command) && chroot === 'y',
  );
  if (!socket.startsWith('unix:/') || chrooted === undefined) return [];
  return [
    `${chrooted.id} in master.cf is chrooted and can't reach ${socket}: let postpace listen ` +
      `below ${expanded(instance, 'queue_directory')}.`,
  ];
}

function otherSetUp(
  instance: Instance,
  { splitPort: wanted }: ConfigureRequest,
): readonly string[] {
  const port = splitPort(instance.services);
  if (wanted !== undefined || port === undefined) return [];
  return [
    'The split set-up is in place: say --split to keep it, or run unconfigure before you go on without it.',
  ];
}

function foreignFilter(instance: Instance, request: ConfigureRequest): readonly string[] {
  const { services: names, splitPort: wanted } = request;
  const filters = ['content_filter', 'smtpd_proxy_filter'].flatMap((name) => {
    const value = expanded(instance, name);
    return value === '' || isSplitFilter(value) ? [] : [`${name} = ${value}`];
  });
  // With --services the administrator has said on which side of the filter postpace stands.
  if (filters.length === 0 || (names !== undefined && wanted === undefined)) return [];
  if (wanted !== undefined)
    return [`${filters.join(', ')}: the split set-up needs content_filter for itself.`];
  return [
    `${filters.join(', ')}: mail passes smtpd twice, and would be paced twice. Name the services ` +
      'that take mail back from the filter: --services NAME,…',
  ];
}

function passedBy(service: MasterService, request: ConfigureRequest): readonly string[] {
  const { services: names, splitPort: wanted } = request;
  if (names !== undefined && !isNamed(service, names)) return [];
  const overrides = serviceOption(service, 'receive_override_options') ?? '';
  const filter = serviceOption(service, 'content_filter');
  const warnings: string[] = [];
  if (wanted === undefined) {
    if (serviceOption(service, 'smtpd_milters') === '' && names === undefined)
      warnings.push(
        `${service.id} has -o smtpd_milters= in master.cf and is left alone: its mail is not paced.`,
      );
    if (/\bno_milters\b/.test(overrides))
      warnings.push(`${service.id} has no_milters in master.cf: its mail is not paced.`);
    if (filter !== undefined && filter !== '' && !isSplitFilter(filter))
      warnings.push(
        `${service.id} has -o content_filter=${filter}: where the filter hands mail back, it must not be paced again.`,
      );
    return warnings;
  }
  if (names === undefined && filter !== undefined && !isSplitFilter(filter))
    warnings.push(
      `${service.id} has -o content_filter=${filter} in master.cf: its mail does not take the second hop and is not paced.`,
    );
  if (/\bno_address_mappings\b/.test(overrides))
    warnings.push(
      `${service.id} has no_address_mappings in master.cf: virtual aliases in its mail are not expanded, nor split.`,
    );
  return warnings;
}
