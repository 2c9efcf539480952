/** Who stands at the door of tempfail mode, and what an administrator is told of it. */
import type { Config } from '../config/config.ts';
import type { PaceLog } from '../pace/log.ts';
import { reasonOf } from '../pace/log.ts';
import type { Clock } from '../pace/clock.ts';
import type { Pacer } from '../pace/pacer.ts';
import type { Store } from '../store/store.ts';
import type { Live } from './live.ts';
import type { DoorKeeper } from './refusal.ts';

export interface DoorKeeperParts {
  readonly clock: Clock;
  readonly live: Live;
  readonly pacer: Pacer;
  readonly store: Store;
  readonly log: PaceLog;
}

export function doorKeeper({ clock, live, pacer, store, log }: DoorKeeperParts): DoorKeeper {
  const run = Math.round(clock.nowMs()).toString(36);
  let serial = 0;
  return {
    clock,
    ports: () => live.config.tempfail.ports,
    targetOf: (recipient, grouped) => live.targetOf(recipient, grouped),
    groupedOf: (recipients) => live.groupedOf(recipients),
    newId: () => pacer.is.desk.idOf(`rcpt-${run}-${++serial}`),
    ask: (caller) => pacer.is.door.ask(caller),
    leave: ({ id, providers }) => {
      for (const provider of providers) {
        store.settle(provider, id).then(
          () => pacer.is.door.wake(provider),
          (error: unknown) => log.error({ provider, error: reasonOf(error) }, 'the store fails'),
        );
      }
    },
  };
}

/** `127.0.0.3[127.0.0.3]:10025`, as a delivery line names the relay: a gate on this machine. */
export function isOurDoor(relay: string, { tempfail: { ports } }: Config): boolean {
  return (
    relay.startsWith('127.') && ports.includes(Number(relay.slice(relay.lastIndexOf(':') + 1)))
  );
}

/** Said at the start and at each reload, so that nobody learns it from lost mail. */
export function warnOfRefusals(live: Live, log: PaceLog): void {
  const warning = refusalWarning(live);
  if (warning !== undefined) log.warn({ ports: live.config.tempfail.ports }, warning);
}

function refusalWarning(live: Live): string | undefined {
  if (!live.refuses) return undefined;
  const { ports } = live.config.tempfail;
  return (
    `tempfail mode: mail over a limit is refused with 451 at port ${ports.join(', ')}; ` +
    'an application that submits there LOSES MAIL, only mail servers with a queue try again'
  );
}
