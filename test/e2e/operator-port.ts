/**
 * The operator port in a test's hands. Lives here: commands and lists over HTTP, and the posts as the store keeps them.
 * Does not live here: any expectation but that a command is not refused.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { joinAddressPort } from '../../ssmmp/core/address.ts';
import type { InstanceRow } from './cluster.ts';

const PORT = 55570;

export class OperatorPort {
  private readonly base: string;
  private readonly headers: Record<string, string>;

  constructor(manager: string, stateDir: string) {
    this.base = `http://${joinAddressPort(manager, PORT)}/v1`;
    const token = readFileSync(join(stateDir, 'operator-token'), 'utf8').trim();
    this.headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  }

  /** Resolves when the command is done; rejects with the Manager's words when it is refused. */
  async command(body: Record<string, unknown>): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.base}/commands`, {
      method: 'POST',
      headers: this.headers,
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${JSON.stringify(body)}: ${response.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  async list<Row>(what: string): Promise<Row[]> {
    const response = await fetch(`${this.base}/${what}`, { headers: this.headers });
    return (await response.json()) as Row[];
  }

  /** Instances that are on. */
  async on(service?: string): Promise<InstanceRow[]> {
    const rows = await this.list<InstanceRow>('instances');
    return rows.filter(
      ({ status, service_name }) => status === 'on' && (service === undefined || service === service_name),
    );
  }
}
