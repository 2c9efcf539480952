/** The daemon: puts the parts together, serves until told to stop, and ends in order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { ConfigError } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { ControlError } from './control/api.ts';
import { serveControl } from './control/server.ts';
import { Service } from './daemon/service.ts';
import { StoreError } from './store/store.ts';
import { notifier } from './systemd/notify.ts';

export interface DaemonOptions {
  /** Absent: /etc/postpace/postpace.yaml, or the defaults where there is none. */
  readonly configFile?: string;
}

/** How long Postfix's open conversations are waited for when the daemon is told to end. */
const DRAIN_MS = 5000;

/** Serves until SIGTERM or SIGINT. Resolves with the exit code (sysexits.h). */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  const load = () =>
    loadConfig({
      ...(options.configFile !== undefined && { file: options.configFile }),
      env: process.env,
    });
  let config;
  try {
    config = load();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`postpace: ${error.message}\n`);
    return 78;
  }
  const log = pino({
    level: config.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
  });
  const systemd = notifier(process.env, (text) =>
    log.warn({ error: text }, 'systemd-notify fails'),
  );
  let service: Service | undefined;
  try {
    service = await Service.open(config, log, load);
    const control = await serveControl(config.control, service.target, log);
    await service.start();
    systemd.ready();
    log.info(service.about(), 'postpace is ready');
    await untilTold(service, systemd, log);
    systemd.stopping();
    log.info({}, 'postpace ends: no new mail is asked for, open conversations are finished');
    await service.stop(DRAIN_MS);
    await control.close();
    return 0;
  } catch (error) {
    if (!isExpected(error)) throw error;
    log.fatal({ error: error.message }, 'postpace cannot serve');
    await Promise.race([service?.stop(0), sleep(2000)]);
    return error instanceof ConfigError ? 78 : 1;
  } finally {
    systemd.close();
  }
}

/** What stands in the way at the start: said in a sentence, not with a stack. */
function isExpected(error: unknown): error is Error {
  return (
    error instanceof Error &&
    (error instanceof ConfigError ||
      error instanceof StoreError ||
      error instanceof ControlError ||
      error.name === 'StartError')
  );
}

function untilTold(
  service: Service,
  systemd: ReturnType<typeof notifier>,
  log: { info(fields: object, text: string): void },
): Promise<void> {
  return new Promise((resolve) => {
    const end = (signal: NodeJS.Signals): void => {
      log.info({ signal }, 'told to end');
      process.off('SIGHUP', reload);
      resolve();
    };
    const reload = (): void => {
      systemd.reloading();
      // What is wrong with the new file is in the log; the old one stays in force.
      service.reload().then(
        () => systemd.ready(),
        () => systemd.ready(),
      );
    };
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
    process.on('SIGHUP', reload);
  });
}
