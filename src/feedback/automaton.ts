/**
 * Finds many phrases in one pass over a text (Aho and Corasick 1975): one step of a table for each
 * character, and for each segment that ends there a look at the phrases that wait for it. The time
 * grows with the length of the text and with nothing else in it.
 */
import { isWordCode, type Phrase, type Segment } from './phrase.ts';

export interface Automaton {
  /** Adds to `found` the indexes of the phrases in a text (lower case, single blanks), each once. */
  readonly find: (text: string, found: number[]) => void;
  /** The most phrases that one character of a text can make it look at. */
  readonly mostPerCharacter: number;
}

/** A place of a segment in a phrase: which phrase, which of its parts, and the boundaries asked for. */
interface Step {
  readonly phrase: number;
  readonly part: number;
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

interface Ending {
  readonly length: number;
  readonly steps: readonly Step[];
}

export function createAutomaton(phrases: readonly Phrase[]): Automaton {
  const { classes, width, table, endings } = link(grow(phrases));
  const wanted = Uint8Array.from(phrases, (phrase) => phrase.length);
  const isWord = Uint8Array.from({ length: 128 }, (_, code) => (isWordCode(code) ? 1 : 0));

  // What each phrase has got so far, valid only in the round that it is marked with.
  const round = new Uint32Array(phrases.length);
  const got = new Uint8Array(phrases.length);
  const free = new Uint32Array(phrases.length);
  let now = 0;

  function look(text: string, end: number, { length, steps }: Ending, found: number[]): void {
    const start = end - length;
    const inWordBefore = start > 0 && isWord[text.charCodeAt(start - 1)] === 1;
    const inWordAfter = end < text.length && isWord[text.charCodeAt(end)] === 1;
    for (const { phrase, part, atStart, atEnd } of steps) {
      if ((atStart && inWordBefore) || (atEnd && inWordAfter)) continue;
      const begun = round[phrase] === now;
      if (part !== (begun ? got[phrase] : 0)) continue;
      if (begun && (free[phrase] ?? 0) > start) continue;
      round[phrase] = now;
      got[phrase] = part + 1;
      free[phrase] = end;
      if (part + 1 === wanted[phrase]) found.push(phrase);
    }
  }

  return {
    mostPerCharacter: Math.max(
      ...endings.map((list) => list?.reduce((sum, ending) => sum + ending.steps.length, 0) ?? 0),
    ),
    find: (text, found) => {
      // Marks of four billion rounds ago must not be taken for this one's.
      if (now === 0xffff_ffff) round.fill((now = 0));
      now += 1;
      let state = 0;
      for (let at = 0; at < text.length; at += 1) {
        const code = text.charCodeAt(at);
        state = table[state * width + (code < 128 ? (classes[code] ?? 0) : 0)] ?? 0;
        const ends = endings[state];
        if (ends === undefined) continue;
        for (const ending of ends) look(text, at + 1, ending, found);
      }
    },
  };
}

/** The segments as a tree of their characters. State 0 is its root. */
interface Tree {
  readonly next: readonly ReadonlyMap<string, number>[];
  readonly depths: readonly number[];
  readonly steps: readonly (readonly Step[])[];
}

function grow(phrases: readonly Phrase[]): Tree {
  const next: Map<string, number>[] = [new Map()];
  const depths = [0];
  const steps: Step[][] = [[]];
  const stateOf = ({ text }: Segment): number => {
    let state = 0;
    for (const character of text) {
      let child = next[state]?.get(character);
      if (child === undefined) {
        child = next.push(new Map()) - 1;
        depths.push((depths[state] ?? 0) + 1);
        steps.push([]);
        next[state]?.set(character, child);
      }
      state = child;
    }
    return state;
  };
  for (const [phrase, parts] of phrases.entries()) {
    for (const [part, segments] of parts.entries()) {
      for (const segment of segments) {
        const { atStart, atEnd } = segment;
        steps[stateOf(segment)]?.push({ phrase, part, atStart, atEnd });
      }
    }
  }
  return { next, depths, steps };
}

/** The tree with its failures resolved, as one table: a row a state, a column a class of characters. */
interface Linked {
  /** Character code -> its column; 0 is every character that no segment has. */
  readonly classes: Uint8Array;
  readonly width: number;
  /** The narrower one, where it can count the states: half the memory of tens of thousands of rows. */
  readonly table: Uint16Array | Uint32Array;
  /** By state: the segments that end there, longest first; undefined for none. */
  readonly endings: readonly (readonly Ending[] | undefined)[];
}

function link({ next, depths, steps }: Tree): Linked {
  const characters = [...new Set(next.flatMap((children) => [...children.keys()]))];
  const classes = new Uint8Array(128);
  for (const [at, character] of characters.entries()) classes[character.charCodeAt(0)] = at + 1;
  const width = characters.length + 1;
  const Numbers = next.length <= 0x1_0000 ? Uint16Array : Uint32Array;
  const table = new Numbers(next.length * width);
  const fail = new Uint32Array(next.length);
  const endings: (readonly Ending[] | undefined)[] = next.map(() => undefined);
  // Breadth first: what a state falls back to lies nearer to the root and is complete before it.
  const queue = [0];
  for (const state of queue) {
    const fallback = fail[state] ?? 0;
    const inherited = state === 0 ? undefined : endings[fallback];
    const own = steps[state] ?? [];
    endings[state] =
      own.length === 0
        ? inherited
        : [{ length: depths[state] ?? 0, steps: own }, ...(inherited ?? [])];
    if (state !== 0) {
      table.copyWithin(state * width, fallback * width, (fallback + 1) * width);
    }
    for (const [character, child] of next[state] ?? []) {
      const cell = state * width + (classes[character.charCodeAt(0)] ?? 0);
      fail[child] = table[cell] ?? 0;
      table[cell] = child;
      queue.push(child);
    }
  }
  return { classes, width, table, endings };
}
