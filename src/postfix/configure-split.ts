/** The split set-up: a loopback hop before the milter, one recipient a message. */
import { isNamed, namesSendmail, type ConfigureRequest } from './configure-request.ts';
import type { Draft } from './draft.ts';
import { isSplitFilter, SPLIT_SETTINGS, splitFilter, splitServices } from './split-pieces.ts';

export function splitChanges(draft: Draft, request: ConfigureRequest, port: number): void {
  const names = request.services;
  for (const service of splitServices(port, request.ours.element)) draft.service(service);
  for (const [name, value] of SPLIT_SETTINGS) draft.main(name, value);
  const filter = splitFilter(port);
  if (names === undefined) {
    draft.main('content_filter', filter);
    return;
  }
  // From a set-up of all services to one of some.
  if (isSplitFilter(draft.value('content_filter') ?? '')) draft.main('content_filter', '');
  for (const service of draft.services) {
    const sendmail = service.command === 'pickup' && namesSendmail(names);
    if (sendmail || (service.command === 'smtpd' && isNamed(service, names)))
      draft.option(service, 'content_filter', filter);
  }
}
