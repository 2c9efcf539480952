/** What configuring needs to know of a Postfix instance, read with postconf in one go. */
import { runCommand } from './command.ts';
import { readService, type MasterService } from './master-service.ts';

export interface Instance {
  readonly configDirectory: string;
  /** What main.cf sets, as it is written there (on one line). */
  readonly set: ReadonlyMap<string, string>;
  /** Every parameter with its value in force, `$name` not expanded. */
  readonly values: ReadonlyMap<string, string>;
  readonly services: readonly MasterService[];
}

/** Rejects with an Error that says what postconf complained about. */
export async function readInstance(configDirectory: string): Promise<Instance> {
  const postconf = (...args: string[]) => runCommand(['postconf', '-c', configDirectory, ...args]);
  const [set, all, services] = await Promise.all([postconf('-n'), postconf(), postconf('-M')]);
  return {
    configDirectory,
    set: readParameters(set),
    values: readParameters(all),
    services: services.split('\n').flatMap((line) => readService(line) ?? []),
  };
}

export function readParameters(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(' =');
    if (at > 0) found.set(line.slice(0, at), line.slice(at + 2).trim());
  }
  return found;
}

/** The value with `$name`, `${name}` and `$(name)` replaced; conditional forms stay. */
export function expanded(instance: Instance, name: string, depth = 8): string {
  const text = instance.values.get(name) ?? '';
  if (depth === 0) return text;
  return text.replace(/\$(?:(\w+)|\{(\w+)\}|\((\w+)\))/g, (whole, plain, curly, round) => {
    const inner: string = plain ?? curly ?? round;
    return instance.values.has(inner) ? expanded(instance, inner, depth - 1) : whole;
  });
}
