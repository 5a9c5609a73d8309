// The Manager's operator port in a bench's hands: commands that resolve when they are done, and lists.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PORT = 55570;

export interface InstanceRow {
  readonly service_name: string;
  readonly service_instance_id: number;
  readonly service_instance_network_address: string;
  readonly status: string;
}

export class Operator {
  private readonly base: string;
  private readonly headers: Record<string, string>;

  /** `stateDir` is the Manager's, where it keeps the token. */
  constructor(managerAddress: string, stateDir: string) {
    this.base = `http://${managerAddress}:${PORT}/v1`;
    const token = readFileSync(join(stateDir, 'operator-token'), 'utf8').trim();
    this.headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  }

  /** Resolves when the command is done; rejects with the Manager's words when it is refused. */
  async command(body: Readonly<Record<string, unknown>>): Promise<void> {
    const { base, headers } = this;
    const response = await fetch(`${base}/commands`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${JSON.stringify(body)} was answered ${response.status}: ${text}`);
  }

  /** The instance of a service that is on; throws when there is none. */
  async instanceOf(service: string): Promise<InstanceRow> {
    const response = await fetch(`${this.base}/instances`, { headers: this.headers });
    const rows = (await response.json()) as InstanceRow[];
    const found = rows.find((row) => row.service_name === service && row.status === 'on');
    if (found === undefined) throw new Error(`no instance of ${service} is on`);
    return found;
  }
}
