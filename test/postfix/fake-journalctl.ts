/**
 * A journalctl that speaks the real output format: it prints the entries of a file after the cursor
 * and follows it; a `die` that comes
 * after its first entry makes it end. Arguments are kept beside the file.
 */
import { appendFileSync, readFileSync } from 'node:fs';

const [file = '', ...args] = process.argv.slice(2);
appendFileSync(`${file}.args`, `${JSON.stringify(args)}\n`);
const after = args.find((arg) => arg.startsWith('--after-cursor='))?.slice(15);
const first = after === undefined ? 0 : Number(after.slice(1)) + 1;
let printed = first;

function print(): void {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  for (; printed < lines.length; printed++) {
    const line = lines[printed]!;
    if (line === 'die' && printed > first) {
      process.stderr.write('Failed to get journal access: Permission denied\n');
      process.exitCode = 1;
      clearInterval(timer);
      printed = lines.length;
    } else if (line !== 'die') {
      process.stdout.write(`${line.replace('"CURSOR"', `"s${printed}"`)}\n`);
    }
  }
}

const timer = setInterval(print, 10);
if (!args.includes('-f')) {
  print();
  clearInterval(timer);
}
