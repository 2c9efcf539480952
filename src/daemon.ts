/** The daemon: puts the parts together, serves until told to stop, and ends in order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { ConfigError } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { ControlError } from './control/api.ts';
import { serveControl } from './control/server.ts';
import { claimSocket } from './control/socket.ts';
import { Service } from './daemon/service.ts';
import { StoreError } from './store/store.ts';
import { type Notifier, notifier } from './systemd/notify.ts';

export interface DaemonOptions {
  /** Absent: /etc/postpace/postpace.yaml, or the defaults where there is none. */
  readonly configFile?: string;
}

/** May use the control socket, beside root and the daemon itself. */
const CONTROL_GROUP = 'postpace';
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
    // A second daemon must not touch the first one's books: it is refused before they are opened.
    await claimSocket(config.control, CONTROL_GROUP, log);
    service = await Service.open(config, log, load);
    const control = await serveControl(config.control, service.target, log, CONTROL_GROUP);
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

/** Reloads at each SIGHUP; resolves at SIGTERM or SIGINT. */
async function untilTold(service: Service, systemd: Notifier, log: Logger): Promise<void> {
  const reload = (): void => void reloadTold(service, systemd);
  process.on('SIGHUP', reload);
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  process.off('SIGHUP', reload);
  log.info({ signal }, 'told to end');
}

async function reloadTold(service: Service, systemd: Notifier): Promise<void> {
  systemd.reloading();
  try {
    await service.reload();
  } catch {
    // What is wrong with the new file is in the log; the old one stays in force.
  }
  systemd.ready();
}
