/** Answers that are waited for so long and no longer. */
import { StoreError } from './store.ts';

/**
 * Rejects with StoreError when the work takes longer; it is then told so, and goes on in vain. An
 * answer that is there counts even where this process was too busy to see it in time.
 */
export function inTime<T>(ms: number, work: (isLate: () => boolean) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const late = (): void => {
      isLate = true;
      reject(new StoreError(`no answer within ${ms} ms`));
    };
    const timer = setTimeout(() => setImmediate(late), ms);
    work(() => isLate)
      .finally(() => clearTimeout(timer))
      .then(resolve, reject);
  });
}
