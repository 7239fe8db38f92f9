/** Power button and power-off of a PC with ACPI. v86 only has the registers. */
import { HoldfastError } from '../../errors.ts';

/** Bit of PM1_STS and PM1_EN. ACPI 6.5, 4.8.4.1.1. */
const powerButton = 1 << 8;
/** The system control interrupt of a PIIX4. */
const sciIrq = 9;
/** PM1_CNT, at SeaBIOS's place for the registers of a PIIX4. */
const controlPort = 0xb004;
/** Bits of PM1_CNT: enter the sleep state of this type. ACPI 6.5, 4.8.4.2.1. */
const sleepEnable = 1 << 13;
const sleepType = 7 << 10;
/** Type of S5 ("soft off") in SeaBIOS's tables. */
const softOff = 0;

/** Calls `poweredOff` when the guest turns the machine off, which v86 ignores. */
export function onPowerOff(cpu: V86Cpu, poweredOff: () => void): void {
  const { acpi } = cpu.devices;
  if (!acpi) return;
  const port = cpu.io.ports[controlPort];
  if (!port) throw new HoldfastError('runtime-incompatible', "v86's ACPI has no control register.");
  const { write16 } = port;
  port.write16 = (value) => {
    write16.call(acpi, value);
    if (value & sleepEnable && (value & sleepType) === softOff) poweredOff();
  };
}

/**
 * Presses the power button: a guest that reacts to it shuts down.
 * @throws HoldfastError `bad-config` without ACPI, `bad-runstate` if the guest does not react to it
 */
export function pressPowerButton(cpu: V86Cpu): void {
  const { acpi } = cpu.devices;
  if (!acpi)
    throw new HoldfastError(
      'bad-config',
      'This machine has no ACPI, so it has no power button. Shut the guest down from within (poweroff), send it ctrl-alt-delete, or start it with "acpi".',
    );
  if ((acpi.pm1_enable & powerButton) === 0)
    throw new HoldfastError(
      'bad-runstate',
      'The guest does not listen to the power button: its system has no ACPI, or has not got that far. Shut it down from within.',
    );
  acpi.pm1_status |= powerButton;
  cpu.device_raise_irq(sciIrq);
}
