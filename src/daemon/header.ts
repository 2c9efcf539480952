/** The head of a status report: what runs here, with what, and what is wrong with it. */
import type { Config } from '../config/config.ts';
import type { StatusReport } from '../control/api.ts';
import type { FollowState } from '../postfix/follow.ts';
import type { PostfixSettings } from '../postfix/settings.ts';
import type { Store } from '../store/store.ts';
import { packageVersion } from '../version.ts';
import { milterWarnings } from './places.ts';

export type StatusHeader = Pick<
  StatusReport,
  'version' | 'pid' | 'startedAt' | 'store' | 'split' | 'mode' | 'log' | 'postfix' | 'warnings'
>;

export interface HeaderParts {
  readonly config: Config;
  readonly postfix: PostfixSettings;
  readonly startedAt: number;
  readonly store: Pick<Store, 'kind' | 'split'>;
  readonly logSource: string;
  /** undefined: no log is followed. */
  readonly logState: FollowState | undefined;
  readonly troubles: readonly string[];
  readonly warnings: readonly string[];
}

export function statusHeader(parts: HeaderParts): StatusHeader {
  const { config, postfix, logState, store } = parts;
  return {
    version: packageVersion(),
    pid: process.pid,
    startedAt: parts.startedAt,
    store: store.kind,
    split:
      store.split === undefined
        ? null
        : { since: Math.round(store.split.sinceUs / 1000), why: store.split.why },
    mode: config.mode,
    log: { source: parts.logSource, state: describeLog(logState) },
    postfix: { configDirectory: postfix.configDirectory },
    warnings: [
      ...parts.troubles,
      ...[logState?.trouble, logState?.lost].flatMap((text) =>
        text === undefined ? [] : [`Postfix log: ${text}`],
      ),
      ...milterWarnings(config, postfix),
      ...parts.warnings,
    ],
  };
}

function describeLog(state: FollowState | undefined): string {
  if (state === undefined) return 'not followed: no outcomes are seen, in_flight is not counted';
  if (state.trouble !== undefined) return state.trouble;
  return state.behindBytes ? `${state.behindBytes} bytes behind` : 'followed';
}
