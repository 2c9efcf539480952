/**
 * One line for each thing that happens to a message or a limit. pino fits it. Addresses are given
 * at debug only; the queue id is in every line about a message.
 */
export interface PaceLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What went wrong, as a log line or an operator is told. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
