/** An instance with changes on top, while they are being planned. */
import type { Change, Place } from './change.ts';
import type { Instance } from './instance.ts';
import { serviceOption, withOption, writeService, type MasterService } from './master-service.ts';

export class Draft {
  readonly instance: Instance;
  readonly #main = new Map<string, string | undefined>();
  readonly #services: Map<string, MasterService>;

  constructor(instance: Instance) {
    this.instance = instance;
    this.#services = new Map(instance.services.map((service) => [service.id, service]));
  }

  readonly value = (name: string): string | undefined =>
    this.#main.get(name) ?? this.instance.values.get(name);

  /** Sets a parameter of main.cf, where it isn't so already. */
  main(name: string, value: string): void {
    if (this.value(name) !== value) this.#main.set(name, value);
  }

  get services(): readonly MasterService[] {
    return [...this.#services.values()];
  }

  service(service: MasterService): void {
    this.#services.set(service.id, service);
  }

  option(service: MasterService, name: string, value: string): void {
    if (serviceOption(service, name) === value) return;
    this.service(withOption(this.#services.get(service.id) ?? service, name, value));
  }

  changes(): readonly Change[] {
    const changes: Change[] = [];
    const add = (place: Place, before: string | undefined, after: string | undefined) => {
      if (before !== after) changes.push({ place, before, after });
    };
    for (const [id, service] of this.#services) {
      const old = this.instance.services.find((each) => each.id === id);
      const before = old === undefined ? undefined : writeService(old);
      add({ kind: 'service', id }, before, writeService(service));
    }
    // Services first: main.cf may name one of them.
    for (const [name, value] of this.#main)
      add({ kind: 'main', name }, this.instance.set.get(name), value);
    return changes;
  }
}
