/**
 * A cluster that is attacked while somebody uses it, and what came of it.
 *
 * Lives here: start, the places to attack, the list of damages, the end. Does not live here: the attacks (the tests), what
 * an attacker can do (hostile.ts).
 */
import { Cluster, until, type InstanceRow } from './cluster.ts';
import { processesOf, Witness, type Place, type ProcessRow } from './hostile.ts';
import { OperatorPort } from './operator-port.ts';

/** A request of the witness may take this long on a machine that is busy with being attacked. */
export const NOTICED_MS = 3000;
/**
 * No process may keep so much more than before: what its limits let strangers hold, and what V8 leaves uncollected. The
 * gateway may hold 128 MiB more for its users (HELD_BYTES_MAX).
 */
const GROWN_MB_MAX = 192;
const GROWN_GATEWAY_MB_MAX = GROWN_MB_MAX + 128;
/** Garbage is collected when V8 finds the time. */
const COLLECTED_MS = 10_000;
/**
 * What nothing that a stranger says may lead to: lost nodes, ended instances. A node may be suspect for a moment, where
 * the attackers take the processor of the machine that is attacked; by the end all are back (`damage`).
 */
const DAMAGE = /→ (lost|killing|off)|hung|crash/;

export class Siege {
  readonly cluster: Cluster;
  readonly operator: OperatorPort;
  readonly witness: Witness;
  readonly manager: Place;
  /** The agent of the gateway's node. */
  readonly agent: Place;
  readonly gateway: Place;
  readonly port: Place;
  readonly instances: readonly InstanceRow[];
  private readonly before: readonly ProcessRow[];
  private readonly firstEvent: number;

  private constructor(
    cluster: Cluster,
    operator: OperatorPort,
    witness: Witness,
    gateway: Place,
    instances: InstanceRow[],
    event: number,
  ) {
    this.cluster = cluster;
    this.operator = operator;
    this.witness = witness;
    this.gateway = gateway;
    this.instances = instances;
    this.manager = { host: cluster.manager, port: 55555 };
    this.agent = { host: gateway.host, port: 55556 };
    this.port = { host: cluster.manager, port: 55570 };
    this.before = processesOf(cluster.subnet);
    this.firstEvent = event;
  }

  static async start(subnet: string): Promise<Siege> {
    const cluster = await Cluster.start(subnet);
    const operator = new OperatorPort(cluster.manager, cluster.stateDir);
    const { service_instance_network_address: host } = await cluster.one('api-gateway');
    const gateway = { host, port: 8080 };
    const witness = new Witness(gateway);
    await witness.start();
    const events = await operator.list<{ seq: number }>('events');
    return new Siege(cluster, operator, witness, gateway, await operator.on(), events.at(-1)?.seq ?? 0);
  }

  /** The first socket of a service's instance. */
  socket(service: string): Place {
    const row = this.instances.find(({ service_name }) => service_name === service);
    return { host: row?.service_instance_network_address ?? '', port: row?.sockets[0]?.port ?? 0 };
  }

  /** What the attacks have done, in words; empty when they did nothing. `rogue`: an attacker's own address. */
  async damage(rogue = ''): Promise<string[]> {
    const now = processesOf(this.cluster.subnet);
    const events = await this.operator.list<{ seq: number; text: string }>(`events?since=${this.firstEvent}`);
    const nodes = (): Promise<{ status: string }[]> => this.operator.list('nodes');
    const isBack = async (): Promise<boolean> => (await nodes()).every(({ status }) => status !== 'suspect');
    await until('no node is suspect', isBack, COLLECTED_MS);
    return [
      ...this.witness.complaints(NOTICED_MS),
      ...events.flatMap(({ text }) => (DAMAGE.test(text) && !text.startsWith(`${rogue} `) ? [text] : [])),
      ...this.before.flatMap(({ pid, what }) => (now.some((row) => row.pid === pid) ? [] : [`${what} is gone`])),
    ];
  }

  /** Resolves when no process takes much more memory than before; rejects with those that do. */
  async memoryIsBounded(): Promise<void> {
    const greedy = (): string[] =>
      processesOf(this.cluster.subnet).flatMap(({ pid, what, memoryMb }) => {
        const grown = memoryMb - (this.before.find((row) => row.pid === pid)?.memoryMb ?? memoryMb);
        const max = what.includes('api-gateway') ? GROWN_GATEWAY_MB_MAX : GROWN_MB_MAX;
        return grown > max ? [`${what} takes ${Math.round(grown)} MB more than before`] : [];
      });
    await until('memory is free again', () => greedy().length === 0, COLLECTED_MS).catch(() => {
      throw new Error(greedy().join('; '));
    });
  }

  async stop(): Promise<void> {
    await this.witness.stop();
    await this.cluster.stop();
  }
}
