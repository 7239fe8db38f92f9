/** Size of a page of the guest's memory, as x86 and every stored format count it. */
export const pageBytes = 4096;
