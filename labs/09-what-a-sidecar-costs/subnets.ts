/**
 * Where the three clusters of measure.mjs run when we start it: 127.N.1 to .3, where a student's own are not.
 *
 * Lives here: the choice of N.
 */
import { randomInt } from 'node:crypto';

const FROM = 140;
const TO = 190;

/** `127.N` of chance, for `--subnet`. */
export function anySubnets(): string {
  return `127.${randomInt(FROM, TO)}`;
}
