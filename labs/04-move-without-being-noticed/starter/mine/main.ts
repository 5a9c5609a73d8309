/** The process of your file-transfer. */
import { runService } from 'ssmmp-lab/services/kit/main.ts';
import { create } from './file-transfer.ts';

runService(create);
