/**
 * Mail that a program wrote in answer to ours and that says nothing about delivery: vacation notes,
 * receipts (RFC 3834).
 */
import type { ReportMessage } from './report-part.ts';

const SUBJECT =
  /^\[?(?:auto(?:matic)?[ -]?(?:reply|response|antwort)|auto ?:|out of (?:the )?office|away from|vacation|abwesen|réponse automatique|absence|risposta automatica|respuesta automática|autosvar|poza biurem|odpowiedź automatyczna|automatyczna odpowiedź)/i;

/** Says so in its header: RFC 3834's own field, and what older programs write. */
export function isAutoReply({ header, subject }: ReportMessage): boolean {
  const submitted = header('auto-submitted')?.trim().toLowerCase() ?? 'no';
  if (submitted.startsWith('auto-')) return true;
  if (saysYes(header('x-autoreply')) || saysYes(header('x-autorespond'))) return true;
  const precedence = header('precedence')?.trim().toLowerCase() ?? '';
  return /^auto[_-]?repl/.test(precedence) || SUBJECT.test(subject.slice(0, 200).trim());
}

function saysYes(value: string | undefined): boolean {
  return value !== undefined && !/^(?:no|none|false)?$/i.test(value.trim());
}
