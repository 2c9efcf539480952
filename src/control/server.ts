/**
 * The control socket: HTTP and JSON on a unix socket that root, the daemon's user and the group
 * postpace may use. Whatever arrives on it, the daemon goes on.
 */
import fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';

import { ControlError, type ControlTarget } from './api.ts';
import { API_HEADER, API_VERSION } from './greeting.ts';
import { ROUTES } from './routes.ts';
import { claimSocket } from './socket.ts';

/** Room for a selection of some 100,000 queue ids. */
const BODY_BYTES = 2 * 1024 * 1024;

export interface ControlServer {
  /** Ends open connections and removes the socket. */
  close(): Promise<void>;
}

/**
 * Serves `target` on the unix socket `path`, mode 0660, group `groupName` where that exists and may
 * be given. Rejects with ControlError 409 when another postpace answers there, 500 when the socket
 * can't be made.
 */
export async function serveControl(
  path: string,
  target: ControlTarget,
  log?: Pick<Logger, 'error' | 'warn'>,
  groupName = 'postpace',
): Promise<ControlServer> {
  const app = application(target, log);
  try {
    const socket = await claimSocket(path, groupName, log);
    await app.listen({ path: socket.temporaryPath });
    await socket.publish();
    return {
      close: async () => {
        await socket.remove();
        await app.close();
      },
    };
  } catch (error) {
    await app.close();
    if (error instanceof ControlError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ControlError(500, `The control socket ${path} can't be made: ${why}`);
  }
}

function application(
  target: ControlTarget,
  log: Pick<Logger, 'error'> | undefined,
): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES,
    // How long a client may take to say what it wants: a half-open one must not stay for ever.
    connectionTimeout: 120_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5_000,
    forceCloseConnections: true,
  });
  app.addHook('onRequest', async (_request, reply) => {
    reply.header(API_HEADER, API_VERSION);
  });
  for (const { method, url, answer } of ROUTES) {
    app.route({
      method,
      url,
      handler: async (request, reply) => {
        const value = await answer(target, method === 'GET' ? request.query : request.body);
        // Serialized here: fastify would send a string as text, and nothing as an empty body.
        return reply.type('application/json').send(JSON.stringify(value ?? null));
      },
    });
  }
  app.setNotFoundHandler(async (request, reply) =>
    reply.code(404).send({ error: `Nothing is called ${request.method} ${request.url} here.` }),
  );
  app.setErrorHandler(async (error, request, reply) => {
    if (error instanceof ControlError)
      return reply.code(error.status).send({ error: error.message });
    const refused =
      error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    const message = error instanceof Error ? error.message : String(error);
    if (refused < 500) return reply.code(refused).send({ error: message });
    log?.error({ err: error, url: request.url }, 'a control request failed: this is a bug');
    return reply.code(500).send({ error: `Internal error: ${message}` });
  });
  return app;
}
