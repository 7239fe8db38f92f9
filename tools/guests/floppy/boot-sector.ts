// Made from tools/guests/floppy/floppy.asm by build.sh. Do not edit.
export const floppyBootSector =
  'McCO2I7AjtC8AHyIFmd8Mfa4AQK2AOgvAHIVoACA6DcAgA4AgCC4AQO2AegaAHMNsCHoIwC0AIoWZ3zNE0aD/lBy' +
  'zr4BAOvJifGIzbEBihZnfLsAgM0Tw1C6/QPsqCB0+1i6+APuww==';
