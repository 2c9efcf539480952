/**
 * Letters, bits and stages of the milter protocol, versions 2 to 6, with the names of Sendmail's
 * mfdef.h beside them.
 */

/** The events of an SMTP session, in the order in which they come; UNKNOWN comes anywhere. */
export const STAGES = [
  'connect',
  'helo',
  'mail',
  'rcpt',
  'data',
  'header',
  'eoh',
  'body',
  'eom',
  'unknown',
] as const;
export type Stage = (typeof STAGES)[number];

/** Highest version spoken (SMFI_PROT_VERSION), and the lowest that is answered. */
export const VERSION = 6;
export const VERSION_MIN = 2;

/** The letter of each event (SMFIC_*). */
export const STAGE_LETTER: Readonly<Record<Stage, string>> = {
  connect: 'C', // SMFIC_CONNECT
  helo: 'H', // SMFIC_HELO
  mail: 'M', // SMFIC_MAIL
  rcpt: 'R', // SMFIC_RCPT
  data: 'T', // SMFIC_DATA, version 4
  unknown: 'U', // SMFIC_UNKNOWN, version 3
  header: 'L', // SMFIC_HEADER
  eoh: 'N', // SMFIC_EOH
  body: 'B', // SMFIC_BODY
  eom: 'E', // SMFIC_BODYEOB
};

/** What the filter may do to a message (SMFIF_*). */
export const ACTION = {
  addHeader: 0x001, // SMFIF_ADDHDRS
  replaceBody: 0x002, // SMFIF_CHGBODY
  addRecipient: 0x004, // SMFIF_ADDRCPT
  deleteRecipient: 0x008, // SMFIF_DELRCPT
  changeHeader: 0x010, // SMFIF_CHGHDRS
  quarantine: 0x020, // SMFIF_QUARANTINE
  changeFrom: 0x040, // SMFIF_CHGFROM
  addRecipientArgs: 0x080, // SMFIF_ADDRCPT_PAR
  macroLists: 0x100, // SMFIF_SETSYMLIST
} as const;

/** Steps that the MTA can leave out (SMFIP_NO*). There is none for the end of message. */
export const NO: Readonly<Record<Exclude<Stage, 'eom'>, number>> = {
  connect: 0x001, // SMFIP_NOCONNECT
  helo: 0x002, // SMFIP_NOHELO
  mail: 0x004, // SMFIP_NOMAIL
  rcpt: 0x008, // SMFIP_NORCPT
  body: 0x010, // SMFIP_NOBODY
  header: 0x020, // SMFIP_NOHDRS
  eoh: 0x040, // SMFIP_NOEOH
  unknown: 0x100, // SMFIP_NOUNKNOWN
  data: 0x200, // SMFIP_NODATA
};

/** Steps for which the MTA waits for no answer (SMFIP_NR_*), version 6. */
export const NO_REPLY: Readonly<Record<Exclude<Stage, 'eom'>, number>> = {
  header: 0x00080, // SMFIP_NR_HDR
  connect: 0x01000, // SMFIP_NR_CONN
  helo: 0x02000, // SMFIP_NR_HELO
  mail: 0x04000, // SMFIP_NR_MAIL
  rcpt: 0x08000, // SMFIP_NR_RCPT
  data: 0x10000, // SMFIP_NR_DATA
  unknown: 0x20000, // SMFIP_NR_UNKN
  eoh: 0x40000, // SMFIP_NR_EOH
  body: 0x80000, // SMFIP_NR_BODY
};

export const SKIP = 0x400; // SMFIP_SKIP: the filter may answer skip
export const RCPT_REJ = 0x800; // SMFIP_RCPT_REJ: refused recipients are shown too
export const HDR_LEADSPC = 0x100000; // SMFIP_HDR_LEADSPC: headers keep the space after the colon

/** What an offer of zero means: the sets of version 1. */
export const ACTIONS_V1 = 0x0f;
export const PROTOCOL_V1 = 0x3f;

/** Stages for which the MTA can be asked for macros, by their numbers in OPTNEG (SMFIM_*). */
export const MACRO_STAGE = {
  connect: 0,
  helo: 1,
  mail: 2,
  rcpt: 3,
  data: 4,
  eom: 5, // before eoh in number, after it in time
  eoh: 6,
} as const;
export type MacroStage = keyof typeof MACRO_STAGE;
export const MACRO_STAGES: readonly MacroStage[] = [
  'connect',
  'helo',
  'mail',
  'rcpt',
  'data',
  'eom',
  'eoh',
];

/** The longest payload in either direction (MILTER_CHUNK_SIZE). */
export const CHUNK_BYTES = 65535;
