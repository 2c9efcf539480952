/**
 * What a report shows of the message that it is about: the token that we put into it, and the queue
 * ids that its Received lines name. All of it may be invented; trust.ts compares it with what we know.
 */
import type { ReportPart } from './report-part.ts';
import { fieldBlocks, type Fields } from './report-fields.ts';
import { TOKEN_HEADER } from './token.ts';

export interface OriginalMail {
  /** Values of our header, unfolded. */
  readonly tokens: readonly string[];
  /** Candidates, the most telling first. */
  readonly queueIds: readonly string[];
}

/** Others copy headers about: so many are tried. */
const MOST_TOKENS = 4;
const MOST_IDS = 20;
const HEADER_CHARACTERS = 64 * 1024;

const TYPES = /^(?:message\/(?:rfc822|global|partial)(?:-headers)?|text\/rfc822-headers?)$/;

/** The header of the message that came back, where there is a part with it. */
export function originalHeader(parts: readonly ReportPart[]): Fields | undefined {
  const part = parts.find(({ type }) => TYPES.test(type));
  return part && fieldBlocks(part.text.slice(0, HEADER_CHARACTERS))[0];
}

/** `stated`: queue ids that the report itself says; `texts`: where a copy of the message may be. */
export function originalMail(
  texts: readonly string[],
  header: Fields | undefined,
  stated: readonly string[],
): OriginalMail {
  const tokens = new Set((header?.get(TOKEN_HEADER.toLowerCase()) ?? []).map(onOneLine));
  const ids = new Set<string>(stated);
  for (const text of texts) {
    const start = text.slice(0, HEADER_CHARACTERS);
    for (const value of tokensIn(start)) tokens.add(onOneLine(value));
    for (const [, id = ''] of start.matchAll(RECEIVED_ID)) {
      if (ids.size < MOST_IDS) ids.add(id);
    }
  }
  return { tokens: [...tokens].slice(0, MOST_TOKENS), queueIds: [...ids] };
}

/**
 * As Postfix writes it: `by mx.example.org (Postfix) with ESMTP id 4c1xYz2Qkz…`, and of mail from
 * sendmail(1) `(Postfix, from userid 1000)` with the id on the next line.
 */
const RECEIVED_ID =
  /\(Postfix[^()\n]{0,40}\)(?:[^()\n;]|\n(?=[ \t])){0,60}?\bid ([0-9A-Za-z]{6,32})\b/g;

/** The same token, however it was folded. */
function onOneLine(value: string): string {
  return value.replace(/\s+/g, ' ').trim();
}

function tokensIn(text: string): readonly string[] {
  const found: string[] = [];
  const lines = text.split(/\r?\n/);
  for (const [at, line] of lines.entries()) {
    const bare = line.replace(/^[>\s]{0,20}/, '');
    if (!bare.toLowerCase().startsWith(`${TOKEN_HEADER.toLowerCase()}:`)) continue;
    let value = bare.slice(TOKEN_HEADER.length + 1);
    for (
      let next = at + 1;
      /^[>\s]{0,20}[ \t]\S/.test(lines[next] ?? '') && next < at + 30;
      next += 1
    ) {
      value += lines[next]?.replace(/^[>\s]{0,20}/, ' ') ?? '';
    }
    found.push(value);
    if (found.length >= MOST_TOKENS) break;
  }
  return found;
}
