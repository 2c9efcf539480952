/** What an operator has set, as it ages. */
import type { Control } from './store.ts';

/** The control without its expired parts; undefined when nothing is left of it. */
export function inForce(control: Control | undefined, nowUs: number): Control | undefined {
  if (control === undefined) return undefined;
  const { override, suspended, pass } = control;
  const kept: Control = {
    ...(lasts(override, nowUs) ? { override } : {}),
    ...(lasts(suspended, nowUs) ? { suspended } : {}),
    ...(lasts(pass, nowUs) ? { pass } : {}),
  };
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** Every `until` moved by the same time: a clock that stepped back is followed, not waited for. */
export function shifted(control: Control, byUs: number): Control {
  const { override, suspended, pass } = control;
  return {
    ...(override === undefined ? {} : { override: moved(override, byUs) }),
    ...(suspended === undefined ? {} : { suspended: moved(suspended, byUs) }),
    ...(pass === undefined ? {} : { pass: moved(pass, byUs) }),
  };
}

interface Timed {
  readonly untilUs?: number;
}

function lasts<T extends Timed>(part: T | undefined, nowUs: number): part is T {
  return part !== undefined && (part.untilUs === undefined || part.untilUs > nowUs);
}

function moved<T extends Timed>(part: T, byUs: number): T {
  return part.untilUs === undefined ? part : { ...part, untilUs: part.untilUs + byUs };
}
