/**
 * A list of milters as smtpd_milters and non_smtpd_milters have it: elements separated by commas
 * or white space, where `{ unix:path, name=value … }` is one element (postconf(5)).
 */

/** The elements as written, braces included. */
export function splitMilters(list: string): readonly string[] {
  const elements: string[] = [];
  let depth = 0;
  let current = '';
  for (const char of list) {
    if (depth === 0 && /[\s,]/.test(char)) {
      if (current !== '') elements.push(current);
      current = '';
      continue;
    }
    if (char === '{') depth += 1;
    if (char === '}') depth -= 1;
    current += char;
  }
  if (current !== '') elements.push(current);
  return elements;
}

/** `unix:postpace/milter.sock`, without the settings in braces. */
export function milterSocket(element: string): string {
  if (!element.startsWith('{')) return element;
  return (
    element
      .slice(1)
      .trim()
      .split(/[\s,}]/, 1)[0] ?? ''
  );
}

/** `$name`, `${name}` or `$(name)` and nothing else: the name. */
function reference(element: string): string | undefined {
  const match = /^\$(?:(\w+)|\{(\w+)\}|\((\w+)\))$/.exec(element);
  return match === null ? undefined : (match[1] ?? match[2] ?? match[3]);
}

/** References to other parameters replaced by what those hold; others stay as they are. */
export function expandMilters(
  list: string,
  value: (name: string) => string | undefined,
  depth = 8,
): readonly string[] {
  return splitMilters(list).flatMap((element) => {
    const name = reference(element);
    const held = name === undefined ? undefined : value(name);
    if (held === undefined || depth === 0) return [element];
    return expandMilters(held, value, depth - 1);
  });
}

/** The postpace milter as it stands in the lists: every way to write its socket, and its line. */
export interface OurMilter {
  /** The element to write. */
  readonly element: string;
  /** Sockets that are ours, as milterSocket gives them. */
  readonly sockets: readonly string[];
}

/** `socket`: `unix:postpace/milter.sock`, `inet:127.0.0.1:8892`. */
export function milterElement(socket: string): string {
  return `{ ${socket}, connect_timeout=2s, command_timeout=5s, content_timeout=8s, default_action=quarantine }`;
}

export function isOurs(element: string, ours: OurMilter): boolean {
  return ours.sockets.includes(milterSocket(element));
}

/** The list without ours; what stays is as it was written where nothing had to go. */
export function withoutOurs(list: string, ours: OurMilter): string {
  const elements = splitMilters(list);
  const kept = elements.filter((element) => !isOurs(element, ours));
  return kept.length === elements.length ? list : kept.join(', ');
}

/**
 * The list with ours as the last milter, once. A reference stays unless it brings ours along at
 * another place than the last. Unchanged text where all is well.
 */
export function withOursLast(
  list: string,
  ours: OurMilter,
  value: (name: string) => string | undefined,
): string {
  const expanded = expandMilters(list, value);
  const places = expanded.flatMap((element, at) => (isOurs(element, ours) ? [at] : []));
  if (places.length === 1 && expanded[places[0] ?? -1] === ours.element) {
    if (places[0] === expanded.length - 1) return list;
  }
  const literal = splitMilters(withoutOurs(list, ours));
  const clean = expandMilters(literal.join(' '), value).every((element) => !isOurs(element, ours));
  const others = clean ? literal : expanded.filter((element) => !isOurs(element, ours));
  return [...others, ours.element].join(', ');
}
