/** File operations that can be made to fail, to hang, or to be watched, one handle at a time. */
import type { FileHandle } from 'node:fs/promises';
import * as fsPromises from 'node:fs/promises';
import type { Disk } from '../../src/store/journal.ts';

export class FailingDisk implements Disk {
  readonly mkdir = fsPromises.mkdir;
  readonly rm = fsPromises.rm;
  readonly statfs = fsPromises.statfs;
  /** What each write does first; throws to fail. */
  beforeWrite: () => Promise<void> = async () => undefined;
  /** Told after each write and rename. */
  afterChange: () => void = () => undefined;

  readonly open = async (
    ...args: Parameters<typeof fsPromises.open>
  ): ReturnType<typeof fsPromises.open> => {
    const file = await fsPromises.open(...args);
    return new Proxy(file, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (key === 'write') {
          return async (...parts: Parameters<FileHandle['write']>): Promise<unknown> => {
            await this.beforeWrite();
            const result: unknown = await target.write(...parts);
            this.afterChange();
            return result;
          };
        }
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };

  readonly rename = async (...args: Parameters<typeof fsPromises.rename>): Promise<void> => {
    await fsPromises.rename(...args);
    this.afterChange();
  };

  /** Every write fails like a full disk from now on. */
  fill(): void {
    this.beforeWrite = async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
  }

  empty(): void {
    this.beforeWrite = async () => undefined;
  }
}
