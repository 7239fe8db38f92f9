import { createMachine, demoLinux } from 'holdfast';
import { carryOver } from './carry-over';

// A complete example, for a guest at its prompt:
const machine = await createMachine(demoLinux);
Object.assign(window, { carryOver: () => carryOver(machine) });
