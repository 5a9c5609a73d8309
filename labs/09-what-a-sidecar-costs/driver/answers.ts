/**
 * The answers that follow from measured.json, for plays.
 */
import type { Work } from '../../runner/api.ts';

interface Row {
  readonly variant: string;
  readonly p50_ms: number;
  readonly cpu_us_a_request: number | null;
  readonly processes: number | null;
}

/** Writes answers.yaml as a student does who has read measured.json well. */
export function answerFrom(work: Work): void {
  if (!work.has('measured.json')) return; // not measured yet
  const rows = JSON.parse(work.text('measured.json')) as Row[];
  const middle = (variant: string, name: 'p50_ms' | 'cpu_us_a_request' | 'processes'): number | null => {
    const values = rows.filter((row) => row.variant === variant).map((row) => row[name]);
    if (values.some((value) => value === null)) return null;
    return (values as number[]).sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? null;
  };
  const added = (variant: string, name: 'p50_ms' | 'cpu_us_a_request'): string => {
    const [base, value] = [middle('direct', name), middle(variant, name)];
    return base === null || value === null ? 'null' : ((100 * value) / base - 100).toFixed(1);
  };
  const [few, many] = [middle('direct', 'processes'), middle('forward', 'processes')];
  work.write(
    'answers.yaml',
    [
      'passages_of_a_post: 8',
      'p50_added_percent:',
      `  forward: ${added('forward', 'p50_ms')}`,
      `  parse: ${added('parse', 'p50_ms')}`,
      'cpu_added_percent:',
      `  forward: ${added('forward', 'cpu_us_a_request')}`,
      `  parse: ${added('parse', 'cpu_us_a_request')}`,
      `processes_added: ${few === null || many === null ? 'null' : many - few}`,
      '',
    ].join('\n'),
  );
}
