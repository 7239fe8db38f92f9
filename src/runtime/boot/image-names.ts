/** The files that a guest boots from, by name. */
export const imageNames = ['bios', 'vgaBios', 'bzImage', 'initrd', 'multiboot'] as const;

export type ImageName = (typeof imageNames)[number];

export type BootImages = Partial<Record<ImageName, Uint8Array<ArrayBuffer>>>;
