/**
 * Asking the front (`ssmmp up`) for faults.
 *
 * Lives here: requests, and what a failure means for a person. Does not live here: what is done with the answers.
 */
import { readFileSync } from 'node:fs';
import type { FaultRecord, FaultRequest, FrontRequest } from '../../faults/core/fault.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { readClusterFile } from './cluster-file.ts';
import { FRONT_PATH } from './front-port.ts';
import { stateFiles } from './settings.ts';
import type { Settings } from './settings.ts';

const REQUEST_MS_MAX = 20_000;

export interface Faults {
  readonly faults: readonly FaultRecord[];
  readonly ended: readonly FaultRecord[];
}

export class FrontClient {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async list(): Promise<Faults> {
    return (await this.#ask('GET', null)) as Faults;
  }

  async start(fault: FaultRequest): Promise<FaultRecord> {
    return (await this.#ask('POST', { do: 'fault', fault })) as FaultRecord;
  }

  /** Those that were undone: one, or none when it was not on. */
  async undo(id: string): Promise<readonly FaultRecord[]> {
    return (await this.#ask('POST', { do: 'undo', id })) as FaultRecord[];
  }

  async undoAll(): Promise<readonly FaultRecord[]> {
    return (await this.#ask('POST', { do: 'undo-all' })) as FaultRecord[];
  }

  async decide(request: Extract<FrontRequest, { do: 'decide' }>): Promise<FaultRecord> {
    return (await this.#ask('POST', request)) as FaultRecord;
  }

  async #ask(method: 'GET' | 'POST', body: FrontRequest | null): Promise<unknown> {
    const { stateDir } = this.#settings;
    const front = readClusterFile(stateDir)?.front;
    if (front === undefined) throw nobody(stateDir, 'cluster.json names none');
    let status: number;
    let text: string;
    try {
      const token = readFileSync(stateFiles.token(stateDir), 'utf8').trim();
      const response = await fetch(`http://${front.address}:${front.port}${FRONT_PATH}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(REQUEST_MS_MAX),
        ...(body === null ? {} : { body: JSON.stringify(body) }),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      throw nobody(stateDir, (error as Error).message);
    }
    const answer = JSON.parse(text) as { message?: string };
    if (status !== 200) throw new OperatorError(EXIT.failed, answer.message ?? `status ${status}`, status);
    return answer;
  }
}

function nobody(stateDir: string, why: string): OperatorError {
  const message = `no \`ssmmp up\` that serves from ${stateDir} takes faults (${why}); start one with \`npm start\`, or name its --state-dir`;
  return new OperatorError(EXIT.unreachable, message);
}
