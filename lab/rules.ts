/** Rules for sinks: how providers refuse. Each keeps its own state; make a new one per sink. */
import type { Rule, Stage } from './sink.ts';

/** Always this reply at this stage. */
export function refuse(stage: Stage, reply: string): Rule {
  return (question) => (question.stage === stage ? reply : undefined);
}

/** The first rule that answers. */
export function firstOf(...rules: readonly Rule[]): Rule {
  return (question) => {
    for (const rule of rules) {
      const reply = rule(question);
      if (reply !== undefined) return reply;
    }
    return undefined;
  };
}

/** This rule between two times of the sink's clock (milliseconds since the epoch). */
export function between(fromMs: number, untilMs: number, rule: Rule): Rule {
  return (question) =>
    question.atMs >= fromMs && question.atMs < untilMs ? rule(question) : undefined;
}

export interface HiddenRate {
  /** Messages that are well in any window of windowMs. */
  readonly count: number;
  readonly windowMs: number;
  /** Where the excess is refused: mail, rcpt or end. */
  readonly stage: Stage;
  readonly reply: string;
  /** After an excess everything is refused for so long: a block. Default 0. */
  readonly blockMs?: number;
}

/** The rate that a provider keeps to itself: what goes beyond is refused, or blocks the sender. */
export function hiddenRate(rate: HiddenRate): Rule {
  const { count, windowMs, stage, reply, blockMs = 0 } = rate;
  let recent: number[] = [];
  let blockedUntilMs = -Infinity;
  return ({ stage: at, atMs }) => {
    if (at !== stage) return undefined;
    if (atMs < blockedUntilMs) return reply;
    recent = recent.filter((then) => then > atMs - windowMs);
    if (recent.length < count) {
      recent.push(atMs);
      return undefined;
    }
    blockedUntilMs = atMs + blockMs;
    return reply;
  };
}
