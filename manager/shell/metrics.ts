/**
 * `/metrics`: the Manager for Prometheus.
 *
 * Lives here: names and help of the metrics, and how the state becomes numbers when somebody asks. Does not live here:
 * counting (traffic.ts). Nothing runs between two scrapes.
 */
import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { edgeKey } from '../../ssmmp/core/graph.ts';
import type { ManagerState } from '../core/state.ts';
import { Traffic } from './traffic.ts';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15];
const COMMIT_SECONDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];

/** What is measured where it happens. */
export interface Metrics {
  readonly traffic: Traffic;
  committed(ms: number, flushed: boolean): void;
  readonly contentType: string;
  text(): Promise<string>;
}

export interface MetricsSources {
  state(): ManagerState;
  /** Connections of agents and strangers. */
  connections(): number;
  /** Watchers of the events. */
  streams(): number;
  journalFailed(): boolean;
}

export function openMetrics(sources: MetricsSources): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const exchanges = new Histogram({
    name: 'ssmmp_exchange_seconds',
    help: 'From a request to its response at the Manager, by type of the response',
    labelNames: ['type'],
    buckets: SECONDS,
    registers,
  });
  const commits = new Histogram({
    name: 'ssmmp_journal_commit_seconds',
    help: 'Time of a commit of the journal; flushed: waited for the disk',
    labelNames: ['flushed'],
    buckets: COMMIT_SECONDS,
    registers,
  });
  const traffic = new Traffic((type, seconds) => exchanges.observe({ type }, seconds));
  const gauge = (name: string, help: string, read: () => number | Promise<number>): void => {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });
  };

  countInstances(sources, registers);
  countSessions(sources, registers);
  countMessages(traffic, registers);
  countAgents(sources, registers);
  gauge('ssmmp_connections', 'Connections on the port for agents', () => sources.connections());
  gauge('ssmmp_event_streams', 'Watchers of the events', () => sources.streams());
  gauge('ssmmp_epoch', 'Number of the Manager’s start (R51)', () => sources.state().epoch);
  gauge('ssmmp_journal_failed', '1 when the disk of the journal has failed', () => (sources.journalFailed() ? 1 : 0));
  gauge('ssmmp_event_loop_lag_seconds', 'Delay of a turn of the event loop at the scrape', loopLagSeconds);
  let since: EventLoopUtilization | undefined;
  gauge('ssmmp_event_loop_utilization', 'Share of time the event loop was busy since the last scrape', () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, since);
    since = now;
    return utilization;
  });
  gauge('process_resident_memory_bytes', 'Memory of the process', () => process.memoryUsage.rss());
  gauge('process_cpu_seconds', 'CPU time of the process since its start', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  return {
    traffic,
    committed: (ms, flushed) => commits.observe({ flushed: String(flushed) }, ms / 1000),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

function countInstances(sources: MetricsSources, registers: Registry[]): void {
  new Gauge({
    name: 'ssmmp_instances',
    help: 'Instances by service and status',
    labelNames: ['service', 'status'],
    registers,
    collect() {
      this.reset();
      const { graph, instances } = sources.state();
      for (const { name } of graph.services) this.set({ service: name, status: 'on' }, 0);
      for (const { service, status } of instances.values()) this.inc({ service, status });
    },
  });
}

function countSessions(sources: MetricsSources, registers: Registry[]): void {
  new Gauge({
    name: 'ssmmp_sessions',
    help: 'Open sessions by edge of the abstract graph',
    labelNames: ['source', 'plug', 'socket', 'dest'],
    registers,
    collect() {
      this.reset();
      const { graph, sessions, instances } = sources.state();
      const counts = new Map<string, number>();
      for (const { source, plug } of sessions.values()) {
        const key = edgeKey({ source: instances.get(source)?.service ?? '', plug });
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      for (const edge of graph.edges) this.set({ ...edge }, counts.get(edgeKey(edge)) ?? 0);
    },
  });
}

function countMessages(traffic: Traffic, registers: Registry[]): void {
  new Counter({
    name: 'ssmmp_messages_total',
    help: 'SSMMP messages of the Manager by type and direction',
    labelNames: ['type', 'direction'],
    registers,
    collect() {
      this.reset();
      for (const { type, direction, count } of traffic.counts()) this.inc({ type, direction }, count);
    },
  });
}

function countAgents(sources: MetricsSources, registers: Registry[]): void {
  new Gauge({
    name: 'ssmmp_agents',
    help: 'Agents by status',
    labelNames: ['status'],
    registers,
    collect() {
      this.reset();
      this.set({ status: 'registered' }, 0);
      for (const { status } of sources.state().agents.values()) this.inc({ status });
    },
  });
}

function loopLagSeconds(): Promise<number> {
  const from = performance.now();
  return new Promise((resolve) => setImmediate(() => resolve((performance.now() - from) / 1000)));
}
