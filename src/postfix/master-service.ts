/** One service of master.cf, as a line of `postconf -M` gives it. */

export interface MasterService {
  /** `smtp/inet`, `127.0.0.1:10029/inet`: as postconf names it. */
  readonly id: string;
  readonly name: string;
  readonly type: string;
  /** `y`, `n` or `-` (the default). */
  readonly chroot: string;
  /** The daemon: `smtpd`, `smtp`, `pipe` … */
  readonly command: string;
  readonly args: readonly string[];
  /** The first seven columns, one space apart. */
  readonly columns: string;
}

/** undefined: no service line. */
export function readService(line: string): MasterService | undefined {
  const match = /^(\S+)\s+(\S+)\s+(\S+\s+\S+\s+(\S+)\s+\S+\s+\S+)\s+(\S+)\s*(.*)$/.exec(
    line.trim(),
  );
  if (match === null) return undefined;
  const [, name = '', type = '', middle = '', chroot = '', command = '', args = ''] = match;
  const columns = [name, type, ...middle.split(/\s+/)].join(' ');
  return { id: `${name}/${type}`, name, type, chroot, command, args: splitArgs(args), columns };
}

/** Arguments, where `{ … }` is one. */
function splitArgs(text: string): readonly string[] {
  const args: string[] = [];
  let depth = 0;
  let current = '';
  for (const char of text) {
    if (depth === 0 && /\s/.test(char)) {
      if (current !== '') args.push(current);
      current = '';
      continue;
    }
    // Braces group only an argument that starts with one.
    if (char === '{' && (depth > 0 || current === '')) depth += 1;
    if (char === '}' && depth > 0) depth -= 1;
    current += char;
  }
  if (current !== '') args.push(current);
  return args;
}

/** The line for `postconf -M`. */
export function writeService(service: MasterService): string {
  return [service.columns, service.command, ...service.args].join(' ');
}

/** `-o name=value` or `-o { name = value }` -> name and value. */
function readOption(argument: string): readonly [name: string, value: string] | undefined {
  const inner = argument.startsWith('{') ? argument.slice(1, -1) : argument;
  const match = /^\s*([^\s=]+)\s*=\s*([\s\S]*?)\s*$/.exec(inner);
  return match === null ? undefined : [match[1] ?? '', match[2] ?? ''];
}

/** The value in force (the last one); undefined: the service leaves it to main.cf. */
export function serviceOption(service: MasterService, name: string): string | undefined {
  let value: string | undefined;
  service.args.forEach((argument, at) => {
    const option = service.args[at - 1] === '-o' ? readOption(argument) : undefined;
    if (option?.[0] === name) value = option[1];
  });
  return value;
}

/** With the option set (where it stood, else at the end), or without it (undefined). */
export function withOption(
  service: MasterService,
  name: string,
  value: string | undefined,
): MasterService {
  const args: string[] = [];
  const places: number[] = [];
  for (let at = 0; at < service.args.length; at += 1) {
    const argument = service.args[at] ?? '';
    const next = service.args[at + 1];
    if (argument === '-o' && next !== undefined && readOption(next)?.[0] === name) {
      places.push(args.length);
      at += 1;
    } else args.push(argument);
  }
  if (value !== undefined) {
    const text =
      /\s/.test(value) || value.startsWith('{') ? `{${name}=${value}}` : `${name}=${value}`;
    args.splice(places.at(-1) ?? args.length, 0, '-o', text);
  }
  return { ...service, args };
}
