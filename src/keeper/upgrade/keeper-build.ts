/**
 * Id of this keeper's build: 16 hex digits of a hash over its script. The bundler puts it in the place
 * of this text (tools/site-workers.ts).
 */
export const keeperBuild: string = '__KEEPER_BUILD__';
