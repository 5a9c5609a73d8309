/**
 * Entry of the process in which `ssmmp lab check` runs a check; bundled to dist/lab-check.js. Nobody else starts it.
 *
 * Lives here: nothing but the start.
 */
import { attendCheck } from './shell/check-process.ts';

attendCheck();
