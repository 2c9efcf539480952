/** What the program's exit status says; 69, 75 and 78 are EX_UNAVAILABLE, EX_TEMPFAIL and EX_CONFIG of sysexits.h. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  unreachable: 69,
  /** To be tried again: what Postfix makes of it keeps the mail. */
  later: 75,
  configuration: 78,
} as const;

export type ExitCode = number;
