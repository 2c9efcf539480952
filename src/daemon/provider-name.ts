/** A provider as an operator types it: its id, one of its domains, or any destination. */
import { nearest } from '../config/nearest.ts';
import { ControlError } from '../control/api.ts';
import { toDestination } from '../mail/destination.ts';
import type { Resolver } from '../provider/resolve.ts';

/** The provider's id; ControlError 404 for what is no provider's name and no domain. */
export function canonicalProvider(resolver: Resolver, typed: string): string {
  const name = toDestination(typed.trim()) ?? '';
  if (resolver.isNamed(name)) return name;
  // A destination without a dot is an inside host at best; far more often it is a typing error.
  if (!name.includes('.') && !name.startsWith('[')) {
    const meant = nearest(name, resolver.names());
    throw new ControlError(
      404,
      `found ${JSON.stringify(typed)}, expected a provider's name or a domain` +
        (meant === undefined ? '' : `; did you mean ${meant}?`),
    );
  }
  return resolver.provider(name).id;
}
