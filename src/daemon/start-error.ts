/** Why the daemon can't start, in a sentence: no bug, and no stack for the operator. */
export class StartError extends Error {
  override readonly name = 'StartError';

  static async from<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } catch (error) {
      throw StartError.of(error);
    }
  }

  static wrap<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw StartError.of(error);
    }
  }

  static of(error: unknown): Error {
    return error instanceof Error
      ? new StartError(error.message, { cause: error })
      : new StartError(String(error));
  }
}
