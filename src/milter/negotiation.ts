/** From what the MTA offers and what the filter wants to what both will do. */
import {
  ACTION,
  ACTIONS_V1,
  HDR_LEADSPC,
  MACRO_STAGES,
  NO,
  NO_REPLY,
  PROTOCOL_V1,
  RCPT_REJ,
  SKIP,
  STAGES,
  VERSION,
  VERSION_MIN,
  type MacroStage,
  type Stage,
} from './codes.ts';
import type { Offer } from './command.ts';
import { ProtocolError } from './error.ts';
import type { Agreement } from './reply.ts';

/** Edits that must be asked for before they can be made; `addHeader` includes inserting. */
export type EditRight =
  | 'addHeader'
  | 'changeHeader'
  | 'replaceBody'
  | 'addRecipient'
  | 'deleteRecipient'
  | 'changeFrom'
  | 'quarantine';

/** What a filter wants of any MTA. */
export interface Wants {
  /** Events it answers. */
  readonly on: ReadonlySet<Stage>;
  /** Events it only looks at. */
  readonly observe: ReadonlySet<Stage>;
  readonly edits: readonly EditRight[];
  /** Macros by stage. An empty list would mean `default` to Postfix, so it is not sent. */
  readonly macros: Partial<Readonly<Record<MacroStage, readonly string[]>>>;
  /** Also show recipients that the MTA refuses itself. */
  readonly rejectedRecipients: boolean;
  /** Keep the space after a header's colon. */
  readonly leadingSpace: boolean;
}

/**
 * Sets only bits that were offered, so no MTA sees a conflict; what it does not offer is made up
 * for in the session (an answer for an event that needs none, `continue` for one nobody wants).
 * ProtocolError for version 1 and below.
 */
export function negotiate(offer: Offer, wants: Wants): Agreement {
  if (offer.version < VERSION_MIN) {
    throw new ProtocolError(`milter version ${offer.version}, expected at least ${VERSION_MIN}`);
  }
  const offeredActions = offer.actions === 0 ? ACTIONS_V1 : offer.actions;
  const offeredSteps = offer.protocol === 0 ? PROTOCOL_V1 : offer.protocol;

  let steps = 0;
  for (const stage of STAGES) {
    if (stage === 'eom' || wants.on.has(stage)) continue;
    steps |= wants.observe.has(stage) ? NO_REPLY[stage] : NO[stage];
  }
  // Asked for only where a handler may use it.
  if (wants.on.has('header') || wants.on.has('body')) steps |= SKIP;
  if (wants.rejectedRecipients) steps |= RCPT_REJ;
  if (wants.leadingSpace) steps |= HDR_LEADSPC;

  let actions = 0;
  for (const right of wants.edits) actions |= ACTION[right];
  if (wants.edits.includes('addRecipient')) actions |= ACTION.addRecipientArgs;
  const lists = MACRO_STAGES.map((stage) => ({ stage, names: wants.macros[stage] ?? [] })).filter(
    ({ names }) => names.length > 0,
  );
  if (lists.length > 0) actions |= ACTION.macroLists;

  const granted = (actions & offeredActions) >>> 0;
  return {
    kind: 'optneg',
    version: Math.min(VERSION, offer.version),
    actions: granted,
    protocol: (steps & offeredSteps) >>> 0,
    macros: granted & ACTION.macroLists ? lists : [],
  };
}
