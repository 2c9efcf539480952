/** A real Dovecot of our own: a private directory, loopback, STARTTLS with its own certificate. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { startKeeper } from '../../lab/keeper.ts';
import { freePort } from '../../lab/port.ts';
import { command, terminateGroup } from '../../lab/process.ts';
import { waitFor } from '../../lab/wait.ts';

const USER = 'bounces';
const PASSWORD = 'open-sesame';

export class Dovecot {
  readonly directory: string;
  /** STARTTLS, which it insists on. */
  readonly port: number;
  /** TLS from the first byte. */
  readonly tlsPort: number;
  readonly #keeper: ReturnType<typeof startKeeper>;
  #child: ChildProcess | undefined;

  constructor(directory: string, port: number, tlsPort: number) {
    this.directory = directory;
    this.port = port;
    this.tlsPort = tlsPort;
    this.#keeper = startKeeper(directory);
  }

  get caFile(): string {
    return join(this.directory, 'cert.pem');
  }

  get passwordFile(): string {
    return join(this.directory, 'password');
  }

  /** As `feedback.imap` of the configuration has it. */
  get account() {
    const { port, caFile, passwordFile } = this;
    const server = { host: '127.0.0.1', port, tls: 'starttls' as const };
    return { ...server, caFile, user: USER, passwordFile, mailbox: 'INBOX' };
  }

  /** Rejects with its last words where it is missing or does not start. */
  async start(): Promise<void> {
    const child = spawn('dovecot', ['-F', '-c', join(this.directory, 'dovecot.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    this.#child = child;
    let failure: string | undefined;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)));
    child.once('error', (error) => (failure = error.message));
    child.once('exit', (code) => (failure = `dovecot ended (${code}): ${said}`));
    if (child.pid !== undefined) this.#keeper.pid(child.pid);
    const answers = async (): Promise<boolean> => {
      if (failure !== undefined) throw new Error(failure);
      const socket = connect(this.port, '127.0.0.1');
      const greets = once(socket, 'data').then(
        () => true,
        () => false,
      );
      return greets.finally(() => socket.destroy());
    };
    await waitFor(answers, { what: 'Dovecot to answer', timeoutMs: 10_000 });
  }

  /** Its processes too: those that serve a connection stay for ten seconds otherwise. */
  async stop(): Promise<void> {
    const pid = this.#child?.pid;
    this.#child = undefined;
    if (pid !== undefined) await terminateGroup(pid, 300);
  }

  /** The stop, and nothing is left. */
  async remove(): Promise<void> {
    await this.stop();
    await this.#keeper.dismiss();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Somebody else with the same mailbox. */
  async visit<T>(work: (client: ImapFlow) => Promise<T>): Promise<T> {
    const client = new ImapFlow({
      host: '127.0.0.1',
      port: this.port,
      secure: false,
      doSTARTTLS: true,
      tls: { ca: await readFile(this.caFile, 'utf8') },
      auth: { user: USER, pass: PASSWORD },
      logger: false,
    });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.logout();
    }
  }

  async deliver(raw: Uint8Array, flags: string[] = [], at = new Date()): Promise<void> {
    await this.visit((client) => client.append('INBOX', Buffer.from(raw), flags, at));
  }

  /** UID and flags of each message, \Recent left out. */
  mail(folder = 'INBOX'): Promise<readonly (readonly [uid: number, flags: readonly string[]])[]> {
    return this.visit(async (client) => {
      const { exists } = await client.mailboxOpen(folder, { readOnly: true });
      const all = exists === 0 ? [] : await client.fetchAll('1:*', { uid: true, flags: true });
      return all.map(({ uid, flags }) => {
        return [uid, [...(flags ?? [])].filter((flag) => flag !== '\\Recent')] as const;
      });
    });
  }
}

export async function startDovecot(): Promise<Dovecot> {
  const directory = await mkdtemp(join(tmpdir(), 'postpace-dovecot-'));
  const dovecot = new Dovecot(directory, await freePort(), await freePort());
  try {
    // Its own users look for their sockets in there.
    await chmod(directory, 0o755);
    const mail = join(directory, 'mail');
    await mkdir(mail);
    const [uid, gid] = await Promise.all(['-u', '-g'].map((which) => idOf(which)));
    await chown(mail, uid ?? 0, gid ?? 0);
    await writeFile(dovecot.passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
    await makeCertificate(directory);
    await writeFile(join(directory, 'dovecot.conf'), configuration(dovecot));
    await dovecot.start();
    return dovecot;
  } catch (error) {
    await dovecot.remove();
    throw error;
  }
}

async function idOf(which: string): Promise<number> {
  const { code, stdout } = await command(['id', which, 'dovecot']);
  if (code !== 0) throw new Error('there is no user dovecot: dovecot-imapd is not installed');
  return Number(stdout);
}

async function makeCertificate(directory: string): Promise<void> {
  const key = 'openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2';
  const names = '-subj /CN=imap.lab.test -addext subjectAltName=IP:127.0.0.1';
  const files = ['-keyout', join(directory, 'key.pem'), '-out', join(directory, 'cert.pem')];
  const made = await command([...`${key} ${names}`.split(' '), ...files]);
  if (made.code !== 0) throw new Error(made.stderr);
}

function configuration({ directory, port, tlsPort }: Dovecot): string {
  return `
protocols = imap
listen = 127.0.0.1
base_dir = ${directory}/run
state_dir = ${directory}/state
log_path = ${directory}/log
ssl = required
ssl_cert = <${directory}/cert.pem
ssl_key = <${directory}/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain
auth_failure_delay = 0
mail_location = maildir:${directory}/mail/%u
first_valid_uid = 1
passdb {
  driver = static
  args = password=${PASSWORD}
}
userdb {
  driver = static
  args = uid=dovecot gid=dovecot home=${directory}/mail/%u
}
# Without it who was refused once waits longer each time.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${tlsPort}
    ssl = yes
  }
}
`;
}
