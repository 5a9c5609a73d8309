/**
 * The Manager's command line.
 *
 * Lives here: options, their defaults and checks. Does not live here: what they do.
 */
import { parseArgs } from 'node:util';
import { canonicalAddress } from '../../ssmmp/core/address.ts';
import { parsePort } from '../../ssmmp/core/names.ts';
import { isTimerPreset, TIMER_PRESETS, type TimerPreset } from '../../ssmmp/core/timers.ts';

export const USAGE = `usage: node dist/manager.js --graph FILE --address ADDR --state-dir DIR [options]

  --graph FILE              the abstract graph of the CNApp, YAML or JSON
  --address ADDR            address of the Manager, an IPv4 or IPv6 literal
  --state-dir DIR           journal, lock, token; made when it is missing
  --mirror DIR              a copy of the journal that a supervisor keeps; begin from it when the journal is lost
  --port 55555              port for agents
  --operator-port 55570     HTTP and WebSocket for operators
  --dns-port 55557          DNS over UDP and TCP: the names of the gateways (R23)
  --ports 54000-55552       ports that sockets of instances get
  --shared-address          nodes share one address and differ by port (R16)
  --strict-1.1              emit no x_ line
  --timers lab              durations to start from: lab, nomad or kubernetes (or SSMMP_TIMERS)
  --timer-scale X           factor on every timer (default 1, or SSMMP_TIMER_SCALE)
  --no-flush                do not wait for the disk: for benches only, a power cut loses acknowledged state
`;

export interface ManagerOptions {
  readonly graphFile: string;
  /** Canonical. */
  readonly address: string;
  readonly stateDir: string;
  /** Where a supervisor keeps a copy of the journal (R51); null for none. */
  readonly mirror: string | null;
  readonly port: number;
  readonly operatorPort: number;
  readonly dnsPort: number;
  readonly portFirst: number;
  readonly portLast: number;
  readonly sharedAddress: boolean;
  readonly strict: boolean;
  readonly timerScale: number;
  readonly timerPreset: TimerPreset;
  readonly flush: boolean;
}

/** Factors on the timers that make sense: tests are faster, teachers slower. */
const TIMER_SCALE_MIN = 0.01;
const TIMER_SCALE_MAX = 100;

/** Reads the arguments (without node and script); a sentence when they are wrong. */
export function readOptions(args: string[], env: Record<string, string | undefined>): ManagerOptions | string {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        graph: { type: 'string' },
        address: { type: 'string' },
        'state-dir': { type: 'string' },
        mirror: { type: 'string' },
        port: { type: 'string', default: '55555' },
        'operator-port': { type: 'string', default: '55570' },
        'dns-port': { type: 'string', default: '55557' },
        ports: { type: 'string', default: '54000-55552' },
        'shared-address': { type: 'boolean', default: false },
        'strict-1.1': { type: 'boolean', default: false },
        timers: { type: 'string', default: env['SSMMP_TIMERS'] ?? 'lab' },
        'timer-scale': { type: 'string', default: env['SSMMP_TIMER_SCALE'] ?? '1' },
        'no-flush': { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    return (error as Error).message;
  }
  const { graph, address: addressText, 'state-dir': stateDir } = values;
  if (graph === undefined || addressText === undefined || stateDir === undefined)
    return '--graph, --address and --state-dir are needed';
  const address = canonicalAddress(addressText);
  if (address === null) return `--address ${addressText}: expected an IPv4 or IPv6 literal such as 127.0.0.1`;
  const port = parsePort(values.port);
  if (port === null) return `--port ${values.port}: expected a port from 1 to 65535`;
  const operatorPort = parsePort(values['operator-port']);
  if (operatorPort === null) return `--operator-port ${values['operator-port']}: expected a port from 1 to 65535`;
  const dnsPort = parsePort(values['dns-port']);
  if (dnsPort === null) return `--dns-port ${values['dns-port']}: expected a port from 1 to 65535`;
  const range = /^(\d+)-(\d+)$/.exec(values.ports);
  const portFirst = parsePort(range?.[1] ?? '');
  const portLast = parsePort(range?.[2] ?? '');
  if (portFirst === null || portLast === null || portFirst > portLast)
    return `--ports ${values.ports}: expected two ports such as 54000-55552`;
  const { timers: timerPreset } = values;
  if (!isTimerPreset(timerPreset)) return `--timers ${timerPreset}: expected ${TIMER_PRESETS.join(', ')}`;
  const timerScale = Number(values['timer-scale']);
  if (!(timerScale >= TIMER_SCALE_MIN && timerScale <= TIMER_SCALE_MAX))
    return `--timer-scale ${values['timer-scale']}: expected a number from ${TIMER_SCALE_MIN} to ${TIMER_SCALE_MAX}`;
  if (values['shared-address'] && values['strict-1.1'])
    return '--shared-address needs the line x_node, which --strict-1.1 forbids (R16)';
  return {
    graphFile: graph,
    address,
    stateDir,
    mirror: values.mirror ?? null,
    port,
    operatorPort,
    dnsPort,
    portFirst,
    portLast,
    sharedAddress: values['shared-address'],
    strict: values['strict-1.1'],
    timerScale,
    timerPreset,
    flush: !values['no-flush'],
  };
}
