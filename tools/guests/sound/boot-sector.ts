// Made from tools/guests/sound/sound.asm by build.sh. Do not edit.
export const soundBootSector =
  '+jHAjtiO0LwAfPzHBjQAwXyjNgC4ABCOwDH/sED3xxAAdAKwwKqB/wAQde/kISTf5iGwUuicAPv0uv0D7KgBdPe6' +
  '+APsPHd0LDxxdGY8YnQOPG514+RhJPzmYbBO61ywtuZDsKnmQrAE5kLkYQwD5mGwQutGuiYCsAHuMMDuuioC7LAF' +
  '5grmDLBZ5gswwOYC5gKw/+YDsA/mA7AB5oOwAeYKvuJ8uQcAuiwCrO7i/LBX6wi6LAKw0O6wUegVAOl3/1BSui4C' +
  '7LAu6AcAsCDmIFpYz1C6/QPsqCB0+1i6+APuw0E+gMYA/wc=';
