import { verb } from './verb.ts';

/** Runs the daemon in this process until it is told to stop. */
export const serve = verb(
  (yargs) =>
    yargs
      .example('$0 serve', 'with /etc/postpace/postpace.yaml, or the defaults where there is none')
      .example('$0 serve --config /srv/mail/postpace.yaml', 'with another configuration'),
  async (options, shell) =>
    shell.runDaemon(options.config === undefined ? {} : { configFile: options.config }),
);
