/** A peer sent bytes that are no milter protocol. It ends that connection and nothing else. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}
