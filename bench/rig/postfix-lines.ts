/** Lines of a Postfix log that no daemon has seen before: what a restart finds after a long night. */
const SENT = '250 2.0.0 Ok: queued as 9A1B2C';

/**
 * Line `n` of the log: five lines a message, as Postfix writes them; one message in ten is refused,
 * each time with another of `samples`.
 */
export function logLine(n: number, samples: readonly string[]): string {
  const message = Math.floor(n / 5);
  const second = String(message % 60).padStart(2, '0');
  const head = `Nov 24 11:${String(Math.floor(message / 60) % 60).padStart(2, '0')}:${second} mail postfix/`;
  const id = `4c${String(message).padStart(8, '0')}z2Gk`;
  const to = `user${message % 1000}@d${message % 5000}.example`;
  switch (n % 5) {
    case 0:
      return `${head}smtpd[711]: ${id}: client=app.lan[192.0.2.7], sasl_method=PLAIN, sasl_username=app`;
    case 1:
      return `${head}cleanup[712]: ${id}: message-id=<${message}.1@app.example>`;
    case 2:
      return `${head}qmgr[713]: ${id}: from=<app@here.example>, size=2310, nrcpt=1 (queue active)`;
    case 3: {
      const reply = samples[message % samples.length] ?? '';
      const [status, dsn, text] =
        message % 10 === 0
          ? ['deferred', '4.0.0', `host mx.there.example[198.51.100.4] said: ${reply}`]
          : ['sent', '2.0.0', SENT];
      return `${head}smtp[714]: ${id}: to=<${to}>, relay=mx.there.example[198.51.100.4]:25, delay=0.8, delays=0.1/0/0.3/0.4, dsn=${dsn}, status=${status} (${text})`;
    }
    default:
      return `${head}qmgr[713]: ${id}: removed`;
  }
}
