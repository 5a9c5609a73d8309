/**
 * Opening the store of a BaaS from what its instance was told. The driver is `lowdb`; `CNAPP_STORE: memory` in the
 * service's `env` of the repository file takes the other one, for measuring what the disk costs.
 */

import type { ServiceContext } from '../kit/service.ts';
import { openDisk } from './disk.ts';
import { openLowdbStore } from './lowdb-store.ts';
import { openMemoryStore } from './memory-store.ts';
import { StoreError, type Store } from './store.ts';

export async function openStore(context: ServiceContext): Promise<Store> {
  if (context.env['CNAPP_STORE'] === 'memory') return openMemoryStore();
  return openLowdbStore({
    disk: openDisk(dataDirOf(context)),
    epoch: context.instanceId,
    warn: (sentence) => context.log.warn({}, sentence),
    // A 503 would reach a user; a broken session makes the plug ask the new owner instead.
    fenced: (sentence) => context.abandon(sentence),
  });
}

/** The folder of a BaaS; a sentence that teaches when there is none. */
export function dataDirOf(context: ServiceContext): string {
  if (context.dataDir !== null) return context.dataDir;
  throw new StoreError(
    'failed',
    `${context.serviceName} keeps data and needs a folder: start it with SSMMP_DATA_DIR (an agent sets it for a BaaS).`,
  );
}
