/** Starts an instance of the relay, under whatever name it is given. */
import { runService } from '../kit/main.ts';
import { create } from './service.ts';

runService(create);
