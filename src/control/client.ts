/**
 * The admin CLI's way to the daemon: HTTP on its unix socket, one connection a call, so that
 * nothing keeps the process alive afterwards.
 */
import { request } from 'node:http';

import {
  ControlError,
  type AdjustmentReport,
  type ControlTarget,
  type Counted,
  type ExplainReport,
  type FeedbackListReport,
  type HeldReport,
  type IngestReport,
  type LimitsChange,
  type ProviderReport,
  type Selection,
  type StatusReport,
} from './api.ts';
import { API_HEADER, API_VERSION } from './greeting.ts';

/** Nobody answers on the control socket, or not in time, or it is not postpace. CLI exit 69. */
export class DaemonUnreachable extends Error {
  override readonly name = 'DaemonUnreachable';
}

/** How long a question, and how long a deed, may take (a release waits for postsuper). */
export interface Patience {
  readonly askMs: number;
  readonly actMs: number;
}

const PATIENCE: Patience = { askMs: 5_000, actMs: 60_000 };

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * A ControlTarget that asks the daemon on `socketPath`. Every method rejects with ControlError when
 * the daemon refuses, and with DaemonUnreachable when it can't be asked, or `signal` ends the wait.
 */
export function controlClient(
  socketPath: string,
  patience: Patience = PATIENCE,
  signal?: AbortSignal,
): ControlTarget {
  const get = <T>(path: string, query: Readonly<Record<string, string | undefined>> = {}) => {
    const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
    const search = new URLSearchParams(given).toString();
    return send<T>(socketPath, {
      method: 'GET',
      path: search === '' ? path : `${path}?${search}`,
      timeoutMs: patience.askMs,
      signal,
    });
  };
  const post = async <T>(path: string, body: unknown, timeoutMs = patience.actMs): Promise<T> => {
    // A frozen daemon is noticed here, before anything is asked for whose outcome would be unknown.
    if (timeoutMs > patience.askMs) await get('/version');
    return send<T>(socketPath, { method: 'POST', path, body, timeoutMs, signal });
  };

  return {
    status: (provider) => get<StatusReport>('/status', { provider }),
    limits: (provider) => get<readonly ProviderReport[]>('/limits', { provider }),
    setLimits: (provider: string, change: LimitsChange) =>
      post<ProviderReport>('/limits/set', { provider, change }),
    resetLimits: (provider, by, reason) =>
      post<ProviderReport>('/limits/reset', { provider, by, reason }),
    history: (provider, most) =>
      get<readonly AdjustmentReport[]>('/limits/history', { provider, most: String(most) }),
    suspend: (provider, by, forText, reason) =>
      post<ProviderReport>('/suspend', { provider, by, for: forText, reason }),
    resume: (provider, by, reason) => post<ProviderReport>('/resume', { provider, by, reason }),
    pass: (provider, by, forText, reason) =>
      post<{ readonly until: number }>('/pass', { provider, by, for: forText, reason }),
    // Asked with POST: a selection may name more ids than a request line holds.
    held: (selection: Selection) =>
      post<readonly HeldReport[]>('/held/list', selection, patience.askMs),
    releaseHeld: (selection, by) => post<Counted>('/held/release', { selection, by }),
    reconcile: () => post('/held/reconcile', {}),
    adoptHeld: (ids, by) => post<Counted>('/held/adopt', { ids, by }),
    explain: (query) => get<ExplainReport>('/explain', { query }),
    feedback: (provider, most) =>
      get<FeedbackListReport>('/feedback', { provider, most: String(most) }),
    ingest: (what) => post<IngestReport>('/feedback/ingest', what),
    config: () => get<unknown>('/config'),
    reload: () => post('/reload', {}),
  };
}

interface Answer {
  readonly api: string | undefined;
  readonly status: number;
  readonly text: string;
}

async function send<T>(socketPath: string, call: Call): Promise<T> {
  let answer: Answer;
  try {
    answer = await exchange(socketPath, call);
  } catch (error) {
    throw unreachable(socketPath, error);
  }
  checkAnswer(socketPath, answer);
  // Its shape is that of api.ts, which the version of the interface stands for.
  return JSON.parse(answer.text === '' ? 'null' : answer.text);
}

/** One request and its whole answer; rejects with node's errors, ETIMEDOUT after timeoutMs. */
function exchange(socketPath: string, call: Call): Promise<Answer> {
  const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
  const headers =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
  return new Promise<Answer>((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        method: call.method,
        path: call.path,
        agent: false,
        headers,
        ...(call.signal && { signal: call.signal }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        const api = response.headers[API_HEADER];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          clearTimeout(timer);
          resolve({
            api: Array.isArray(api) ? api[0] : api,
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
          });
        });
      },
    );
    const timer = setTimeout(() => {
      outgoing.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }));
    }, call.timeoutMs);
    outgoing.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    outgoing.end(body);
  });
}

/** Throws DaemonUnreachable when another program answered, ControlError when ours refused. */
function checkAnswer(socketPath: string, { api, status, text }: Answer): void {
  if (api === undefined) {
    throw new DaemonUnreachable(`Something other than postpace answers on ${socketPath}.`);
  }
  if (api !== API_VERSION) {
    throw new DaemonUnreachable(
      `The daemon on ${socketPath} speaks version ${api} of the control interface, ` +
        `this command version ${API_VERSION}: restart the daemon after an upgrade.`,
    );
  }
  if (status >= 200 && status < 300) return;
  const value = JSON.parse(text === '' ? 'null' : text);
  throw new ControlError(
    status === 400 || status === 404 || status === 409 || status === 503 ? status : 500,
    String(value?.error ?? `The daemon answered with HTTP status ${status}.`),
  );
}

/** What happened, and what to do about it. */
function unreachable(socketPath: string, error: unknown): DaemonUnreachable {
  if (!(error instanceof Error)) throw error;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return new DaemonUnreachable(
        `No daemon: there is no control socket ${socketPath}. Is postpace running ` +
          `(systemctl status postpace), and with this configuration? See --config and --control.`,
      );
    case 'ECONNREFUSED':
      return new DaemonUnreachable(
        `No daemon: nobody answers on the control socket ${socketPath}. ` +
          `postpace is not running, or was killed (systemctl status postpace).`,
      );
    case 'EACCES':
    case 'EPERM':
      return new DaemonUnreachable(
        `No permission for the control socket ${socketPath}. It is for root and the group ` +
          `postpace: adduser USER postpace, and log in again.`,
      );
    case 'ETIMEDOUT':
      return new DaemonUnreachable(
        `The daemon took the connection on ${socketPath} and did not answer in time. It hangs, ` +
          `is stopped, or is very busy; what was asked may or may not have been done.`,
      );
    default:
      return new DaemonUnreachable(
        `The daemon can't be asked on ${socketPath}: ${error.message}. ` +
          `Is it being stopped or restarted?`,
      );
  }
}
