/**
 * Reports a changed CD to the guest. Older versions of v86, such as 0.5.409, record the change.
 * They report it only to a command that hardly any system uses. This patch adds the behaviour of newer
 * versions. The next two commands end with "no medium" and "medium may have changed" (MMC-6,
 * section 4.1.6).
 */

const requestSense = 0x03;
const inquiry = 0x12;
const sense = { notReady: 0x02, noMedium: 0x3a, unitAttention: 0x06, mediumChanged: 0x28 } as const;

const patched = new WeakSet<object>();

export function announceMediumChanges(cdrom: V86IdeInterface): void {
  // Newer versions count down: 2 after a change.
  if (typeof cdrom.medium_changed !== 'boolean') return;
  // The drive itself is sealed.
  const drives = Object.getPrototypeOf(cdrom) as V86IdeInterface;
  if (patched.has(drives)) return;
  patched.add(drives);
  const handle = drives.atapi_handle;
  drives.atapi_handle = function atapi_handle() {
    const [command = 0] = this.data;
    const { medium_changed: change } = this;
    if (!change || !this.buffer || command === requestSense || command === inquiry) {
      handle.call(this);
      return;
    }
    this.data_pointer = 0;
    this.current_atapi_command = command;
    const first = change === true || change === 2;
    this.medium_changed = first ? 1 : 0;
    if (first) this.atapi_check_condition_response(sense.notReady, sense.noMedium);
    else this.atapi_check_condition_response(sense.unitAttention, sense.mediumChanged);
    this.push_irq();
  };
}
