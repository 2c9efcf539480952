/** What the program's exit status says; 69 and 78 are EX_UNAVAILABLE and EX_CONFIG of sysexits.h. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  unreachable: 69,
  configuration: 78,
} as const;

export type ExitCode = number;
