/**
 * Tells a person what feedback can't mend: by mail through Postfix, by a command, and always in the
 * log. Nobody waits for it, and what fails is logged and ends there.
 */
import type { Config } from '../config/config.ts';
import type { FeedbackEventReport } from '../control/api.ts';
import { Allowance } from '../feedback/allowance.ts';
import { type Alert, alertMail, alertOf, waveAlert } from '../feedback/alert.ts';
import type { Classification } from '../feedback/classify.ts';
import { MailboxWaves } from '../feedback/mailbox-wave.ts';
import { type PaceLog, reasonOf } from '../pace/log.ts';
import { runCommand } from '../postfix/command.ts';
import type { DeliveryEvent } from '../postfix/event.ts';
import { runAlertCommand } from './alert-command.ts';

export interface AlertParts {
  readonly log: PaceLog;
  readonly nowMs: () => number;
  readonly host: string;
  readonly config: () => Pick<Config, 'alerts' | 'postfix'>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const HOUR_SEC = 3600;
/** Of all causes together: domains that are made to be refused must not fill a mailbox. */
const MOST_PER_HOUR = 20;
const LONGEST_MS = 10_000;

export class Alerts {
  readonly #parts: AlertParts;
  readonly #waves = new MailboxWaves();
  readonly #perCause = new Allowance(1, HOUR_SEC);
  readonly #all = new Allowance(MOST_PER_HOUR, HOUR_SEC);

  constructor(parts: AlertParts) {
    this.#parts = parts;
  }

  /** An event of the feedback list. */
  heard(event: FeedbackEventReport): void {
    // What becomes of an alert raises none.
    if (this.#isForUs(event.recipient)) return;
    const alert = alertOf(event);
    if (alert !== undefined) void this.raise(alert);
  }

  /** Every attempt that the log told; counts the recipients that do not exist. */
  outcome(
    { recipient, status, contacted }: DeliveryEvent,
    provider: string,
    classification: Classification | undefined,
  ): void {
    if (!contacted || (status !== 'sent' && status !== 'bounced')) return;
    if (this.#isForUs(recipient)) return;
    const isBad = classification?.category === 'bad_mailbox';
    const wave = this.#waves.note(provider, isBad, this.#parts.nowMs());
    if (wave !== undefined) void this.raise(waveAlert(provider, wave.bad, wave.all));
  }

  /** Resolves when it was told, or need not be. Never rejects for what fails on the way. */
  async raise(alert: Alert): Promise<void> {
    const { log, host, config, nowMs, env } = this.#parts;
    const { cause, provider, summary, reply, queueId } = alert;
    if (!(await this.#perCause.passes(`${cause} ${provider}`))) return;
    const fields = { cause, provider, queueId, reply };
    if (!(await this.#all.passes('all'))) {
      log.warn(fields, `alert, not sent for there are too many: ${summary}`);
      return;
    }
    log.warn(fields, `alert: ${summary}`);
    const { alerts, postfix } = config();
    const failed = (way: string) => (error: unknown) =>
      log.warn({ cause, provider, error: reasonOf(error) }, `an alert could not be told by ${way}`);
    const ways: Promise<unknown>[] = [];
    if (alerts.mail !== undefined) {
      // The null sender: what can't be delivered comes back to nobody.
      const { configDirectory } = postfix;
      const argv = ['sendmail', '-C', configDirectory, '-i', '-f', '<>', '--', alerts.mail];
      const mail = alertMail(alert, alerts.mail, host);
      ways.push(runCommand(argv, mail).catch(failed('mail')));
    }
    if (alerts.command !== undefined) {
      const told = `${JSON.stringify({ at: new Date(nowMs()).toISOString(), host, ...alert })}\n`;
      const { PATH } = env;
      const settings = { longestMs: LONGEST_MS, env: PATH === undefined ? {} : { PATH } };
      ways.push(runAlertCommand(alerts.command, told, settings).catch(failed('command')));
    }
    await Promise.all(ways);
  }

  #isForUs(recipient: string | null): boolean {
    const { mail } = this.#parts.config().alerts;
    return mail !== undefined && recipient?.toLowerCase() === mail.toLowerCase();
  }
}
