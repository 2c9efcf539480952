/** What lint can't say of itself: the import rules bite; plus the size of files, and no machine's paths. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';

const run = promisify(execFile);

let root = import.meta.dirname;
while (!existsSync(join(root, '.oxlintrc.json'))) root = dirname(root);

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Paths of the import rules' verdict on one file: the specifiers that were refused. */
async function refused(folder: string, specifiers: readonly string[]): Promise<string[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'postpace-lint-'));
  try {
    await cp(join(root, '.oxlintrc.json'), join(scratch, '.oxlintrc.json'));
    await mkdir(join(scratch, 'src', folder), { recursive: true });
    const lines = specifiers.map(
      (path, i) => `import { a as a${i} } from '${path}';\nvoid a${i};\n`,
    );
    await writeFile(join(scratch, 'src', folder, 'noun.ts'), lines.join(''));
    const oxlint = join(root, 'node_modules', '.bin', 'oxlint');
    const output = await run(oxlint, ['--format=unix', 'src'], { cwd: scratch }).then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    );
    return [...output.matchAll(/'([^']+)' import is restricted/g)].map((match) => match[1] ?? '');
  } finally {
    await rm(scratch, { recursive: true });
  }
}

const folders = [
  'mail',
  'milter',
  'limit',
  'provider',
  'store',
  'postfix',
  'pace',
  'feedback',
  'config',
  'control',
  'systemd',
];
const everything = [...folders.map((name) => `../${name}/noun.ts`), '../daemon.ts', '../main.ts'];
const allowed: Readonly<Record<string, readonly string[]>> = {
  mail: [],
  milter: [],
  systemd: [],
  limit: ['mail'],
  provider: ['mail', 'limit'],
  store: ['mail', 'limit'],
  postfix: ['mail'],
  pace: ['mail', 'limit', 'provider'],
  feedback: ['mail', 'limit'],
  config: ['mail', 'limit', 'provider'],
  control: ['mail'],
};

t.test('lint refuses an import against the direction', async (t) => {
  for (const folder of folders) {
    const open = (allowed[folder] ?? []).map((name) => `../${name}/noun.ts`);
    t.same(
      await refused(folder, everything),
      everything.filter((path) => !open.includes(path)),
      folder,
    );
  }
  t.same(await refused('cli', everything), ['../main.ts'], 'cli');
});

t.test('lint knows the ports', async (t) => {
  t.same(await refused('pace', ['../store/store.ts', '../postfix/event.ts', './ports.ts']), []);
  t.same(await refused('postfix', ['../pace/ports.ts', './event.ts']), []);
  t.same(await refused('feedback', ['../store/store.ts', '../postfix/event.ts']), []);
});

t.test('no source file is longer than 250 lines', async (t) => {
  const files = await filesBelow('src');
  t.ok(files.length > 50);
  for (const file of files) {
    const lines = (await readFile(file, 'utf8')).split('\n').length - 1;
    if (lines > 250) t.fail(`${file.slice(root.length + 1)} has ${lines} lines`);
  }
});

t.test('no path of the machine it was written on', async (t) => {
  const own = new RegExp(
    `(^|[^\\w.])(${['work', 'root', 'home'].map((name) => `/${name}`).join('|')})/`,
  );
  const sources = [
    'src',
    'test',
    'lab',
    'bench',
    'scripts',
    'postfix',
    'systemd',
    'docs',
    'providers',
    'rules',
  ];
  const present = sources.filter((folder) => existsSync(join(root, folder)));
  for (const file of (await Promise.all(present.map(filesBelow))).flat()) {
    if (own.test(await readFile(file, 'utf8'))) t.fail(file.slice(root.length + 1));
  }
  t.match(`open ${['', 'root', '.npmrc'].join('/')}`, own, 'the pattern would find one');
});
