/** What `postpace postfix configure` was asked for. */
import type { MasterService } from './master-service.ts';
import type { OurMilter } from './milter-list.ts';

export interface ConfigureRequest {
  readonly ours: OurMilter;
  /** Services of master.cf by name (`smtp`, `submission`), `sendmail` for sendmail(1); all. */
  readonly services: readonly string[] | undefined;
  /** The port of the second hop; undefined: no split set-up. */
  readonly splitPort: number | undefined;
}

/** Whether `--services` names it; `smtpd` is the smtp service where no service is called so. */
export function isNamed(service: MasterService, names: readonly string[]): boolean {
  return (
    names.includes(service.name) ||
    names.includes(service.id) ||
    (service.id === 'smtp/inet' && names.includes('smtpd'))
  );
}

export function namesSendmail(names: readonly string[]): boolean {
  return names.includes('sendmail') || names.includes('pickup');
}
