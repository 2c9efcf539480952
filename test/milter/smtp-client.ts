/** An SMTP client that says what it is told: for sessions with several messages, RSET, BDAT. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export class SmtpClient {
  #socket: Socket;
  #buffered = '';
  readonly #replies: string[] = [];
  #wake: (() => void) | undefined;
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.#take(chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake?.();
    });
  }

  /** Connected and greeted; the greeting is the first reply. */
  static async open(port: number): Promise<SmtpClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const client = new SmtpClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /** Connected, and EHLO said. */
  static async greet(port: number): Promise<SmtpClient> {
    const client = await SmtpClient.open(port);
    await client.reply();
    await client.ask('EHLO client.example');
    return client;
  }

  write(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** The next reply, its lines joined by LF; '' when the server has hung up. */
  async reply(): Promise<string> {
    for (;;) {
      const reply = this.#replies.shift();
      if (reply !== undefined) return reply;
      if (this.#isClosed) return '';
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async ask(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** One message; gives the reply to its end, or the first that refused it. */
  async send(from: string, recipients: readonly string[], text = 'hello'): Promise<string> {
    for (const command of [
      `MAIL FROM:<${from}>`,
      ...recipients.map((recipient) => `RCPT TO:<${recipient}>`),
      'DATA',
    ]) {
      const reply = await this.ask(command);
      if (!/^[23]/.test(reply)) return reply;
    }
    return this.ask(`From: <${from}>\r\nSubject: test\r\n\r\n${text}\r\n.`);
  }

  /** STARTTLS, with any certificate. */
  async startTls(): Promise<void> {
    const reply = await this.ask('STARTTLS');
    if (!reply.startsWith('220')) throw new Error(reply);
    this.#socket.removeAllListeners('data');
    const secure = connectTls({ socket: this.#socket, rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    this.#socket = secure;
    this.#listen(secure);
  }

  async quit(): Promise<void> {
    await this.ask('QUIT');
    this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#buffered += text;
    for (;;) {
      const match = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/.exec(this.#buffered);
      if (!match) break;
      this.#buffered = this.#buffered.slice(match[0].length);
      this.#replies.push(match[0].trimEnd().replaceAll('\r\n', '\n'));
    }
    this.#wake?.();
  }
}
