import { CprError } from '../errors.ts';

/** Bit of PM1_STS and PM1_EN. ACPI 6.5, 4.8.4.1.1. */
const powerButton = 1 << 8;
/** The system control interrupt of a PIIX4. */
const sciIrq = 9;

/**
 * As if somebody pressed it: a guest that listens shuts itself down.
 * @throws CprError `bad-config` without ACPI, `bad-runstate` when the guest does not listen
 */
export function pressPowerButton(cpu: V86Cpu): void {
  const { acpi } = cpu.devices;
  if (!acpi)
    throw new CprError(
      'bad-config',
      'This machine has no ACPI, so it has no power button. Shut the guest down from within (poweroff), send it ctrl-alt-delete, or start it with "acpi".',
    );
  if ((acpi.pm1_enable & powerButton) === 0)
    throw new CprError(
      'bad-runstate',
      'The guest does not listen to the power button: its system has no ACPI, or has not got that far. Shut it down from within.',
    );
  acpi.pm1_status |= powerButton;
  cpu.device_raise_irq(sciIrq);
}
